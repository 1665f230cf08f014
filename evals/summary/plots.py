"""Plots as SVG text: numbers in, a picture out. Colours come from the page's own variables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

INK, SOFT, OURS, BESIDE = "var(--ink)", "var(--soft)", "var(--ours)", "var(--beside)"


class Bar(NamedTuple):
    """A value between 0 and 1 with its interval, what stands beside it, and what was aimed at."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    beside: float | None = None
    floor: float | None = None


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    body = "".join(parts)
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", fill: str = INK, size: int = 12) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{fill}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _rect(x: float, y: float, size: tuple[float, float], fill: str, opacity: float = 1.0) -> str:
    width, height = size
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):.1f}" height="{height:g}" '
        f'fill="{fill}" opacity="{opacity:.2f}"/>'
    )


def _line(start: tuple[float, float], end: tuple[float, float], dash: str = "") -> str:
    (x1, y1), (x2, y2) = start, end
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{INK}"{dashed}/>'


def bars(rows: Sequence[Bar], title: str) -> str:
    """One line a figure: a bar, its interval as a stroke, the other bot as a dot, the floor as a tick."""
    left, wide, high = 210, 330, 26
    parts = []
    for number, row in enumerate(rows):
        y = 8 + number * high
        parts += [
            _text(left - 8, y + 13, row.name, anchor="end"),
            _rect(left, y, (wide, 16), SOFT, 0.35),
            _rect(left, y, (wide * row.value, 16), OURS),
        ]
        if row.low is not None and row.high is not None:
            parts.append(_line((left + wide * row.low, y + 8), (left + wide * row.high, y + 8)))
        if row.floor is not None:
            parts.append(_line((left + wide * row.floor, y - 2), (left + wide * row.floor, y + 18), "2 2"))
        if row.beside is not None:
            parts.append(f'<circle cx="{left + wide * row.beside:.1f}" cy="{y + 8}" r="5" fill="{BESIDE}"/>')
        parts.append(_text(left + wide + 8, y + 13, f"{row.value:.2f}"))
    return _svg(left + wide + 60, 16 + len(rows) * high, title, parts)


def confusion(counts: Mapping[tuple[str, str], int], names: Sequence[str], title: str) -> str:
    """Rows: as labelled; columns: as read. The darker a field, the larger its share of the row."""
    left, top, side = 110, 44, 84
    parts = [_text(left + side * len(names) / 2, 14, "read as", anchor="middle", fill=INK)]
    for column, got in enumerate(names):
        parts.append(_text(left + side * (column + 0.5), 34, got.replace("_", " "), anchor="middle"))
    for line, expected in enumerate(names):
        whole = sum(counts.get((expected, got), 0) for got in names)
        y = top + line * 40
        parts.append(_text(left - 8, y + 24, expected.replace("_", " "), anchor="end"))
        for column, got in enumerate(names):
            count = counts.get((expected, got), 0)
            fill = OURS if expected == got else BESIDE
            parts.append(_rect(left + side * column, y, (side - 3, 37), SOFT, 0.35))
            if count:
                parts.append(_rect(left + side * column, y, (side - 3, 37), fill, 0.25 + 0.6 * count / whole))
            parts.append(_text(left + side * (column + 0.5), y + 24, str(count), anchor="middle"))
    return _svg(left + side * len(names) + 4, top + 40 * len(names) + 4, title, parts)


class Bin(NamedTuple):
    """Claims of about the same confidence."""

    confidence: float
    right: float
    claims: int


