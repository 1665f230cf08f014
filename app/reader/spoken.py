"""A sentence of the customer's own, by its words and by what our layers make of it: what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.asking import wonders
from app.models.reading import Claim
from app.reader import wishes, words
from app.reader.heard import Heard, place
from app.reader.text import Sentence
from app.reader.told import ACTS

LITTLE, WISHFUL, HALF, CLEARLY = 0.1, 0.3, 0.5, 0.75

BY_HEAD_ALONE = 0.8
"""From here on the trained head alone takes the report of a state for a wish, and a sentence for a yes or a
call for a person; and a sentence that asks for nothing is plain by what it is about alone."""

CERTAINLY = 0.9
"""`It's all there, so just flip it` is near to a demand to look at nothing, and is none."""

LIKELY = 0.6
"""From here on what our own layers make of a sentence counts."""

FEW = 5

AFTER = ("want", "how", "matter", "stands", "broke")
"""Acts that are about what somebody is after."""

SEEKING = (*AFTER, "skip")

WISHING = ("want", "how", "confirm")

ASKING_ON = ("stands", "matter", "complaint", "told", "skip")


About = Mapping[tuple[str, int], float]
"""(message id, place of a sentence) -> how much it is about the procedure, 0..1."""


class Spoken(NamedTuple):
    """A sentence of the customer's own."""

    heard: Heard
    sentence: Sentence
    acts: dict[str, float]

    @property
    def folded(self) -> str:
        return self.sentence.piece.folded

    @property
    def wish(self) -> float:
        return sum(self.acts[act] for act in WISHING)

    def near(self, about: About) -> float:
        return about.get((self.heard.message.id, self.sentence.piece.start), 0.0)


def spoken_by(customer: Sequence[Heard]) -> list[Spoken]:
    return [
        Spoken(one, sentence, dict(zip(ACTS, one.acts[place(sentence.piece)], strict=True)))
        for one in customer
        for sentence in one.parted.sentences
    ]


def cues(text: str, folded: str, lang: str) -> list[float]:
    """The general words of a sentence as numbers, one column each, as the head was trained with them."""
    flags = (
        "?" in text, words.ASKING.match(folded), wishes.WANT.search(folded), wishes.HOW.search(folded),
        wishes.HOLD.search(folded), wishes.PERSON.search(folded),
        any(pattern.search(folded) for pattern in wishes.DANGERS.values()),
        wishes.SKIP.search(folded) or wishes.FORGED.search(folded),
        wishes.OTHER.search(folded), wishes.AGAIN.search(folded), wishes.THANKS.search(wishes.plain(folded)),
        wishes.GREETING.match(wishes.plain(folded)), lang == "en", lang == "pt", lang == "es",
    )  # fmt: skip
    return [float(bool(flag)) for flag in flags]


def is_request(sentence: Sentence) -> bool:
    return bool(wishes.WANT.search(sentence.piece.folded))


def holds(sentence: Sentence, *, asked: bool) -> bool:
    """Takes the wish back; `not for now` after a question of ours how far they are only answers it."""
    answers = asked and len(sentence.piece.folded.split()) <= 4
    return bool(wishes.HOLD.search(sentence.piece.folded)) and not answers


def likely(one: Spoken, *acts: str) -> bool:
    return sum(one.acts[act] for act in acts) >= LIKELY


def asking(one: Spoken) -> bool:
    """By its sign, by how it begins, or plainly by what it does."""
    marked = one.sentence.question or words.asks(one.folded) or wonders(one.folded)
    return bool(marked) or one.acts["ask"] >= LIKELY


def set_aside(heard: Heard, sentence: Sentence) -> bool:
    """Announced as being about something else: `one other thing: ...`. What follows a question of that kind,
    or a few words that only announce, goes with it."""
    if wishes.ASIDE.match(sentence.piece.folded):
        return True
    before = [one for one in heard.parted.sentences if one.piece.start < sentence.piece.start][-1:]
    opens = (one for one in before if one.question or _brief(one.piece.folded))
    return any(wishes.ASIDE.match(one.piece.folded) for one in opens)


def _brief(folded: str) -> bool:
    return len(folded.split()) <= FEW


def asks_on(one: Spoken, about: About) -> bool:
    """Asks how the matter stands or goes on, complains of it, or wants it once more."""
    if set_aside(one.heard, one.sentence):
        return False
    here = ("want",) if one.near(about) >= HALF else ()
    return (likely(one, *ASKING_ON, *here) and not asks_facts(one)) or asks_onward(one)


