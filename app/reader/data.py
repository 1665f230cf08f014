"""What of a message is data: pasted, quoted, forwarded, program text, or a page of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from app.reader import code
from app.reader.pagewords import Span, places_of_pages

Data = Literal["paste", "quote", "forward", "code", "page"]
ALL_DATA: frozenset[Data] = frozenset({"paste", "quote", "forward", "code", "page"})
SILENT: frozenset[Data] = frozenset({"forward", "code", "page"})
"""Data that shows nothing: neither what works nor what fails."""


class Place(NamedTuple):
    kind: Data
    start: int
    end: int


Line = tuple[int, int, str]
"""Start, end and folded text."""

FENCE = re.compile(r"^\s*(?:'{3}|~{3})")
"""Folded: a backtick is an apostrophe there."""
QUOTED_LINE = re.compile(r"^\s*>(?!\S*=)")
FORWARD = re.compile(
    r"^\s*(?:[-_=]{3,40}[^-_=].{0,60}?(?:forward|encaminhad|reenviad|original)|begin forwarded message"
    r"|(?:on|em|el) .{6,80}(?:wrote|escreveu|escribio):\s*$)"
)
MAIL_HEADER = re.compile(
    r"^\s*(?:from|de|to|para|sent|enviad[oa]|date|data|fecha|subject|assunto|asunto|cc):\s*\S"
)
SIGN_OFF = re.compile(
    r"^\s*(?:(?:best|kind|warm)?\s*regards|cheers|sincerely|yours|thanks|thank you|att|atenciosamente"
    r"|abracos?|cordialmente|obrigad[oa]|(?:un )?(?:cordial )?saludos?|saludos|atentamente|um abraco"
    r"|gracias)\b.{0,24}$"
)
MACHINE = re.compile(
    r"^\s*(?:"
    r"[$#]\s+\S|;{1,2}\s|\*\s{2,}\S|\*\* |</?[a-z!][^>]*>|<!--|http/\d|[{}\[\]]\s*,?$|\"[\w.-]+\"\s*:"
    r"|(?:error|erro|status|code|codigo)[ :]+#?\d{3}\b|traceback|[a-z_]{3,}=(?:\S+$|[a-z]{1,3}\s?=)|depth=\d"
    r"|verify (?:error|return)"
    r"|-----begin |[\w.-]+\.?\s+(?:\d+\s+)?in\s+(?:a|aaaa|cname|txt|mx|ns|soa|caa)\b|server:\s|address:\s"
    r"|(?:curl|dig|nslookup|ping|openssl|wget|ssh|host)\s+\S+.*[-./]|\w[\w ]{0,18}:\s{2,}\S"
    r"|\d{4}-\d\d-\d\d[t ]\d\d:\d\d)"
)
COMMENT = re.compile(r"^\s*#\s")
LONG = 27
"""Characters; a shorter quote is a name, not somebody else's words."""
LONG_QUOTE = re.compile(r'"[^"]{25,}"')
QUOTED = re.compile(r'"[^"]*"')


def data_in(
    text: str, folded: str, titles: Sequence[Span] = (), pages: frozenset[str] = frozenset()
) -> list[Place]:
    """In order. `titles`: places of titles of steps, `pages`: runs of words of our pages."""
    places = _blocks(text, folded)
    if pages:
        own = places_of_pages(folded, pages, titles)
        places = [place for place in places if not _mostly_within(place, own)]
        places += [Place("page", start, end) for start, end in own]
    left = _without(folded, places)
    places += [Place("code", start, end) for start, end in code.inline(left)]
    left = _without(folded, places)
    places += [
        Place("quote", match.start(), match.end())
        for match in _long_quotes(left)
        if not any(
            match.start() < first and last < match.end() and last - first > len(match[0]) - 6
            for first, last in titles
        )
    ]
    return sorted(places, key=lambda place: place.start)


def unfenced(text: str) -> str:
    """What a fence holds, without the marks."""
    return "\n".join(line for line in text.splitlines() if not FENCE.match(line.replace("`", "'"))).strip()


def _without(folded: str, places: Sequence[Place]) -> str:
    chars = list(folded)
    for _, start, end in places:
        chars[start:end] = " " * (end - start)
    return "".join(chars)


def _mostly_within(place: Place, spans: Sequence[Span]) -> bool:
    both = sum(max(0, min(place.end, end) - max(place.start, start)) for start, end in spans)
    return both > 0.6 * (place.end - place.start)


def _blocks(text: str, folded: str) -> list[Place]:
    """Lines of one kind made one place each."""
    blocks: list[Place] = []
    for kind, start, end in _data_lines(text, folded):
        last = blocks[-1] if blocks else None
        if last and last.kind == kind and last.end == start:
            blocks[-1] = Place(kind, last.start, end)
        elif last and kind == "code" and last.kind == "paste" and not folded[last.end : start].strip():
            blocks.append(Place("paste", start, end))  # what a tool answered
        else:
            blocks.append(Place(kind, start, end))
    return blocks


