"""Two pages that speak of one thing and lay it down differently.

Pairs come from shared rare words and from neighbouring passages, so that nothing grows with the square
of the pages. Two sentences that one page holds side by side are no contradiction: it means both.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from knowledge.health.claims import BOUND, CONDITION, UNITS, Aspect, Claim, claims, figure, tiers_in
from knowledge.health.finding import Finding, finding_id
from knowledge.health.pages import PageText, Rarity, Spot, Statement, dated, dated_path, place
from knowledge.phrases import Phrase, phrase

RARE_WORDS = 6
"""Of a sentence, by which others on its topic are found."""
POSTING = 120
"""Sentences that share a word; a word of more than these says nothing about the topic."""

ABOUT = 0.5
"""What a word of the title or a heading counts beside one of the sentence."""

LEAN = 0.6
"""How far the shorter of two sentences sets the measure: a long one says other things beside."""

LIKE: Mapping[Aspect, float] = {
    "who": 0.5,
    "plan": 0.5,
    "number": 0.62,
    "must": 0.5,
    "target": 0.5,
    "path": 0.0,
}
"""How much of their topic two sentences must share, by what they lay down."""

BASE: Mapping[Aspect, float] = {
    "who": 0.62,
    "plan": 0.66,
    "number": 0.62,
    "must": 0.6,
    "target": 0.66,
    "path": 0.6,
}
LIMIT_LIKE = 0.58
"""The same where one page says nothing of the plan at all."""
NO_LIMIT = "no such limit"
MEASURES = frozenset(
    {"money", "mb", "gb", "kb", "ms", "byte", "megabyt", "kilobyt", "charact", "caracter", "caract"}
)
MOST_PLACES = 50
YEAR = 365


class Pair(NamedTuple):
    """Two statements that lay something down differently."""

    older: Statement
    newer: Statement
    spots: tuple[Spot, Spot]
    aspect: Aspect
    key: str
    values: tuple[str, str]
    shown: tuple[str, str]
    confidence: float


class _Ground(NamedTuple):
    """What pairs are judged by."""

    pages: Sequence[PageText]
    said: Sequence[Statement]
    rarity: Rarity
    clusters: Sequence[int]
    beside: frozenset[frozenset[int]]


class _Said(NamedTuple):
    at: int
    """Place in the list of statements."""
    claim: Claim


def contradictions(
    pages: Sequence[PageText],
    said: Sequence[Statement],
    clusters: Sequence[int],
    near: Iterable[tuple[int, int]] = (),
) -> list[Finding]:
    """`clusters`: by page, pages with the same number are versions of one page. `near`: pairs of pages."""
    rarity = Rarity(said)
    tiers = tiers_in(said)
    groups: dict[tuple[str, str, str], list[_Said]] = defaultdict(list)
    for at, s in enumerate(said):
        for claim in claims(s, tiers):
            groups[s.lang, claim.aspect, claim.key].append(_Said(at, claim))
    ground = _Ground(pages, said, rarity, clusters, frozenset(frozenset(pair) for pair in near))
    best: dict[tuple[object, ...], Pair] = {}
    more: dict[tuple[object, ...], list[Pair]] = defaultdict(list)
    for group in groups.values():
        for one, two in _candidates(group, said, rarity):
            pair = _pair(ground, one, two)
            if pair is None:
                continue
            kept = _same(pair, clusters)
            more[kept].append(pair)
            before = best.get(kept)
            if before is None or (pair.confidence, pair.older.text) > (before.confidence, before.older.text):
                best[kept] = pair
    for pair in _limits(pages, said, groups, rarity, clusters):
        best[_same(pair, clusters)] = pair
    return [_finding(pages, pair, more[kept]) for kept, pair in best.items()]


def _limits(
    pages: Sequence[PageText],
    said: Sequence[Statement],
    groups: Mapping[tuple[str, str, str], Sequence[_Said]],
    rarity: Rarity,
    clusters: Sequence[int],
) -> Iterator[Pair]:
    """One version of a page limits something to a plan, the newest knows no such limit and says the rest."""
    limits = [one for (_, aspect, _), group in groups.items() if aspect == "plan" for one in group]
    limited = {spot.page for one in limits for spot in said[one.at].spots}
    newest: dict[int, int] = {}
    for at, cluster in enumerate(clusters):
        before = newest.get(cluster)
        if before is None or dated(pages[at].document) > dated(pages[before].document):
            newest[cluster] = at
    wanted = {newest[clusters[page]] for page in limited} - limited
    on_page: dict[int, list[Statement]] = defaultdict(list)
    for s in said:
        for spot in s.spots:
            if spot.page in wanted:
                on_page[spot.page].append(s)
    for one in limits:
        limit = said[one.at]
        spot = limit.spots[0]
        page = newest[clusters[spot.page]]
        rated = [(likeness(limit, s, one.claim.words, rarity), s) for s in on_page.get(page, ())]
        like, other = max(rated, key=lambda pair: pair[0], default=(0.0, limit))
        both_notes = all(dated_path(pages[n].document.path) for n in (spot.page, page))
        if like >= LIMIT_LIKE and not both_notes:
            there = next(s for s in other.spots if s.page == page)
            values = (one.claim.value, NO_LIMIT)
            sure = round(0.5 + 0.25 * like, 3)
            yield Pair(limit, other, (spot, there), "plan", "plan", values, values, sure)


def _candidates(
    group: Sequence[_Said], said: Sequence[Statement], rarity: Rarity
) -> Iterator[tuple[_Said, _Said]]:
    if len({one.claim.value for one in group}) < 2:
        return
    by_word: dict[str, list[int]] = defaultdict(list)
    for n, one in enumerate(group):
        s = said[one.at]
        for word in rarity.rarest((s.meant | s.about) - one.claim.words, RARE_WORDS):
            by_word[word].append(n)
    tried: set[tuple[int, int]] = set()
    for numbers in by_word.values():
        if len(numbers) > POSTING:
            continue
        for at, n in enumerate(numbers):
            for m in numbers[at + 1 :]:
                if (n, m) not in tried and group[n].claim.value != group[m].claim.value:
                    tried.add((n, m))
                    yield group[n], group[m]


def _pair(ground: _Ground, one: _Said, two: _Said) -> Pair | None:
    pages, said, rarity, clusters, beside = ground
    first, second = said[one.at], said[two.at]
    aspect = one.claim.aspect
    if one.at == two.at or not _differ(one.claim, two.claim, first, second):
        return None
    here, there = {s.page for s in first.spots}, {s.page for s in second.spots}
    if here & there:
        return None
    like = likeness(first, second, one.claim.words | two.claim.words, rarity)
    if like < LIKE[aspect]:
        return None
    spots = (first.spots[0], second.spots[0])
    days = (dated(pages[spots[0].page].document) - dated(pages[spots[1].page].document)).days
    if days > 0:
        first, second, one, two, spots = second, first, two, one, (spots[1], spots[0])
    confidence = BASE[aspect] + 0.3 * (like - 0.5)
    same_page = clusters[spots[0].page] == clusters[spots[1].page]
    confidence += 0.08 if same_page else 0.0
    confidence += 0.04 if frozenset({spots[0].page, spots[1].page}) in beside else 0.0
    # What holds "if ..." on one page only may go well with what the other says without it.
    if bool(CONDITION.search(first.text)) != bool(CONDITION.search(second.text)):
        confidence -= 0.1
    confidence += _weight(one.claim, two.claim)
    values = (one.claim.value, two.claim.value)
    confidence = round(min(0.97, max(0.05, confidence)), 3)
    shown = (one.claim.shown or values[0], two.claim.shown or values[1])
    return Pair(first, second, spots, aspect, one.claim.key, values, shown, confidence)


def likeness(first: Statement, second: Statement, claimed: frozenset[str], rarity: Rarity) -> float:
    """0..1: the rarer the words they share, the more; words of the headings count less."""
    one, two = first.meant - claimed, second.meant - claimed
    if not one or not two:
        return 0.0
    both = one & two
    lent = ((one & second.about) | (two & first.about)) - both
    above = (first.about & second.about) - both - lent - claimed
    shared = rarity.weight(both) + ABOUT * (rarity.weight(lent) + 0.5 * rarity.weight(above))
    if len(both) + len(lent) < 2:
        return 0.0
    small, large = sorted((rarity.weight(one), rarity.weight(two)))
    return min(1.0, shared / ((LEAN * small + (1 - LEAN) * large) or 1.0))


def _differ(one: Claim, two: Claim, first: Statement, second: Statement) -> bool:
    match one.aspect:
        case "who":
            # Whoever may do it by hand may also find it done: only a third party rules the others out.
            return {one.value, two.value} != {"automatic", "you"} or _firm(first) or _firm(second)
        case "must":
            return {one.value, two.value} in (
                {"not", "do"},
                {"not", "again"},
                {"not again", "again"},
                {"not again", "do"},
            )
        case "plan":
            return not set(one.value.split(", ")) & set(two.value.split(", "))
        case "path":
            ways = [claim.value.casefold().split(" > ")[:-1] for claim in (one, two)]
            same_length = len(ways[0]) == len(ways[1])
            return same_length and not set(" ".join(ways[0]).split()) & set(" ".join(ways[1]).split())
        case "number":
            # Pages that are told apart by a figure in their titles are about different things.
            if figures(" ".join(first.about)) != figures(" ".join(second.about)):
                return False
            return one.value not in figures(second.text) and two.value not in figures(first.text)
        case "target":
            named = [v for v in (one.value, two.value) if "." in v]
            apart = not set(one.value.split()) & set(two.value.split())
            return apart and not any(v in first.text.lower() and v in second.text.lower() for v in named)


def _firm(s: Statement) -> bool:
    return bool(BOUND.search(s.text))


def figures(text: str) -> frozenset[str]:
    return frozenset(figure(digits) for digits in re.findall(r"\d+(?:[.,]\d+)*", text))


def _weight(one: Claim, two: Claim) -> float:
    values = {one.value, two.value}
    if one.aspect == "must":
        return 0.12 if values == {"not again", "again"} else 0.0 if "not again" in values else -0.05
    if one.aspect == "who":
        return 0.05 if values == {"support", "automatic"} else 0.0 if "support" in values else -0.1
    if one.aspect == "plan":
        # A plan and a size of it: `Pro` may mean `Pro 100K`.
        family = {v.split()[0] for v in one.value.split(", ")} & {v.split()[0] for v in two.value.split(", ")}
        return -0.12 if family else 0.0
    if one.aspect == "number":
        return 0.0 if one.key in UNITS or one.key in MEASURES else -0.12
    if one.aspect == "target":
        hosts = sum("." in v for v in values)
        return (-0.1, -0.03, 0.0)[hosts]
    return 0.0


def _same(pair: Pair, clusters: Sequence[int]) -> tuple[object, ...]:
    """Versions of a page that repeat a contradiction make one finding."""
    where = frozenset({clusters[pair.spots[0].page], clusters[pair.spots[1].page]})
    if pair.aspect == "number":
        return (pair.aspect, pair.key, where)
    return (pair.aspect, pair.key, frozenset(pair.values), where)


def _finding(pages: Sequence[PageText], pair: Pair, every: Sequence[Pair]) -> Finding:
    also: dict[tuple[str, str], Spot] = {}
    taken = {(pages[s.page].document.id, s.quote) for s in pair.spots}
    for other in sorted(every, key=lambda p: -p.confidence):
        for spot in (*other.older.spots, *other.newer.spots):
            key = (pages[spot.page].document.id, spot.quote)
            if key not in taken:
                also.setdefault(key, spot)
    first, second = (pages[s.page].document for s in pair.spots)
    days = (dated(second) - dated(first)).days
    why = [_why(pair)]
    if days > YEAR:
        years = days // YEAR
        why.append(phrase("newer.years", years=years) if years > 1 else phrase("newer.year"))
    return Finding(
        id=finding_id("contradiction", pair.older.text, pair.newer.text),
        kind="contradiction",
        confidence=pair.confidence,
        place=place(pages, pair.spots[0]),
        other=place(pages, pair.spots[1]),
        also=tuple(place(pages, spot) for spot in list(also.values())[:MOST_PLACES]),
        why=tuple(why),
        todo=phrase("contradiction.todo"),
    )


def _why(pair: Pair) -> Phrase:
    one, two = pair.shown
    match pair.aspect:
        case "who" | "must":  # words of ours, and not of the page
            ours = [phrase(f"{pair.aspect}.{value.replace(' ', '_')}") for value in pair.values]
            return phrase(f"contradiction.{pair.aspect}", one=ours[0], two=ours[1])
        case "target":
            return phrase("contradiction.target", one=one, two=two, record=pair.key)
        case "plan" if two == NO_LIMIT:
            return phrase("contradiction.limit", plan=one)
    return phrase(f"contradiction.{pair.aspect}", one=one, two=two)