def asks_onward(one: Spoken) -> bool:
    """`What is left?`; `I did what is left` asks nothing."""
    return asking(one) and wishes.ONWARD.search(one.folded) is not None


def asks_facts(one: Spoken) -> bool:
    """`I do not ask for it yet, first I want to know one thing`: of how it stands nothing is asked."""
    return one.acts["ask"] + one.acts["hold"] >= HALF


def only_asks(one: Spoken) -> bool:
    """`How many can we have?` and `can you tell me what that is?` want to know, and nothing done."""
    return one.acts["ask"] >= CLEARLY and one.acts["want"] < LITTLE


def only_wants(one: Spoken) -> bool:
    """`We no longer want to share one, can we have our own?` takes nothing back."""
    return one.acts["want"] >= LIKELY and one.acts["hold"] < LITTLE


def seeks(one: Spoken) -> bool:
    """Whoever asks for a fact is answered or handed over, and not asked what they are after."""
    return likely(one, *SEEKING) or (one.sentence.question and not likely(one, "ask"))


def holds_off(one: Spoken) -> bool:
    return (bool(wishes.HOLD.search(one.folded)) and not only_wants(one)) or likely(one, "hold")


def asks_how(one: Spoken) -> bool:
    return bool(wishes.HOW.search(one.folded)) or one.acts["how"] > 0.6


def asks_whether(one: Spoken, about: About) -> bool:
    """`Is HTTPS on for our links?` wants no page, but a look."""
    asked = one.sentence.question and wishes.WHETHER.search(one.folded)
    return bool(asked) and one.near(about) > HALF


def wants_person(one: Spoken, spoken: Sequence[Spoken], about: About) -> bool:
    """`Is anybody there?` is a greeting where nobody is seen, and `can somebody move our domain?` is about
    the domain. What comes before the matter only calls, where it has no word for being passed on."""
    if wishes.PERSON.search(one.folded):
        return True
    matter = wishes.PRESENCE.search(one.folded) or one.near(about) > HALF
    calls_first = not wishes.REACH.search(one.folded) and any(
        other.near(about) > HALF for other in spoken if _follows(other, one)
    )
    return one.acts["person"] > BY_HEAD_ALONE and not (matter or calls_first)


def _follows(later: Spoken, earlier: Spoken) -> bool:
    """In the same message."""
    same = later.heard.message.id == earlier.heard.message.id
    return same and later.sentence.piece.start > earlier.sentence.piece.start


def for_other(one: Spoken) -> bool:
    """`Move it to another account` says where it is to go, and not whose it is."""
    if wishes.MOVES_TO.search(one.folded):
        return bool(wishes.OTHER.search(wishes.MOVES_TO.sub(" ", one.folded)))
    return bool(wishes.OTHER.search(one.folded)) or one.acts["other"] > 0.8


def asks_again(one: Spoken, told: Sequence[Claim]) -> bool:
    """`Where were we?` wants the last thing again; `where were we with the invoices` wants the matter.

    `told`: what they said of the steps. `I have not done it yet, sorry` reports, and asks for nothing.
    """
    if wishes.AGAIN_COMPLAINT.search(one.folded):
        return False
    brief = len(one.folded.split()) <= FEW
    on = likely(one, "stands", "matter", "want") and not brief
    if one.acts["again"] > CLEARLY and not any(_claimed_in(one, claim) for claim in told):
        return True
    if brief and wishes.WHERE_WERE_WE.search(one.folded):
        return True
    again = wishes.AGAIN.search(one.folded)
    return again is not None and not on and not words.DENIES.search(one.folded[: again.start()])


def _claimed_in(one: Spoken, claim: Claim) -> bool:
    return claim.message == one.heard.message.id and claim.quote in one.sentence.piece.text


def skips(one: Spoken) -> bool:
    if wishes.SKIP.search(one.folded) or wishes.FORGED.search(one.folded):
        return True
    named = bool(wishes.CHECKING.search(one.folded))
    return one.acts["skip"] > (HALF if named else CERTAINLY)


def nods(one: Spoken) -> bool:
    """`ok`, `sí`, `perfeito`, and nothing else."""
    said = wishes.plain(one.folded).strip(" .,!")
    return bool(words.NODS.fullmatch(said)) or (len(said.split()) <= 2 and bool(words.YES.fullmatch(said)))


def calls(plain: str) -> bool:
    """`Anybody there?`, and nothing else."""
    return len(plain.split()) <= FEW and bool(wishes.PRESENCE.search(plain))
