"""Pages and what they state, as the detectors see them: the same sentence on many pages is one statement."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from knowledge.model import Document, Passage, Place
from knowledge.stems import stems

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)
_FRONT = re.compile(r"\A---\n.*?\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_ITEM = re.compile(r"^(?P<indent> {0,3})\d{1,3}[.)]\s+(?P<text>\S.*)")
_DATED = re.compile(r"(?:^|[/_-])((?:19|20)\d\d)-(\d\d)-(\d\d)(?=\D|$)")
_POINTS_BACK = re.compile(
    r"(?:this|these|it|they|that|esta?|estas|estes|isso|isto|ela|ele|essa|esse|este|esto|eso|ella)\b",
    re.IGNORECASE,
)
_MARKER = re.compile(r"^[ \t]*(?:(?:[-*+]|\d{1,3}[.)]|>)[ \t]+)+")
_END = re.compile(r"(?<=[.!?:])[\"')*_]*\s+(?=[\"'(*_`¿¡\[]*[A-ZÀ-Ý0-9])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|p\.ex|ex|sr|sra|no|vol|fig)|\b[A-Z])\.$", re.IGNORECASE)
_TAG = re.compile(r"\{%[^%\n]*%\}")
_TAGS = re.compile(r"(?:\{%[^%\n]*%\}|:::.*|\s)+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_ONLY_LINK = re.compile(r"^[*_\s]*!?\[[^\]]*\]\([^)]*\)[*_.\s]*$")
_MARKS = re.compile(r"[*_`]+")
SHORTEST, LONGEST = 15, 600
"""Characters of a statement: shorter ones are labels, longer ones are lists without marks."""


@dataclass(frozen=True)
class PageText:
    """A current page: how it is kept, and how search sees it."""

    document: Document
    text: str
    """The whole version, with its front matter."""
    passages: tuple[Passage, ...]


@dataclass(frozen=True)
class Spot:
    """Where a statement stands."""

    page: int
    passage: Passage
    quote: str


@dataclass(frozen=True)
class Statement:
    """A sentence, on one page or on many, and what it is about."""

    text: str
    """Without link targets and marks."""
    lang: str
    words: frozenset[str]
    meant: frozenset[str]
    """Its words, and those of the sentence before where it points back to that."""
    about: frozenset[str]
    """Words of the title and the headings above it."""
    spots: tuple[Spot, ...]
    """The page that was changed last comes first."""


class Rarity:
    """How much a word tells: the rarer among the statements, the more."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self._seen = Counter(word for s in statements for word in s.words)
        self._all = max(2, len(statements))

    def __call__(self, word: str) -> float:
        return math.log(1 + self._all / (1 + self._seen[word]))

    def weight(self, words: frozenset[str]) -> float:
        return sum(self(word) for word in words)

    def rarest(self, words: frozenset[str], most: int) -> list[str]:
        return sorted(words, key=lambda word: (-self(word), word))[:most]


def dated(document: Document) -> datetime:
    """When it was last changed; a date that its own name carries counts most."""
    found = _DATED.search(document.path)
    if found:
        try:
            return datetime(*(int(part) for part in found.groups()), tzinfo=document.updated_at.tzinfo)  # type: ignore[misc, arg-type]
        except ValueError:
            pass
    return document.updated_at


def dated_path(path: str) -> bool:
    """It is called by a day, as notes and kept versions are."""
    return bool(_DATED.search(path))


def body(text: str) -> str:
    """Without front matter; every line stays on its number."""
    return _FRONT.sub(lambda found: "\n" * found.group().count("\n"), text)


def prose(text: str) -> str:
    """Without blocks of code; every line stays on its number."""
    return _FENCE.sub(lambda found: "\n" * found.group().count("\n"), text)


