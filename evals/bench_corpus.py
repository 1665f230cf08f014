"""Pages by the thousand, made of sentences of real ones: as many words, as rare, and as long as there."""

from __future__ import annotations

import hashlib
import json
import random
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from app.errors import BadInput
from ingest.extract import extract
from ingest.sources import opened
from ingest.sources.source import Fetched
from knowledge.embedding import Vectors
from knowledge.errors import PageError
from knowledge.model import Audience, Page, Piece, Source
from knowledge.quotes import sentences

PRODUCTS = ("Mail", "Edge", "Store", "Desk", "CRM", "Forms", "Pay", "Sign")
"""Each has half as many pages as the one before it, or a little more."""
ANY_PRODUCT = 0.2
"""Share of the pages that name no product: they are for all of them."""
AUDIENCES: dict[Audience, float] = {"public": 0.8, "customer": 0.15, "internal": 0.05}
"""How often a page is for whom."""
A_PAGE = 8
"""Passages of a page."""
SWAPPED = 12
"""Of so many words one is another, drawn as often as it is used: no two passages say the same."""
FROM_OTHERS = 0.4
"""Share of a page's paragraphs that come from other pages."""
FEWEST = 20
"""Paragraphs of a language from which on pages are made in it."""
LONGEST = 1_600
"""Characters of a passage, so that it is not cut again."""

MADE = datetime(2026, 1, 1, tzinfo=UTC)

_WORD = re.compile(r"[^\W\d_]{3,}")
_NO_PROSE = re.compile(r"^\s*([|<>#`{}\[!]|---|\+\+\+|import |export )|```|\{#|\{\{", re.MULTILINE)


class Asked(NamedTuple):
    """A search as a customer of one product makes it."""

    text: str
    lang: str
    product: str


class Text(NamedTuple):
    """What pages of one language are made of."""

    titles: tuple[str, ...]
    pages: tuple[tuple[str, ...], ...]
    """The paragraphs of each page, as the titles are ordered."""
    headings: tuple[str, ...]
    lengths: tuple[int, ...]
    """Characters of each passage."""
    words: tuple[str, ...]
    """Every word as often as it is there."""


def texts_of(folders: Sequence[Path]) -> dict[str, Text]:
    """By language. Raises `BadInput` where the folders hold too little to make pages of."""
    by_lang: dict[str, list[Page]] = {}
    for folder in folders:
        for page in _pages(folder):
            by_lang.setdefault(page.lang, []).append(page)
    found = {lang: text for lang, pages in sorted(by_lang.items()) if (text := _text(pages)) is not None}
    if not found:
        raise BadInput(f"{', '.join(map(str, folders))}: too little text. Name folders of help pages.")
    return found


def _pages(folder: Path) -> list[Page]:
    source = Source(id="texts", location=str(folder))
    connector = opened(source)
    pages = []
    for found in connector.listing({}).found:
        got = connector.fetch(found, "")
        if isinstance(got, Fetched) and got.media.startswith("text/markdown"):
            try:
                pages.append(extract(got, path=found.path, source=source, checks=None, actions=None))
            except PageError:
                continue  # real folders hold pages that cannot be taken in
    return pages


def _text(pages: Sequence[Page]) -> Text | None:
    kept = [(page.title, blocks) for page in pages if (blocks := _paragraphs(page))]
    if sum(len(blocks) for _, blocks in kept) < FEWEST:
        return None
    pieces = [piece for page in pages for piece in page.pieces]
    return Text(
        titles=tuple(title for title, _ in kept),
        pages=tuple(blocks for _, blocks in kept),
        headings=tuple(dict.fromkeys(p.heading_path[-1] for p in pieces if p.heading_path)),
        lengths=tuple(min(len(piece.text), LONGEST) for piece in pieces),
        words=tuple(word for _, blocks in kept for block in blocks for word in _WORD.findall(block)),
    )


