"""The reader that needs no model and no key: embeddings, dialogue rules and small heads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from app.models.conversation import Message
from app.models.reading import Reading
from app.ports import Reader
from app.reader import heads, wishes
from app.reader.answering import asks_about
from app.reader.choice import Choice, chosen
from app.reader.claims import claims_of
from app.reader.data import SILENT
from app.reader.faces import face_of
from app.reader.goals import Goals, goals_of
from app.reader.going import goes_somewhere
from app.reader.heard import Heard, Place, Voice, key, place, titles_of
from app.reader.language import detect, languages_of, other_languages
from app.reader.lexical import bag, shared
from app.reader.names import masked
from app.reader.outcomes import outcome_claims
from app.reader.pagewords import runs_of
from app.reader.relate import Array, Asked, Side, agreement, compared, likeness, side_of, spoken_of
from app.reader.spoken import cues as act_cues
from app.reader.standalone import standalone
from app.reader.status import cues as status_cues
from app.reader.subjects import hosts_in, subjects_of
from app.reader.text import Piece, Sentence, parted
from app.reader.told import ACTS, Judged, told
from knowledge.embedding import Encoder, centred, layered
from knowledge.model import Procedure

Pages = Mapping[str, frozenset[str]]
"""What the pages speak of, by language."""


def builtin_reader(encoder: Encoder) -> Reader:
    """A reader over an encoder; give it a `CachedEncoder`, so that a sentence is embedded once."""

    async def read(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        return await asyncio.to_thread(read_conversation, messages, procedures, encoder)

    return read


def read_conversation(
    messages: Sequence[Message], procedures: Sequence[Procedure], encoder: Encoder
) -> Reading:
    """Pure but for the encoder: same messages and procedures, same Reading."""
    voices = _voices(messages, procedures)
    pages = spoken_of(procedures)
    vectors = _embedded(voices, pages, encoder)
    judged = _judged_by_layers(voices, encoder)
    choice = chosen(voices, procedures, vectors, encoder, judged, named=_named(messages, procedures))
    goes = goes_somewhere(voices, procedures, judged)
    if goes is not None and choice.procedure != goes and not choice.sure:
        choice = Choice(None, {}, goes)
    side = side_of(choice.procedure, encoder, heads.mean()) if choice.procedure else None
    branches = choice.procedure is not None and choice.procedure.branches
    if branches:
        # What answers a question is the sentence as a whole; a report of steps comes in clauses.
        whole = [s.piece for v in voices if v.message.role == "customer" for s in v.parted.sentences]
        vectors |= _centred(_raw(list(dict.fromkeys(map(key, whole))), encoder))
    heard = [_heard(v, side, vectors, judged, pages, branches=branches) for v in voices]
    procedure = choice.procedure
    subjects = subjects_of(messages, procedure.subjects if procedure else (), _our_hosts(procedures))
    claims = claims_of(heard, procedure, subjects) if procedure else ()
    claims = tuple(c.model_copy(update={"confidence": heads.calibrated(c.confidence)}) for c in claims)
    if procedure is not None and side is not None and procedure.branches:
        asked = {step.id for step in procedure.steps if step.outcomes}
        done = tuple(claim for claim in claims if claim.step not in asked)
        claims = (*done, *outcome_claims(heard, procedure, side, vectors, subjects))
    goals = goals_of(heard, choice.about, claims)
    goals = _settled(goals, choice, heard, side)
    return Reading(
        language=voices[-1].lang if voices else "en",
        speech=goals.speech,
        request=standalone(voices, procedure),
        procedure=procedure.id if procedure else None,
        perhaps=_perhaps(choice, goals, goes),
        subjects=subjects,
        claims=claims,
        wants_outcome=goals.wants_outcome and procedure is not None,
        faint=goals.faint and goals.wants_outcome and procedure is not None,
        asks_how=goals.asks_how,
        wants_person=goals.wants_person,
        danger=goals.danger,
        skips_checks=goals.skips_checks,
        for_other=goals.for_other,
        asks_again=goals.asks_again,
        asks_on=goals.asks_on,
        told_before=goals.told_before,
        confirms=goals.confirms,
    )


def _heard(
    voice: Voice,
    side: Side | None,
    vectors: dict[str, Array],
    judged: dict[str, Judged],
    pages: Pages,
    *,
    branches: bool,
) -> Heard:
    """A message with what its pieces may be about, where a procedure is meant, and what they may say."""
    scores: dict[Place, list[float]] = {}
    if side is not None:
        score = partial(_scores, side=side, vectors=vectors, pages=pages, branches=branches)
        scores = _by_tongue(voice, score)
    return Heard(
        voice.message,
        voice.lang,
        voice.parted,
        scores,
        _by_tongue(voice, partial(_states, vectors=vectors, judged=judged)),
        _by_tongue(voice, partial(_acts, vectors=vectors, judged=judged)),
        voice.others,
    )


def _settled(goals: Goals, choice: Choice, heard: Sequence[Heard], side: Side | None) -> Goals:
    """What they are after, once it is known which procedure is meant and whether they said so themselves."""
    if choice.confirmed and goals.seeks and not (goals.wants_outcome or goals.asks_how):
        # Yes, that is what they are after.
        goals = goals._replace(wants_outcome=True, faint=False)
    if choice.procedure is not None and side is not None and choice.procedure.branches:
        # Who asks how to get out of trouble wants to be out of it; how to tell is asked now or not at all.
        goals = goals._replace(
            wants_outcome=goals.wants_outcome or goals.asks_how,
            asks_how=asks_about(heard, choice.procedure, side),
        )
    return goals


def _named(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Procedure | None:
    """The only procedure that is about all kinds of things that are named, where they are several kinds."""
    kinds = tuple(dict.fromkeys(kind for procedure in procedures for kind in procedure.subjects))
    named = {one.name for one in subjects_of(messages, kinds, _our_hosts(procedures))}
    fitting = [procedure for procedure in procedures if named and named <= set(procedure.subjects)]
    return fitting[0] if len(named) > 1 and len(fitting) == 1 else None


def _perhaps(choice: Choice, goals: Goals, goes: Procedure | None) -> str | None:
    """What to ask about: a matter that is near, or one that is meant while no wish could be told."""
    if choice.procedure is None and goes is not None:
        return goes.id
    if not goals.seeks:
        return None
    if choice.procedure is None:
        return choice.perhaps.id if choice.perhaps else None
    return None if goals.wants_outcome or goals.asks_how else choice.procedure.id


def _voices(messages: Sequence[Message], procedures: Sequence[Procedure]) -> list[Voice]:
    titles, pages = titles_of(procedures), runs_of(procedures)
    pieces = [
        parted(message.text, titles, pages if message.role == "customer" else frozenset())
        for message in messages
    ]
    return [
        Voice(message, lang, own, tuple(other_languages(own, lang)) if message.role == "customer" else ())
        for message, lang, own in zip(messages, languages_of(messages, pieces), pieces, strict=True)
    ]


def _by_tongue(voice: Voice, judge: Callable[[Voice], dict[Place, list[float]]]) -> dict[Place, list[float]]:
    """Each sentence judged in its own language."""
    return {place: row for own in voice.tongues for place, row in judge(own).items()}


def _our_hosts(procedures: Sequence[Procedure]) -> frozenset[str]:
    texts = (text for p in procedures for text in (p.intro, *(step.text for step in p.steps)))
    return frozenset().union(*map(_hosts_of, texts))


@lru_cache(maxsize=1_000)
def _hosts_of(text: str) -> frozenset[str]:
    return frozenset(host for host, _ in hosts_in(text))


def _telling(voice: Voice, pages: Pages) -> Sequence[Sentence]:
    """All that a customer says, and of what we say all that asks something or has a word of any page in it:
    `Glad to hear it!` is about no step, and embedding is most of what reading costs."""
    known = pages.get(voice.lang)
    if voice.message.role == "customer" or known is None:
        return voice.parted.sentences
    return [
        sentence
        for sentence in voice.parted.sentences
        if sentence.question or shared(bag(sentence.piece.folded, voice.lang).concepts, known, {}, 1.0)
    ]


def _compared(voice: Voice, pages: Pages) -> list[Piece]:
    """The pieces of a message that are held against steps."""
    pieces = {}
    for sentence in _telling(voice, pages):
        pieces[sentence.piece.start, sentence.piece.end] = sentence.piece
        for clause in sentence.clauses:
            pieces[clause.piece.start, clause.piece.end] = clause.piece
            if clause.head:
                pieces[clause.head.start, clause.head.end] = clause.head
    for kind, piece in voice.parted.data:
        if kind not in SILENT and voice.message.role == "customer":
            pieces[piece.start, piece.end] = piece
    return list(pieces.values())


def _embedded(voices: Sequence[Voice], pages: Pages, encoder: Encoder) -> dict[str, Array]:
    """Text of a piece -> its vector, measured without the names in it.

    A sentence of several clauses is the mean of them, each by its length: that reads as well as a vector
    of its own, and embedding is most of what reading costs.
    """
    sentences = [sentence for voice in voices for sentence in _telling(voice, pages)]
    clauses = {key(clause.piece) for sentence in sentences for clause in sentence.clauses}
    made = {key(s.piece): s for s in sentences if len(s.clauses) > 1 and key(s.piece) not in clauses}
    every = (key(piece) for voice in voices for piece in _compared(voice, pages))
    texts = list(dict.fromkeys(text for text in every if text not in made))
    raw = _raw(texts, encoder)
    for text, sentence in made.items():
        told = [c for c in sentence.clauses if not wishes.is_polite(c.piece.folded)] or sentence.clauses
        parts = dict.fromkeys(key(clause.piece) for clause in told)
        raw[text] = np.sum([(1 + len(part.split())) * raw[part] for part in parts], axis=0)
        raw[text] /= np.linalg.norm(raw[text])
    return _centred(raw)


def _raw(texts: Sequence[str], encoder: Encoder) -> dict[str, Array]:
    if not texts:
        return {}
    return dict(zip(texts, encoder.queries([masked(text) for text in texts]), strict=True))


def _centred(raw: dict[str, Array]) -> dict[str, Array]:
    if not raw:
        return {}
    return dict(zip(raw, centred(np.array(list(raw.values())), heads.mean()), strict=True))


NEARER_TO_GOAL = 0.6
"""From here on a clause that is nearer to the goal than to any step is about the goal alone."""

MAY_BE_GOAL = 0.4
"""From here on a clause is held against the goal; below, it is about no step anyway."""

REPEATS_QUESTION = 0.7
"""From here on what repeats a question of a branching page answers it, however near to the goal it is."""

TELLS_GOAL_WORDS = 4
"""Words; fewer name a thing and tell no goal."""


def _scores(
    voice: Voice, *, side: Side, vectors: dict[str, Array], pages: Pages, branches: bool
) -> dict[Place, list[float]]:
    said = [(piece, bag(piece.folded, voice.lang)) for piece in _compared(voice, pages)]
    said = [(piece, words) for piece, words in said if words.concepts]
    if not said:
        return {}
    same_language = voice.lang in side.languages
    clauses = [Asked(words, vectors[key(piece)]) for piece, words in said]
    alike = likeness(clauses, side)
    rows = compared(alike[:, :-1])
    found = heads.pair_scores(rows, same_language=same_language)
    if branches:
        found *= np.array([agreement(*each, side) for each in zip(clauses, rows, strict=True)])
    if voice.message.role == "customer":
        best = found.max(axis=1)
        brief = np.array([len(piece.folded.split()) < TELLS_GOAL_WORDS for piece, _ in said])
        open_to_doubt = (best >= MAY_BE_GOAL) & ~brief & ~(branches & (best >= REPEATS_QUESTION))
        found[open_to_doubt & _about_goal(alike, same_language=same_language)] = 0
    return {
        (piece.start, piece.end): [float(x) for x in row] for (piece, _), row in zip(said, found, strict=True)
    }


def _about_goal(alike: Array, *, same_language: bool) -> NDArray[np.bool_]:
    """What they want, or what brought them here, is no word about a step. The goal is the last row."""
    judged = heads.pair_scores(compared(alike), same_language=same_language)
    goal: Array = judged[:, -1]
    nearest: NDArray[np.bool_] = (goal >= NEARER_TO_GOAL) & (goal == judged.max(axis=1))
    return nearest


def _judged_by_layers(voices: Sequence[Voice], encoder: Encoder) -> dict[str, Judged]:
    """What our own layers make of the customer's clauses; nothing where the encoder cannot carry them."""
    lower = layered(encoder)
    if lower is None:
        return {}
    return told([key(piece) for voice in voices for piece in _clauses(voice)], lower)


