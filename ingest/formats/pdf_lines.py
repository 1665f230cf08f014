"""What stands on the pages of a PDF: lines of text and ruled tables, in the order of reading."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median
from typing import Any, NamedTuple

from pdfminer.pdfinterp import PDFPageInterpreter
from pdfplumber.page import Page, PDFPageAggregatorWithMarkedContent
from pdfplumber.pdf import PDF
from pdfplumber.utils.text import extract_words

TINY = 1.5
"""Points."""
MOST_EDGES = 3_000
"""Lines on a page. With more it is a drawing, and looking for tables in it takes minutes."""
EDGE = 0.12
"""Share of a page's height, at its top and its foot, where running lines stand."""

_UNSEEN = "stepfour-unseen"
_MONO = re.compile(r"mono|courier|consol|menlo|\bcode|typewriter|lettergothic|cmtt", re.IGNORECASE)
_BOLD = re.compile(r"bold|black|heavy|semibold|demi", re.IGNORECASE)
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|página|pág\.?|p\.)?\s*\d{1,4}(?:\s*(?:of|de|/|\|)\s*\d{1,4})?\W*", re.IGNORECASE
)


class Line(NamedTuple):
    text: str
    x0: float
    top: float
    bottom: float
    size: float
    """Median over its characters: one large letter makes no heading."""
    mono: bool
    bold: bool
    page: int
    words: tuple[tuple[float, str], ...]
    """Left edge and text of each."""
    char: float
    """Width of a character, where all are as wide."""


class Table(NamedTuple):
    rows: list[list[str]]
    top: float
    page: int


class _Device(PDFPageAggregatorWithMarkedContent):
    """Notes which characters are drawn without ink (render mode 3)."""

    mode = 0

    def render_string(self, textstate: Any, seq: Any, ncs: Any, graphicstate: Any) -> None:
        self.mode = textstate.render
        super().render_string(textstate, seq, ncs, graphicstate)

    def render_char(self, *args: Any, **kwargs: Any) -> float:
        advance = super().render_char(*args, **kwargs)
        if self.mode in {3, 7} and self.cur_item._objs:
            self.cur_item._objs[-1].tag = _UNSEEN  # type: ignore[attr-defined]
        return float(advance)


def laid_out(pdf: PDF) -> tuple[list[Line | Table], int]:
    """What people see, and how many runs of text they do not."""
    found: list[list[Line | Table]] = []
    hidden = 0
    heights = []
    for page in pdf.pages:
        device = _Device(pdf.rsrcmgr, pageno=page.page_number, laparams=None)
        PDFPageInterpreter(pdf.rsrcmgr, device).process_page(page.page_obj)
        page._layout = device.get_result()
        unseen = _unseen(page)
        hidden += _runs(page.chars, unseen)
        found.append(list(_in_order(page, unseen)))
        heights.append((page.bbox[1], float(page.height)))
        page.close()
    return [item for items in _without_running(found, heights) for item in items], hidden


def _unseen(page: Page) -> set[int]:
    left, top, right, bottom = page.bbox
    grounds = [
        *page.images,
        *(
            r
            for r in [*page.rects, *page.curves]
            if r.get("fill") and not _is_white(r.get("non_stroking_color"))
        ),
    ]
    return {
        id(char)
        for char in page.chars
        if char.get("tag") == _UNSEEN
        or char["size"] < TINY
        or char["x1"] < left
        or char["x0"] > right
        or char["bottom"] < top
        or char["top"] > bottom
        or (_is_white(char.get("non_stroking_color")) and not any(_under(char, ground) for ground in grounds))
    }


def _is_white(color: Any) -> bool:
    if not isinstance(color, tuple | list) or not all(isinstance(part, int | float) for part in color):
        return False
    return all(part < 0.03 for part in color) if len(color) == 4 else bool(color) and min(color) > 0.97


def _under(char: dict[str, Any], ground: dict[str, Any]) -> bool:
    x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
    return bool(ground["x0"] <= x <= ground["x1"] and ground["top"] <= y <= ground["bottom"])


def _runs(chars: Sequence[dict[str, Any]], unseen: set[int]) -> int:
    inked = [char for char in chars if char["text"].strip()]
    return sum(
        id(char) in unseen and (at == 0 or id(inked[at - 1]) not in unseen) for at, char in enumerate(inked)
    )


def _in_order(page: Page, unseen: set[int]) -> Iterator[Line | Table]:
    tables = list(_tables(page, unseen)) if 3 <= len(page.edges) <= MOST_EDGES else []
    chars = [
        char
        for char in page.chars
        if id(char) not in unseen and char["upright"] and not any(_under(char, box) for box, _ in tables)
    ]
    words = extract_words(chars, x_tolerance_ratio=0.15, return_chars=True)
    items: list[Line | Table] = [
        line for part in _columns(words, page) for line in _lines(part, page.page_number)
    ]
    for _, table in tables:
        place = next((at for at, item in enumerate(items) if item.top > table.top), len(items))
        items.insert(place, table)
    yield from items


