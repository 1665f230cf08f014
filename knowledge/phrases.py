"""What there is to say of pages, without words: which sentence, and what goes into it.

It is kept and handed on like this; `app/phrases.py` makes the sentence for whoever reads it, in their
language. To add one: a line in `SLOTS`, and the sentence in each `app/texts/*.phrases.yaml`; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from knowledge.model import Value


class Phrase(Value):
    """One sentence, or a piece of one; made with `phrase`."""

    key: str
    slots: Mapping[str, str | int | Phrase | tuple[Phrase, ...]] = {}
    """Words of pages and names as they are, numbers, and what is ours to say as phrases again."""


AS_STORED = "as_stored"
"""A sentence of before phrases were kept: as it was written then, until the next look."""

_SLOTS = {
    AS_STORED: "text",
    # two pages, one matter
    "same_text": "pages",
    "same_text.todo": "",
    "versions": "pages share",
    "versions_older": "pages share days",
    "reworded.todo": "",
    "superseded.todo": "",
    "same_task": "",
    "same_task.todo": "",
    "contradiction.who": "one two",
    "contradiction.plan": "one two",
    "contradiction.number": "one two",
    "contradiction.must": "one two",
    "contradiction.target": "one two record",
    "contradiction.path": "one two",
    "contradiction.limit": "plan",
    "contradiction.order": "first second",
    "contradiction.todo": "",
    "contradiction.order.todo": "",
    "newer.year": "",
    "newer.years": "years",
    "who.support": "",
    "who.automatic": "",
    "who.you": "",
    "must.do": "",
    "must.not": "",
    "must.again": "",
    "must.not_again": "",
    # what is no longer so
    "gone.label": "label",
    "gone.renamed": "label now",
    "gone.endpoint": "endpoint",
    "gone.label.todo": "",
    "gone.renamed.todo": "now",
    "gone.endpoint.todo": "",
    "dated": "day",
    "dated.todo": "",
    # translations
    "translation.differs": "signs details",
    "translation.todo": "",
    "translation.orphan": "share",
    "translation.orphan.todo": "",
    "sign.code": "",
    "sign.links": "",
    "sign.figures": "",
    "sign.headings": "",
    "sign.items": "",
    "sign.length": "",
    "detail.lacks": "lacks",
    "detail.has": "has",
    "detail.lacks_and_has": "lacks has",
    "detail.fewer_headings": "n",
    "detail.more_headings": "n",
    "detail.fewer_items": "n",
    "detail.more_items": "n",
    "detail.length": "words original",
    # links and ends
    "link.no_page": "target",
    "link.no_section": "page section",
    "link.no_sections": "page section more",
    "link.linked_by": "pages",
    "link.no_page.todo": "",
    "link.no_section.todo": "",
    "dead_end": "procedure",
    "dead_end.cases": "cases",
    "dead_end.todo": "title procedure path",
    # questions
    "never_found": "questions",
    "never_found.todo": "",
    "no_page.once": "",
    "no_page.times": "times",
    "no_page.todo": "",
    # what comes up in conversations
    "screen_missing": "",
    "screen_missing.todo": "",
    "probe_contradicts.step": "check",
    "probe_contradicts.action": "action",
    "probe_contradicts.todo": "",
    "marked_wrong": "",
    "marked_wrong.todo": "",
    "no_source": "",
    "no_source.todo": "",
    # what machines follow of a procedure
    "procedure.subjects": "",
    "procedure.subjects.are": "subjects",
    "procedure.subjects.were": "before after",
    "procedure.step": "id",
    "procedure.step.is": "id title",
    "procedure.step.changed": "id what",
    "procedure.order": "",
    "procedure.order.was": "before after",
    "procedure.action": "",
    "procedure.action.is": "action",
    "procedure.action.was": "before after",
    "procedure.none": "",
    "procedure.subject": "subject",
    "procedure.subject.was": "before after",
    "procedure.check": "check",
    "procedure.check.was": "before after",
    "procedure.must_check": "",
    "procedure.must_check.now": "",
    "procedure.must_check.no_more": "",
    "procedure.outcome": "name to",
    "procedure.outcome.was": "name before after",
    "procedure.outcome.order": "before after",
    "procedure.seen": "name to",
    "procedure.seen.was": "name before after",
    "procedure.seen.order": "before after",
    "procedure.next": "next",
    "procedure.next.was": "before after",
    "procedure.step_below": "",
    "procedure.words": "names",
    "procedure.title": "",
    "procedure.when": "",
    "procedure.intro": "",
}
SLOTS: Mapping[str, frozenset[str]] = {key: frozenset(names.split()) for key, names in _SLOTS.items()}
"""Every phrase there is, and what goes into each."""


def phrase(key: str, **slots: str | int | Phrase | tuple[Phrase, ...]) -> Phrase:
    """Raises `ValueError` where a slot is missing, or one is given that the sentence does not have."""
    if slots.keys() != SLOTS[key]:
        raise ValueError(f"{key} takes {', '.join(sorted(SLOTS[key])) or 'nothing'}")
    return Phrase(key=key, slots=slots)