def _clauses(voice: Voice) -> list[Piece]:
    if voice.message.role != "customer":
        return []
    return [clause.piece for sentence in voice.parted.sentences for clause in sentence.clauses]


OWN_SHARE_OF_STATES = 0.4
"""Weight of our own layers; the rest is the head's. Either alone reads whole conversations less well. Chosen
among .35, .5 and .65 on the conversations of `evals/cases` and the development cases."""


OWN_SHARE_OF_ACTS = 0.85
"""The same of what a sentence does: the head knows fewer acts, and fewer sentences."""


def _states(voice: Voice, vectors: dict[str, Array], judged: dict[str, Judged]) -> dict[Place, list[float]]:
    clauses = _clauses(voice)
    by_head = _judged(clauses, voice.lang, vectors, status_cues, heads.status_scores)
    if not judged:
        return by_head
    return {
        (piece.start, piece.end): [
            OWN_SHARE_OF_STATES * float(own) + (1 - OWN_SHARE_OF_STATES) * other
            for own, other in zip(judged[key(piece)].states, by_head[piece.start, piece.end], strict=True)
        ]
        for piece in clauses
    }


def _acts(voice: Voice, vectors: dict[str, Array], judged: dict[str, Judged]) -> dict[Place, list[float]]:
    """Columns as in `told.ACTS`; the head says nothing of those that it does not know.

    A sentence does what any of its clauses does: `our links are still http, could you make them https?`.
    """
    sentences = voice.parted.sentences if voice.message.role == "customer" else ()
    by_head = _judged([s.piece for s in sentences], voice.lang, vectors, act_cues, heads.act_scores)
    found = {where: row + [0.0] * (len(ACTS) - len(row)) for where, row in by_head.items()}
    if not judged:
        return found
    for sentence in sentences:
        own = np.max([judged[key(piece)].acts for piece in _telling_of_acts(sentence)], axis=0)
        other = np.array(found[place(sentence.piece)])
        found[place(sentence.piece)] = list(OWN_SHARE_OF_ACTS * own + (1 - OWN_SHARE_OF_ACTS) * other)
    return found


