"""A step that stops or removes something, or whose very verb is said, turns round what plain words say."""

from __future__ import annotations

import re

from app.doubts import SCREEN
from app.reader import words
from app.reader.heard import Heard, Part, titled_in
from app.reader.lexical import concepts_of
from app.reader.lexical import words as lexical_words
from app.reader.status import DONE, FAILED, NOT_DONE
from app.reader.text import Clause, fold
from knowledge.model import Procedure, Step

_JOINS = re.compile(r"(?<!\w)(?:and|but|yet|e|y|mas|pero|deu|dio|got|still|continua|sigue)(?!\w)|[,;:]")


def turned(part: Part, lang: str, step: Step) -> str | None:
    """Where the step makes something go away, or the clause says the step's very verb in the past."""
    folded = part.clause.piece.folded
    title = fold(step.title)
    if words.REMOVES.match(title) and _screen_gone(folded, title):
        return FAILED
    denied = words.NEGATION[lang].search(folded)
    if part.said.status == DONE and part.said.backed and words.SETTLES_ON.search(folded):
        return DONE
    if words.REMOVES.match(title) and (gone := _gone(part, denied=bool(denied))) is not None:
        return gone
    if words.FAIL.search(folded) or part.said.planned or part.said.status == FAILED:
        return None
    if (
        words.HALTS.match(title)
        and not denied
        and (words.HALTED.search(folded) or words.RUNS_ON.search(folded))
    ):
        return DONE if words.HALTED.search(folded) else NOT_DONE
    if words.REMOVES.match(title):
        if words.NO_LONGER.search(folded):
            return DONE
        if words.STILL.search(folded):
            return NOT_DONE
    elif words.STAYS.search(folded) and not denied and not part.said.backed:
        return DONE
    elif words.GONE.search(folded) and not denied and not words.FORMER.search(folded):
        return NOT_DONE
    verb = frozenset[str]().union(*(concepts_of(t.split(" ", 1)[0] or "?", c) for c, t in titled_in(step)))
    state = words.IN_STATE.search(folded)
    if state and not denied and not part.said.backed and verb & concepts_of(state["state"], lang):
        return DONE
    against = words.OPEN.search(folded) or words.DUTY.search(folded) or words.ORDERS.match(folded)
    if part.said.status == DONE or denied or against:
        return None
    past = words.PARTICIPLE[lang].search(folded) or words.PAST[lang].search(folded)
    return DONE if past and any(verb & concepts_of(word, lang) for word in lexical_words(folded)) else None


def _screen_gone(folded: str, title: str) -> bool:
    """`The button that you show is no longer there`: no word of what was to be removed, but that a page is
    out of date."""
    gone = words.NOT_THERE.search(folded) or words.NO_LONGER.search(folded)
    itself = any(not _AT.search(folded[: part.start()]) for part in SCREEN.finditer(folded))
    return bool(gone and itself and not SCREEN.search(title))


_AT = re.compile(r"(?<!\w)(?:on|in|from|at|off|na|(?<!ya )no|nas|nos|em|en|da|do|das|dos|de|del)(?: \w+)? $")
"""What stands before a part of a product that only tells where something is: `no longer on that page`."""


def in_place(part: Part, number: int, step: Step) -> Part:
    """The part as told of a step that removes something, where it says that this is still there or is not."""
    status = _gone(part, denied=True) if words.REMOVES.match(fold(step.title)) else None
    named = words.FAIL.search(part.clause.piece.folded)
    if status is None or (status == DONE and not named):
        return part  # `it is no longer there` may be said of anything
    said = part.said._replace(status=status, strength=0.85, backed=True)
    return part._replace(steps=(number,), said=said, sureness=max(part.sureness, 0.7))


def _gone(part: Part, *, denied: bool) -> str | None:
    if _stands(part, words.STILL_THERE):
        return NOT_DONE
    return DONE if _stands(part, words.NOT_THERE) or (not denied and _removed(part)) else None


def _removed(part: Part) -> bool:
    """`The ones that gave an error are deleted`, `I took out the invalid ones`: what is removed may be
    called by what failed; `I removed them and got an error` did fail."""
    folded = part.clause.piece.folded
    removed = words.REMOVED.search(folded)
    if removed is None or part.said.planned or part.said.open or part.clause.question:
        return False
    if words.OPEN.search(words.REMOVED.sub(" ", folded)) or words.TRIED.search(folded):
        return False
    failed = words.FAIL.search(folded, removed.end())
    return failed is None or not _JOINS.search(folded[removed.end() : failed.start()])


def _stands(part: Part, there: re.Pattern[str]) -> bool:
    """`The ones with an error are still on the list`, or are not: they may be called by what failed."""
    folded = part.clause.piece.folded
    found = there.search(folded)
    if found is None or part.said.planned or part.said.open or part.clause.question:
        return False
    return all(fail.end() <= found.start() for fail in words.FAIL.finditer(folded))


def halted(clause: Clause, step: int, heard: Heard, procedure: Procedure) -> bool:
    """`It is on pause now`, where the step is to pause it."""
    folded = clause.piece.folded
    if clause.question or words.NEGATION[heard.lang].search(folded) or words.DUTY.search(folded):
        return False
    return bool(words.HALTS.match(fold(procedure.steps[step].title)) and words.HALTED.search(folded))


def unfailed(clause: Clause, step: Step, lang: str) -> Clause:
    """A word of failure that the step itself is about is its matter: `we removed the ones that bounced`."""
    matter = frozenset[str]().union(
        *(concepts_of(w, c) for c, t in titled_in(step) for w in lexical_words(t))
    )

    def masked(match: re.Match[str]) -> str:
        return "x" * len(match[0]) if concepts_of(match[0], lang) & matter else match[0]

    folded = words.FAIL.sub(masked, clause.piece.folded)
    return clause._replace(piece=clause.piece._replace(folded=folded))
