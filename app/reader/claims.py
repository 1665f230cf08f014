"""What the customer has said or shown about each step, message by message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.models.reading import Claim, Input
from app.reader import wishes, words
from app.reader.amounts import note_amounts
from app.reader.book import Book
from app.reader.heard import Heard, Part, best_step, in_its_tongue, place
from app.reader.parts import part_of, untitled
from app.reader.passes import Around, passed
from app.reader.pasted import note_pasted
from app.reader.placing import answers, as_listed, list_of, placed, points_back
from app.reader.pointing import at, place_in_list
from app.reader.retract import taken_back, takes_back
from app.reader.spoken import holds, set_aside
from app.reader.status import DONE, NOT_DONE, Said
from app.reader.text import Sentence
from app.reader.told import ACTS
from app.reader.topic import topic_of
from app.reader.turned import turned
from knowledge.model import Procedure

PROMISED = 0.6
"""From here on a sentence promises, and what it promises is the step that we spoke of."""

ASKS_BESIDES = 0.5
"""From here on a question asks for something else than how the matter stands."""

ASIDE = 0.5
"""From here on a sentence tells of something beside the matter, though it reports."""

TELLS_NOTHING = (
    "chat", "other", "own", "aside", "complaint", "thanks", "greeting", "person",
)  # fmt: skip

HARDLY_REPORTS, MOSTLY_BESIDE = 0.3, 0.7
"""A sentence that does one of these for the most part, and hardly reports, tells nothing of a step."""

PLANNED = "planned"
"""A promise about what we spoke of last: the ledger counts it as not done, and nobody has tried yet."""


def claims_of(
    heard: Sequence[Heard], procedure: Procedure, subjects: Sequence[Input] = ()
) -> tuple[Claim, ...]:
    """The newest claim per step and subject."""
    book = Book(procedure, subjects)
    for one in heard:
        if one.message.role == "customer":
            _read(one, book)
        else:
            book.topic = topic_of(one, procedure)
    return book.claims


def _read(heard: Heard, book: Book) -> None:
    data = list(heard.parted.data)
    fresh = True
    book.pointed = None
    for sentence in heard.parted.sentences:
        while data and data[0][1].start < sentence.piece.start:
            note_pasted(heard, *data.pop(0), book)
        if wishes.FORGED.search(sentence.piece.folded) or holds(sentence, asked=book.topic.asked):
            continue
        here = in_its_tongue(heard, sentence)
        fresh = not _read_sentence(here, sentence, book, fresh=fresh) and fresh
        named = [best_step(heard.scores.get(place(clause.piece))) for clause in sentence.clauses]
        short_question = sentence.question and len(sentence.piece.folded.split()) <= 7
        book.raised = (
            tuple(step for step in dict.fromkeys(named) if step is not None) if short_question else ()
        )
    for kind, piece in data:
        note_pasted(heard, kind, piece, book)


def _read_sentence(heard: Heard, sentence: Sentence, book: Book, *, fresh: bool) -> bool:
    """Note what one sentence claims; True where it claimed something."""
    parts = [part_of(heard, untitled(clause, book.procedure), book.procedure) for clause in sentence.clauses]
    if not fresh and takes_back(parts, heard.lang) and book.focus is not None:
        denied = parts[-1]._replace(said=Said(NOT_DONE, 0.85, backed=True), sureness=0.9)
        return _note(heard, sentence, denied, book.focus, book, weak=False)
    parts = taken_back(sentence, parts, heard.lang)
    acts = dict(zip(ACTS, heard.acts[place(sentence.piece)], strict=True))
    promises = acts["promise"] >= PROMISED
    several = len({part.clause.label for part in parts} - {""}) > 1
    aside = acts["aside"] >= ASIDE
    if not (several or promises or aside) and note_amounts(heard, sentence, parts, book):
        return True
    noted = _note_parts(
        heard, sentence, passed(parts, Around(heard, sentence, book)), acts, book, fresh=fresh
    )
    if not noted and fresh and promises:
        for step in book.topic.steps:
            noted = book.note(step, PLANNED, heard, sentence.piece, PROMISED, weak=True) or noted
    return noted


def _note_parts(
    heard: Heard,
    sentence: Sentence,
    parts: Sequence[Part],
    acts: Mapping[str, float],
    book: Book,
    *,
    fresh: bool,
) -> bool:
    """Note what each part claims, in order: one may go on about the step of the part before it."""
    tells = _tells(acts, book) and not set_aside(heard, sentence)
    besides = sentence.question and acts["how"] + acts["ask"] >= ASKS_BESIDES
    noted = False
    against: set[int] = set()
    last: tuple[int, ...] = ()
    headed: tuple[int, ...] = ()
    listed: tuple[int, ...] = ()
    for heard_part in parts:
        headed = heard_part.steps if heard_part.clause.head else headed
        if (number := place_in_list(heard_part.clause.piece.folded)) is not None:
            listed = at(number, list_of(book))
            continue
        plain = as_listed(heard_part, listed)
        part, steps, inferred = placed(plain, last, headed, sentence, book, fresh=fresh and not noted)
        if part.said.status is None:
            book.pointed = steps[-1] if steps and not part.clause.question else book.pointed
            last = steps if part.steps and not _wishes(part) else last
            continue
        if not tells and (part.sureness < 0.9 or (inferred and not answers(heard_part))):
            continue  # `good morning`, `we have just closed our seed round`: no yes to what we asked
        if inferred and besides and not points_back(heard_part):
            continue  # `a colleague left, how do I remove her?` leads up to another question
        if inferred and part.said.status == DONE:
            # `They haven't begun, they have a lot to do`: what is only inferred takes nothing back.
            steps = tuple(step for step in steps if step not in against)
        against.update(steps if part.said.status != DONE else ())
        for step in steps:
            noted = _note(heard, sentence, part, step, book, weak=inferred or part.sureness < 0.65) or noted
        last = steps or last
    return noted


def _tells(acts: Mapping[str, float], book: Book) -> bool:
    """A sentence that reports something, or answers us; small talk with a step's words in it does not."""
    nothing = sum(acts[act] for act in TELLS_NOTHING)
    if acts["aside"] >= ASIDE or (nothing >= MOSTLY_BESIDE and acts["report"] < HARDLY_REPORTS):
        return False
    beside = acts["chat"] + acts["other"] + acts["skip"]
    return acts["report"] >= 0.1 or beside < 0.6 or bool(book.topic.steps)


