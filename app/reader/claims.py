"""What the customer has said or shown about each step, message by message; the newest statement wins."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from app.models import Claim, Message, Procedure, Step
from app.reader import heads, wishes, words
from app.reader.heard import Heard
from app.reader.lexical import concepts_of
from app.reader.lexical import words as lexical_words
from app.reader.status import DONE, FAILED, NOT_DONE, Said, said
from app.reader.subjects import hosts_in
from app.reader.text import Clause, Parted, Piece, Sentence, fold

SURE = 0.46
"""Below this a clause is about no step: nothing rather than a guess."""
LEAST = 0.4
"""Claims below this are not made: on our own conversations most of them were wrong, above it nine of ten were right."""


class Topic(NamedTuple):
    """What our last message was about."""

    steps: tuple[int, ...] = ()
    labels: tuple[tuple[str, int], ...] = ()
    asked: bool = False


class Book:
    """The claims so far. Mutable, but only while one conversation is read."""

    def __init__(self, procedure: Procedure) -> None:
        self.procedure = procedure
        self.newest: dict[tuple[int, str | None], Claim] = {}
        self.order: list[int] = []
        self.topic = Topic()
        self.last = ("", "")
        """Message and status of the last claim."""
        self.raised: tuple[int, ...] = ()
        """What the customer's own last short question named: `The code? Never got one.`"""

    def note(
        self, step: int, status: str, heard: Heard, piece: Piece, confidence: float, *, shown: bool = False,
        subject: str | None = None, weak: bool = False,
    ) -> bool:  # fmt: skip
        """`weak`: the step is inferred, not named. False where the claim does not count."""
        if confidence < LEAST:
            return False
        known = next((claim for (number, _), claim in self.newest.items() if number == step), None)
        if known and not self._replaces(known, step, status, heard, piece, confidence if weak else 1.0):
            return False
        claim = Claim(
            step=self.procedure.steps[step].id, subject=subject, status=status, message=heard.message.id,
            quote=piece.text, confidence=round(min(1.0, confidence), 2), shown=shown,
        )  # fmt: skip
        if subject is None:
            for key in [key for key in self.newest if key[0] == step]:
                del self.newest[key]
        self.newest[(step, subject)] = claim
        if step in self.order:
            self.order.remove(step)
        self.order.append(step)
        return True

    def _replaces(self, known: Claim, step: int, status: str, heard: Heard, piece: Piece, confidence: float) -> bool:
        same_message = known.message == heard.message.id
        if same_message and known.status == FAILED and status == DONE:
            # `It won't validate. I put the record in on Monday.` tells how it failed.
            return bool(words.SETTLED.search(piece.folded))
        if same_message or known.status == status or step in self.topic.steps or words.RETRACT.search(piece.folded):
            return True
        return confidence >= known.confidence - 0.1

    def status(self, step: int) -> str | None:
        found = [claim.status for (number, _), claim in self.newest.items() if number == step]
        return found[-1] if found else None

    @property
    def focus(self) -> int | None:
        return self.order[-1] if self.order else None


def claims_of(heard: Sequence[Heard], procedure: Procedure) -> tuple[Claim, ...]:
    book = Book(procedure)
    for one in heard:
        if one.message.role == "customer":
            _customer(one, book)
        else:
            book.topic = _topic(one)
    return tuple(book.newest.values())


# --- our side -----------------------------------------------------------------------------------


def _topic(heard: Heard) -> Topic:
    steps: list[int] = []
    labels: list[tuple[str, int]] = []
    asked = False
    for sentence in heard.parted.sentences:
        for clause in sentence.clauses:
            best = _best(heard.scores.get((clause.piece.start, clause.piece.end)))
            if best is None and len(sentence.clauses) == 1:
                best = _best(heard.scores.get((sentence.piece.start, sentence.piece.end)))
            if best is None:
                continue
            asked = asked or sentence.question
            if best not in steps:
                steps.append(best)
            if clause.label:
                labels.append((clause.label, best))
        if not steps:
            best = _best(heard.scores.get((sentence.piece.start, sentence.piece.end)))
            if best is not None:
                steps.append(best)
    return Topic(tuple(steps), tuple(labels), asked)


def _best(scores: list[float] | None, least: float = SURE) -> int | None:
    if not scores:
        return None
    top = max(range(len(scores)), key=scores.__getitem__)
    return top if scores[top] >= least else None


