"""What of a message is a page of ours, word for word: quoted without a mark, and not the customer's word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from app.reader.folding import fold
from knowledge.model import Procedure

Span = tuple[int, int]

RUN = 5
"""Words in a row that tell a page from chance."""
LEAST_RUN = 8
"""Words of a page in a row that are a quotation; who reports a step borrows fewer of them."""
BRIDGE = 3
"""Words between two runs that somebody left out, changed or put in."""

_WORD = re.compile(r"\w+(?:[.'-]\w+)*")
_MARKUP = re.compile(r"\]\([^)\s]*\)|\{#[\w-]+\}")
"""Targets of links and anchors, which are gone where a page is copied as people see it."""


def texts_of(procedures: Sequence[Procedure]) -> tuple[str, ...]:
    """The pages as people read them, a section with its heading."""
    found = (
        text
        for procedure in procedures
        for text in (
            procedure.intro,
            *(f"{step.title}\n{step.text}" for step in procedure.steps),
            *(f"{advice.title}\n{advice.text}" for advice in procedure.advice),
        )
    )
    return tuple(found)


def answers_to(procedures: Sequence[Procedure]) -> tuple[str, ...]:
    """What people repeat of a page to tell how far they are: titles, and examples of what is said."""
    return tuple(
        text
        for step in (step for procedure in procedures for step in procedure.steps)
        for text in (
            step.title,
            *step.says_done,
            *step.says_not_done,
            *(t for _, ts in step.says for t in ts),
        )
    )


def runs_of(procedures: Sequence[Procedure]) -> frozenset[str]:
    """All runs of words of their pages but those that report something."""
    return _runs_of(texts_of(procedures), answers_to(procedures))


@lru_cache(maxsize=8)
def _runs_of(texts: tuple[str, ...], answers: tuple[str, ...]) -> frozenset[str]:
    told, said = (frozenset(run for text in some for run in _runs(fold(text))) for some in (texts, answers))
    return told - said


def _runs(folded: str) -> Iterator[str]:
    plain, words = _words(folded)
    for first in range(len(words) - RUN + 1):
        yield _run(plain, words[first : first + RUN])


def _words(folded: str) -> tuple[str, list[Span]]:
    plain = _MARKUP.sub(lambda match: " " * len(match[0]), folded)
    return plain, [match.span() for match in _WORD.finditer(plain)]


def _run(plain: str, words: Sequence[Span]) -> str:
    return " ".join(plain[start:end] for start, end in words)


def places_of_pages(folded: str, pages: frozenset[str], titles: Sequence[Span] = ()) -> list[Span]:
    """Where the words of a page stand. `titles`: who only names steps quotes nothing."""
    plain, words = _words(folded)
    covered = [False] * len(words)
    for first in range(len(words) - RUN + 1):
        if _run(plain, words[first : first + RUN]) in pages:
            covered[first : first + RUN] = [True] * RUN
    named: set[int] = set()
    for first, last in titles:
        inside = [place for place, (start, end) in enumerate(words) if first <= start and end <= last]
        named.update(inside)
        if any(covered[place] for place in inside):  # a heading goes with its section
            for place in inside:
                covered[place] = True

    return [
        (words[first][0], words[last][1])
        for first, last in _bridged(covered)
        if sum(covered[place] and place not in named for place in range(first, last + 1)) >= LEAST_RUN
    ]


def _bridged(covered: Sequence[bool]) -> list[Span]:
    """First and last word of every stretch; small gaps belong to it."""
    found: list[Span] = []
    for place in (place for place, inside in enumerate(covered) if inside):
        if found and place - found[-1][1] <= BRIDGE + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found
