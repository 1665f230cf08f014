"""PDF -> Markdown: headings by the size of their letters, lists, ruled tables, paragraphs over lines."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfplumber.utils.exceptions import PdfminerException

from ingest.formats import Converted, Refused, moment, paragraphs
from ingest.formats.pdf_lines import Line, Table, laid_out

MOST_PAGES = 1_000
LARGER = 1.12
"""A heading's letters are so much larger than the text's."""

_BULLET = re.compile(r"(?:(?:[•●◦○▪■‣⁃∙·*–—-]|\(cid:\d+\)|[\uf0a7\uf0b7\uf0d8])\s+)+(?=\S)")
_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_NO_TITLE = re.compile(
    r"untitled|microsoft word|\(anonymous\)|\.(?:docx?|pdf|indd|pptx?|odt)\b|^\W*$", re.IGNORECASE
)
_DATE = re.compile(r"D:(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(?:([-+])(\d\d)'?(\d\d)?)?")


def convert(raw: bytes) -> Converted:
    """Raises `Refused`; on a broken file whatever the library raises."""
    try:
        pdf = pdfplumber.open(io.BytesIO(raw))
    except PdfminerException as error:
        if any(isinstance(part, PDFPasswordIncorrect) for part in error.args):
            raise Refused("the PDF is encrypted", "Save it without a password.") from error
        raise Refused("the file is not a PDF that can be read", "Export it anew.") from error
    with pdf:
        if len(pdf.pages) > MOST_PAGES:
            raise Refused(f"the PDF has more than {MOST_PAGES:,} pages", "Split it by chapter.")
        items, hidden = laid_out(pdf)
        if not items:
            fix = (
                "Export it from where it was written, or save it with its recognised text as text that shows."
            )
            raise Refused("the PDF shows pictures only, no text (a scan)", fix)
        text, first = _markdown(items)
        given = " ".join(_said(pdf.metadata.get("Title")).split())
        title = first if _NO_TITLE.search(given) else given
        lang = _said(pdf.doc.catalog.get("Lang"))
        return Converted(text, title, lang, _modified(_said(pdf.metadata.get("ModDate"))), hidden)


def _said(value: Any) -> str:
    return (
        value.decode("utf-8", "replace")
        if isinstance(value, bytes)
        else value
        if isinstance(value, str)
        else ""
    )


def _modified(given: str) -> datetime | None:
    found = _DATE.match(given)
    if not found:
        return None
    year, month, day, hour, minute, second, sign, hours, minutes = (part or "00" for part in found.groups())
    zone = f"{sign}{hours}:{minutes}" if found[7] else ""
    return moment(f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone}")


class _Text:
    """Markdown blocks as they come together."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.open: list[str] = []
        """Lines of the paragraph or list item that is being read."""
        self.lists: list[tuple[float, int]] = []
        """Left edge and width of the mark of the items around, outermost first."""
        self.indent = ""

    def close(self) -> None:
        if self.open:
            text = _joined(self.open)
            self.blocks.append(f"{self.indent}{text if self.indent else paragraphs(text)}")
        self.open = []

    def add(self, block: str) -> None:
        self.close()
        self.lists, self.indent = [], ""
        self.blocks.append(block)

    def item(self, mark: str, text: str, x0: float) -> None:
        self.close()
        while self.lists and self.lists[-1][0] > x0 - 4:
            self.lists.pop()
        self.indent = " " * sum(width for _, width in self.lists)
        self.lists.append((x0, len(mark)))
        self.open = [f"{mark}{text}"]

    def __str__(self) -> str:
        text = "\n\n".join(self.blocks)
        # Items of a list stand below each other.
        mark = r"[ ]*(?:- |\d+\. )"
        return re.sub(rf"(?m)^({mark}.*)\n\n(?={mark})", r"\1\n", text)


def _markdown(items: Sequence[Line | Table]) -> tuple[str, str]:
    """The text and its first heading."""
    lines = [item for item in items if isinstance(item, Line)]
    sizes = Counter(line.size for line in lines if not line.mono for _ in line.text)
    body = sizes.most_common(1)[0][0] if sizes else 0.0
    levels = {
        size: min(rank, 5)
        for rank, size in enumerate(sorted({s for s in sizes if s > body * LARGER})[::-1], 1)
    }
    gaps = [b.top - a.bottom for a, b in pairwise(lines) if a.size == b.size == body and b.top > a.top]
    usual = min(median(gaps), 0.6 * body) if gaps else 0.5 * body
    out, first = _Text(), ""
    at = 0
    while at < len(items):
        item = items[at]
        above = items[at - 1] if at else None
        if isinstance(item, Table):
            rows, at = _whole_table(items, at)
            out.add(_drawn(rows))
            continue
        if item.mono:
            end = next((n for n in range(at, len(items)) if not _is_code(items[n])), len(items))
            out.add(_code([line for line in items[at:end] if isinstance(line, Line)]))
            at = end
            continue
        if level := _level(items, at, levels, usual):
            end = at + 1
            while end < len(items) and end < at + 4 and _goes_on(items[end - 1], items[end]):
                end += 1
            words = " ".join(line.text for line in items[at:end] if isinstance(line, Line))
            out.add(f"{'#' * level} {words}")
            first, at = first or words, end
            continue
        _read_line(out, item, above if isinstance(above, Line) else None, usual)
        at += 1
    out.close()
    return str(out), first


