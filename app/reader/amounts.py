"""Statements about several steps at once: all, both, the rest, none, the first two, step 2, up to step 2."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.reader import words
from app.reader.book import Book
from app.reader.cues import anywhere
from app.reader.heard import Heard, Part
from app.reader.lexical import bag, concepts_of, loose_concepts, plain_concepts
from app.reader.lexical import words as lexical_words
from app.reader.polarity import WELL
from app.reader.status import DONE, FAILED, NOT_DONE
from app.reader.text import Sentence, fold

ALL = anywhere("all")
BOTH = anywhere("both")
REST = anywhere("rest")
NONE = anywhere("none")
_ONE = r"\d|one|two|three|four|five|um|dois|tres|quatro|cinco|uno|dos|cuatro"
NTH = (
    r"first|second|third|fourth|fifth|last|primeir[oa]|segund[oa]|terceir[oa]|quart[oa]|ultim[oa]|primer[oa]?|tercer[oa]?"
    r"|cuart[oa]"
)
THING = r"(?:one|step|point|item|thing|part|bit|passo|etapa|ponto|coisa|parte|paso|punto|cosa)"
_STEP = r"(?:steps?|points?|items?|number|passos?|etapas?|itens|pontos?|pasos?|puntos?|numero|no\.?|#)"
UP_TO = re.compile(
    r"(?<!\w)(?:(?:up )?(?:to|until|till|through)|as far as|ate|hasta)(?: and including)?(?: (?:the|o"
    r"|a|el|la))? "
    rf"(?:{_STEP}(?: (?:number|numero|no|n))? ?(?P<n>{_ONE})|(?P<nth>{NTH}) {THING})(?!\w)"
)
STEP_NUMBER = re.compile(
    rf"(?<!\w)(?:{_STEP} ?(?P<n>(?:{_ONE})(?:(?:,| and| e| y| &|-| to| a) ?(?:{_ONE}))*)"
    rf"|(?:the |o |a |el |la )?(?P<nth>{NTH}) {THING})(?!\w)"
)
_FEW = r"two|three|four|[2-4]|dois|duas|dos|tres|quatro|cuatro"
MERE_NUMBER = re.compile(r"(?:number|numero|no\.?|#)")
"""Cases and phones have numbers, too: a brief answer means a step, and one to a numbered list."""
BRIEF_AMOUNT = 4
FIRST_N = re.compile(
    rf"(?<!\w)(?:(?:first|primeir[oa]s|primer[oa]s) (?P<n>{_FEW})|(?P<m>{_FEW}) (?:first|primeir[oa]s"
    rf"|primer[oa]s))(?!\w)"
)
NUMBERS = {
    "one": 1, "um": 1, "uno": 1, "first": 1, "primeiro": 1, "primeira": 1, "primer": 1, "primero": 1,
    "primera": 1,
    "two": 2, "dois": 2, "duas": 2, "dos": 2, "second": 2, "segundo": 2, "segunda": 2,
    "three": 3, "tres": 3, "third": 3, "terceiro": 3, "terceira": 3, "tercer": 3, "tercero": 3, "tercera": 3,
    "four": 4, "quatro": 4, "cuatro": 4, "fourth": 4, "quarto": 4, "quarta": 4, "cuarto": 4, "cuarta": 4,
    "five": 5, "cinco": 5, "fifth": 5, "last": -1, "ultimo": -1, "ultima": -1,
}  # fmt: skip
CONFIDENCE = 0.75
STEPS = re.compile(r"\b(?:steps?|points?|items?|passos?|etapas?|pasos?|puntos?|\w*requi\w+|todo lo|tudo o)\b")


def note_amounts(heard: Heard, sentence: Sentence, parts: Sequence[Part], book: Book) -> bool:
    """Note what the sentence says of several steps at once; True where it did, and nothing is left in it."""
    folded = sentence.piece.folded
    if sentence.question and not any(part.said.short or part.said.status for part in parts):
        return False
    named = {step for part in parts for step in part.steps}
    if words.AS_SAID.search(folded) and not named:
        return True
    status = next((part.said.status for part in parts if part.said.status), None)
    if (match := UP_TO.search(folded)) and status in {DONE, None}:
        number = _number(match["n"] or match["nth"])
        return 0 < number <= len(book.every) and _note(heard, sentence, book, book.every[:number], DONE)
    if status and REST.search(folded):
        return _note_rest(heard, sentence, parts, book, named)
    if named:
        return False
    if NONE.search(folded):
        return _note(heard, sentence, book, book.topic.steps or book.every, NOT_DONE)
    if status is None:
        return False
    steps = _meant(folded, status, book)
    if (
        status == DONE
        and len(steps) > 1
        and not book.topic.steps
        and _of_other_things(folded, heard.lang, book)
    ):
        return False
    pleased = len(steps) > 2 and not book.topic.steps and _only_well(folded)
    return _note(heard, sentence, book, steps, status, sure=PLEASED if pleased else CONFIDENCE)


PLEASED = 0.45
"""`Everything is fine here`, out of the blue: too little to open anything."""


def _only_well(folded: str) -> bool:
    rest = ALL.sub(" ", folded)
    told = [match[0] for match in words.COMPLETE.finditer(rest)]
    return bool(told) and all(WELL.fullmatch(one) for one in told) and not STEPS.search(folded)


OTHER_THINGS = 2
"""Words of a sentence that the page does not know: then `all` is all of something else."""


def _of_other_things(folded: str, lang: str, book: Book) -> bool:
    """`The weather is nice and everything is green` is said of no step, if nobody asked."""
    rest = folded
    for pattern in (ALL, BOTH, words.COMPLETE, words.PARTICIPLE[lang], words.PAST[lang]):
        rest = pattern.sub(" ", rest)
    page = book.procedure
    texts = (page.title, page.when, *(f"{step.title} {step.text}" for step in page.steps))
    known = loose_concepts() | plain_concepts() | bag(fold(" ".join(texts)), lang).concepts
    return sum(not concepts_of(word, lang) & known for word in lexical_words(rest)) >= OTHER_THINGS


def _meant(folded: str, status: str, book: Book) -> Sequence[int]:
    """The steps that a number or a quantity stands for."""
    topic = book.topic.steps
    if match := FIRST_N.search(folded):
        number = _number(match["n"] or match["m"])
        return (topic if len(topic) >= number else book.every)[:number]
    match = STEP_NUMBER.search(folded)
    if match and (
        book.topic.labels or len(folded.split()) <= BRIEF_AMOUNT or not MERE_NUMBER.match(match[0])
    ):
        return _numbered(match, len(book.every))
    if BOTH.search(folded):
        pairs = (topic, tuple(book.order[-2:]), book.every)
        return next((pair for pair in pairs if len(pair) == 2), ())
    if status == DONE and ALL.search(folded):
        return topic if len(topic) > 1 else book.every
    return ()


def _note_rest(heard: Heard, sentence: Sentence, parts: Sequence[Part], book: Book, named: set[int]) -> bool:
    """`The certificate is missing, everything else is done.`"""
    status = next(
        (p.said.status for p in parts if p.said.status and REST.search(p.clause.piece.folded)), None
    )
    for part in parts:
        for step in part.steps:
            if part.said.status:
                book.note(step, part.said.status, heard, part.quote(sentence), CONFIDENCE)
    open_ones = {step for step in book.every if book.status(step) in {NOT_DONE, FAILED}}
    rest = [step for step in book.every if step not in named | open_ones]
    if status is None:
        return bool(named)
    return _note(heard, sentence, book, rest, status)


def _number(text: str) -> int:
    return NUMBERS.get(text) or (int(text) if text.isdigit() else 0)


def _numbered(match: re.Match[str], most: int) -> list[int]:
    if match["nth"]:
        number = _number(match["nth"])
        return [most - 1] if number < 0 else [number - 1] * (number <= most)
    numbers = [_number(one) for one in re.findall(r"\d|[a-z]{2,}", match["n"])]
    return [number - 1 for number in numbers if 0 < number <= most]


def _note(
    heard: Heard,
    sentence: Sentence,
    book: Book,
    steps: Sequence[int],
    status: str,
    *,
    sure: float = CONFIDENCE,
) -> bool:
    for step in steps:
        subject = book.subject(step, sentence.piece.text)
        book.note(step, status, heard, sentence.piece, sure, subject=subject)
    return bool(steps)