JOINING = frozenset(("and", "but", "or", "so", "e", "mas", "ou", "y", "pero", "o"))


def _telling_of_acts(sentence: Sentence) -> list[Piece]:
    """A clause that is only `and` or `but`, or a word or two behind one, does nothing by itself."""
    pieces = [clause.piece for clause in sentence.clauses]
    whole = [piece for piece in pieces if piece.folded.strip(" ,.") not in JOINING]
    return [piece for piece in whole if not _is_rest(piece, sentence)] or pieces


def _is_rest(piece: Piece, sentence: Sentence) -> bool:
    """`The difference between a soft bounce and a hard one`"""
    before = sentence.piece.folded[: piece.start - sentence.piece.start].split()
    return len(piece.folded.split()) < TELLS_GOAL_WORDS - 1 and before[-1:] != [] and before[-1] in JOINING


def _judged(
    pieces: Sequence[Piece],
    lang: str,
    vectors: dict[str, Array],
    cues: Callable[[str, str, str], list[float]],
    score: Callable[[Array, Array], Array],
) -> dict[Place, list[float]]:
    if not pieces:
        return {}
    cued = np.array([cues(piece.text, piece.folded, lang) for piece in pieces], dtype=np.float32)
    rows = score(np.array([vectors[key(piece)] for piece in pieces]), cued)
    return {(p.start, p.end): [float(x) for x in row] for p, row in zip(pieces, rows, strict=True)}


def warm(procedures: Sequence[Procedure], encoder: Encoder) -> None:
    """Prepare procedures before the first message, so that it does not wait for their embeddings."""
    detect("what is loaded once is loaded now")
    for procedure in procedures:
        for tongue in (None, *dict.fromkeys(code[:2] for code, _ in procedure.titles)):
            face_of(procedure, encoder, heads.mean(), tongue)
        side_of(procedure, encoder, heads.mean())
