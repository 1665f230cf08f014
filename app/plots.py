"""Plots of findings and pages as SVG, in the language of whoever looks. All that is shown is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from app.texts import say

_INK = "var(--ink)"
_COLOURS = ("#2f7d6b", "#c4742d", "#5b6fb5", "#a8506f", "#8a8a3c", "#4f8fa8")


def by_source(findings: Sequence[Mapping[str, Any]], lang: str) -> str:
    """A bar a kind, in pieces by source."""
    counts: dict[str, Counter[str]] = {}
    for f in findings:
        counts.setdefault(f["kind"], Counter())[short(sources_of(f, lang)[0])] += 1
    names = sorted({source for each in counts.values() for source in each})
    most = max((sum(each.values()) for each in counts.values()), default=1)
    rows = sorted(counts.items(), key=lambda pair: -sum(pair[1].values()))
    parts: list[str] = []
    for n, (kind, each) in enumerate(rows):
        y, x = 8 + 24 * n, 318.0
        parts.append(_text(x - 8, y + 13, name_of(kind, lang), anchor="end"))
        for source in names:
            wide = 230 * each[source] / most
            parts.append(_rect((x, y), (wide, 16), _colour(names, source), f"{source}: {each[source]}"))
            x += wide
        parts.append(_text(x + 6, y + 13, str(sum(each.values()))))
    return _svg(
        590,
        24 * len(rows) + 40,
        say(lang, "documents.plot.kinds"),
        [*parts, *_legend(names, 24 * len(rows) + 18)],
    )


def ages(pages: Sequence[Sequence[Any]], lang: str) -> str:
    """A column a year, in pieces by source."""
    years = sorted({int(year) for _, year in pages})
    if not years:
        return _svg(100, 20, say(lang, "documents.plot.no_pages"), [])
    names = sorted({short(source) for source, _ in pages})
    counts = Counter((int(year), short(source)) for source, year in pages)
    span = range(years[0], years[-1] + 1)
    most = max(sum(counts[year, name] for name in names) for year in span) or 1
    wide = min(46.0, 520 / len(span))
    parts = []
    for n, year in enumerate(span):
        y, x = 150.0, 30 + wide * n
        for name in names:
            high = 120 * counts[year, name] / most
            y -= high
            told = {"source": name, "year": str(year), "n": str(counts[year, name])}
            words = say(lang, "documents.plot.in_year", **told)
            parts.append(_rect((x, y), (wide - 4, high), _colour(names, name), words))
        total = sum(counts[year, name] for name in names)
        parts.append(_text(x + wide / 2 - 2, y - 4, str(total) if total else "", anchor="middle", size=13))
        parts.append(_text(x + wide / 2 - 2, 164, str(year), anchor="middle", size=13))
    return _svg(590, 200, say(lang, "documents.plot.ages"), [*parts, *_legend(names, 182)])


def confidence(findings: Sequence[Mapping[str, Any]], lang: str) -> str:
    """A column each tenth."""
    counts = Counter(min(9, int(f["confidence"] * 10)) for f in findings)
    most = max(counts.values(), default=1)
    parts = []
    for tenth in range(10):
        high = 120 * counts[tenth] / most
        x = 30 + 52 * tenth
        parts.append(_rect((x, 150 - high), (46, high), _COLOURS[0], counted(counts[tenth], "finding", lang)))
        parts.append(
            _text(x + 23, 146 - high, str(counts[tenth]) if counts[tenth] else "", anchor="middle", size=13)
        )
        parts.append(_text(x + 23, 164, f"{10 * tenth}%", anchor="middle", size=13))
    return _svg(590, 176, say(lang, "documents.plot.confidence"), parts)


def _legend(names: Sequence[str], y: float) -> list[str]:
    parts, x = [], 30.0
    for name in names:
        parts += [_rect((x, y), (10, 10), _colour(names, name), name), _text(x + 14, y + 9, name, size=13)]
        x += 24 + 8 * len(name)
    return parts


def _colour(names: Sequence[str], name: str) -> str:
    return _COLOURS[names.index(name) % len(_COLOURS)]


def _svg(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width:g} {height:g}" width="{width:g}" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 14) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{_INK}" font-size="{size}">'
        f"{escape(text)}</text>"
    )


def _rect(at: tuple[float, float], size: tuple[float, float], fill: str, title: str) -> str:
    return (
        f'<rect x="{at[0]:.1f}" y="{at[1]:.1f}" width="{max(size[0], 0):.1f}" height="{max(size[1], 0):.1f}" '
        f'fill="{fill}"><title>{escape(title)}</title></rect>'
    )


# --- words of both --------------------------------------------------------------------------------


def name_of(kind: str, lang: str, n: int = 2) -> str:
    """What a kind of finding is called, one or many of it."""
    return say(lang, f"documents.kind.{kind}.{'one' if n == 1 else 'many'}")


def counted(n: int, what: str, lang: str) -> str:
    """`1 page`, `2 findings`."""
    return say(lang, f"documents.{what}.{'one' if n == 1 else 'many'}", n=grouped(n, lang))


def grouped(n: int, lang: str) -> str:
    """`1,000`, or `1.000` where a comma means something else."""
    return f"{n:,}" if lang == "en" else f"{n:,}".replace(",", ".")


def sources_of(f: Mapping[str, Any], lang: str) -> list[str]:
    places = [f["place"], f["other"]] if f.get("other") else [f["place"]]
    asked = say(lang, "documents.conversations")
    return sorted({p["document"].rpartition(":")[0] or asked for p in places})


def short(source: str) -> str:
    return source.rstrip("/").rsplit("/", 1)[-1] or source
