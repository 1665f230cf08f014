"""A message in pieces: what the customer says in their own words, apart from what they pasted or quoted.

Every piece keeps its place in the message, so that a quote is always the customer's own characters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from app.reader import folding
from app.reader.data import ALL_DATA, Data, data_in
from app.reader.runon import BREATHLESS, beginnings

fold = folding.fold


class Piece(NamedTuple):
    """A stretch of one message. `folded` has the same length as `text`: lower case, no accents."""

    text: str
    folded: str
    start: int
    end: int


class Clause(NamedTuple):
    piece: Piece
    question: bool
    label: str
    """List marker in front of it (`1`, `2`), empty where there is none."""
    head: Piece | None = None
    """What stands before a colon: `certificate: not yet` is about the certificate."""


class Sentence(NamedTuple):
    piece: Piece
    clauses: tuple[Clause, ...]
    question: bool


class Parted(NamedTuple):
    sentences: tuple[Sentence, ...]
    data: tuple[tuple[Data, Piece], ...]
    """What was pasted, quoted or forwarded, in order."""


LONGEST_MESSAGE = 50_000
"""Characters read of one message: what a pasted mail with its whole history comes to."""

FARTHEST_READ = 10 * LONGEST_MESSAGE
"""However much of it is no words."""

MOST = (30, 15, 15)
"""Sentences read from the beginning, the end and between; every one costs an embedding."""

LONGEST_SENTENCE = 1_000
"""Characters of one sentence."""

PARTS = (16, 8)
"""Clauses read from the beginning and the end of a sentence; more of them is a list of something."""

ENDLESS_WORD = re.compile(r"\S{300,}")
"""No word of anybody: it says nothing, and takes no room from what stands behind it."""

SENTENCE_END = re.compile(r"(?P<mark>[.!?…]+)(?=[\s\")]|$)|;|\n+")
LEADER = re.compile(r"[ \t]\.{3,}[ \t]")
"""`Click tracking ....... ON`, as copied from a settings page."""
ABBREVIATION = re.compile(r"(?:^|\s)(?:e\.g|i\.e|etc|acct|approx|nr|dr|mr|mrs|ms|sr|sra|dra|p\.ej|ex|vs|v)$")
LIST_MARK = re.compile(
    r"^\s*(?:[-*•·–]|\(?(?P<label>\d{1,2})[.)º°]"
    r"|(?:(?:lo|la|el|a|o|the|step|paso|passo|no\.?|number)\s+)?(?P<bare>\d{1,2})(?=\s+[a-z])"
    r"|(?:(?:la|el|lo|a|o|the)\s+)?(?P<nth>first|second|third|fourth|primeir[oa]|segund[oa]|terceir[oa]|quart[oa]"
    r"|primer[oa]?|tercer[oa]?|cuart[oa])(?:\s+(?:one|step|thing|passo|paso|etapa))?(?=\s+[a-z]))\s*"
)
_NTH = ("first pri", "second seg", "third ter", "fourth qua cua")
SERIES = re.compile(r"(?<=\w)\s+(?=[2-9]\s+[a-z])")
"""`1 ok 2 ok 3 not yet`"""
CLAUSE_END = re.compile(
    r"\s*,\s+|\s+[-–—]+\s+|\s*[()]\s*|\s+(?:->|=>)\s+"
    r"|\s+(?:and|but|however|while|whereas|though|although|except|e|mas|porem|enquanto|embora|y|pero|aunque|mientras"
    r"|sino|so that)\s+"
    r"|(?<!\besta)(?<!estao)(?<!estan)(?<!\bta)(?<!\btao)(?<!foi)(?<!ficou)(?<!quedo)(?<!and)\s+(?:agora|ahora)\s+"
)
COLON = re.compile(r":\s+")


def reach(text: str) -> int:
    """How far into a message is read."""
    end = LONGEST_MESSAGE
    for match in ENDLESS_WORD.finditer(text[:FARTHEST_READ]):
        if match.start() >= end:
            break
        end += len(match[0])
    return min(end, FARTHEST_READ)


def parted(text: str, titles: Sequence[str] = (), pages: frozenset[str] = frozenset()) -> Parted:
    """Split a message into sentences of the customer's own and into data, which says nothing by itself.

    `titles`: folded titles of steps. Who quotes one speaks of the step; it is neither data nor split.
    `pages`: runs of words of our pages, which are nobody's own words.
    """
    text = text[: reach(text)]
    folded = ENDLESS_WORD.sub(lambda match: " " * len(match[0]), fold(text))
    whole = _places_of(titles, folded)
    data = [
        (kind, Piece(text[start:end], folded[start:end], start, end))
        for kind, start, end in data_in(text, folded, whole, pages)
    ]
    own = list(folded)
    for _, piece in data:
        own[piece.start : piece.end] = [
            char if char == "\n" else " " for char in own[piece.start : piece.end]
        ]
    masked = LEADER.sub(lambda match: ":" + " " * (len(match[0]) - 1), "".join(own))
    places = [part for place in _sentence_places(masked) for part in _of_bearable_length(masked, *place)]
    if len(places) > sum(MOST):
        places = _told_of(_told_once(places, masked), masked, titles)
    sentences = tuple(_sentence(text, masked, *place, whole=whole) for place in places)
    return Parted(sentences, tuple(data))


def without(text: str, kinds: Collection[Data] = ALL_DATA) -> str:
    """The text as far as it is read, with blanks where such data stands."""
    kept = list(text[: reach(text)])
    for kind, piece in parted(text).data:
        if kind in kinds:
            kept[piece.start : piece.end] = " " * (piece.end - piece.start)
    return "".join(kept)


def _of_bearable_length(masked: str, start: int, end: int, question: bool) -> Iterator[tuple[int, int, bool]]:
    """What goes on without an end is read in stretches, cut between words where there are any."""
    while end - start > LONGEST_SENTENCE:
        cut = masked.rfind(" ", start + LONGEST_SENTENCE // 2, start + LONGEST_SENTENCE)
        cut = cut if cut > 0 else start + LONGEST_SENTENCE
        if masked[start:cut].strip():
            yield start, cut, question
        start = cut
    if masked[start:end].strip():
        yield start, end, question


def _told_once(places: Sequence[tuple[int, int, bool]], masked: str) -> list[tuple[int, int, bool]]:
    """Of a long message: a sentence that is repeated says no more than the last time it stands there."""
    last = {" ".join(masked[start:end].split()): (start, end, question) for start, end, question in places}
    return sorted(last.values())


def _told_of(
    places: Sequence[tuple[int, int, bool]], masked: str, titles: Sequence[str]
) -> list[tuple[int, int, bool]]:
    """The beginning, the end, and what in between shares most words with the steps."""
    first, last, between = MOST
    if len(places) <= sum(MOST):
        return list(places)
    known = {word[:5] for title in titles for word in re.findall(r"\w{4,}", title)}

    def near(place: tuple[int, int, bool]) -> int:
        return len(known & {word[:5] for word in re.findall(r"\w{4,}", masked[place[0] : place[1]])})

    # Of equals the later ones: what was said last counts.
    middle = sorted(places[first:-last], key=lambda place: (near(place), place[0]))[-between:]
    return [*places[:first], *sorted(middle), *places[-last:]]


def _places_of(titles: Sequence[str], folded: str) -> list[tuple[int, int]]:
    """Where titles of several words stand, word for word."""
    return [
        match.span()
        for title in titles
        if " " in title
        for match in re.finditer(rf"(?<!\w){re.escape(title)}(?!\w)", folded)
    ]


def _within(start: int, end: int, places: Sequence[tuple[int, int]]) -> bool:
    return any(first <= start and end <= last for first, last in places)


def _sentence_places(masked: str) -> Iterator[tuple[int, int, bool]]:
    start = 0
    for match in SENTENCE_END.finditer(masked):
        if match["mark"] == "." and ABBREVIATION.search(masked[start : match.start()]):
            continue
        mark = match["mark"] or ""
        end = match.end() if mark else match.start()
        if masked[start:end].strip(" .!?…;-*•·"):
            yield start, end, "?" in mark
        start = match.end()
    if masked[start:].strip(" .!?…;-*•·"):
        yield start, len(masked), False


def _trim(masked: str, start: int, end: int) -> tuple[int, int]:
    while start < end and masked[start] in " \t\r\n,;:-–—•·*()":
        start += 1
    while end > start and masked[end - 1] in " \t\r\n,;:-–—(":
        end -= 1
    return start, end


def _sentence(
    text: str, masked: str, start: int, end: int, question: bool, *, whole: Sequence[tuple[int, int]]
) -> Sentence:
    marker = LIST_MARK.match(masked[start:end])
    label = ""
    if marker:
        label = _label(marker)
        start += 0 if marker["bare"] or marker["nth"] else marker.end()
    start, end = _trim(masked, start, end)
    question = question or masked[start : start + 1] == "¿"
    piece = Piece(text[start:end], masked[start:end], start, end)
    clauses = tuple(_clauses(text, masked, piece, question, label, whole=whole))
    if len(clauses) > sum(PARTS):
        clauses = (*clauses[: PARTS[0]], *clauses[-PARTS[1] :])
    return Sentence(piece, clauses, question)


def _label(marker: re.Match[str]) -> str:
    """The number of a list marker; words for it are told by their first letters."""
    if marker["nth"]:
        return next((str(n) for n, heads in enumerate(_NTH, 1) if _named(marker["nth"], heads)), "")
    return marker["label"] or marker["bare"] or ""


def _named(nth: str, heads: str) -> bool:
    return any(nth.startswith(head) for head in heads.split())


def _clauses(
    text: str, masked: str, piece: Piece, question: bool, label: str, *, whole: Sequence[tuple[int, int]]
) -> Iterator[Clause]:
    # `é` (is) folds to `e` (and): only the one without an accent joins clauses.
    cuts = [
        m.span()
        for m in CLAUSE_END.finditer(piece.folded)
        if (m[0].strip() != "e" or m[0] == piece.text[m.start() : m.end()].lower())
        and not _within(piece.start + m.start(), piece.start + m.end(), whole)
        and not _joins_names(piece.folded, m)
    ]
    if re.match(r"1\s", piece.folded) and "," not in piece.folded:
        cuts += [match.span() for match in SERIES.finditer(piece.folded)]
    for match in COLON.finditer(piece.folded):
        right = piece.folded[match.end() :]
        if _names_title(piece, match.end(), whole):
            continue
        long = _words_in(piece, match.start(), whole) >= 7
        if long or right.count(",") >= 2:
            cuts.append(match.span())
    cuts += _unmarked(piece, cuts, whole)
    cuts += _run_on(piece, cuts, whole)
    asked_from = _question_start(piece, cuts) if question else len(piece.folded) + 1
    place = 0
    for cut_start, cut_end in [*sorted(cuts), (len(piece.folded), len(piece.folded))]:
        start, end = _trim(masked, piece.start + place, piece.start + cut_start)
        asked = place >= asked_from
        place = max(place, cut_end)
        if start >= end:
            continue
        own_label = label
        marker = LIST_MARK.match(masked[start:end])
        if marker:
            own_label = _label(marker) or label
            start += marker.end()
        own = Piece(text[start:end], masked[start:end], start, end)
        yield Clause(own, asked, own_label, _head(own, whole))
        label = ""


LONG_CLAUSE = 9
"""Words; where a clause is longer, a new thought begins in it without any mark."""

OPENER = re.compile(
    r"\s+(?=(?:no idea|not sure|no clue|dunno|ni idea|no estoy segur[oa]|(?<!que )nem ideia|nao faco ideia"
    r"|how (?:do|can|does|should)|where (?:do|can)|what (?:do|is|are|does)|(?:could|can|would) (?:you|we|i)"
    r"|por (?:donde|onde) (?:emp|com)|que (?:pasos|passos)|quais (?:os )?passos"
    r"|(?:podem|pueden|podrian|poderiam) )\w*)"
)
_LEADS = re.compile(
    r"(?<!\w)(?:(?:if|whether|about|the|part|step|of|with|for|as|si|se|sobre|de|do|da|del|lo|el|la|o|a|en|em"
    r"|no|na|paso|passo|etapa|parte|cuanto|quanto|also|and|did|done|finished|do|fiz|hice)\s+)*[\"']?$"
)


def _unmarked(
    piece: Piece, cuts: Sequence[tuple[int, int]], whole: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Where a new thought begins in a long clause that has no mark in between."""
    found: list[tuple[int, int]] = []
    edges = [0, *(place for cut in sorted(cuts) for place in cut), len(piece.folded)]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if len(piece.folded[start:end].split()) <= LONG_CLAUSE:
            continue
        found += [m.span() for m in OPENER.finditer(piece.folded, start, end) if m.start() > start]
        titles = sorted((a - piece.start, b - piece.start) for a, b in whole)
        titles = [(a, b) for a, b in titles if start <= a and b <= end]
        for (_, before), (after, _) in pairwise(titles):
            lead = _LEADS.search(piece.folded, before, after)
            if any(before <= cut[0] < after for cut in found):
                continue  # what stands before the title, such as `no idea whether`, belongs to it
            if lead and len(piece.folded[before : lead.start()].split()) >= 2:
                place = len(piece.folded[: lead.start()].rstrip())
                found.append((place, max(place, lead.start())))
    return [
        span
        for span in dict.fromkeys(found)
        if not _within(span[0] + piece.start, span[1] + piece.start, whole)
    ]


