"""Which procedure does the customer need now, if any.

Every sentence is scored (`_said`), the scores are weighed (`_weighed`), and the nearest procedure is chosen
if it is near enough and they have not moved on (`chosen`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.asking import ends_in_question, vague
from app.reader import wishes, words
from app.reader.faces import Face, faces_for, how_near
from app.reader.heard import Voice, key
from app.reader.lexical import bag
from app.reader.relate import Array
from app.reader.spoken import AFTER, holds, is_request
from app.reader.subjects import HOST
from app.reader.text import Sentence, fold
from app.reader.told import Judged
from app.reader.wanted import after_ours, asked_what, asks_how_far
from knowledge.embedding import Encoder
from knowledge.model import Procedure

CHOSEN = 0.5
"""Below this a sentence is about no procedure of ours."""


ASKED_ALONE = 0.25
"""As much is enough for a request where no other procedure is half as near."""

FAINTLY_WISHED = 0.1
"""From here on what we answered may tip the scales, and a wish may be for it: worth a question."""

SUGGESTED = 0.2
"""What is nearer may be asked about, though they only ask how it stands: `how is my order?`"""

WISHING = ("want", "how", "broke")

HARDLY_OTHER = 0.3
"""Below this a request for one matter is hardly one for another."""

ACT_COUNTS = 0.6
"""From here on a sentence in unusual words is a yes, or asks for something."""

SURELY_THIS = 0.8
"""Below this a question of somebody who has just withdrawn the wish is about something else."""


NUMBERS = re.compile(r"\d+")
"""Sentences that differ by them alone say the same of the matter."""


class Choice(NamedTuple):
    procedure: Procedure | None
    about: dict[tuple[str, int], float]
    """(message id, place of a sentence) -> how much it is about the chosen procedure, 0..1."""
    perhaps: Procedure | None = None
    """Where none is surely meant: the nearest, if it is near enough to be asked about."""
    confirmed: bool = False
    """The customer said yes when asked whether it is this one."""

    @property
    def sure(self) -> bool:
        """One sentence alone tells it, or a yes."""
        return self.confirmed or max(self.about.values(), default=0.0) >= CHOSEN


class _Said(NamedTuple):
    """What is said of the procedures, as scores by procedure."""

    scored: list[tuple[str, Sentence, Array]]
    """By the customer: the message, the sentence and its scores."""
    ours: list[Array]


def _said(
    voices: Sequence[Voice],
    procedures: Sequence[Procedure],
    vectors: dict[str, Array],
    encoder: Encoder,
    told: frozenset[str],
) -> _Said:
    scored: list[tuple[str, Sentence, Array]] = []
    ours: list[Array] = []
    answers = after_ours(voices, lambda one: ends_in_question(one.message.text)) - told
    for voice in (own for each in voices for own in each.tongues) if procedures else ():
        faces = faces_for(voice.lang, procedures, encoder)
        if voice.message.role != "customer":
            if _asked_about(voice, procedures) is None:  # a question tips no scales
                ours += _scored_ours(voice, vectors, faces)
        else:
            answering = voice.message.id in answers
            scored += _scored_theirs(voice, procedures, vectors, faces, answering=answering)
    return _Said(scored, ours)


def _scored_theirs(
    voice: Voice,
    procedures: Sequence[Procedure],
    vectors: dict[str, Array],
    faces: Sequence[Sequence[Face]],
    *,
    answering: bool,
) -> list[tuple[str, Sentence, Array]]:
    """`answering`: the message follows a question of ours."""
    found = []
    for sentence in voice.parted.sentences:
        own = bag(words.HOSTISH.sub(" ", sentence.piece.folded), voice.lang).concepts
        if not _names_matter(sentence, own, voice.lang):
            continue
        score = how_near(own, vectors[key(sentence.piece)], voice.lang, faces)
        if answering and not (sentence.question or is_request(sentence)):
            score = _mild(score)
        found.append((voice.message.id, sentence, score * _not_reversed(sentence, procedures)))
    return found


def _names_matter(sentence: Sentence, own: frozenset[str], lang: str) -> bool:
    """Two words or more that mean something, or one that is not beside a host; no greeting, no bare yes, and
    no word on a page of ours."""
    said = sentence.piece.folded
    if wishes.GREETING.match(wishes.plain(said)) or wishes.AGREES.fullmatch(said):
        return False
    if wishes.NO_HELP.search(said) and not is_request(sentence):
        return False
    if vague(sentence.piece.text, lang):
        return False
    several = len({one for one in own if one[0] != "~"}) > 1
    return several or (bool(own) and not HOST.search(sentence.piece.text))


def _scored_ours(voice: Voice, vectors: dict[str, Array], faces: Sequence[Sequence[Face]]) -> list[Array]:
    found = []
    for sentence in voice.parted.sentences:
        vector = vectors.get(key(sentence.piece))
        own = bag(words.HOSTISH.sub(" ", sentence.piece.folded), voice.lang).concepts
        if vector is not None and len(own) > 2:
            found.append(how_near(own, vector, voice.lang, faces))
    return found


def chosen(
    voices: Sequence[Voice],
    procedures: Sequence[Procedure],
    vectors: dict[str, Array],
    encoder: Encoder,
    judged: Mapping[str, Judged] | None = None,
    *,
    named: Procedure | None = None,
) -> Choice:
    """`judged`: what our own layers make of the sentences, by their text. `named`: the only procedure that is
    about all that is named."""
    told_us = asked_what(voices)
    scored, ours = _said(voices, procedures, vectors, encoder, told_us)
    answered = _answered(voices, procedures, judged or {})
    confirmed = next((id for id, yes in reversed(answered.items()) if yes), None)
    if not scored:
        meant = next((procedure for procedure in procedures if procedure.id == confirmed), None)
        return Choice(meant, {}, confirmed=meant is not None)
    ruled_out = np.array([answered.get(procedure.id) is False for procedure in procedures])
    told = _weighed(scored, ours, ruled_out)
    newest = _asked_last(scored, ruled_out)
    if newest is not None and newest.matter != told.top:
        # Another matter was asked for since: what was said before has no say in which one it is now.
        told = _weighed(scored[newest.at :], [], ruled_out)
    top = next((at for at, procedure in enumerate(procedures) if procedure.id == confirmed), told.top)
    requests = [score for _, sentence, score in scored if is_request(sentence)]
    orders = [score for _, one, score in scored if is_request(one) and not one.question]
    near = told.near(top) or any(_clearly(score, top) for score in orders)
    yes = procedures[top].id == confirmed
    if _moved_on(voices, scored, top):
        return Choice(None, {})
    if not (near or yes) and named is not None and requests:
        return Choice(named, {(m, s.piece.start): float(x[procedures.index(named)]) for m, s, x in scored})
    if not (near or yes):
        return Choice(None, {}, _near(scored, procedures, judged or {}, ruled_out, told_us))
    about = {(message, sentence.piece.start): float(score[top]) for message, sentence, score in scored}
    return Choice(procedures[top], about, confirmed=yes)


class _Weighed(NamedTuple):
    """By procedure."""

    doubt: Array
    best: Array

    @property
    def top(self) -> int:
        return int(np.lexsort((-self.best, self.doubt))[0])

    def near(self, at: int) -> bool:
        """By one sentence, or a little less surely by all together."""
        return bool(max(self.best[at], (1 - self.doubt[at]) * 0.8) >= CHOSEN)


def _weighed(
    scored: Sequence[tuple[str, Sentence, Array]], ours: Sequence[Array], ruled_out: NDArray[np.bool_]
) -> _Weighed:
    """Every sentence adds its say: one clear request is enough, and many reports of steps are as well. What
    is said again and again adds nothing."""
    said = {NUMBERS.sub("0", sentence.piece.folded): score for _, sentence, score in scored}
    scores = [_mild(score) if wishes.PERSON.search(text) else score for text, score in said.items()]
    doubt = np.prod([1 - 0.97 * np.where(score >= 0.25, score, 0) for score in scores], axis=0)
    best = np.max(scores, axis=0)
    if ours:
        # What we answered tells what we took it for, where the customer said little.
        doubt = doubt * (1 - np.where(best >= FAINTLY_WISHED, np.minimum(np.max(ours, axis=0), 0.7), 0))
    return _Weighed(np.where(ruled_out, 1, doubt), np.where(ruled_out, 0, best))


class _Newest(NamedTuple):
    """The newest plain request: its place among the sentences, and the procedure that it is for."""

    at: int
    matter: int


def _asked_last(
    scored: Sequence[tuple[str, Sentence, Array]], ruled_out: NDArray[np.bool_]
) -> _Newest | None:
    """A request counts that is surely for one procedure and hardly for any other."""
    for at, (_, sentence, score) in reversed(list(enumerate(scored))):
        said = sentence.piece.folded
        if not is_request(sentence) or wishes.HOLD.search(said) or wishes.HOW.search(said):
            continue
        own = np.where(ruled_out, 0, score)
        matter = int(np.argmax(own))
        if own[matter] >= SURELY_THIS and np.delete(own, matter).max(initial=0.0) < HARDLY_OTHER:
            return _Newest(at, matter)
    return None


def _near(
    scored: Sequence[tuple[str, Sentence, Array]],
    procedures: Sequence[Procedure],
    judged: Mapping[str, Judged],
    ruled_out: NDArray[np.bool_],
    told: frozenset[str],
) -> Procedure | None:
    """The nearest to what is asked for: what is said beside it (`hope your day goes well`) has no say.

    `told`: messages that answer our question what it is about.
    """

    def does(sentence: Sentence, *acts: str) -> bool:
        own = [judged[key(c.piece)] for c in sentence.clauses if key(c.piece) in judged]
        return any(sum(map(one.act, acts)) >= ACT_COUNTS for one in own)

    wished = [s for m, one, s in scored if m in told or is_request(one) or does(one, *WISHING)]
    wanted = wished + [s for _, one, s in scored if does(one, *AFTER)]
    asked = wanted or [s for _, one, s in scored if one.question]
    if not asked:
        return None
    found = np.where(ruled_out, 0, np.max(asked, axis=0))
    top = int(np.argmax(found))
    enough = FAINTLY_WISHED if wished else SUGGESTED if wanted else ASKED_ALONE
    return procedures[top] if found[top] >= enough else None


def _answered(
    voices: Sequence[Voice], procedures: Sequence[Procedure], judged: Mapping[str, Judged]
) -> dict[str, bool]:
    """Procedure that we asked about -> whether the next words were yes; the newest last."""
    found: dict[str, bool] = {}
    asked: str | None = None
    for voice in voices:
        if voice.message.role != "customer":
            asked = _asked_about(voice, procedures)
            continue
        clauses = [clause.piece for sentence in voice.parted.sentences for clause in sentence.clauses]
        told = next((one for one in clauses if not wishes.GREETING.match(wishes.plain(one.folded))), None)
        if asked is None or told is None:
            continue
        no = bool(words.NO.match(wishes.plain(told.folded)))
        says_yes = (wishes.CONFIRM, wishes.AGREED, words.YES)
        yes = any(pattern.match(told.folded) for pattern in says_yes)
        if not (yes or no) and key(told) in judged:
            yes = judged[key(told)].act("confirm") >= ACT_COUNTS
        if yes or no:
            found.pop(asked, None)
            found[asked] = yes and not no
        asked = None
    return found


def _asked_about(voice: Voice, procedures: Sequence[Procedure]) -> str | None:
    """The procedure of which a message of ours asks whether it is meant."""
    text = fold(voice.message.text)
    if not wishes.IS_IT_THIS.search(text):
        return None
    named = ((p.id, title) for p in procedures for title in (p.title, *(t for _, t in p.titles)))
    return next((id for id, title in named if f"**{fold(title)}**" in text), None)


def _not_reversed(sentence: Sentence, procedures: Sequence[Procedure]) -> NDArray[np.float32]:
    """`Turn https off, please` is for no procedure but one that is for turning things off."""
    if sentence.question or not wishes.REVERSE.search(sentence.piece.folded):
        return np.ones(len(procedures), dtype=np.float32)
    named = [wishes.REVERSE.search(fold(f"{p.title} {p.when}")) is not None for p in procedures]
    return np.array(named, dtype=np.float32)


def _clearly(score: Array, top: int) -> bool:
    """What is asked for is nearer to this than to all others by far."""
    others = np.delete(score, top)
    return bool(score[top] >= ASKED_ALONE and score[top] >= 3 * others.max(initial=0.0))


def _mild(score: Array) -> Array:
    """Who asks for a person or a call names the way of talking, not the matter; who answers a question speaks
    of the matter that it was asked about."""
    return score * np.float32(0.5)


def _moved_on(voices: Sequence[Voice], scored: Sequence[tuple[str, Sentence, Array]], top: int) -> bool:
    """The last thing asked is another matter: said so, or asked after the first one was closed."""
    last_message = next(voice.message.id for voice in reversed(voices) if voice.message.role == "customer")
    closed = any(wishes.CLOSED.search(sentence.piece.folded) for _, sentence, _ in _before_asking(scored))
    closed = closed and not _says_yes(voices)
    last = [(sentence, float(score[top])) for message, sentence, score in scored if message == last_message]
    switched = any(wishes.SWITCH.search(sentence.piece.folded) for sentence, _ in last)
    asked = [
        s
        for sentence, s in last
        if sentence.question or (is_request(sentence) and not wishes.HOLD.search(sentence.piece.folded))
    ]
    spoken = [voice.message.id for voice in voices if voice.message.role == "customer"]
    answering = asks_how_far(voices).get(last_message, False)
    withdrew = len(spoken) > 1 and any(
        holds(s, asked=answering)
        for voice in voices
        if voice.message.id == last_message
        for s in voice.parted.sentences
    )
    return bool(asked) and (
        ((closed or switched) and max(asked) < CHOSEN) or (withdrew and max(asked) < SURELY_THIS)
    )


def _before_asking(scored: Sequence[tuple[str, Sentence, Array]]) -> Sequence[tuple[str, Sentence, Array]]:
    """What stands before the last thing that is asked."""
    asking = [at for at, (_, one, _) in enumerate(scored) if one.question or is_request(one)]
    return scored[: asking[-1]] if asking else scored


def _says_yes(voices: Sequence[Voice]) -> bool:
    """To what our last words propose: what was said to be solved before it was one step of the matter."""
    *before, last = voices
    ours = next((voice for voice in reversed(before) if voice.message.role != "customer"), None)
    if ours is None or last.message.role != "customer" or not last.parted.sentences:
        return False
    proposed = any(wishes.PROPOSES.search(sentence.piece.folded) for sentence in ours.parted.sentences)
    return proposed and bool(wishes.CONFIRM.match(last.parted.sentences[0].piece.folded))
