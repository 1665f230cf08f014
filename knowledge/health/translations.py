"""Translations that fell behind their page, told from the files alone.

What a translator leaves as it is must be the same on both sides: code, figures, where links lead, the
number of headings and items. Anchors, the language in an address and marks inside a number may differ.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from knowledge.health.duplicates import words_of
from knowledge.health.finding import Finding, finding_id
from knowledge.health.pages import PageText, body, by_group, place_of, prose
from knowledge.markdown import parser
from knowledge.model import Place
from knowledge.phrases import Phrase, phrase

_LOCALE = re.compile(r"/[a-z]{2}(?:[-_][a-z]{2,4})?(?=/|$)", re.IGNORECASE)
_FIGURE = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_COMMENT = re.compile(r"/\*.*?\*/|<!--.*?-->|(?:^|(?<=\s))(?://|#|--)\s[^\n]*", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]+`")
_TARGET = re.compile(r"\]\([^)]*\)|https?://\S+|<[^<>]*>")
MOSTLY = 0.8
"""Share of a language's pages that have an original, before one without it is odd."""
FEW = 5
"""Pages from which on that share means something."""
LONGER = 0.35
"""A translation whose length differs by more from what is usual lacks something, or has too much."""

USUAL = 3.0
"""A sign that differs in a third of the pages of a source says nothing there: addresses are translated."""

WEIGHT = {"code": 0.5, "links": 0.6, "figures": 0.35, "headings": 0.5, "items": 0.4, "length": 0.3}


class _Shape(NamedTuple):
    code: Counter[str]
    links: Counter[str]
    figures: Counter[str]
    headings: Counter[str]
    items: Counter[str]
    words: int


class _Pair(NamedTuple):
    original: PageText
    translation: PageText
    first: _Shape
    second: _Shape


def behind(pages: Sequence[PageText]) -> list[Finding]:
    pairs = []
    groups = by_group(pages)
    originals = _originals(pages)
    for members in groups.values():
        own = [pages[n] for n in members]
        first = next((p for p in own if p.document.lang == originals.get(p.document.source)), None)
        for page in own:
            if first is not None and page.document.lang != first.document.lang:
                pairs.append(_Pair(first, page, _shape(first.text), _shape(page.text)))
    alike: dict[tuple[str, str], list[_Pair]] = {}
    for pair in pairs:
        document = pair.translation.document
        alike.setdefault((document.source, document.lang), []).append(pair)
    found = [f for group in alike.values() for f in _in_group(group)]
    return found + _orphans(pages, groups, originals)


def _originals(pages: Sequence[PageText]) -> dict[str, str]:
    """By source with more than one language, the one that pages are written in first: the one whose pages
    do not say that they were translated; English where that does not decide, then the one with most."""
    there: dict[str, Counter[str]] = {}
    for page in pages:
        there.setdefault(page.document.source, Counter())[page.document.lang] += 1
    found = {}
    for source, langs in there.items():
        if len(langs) > 1:
            stamped = Counter(
                page.document.lang
                for page in pages
                if page.document.source == source and _says_translated(page.text)
            )
            rank = {lang: (-stamped[lang] / n, lang == "en", n) for lang, n in langs.items()}
            found[source] = max(rank, key=lambda lang: rank[lang])
    return found


def _says_translated(text: str) -> bool:
    """Its front matter names what it was translated from."""
    head = text[: text.find("\n---", 4)] if text.startswith("---") else ""
    return bool(
        re.search(r"^(?:translation_of|source[-_](?:git-)?commit|source[-_]hash)\s*:", head, re.MULTILINE)
    )


def _in_group(pairs: Sequence[_Pair]) -> Iterator[Finding]:
    """Pages of one source in one language: what differs in most of them is how they are translated there."""
    usual = median(_ratio(pair) for pair in pairs)
    differ = [_differences(pair) for pair in pairs]
    often = Counter(name for each in differ for name in each)
    weight = {name: w * max(0.0, 1 - USUAL * often[name] / len(pairs)) for name, w in WEIGHT.items()}
    if len(pairs) < FEW:
        weight = dict(WEIGHT)
    for pair, each in zip(pairs, differ, strict=True):
        found = _compare(pair, {name: d for name, d in each.items() if weight[name] > 0}, weight, usual)
        if found:
            yield found


def _differences(pair: _Pair) -> dict[str, tuple[Counter[str], Counter[str]]]:
    """By sign: what the translation lacks, and what it has too much."""
    return {
        name: (one - two, two - one)
        for name, one, two in (
            ("code", pair.first.code, pair.second.code),
            ("links", pair.first.links, pair.second.links),
            ("figures", pair.first.figures, pair.second.figures),
            ("headings", pair.first.headings, pair.second.headings),
            ("items", pair.first.items, pair.second.items),
        )
        if one != two
    }


