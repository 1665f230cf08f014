"""Whether the customer wants the outcome: asked for anywhere, and not taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from app.models.reading import Claim
from app.reader import wishes, words
from app.reader.heard import Heard, Voice, ours_asks
from app.reader.spoken import (
    BY_HEAD_ALONE,
    HALF,
    LIKELY,
    WISHFUL,
    About,
    Spoken,
    asking,
    asks_how,
    holds,
    holds_off,
    is_request,
    likely,
    only_asks,
    only_wants,
)
from app.reader.status import DONE, FAILED, NOT_DONE, without_hosts

PLAINLY_ABOUT = 0.6
"""How much a sentence that asks has to be about the procedure for the wish to be plain: those that ask for it
stand at 0.69 and above where we looked; orders to do something else, and letters at random, reach 0.55."""

WORDS_BESIDE = 14
"""Words of a request that is about nothing of the procedure and stands beside what was done of it: `please go
on then`. A longer one says itself what it is for."""


def wants_outcome(
    heard: Sequence[Heard], spoken: Sequence[Spoken], about: About, told: Sequence[Claim]
) -> bool:
    """Asked for it anywhere, and did not take it back: a message that holds back counts for nothing.

    What only sounds like holding back and tells of a step (`we did not do that one until now`) does not.
    """
    asked, first, named = asks_how_far(heard), _before_us(heard), asked_what(heard)
    reports = {claim.message for claim in told}
    wanted = False
    for message, sentences in _by_message(spoken).items():
        requested = any(is_request(one.sentence) for one in sentences)
        sensed = any(one.acts["hold"] > 0.8 and len(one.folded.split()) >= 4 for one in sentences)
        held = any(
            holds(one.sentence, asked=asked.get(message, False)) and not only_wants(one) for one in sentences
        )
        # Who has asked for nothing takes nothing back: `we do not want to share one, can we have our own?`
        taken = wanted or not any(one.acts["want"] >= LIKELY for one in sentences)
        if taken and (held or (sensed and not requested and message not in reports)):
            wanted = False
        else:
            wanted = wanted or any(_asks_for_it(one, about, told) for one in sentences)
            wanted = wanted or (message in first and _begins_with(message, sentences, told))
            wanted = wanted or (message in named and _names_it(sentences, about))
    return wanted


def asks_how_far(heard: Sequence[Heard] | Sequence[Voice]) -> dict[str, bool]:
    """Message of the customer -> our last words before it ask something, and propose nothing."""
    asked: dict[str, bool] = {}
    ours = False
    for one in heard:
        if one.message.role == "customer":
            asked[one.message.id] = ours
        else:
            questions = [s.piece.folded for s in one.parted.sentences if ours_asks(s)]
            ours = bool(questions) and not any(wishes.PROPOSES.search(question) for question in questions)
    return asked


def _before_us(heard: Sequence[Heard]) -> frozenset[str]:
    """The customer's messages that nobody of ours has answered yet when they were written."""
    return frozenset(one.message.id for one in takewhile(lambda one: one.message.role == "customer", heard))


def asked_what(heard: Sequence[Heard] | Sequence[Voice]) -> frozenset[str]:
    """The customer's messages right after one of ours that asks what they want, or whether it is this."""

    def asks(one: Heard | Voice) -> bool:
        said = [sentence.piece.folded for sentence in one.parted.sentences]
        return any(wishes.ASKS_WHAT.search(s) or wishes.IS_IT_THIS.search(s) for s in said)

    return after_ours(heard, asks)


def after_ours(
    heard: Sequence[Heard] | Sequence[Voice], such: Callable[[Heard | Voice], bool]
) -> frozenset[str]:
    """The customer's messages between one of ours that is such and our next one."""
    found = set()
    after = False
    for one in heard:
        if one.message.role != "customer":
            after = such(one)
        elif after:
            found.add(one.message.id)
    return frozenset(found)


def _by_message(spoken: Sequence[Spoken]) -> dict[str, list[Spoken]]:
    result: dict[str, list[Spoken]] = {}
    for one in spoken:
        result.setdefault(one.heard.message.id, []).append(one)
    return result


