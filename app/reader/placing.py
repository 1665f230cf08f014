"""The steps a clause speaks of where it names none: by a list, by what we asked, by what was said before."""

from __future__ import annotations

from app.reader import wishes, words
from app.reader.aftermath import OWN_MATTER
from app.reader.book import Book
from app.reader.heard import Part
from app.reader.parts import BRIEFLY
from app.reader.status import DONE, FAILED
from app.reader.text import Sentence


def placed(
    part: Part, last: tuple[int, ...], headed: tuple[int, ...], sentence: Sentence, book: Book, *, fresh: bool
) -> tuple[Part, tuple[int, ...], bool]:
    """The steps a clause speaks of, and whether they are inferred rather than named."""
    steps = part.steps
    if fresh and book.topic.asked and part.said.status and (_is_bare_answer(part) or _is_brief(part)):
        return _sure(part), book.topic.steps, True
    if not steps and part.clause.label and part.said.short:
        certain = part._replace(said=part.said._replace(strength=0.9), sureness=0.9)
        return certain, _labelled(part.clause.label, book), True
    bare = (
        words.BARE_PARTICIPLE.match(part.clause.piece.folded) and len(part.clause.piece.folded.split()) <= 4
    )
    if last and bare and part.sureness < 0.9:
        # `the door is painted by Joe, checked this morning` goes on about the door.
        return part, last, True
    if headed and steps and not part.clause.head and (part.sureness < 0.9 or part.said.status == FAILED):
        steps = headed
    clear = 0.6 if fresh and book.topic.asked else 0.8  # in an answer less is plain enough
    if steps or part.said.status is None or (not part.said.backed and part.said.strength < clear):
        return part, steps, False
    if last and not _is_new_matter(part):
        return (_sure(part) if book.topic.asked and _is_bare_answer(part) else part), last, True
    if wishes.PERSON.search(sentence.piece.folded):
        return part, (), True
    steps = _referred(part, book, fresh=fresh)
    if steps and steps == book.topic.steps:
        part = part._replace(sureness=0.9 if book.topic.asked else 0.75)
    return part, steps, True


def _sure(part: Part) -> Part:
    return part._replace(sureness=0.9, said=part.said._replace(strength=max(part.said.strength, 0.7)))


def _is_bare_answer(part: Part) -> bool:
    """`no`, `not yet`, `yes we did`: too short to be about anything but what we asked."""
    return part.said.short in {"yes", "no"} and len(part.clause.piece.folded.split()) <= 3


def _is_brief(part: Part) -> bool:
    """`tem sim`, `lo tiene`, `si, eso esta hecho`: a few words that are about no other step."""
    size = len(part.clause.piece.folded.split())
    if part.said.short in {"yes", "no"} and size <= 5 and part.sureness < OWN_MATTER:
        return True
    return not part.steps and size <= 3 and part.said.strength >= 0.6


def as_listed(part: Part, listed: tuple[int, ...]) -> Part:
    """What is told after `as for the last` is told of it, but for what clearly has a step of its own."""
    if not listed or not part.said.status or (part.steps and part.sureness >= OWN_MATTER):
        return part
    return _sure(part._replace(steps=listed))


def list_of(book: Book) -> tuple[int, ...]:
    """The list that `the second` counts in: what we have just named one by one, else the whole procedure."""
    return book.topic.steps if len(book.topic.steps) > 1 else book.every


def _labelled(label: str, book: Book) -> tuple[int, ...]:
    """`2 yes` after a numbered list of ours, else the second step."""
    for known, step in book.topic.labels:
        if known == label:
            return (step,)
    if len(book.topic.steps) >= max(2, int(label)):
        return (book.topic.steps[int(label) - 1],)
    return (int(label) - 1,) if int(label) - 1 in book.every else ()


def points_back(part: Part) -> bool:
    """`Did it`, `that is done`: a few words, a yes or a pronoun go on about what was spoken of."""
    return answers(part) or len(part.clause.piece.folded.split()) <= BRIEFLY


def answers(part: Part) -> bool:
    return bool(part.said.short or words.PRONOUN.search(part.clause.piece.folded))


def _is_new_matter(part: Part) -> bool:
    return len(part.clause.piece.folded.split()) > 9 and not words.PRONOUN.search(part.clause.piece.folded)


def _referred(part: Part, book: Book, *, fresh: bool) -> tuple[int, ...]:
    """The steps that a clause without any of its own points back to."""
    folded = part.clause.piece.folded
    pronoun = bool(words.PRONOUN.search(folded))
    if part.said.planned and not pronoun and not book.topic.asked:
        return ()
    several = book.topic.asked and len(book.topic.steps) > 1
    if fresh and several and part.said.status == DONE and not part.said.short:
        return ()  # asked about several things: `that is what we have` is not yes to each
    points = points_back(part) or len(folded.split()) <= 6
    if fresh and book.topic.steps and (points or (book.topic.asked and part.said.strength >= 0.5)):
        return book.topic.steps
    if book.raised:
        return book.raised
    if not fresh and book.focus is not None and pronoun and not part.said.short:
        return (book.focus,)
    return ()