# --- the customer -------------------------------------------------------------------------------


class Part(NamedTuple):
    """A clause with what it is about and what it says."""

    clause: Clause
    steps: tuple[int, ...]
    sureness: float
    said: Said


def _customer(heard: Heard, book: Book) -> None:
    data = list(heard.parted.data)
    fresh = True
    for sentence in heard.parted.sentences:
        while data and data[0][1].start < sentence.piece.start:
            _evidence(heard, *data.pop(0), book)
        if _is_forged(sentence.piece.folded):
            continue
        if _sentence(heard, sentence, book, fresh=fresh):
            fresh = False
        named = tuple(dict.fromkeys(step for clause in sentence.clauses for step in _named(heard, clause, sentence)))
        book.raised = named if sentence.question and len(sentence.piece.folded.split()) <= 7 else ()
    for kind, piece in data:
        _evidence(heard, kind, piece, book)


FORGED = re.compile(
    r"^\W*(?:system|sistema|admin|assistant|developer|instruc\w+|note (?:for|to) (?:ai|the)|nota para)\b[^:]{0,40}[:\]>]"
)


def _is_forged(folded: str) -> bool:
    return bool(FORGED.match(folded))


def _sentence(heard: Heard, sentence: Sentence, book: Book, *, fresh: bool) -> bool:
    """Note what one sentence claims; True where it claimed something."""
    lang = heard.lang
    parts = [_part(heard, clause, sentence, lang) for clause in sentence.clauses]
    if _amounts(heard, sentence, parts, book):
        return True
    parts = _shared_status(parts)
    if not any(part.steps for part in parts):
        best = _best(heard.scores.get((sentence.piece.start, sentence.piece.end)), 0.6)
        if best is not None and not words.WISH.search(sentence.piece.folded):
            parts = [p._replace(steps=(best,), sureness=SURE) if p.said.status else p for p in parts]
    noted = False
    subject = _subject(sentence)
    last: tuple[int, ...] = ()
    sure = 0.0
    headed: tuple[int, ...] = ()
    tells = _tells(heard, sentence, book)
    for part in parts:
        headed = part.steps if part.clause.head else headed
        steps, bare = part.steps, False
        if not steps and part.clause.label and part.said.short:
            steps = _labelled(part.clause.label, book)
            part = part._replace(said=part.said._replace(strength=0.9), sureness=0.9)
        if steps and last and steps != last and part.sureness < 0.5 and sure >= 0.8:
            # A weak mention beside a clear one is mostly about the same thing.
            steps = last
        if headed and not part.clause.head and steps and (part.sureness < 0.9 or part.said.status == FAILED):
            steps = headed
        if part.said.status is None:
            if steps and not words.WISH.search(part.clause.piece.folded) and not words.TRYING.search(part.clause.piece.folded):
                last, sure = steps, part.sureness
            continue
        if not steps and not part.said.backed and part.said.strength < 0.8:
            continue
        if part.sureness < 0.9 and not tells:
            continue
        if not steps and last:
            steps, bare = (last if not _is_new_matter(part) else ()), True
        if not steps and not wishes.PERSON.search(sentence.piece.folded):
            steps, bare = _referred(part, sentence, book, fresh=fresh and not noted), True
            if steps and steps == book.topic.steps:
                part = part._replace(sureness=0.9 if book.topic.asked else 0.75)
        for step in steps:
            said_so = _same_as_before(part, book, heard) or _turned(part, lang, book.procedure.steps[step]) or part.said.status
            noted = book.note(
                step, said_so, heard, _quote(part, sentence), part.said.strength * max(part.sureness, 0.6),
                subject=subject, weak=bare or part.sureness < 0.65,
            ) or noted  # fmt: skip
            book.last = (heard.message.id, said_so)
        if steps:
            last, sure = steps, max(part.sureness, 0.6)
    return noted


def _tells(heard: Heard, sentence: Sentence, book: Book) -> bool:
    """A sentence that reports something, or answers what we asked; small talk with a step's words in it does not."""
    acts = dict(zip(heads.ACTS, heard.acts[sentence.piece.start, sentence.piece.end], strict=True))
    return acts["report"] >= 0.1 or acts["chat"] + acts["other"] + acts["skip"] < 0.6 or bool(book.topic.steps)


