"""Looks at all pages of a data folder and keeps what it finds: the one place here that reads and writes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from knowledge import findings, stored
from knowledge.findings import Replaced
from knowledge.health.contradictions import contradictions
from knowledge.health.dead_ends import dead_ends
from knowledge.health.duplicates import alike, duplicates, same_tasks, title_pairs
from knowledge.health.finding import Finding
from knowledge.health.links import broken_links
from knowledge.health.near import near_pages
from knowledge.health.order import other_order
from knowledge.health.pages import PageText, statements
from knowledge.health.questions import Asked, never_found, no_page
from knowledge.health.stale import Manifest, gone_from_product, past_dates
from knowledge.health.translations import behind
from knowledge.index import windows
from knowledge.model import Procedure
from knowledge.store import Knowledge

Progress = Callable[[str], None]

Judge = Callable[[Sequence[Finding]], Sequence[Finding]]
"""The same findings, with what a model makes of some."""

WORTH = 0.3
"""Below this a finding is more likely wrong than right, and is not kept."""


@dataclass(frozen=True)
class Told:
    """What the caller knows beside the pages."""

    today: date
    procedures: Sequence[Procedure] = ()
    """Those that end in an action."""
    manifest: Manifest | None = None
    asked: Sequence[Asked] = ()
    cases: Mapping[str, int] | None = None
    """By document, how many cases it caused."""


def run(
    knowledge: Knowledge,
    told: Told,
    progress: Progress = lambda stage: None,
    judge: Judge = lambda found: found,
) -> Replaced:
    """A look at all pages; what was found before and no longer holds is closed."""
    pages = pages_of(knowledge)
    near = _near(knowledge, pages)
    return findings.replace(knowledge.db, judge(examine(pages, told, near, progress)))


def examine(
    pages: Sequence[PageText],
    told: Told,
    near: Mapping[tuple[int, int], float] | None = None,
    progress: Progress = lambda stage: None,
) -> list[Finding]:
    """Pure. `near`: pages whose passages lie close; titles and words stand in where there are no vectors."""
    progress("what the pages say")
    said = statements(pages)
    progress("duplicates")
    same = alike(pages)
    close = {**title_pairs(pages), **(near or {})}
    found = duplicates(pages, same) + same_tasks(pages, same, close)
    progress("contradictions")
    found += contradictions(pages, said, same.clusters, near or ())
    found += other_order(pages, {(pair.one, pair.two) for pair in same.twins} | set(close))
    progress("stale pages")
    found += past_dates(pages, said, told.today)
    if told.manifest is not None:
        found += gone_from_product(pages, said, told.manifest)
    progress("translations")
    found += behind(pages)
    progress("links")
    found += broken_links(pages)
    progress("dead ends")
    found += dead_ends(pages, said, told.procedures, told.cases)
    progress("questions")
    found += never_found(pages, told.asked) + no_page(told.asked)
    return [f for f in found if f.confidence >= WORTH]


def pages_of(knowledge: Knowledge) -> list[PageText]:
    passages = defaultdict(list)
    for f in stored.every(knowledge.db):
        passages[f.passage.document].append(f.passage)
    return [
        PageText(document, knowledge.text(document) or "", tuple(passages[document.id]))
        for document in knowledge.documents()
    ]


def _near(knowledge: Knowledge, pages: Sequence[PageText]) -> dict[tuple[int, int], float]:
    """By language: vectors of two languages have different means. They come from the embedding cache."""
    by_lang: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for at, page in enumerate(pages):
        for passage in page.passages:
            by_lang[page.document.lang].append((at, windows(passage)[0]))
    found: dict[tuple[int, int], float] = {}
    for rows in by_lang.values():
        vectors = knowledge.encoder.passages([text for _, text in rows])
        found.update(near_pages(np.asarray(vectors), [at for at, _ in rows]))
    return found