def _paragraphs(page: Page) -> tuple[str, ...]:
    blocks = (block.strip() for piece in page.pieces for block in piece.text.split("\n\n"))
    return tuple(block for block in blocks if 60 <= len(block) <= LONGEST and not _NO_PROSE.search(block))


def questions(texts: dict[str, Text], most: int) -> list[Asked]:
    """Headings of the real pages, and questions that stand in them; the languages by turns."""
    dice = random.Random(7)
    by_lang = []
    for lang, text in texts.items():
        said = [s for blocks in text.pages for block in blocks for s in sentences(block)]
        asked = [s for s in said if s.endswith("?") and 20 <= len(s) <= 150]
        heads = [head for head in text.headings if 15 <= len(head) <= 100]
        both = list(dict.fromkeys(asked))[: len(heads)] + heads
        dice.shuffle(both)
        by_lang.append([(lang, one) for one in both[:most]])
    turns = [pair for at in range(most) for pairs in by_lang for pair in pairs[at : at + 1]]
    return [Asked(text, lang, PRODUCTS[at % len(PRODUCTS)]) for at, (lang, text) in enumerate(turns[:most])]


def made_pages(texts: dict[str, Text], passages: int, since: int = 0) -> Iterator[Page]:
    """The pages of the passages from `since` to `passages`; the same every time."""
    langs = list(texts)
    shares = [len(text.lengths) for text in texts.values()]
    for number in range(since // A_PAGE, passages // A_PAGE):
        dice = random.Random(number)
        lang = dice.choices(langs, shares)[0]
        yield _page(dice, texts[lang], lang, number)


def _page(dice: random.Random, text: Text, lang: str, number: int) -> Page:
    own = dice.randrange(len(text.pages))
    audience = dice.choices(list(AUDIENCES), list(AUDIENCES.values()))[0]
    product = None if dice.random() < ANY_PRODUCT else dice.choices(PRODUCTS, _product_shares())[0]
    pieces = tuple(
        Piece(heading_path=(dice.choice(text.headings),), anchor=f"part-{at}", text=_passage(dice, text, own))
        for at in range(A_PAGE)
    )
    whole = "\n\n".join(f"## {piece.heading_path[0]}\n\n{piece.text}" for piece in pieces)
    path = f"{number:06}.md"
    return Page(
        path=path,
        title=text.titles[own],
        lang=lang,
        updated_at=MADE,
        version=hashlib.sha256(whole.encode()).hexdigest(),
        group=path,
        audience=audience,
        text=whole,
        metadata=json.dumps({"product": product} if product else {}),
        pieces=pieces,
    )


def _passage(dice: random.Random, text: Text, own: int) -> str:
    room, said = dice.choice(text.lengths), ""
    while len(said) < room:
        page = text.pages[dice.randrange(len(text.pages)) if dice.random() < FROM_OTHERS else own]
        block = dice.choice(page)
        if said and len(said) + len(block) > LONGEST:
            break
        said += f"{_WORD.sub(lambda word: _swapped(dice, text, word[0]), block)}\n\n"
    return said.strip()


def _swapped(dice: random.Random, text: Text, word: str) -> str:
    return dice.choice(text.words) if dice.randrange(SWAPPED) == 0 else word


@cache
def _product_shares() -> tuple[float, ...]:
    return tuple(1 / (at + 1) for at in range(len(PRODUCTS)))


class WordVectors:
    """A vector of a text is the sum of its words' random ones: near where words are shared, and cheap."""

    name = "word-vectors"
    dimensions = 384
    rows = 4_096

    def __init__(self) -> None:
        dice = np.random.default_rng(11)
        self._words: Vectors = dice.standard_normal((self.rows, self.dimensions), dtype=np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return self.passages(texts)

    def passages(self, texts: Sequence[str]) -> Vectors:
        found = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            words = set(_WORD.findall(text.lower())) or {""}
            numbers = [zlib.crc32(word.encode()) % self.rows for word in words]
            # Short words are in every text.
            weights = np.array([min(len(word), 10) for word in words], dtype=np.float32)
            found[row] = weights @ self._words[numbers]
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit
