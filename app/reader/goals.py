"""What the customer wants of us: the outcome, a way, a person; and what makes us careful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

from app.models import Claim, Danger, Speech
from app.reader import wishes, words
from app.reader.heard import Heard, Voice
from app.reader.status import DONE, FAILED, NOT_DONE, without_hosts
from app.reader.text import Sentence
from app.reader.told import ACTS

CERTAINLY = 0.9
"""`It's all there, so just flip it` is near to a demand to look at nothing, and is none."""

PLAIN = 0.6
"""How much a sentence that asks has to be about the procedure for the wish to be plain: those that ask for it
stand at 0.69 and above where we looked; orders to do something else, and letters at random, reach 0.55."""
BESIDE = 14
"""Words of a request that is about nothing of the procedure and stands beside what was done of it: `please go
on then`. A longer one says itself what it is for."""
SURELY = 0.8
"""From here on the trained head alone takes the report of a state for a wish, and a sentence that asks for
nothing is plain by what it is about alone."""

CUES = (
    "question",
    "asking",
    "want",
    "how",
    "hold",
    "person",
    "danger",
    "skip",
    "other",
    "again",
    "thanks",
    "greeting",
    "en",
    "pt",
    "es",
)


def cues(text: str, folded: str, lang: str) -> list[float]:
    """The general words of a sentence as numbers, columns as in `CUES`."""
    flags = (
        "?" in text, words.ASKING.match(folded), wishes.WANT.search(folded), wishes.HOW.search(folded),
        wishes.HOLD.search(folded), wishes.PERSON.search(folded),
        any(pattern.search(folded) for pattern in wishes.DANGERS.values()),
        wishes.SKIP.search(folded) or wishes.FORGED.search(folded),
        wishes.OTHER.search(folded), wishes.AGAIN.search(folded), wishes.THANKS.search(wishes.plain(folded)),
        wishes.GREETING.match(wishes.plain(folded)), lang == "en", lang == "pt", lang == "es",
    )  # fmt: skip
    return [float(bool(flag)) for flag in flags]


class Goals(NamedTuple):
    speech: Speech
    wants_outcome: bool
    faint: bool
    """No sentence that asks for it speaks of the procedure."""
    asks_how: bool
    wants_person: bool
    danger: Danger | None
    skips_checks: bool
    for_other: bool
    asks_again: bool
    asks_on: bool
    """Asks how the matter stands or comes back to it, and asks nothing beside it."""
    told_before: bool
    """Says that they have said it already."""
    seeks: bool
    """Wants something of us: not only small talk, a report or a question of fact."""
    confirms: bool


def goals_of(
    heard: Sequence[Heard],
    about: Mapping[tuple[str, int], float],
    done: Sequence[str] = (),
    *,
    told: Sequence[Claim] = (),
) -> Goals:
    """`about`: message id and place of a sentence -> how much it is about the procedure.

    `done`: words in which a step was said to be done. `told`: what they said of how far they are.
    """
    customer = [one for one in heard if one.message.role == "customer"]
    spoken = [_Spoken(one, s, _acts(one, s)) for one in customer for s in one.parted.sentences]
    turn = {one.message.id for one in _last_turn(heard)}
    recent = [one for one in spoken if one.heard.message.id in turn]
    wants = _wants_outcome(
        spoken,
        about,
        done,
        told=told,
        asked=asks_how_far(heard),
        first=_before_us(heard),
        named=asked_what(heard),
    )
    return Goals(
        speech=_speech(recent),
        wants_outcome=wants,
        faint=wants and not any(_plainly(one, about, done, told=told) for one in spoken),
        asks_how=any(_asks_how(one) for one in spoken),
        wants_person=any(map(_wants_person, spoken)),
        danger=_danger(spoken),
        # What we have answered does not colour what they say later.
        skips_checks=any(_skips(one) for one in recent) or any(map(_forged, _last_turn(heard))),
        for_other=any(map(_for_other, spoken)),
        asks_again=any(map(_asks_again, recent)),
        asks_on=_asks_on(recent, about),
        told_before=any(_likely(one, "told") for one in recent),
        seeks=(any(map(_seeks, spoken)) or _tells_what(heard)) and not any(map(_holds_off, recent)),
        confirms=_confirms(heard, recent),
    )


def _before_us(heard: Sequence[Heard]) -> frozenset[str]:
    """The customer's messages that nobody of ours has answered yet when they were written."""
    return frozenset(one.message.id for one in takewhile(lambda one: one.message.role == "customer", heard))


def asked_what(heard: Sequence[Heard] | Sequence[Voice]) -> frozenset[str]:
    """The customer's messages right after one of ours that asks what they want, or whether it is this."""
    found = set()
    asks = False
    for one in heard:
        if one.message.role != "customer":
            said = [s.piece.folded for s in one.parted.sentences]
            asks = any(wishes.ASKS_WHAT.search(s) or wishes.IS_IT_THIS.search(s) for s in said)
        elif asks:
            found.add(one.message.id)
    return frozenset(found)


def _tells_what(heard: Sequence[Heard]) -> bool:
    """The last message follows our question what it is about."""
    return heard[-1].message.id in asked_what(heard)


def _names_it(sentences: Sequence[_Spoken], about: Mapping[tuple[str, int], float]) -> bool:
    """What they name is what they want, if they ask for no fact."""
    near = (about.get((one.heard.message.id, one.sentence.piece.start), 0.0) for one in sentences)
    return max(near, default=0.0) > HALF and not any(map(_asking, sentences))


def _begins_with(message: str, sentences: Sequence[_Spoken], told: Sequence[Claim]) -> bool:
    """Who begins by telling what they have done of a matter is after what it leads to."""
    begun = any(c.message == message and c.status in (DONE, NOT_DONE, FAILED) for c in told)
    return begun and not any(_asking(one) or _likely(one, "promise") for one in sentences)


def _wants_person(one: _Spoken) -> bool:
    """`Is anybody there?` is a greeting where nobody is seen."""
    if wishes.PERSON.search(one.folded):
        return True
    return one.acts["person"] > SURELY and not wishes.PRESENCE.search(one.folded)


def _for_other(one: _Spoken) -> bool:
    """`Move it to another account` says where it is to go, and not whose it is."""
    if wishes.MOVES_TO.search(one.folded):
        return bool(wishes.OTHER.search(wishes.MOVES_TO.sub(" ", one.folded)))
    return bool(wishes.OTHER.search(one.folded)) or one.acts["other"] > 0.8


def _asks_again(one: _Spoken) -> bool:
    """`Where were we?` wants the last thing again; `where were we with the invoices` wants the matter."""
    if wishes.AGAIN_COMPLAINT.search(one.folded):
        return False
    brief = len(one.folded.split()) <= FEW
    on = _likely(one, "stands", "matter", "want") and not brief
    if one.acts["again"] > CLEARLY or (brief and wishes.WHERE_WERE_WE.search(one.folded)):
        return True
    again = wishes.AGAIN.search(one.folded)
    return again is not None and not on and not words.DENIES.search(one.folded[: again.start()])


def _likely(one: _Spoken, *acts: str) -> bool:
    return sum(one.acts[act] for act in acts) >= LIKELY


def _seeks(one: _Spoken) -> bool:
    """Whoever asks for a fact is answered or handed over, and not asked what they are after."""
    return _likely(one, *SEEKING) or (one.sentence.question and not _likely(one, "ask"))


def _holds_off(one: _Spoken) -> bool:
    return (bool(wishes.HOLD.search(one.folded)) and not _only_wants(one)) or _likely(one, "hold")


def _asks_facts(one: _Spoken) -> bool:
    """`I do not ask for it yet, first I want to know one thing`: of how it stands nothing is asked."""
    return one.acts["ask"] + one.acts["hold"] >= HALF


def _only_asks(one: _Spoken) -> bool:
    """`How many can we have?` and `can you tell me what that is?` want to know, and nothing done."""
    return one.acts["ask"] >= CLEARLY and one.acts["want"] < LITTLE


def _only_wants(one: _Spoken) -> bool:
    """`We no longer want to share one, can we have our own?` takes nothing back."""
    return one.acts["want"] >= LIKELY and one.acts["hold"] < LITTLE


LITTLE, WISHFUL, HALF, CLEARLY = 0.1, 0.3, 0.5, 0.75
FEW = 5
SHORT = 14
"""Words of a message; thanks in a longer one are thanks where it plainly reports nothing."""
AFTER = ("want", "how", "matter", "stands", "broke")
"""Acts that are about what somebody is after."""
SEEKING = (*AFTER, "skip")
ASKING_ON = ("stands", "matter", "complaint", "told", "skip")
LIKELY = 0.6
"""From here on what our own layers make of a sentence counts."""


def _asks_on(recent: Sequence[_Spoken], about: Mapping[tuple[str, int], float]) -> bool:
    """Whatever looks like a question is about how it stands; who wants something else as well does not."""

    def on(one: _Spoken) -> bool:
        here = about.get((one.heard.message.id, one.sentence.piece.start), 0.0) >= HALF
        return _likely(one, *ASKING_ON, *(("want",) if here else ())) and not _asks_facts(one)

    return any(map(on, recent)) and all(map(on, filter(_asking, recent)))


def _asking(one: _Spoken) -> bool:
    """By its sign, by how it begins, or plainly by what it does."""
    marked = one.sentence.question or words.ASKING.match(one.folded)
    return bool(marked) or one.acts["ask"] >= LIKELY


