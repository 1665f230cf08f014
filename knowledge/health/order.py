"""Guides that lead through the same steps in another order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from knowledge.health.finding import Finding, finding_id
from knowledge.health.pages import PageText, dated, place_of, plain, steps
from knowledge.phrases import phrase
from knowledge.stems import stems

SAME = 0.6
"""Share of the words of two steps that are one step."""
FEWEST = 3
"""Steps that two guides must share, before their order says anything."""
MOST_STEPS = 40


def other_order(pages: Sequence[PageText], pairs: Iterable[tuple[int, int]]) -> list[Finding]:
    """`pairs`: pages that may be guides for one thing."""
    found: dict[str, Finding] = {}
    lists = [steps(page) for page in pages]
    seen: set[tuple[tuple[str, ...], tuple[str, ...]]] = set()
    for one, two in pairs:
        if pages[one].document.lang != pages[two].document.lang:
            continue
        older, newer = sorted((one, two), key=lambda n: dated(pages[n].document))
        for first in lists[older]:
            for second in lists[newer]:
                # Versions of a page repeat their lists.
                key = (tuple(first), tuple(second))
                if first == second or key in seen:
                    continue
                seen.add(key)
                finding = _compare(pages[older], pages[newer], first[:MOST_STEPS], second[:MOST_STEPS])
                if finding:
                    found.setdefault(finding.id, finding)
    return list(found.values())


def _compare(one: PageText, two: PageText, first: Sequence[str], second: Sequence[str]) -> Finding | None:
    matched = _matched(
        [_words(s, one.document.lang) for s in first], [_words(s, two.document.lang) for s in second]
    )
    if len(matched) < FEWEST:
        return None
    turned = [(a, b) for a, b in pairwise(matched) if b[1] < a[1]]
    if not turned:
        return None
    (a, _), (b, _) = turned[0]
    # Told anew from one point on is another guide, not another order.
    if len(turned) > len(matched) / 2:
        return None
    earlier, later = plain(first[a])[:80], plain(first[b])[:80]
    return Finding(
        id=finding_id("contradiction", "order", *first, *second),
        kind="contradiction",
        confidence=round(min(0.9, 0.55 + 0.05 * len(matched)), 3),
        place=place_of(one, first[b]),
        other=place_of(two, second[dict(matched)[b]]),
        why=(phrase("contradiction.order", first=earlier, second=later),),
        todo=phrase("contradiction.order.todo"),
    )


def _matched(first: Sequence[frozenset[str]], second: Sequence[frozenset[str]]) -> list[tuple[int, int]]:
    """Steps that are surely one step: each is the other's nearest, and nothing else is nearly as near."""
    found = []
    for a, words in enumerate(first):
        rated = sorted(((_share(words, other), b) for b, other in enumerate(second)), reverse=True)
        if rated and rated[0][0] >= SAME and (len(rated) < 2 or rated[1][0] < 0.8 * rated[0][0]):
            found.append((a, rated[0][1]))
    taken = [b for _, b in found]
    return [(a, b) for a, b in found if taken.count(b) == 1]


def _share(one: frozenset[str], two: frozenset[str]) -> float:
    return len(one & two) / max(1, len(one | two)) if len(one) > 2 else 0.0


@lru_cache(maxsize=20_000)
def _words(step: str, lang: str) -> frozenset[str]:
    return frozenset(stems(plain(step), lang))