def _long_quotes(folded: str) -> list[re.Match[str]]:
    """In pairs where the marks pair up: what stands between two short quotes is no quote."""
    pairs = [match for match in QUOTED.finditer(folded) if len(match[0]) >= LONG]
    return pairs if folded.count('"') % 2 == 0 else list(LONG_QUOTE.finditer(folded))


def _data_lines(text: str, folded: str) -> Iterator[Place]:
    """Kind and place of every line that is data."""
    lines = _lines(folded)
    written = [text[start:end].rstrip("\r\n") for start, end, _ in lines]
    coded = code.code_lines(written, [line for _, _, line in lines])
    fences = _fenced(lines, coded)
    pasted = _pasted_paragraphs(lines, coded)
    forwarded = False
    for number, (start, end, line) in enumerate(lines):
        if number in fences:
            yield Place(fences[number], start, end)
        elif forwarded and not _after_sign_off(lines, number):
            yield Place("forward", start, end)
        elif FORWARD.match(line) or (MAIL_HEADER.match(line) and _headers_at(lines, number)):
            forwarded = True
            yield Place("forward", start, end)
        elif QUOTED_LINE.match(line):
            yield Place("quote", start, end)
        elif pasted[number]:
            forwarded = False
            yield Place(pasted[number] or "paste", start, end)
        else:
            forwarded = False


def _fenced(lines: Sequence[Line], coded: Sequence[bool]) -> dict[int, Data]:
    """Number of a line -> what its fence holds. A fence that nothing closes is a line by itself."""
    marks = [number for number, (_, _, line) in enumerate(lines) if FENCE.match(line)]
    found: dict[int, Data] = {}
    for first, last in zip(marks[::2], marks[1::2], strict=False):
        named = bool(code.LANGUAGE.match(lines[first][2]))
        kind = _kind(lines, coded, range(first + 1, last), named=named)
        found.update(dict.fromkeys(range(first, last + 1), kind))
    if len(marks) % 2:
        found[marks[-1]] = "paste"
    return found


def _kind(lines: Sequence[Line], coded: Sequence[bool], block: range, *, named: bool = False) -> Data:
    """Program text, or what a machine printed: a command and its answer tell how things are."""
    filled = [number for number in block if lines[number][2].strip()]
    printed = any(
        MACHINE.match(lines[n][2]) and not coded[n] and not COMMENT.match(lines[n][2]) for n in filled
    )
    mostly = sum(coded[number] for number in filled) * 2 >= len(filled) > 0
    return "code" if not printed and (named or mostly) else "paste"


def _lines(folded: str) -> list[Line]:
    lines: list[Line] = []
    place = 0
    for line in folded.splitlines(keepends=True):
        lines.append((place, place + len(line), line.rstrip("\r\n")))
        place += len(line)
    return lines


def _pasted_paragraphs(lines: Sequence[Line], coded: Sequence[bool]) -> list[Data | None]:
    """Kinds of such lines; of the whole paragraph where they are most of it or a colon announces it."""
    machine = [coded[number] or bool(MACHINE.match(line)) for number, (_, _, line) in enumerate(lines)]
    pasted: list[Data | None] = [
        ("code" if coded[n] else "paste") if machine[n] else None for n in range(len(lines))
    ]
    first = 0
    announced = False
    for number in range(len(lines) + 1):
        if number < len(lines) and lines[number][2].strip():
            continue
        body = range(first, number)
        if body:
            share = sum(machine[i] for i in body) / len(body)
            if share and (share >= 0.5 or announced):
                # Unannounced, what is said in front of it is still the customer's own.
                start = first if announced else next(i for i in body if machine[i])
                kind = _kind(lines, coded, range(start, number))
                pasted[start:number] = [kind] * (number - start)
            announced = lines[number - 1][2].rstrip().endswith(":")
        first = number + 1
    return pasted


def _headers_at(lines: Sequence[Line], number: int) -> bool:
    return sum(bool(MAIL_HEADER.match(line)) for _, _, line in lines[number : number + 4]) >= 2


def _after_sign_off(lines: Sequence[Line], number: int) -> bool:
    """A new paragraph after the mail's closing words is the customer speaking again."""
    line = lines[number][2]
    if not line.strip() or MAIL_HEADER.match(line):
        return False
    blank = next((i for i in range(number - 1, -1, -1) if not lines[i][2].strip()), None)
    if blank is None:
        return False
    before = [lines[i][2] for i in range(max(0, blank - 3), blank)]
    return any(SIGN_OFF.match(line) for line in before)
