"""Pages that say the same: word for word, reworded, or as two guides for one task."""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from knowledge.health.finding import Finding, RunKind, finding_id
from knowledge.health.pages import PageText, body, dated, place_of, plain, prose, steps
from knowledge.model import Place
from knowledge.phrases import phrase
from knowledge.stems import stems

SHINGLE = 5
"""Words in a row that two pages share by more than chance."""
KEPT = 4
"""One of so many shingles is kept, the same for every page."""
COMMON = 60
"""Pages that share a shingle: it is a footer or a form of words, and tells nothing."""
REWORDED = 0.45
"""Share of the shingles of both pages from which on they are one text, reworded."""
SHORT = 30
"""Words. A shorter page is a list of links."""
SAME_TASK = 0.6
DAYS = 30
"""Between versions of one page, before the older one counts as replaced."""


class Twins(NamedTuple):
    """Two pages and how much of their text they share."""

    one: int
    two: int
    share: float


class Alike(NamedTuple):
    """Which pages are one page, in several versions or places."""

    clusters: tuple[int, ...]
    """By page: the number of its cluster, which is its own where it has no twin."""
    twins: tuple[Twins, ...]
    families: tuple[int, ...]
    """By page: the number of all that it is linked with by twins of twins."""


def alike(pages: Sequence[PageText]) -> Alike:
    """Within a language; pairs come from shared shingles."""
    shingles = [_shingles(page) for page in pages]
    holders: dict[int, list[int]] = defaultdict(list)
    for at, own in enumerate(shingles):
        for shingle in own:
            holders[shingle].append(at)
    shared: Counter[tuple[int, int]] = Counter()
    for held in holders.values():
        if 1 < len(held) <= COMMON:
            shared.update((one, two) for n, one in enumerate(held) for two in held[n + 1 :])
    twins = []
    for (one, two), n in shared.items():
        share = n / max(1, min(len(shingles[one]), len(shingles[two])))
        both = n / len(shingles[one] | shingles[two])
        if both >= REWORDED * 0.6 and share >= REWORDED and _same_language(pages[one], pages[two]):
            twins.append(Twins(one, two, both))
    clusters, families = _clusters(pages, twins), _families(len(pages), twins)
    return Alike(tuple(clusters), tuple(twins), tuple(families))


def duplicates(pages: Sequence[PageText], found: Alike) -> list[Finding]:
    """One finding a cluster: its newest page, and the ones beside it."""
    members: dict[int, list[int]] = defaultdict(list)
    for at, cluster in enumerate(found.clusters):
        members[cluster].append(at)
    share: dict[int, list[float]] = defaultdict(list)
    for pair in found.twins:
        if found.clusters[pair.one] == found.clusters[pair.two]:
            share[found.clusters[pair.one]].append(pair.share)
    findings: list[Finding] = []
    for cluster, within in members.items():
        if len(within) > 1:
            findings += _of_cluster(pages, within, sum(share[cluster]) / len(share[cluster]))
    return findings


def _of_cluster(pages: Sequence[PageText], at: Sequence[int], share: float) -> list[Finding]:
    order = sorted(at, key=lambda n: (dated(pages[n].document), pages[n].document.id), reverse=True)
    by_text: dict[str, list[int]] = defaultdict(list)
    for n in order:
        by_text[_said(pages[n])].append(n)
    findings = []
    for text, same in by_text.items():
        if len(same) > 1:
            findings.append(_same_text(pages, same, text))
    versions = [same[0] for same in by_text.values()]
    if len(versions) > 1:
        findings.append(_reworded(pages, versions, share))
    return findings


def _same_text(pages: Sequence[PageText], same: Sequence[int], text: str) -> Finding:
    newest, *rest = same
    return Finding(
        id=finding_id("same_text", text),
        kind="same_text",
        confidence=0.95 if len(text.split()) >= SHORT else 0.7,
        place=_whole(pages[rest[0]]),
        other=_whole(pages[newest]),
        also=tuple(_whole(pages[n]) for n in rest[1:]),
        why=(phrase("same_text", pages=len(same)),),
        todo=phrase("same_text.todo"),
    )


def _reworded(pages: Sequence[PageText], versions: Sequence[int], share: float) -> Finding:
    newest, *older = versions
    days = (dated(pages[newest].document) - dated(pages[older[0]].document)).days
    replaced = days >= DAYS
    kind: RunKind = "superseded" if replaced else "reworded"
    told = {"pages": len(versions), "share": round(100 * share)}
    return Finding(
        id=finding_id(kind, *(_said(pages[n]) for n in versions)),
        kind=kind,
        confidence=round(min(0.95, 0.45 + 0.5 * share + (0.05 if replaced else 0.0)), 3),
        place=_whole(pages[older[0]], pages[newest]),
        other=_whole(pages[newest], pages[older[0]]),
        also=tuple(_whole(pages[n], pages[newest]) for n in older[1:]),
        why=(phrase("versions_older", days=days, **told) if replaced else phrase("versions", **told),),
        todo=phrase("superseded.todo" if replaced else "reworded.todo"),
    )


