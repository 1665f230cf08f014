"""Pages that nobody's question ever finds, and questions that find no page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from knowledge.health.finding import Evidence, Finding, finding_id
from knowledge.health.pages import PageText, body, place_of
from knowledge.model import Place, Value
from knowledge.phrases import phrase
from knowledge.stems import stems

ENOUGH = 100
"""Questions from which on a page that none of them found is worth a look."""
FOUND = 0.5
"""Relevance from which on a page answers a question, as the answers have it."""
SAME = 0.6
"""Share of words of two questions that ask one thing."""


class Asked(Value):
    """A question of a conversation and what search brought for it."""

    text: str
    lang: str
    found: tuple[str, ...] = ()
    """Documents, best first."""
    relevance: float = 0.0
    """Of the best one."""
    evidence: Evidence | None = None
    """Where it was asked."""


def never_found(pages: Sequence[PageText], asked: Sequence[Asked]) -> list[Finding]:
    if len(asked) < ENOUGH:
        return []
    seen = {document for question in asked for document in question.found}
    found = []
    for page in pages:
        if page.document.id in seen or page.document.audience != "public":
            continue
        line = next(
            (x.strip() for x in body(page.text).split("\n") if len(x.split()) > 2), page.document.title
        )
        found.append(
            Finding(
                id=finding_id("never_found", page.document.id),
                kind="never_found",
                confidence=round(min(0.8, 0.4 + 0.1 * (len(asked) / ENOUGH)), 3),
                place=place_of(page, line, whole=True),
                why=(phrase("never_found", questions=len(asked)),),
                todo=phrase("never_found.todo"),
            )
        )
    return found


def no_page(asked: Sequence[Asked]) -> list[Finding]:
    """Questions of one kind together, the most frequent first."""
    open_ = [question for question in asked if question.relevance < FOUND and question.text.strip()]
    groups: list[tuple[frozenset[str], list[Asked]]] = []
    by_word: dict[str, list[int]] = defaultdict(list)
    for question in open_:
        words = frozenset(stems(question.text, question.lang))
        near = {n for word in words for n in by_word[word]}
        best = max(near, key=lambda n: _alike(words, groups[n][0]), default=None)
        if best is not None and _alike(words, groups[best][0]) >= SAME:
            groups[best][1].append(question)
            continue
        for word in words:
            by_word[word].append(len(groups))
        groups.append((words, [question]))
    return [_finding(questions) for _, questions in sorted(groups, key=lambda g: -len(g[1]))]


def _finding(questions: Sequence[Asked]) -> Finding:
    text = questions[0].text
    n = len(questions)
    return Finding(
        id=finding_id("no_page", text),
        kind="no_page",
        confidence=round(min(0.9, 0.5 + 0.08 * n), 3),
        place=Place(document="", quote=text),
        why=(phrase("no_page.times", times=n) if n > 1 else phrase("no_page.once"),),
        todo=phrase("no_page.todo"),
        cases=n,
        evidence=tuple(q.evidence for q in questions if q.evidence),
    )


def _alike(one: frozenset[str], two: frozenset[str]) -> float:
    return len(one & two) / max(1, len(one | two))
