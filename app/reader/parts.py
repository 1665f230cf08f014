"""A clause with the step it is about and what it says of it, by itself and beside its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from app.reader import wishes, words
from app.reader.aftermath import OWN_MATTER
from app.reader.heard import ABOUT_A_STEP, Heard, Part, best_step, own_titles, place
from app.reader.polarity import LOOKED
from app.reader.status import DONE, NOT_DONE, Said, said
from app.reader.text import Clause, Sentence
from app.reader.turned import halted, unfailed
from app.reader.values import has_it
from knowledge.model import Procedure

CERTAIN = 0.95
"""From here on a clause is about its step and nothing else."""

TITLE = "xxxx"
"""What a title begins with once it is masked."""

BRIEFLY = 3
"""Words; what is said in so few goes on about what was spoken of."""


def part_of(heard: Heard, clause: Clause, procedure: Procedure) -> Part:
    scores = heard.scores.get(place(clause.piece)) or []
    head = heard.scores.get(place(clause.head)) if clause.head else None
    if head and max(head) >= max(scores, default=0.0):
        scores = head
    best = best_step(scores)
    if best is not None:
        clause = unfailed(clause, procedure.steps[best], heard.lang)
    meant = said(clause, heard.lang, heard.states[place(clause.piece)], titled=TITLE in clause.piece.folded)
    if meant.status is None and best is not None and max(scores) >= CERTAIN:
        meant = has_it(clause, procedure.steps[best], heard.lang, meant)
    if (
        best is not None
        and meant.status is None
        and not meant.open
        and halted(clause, best, heard, procedure)
    ):
        meant = Said(DONE, 0.8, meant.short, backed=True)
    if words.REASON.match(clause.piece.folded) and max(scores, default=0.0) < OWN_MATTER:
        return Part(clause, (), 0.0, Said(None, 0.0, open=True))
    if best is not None and words.WITHDRAW.search(clause.piece.folded):
        meant = Said(NOT_DONE, 0.8, meant.short, backed=True)
    if wishes.SKIP.search(clause.piece.folded) or _leads_elsewhere(clause):
        meant = Said(None, 0.0, meant.short, open=True)
    return Part(clause, () if best is None else (best,), max(scores, default=0.0), meant)


def untitled(clause: Clause, procedure: Procedure) -> Clause:
    """Who quotes the title `Remove what bounced` says neither that it is removed nor that it bounced."""
    folded = clause.piece.folded
    for step in procedure.steps:
        for title in own_titles(step):
            if " " in title:
                folded = folded.replace(title, TITLE + "x" * (len(title) - len(TITLE)))
    return clause._replace(piece=clause.piece._replace(folded=folded))


def _leads_elsewhere(clause: Clause) -> bool:
    """`Unrelated:`, `another question`: no participle of these tells of a step."""
    return (
        len(clause.piece.folded.split()) <= BRIEFLY and wishes.SWITCH.search(clause.piece.folded) is not None
    )


def without_nods(parts: Sequence[Part], *, told: bool) -> list[Part]:
    """Where nothing was asked, `ok` and `I have looked` tell of no step; but `Set up a link - ok` does.

    `told`: we spoke of a step before; else `Confirmed.` tells of none, though a step may have that word.
    """
    return [
        _heard_only(part) if _only_nods(part, ahead, told=told) or (parts[1:] and _looked(part)) else part
        for ahead, part in zip((None, *parts), parts, strict=False)
    ]


def _only_nods(part: Part, ahead: Part | None, *, told: bool) -> bool:
    folded = part.clause.piece.folded
    if ahead is not None and _title_alone(ahead):
        return False
    return bool(words.NODS.fullmatch(folded) or (not told and wishes.AGREES.fullmatch(folded)))


def _title_alone(part: Part) -> bool:
    return part.clause.piece.folded.startswith(TITLE) and not part.clause.piece.folded.strip(f"{TITLE}x \"'*")


def _heard_only(part: Part) -> Part:
    return part._replace(steps=(), sureness=0.0, said=Said(None, 0.0, part.said.short))


def _looked(part: Part) -> bool:
    """`It is active, I have looked`: that somebody looked tells of no step."""
    said = part.clause.piece.folded.split()
    return len(said) <= BRIEFLY + 1 and "did" not in said and LOOKED.match(" ".join(said)) is not None


def with_neighbours(parts: list[Part]) -> list[Part]:
    """`Tracking, branded link and certificate are done`: a bare mention takes its neighbour's status."""
    result = list(parts)
    for number, part in enumerate(parts):
        if part.clause.label:
            continue
        if not part.steps or part.said.status or part.said.open or len(part.clause.piece.folded.split()) > 7:
            continue
        later = next((p for p in parts[number + 1 :] if p.said.status or p.said.open), None)
        before = next((p for p in reversed(result[:number]) if p.said.status), None)
        if later is not None and later.said.status and later.steps != part.steps:
            # `I set up the link, the proxy, but the certificate failed`: the bare one belongs to the first.
            source = before if before is not None and later.said.status != DONE and later.steps else later
            result[number] = part._replace(said=source.said)
        elif before is not None:
            result[number] = part._replace(said=before.said)
    return result


def whole_sentence(heard: Heard, sentence: Sentence, parts: list[Part]) -> list[Part]:
    """Where no clause alone is about a step, the sentence may be."""
    if any(part.steps or part.clause.label for part in parts) or words.WISH.search(sentence.piece.folded):
        return parts
    best = best_step(heard.scores.get(place(sentence.piece)), 0.6)
    if best is None:
        return parts
    return [
        part._replace(steps=(best,), sureness=ABOUT_A_STEP) if part.said.status else part for part in parts
    ]