def _same_as_before(part: Part, book: Book, heard: Heard) -> str | None:
    """`cert: same` says of the certificate what the clause before said of something else."""
    if words.SAME.search(part.clause.piece.folded) and len(part.clause.piece.folded.split()) <= 4 and book.last[0] == heard.message.id:
        return book.last[1]
    return None


def _named(heard: Heard, clause: Clause, sentence: Sentence) -> tuple[int, ...]:
    best = _best(heard.scores.get((clause.piece.start, clause.piece.end)))
    return (best,) if best is not None else ()


def _part(heard: Heard, clause: Clause, sentence: Sentence, lang: str) -> Part:
    scores = heard.scores.get((clause.piece.start, clause.piece.end)) or []
    head = heard.scores.get((clause.head.start, clause.head.end)) if clause.head else None
    if head and max(head) >= max(scores, default=0.0):
        scores = head
    best = _best(scores)
    steps = (best,) if best is not None else ()
    return Part(clause, steps, max(scores, default=0.0), said(clause, lang, heard.states[clause.piece.start, clause.piece.end]))


def _shared_status(parts: list[Part]) -> list[Part]:
    """`Tracking, branded link and certificate are done`: a bare mention takes its neighbour's status."""
    result = list(parts)
    for number, part in enumerate(parts):
        if not part.steps or part.said.status or part.said.open:
            continue
        later = next((p for p in parts[number + 1 :] if p.said.status or p.said.open), None)
        before = next((p for p in reversed(result[:number]) if p.said.status), None)
        own_later = later is not None and (len(later.steps) == 0 or later.steps != part.steps)
        bare = len(part.clause.piece.folded.split()) <= 7
        if later is not None and own_later and bare and later.said.status:
            # A step of its own before the next statement: `the link, and the certificate failed`.
            source = before if before is not None and later.said.status != DONE and later.steps else later
            result[number] = part._replace(said=source.said)
        elif before is not None and bare:
            result[number] = part._replace(said=before.said)
    return result


def _turned(part: Part, lang: str, step: Step) -> str | None:
    """Where the step is to make something go away, or the clause says its very verb in the past."""
    folded = part.clause.piece.folded
    if words.FAIL.search(folded) or part.said.planned:
        return None
    first = fold(step.title).split(" ", 1)[0]
    if words.REMOVES.match(fold(step.title)):
        if words.NO_LONGER.search(folded):
            return DONE
        if words.STILL.search(folded):
            return NOT_DONE
    if part.said.status == DONE or words.NEGATION[lang].search(folded):
        return None
    verb = concepts_of(first, "en")
    past = words.PARTICIPLE[lang].search(folded) or words.PAST[lang].search(folded)
    said_verb = any(verb & concepts_of(word, lang) for word in lexical_words(folded))
    return DONE if past and said_verb else None


def _quote(part: Part, sentence: Sentence) -> Piece:
    return part.clause.piece if len(part.clause.piece.text.split()) >= 3 else sentence.piece


def _subject(sentence: Sentence) -> str | None:
    found = {host for host, _ in hosts_in(sentence.piece.text)}
    return found.pop() if len(found) == 1 else None


def _labelled(label: str, book: Book) -> tuple[int, ...]:
    for known, step in book.topic.labels:
        if known == label:
            return (step,)
    number = int(label) - 1
    return (number,) if 0 <= number < len(book.procedure.steps) else ()


def _is_new_matter(part: Part) -> bool:
    return len(part.clause.piece.folded.split()) > 9 and not words.PRONOUN.search(part.clause.piece.folded)


def _referred(part: Part, sentence: Sentence, book: Book, *, fresh: bool) -> tuple[int, ...]:
    """The steps that a clause without any of its own points back to."""
    folded = part.clause.piece.folded
    if part.said.planned and not words.PRONOUN.search(folded) and not book.topic.asked:
        return ()
    points = bool(part.said.short) or bool(words.PRONOUN.search(folded)) or len(folded.split()) <= 6
    if fresh and book.topic.steps and (points or (book.topic.asked and part.said.strength >= 0.5)):
        return book.topic.steps
    if book.raised:
        return book.raised
    if not fresh and book.focus is not None and words.PRONOUN.search(folded) and not part.said.short:
        return (book.focus,)
    return ()


# --- amounts: all, both, the rest, step 2, up to step 2 -----------------------------------------


