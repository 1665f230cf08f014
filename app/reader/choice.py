"""Which procedure does the customer need now, if any, and what is asked as a sentence that stands alone."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from app.models import Procedure
from app.reader import goals, words
from app.reader.lexical import bag, rarity, shared
from app.reader.relate import Array
from app.reader.text import Sentence, fold
from knowledge.embedding import Encoder, centred

if TYPE_CHECKING:
    from app.reader.builtin import Voice

_lock = threading.Lock()


class Choice(NamedTuple):
    procedure: Procedure | None
    about: dict[tuple[str, int], float]
    """(message id, place of a sentence) -> how much it is about the chosen procedure, 0..1."""


class Face(NamedTuple):
    """A procedure by what it is for."""

    vectors: Array
    core: frozenset[str]
    wide: frozenset[str]


def _face(procedure: Procedure, encoder: Encoder, mean: Array) -> Face:
    lang = procedure.lang[:2]
    titles = [procedure.title, procedure.when, *(step.title for step in procedure.steps)]
    for step in procedure.steps:
        titles += [title for _, title in step.titles]
    core = bag(fold(f"{procedure.title} {procedure.when}"), lang).concepts
    wide = set(core)
    for step in procedure.steps:
        wide |= bag(fold(step.title), lang).concepts
        for code, title in step.titles:
            wide |= bag(fold(title), code[:2]).concepts
    return Face(centred(encoder.queries(titles), mean), core, frozenset(wide))


def chosen(
    voices: Sequence[Voice],
    procedures: Sequence[Procedure],
    vectors: dict[str, Array],
    encoder: Encoder,
    mean: Array,
) -> Choice:
    if not procedures or not voices:
        return Choice(None, {})
    faces = [_face(procedure, encoder, mean) for procedure in procedures]
    weight = rarity([face.wide for face in faces]) if len(faces) > 1 else {}
    scored: list[tuple[str, Sentence, Array]] = []
    for voice in voices:
        if voice.message.role != "customer":
            continue
        for sentence in voice.parted.sentences:
            own = bag(sentence.piece.folded, voice.lang).concepts
            vector = vectors[sentence.piece.text[:500]]
            score = np.array([_nearness(own, vector, face, weight) for face in faces], dtype=np.float32)
            scored.append((voice.message.id, sentence, score))
    if not scored:
        return Choice(None, {})
    best = np.max([score for _, _, score in scored], axis=0)
    top = int(best.argmax())
    if best[top] < NEAR or _moved_on(voices, scored, top):
        return Choice(None, {})
    about = {(message, sentence.piece.start): float(score[top]) for message, sentence, score in scored}
    return Choice(procedures[top], about)


NEAR = 0.5


def _nearness(own: frozenset[str], vector: Array, face: Face, weight: dict[str, float]) -> float:
    cosine = float((face.vectors[:2] @ vector).max())
    step_cosine = float((face.vectors @ vector).max())
    total = sum(0.3 + weight.get(item, 0.7) for item in face.core) or 1.0
    default = {item: 0.3 + weight.get(item, 0.7) for item in face.wide}
    core = shared(own, face.core, default, 0.0) / total
    wide = shared(own, face.wide, default, 0.0) / (sum(default.get(item, 1.0) for item in own) or 1.0)
    return 1 / (1 + math.exp(-(-2.4 + 3.5 * cosine + 2.0 * step_cosine + 3.0 * core + 1.5 * wide)))


def _moved_on(voices: Sequence[Voice], scored: Sequence[tuple[str, Sentence, Array]], top: int) -> bool:
    """The last thing asked is another matter: said so, or asked after the first one was closed."""
    last_message = next(voice.message.id for voice in reversed(voices) if voice.message.role == "customer")
    closed = any(goals.CLOSED.search(sentence.piece.folded) for _, sentence, _ in scored)
    last = [(sentence, float(score[top])) for message, sentence, score in scored if message == last_message]
    switched = any(goals.SWITCH.search(sentence.piece.folded) for sentence, _ in last)
    asked = [s for sentence, s in last if sentence.question or goals.is_request(sentence)]
    return bool(asked) and (closed or switched) and max(asked) < NEAR


def standalone(voices: Sequence[Voice], procedure: Procedure | None) -> str:
    """The last question or request; with the topic where it would not stand alone."""
    asked = [
        (voice, sentence)
        for voice in voices
        if voice.message.role == "customer"
        for sentence in voice.parted.sentences
        if sentence.question or goals.is_request(sentence) or words.ASKING.match(sentence.piece.folded)
    ]
    if not asked:
        own = [s for voice in voices if voice.message.role == "customer" for s in voice.parted.sentences]
        return own[-1].piece.text if own else ""
    voice, sentence = asked[-1]
    text = sentence.piece.text
    if len(bag(sentence.piece.folded, voice.lang).concepts) >= 4:
        return text
    earlier = next(
        (s.piece.text for v, s in reversed(asked[:-1]) if len(bag(s.piece.folded, v.lang).concepts) >= 3),
        None,
    )
    topic = earlier or (procedure.title if procedure else None)
    return f"{text} ({topic})" if topic and topic not in text else text