def plain(text: str) -> str:
    """Words alone: without marks, link targets and tags of a template."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", _TAG.sub(" ", text))).split())


def statements(pages: Sequence[PageText]) -> list[Statement]:
    """What the pages say outside of code and tables, each sentence once a language."""
    spots: dict[tuple[str, str], list[Spot]] = defaultdict(list)
    seen: dict[tuple[str, str], Statement] = {}
    for at, page in enumerate(pages):
        lang = page.document.lang
        title = frozenset(stems(page.document.title, lang))
        for passage in page.passages:
            topic = title | frozenset(stems(" ".join(passage.heading_path), lang))
            before: frozenset[str] = frozenset()
            for text, quote in _sentences(passage.text, lang):
                key = (lang, text.casefold())
                spots[key].append(Spot(at, passage, quote))
                if key not in seen:
                    words = frozenset(stems(text, lang))
                    meant = words | before if _POINTS_BACK.match(text) else words
                    seen[key] = Statement(text, lang, words, meant, topic, ())
                before = seen[key].words
    found = []
    for key, statement in seen.items():
        newest = sorted(spots[key], key=lambda s: dated(pages[s.page].document), reverse=True)
        found.append(replace(statement, spots=tuple(newest)))
    return found


def _sentences(text: str, lang: str) -> Iterator[tuple[str, str]]:
    """(words, verbatim) of the sentences outside of code, tables and headings, over the ends of lines."""
    for block in _blocks(prose(text)):
        start = 0
        for end in [*(m.end() for m in _END.finditer(block)), len(block)]:
            quote = block[start:end].strip()
            if _ABBREVIATION.search(quote):
                continue
            start = end
            said = plain(quote)
            if SHORTEST <= len(said) <= LONGEST and not _ONLY_LINK.match(quote):
                yield said, quote


def _blocks(text: str) -> Iterator[str]:
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        starts = _MARKER.match(line)
        apart = not line.strip() or line.lstrip()[:1] in {"#", "|", "<"} or _TAGS.fullmatch(line)
        if (starts or apart) and lines:
            yield "\n".join(lines)
            lines = []
        if not apart:
            lines.append(line[starts.end() :] if starts else line)


def place_of(page: PageText, quote: str, anchor: str | None = None, *, whole: bool = False) -> Place:
    """`quote` with its line in the page's text."""
    return Place(
        document=page.document.id,
        version=page.document.version,
        path=page.document.path,
        quote=quote,
        line=line_of(page.text, quote),
        anchor=anchor,
        whole=whole,
    )


def place(pages: Sequence[PageText], spot: Spot) -> Place:
    return place_of(pages[spot.page], spot.quote, spot.passage.anchor)


def line_of(text: str, quote: str) -> int:
    """From 1; 0 where it is not there. Reading changes marks, so words decide where the letters do not."""
    at = text.find(quote)
    words = re.findall(r"\w+", plain(quote))
    for start in (0, 4, 8):
        if at >= 0 or len(words) <= start:
            break
        found = re.search(r"\W+".join(map(re.escape, words[start : start + 6])), text)
        at = found.start() if found else -1
    return text.count("\n", 0, at) + 1 if at >= 0 else 0


def steps(page: PageText) -> list[list[str]]:
    """The numbered lists of a page, each as the texts of its top items."""
    lists: list[list[str]] = []
    quiet = 2
    for raw in prose(body(page.text)).split("\n"):
        found = _ITEM.match(raw)
        if found and not found["indent"]:
            if quiet > 1 or not lists:
                lists.append([])
            lists[-1].append(found["text"].strip())
            quiet = 0
        elif raw.startswith("#"):
            quiet = 2
    return [items for items in lists if len(items) > 1]


def by_group(pages: Sequence[PageText]) -> Mapping[str, list[int]]:
    """Pages that are translations of each other, within their source."""
    groups: dict[str, list[int]] = defaultdict(list)
    for at, page in enumerate(pages):
        groups[f"{page.document.source}\0{page.document.group}"].append(at)
    return groups