def _tables(page: Page, unseen: set[int]) -> Iterator[tuple[dict[str, float], Table]]:
    seen = page.filter(lambda thing: id(thing) not in unseen)
    for table in seen.find_tables():
        rows = [[" ".join((cell or "").split()) for cell in row] for row in table.extract()]
        cells = [cell for row in rows for cell in row]
        # A frame around a paragraph is no table.
        if len(rows) > 1 and len(rows[0]) > 1 and sum(map(bool, cells)) * 2 >= len(cells):
            x0, top, x1, bottom = table.bbox
            yield {"x0": x0, "top": top, "x1": x1, "bottom": bottom}, Table(rows, top, page.page_number)


def _columns(words: list[dict[str, Any]], page: Page) -> list[list[dict[str, Any]]]:
    """The words of each part of the page that is read before the next one."""
    middle = page.bbox[0] + float(page.width) / 2
    gutter = min(
        (middle + shift for shift in (0, -10, 10, -20, 20, -35, 35)),
        key=lambda x: sum(word["x0"] < x < word["x1"] for word in words),
        default=middle,
    )
    rows = _rows(words)
    sides = [
        ([w for w in row if w["x1"] <= gutter], [w for w in row if w["x0"] >= gutter], row) for row in rows
    ]

    def apart(left: list[dict[str, Any]], right: list[dict[str, Any]], row: list[dict[str, Any]]) -> bool:
        whole = len(left) + len(right) == len(row)
        return whole and (not left or not right or right[0]["x0"] - left[-1]["x1"] > 9)

    both = sum(bool(left and right) and apart(left, right, row) for left, right, row in sides)
    prose = sum(len(left) > 2 and len(right) > 2 for left, right, _ in sides)
    if both < 6 or both < 0.6 * len(rows) or prose < 0.5 * both:
        return [words]
    parts: list[list[dict[str, Any]]] = []
    lefts: list[dict[str, Any]] = []
    rights: list[dict[str, Any]] = []
    for left, right, row in sides:
        if apart(left, right, row):
            lefts += left
            rights += right
        else:
            parts += [lefts, rights, row]
            lefts, rights = [], []
    return [part for part in [*parts, lefts, rights] if part]


def _rows(words: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = []
    for word in sorted(words, key=lambda w: ((w["top"] + w["bottom"]) / 2, w["x0"])):
        middle = (word["top"] + word["bottom"]) / 2
        if rows and rows[-1][0]["top"] <= middle <= rows[-1][0]["bottom"]:
            rows[-1].append(word)
        else:
            rows.append([word])
    return [sorted(row, key=lambda w: float(w["x0"])) for row in rows]


def _lines(words: list[dict[str, Any]], page: int) -> Iterator[Line]:
    for row in _rows(words):
        chars = [char for word in row for char in word["chars"]]
        yield Line(
            text=" ".join(word["text"] for word in row),
            x0=row[0]["x0"],
            top=min(word["top"] for word in row),
            bottom=max(word["bottom"] for word in row),
            size=round(median(char["size"] for char in chars) * 2) / 2,
            mono=all(_MONO.search(char["fontname"]) for char in chars),
            bold=all(_BOLD.search(char["fontname"]) for char in chars),
            page=page,
            words=tuple((word["x0"], word["text"]) for word in row),
            char=max(0.1, median(char["width"] for char in chars)),
        )


def _without_running(
    pages: list[list[Line | Table]], heights: list[tuple[float, float]]
) -> Iterator[list[Line | Table]]:
    """Without what stands at the edge of many pages, and without page numbers."""
    sizes = Counter(
        item.size for items in pages for item in items if isinstance(item, Line) for _ in item.words
    )
    body = sizes.most_common(1)[0][0] if sizes else 0.0

    def running(item: Line | Table, top: float, height: float) -> str | None:
        if not isinstance(item, Line) or item.size > body * 1.12:
            return None
        at_edge = item.bottom < top + EDGE * height or item.top > top + (1 - EDGE) * height
        return re.sub(r"\d+", "#", item.text) if at_edge else None

    seen: Counter[str] = Counter()
    for items, place in zip(pages, heights, strict=True):
        seen.update({key for key in (running(item, *place) for item in items) if key})
    for items, place in zip(pages, heights, strict=True):
        kept: list[Line | Table] = []
        for item in items:
            key = running(item, *place)
            repeated = key is not None and len(pages) > 1 and seen[key] >= max(2, 0.4 * len(pages))
            number = key is not None and isinstance(item, Line) and bool(_PAGE_NUMBER.fullmatch(item.text))
            if not repeated and not number:
                kept.append(item)
        yield kept