def same_tasks(
    pages: Sequence[PageText], found: Alike, near: Mapping[tuple[int, int], float]
) -> list[Finding]:
    """Two guides with steps for one task. `near`: pages whose passages lie close to each other."""
    titles = [frozenset(stems(page.document.title, page.document.lang)) for page in pages]
    guides = {at for at, page in enumerate(pages) if steps(page)}
    rare: Counter[str] = Counter(word for words in titles for word in words)
    findings = []
    for (one, two), likeness in near.items():
        if not {one, two} <= guides or found.families[one] == found.families[two]:
            continue
        both, either = titles[one] & titles[two], titles[one] | titles[two]
        if not both or not _same_language(pages[one], pages[two]):
            continue
        title = sum(1 / rare[w] ** 0.5 for w in both) / sum(1 / rare[w] ** 0.5 for w in either)
        told = 0.5 * title + 0.5 * likeness
        if told >= SAME_TASK and title >= 0.4:
            older, newer = sorted((one, two), key=lambda n: dated(pages[n].document))
            findings.append(
                Finding(
                    id=finding_id("same_task", _said(pages[one]), _said(pages[two])),
                    kind="same_task",
                    confidence=round(min(0.9, told), 3),
                    place=_whole(pages[older]),
                    other=_whole(pages[newer]),
                    why=(phrase("same_task"),),
                    todo=phrase("same_task.todo"),
                )
            )
    return findings


def title_pairs(pages: Sequence[PageText]) -> dict[tuple[int, int], float]:
    """Pages with the same words in their titles, and how much of their text's words they share."""
    by_words: dict[frozenset[str], list[int]] = defaultdict(list)
    for at, page in enumerate(pages):
        words = frozenset(stems(page.document.title, page.document.lang))
        if len(words) > 1:
            by_words[words].append(at)
    return {
        (one, two): _words_shared(pages[one], pages[two])
        for at in by_words.values()
        if len(at) <= COMMON
        for n, one in enumerate(at)
        for two in at[n + 1 :]
    }


def _words_shared(one: PageText, two: PageText) -> float:
    first, second = _vocabulary(one.text, one.document.lang), _vocabulary(two.text, two.document.lang)
    return len(first & second) / max(1, min(len(first), len(second)))


@lru_cache(maxsize=4_000)
def _vocabulary(text: str, lang: str) -> frozenset[str]:
    return frozenset(stems(prose(body(text)), lang))


def _said(page: PageText) -> str:
    return words_of(page.text)


@lru_cache(maxsize=4_000)
def words_of(text: str) -> str:
    """All of a page without marks; titles and front matter may differ."""
    return " ".join(re.findall(r"\w+", plain(body(text)).casefold()))


def _shingles(page: PageText) -> frozenset[int]:
    words = _said(page).split()
    if len(words) < SHORT:
        return frozenset()
    rows = (" ".join(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1))
    hashes = {zlib.crc32(row.encode()) for row in rows}
    kept = frozenset(h for h in hashes if h % KEPT == 0)
    return kept if len(kept) >= 4 else frozenset(sorted(hashes)[:8])


def _clusters(pages: Sequence[PageText], twins: Iterable[Twins]) -> list[int]:
    """Around the newest pages: what is like a page that is like another need not be like that one."""
    beside: dict[int, dict[int, float]] = defaultdict(dict)
    for one, two, share in twins:
        beside[one][two] = beside[two][one] = share
    order = sorted(range(len(pages)), key=lambda n: (dated(pages[n].document), n), reverse=True)
    head: dict[int, int] = {}
    for at in order:
        heads = [(share, other) for other, share in beside[at].items() if head.get(other) == other]
        head[at] = max(heads)[1] if heads else at
    return [head[at] for at in range(len(pages))]


def _families(n: int, twins: Iterable[Twins]) -> list[int]:
    above = list(range(n))

    def top(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    for one, two, _ in twins:
        low, high = sorted((top(one), top(two)))
        above[high] = low
    return [top(at) for at in range(n)]


def _whole(page: PageText, beside: PageText | None = None) -> Place:
    """The page, shown by its first line, or by its first line that the other page does not hold."""
    own = [line.strip() for line in prose(body(page.text)).split("\n")]
    if beside is not None:
        theirs = {plain(line).casefold() for line in body(beside.text).split("\n")}
        own = [line for line in own if plain(line).casefold() not in theirs] or own
    # A sentence shows more than a heading or a line of a list does.
    telling = [line for line in own if len(line.split()) >= 6 and line[0].isalpha()]
    shown = telling or [line for line in own if len(line.split()) >= 3]
    return place_of(page, shown[0] if shown else page.document.title, whole=True)


def _same_language(one: PageText, two: PageText) -> bool:
    return one.document.lang == two.document.lang
