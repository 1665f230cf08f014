"""The findings on one page: both lines side by side, filters, plots. Everything from pages is escaped."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from app import plots
from app.links import case_link
from app.plots import counted, grouped, name_of, short, sources_of
from app.texts import catalogue, language, say

DIST = Path(__file__).parent / "web" / "dist"
STYLE, SCRIPT = DIST / "documents.css", DIST / "documents.js"

MOST = 500
"""Findings on a page that agents decide on: the strongest. All of them would be slow to open."""

LONG = 700
"""Characters of a quote that are shown at once."""

WORTH_A_PLOT = 10
"""Fewer findings are read one by one, and plots of them would only stand before them."""

LIKELY = 0.5
"""What is less sure than this is out of sight at first where agents look, as on the command line."""

DECISIONS = ("accepted", "dismissed", "task", "open")
"""States that people bring about by a button."""

TAGS = {"en": "en", "pt": "pt-BR", "es": "es"}
"""By catalogue: the language that a page says it is in."""

_OF_SCRIPT = (
    "documents.told.", "documents.by.", "documents.failed.", "documents.looking", "documents.filter.shown",
)  # fmt: skip
"""How the keys of those words begin that the script of the page says."""


def as_page(found: Mapping[str, Any], lang: str = "en") -> str:
    """A file of its own, to read and to send on; `found` with its sentences in the same language."""
    command = "<code>stepfour health accept|dismiss|task ID</code>"
    intro = say(lang, "documents.decide_by_command", command=command)
    title = say(lang, "documents.title")
    return (
        f'<!doctype html><html lang="{TAGS[lang]}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title>"
        f"<style>{STYLE.read_text('utf-8')}</style></head><body>"
        f'<main data-words="{words_of_script(lang)}"><h1>{title}</h1>'
        f"{_counted(found, intro, lang)}{_judging(found)}{_body(found, lang)}</main>"
        f'<script type="module">{SCRIPT.read_text("utf-8")}</script></body></html>'
    )


def to_decide(found: Mapping[str, Any], lang: str = "en") -> str:
    """The same for agents who are signed in, with what they may make of each finding."""
    heading = f"<h1>{say(lang, 'documents.title')}</h1>"
    strongest = found["findings"][:MOST]
    if not strongest:  # which may mean that nobody has looked
        pages = counted(sum(found["documents"].values()), "page", lang)
        told = say(lang, "documents.nothing_on_record", pages=pages)
        return f"{heading}<p>{told}</p>{_look(say(lang, 'documents.look'))}"
    left = found["total"] - len(strongest)
    command = "<code>stepfour health --json</code>"
    more = f"<p>{say(lang, 'documents.not_here', n=grouped(left, lang), command=command)}</p>"
    intro = " ".join(
        f"<strong>{say(lang, f'documents.decide.{state}')}</strong>: {say(lang, f'documents.means.{state}')}"
        for state in DECISIONS
        if state != "open"
    )
    return (
        f"{heading}{_counted(found, intro, lang)}{_judging(found)}{_look(say(lang, 'documents.look_again'))}"
        f"{more if left else ''}"
        f"{_body({**found, 'findings': strongest}, lang, least=LIKELY, decide=True)}"
    )


def words_of_script(lang: str) -> str:
    """What the script says by itself, as the value of an attribute."""
    every = catalogue(language(lang))
    words = {key.removeprefix("documents."): every[key] for key in every if key.startswith(_OF_SCRIPT)}
    return escape(json.dumps(words, ensure_ascii=False, sort_keys=True))


def _look(name: str) -> str:
    return f'<form class="look"><button>{name}</button> <span role="status"></span></form>'


def _counted(found: Mapping[str, Any], intro: str, lang: str) -> str:
    pages = counted(sum(found["documents"].values()), "page", lang)
    findings = counted(found["total"], "finding", lang)
    return f"<p>{say(lang, 'documents.counted', findings=findings, pages=pages)} {intro}</p>"


def _judging(found: Mapping[str, Any]) -> str:
    told = found.get("judging")
    return f'<p class="small">{escape(told["said"])}</p>' if told else ""


def _body(found: Mapping[str, Any], lang: str, *, least: float = 0.0, decide: bool = False) -> str:
    findings = found["findings"]
    figures = [
        _figure(plots.by_source(findings, lang), say(lang, "documents.plot.kinds")),
        _figure(plots.ages(found["ages"], lang), say(lang, "documents.plot.ages")),
        _figure(plots.confidence(findings, lang), say(lang, "documents.plot.confidence")),
    ]
    every = "".join(_finding(f, lang, decide=decide) for f in findings)
    every = every or f"<p>{say(lang, 'documents.nothing_found')}</p>"
    drawn = " open" if len(findings) >= WORTH_A_PLOT else ""
    return (
        f'<details class="plots"{drawn}><summary>{say(lang, "documents.plots")}</summary>'
        f"<div>{''.join(figures)}</div></details>{_filters(findings, least, lang)}{every}"
    )


def _figure(plot: str, words: str) -> str:
    return f"<figure>{plot}<figcaption>{words}.</figcaption></figure>"


# --- the list -------------------------------------------------------------------------------------


def _filters(findings: Sequence[Mapping[str, Any]], least: float, lang: str) -> str:
    def of(key: str) -> str:
        return say(lang, f"documents.filter.{key}", n=str(len(findings)))

    def choices(every: Sequence[tuple[str, str]]) -> str:
        return "".join(f'<option value="{escape(value)}">{escape(name)}</option>' for value, name in every)

    kinds = Counter(f["kind"] for f in findings).most_common()
    sources = Counter(source for f in findings for source in sources_of(f, lang)).most_common()
    states = ("open", "accepted", "task", "dismissed", "all")
    by_kind = choices([("", of("all")), *((k, f"{name_of(k, lang)} ({n})") for k, n in kinds)])
    by_source = choices([("", of("all_sources")), *((s, f"{short(s)} ({n})") for s, n in sources)])
    by_state = choices([("", of("not_dismissed")), *((s, of(s)) for s in states)])
    return (
        f'<form class="filters" aria-label="{of("name")}">'
        f'<label>{of("kind")} <select name="kind">{by_kind}</select></label>'
        f'<label>{of("source")} <select name="source">{by_source}</select></label>'
        f'<label>{of("state")} <select name="state">{by_state}</select></label>'
        f'<label>{of("confidence")} <input name="sure" type="range" min="0" max="1" step="0.05"'
        f' value="{least:g}">'
        f' <output name="least">{least:.0%}</output></label>'
        f'<label>{of("words")} <input name="words" type="search" placeholder="{of("where")}"></label>'
        f'<span role="status" class="shown">{of("shown")}</span></form>'
    )


def _finding(f: Mapping[str, Any], lang: str, *, decide: bool) -> str:
    data = {
        "kind": f["kind"],
        "state": f["state"],
        "sure": f"{f['confidence']:.3f}",
        "sources": "\n".join(sources_of(f, lang)),
    }
    attributes = "".join(f' data-{key}="{escape(value)}"' for key, value in data.items())
    places = [f["place"], *([f["other"]] if f.get("other") else [])]
    quotes = "".join(_place(place, lang) for place in places)
    said = "".join(_said(e, lang, linked=decide) for e in f["evidence"])
    id = escape(f["id"])
    sure = say(lang, "documents.sure", share=f"{100 * f['confidence']:.0f}")
    return (
        f'<article{attributes} aria-labelledby="why-{id}"><h2 id="why-{id}" tabindex="-1">'
        f'<span class="kind">{escape(name_of(f["kind"], lang, 1))}</span> {_marked(f["why"])}</h2>'
        f'<p class="small"><code>{id}</code> · {sure}<span class="state">{_state(f, lang)}</span></p>'
        f"{_judged(f)}"
        f'<div class="sides">{quotes}</div>{said}<p class="todo">{_marked(f["todo"])}</p>{_also(f, lang)}'
        f"{_decision(f, lang) if decide else ''}</article>"
    )


def _judged(f: Mapping[str, Any]) -> str:
    judged = f.get("judged")
    return f'<p class="small judged">{escape(judged["said"])}</p>' if judged else ""


def _marked(sentence: str) -> str:
    """Escaped, with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(sentence))