def calibration(bins: Sequence[Bin], title: str) -> str:
    """Confidence to the right, how many were right upwards; on the line the two are the same."""
    left, top, side = 46, 10, 240

    def at(x: float, y: float) -> tuple[float, float]:
        return left + side * x, top + side * (1 - y)

    parts = [_rect(left, top, (side, side), SOFT, 0.25), _line(at(0, 0), at(1, 1), "3 3")]
    most = max((each.claims for each in bins), default=1)
    for each in bins:
        x, y = at(each.confidence, each.right)
        radius = 4 + 8 * (each.claims / most) ** 0.5
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{OURS}" opacity="0.8"/>')
        parts.append(_text(x, y - radius - 3, f"{each.claims}", anchor="middle", size=10))
    for mark in (0, 0.5, 1):
        x, y = at(mark, mark)
        parts += [
            _text(x, top + side + 16, f"{mark:g}", anchor="middle"),
            _text(left - 6, y + 4, f"{mark:g}", anchor="end"),
        ]
    parts.append(_text(left + side / 2, top + side + 32, "how sure the reader was", anchor="middle"))
    return _svg(left + side + 16, top + side + 38, title, parts)


def histogram(series: Mapping[str, Sequence[int]], title: str) -> str:
    """How often each whole number occurs, one colour a series; the last column holds all larger ones."""
    last = 10
    left, base, high, wide = 36, 190, 160, 44
    names = list(series)
    counts = {name: [0] * last for name in names}
    for name, values in series.items():
        for value in values:
            counts[name][min(max(value, 1), last) - 1] += 1
    most = max((max(each) for each in counts.values()), default=0) or 1
    parts = [_line((left, base), (left + wide * last, base))]
    thick = (wide - 8) / max(len(names), 1)
    for number, name in enumerate(names):
        fill, opacity = (OURS, 1.0) if number == 0 else (BESIDE, 0.5 + 0.25 * number)
        for column, count in enumerate(counts[name]):
            tall = high * count / most
            x = left + wide * column + 4 + thick * number
            parts.append(_rect(x, base - tall, (thick - 1, tall), fill, min(opacity, 1.0)))
            if count:
                parts.append(_text(x + thick / 2, base - tall - 4, str(count), anchor="middle", size=10))
    for column in range(last):
        more = "+" if column == last - 1 else ""
        parts.append(_text(left + wide * (column + 0.5), base + 16, f"{column + 1}{more}", anchor="middle"))
    return _svg(left + wide * last + 10, base + 24, title, parts)


class Curve(NamedTuple):
    """How one value goes with size: (size, value), the smallest size first."""

    name: str
    points: tuple[tuple[float, float], ...]
    beside: bool = False
    dashed: bool = False


def curves(lines: Sequence[Curve], title: str, *, unit: str, aim: float | None = None) -> str:
    """Size to the right, ten times as much at equal steps; upwards the value, from nothing."""
    left, top, wide, high = 64, 24, 330, 180
    sizes = sorted({size for line in lines for size, _ in line.points})
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])
    most = max([value for line in lines for _, value in line.points] + [aim or 0.0]) * 1.05 or 1.0

    def at(size: float, value: float) -> tuple[float, float]:
        right = (math.log10(size) - first) / ((last - first) or 1.0)
        return left + wide * right, top + high * (1 - value / most)

    parts = [_rect(left, top, (wide, high), SOFT, 0.2), _text(left - 8, top - 8, unit, anchor="end")]
    for share in (0.0, 0.5, 1.0):
        parts.append(_text(left - 8, top + high * (1 - share) + 4, f"{share * most:.3g}", anchor="end"))
    for size in sizes:
        parts.append(_text(at(size, 0)[0], top + high + 18, f"{size:,.0f}", anchor="middle", size=10))
    if aim is not None:
        parts.append(_line(at(sizes[0], aim), at(sizes[-1], aim), "2 3"))
    ends: list[float] = []
    for line in lines:
        fill = BESIDE if line.beside else OURS
        places = [at(size, value) for size, value in line.points]
        dash = ' stroke-dasharray="5 4"' if line.dashed else ""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{fill}" stroke-width="2"{dash}/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}"/>' for x, y in places]
        y = places[-1][1] + 4
        while any(abs(y - other) < 13 for other in ends):
            y += 1
        ends.append(y)
        parts.append(_text(left + wide + 8, y, line.name, fill=fill))
    return _svg(left + wide + 170, top + high + 26, title, parts)