def _run_on(
    piece: Piece, cuts: Sequence[tuple[int, int]], whole: Sequence[tuple[int, int]]
) -> list[tuple[int, int]]:
    """The same where the words of it alone tell, and no title is cut."""
    edges = [0, *(place for cut in sorted(cuts) for place in cut), len(piece.folded)]
    breathless = len(piece.folded.split()) >= BREATHLESS and ", " not in piece.folded
    places = (
        start + place
        for start, end in zip(edges[::2], edges[1::2], strict=True)
        for place in beginnings(piece.folded[start:end], breathless=breathless)
    )
    titles = [(first - piece.start, last - piece.start) for first, last in whole]
    return [(place, place) for place in places if not any(first <= place < last for first, last in titles)]


_NAMES_BEFORE = re.compile(r"(?:^|\s)\S*\w\.\w\S*$")
_NAMES_AFTER = re.compile(r"\S*\w\.\w\S*(?:\s|$)")


def _joins_names(folded: str, cut: re.Match[str]) -> bool:
    """`go.shop.example and mail.shop.example now have one`: two names are one thing spoken of."""
    if cut[0].strip() not in {"and", "e", "y", ","}:
        return False
    return bool(_NAMES_BEFORE.search(folded[: cut.start()]) and _NAMES_AFTER.match(folded[cut.end() :]))