class _Spoken(NamedTuple):
    """A sentence of the customer's own."""

    heard: Heard
    sentence: Sentence
    acts: dict[str, float]

    @property
    def folded(self) -> str:
        return self.sentence.piece.folded


def _acts(heard: Heard, sentence: Sentence) -> dict[str, float]:
    place = (sentence.piece.start, sentence.piece.end)
    return dict(zip(ACTS, heard.acts[place], strict=True))


def _last_turn(heard: Sequence[Heard]) -> list[Heard]:
    """The customer's messages since we last spoke."""
    result: list[Heard] = []
    for one in reversed(heard):
        if one.message.role != "customer":
            break
        result.insert(0, one)
    return result


def is_request(sentence: Sentence) -> bool:
    return bool(wishes.WANT.search(sentence.piece.folded))


def holds(sentence: Sentence, *, asked: bool) -> bool:
    """Takes the wish back; `not for now` after a question of ours how far they are only answers it."""
    answers = asked and len(sentence.piece.folded.split()) <= 4
    return bool(wishes.HOLD.search(sentence.piece.folded)) and not answers


def asks_how_far(heard: Sequence[Heard] | Sequence[Voice]) -> dict[str, bool]:
    """Message of the customer -> our last words before it ask something, and propose nothing."""
    asked: dict[str, bool] = {}
    ours = False
    for one in heard:
        if one.message.role == "customer":
            asked[one.message.id] = ours
        else:
            questions = [s.piece.folded for s in one.parted.sentences if s.question]
            ours = bool(questions) and not any(wishes.PROPOSES.search(question) for question in questions)
    return asked


def _skips(one: _Spoken) -> bool:
    if wishes.SKIP.search(one.folded) or wishes.FORGED.search(one.folded):
        return True
    named = bool(wishes.CHECKING.search(one.folded))
    return one.acts["skip"] > (HALF if named else CERTAINLY)


def _forged(heard: Heard) -> bool:
    """A block that poses as ours; a page or a log that only mentions a system is fenced or quoted."""
    return any(
        kind in ("paste", "code") and wishes.FORGED_BLOCK.match(piece.folded)
        for kind, piece in heard.parted.data
    )


def _asks_how(one: _Spoken) -> bool:
    return bool(wishes.HOW.search(one.folded)) or one.acts["how"] > 0.6


def _wants_outcome(
    spoken: Sequence[_Spoken],
    about: Mapping[tuple[str, int], float],
    done: Sequence[str],
    *,
    told: Sequence[Claim],
    asked: dict[str, bool],
    first: frozenset[str],
    named: frozenset[str],
) -> bool:
    """Asked for it anywhere, and did not take it back: a message that holds back counts for nothing.

    What only sounds like holding back and tells of a step (`we did not do that one until now`) does not.
    """
    reports = {claim.message for claim in told}
    wanted = False
    for message, sentences in _by_message(spoken).items():
        requested = any(is_request(one.sentence) for one in sentences)
        sensed = any(one.acts["hold"] > 0.8 and len(one.folded.split()) >= 4 for one in sentences)
        held = any(
            holds(one.sentence, asked=asked.get(message, False)) and not _only_wants(one) for one in sentences
        )
        # Who has asked for nothing takes nothing back: `we do not want to share one, can we have our own?`
        taken = wanted or not any(one.acts["want"] >= LIKELY for one in sentences)
        if taken and (held or (sensed and not requested and message not in reports)):
            wanted = False
        else:
            wanted = wanted or any(
                _asks_for_it(
                    one,
                    0.0 if _reports(one, done) else about.get((message, one.sentence.piece.start), 0.0),
                    told=bool(told),
                )
                for one in sentences
            )
            wanted = wanted or (message in first and _begins_with(message, sentences, told))
            wanted = wanted or (message in named and _names_it(sentences, about))
    return wanted


def _reports(one: _Spoken, done: Sequence[str]) -> bool:
    """That a step is done is no wish for what it leads to."""
    said = one.sentence.piece.text
    mostly = one.acts["report"] > max(one.acts["want"], one.acts["skip"]) and one.acts["want"] < WISHFUL
    return mostly and any(quote in said or said in quote for quote in done)


def _tells_state(one: _Spoken) -> bool:
    """Every clause only says how something stands."""
    return all(
        words.STATE.search(without_hosts(clause.piece.folded))
        for clause in one.sentence.clauses
        if len(clause.piece.folded.split()) >= 3
    )


def _by_message(spoken: Sequence[_Spoken]) -> dict[str, list[_Spoken]]:
    result: dict[str, list[_Spoken]] = {}
    for one in spoken:
        result.setdefault(one.heard.message.id, []).append(one)
    return result


