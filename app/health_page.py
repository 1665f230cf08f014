"""The findings on one page: both lines side by side, filters, plots. Everything from pages is escaped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app.links import case_link

DIST = Path(__file__).parent / "web" / "dist"
STYLE, SCRIPT = DIST / "documents.css", DIST / "documents.js"

MOST = 500
"""Findings on a page that agents decide on: the strongest. All of them would be slow to open."""

LONG = 700
"""Characters of a quote that are shown at once."""

LIKELY = 0.5
"""What is less sure than this is out of sight at first where agents look, as on the command line."""

NAMES = {
    "same_text": ("page twice over", "pages twice over"),
    "reworded": ("page in two wordings", "pages in two wordings"),
    "same_task": ("task with two guides", "tasks with two guides"),
    "contradiction": ("contradiction", "contradictions"),
    "superseded": ("page that was replaced", "pages that were replaced"),
    "gone_from_product": ("name that the product lost", "names that the product lost"),
    "dated": ("day that has passed", "days that have passed"),
    "translation_behind": ("translation that fell behind", "translations that fell behind"),
    "broken_link": ("broken link", "broken links"),
    "dead_end": ("dead end", "dead ends"),
    "never_found": ("page that no question finds", "pages that no question finds"),
    "no_page": ("question without a page", "questions without a page"),
    "screen_missing": ("screen that a customer does not have", "screens that customers do not have"),
    "probe_contradicts": ("page that a check contradicts", "pages that a check contradicts"),
    "marked_wrong": ("answer marked wrong", "answers marked wrong"),
    "no_source": ("question without a source", "questions without a source"),
}
"""One and many, by kind."""

DECISIONS = {"accepted": "Accept", "dismissed": "Dismiss", "task": "Make a task", "open": "Open again"}
"""By state: what people press to bring it about."""

_INK = "var(--ink)"
_COLOURS = ("#2f7d6b", "#c4742d", "#5b6fb5", "#a8506f", "#8a8a3c", "#4f8fa8")


def as_page(found: Mapping[str, Any]) -> str:
    """A file of its own, to read and to send on."""
    intro = "<code>stepfour health accept|dismiss|task ID</code> says what you make of one."
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        "<title>Health of the pages</title>"
        f"<style>{STYLE.read_text('utf-8')}</style></head><body>"
        f"<main><h1>Health of the pages</h1>{_counted(found, intro)}{_body(found)}</main>"
        f'<script type="module">{SCRIPT.read_text("utf-8")}</script></body></html>'
    )


def to_decide(found: Mapping[str, Any]) -> str:
    """The same for agents who are signed in, with what they may make of each finding."""
    intro = (
        "<strong>Accept</strong>: it is so, and search marks its lines until they change. "
        "<strong>Dismiss</strong>: it stays away until one of its lines changes. "
        "<strong>Make a task</strong>: somebody is on it."
    )
    strongest = found["findings"][:MOST]
    left = found["total"] - len(strongest)
    more = f"<p>{left} weaker ones are not here: <code>stepfour health --json</code> has them.</p>"
    if not strongest:  # which may mean that nobody has looked
        pages = _number(sum(found["documents"].values()), "page")
        told = f"Nothing is on record of {pages}: nobody has looked at them yet, or nothing was wrong then."
        return f"<h1>Health of the pages</h1><p>{told}</p>{_look('Look at all pages')}"
    again = _look("Look at all pages again")
    shown = {**found, "findings": strongest}
    return (
        f"<h1>Health of the pages</h1>{_counted(found, intro)}{again}{more if left else ''}"
        f"{_body(shown, least=LIKELY, decide=True)}"
    )


def _look(name: str) -> str:
    return f'<form class="look"><button>{name}</button> <span role="status"></span></form>'


def _counted(found: Mapping[str, Any], intro: str) -> str:
    pages = sum(found["documents"].values())
    said = f"{_number(found['total'], 'finding')} on {_number(pages, 'page')}, what matters most first."
    return f"<p>{said} Each shows the lines as they stand. {intro}</p>"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _body(found: Mapping[str, Any], *, least: float = 0.0, decide: bool = False) -> str:
    findings = found["findings"]
    plots = [
        _figure(by_source(findings), "Findings by kind and source."),
        _figure(ages(found["ages"]), "Pages by the year of their last change."),
        _figure(confidence(findings), "How sure the findings are."),
    ]
    return (
        f'<details class="plots" open><summary>Plots</summary><div>{"".join(plots)}</div></details>'
        f"{_filters(findings, least)}"
        f"{''.join(_finding(f, decide=decide) for f in findings) or '<p>Nothing was found.</p>'}"
    )


# --- the list -------------------------------------------------------------------------------------


def _filters(findings: Sequence[Mapping[str, Any]], least: float) -> str:
    kinds = Counter(f["kind"] for f in findings)
    sources = Counter(source for f in findings for source in _sources(f))
    options = "".join(
        f'<option value="{escape(k)}">{escape(_many(k))} ({n})</option>' for k, n in kinds.most_common()
    )
    more = "".join(
        f'<option value="{escape(s)}">{escape(_short(s))} ({n})</option>' for s, n in sources.most_common()
    )
    return (
        '<form class="filters" aria-label="Filter the findings">'
        f'<label>Kind <select name="kind"><option value="">all</option>{options}</select></label>'
        f'<label>Source <select name="source"><option value="">all</option>{more}</select></label>'
        '<label>State <select name="state"><option value="">not dismissed</option><option>open</option>'
        "<option>accepted</option><option>task</option><option>dismissed</option><option>all</option>"
        "</select></label>"
        '<label>Confidence at least <input name="sure" type="range" min="0" max="1" step="0.05"'
        f' value="{least:g}">'
        f' <output name="least">{least:.2f}</output></label>'
        '<label>Words <input name="words" type="search" placeholder="in lines and paths"></label>'
        f'<span role="status" class="shown">{len(findings)} shown</span></form>'
    )


def _finding(f: Mapping[str, Any], *, decide: bool) -> str:
    data = {
        "kind": f["kind"],
        "state": f["state"],
        "sure": f"{f['confidence']:.3f}",
        "sources": "\n".join(_sources(f)),
    }
    attributes = "".join(f' data-{key}="{escape(value)}"' for key, value in data.items())
    places = [f["place"], *([f["other"]] if f.get("other") else [])]
    quotes = "".join(_place(place) for place in places)
    more = "".join(f"<li>{escape(_where(place))}</li>" for place in f["also"])
    rest = f["also_count"] - len(f["also"])
    also = (
        f"<details><summary>And on {f['also_count']} more</summary><ul>{more}"
        f"{f'<li>and {rest} more</li>' if rest else ''}</ul></details>"
        if f["also_count"]
        else ""
    )
    said = "".join(_said(e, linked=decide) for e in f["evidence"])
    id = escape(f["id"])
    return (
        f'<article{attributes} aria-labelledby="why-{id}"><h2 id="why-{id}" tabindex="-1">'
        f'<span class="kind">{escape(NAMES[f["kind"]][0])}</span> {escape(f["why"])}</h2>'
        f'<p class="small"><code>{id}</code> · {f["confidence"]:.2f} sure'
        f'<span class="state">{_state(f)}</span></p>'
        f'<div class="sides">{quotes}</div>{said}<p class="todo">{escape(f["todo"])}</p>{also}'
        f"{_decision(f) if decide else ''}</article>"
    )


def _state(f: Mapping[str, Any]) -> str:
    if f["state"] == "open":
        return ""
    return escape(f" · {f['state']} by {f['by']}" + (f": {f['note']}" if f.get("note") else ""))


def _decision(f: Mapping[str, Any]) -> str:
    buttons = "".join(
        f'<button name="state" value="{state}" aria-describedby="why-{escape(f["id"])}"'
        f"{' hidden' if state == f['state'] else ''}>{words}</button>"
        for state, words in DECISIONS.items()
    )
    return (
        f'<form class="decide" data-finding="{escape(f["id"])}">'
        '<label>Why, in a few words <input name="note" type="text" maxlength="500" placeholder="optional">'
        f'</label>{buttons}<p role="alert"></p></form>'
    )


def _place(place: Mapping[str, Any]) -> str:
    quote = _quote(place["quote"])
    return f'<figure class="side"><figcaption>{escape(_where(place))}</figcaption>{quote}</figure>'


def _quote(words: str) -> str:
    if len(words) <= LONG:
        return f"<pre>{escape(words)}</pre>"
    start, rest = words[:LONG], words[LONG:]
    more = f"<details><summary>and {len(rest):,} more characters</summary><pre>{escape(rest)}</pre></details>"
    return f"<pre>{escape(start)} …</pre>{more}"


def _said(evidence: Mapping[str, Any], *, linked: bool) -> str:
    id = evidence["conversation"]
    place = f'<a href="{escape(case_link(None, id))}">{escape(id)}</a>' if linked else escape(id)
    return f'<blockquote class="said">{escape(evidence["quote"])}<footer>{place}</footer></blockquote>'


def _where(place: Mapping[str, Any]) -> str:
    if not place["document"]:
        return "asked by customers"
    line = f":{place['line']}" if place["line"] else ""
    return f"{place['path'] or place['document']}{line}" + (" (the whole page)" if place["whole"] else "")


def _sources(f: Mapping[str, Any]) -> list[str]:
    places = [f["place"], f["other"]] if f.get("other") else [f["place"]]
    return sorted({p["document"].rpartition(":")[0] or "conversations" for p in places})


def _short(source: str) -> str:
    return source.rstrip("/").rsplit("/", 1)[-1] or source


def _many(kind: str) -> str:
    return NAMES[kind][1]


# --- plots ----------------------------------------------------------------------------------------


def by_source(findings: Sequence[Mapping[str, Any]]) -> str:
    """A bar a kind, in pieces by source."""
    counts: dict[str, Counter[str]] = {}
    for f in findings:
        counts.setdefault(f["kind"], Counter())[_short(_sources(f)[0])] += 1
    names = sorted({source for each in counts.values() for source in each})
    most = max((sum(each.values()) for each in counts.values()), default=1)
    rows = sorted(counts.items(), key=lambda pair: -sum(pair[1].values()))
    parts: list[str] = []
    for n, (kind, each) in enumerate(rows):
        y, x = 8 + 24 * n, 278.0
        parts.append(_text(x - 8, y + 13, _many(kind), anchor="end"))
        for source in names:
            wide = 260 * each[source] / most
            parts.append(_rect((x, y), (wide, 16), _colour(names, source), f"{source}: {each[source]}"))
            x += wide
        parts.append(_text(x + 6, y + 13, str(sum(each.values()))))
    return _svg(
        590,
        24 * len(rows) + 40,
        "Findings by kind and source",
        [*parts, *_legend(names, 24 * len(rows) + 18)],
    )


def ages(pages: Sequence[Sequence[Any]]) -> str:
    """A column a year, in pieces by source."""
    years = sorted({int(year) for _, year in pages})
    if not years:
        return _svg(100, 20, "No pages", [])
    names = sorted({_short(source) for source, _ in pages})
    counts = Counter((int(year), _short(source)) for source, year in pages)
    span = range(years[0], years[-1] + 1)
    most = max(sum(counts[year, name] for name in names) for year in span) or 1
    wide = min(46.0, 520 / len(span))
    parts = []
    for n, year in enumerate(span):
        y, x = 150.0, 30 + wide * n
        for name in names:
            high = 120 * counts[year, name] / most
            y -= high
            parts.append(
                _rect((x, y), (wide - 4, high), _colour(names, name), f"{name}, {year}: {counts[year, name]}")
            )
        total = sum(counts[year, name] for name in names)
        parts.append(_text(x + wide / 2 - 2, y - 4, str(total) if total else "", anchor="middle", size=13))
        parts.append(_text(x + wide / 2 - 2, 164, str(year), anchor="middle", size=13))
    return _svg(590, 200, "Age of the pages", [*parts, *_legend(names, 182)])


def confidence(findings: Sequence[Mapping[str, Any]]) -> str:
    """A column each tenth."""
    counts = Counter(min(9, int(f["confidence"] * 10)) for f in findings)
    most = max(counts.values(), default=1)
    parts = []
    for tenth in range(10):
        high = 120 * counts[tenth] / most
        x = 30 + 52 * tenth
        parts.append(_rect((x, 150 - high), (46, high), _COLOURS[0], f"{counts[tenth]} findings"))
        parts.append(
            _text(x + 23, 146 - high, str(counts[tenth]) if counts[tenth] else "", anchor="middle", size=13)
        )
        parts.append(_text(x + 23, 164, f"{tenth / 10:.1f}", anchor="middle", size=13))
    return _svg(590, 176, "Confidence of the findings", parts)


def _figure(plot: str, words: str) -> str:
    return f"<figure>{plot}<figcaption>{escape(words)}</figcaption></figure>"


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