def _words_in(piece: Piece, end: int, whole: Sequence[tuple[int, int]]) -> int:
    """Words up to there; a title counts as one."""
    text = piece.folded
    for first, last in whole:
        if piece.start <= first and last <= piece.start + end:
            text = text[: first - piece.start] + "x" * (last - first) + text[last - piece.start :]
    return len(text[:end].split())


def _names_title(piece: Piece, start: int, whole: Sequence[tuple[int, int]]) -> bool:
    """`... so that this one is still open: Switch on double opt-in`: a title alone says nothing of itself."""
    titles = ((first - piece.start, last - piece.start) for first, last in whole)
    return any(
        not re.search(r"\w", piece.folded[start:first]) and not re.search(r"\w", piece.folded[last:])
        for first, last in titles
        if start <= first
    )


def _head(piece: Piece, whole: Sequence[tuple[int, int]] = ()) -> Piece | None:
    match = COLON.search(piece.folded)
    if not match or _words_in(piece, match.start(), whole) > 6:
        return None
    return Piece(
        piece.text[: match.start()], piece.folded[: match.start()], piece.start, piece.start + match.start()
    )


ASKS = re.compile(
    r"^(?:is|are|was|were|do|does|did|has|have|can|could|would|should|will|may|what|which|when|where"
    r"|who|why|how|if|o que|qual|quais"
    r"|quando|onde|quem|por que|como|sera|posso|pode|podem|tem como|da pra|que|cual|cuando|donde|quien"
    r"|puedo|puede|pueden|se|si|por (?:donde|onde))\b"
)


def _question_start(piece: Piece, cuts: list[tuple[int, int]]) -> int:
    """Where the asking begins: `it is on, could you look?` states first."""
    inverted = piece.folded.rfind("¿")
    starts = [0, *(end for _, end in sorted(cuts) if end < len(piece.folded))]
    if inverted > 0:
        return max(start for start in starts if start <= inverted)
    return next((start for start in starts if ASKS.match(piece.folded[start:].lstrip(" ¿("))), starts[-1])