def _asks_for_it(one: _Spoken, about: float, *, told: bool) -> bool:
    """A request, or the goal said as a plain statement; not a question for information.

    Who asks how and has begun wants it; who asks how out of the blue may only want to know.
    """
    wish = one.acts["want"] + one.acts["how"] + one.acts["confirm"]
    if _asks_how(one) and (one.sentence.question or words.ASKING.match(one.folded)):
        return told or (is_request(one.sentence) and not wishes.HOW.search(one.folded))
    if one.sentence.question or words.ASKING.match(one.folded):
        return bool(wishes.ORDER.search(one.folded)) or wish > max(0.5, one.acts["ask"])
    if is_request(one.sentence) or words.TRYING.search(one.folded):
        return True
    # Near the goal is also the news that a part of it is there: a state alone is never a wish.
    return wish > SURELY if _tells_state(one) else wish > 0.5 or about > 0.5


def _plainly(
    one: _Spoken, about: Mapping[tuple[str, int], float], done: Sequence[str], *, told: Sequence[Claim]
) -> bool:
    """Asks for it, and speaks of it or stands beside what was done of it; a request beside a question on it
    may be for something else, and who only says how something stands may want something else for it. `Do I
    need a certificate for HTTPS?` and `can I do it myself?` may only want to know."""
    asks_itself = _asks_how(one) or (one.sentence.question and wishes.SELF.search(one.folded))
    if asks_itself and not wishes.ORDER.search(one.folded):
        return False  # `How do I turn it on?` is answered with what is left
    if wishes.ELSEWHERE.search(one.folded):
        return False
    message = one.heard.message.id
    near = about.get((message, one.sentence.piece.start), 0.0)
    beside = any(claim.message == message and claim.status not in (NOT_DONE, FAILED) for claim in told)
    if near <= PLAIN and not (beside and len(one.folded.split()) <= BESIDE):
        return False
    if _holds_off(one) or (near <= SURELY and not beside and not _wishes(one)):
        return False
    return _asks_for_it(one, 0.0 if _reports(one, done) else near, told=bool(told))


def _wishes(one: _Spoken) -> bool:
    """By its words or by what it does, and not only by what it is about."""
    wish = one.acts["want"] + one.acts["how"] + one.acts["confirm"]
    return is_request(one.sentence) or bool(words.TRYING.search(one.folded)) or wish > WISHFUL


def _danger(spoken: Sequence[_Spoken]) -> Danger | None:
    for one in spoken:
        for danger, pattern in wishes.DANGERS.items():
            if pattern.search(one.folded):
                return danger
    for one in spoken:
        likely = {danger: one.acts[danger] for danger in wishes.DANGERS}
        if sum(likely.values()) > 0.85:
            return max(likely, key=likely.__getitem__)
    return None


def _nods(one: _Spoken) -> bool:
    """`ok`, `sí`, `perfeito`, and nothing else."""
    said = wishes.plain(one.folded).strip(" .,!")
    return bool(words.NODS.fullmatch(said)) or (len(said.split()) <= 2 and bool(words.YES.fullmatch(said)))


def _confirms(heard: Sequence[Heard], recent: Sequence[_Spoken]) -> bool:
    ours = [one for one in heard if one.message.role != "customer"]
    if not ours or not recent:
        return False
    if all(_nods(one) for one in recent):
        return True
    proposed = any(wishes.PROPOSES.search(s.piece.folded) for s in ours[-1].parted.sentences)
    yes = bool(wishes.CONFIRM.match(recent[0].folded)) or recent[0].acts["confirm"] > SURELY
    return proposed and yes and not words.NO.match(recent[0].folded)


def _calls(plain: str) -> bool:
    """`Anybody there?`, and nothing else."""
    return len(plain.split()) <= FEW and bool(wishes.PRESENCE.search(plain))


def _speech(recent: Sequence[_Spoken]) -> Speech:
    if not recent:
        return "report"
    asked = any(
        _asks_facts(one) or not _likely(one, "stands", "matter", "complaint", "told")
        for one in filter(_asking, recent)
    )
    wanted = any(
        is_request(one.sentence) or _likely(one, "stands", "matter", "complaint", "skip")
        for one in recent
        if not _likely(one, "promise") and not _only_asks(one)
    )
    said = [wishes.plain(one.folded) for one in recent]
    text = " ".join(said)
    if all(wishes.GREETING.match(one) or _calls(one) for one in said):
        return "greeting"
    polite = wishes.THANKS.search(text) or wishes.FAREWELL.search(text)
    thanked = all(one.acts["report"] < LIKELY for one in recent) and any(
        one.acts["thanks"] >= CLEARLY for one in recent
    )
    if not asked and not wanted and polite and (thanked or len(text.split()) <= SHORT):
        return "thanks"
    if wanted:
        return "request"
    return "question" if asked else "report"
