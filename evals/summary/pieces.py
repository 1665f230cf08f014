"""What pages of results are made of: HTML without scripts, everything from elsewhere is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

STYLE = Path(__file__).with_name("page.css")


def document(title: str, parts: Sequence[str]) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style><body>{''.join(parts)}</body></html>\n"
    )


def safe(text: object) -> str:
    return escape(str(text))


def as_table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Cells are HTML already; the first `left` columns are words, the others numbers."""
    kinds = ["" if at < left else ' class="n"' for at in range(len(heads))]
    top = "".join(f"<th{kind}>{head}</th>" for kind, head in zip(kinds, heads, strict=True))
    body = "".join(
        f"<tr>{''.join(f'<td{kind}>{cell}</td>' for kind, cell in zip(kinds, row, strict=True))}</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def as_figure(svg: str, words: str) -> str:
    return f"<figure>{svg}<figcaption>{safe(words)}</figcaption></figure>"


def as_value(value: float | None) -> str:
    if value is None:
        return "–"
    return str(value) if isinstance(value, int) else f"{value:.2f}"


def as_percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def as_between(interval: Sequence[float | None] | None) -> str:
    if not interval or interval[0] is None:
        return ""
    return f"{as_value(interval[0])} to {as_value(interval[1])}"