def _wishes(part: Part) -> bool:
    folded = part.clause.piece.folded
    return bool(words.WISH.search(folded) or words.TRYING.search(folded))


def _note(heard: Heard, sentence: Sentence, part: Part, step: int, book: Book, *, weak: bool) -> bool:
    status = (
        _same(heard, part, book) or turned(part, heard.lang, book.procedure.steps[step]) or part.said.status
    )
    if status is None:
        return False
    promised = status == DONE and heard.acts[place(sentence.piece)][ACTS.index("promise")] >= PROMISED
    if promised and step not in book.topic.steps:
        return False
    if promised or (part.said.planned and weak and step in book.topic.steps):
        status = PLANNED
    subject = book.subject(step, part.clause.piece.text) or book.subject(step, sentence.piece.text)
    strength = part.said.strength
    if status != part.said.status and words.IN_STATE.search(part.clause.piece.folded):
        strength = max(strength, 0.7)  # `on pause`, where the step is to pause
    confidence = strength * max(part.sureness, 0.6)
    told = (book.procedure.steps[step].id, subject, status, heard.message.id)
    if any(_same_claim(claim, told) and claim.confidence > confidence for claim in book.claims):
        return True  # what only repeats it in the same message makes it no less sure
    book.last = (heard.message.id, status)
    return book.note(step, status, heard, part.quote(sentence), confidence, subject=subject, weak=weak)


def _same_claim(claim: Claim, told: tuple[str, str | None, str, str]) -> bool:
    return (claim.step, claim.subject, claim.status, claim.message) == told


def _same(heard: Heard, part: Part, book: Book) -> str | None:
    """`cert: same` says of the certificate what the clause before said of something else."""
    folded = part.clause.piece.folded
    here = book.last[0] == heard.message.id
    return book.last[1] if here and len(folded.split()) <= 4 and words.SAME.search(folded) else None