def _read_line(out: _Text, line: Line, above: Line | None, usual: float) -> None:
    bullet, number = _BULLET.match(line.text), _NUMBERED.match(line.text)
    if bullet:
        out.item("- ", line.text[bullet.end() :], line.x0)
    elif number and _starts(out, line, above, usual):
        out.item(f"{int(number[1])}. ", line.text[number.end() :], line.x0)
    elif out.open and above is not None and not _is_new(line, above, usual, out):
        out.open.append(line.text)
    else:
        out.close()
        if not out.lists or line.x0 <= out.lists[-1][0] + 4:
            out.lists, out.indent = [], ""
        else:
            out.indent = " " * sum(width for _, width in out.lists)
        out.open = [line.text]


def _starts(out: _Text, line: Line, above: Line | None, usual: float) -> bool:
    """A line that begins with a number may be the middle of a sentence: `port\\n587. Then`."""
    if above is None or not out.open or _is_new(line, above, usual, out):
        return True
    return bool(re.search(r"[.:;!?]$", above.text)) or bool(out.lists)


def _is_new(line: Line, above: Line, usual: float, out: _Text) -> bool:
    if line.page != above.page or line.top < above.top:
        return bool(re.search(r"[.!?:;]$", above.text)) or not re.match(r"[a-zà-ÿ(]", line.text)
    if line.top - above.bottom > usual * 1.5 + 1.5 or abs(line.size - above.size) > 1:
        return True
    # Below a list item and not indented: the list is over.
    return bool(out.lists) and line.x0 <= out.lists[-1][0] + 2 and above.x0 != line.x0


def _level(items: Sequence[Line | Table], at: int, levels: dict[float, int], usual: float) -> int:
    line = items[at]
    if not isinstance(line, Line) or len(line.text) > 160 or not re.search(r"\w", line.text):
        return 0
    if line.size in levels:
        return levels[line.size]
    above, below = items[at - 1] if at else None, items[at + 1] if at + 1 < len(items) else None
    stands_off = (
        not isinstance(above, Line) or above.page != line.page or line.top - above.bottom > usual * 1.5 + 1
    )
    alone = isinstance(below, Line) and not below.bold and len(line.text) < 80
    if (
        line.bold
        and alone
        and stands_off
        and not re.search(r"[.,;:]$", line.text)
        and not _BULLET.match(line.text)
    ):
        return len(set(levels.values())) + 1
    return 0


def _goes_on(above: Line | Table, line: Line | Table) -> bool:
    if not isinstance(above, Line) or not isinstance(line, Line) or line.page != above.page:
        return False
    return line.size == above.size and line.bold == above.bold and 0 <= line.top - above.top < 1.5 * line.size


def _is_code(item: Line | Table) -> bool:
    return isinstance(item, Line) and item.mono


def _code(lines: list[Line]) -> str:
    """Spaces as they stand: by the place of each word."""
    left, width = min(line.x0 for line in lines), median(line.char for line in lines)
    written: list[str] = []
    for at, line in enumerate(lines):
        row = ""
        for x0, text in line.words:
            row = (
                row.ljust(min(round((x0 - left) / width), 300))
                if row
                else " " * min(round((x0 - left) / width), 300)
            )
            row += text if not row or row.endswith(" ") else f" {text}"
        if at and line.page == lines[at - 1].page and line.top - lines[at - 1].bottom > line.size:
            written.append("")
        written.append(row)
    return "\n".join(["```", *(row.replace("```", "'''") for row in written), "```"])


def _whole_table(items: Sequence[Line | Table], at: int) -> tuple[list[list[str]], int]:
    """The rows of a table with those on the next pages, and where what follows begins."""
    rows: list[list[str]] = []
    page = None
    while at < len(items):
        table = items[at]
        if not isinstance(table, Table) or (
            rows and (len(table.rows[0]) != len(rows[0]) or table.page == page)
        ):
            break
        rows += table.rows[1:] if rows and table.rows[0] == rows[0] else table.rows
        page, at = table.page, at + 1
    return rows, at


def _drawn(rows: list[list[str]]) -> str:
    drawn = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([drawn[0], "|" + " --- |" * len(rows[0]), *drawn[1:]])


def _joined(lines: list[str]) -> str:
    text = lines[0]
    for line in lines[1:]:
        if (re.search(r"[^\W\d_]-$", text) and re.match(r"[a-zà-ÿ]", line)) or text.endswith("\u00ad"):
            text = f"{text[:-1]}{line}"
        else:
            text = f"{text} {line}"
    return text