def _compare(
    pair: _Pair,
    differ: Mapping[str, tuple[Counter[str], Counter[str]]],
    weigh: Mapping[str, float],
    usual: float,
) -> Finding | None:
    signs = {name: weigh[name] for name in differ}
    if abs(_ratio(pair) - usual) > LONGER * usual:
        signs["length"] = weigh["length"]
    if not signs:
        return None
    sure = 1.0
    for weight in signs.values():
        sure *= 1 - weight
    confidence = 1 - sure * 0.8
    if pair.original.document.updated_at <= pair.translation.document.updated_at:
        confidence -= 0.03
    details = tuple(_shown(name, *differ[name]) for name in differ)[:3]
    details = details or (phrase("detail.length", words=pair.second.words, original=pair.first.words),)
    here, there = _lines(pair, differ)
    names = tuple(phrase(f"sign.{name}") for name in signs)
    return Finding(
        id=finding_id("translation_behind", words_of(pair.original.text), words_of(pair.translation.text)),
        kind="translation_behind",
        confidence=round(min(0.97, confidence), 3),
        place=there,
        other=here,
        why=(phrase("translation.differs", signs=names, details=details),),
        todo=phrase("translation.todo"),
    )


def _orphans(
    pages: Sequence[PageText], groups: Mapping[str, Sequence[int]], originals: Mapping[str, str]
) -> list[Finding]:
    """Translations of pages that are gone, where nearly all others have their original."""
    lone: dict[tuple[str, str], list[PageText]] = {}
    paired: Counter[tuple[str, str]] = Counter()
    for members in groups.values():
        langs = {pages[n].document.lang for n in members}
        for n in members:
            document = pages[n].document
            first = originals.get(document.source)
            if first is None or document.lang == first:
                continue
            if first in langs:
                paired[document.source, document.lang] += 1
            else:
                lone.setdefault((document.source, document.lang), []).append(pages[n])
    found = []
    for key, without in lone.items():
        share = paired[key] / (paired[key] + len(without))
        if paired[key] < FEW or share < MOSTLY:
            continue
        for page in without:
            first_line = next((line.strip() for line in body(page.text).split("\n") if line.strip()), "")
            found.append(
                Finding(
                    id=finding_id("translation_behind", page.document.id, words_of(page.text)),
                    kind="translation_behind",
                    confidence=round(0.6 + 0.35 * share, 3),
                    place=place_of(page, first_line or page.document.title, whole=True),
                    why=(phrase("translation.orphan", share=round(100 * share)),),
                    todo=phrase("translation.orphan.todo"),
                )
            )
    return found


def _shape(text: str) -> _Shape:
    content = body(text)
    tokens = parser().parse(content)
    code = [_bare(t.content) for t in tokens if t.type in {"fence", "code_block"}]
    links: list[str] = []
    for token in tokens:
        for child in token.children or []:
            if child.type == "code_inline":
                code.append(_bare(child.content))
            elif child.type == "link_open":
                links.append(_address(str(child.attrGet("href") or "")))
            elif child.type == "image":
                links.append(_address(str(child.attrGet("src") or "")))
    words = html.unescape(_TARGET.sub("] ", _CODE.sub(" ", prose(content))))
    # One digit is as often written as a word.
    figures = [re.sub(r"\D", "", n) for n in _FIGURE.findall(words)]
    return _Shape(
        code=Counter(code),
        links=Counter(link for link in links if link),
        figures=Counter(n for n in figures if len(n) > 1),
        headings=Counter(t.tag for t in tokens if t.type == "heading_open"),
        items=Counter(t.type for t in tokens if t.type == "list_item_open"),
        words=len(re.findall(r"\w+", content)),
    )


def _bare(code: str) -> str:
    """Code without spacing and comments, and without the language in addresses that it holds."""
    code = _COMMENT.sub("", code)
    return _LOCALE.sub("", re.sub(r"\s+", "", html.unescape(code))).lower()


def _address(target: str) -> str:
    path = re.sub(r"[?#].*", "", target.strip())
    return _LOCALE.sub("", path).rstrip("/").lower()


def _ratio(pair: _Pair) -> float:
    return pair.second.words / max(1, pair.first.words)


def _shown(name: str, lacks: Counter[str], has: Counter[str]) -> Phrase:
    if name in {"headings", "items"}:
        more = "fewer" if lacks else "more"
        return phrase(f"detail.{more}_{name}", n=(lacks or has).total())
    if lacks and has:
        return phrase("detail.lacks_and_has", lacks=_few(lacks), has=_few(has))
    return phrase("detail.lacks", lacks=_few(lacks)) if lacks else phrase("detail.has", has=_few(has))


def _few(values: Counter[str]) -> str:
    shown = [f"`{v[:60]}`" for v in list(values)[:2]]
    return ", ".join(shown) + (" …" if len(values) > 2 else "")


def _lines(pair: _Pair, differ: Mapping[str, tuple[Counter[str], Counter[str]]]) -> tuple[Place, Place]:
    """The line on each side that shows the difference, or the first one of each."""

    def seek(page: PageText, wanted: Counter[str]) -> str | None:
        for line in body(page.text).split("\n"):
            squeezed = _LOCALE.sub("", re.sub(r"\s+", "", html.unescape(line))).lower()
            if any(w.lower() in squeezed for w in wanted if len(w) > 1):
                return line.strip()
        return None

    lacks, has = Counter[str](), Counter[str]()
    for name in ("links", "code", "figures"):
        if name in differ:
            lacks += differ[name][0]
            has += differ[name][1]
    here = seek(pair.original, lacks) or _first(pair.original)
    there = seek(pair.translation, has) or _first(pair.translation)
    return place_of(pair.original, here), place_of(pair.translation, there)


def _first(page: PageText) -> str:
    return next((x.strip() for x in body(page.text).split("\n") if x.strip()), page.document.title)
