"""What is cited of the passages that were found: the lines that answer, and what speaks against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from app.asking import unclear
from knowledge.languages import translation_key
from knowledge.model import Citation, Hit, cite
from knowledge.quotes import shown, with_list

RELEVANT = 0.5
"""A passage answers from this relevance on; set by `stepfour eval cases` on the cases of our own."""

SURE = 0.7
"""From here on nineteen of twenty passages answer, and most questions of how to do a thing get there."""

NEARLY = 0.25
"""So much less relevant may a passage be that nothing speaks against, and still be cited instead."""

FITTING = 0.15
"""So much less relevant may a passage be and still come first, where its line is of the kind asked for."""

MOST_QUOTES = 2


def citations_of(hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The lines that answer, with where they stand and the lists that they belong to; empty where no passage
    is relevant enough. What is of the kind that was asked for comes first."""
    found = _undoubted([hit for hit in hits if hit.relevance >= RELEVANT])
    best = max((hit.relevance for hit in found), default=0.0)
    found = sorted(found, key=lambda hit: not hit.fits or hit.relevance < best - FITTING)
    said: list[Hit] = []
    for hit in found:
        if not any(_translated(hit, other) for other in said):
            said.append(hit)
    quoted = [(hit, quote) for hit in said for quote in hit.quotes[:1]][:MOST_QUOTES]
    return tuple(_cited_as(hit, with_list(hit.passage.text, quote)) for hit, quote in quoted)


def _translated(one: Hit, other: Hit) -> bool:
    """The same section of the same page in another language."""
    a, b = one.passage, other.passage
    same_page = a.lang != b.lang and translation_key(a.path) == translation_key(b.path)
    return same_page and (a.anchor, a.ord) == (b.anchor, b.ord)


def _cited_as(hit: Hit, quote: str) -> Citation:
    passage = hit.passage
    citation = cite(passage, quote, shown(passage.text, quote, hit.asked, passage.lang))
    return placed(citation).model_copy(update={"doubt": _doubt(hit)})


def _undoubted(hits: Sequence[Hit]) -> Sequence[Hit]:
    """Without what another page contradicts or replaces, where something else answers nearly as well."""
    sound = [hit for hit in hits if hit.mark is None]
    best = max((hit.relevance for hit in hits), default=0.0)
    return sound if any(hit.relevance >= best - NEARLY for hit in sound) else hits


def _doubt(hit: Hit) -> Literal["", "contradicted", "outdated"]:
    if hit.mark is None:
        return ""
    outdated = hit.mark.kind in ("superseded", "gone_from_product", "screen_missing")
    return "outdated" if outdated else "contradicted"


def placed(citation: Citation) -> Citation:
    """With the name of its section; what stands above the first section of a page has none."""
    place = f"{translation_key(citation.path)}#{citation.anchor}" if citation.anchor else ""
    return citation.model_copy(update={"place": place})


def unclear_of(newest: str, before: Sequence[str], hits: Sequence[Hit], lang: str) -> str:
    """Where a page surely answers nothing needs a name: "this domain" is any domain to who asks how to
    delete one."""
    sure = any(hit.relevance >= SURE for hit in hits)
    return "" if sure else unclear(newest, before, lang)
