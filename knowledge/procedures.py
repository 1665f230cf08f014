"""A page with steps -> Procedure. Whatever is wrong with the page is named with file and line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from knowledge.frontmatter import Where, split
from knowledge.languages import language_code
from knowledge.markdown import Section, sections, without_number
from knowledge.model import Advice, Procedure, Step
from knowledge.page_reader import ENDS, PageReader
from knowledge.ways import check_ways
from knowledge.yaml_reader import near

PAGE_KEYS = frozenset(
    {
        "title",
        "lang",
        "updated",
        "translation_of",
        "audience",
        "procedure",
        "when",
        "subject",
        "steps",
        "action",
        "titles",
    }
)
STEP_KEYS = frozenset(
    {"id", "check", "must_check", "subject", "outcomes", "next", "seen", "says", "titles", "labels"}
)
RESERVED = ENDS | {"done"}


def parse_procedure(
    text: str,
    *,
    path: str,
    document: str,
    version: str,
    checks: frozenset[str] | None,
    actions: frozenset[str] | None,
) -> Procedure | None:
    """None where the page has no `procedure:`; raises `PageError` where it has one that cannot be followed.

    `checks` and `actions` are the names this installation has; None accepts any name.
    """
    page = split(text, path)
    if "procedure" not in page.data:
        return None
    reader = PageReader(page, path)
    reader.known_keys((), page.data, PAGE_KEYS)
    name = reader.name(("procedure",))
    subjects = reader.subjects()
    written = sections(page.body)
    steps = _steps(reader, subjects, written, checks)
    action = reader.optional_word(("action",))
    if action is not None:
        reader.known_name(("action",), action, actions, "action")
    procedure = Procedure(
        id=name,
        document=document,
        version=version,
        path=path,
        lang=language_code(str(page.data.get("lang", "en"))),
        title=reader.word(("title",)),
        when=reader.word(("when",)),
        intro=_intro(page.body, written, {step.id for step in steps}),
        subjects=subjects,
        steps=steps,
        action=action,
        advice=_advice(reader, steps, written),
        titles=reader.titles(("titles",), page.data.get("titles")),
    )
    if procedure.branches:
        check_ways(reader, procedure)
    return procedure


def machine_part(procedure: Procedure) -> str:
    """Digest of what machines follow: when it changes, a person must approve the page again."""
    followed = {
        "subjects": procedure.subjects,
        "steps": [
            [
                *(s.id, s.subject, s.check.model_dump() if s.check else None, s.must_check, s.outcomes),
                # Only where they are given, so that what was approved before these existed stays approved.
                *((s.next, s.seen) if s.next or s.seen else ()),
            ]
            for s in procedure.steps
        ],
        "action": procedure.action,
    }
    return hashlib.sha256(json.dumps(followed, sort_keys=True).encode()).hexdigest()


def localized(
    procedure: Procedure, text: str, *, document: str, version: str, path: str, lang: str
) -> Procedure:
    """The procedure in the words of its translated page; a section that is missing there stays as it was."""
    page = split(text, path)
    written = {s.anchor: s for s in sections(page.body) if s.explicit}
    lines = page.body.split("\n")
    steps = tuple(_step_in(step, written.get(step.anchor), lines, lang) for step in procedure.steps)
    ids = {step.id for step in steps}
    return procedure.model_copy(
        update={
            "document": document,
            "version": version,
            "path": path,
            "lang": lang,
            "title": str(page.data.get("title") or procedure.title),
            "intro": _intro(page.body, list(written.values()), ids) or procedure.intro,
            "steps": steps,
            "advice": tuple(_advice_in(each, written.get(each.id), lines) for each in procedure.advice),
        }
    )


def _advice_in(advice: Advice, section: Section | None, lines: list[str]) -> Advice:
    if section is None:
        return advice
    words = "\n".join(lines[section.start : section.end]).strip("\n")
    return advice.model_copy(update={"title": section.title, "text": words})


def _step_in(step: Step, section: Section | None, lines: list[str], lang: str) -> Step:
    if section is None:
        return step.model_copy(update={"title": step.title_in(lang)})
    words = "\n".join(lines[section.start : section.end]).strip("\n")
    return step.model_copy(update={"title": without_number(section.title), "text": words})


def _steps(
    reader: PageReader, subjects: tuple[str, ...], written: list[Section], checks: Collection[str] | None
) -> tuple[Step, ...]:
    declared = reader.page.data.get("steps")
    if not isinstance(declared, list) or not declared:
        reader.fail(("steps",), "the procedure has no steps", "List at least one, e.g. `- {id: first-step}`.")
    raw = [reader.mapping(("steps", at), item) for at, item in enumerate(declared)]
    for at, item in enumerate(raw):
        reader.known_keys(("steps", at), item, STEP_KEYS)
    ids = [reader.name(("steps", at, "id")) for at in range(len(raw))]
    for at, id in enumerate(ids):
        if id in ids[:at]:
            reader.fail(("steps", at), f"step `{id}` is listed twice", "Give each step an id of its own.")
        if id in RESERVED:
            reader.fail(("steps", at), f"`{id}` is where a procedure ends", "Choose another id for the step.")
    by_id = _step_sections(reader, ids, written)
    places = {*ids, *(s.anchor for s in written if s.explicit and s.anchor)}
    return tuple(
        _step(reader, at, item, section=by_id[ids[at]], subjects=subjects, places=places, checks=checks)
        for at, item in enumerate(raw)
    )


def _step(
    reader: PageReader,
    at: int,
    item: dict[str, object],
    *,
    section: Section,
    subjects: tuple[str, ...],
    places: set[str],
    checks: Collection[str] | None,
) -> Step:
    where: Where = ("steps", at)
    id = str(item["id"])
    subject = item.get("subject", subjects[0])
    if subject not in subjects:
        reader.fail(
            (*where, "subject"),
            f"step `{id}` is about `{subject}`, which the procedure does not name",
            f"Use one of: {', '.join(subjects)}; or add it to `subject:` of the page.",
        )
    must_check = item.get("must_check", False)
    if not isinstance(must_check, bool):
        reader.fail(
            (*where, "must_check"), "`must_check` is neither true nor false", "Write `must_check: true`."
        )
    check = reader.check((*where, "check"), item.get("check"), checks)
    if must_check and check is None:
        reader.fail(
            (*where, "must_check"), f"step `{id}` must be checked but names no check", "Add `check: NAME`."
        )
    words = "\n".join(reader.page.body.split("\n")[section.start : section.end]).strip("\n")
    if not words.strip():
        reader.fail_at(
            section.line, f"the section of step `{id}` is empty", "Say what the customer has to do."
        )
    outcomes = reader.outcomes((*where, "outcomes"), item.get("outcomes"), id, places)
    says = reader.says((*where, "says"), item.get("says"), [name for name, _ in outcomes])
    after = reader.target((*where, "next"), item.get("next"), id, places)
    if outcomes and after is not None:
        reader.fail(
            (*where, "next"), f"step `{id}` has outcomes and `next`", "Say where it leads in `outcomes:`."
        )
    return Step(
        id=id,
        title=without_number(section.title),
        text=words,
        anchor=id,
        subject=str(subject),
        check=check,
        must_check=must_check,
        outcomes=outcomes,
        next=after,
        seen=reader.seen((*where, "seen"), item.get("seen"), [name for name, _ in outcomes], check),
        titles=reader.titles((*where, "titles"), item.get("titles")),
        says_done=says.get("done", ()),
        says_not_done=says.get("not_done", ()),
        says=tuple((name, says[name]) for name, _ in outcomes if name in says),
        labels=reader.labels((*where, "labels"), item.get("labels"), [name for name, _ in outcomes]),
    )


def _advice(reader: PageReader, steps: tuple[Step, ...], written: list[Section]) -> tuple[Advice, ...]:
    """The sections that outcomes lead to, in the order of the page."""
    ids = {step.id for step in steps}
    targets = {target for step in steps for _, target in step.outcomes} | {step.next for step in steps}
    lines = reader.page.body.split("\n")
    found = []
    for section in written:
        if not section.explicit or section.anchor not in targets - ids - ENDS:
            continue
        words = "\n".join(lines[section.start : section.end]).strip("\n")
        if not words.strip():
            fix = "Say what the customer has to do."
            reader.fail_at(section.line, f"the section `{section.anchor}` is empty", fix)
        found.append(Advice(id=str(section.anchor), title=section.title, text=words))
    return tuple(found)


def _step_sections(reader: PageReader, ids: list[str], written: list[Section]) -> dict[str, Section]:
    found: dict[str, Section] = {}
    for section in written:
        if section.explicit and section.anchor in ids:
            if section.anchor in found:
                reader.fail_at(
                    section.line, f"a second section says {{#{section.anchor}}}", "Keep one of them."
                )
            found[section.anchor] = section
        elif section.numbered and section.explicit:
            close = near(str(section.anchor), ids)
            reader.fail_at(
                section.line, f"no step has the id `{section.anchor}`", close or "Add it to `steps:`."
            )
    for at, id in enumerate(ids):
        if id not in found:
            fix = f"Give the heading of its section the anchor {{#{id}}}."
            reader.fail(("steps", at), f"step `{id}` has no section", fix)
    order = sorted(ids, key=lambda id: found[id].line)
    if order != ids:
        late = next(id for id, other in zip(ids, order, strict=True) if id != other)
        fix = f"Write them in the order of `steps:` ({', '.join(ids)})."
        reader.fail_at(found[late].line, "the sections stand in another order than the steps", fix)
    return found


def _intro(body: str, written: list[Section], steps: set[str]) -> str:
    first = min((s.line for s in written if s.anchor in steps and s.explicit), default=0)
    lines = body.split("\n")[:first]
    # A heading that only repeats the title of the page is no introduction.
    return "\n".join(line for line in lines if not line.startswith("# ")).strip()