def _also(f: Mapping[str, Any], lang: str) -> str:
    n = f["also_count"]
    if not n:
        return ""
    more = "".join(f"<li>{escape(_where(place, lang))}</li>" for place in f["also"])
    rest = n - len(f["also"])
    left = f"<li>{say(lang, 'documents.and_more', n=grouped(rest, lang))}</li>" if rest else ""
    return f"<details><summary>{also(n, lang)}</summary><ul>{more}{left}</ul></details>"


def also(n: int, lang: str) -> str:
    """`And on 3 more`."""
    return say(lang, f"documents.also.{'one' if n == 1 else 'many'}", n=grouped(n, lang))


def settled(f: Mapping[str, Any], lang: str) -> str:
    """`dismissed by ann: two depots`; empty where nobody has decided."""
    if f["state"] == "open":
        return ""
    by = say(lang, f"documents.by.{f['state']}", by=str(f["by"]))
    return f"{by}: {f['note']}" if f.get("note") else by


def _state(f: Mapping[str, Any], lang: str) -> str:
    return escape(f" · {settled(f, lang)}") if f["state"] != "open" else ""


def _decision(f: Mapping[str, Any], lang: str) -> str:
    buttons = "".join(
        f'<button name="state" value="{state}" aria-describedby="why-{escape(f["id"])}"'
        f"{' hidden' if state == f['state'] else ''}>{say(lang, f'documents.decide.{state}')}</button>"
        for state in DECISIONS
    )
    return (
        f'<form class="decide" data-finding="{escape(f["id"])}">'
        f'<label>{say(lang, "documents.why")} <input name="note" type="text" maxlength="500"'
        f' placeholder="{say(lang, "documents.optional")}">'
        f'</label>{buttons}<p role="alert"></p></form>'
    )


def _place(place: Mapping[str, Any], lang: str) -> str:
    quote = _quote(place["quote"], lang)
    return f'<figure class="side"><figcaption>{escape(_where(place, lang))}</figcaption>{quote}</figure>'


def _quote(words: str, lang: str) -> str:
    if len(words) <= LONG:
        return f"<pre>{escape(words)}</pre>"
    start, rest = words[:LONG], words[LONG:]
    more = say(lang, "documents.more_characters", n=grouped(len(rest), lang))
    return (
        f"<pre>{escape(start)} …</pre><details><summary>{more}</summary><pre>{escape(rest)}</pre></details>"
    )


def _said(evidence: Mapping[str, Any], lang: str, *, linked: bool) -> str:
    id = evidence["conversation"]
    there = say(lang, "documents.conversation")
    place = f'<a href="{escape(case_link(None, id))}">{there}</a>' if linked else escape(id)
    return f'<blockquote class="said">{escape(evidence["quote"])}<footer>{place}</footer></blockquote>'


def _where(place: Mapping[str, Any], lang: str) -> str:
    if not place["document"]:
        return say(lang, "documents.asked")
    path = place["path"] or place["document"]
    line = f"{path}:{place['line']}" if place["line"] else path
    return say(lang, "documents.whole_page", path=line) if place["whole"] else line