def _amounts(heard: Heard, sentence: Sentence, parts: list[Part], book: Book) -> bool:
    folded = sentence.piece.folded
    if sentence.question and not any(p.said.short or p.said.status for p in parts):
        return False
    if words.AS_SAID.search(folded) and not any(part.steps for part in parts):
        return True
    status = _sentence_status(parts)
    every = range(len(book.procedure.steps))
    if match := words.UP_TO.search(folded):
        number = words.NUMBERS.get(match["n"] or match["nth"], 0) or int(match["n"] or 0)
        if status in {DONE, None} and 0 < number <= len(every):
            return _note_all(heard, sentence, book, range(number), DONE)
    if not any(part.steps for part in parts):
        if match := words.FIRST_N.search(folded):
            amount = match["n"] or match["m"] or match["k"]
            number = words.NUMBERS.get(amount) or int(amount)
            listed = book.topic.steps if len(book.topic.steps) >= number else tuple(every)
            if status:
                return _note_all(heard, sentence, book, listed[:number], status)
        if (match := words.STEP_NUMBER.search(folded)) and status:
            return _note_all(heard, sentence, book, _numbered(match, len(every)), status)
    named = {step for part in parts for step in part.steps}
    if words.REST.search(folded) and status:
        rest_status = _status_near(words.REST, parts) or status
        for part in parts:
            for step in part.steps:
                if part.said.status:
                    book.note(step, part.said.status, heard, _quote(part, sentence), 0.8)
        named |= {step for step in every if book.status(step) in {NOT_DONE, FAILED}}
        return _note_all(heard, sentence, book, [s for s in every if s not in named], rest_status)
    if named:
        return False
    if words.NONE.search(folded):
        return _note_all(heard, sentence, book, book.topic.steps or every, NOT_DONE)
    if status and words.BOTH.search(folded):
        targets = book.topic.steps if len(book.topic.steps) == 2 else tuple(book.order[-2:])
        targets = targets if len(targets) == 2 else (tuple(every) if len(every) == 2 else ())
        return _note_all(heard, sentence, book, targets, status) if targets else False
    if status in {DONE, NOT_DONE} and words.ALL.search(folded) and status == DONE:
        targets = book.topic.steps if len(book.topic.steps) > 1 else tuple(every)
        return _note_all(heard, sentence, book, targets, DONE)
    return False


def _sentence_status(parts: list[Part]) -> str | None:
    found = [part.said.status for part in parts if part.said.status]
    return found[0] if found else None


def _status_near(pattern: re.Pattern[str], parts: list[Part]) -> str | None:
    return next(
        (p.said.status for p in parts if p.said.status and pattern.search(p.clause.piece.folded)), None
    )


def _numbered(match: re.Match[str], most: int) -> list[int]:
    if match["nth"]:
        number = words.NUMBERS[match["nth"]]
        return [most - 1] if number < 0 else [number - 1] * (number <= most)
    found = re.findall(r"\d|[a-z]{2,}", match["n"])
    numbers = [words.NUMBERS.get(one) or (int(one) if one.isdigit() else 0) for one in found]
    return [number - 1 for number in numbers if 0 < number <= most]


def _note_all(
    heard: Heard, sentence: Sentence, book: Book, steps: Sequence[int] | range, status: str
) -> bool:
    for step in steps:
        book.note(step, status, heard, sentence.piece, 0.75)
    return bool(steps)


# --- what was pasted ----------------------------------------------------------------------------


def _evidence(heard: Heard, kind: str, piece: Piece, book: Book) -> None:
    """Machine output says done or failed of the step whose text speaks of such things."""
    if kind == "forward":
        return
    folded = piece.folded
    fail = words.SHOWN_FAIL.search(folded)
    if kind == "quote" and not fail:
        return
    done = words.SHOWN_DONE.search(folded)
    left = words.SHOWN_OPEN.search(folded)
    status = FAILED if fail else NOT_DONE if left and not done else DONE if done else None
    if status is None:
        return
    step = _best(heard.scores.get((piece.start, piece.end)), 0.4)
    if status == FAILED and book.focus is not None and (step is None or book.status(book.focus) == FAILED):
        # Shown right after telling of it: what is pasted belongs to what was told.
        step = book.focus
    if step is None or (kind == "quote" and book.status(step) == DONE):
        return
    book.note(step, status, heard, piece._replace(text=piece.text.strip()[:600]), 0.7, shown=True)