def _begins_with(message: str, sentences: Sequence[Spoken], told: Sequence[Claim]) -> bool:
    """Who begins by telling what they have done of a matter is after what it leads to."""
    begun = any(c.message == message and c.status in (DONE, NOT_DONE, FAILED) for c in told)
    return begun and not any(asking(one) or likely(one, "promise") for one in sentences)


def _names_it(sentences: Sequence[Spoken], about: About) -> bool:
    """What they name is what they want, if they ask for no fact."""
    return max((one.near(about) for one in sentences), default=0.0) > HALF and not any(map(asking, sentences))


def _asks_for_it(one: Spoken, about: About, told: Sequence[Claim]) -> bool:
    """A request, or the goal said as a plain statement; not a question for information.

    Who asks how and has begun wants it; who asks how out of the blue may only want to know.
    """
    if asks_how(one) and (one.sentence.question or words.asks(one.folded)):
        return bool(told) or (is_request(one.sentence) and not wishes.HOW.search(one.folded))
    if one.sentence.question or words.asks(one.folded):
        return bool(wishes.ORDER.search(one.folded)) or one.wish > max(0.5, one.acts["ask"])
    if is_request(one.sentence) or words.TRYING.search(one.folded) or _bids(one):
        return True
    # Near the goal is also the news that a part of it is there: a state alone is never a wish.
    if _tells_state(one):
        return one.wish > BY_HEAD_ALONE
    return one.wish > 0.5 or (one.near(about) > 0.5 and not _reports(one, told))


def _reports(one: Spoken, told: Sequence[Claim]) -> bool:
    """That a step is done is no wish for what it leads to."""
    said = one.sentence.piece.text
    mostly = one.acts["report"] > max(one.acts["want"], one.acts["skip"]) and one.acts["want"] < WISHFUL
    return mostly and any(c.quote in said or said in c.quote for c in told if c.status == DONE)


def _tells_state(one: Spoken) -> bool:
    """Every clause only says how something stands."""
    return all(
        words.STATE.search(without_hosts(clause.piece.folded))
        for clause in one.sentence.clauses
        if len(clause.piece.folded.split()) >= 3
    )


def asks_plainly(one: Spoken, about: About, told: Sequence[Claim]) -> bool:
    """Asks for it, and speaks of it or stands beside what was done of it; a request beside a question on it
    may be for something else, and who only says how something stands may want something else for it. `Do I
    need a certificate for HTTPS?` and `can I do it myself?` may only want to know."""
    if wishes.HOW.search(one.folded):
        return False  # `Show me again how, please` is polite, and no order
    asks_itself = asks_how(one) or (one.sentence.question and wishes.SELF.search(one.folded))
    if asks_itself and not wishes.ORDER.search(one.folded):
        return False  # `How do I turn it on?` is answered with what is left
    if wishes.ELSEWHERE.search(one.folded) or wishes.EXCEPT.search(one.folded):
        return False
    message, itself = one.heard.message.id, one.sentence.piece.text
    near = one.near(about)
    beside = any(
        claim.message == message and claim.quote != itself and claim.status not in (NOT_DONE, FAILED)
        for claim in told
    )
    goes_on = beside and len(one.folded.split()) <= WORDS_BESIDE and not only_asks(one)
    if near <= PLAINLY_ABOUT and not goes_on:
        return False  # `Can the form be in three languages? The list is clean.` asks for no more than that
    if holds_off(one) or not (_wishes(one) or (near > BY_HEAD_ALONE and beside)):
        return False  # `The links are of our Christmas campaign` is near to it, and asks for nothing
    return _asks_for_it(one, about, told)


def _wishes(one: Spoken) -> bool:
    """By its words or by what it does, and not only by what it is about. A yes is none: what it is said to is
    told by what we asked, and a card has its button."""
    trying = words.TRYING.search(one.folded) is not None
    return is_request(one.sentence) or trying or _bids(one) or one.acts["want"] + one.acts["how"] > WISHFUL


def _bids(one: Spoken) -> bool:
    """`Then switch it on`: an order, whatever stands before it."""
    return wishes.BIDDING.match(wishes.plain(_THEN.sub("", one.folded))) is not None


_THEN = re.compile(
    r"^(?:(?:then|great|good|perfect|fine|yes|yep|sure|all right|alright"
    r"|entao|perfeito|otimo|beleza|sim|certo|claro"
    r"|entonces|perfecto|genial|vale|dale|si|listo)[,.! ]+)+"
)
