"""What the parts of a sentence tell once they are held against each other: pass after pass, in one order.

Each pass is pure and gives back as many parts as it got. A new one gets a row in `PASSES`, at the place where
what it looks at is already there and what it takes away is not yet used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from app.reader import aftermath
from app.reader import parts as whole
from app.reader.book import Book
from app.reader.heard import Heard, Part
from app.reader.text import Sentence
from app.reader.turned import in_place
from app.reader.values import chooses


class Around(NamedTuple):
    """What a pass may look at beside the parts; it notes nothing in the book."""

    heard: Heard
    sentence: Sentence
    book: Book


Pass = Callable[[Sequence[Part], Around], list[Part]]


def nods(parts: Sequence[Part], around: Around) -> list[Part]:
    """Takes what `ok` and `I have looked` would tell, where nothing was asked. First: no later pass may take
    a nod for a step that was done."""
    topic = around.book.topic
    return list(parts) if topic.asked else whole.without_nods(parts, told=bool(topic.steps))


def what_brought_them(parts: Sequence[Part], around: Around) -> list[Part]:
    """Takes the steps of `you stopped our account`. Before all that looks for failures: it is none."""
    return aftermath.brought(around.sentence, parts, around.book.procedure)


def chosen_values(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds what a choice tells of the step that waits for one. Before `bad_effects`, which need
    to see what was done."""
    return [chooses(part, around.heard.lang, around.book) for part in parts]


def attempts(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds that it failed where it was only tried, and takes the steps of how it went wrong. Before
    `bad_effects`, which then find the attempt as the step that was named last."""
    return aftermath.tried(around.sentence, parts)


def bad_effects(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds that what was done or tried failed, by an effect that should not be. Before what turns more
    parts into failed ones: of those less is asked here."""
    return aftermath.went_wrong(around.sentence, parts)


def announced_trouble(parts: Sequence[Part], around: Around) -> list[Part]:
    """Turns done into failed behind `One snag:`. After `bad_effects`, which take a
    part that failed for an effect of the one before."""
    return aftermath.announced(around.sentence, parts)


def undone_again(parts: Sequence[Part], around: Around) -> list[Part]:
    """Turns not done into failed in `when I reload it is off again`. After `bad_effects`, which ask more of
    what is not done than of what failed."""
    return aftermath.effect_of_trying(parts)


def doubts(parts: Sequence[Part], around: Around) -> list[Part]:
    """Takes strength from done, where a `but` about the same step follows. After all that may turn done into
    failed: what failed is not in doubt."""
    return aftermath.qualified(around.sentence, parts)


def bare_mentions(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds to a step that is only named what its neighbours tell. Needs what holds of them in the end."""
    return whole.with_neighbours(list(parts))


def what_is_there(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds what is told of a step that removes something by `they are still on the list`; of the one that we
    spoke of, where no part is about one. Late: it looks at what is left."""
    spoken_of = () if any(part.steps for part in parts) else around.book.topic.steps
    return [
        in_place(part, steps[0], around.book.procedure.steps[steps[0]])
        if part.said.status is None and len(steps := part.steps or spoken_of) == 1
        else part
        for part in parts
    ]


def sentence_as_a_whole(parts: Sequence[Part], around: Around) -> list[Part]:
    """Adds the step of the sentence where no part is about one. Last: only what all others left open."""
    return whole.whole_sentence(around.heard, around.sentence, list(parts))


PASSES: tuple[Pass, ...] = (
    nods,
    what_brought_them,
    chosen_values,
    attempts,
    bad_effects,
    announced_trouble,
    undone_again,
    doubts,
    bare_mentions,
    what_is_there,
    sentence_as_a_whole,
)


def passed(parts: Sequence[Part], around: Around) -> list[Part]:
    """The parts after all passes."""
    result = list(parts)
    for each in PASSES:
        result = each(result, around)
    return result
