"""What the customer wants of us: the outcome, a way, a person; and what makes us careful."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.models.reading import Claim, Danger, Speech
from app.reader import wishes, words
from app.reader.heard import Heard
from app.reader.spoken import (
    BY_HEAD_ALONE,
    CLEARLY,
    LIKELY,
    About,
    Spoken,
    asking,
    asks_again,
    asks_facts,
    asks_how,
    asks_on,
    asks_onward,
    asks_whether,
    calls,
    for_other,
    holds_off,
    is_request,
    likely,
    nods,
    only_asks,
    seeks,
    set_aside,
    skips,
    spoken_by,
    wants_person,
)
from app.reader.wanted import asked_what, asks_plainly, wants_outcome

SHORT_THANKS = 14
"""Words of a message; thanks in a longer one are thanks where it plainly reports nothing."""


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
    about: About,
    told: Sequence[Claim] = (),
) -> Goals:
    """`told`: what they said of how far they are."""
    customer = [one for one in heard if one.message.role == "customer"]
    spoken = spoken_by(customer)
    last = _last_turn(heard)
    turn = {one.message.id for one in last}
    recent = [one for one in spoken if one.heard.message.id in turn]
    wants = wants_outcome(heard, spoken, about, told)
    whether = any(asks_whether(one, about) for one in recent)
    return Goals(
        speech=_speech(recent),
        wants_outcome=wants,
        faint=wants and not any(asks_plainly(one, about, told) for one in spoken),
        asks_how=any(map(asks_how, spoken)) or whether,
        wants_person=any(wants_person(one, spoken, about) for one in spoken),
        danger=_danger(spoken),
        # What we have answered does not colour what they say later.
        skips_checks=any(skips(one) for one in recent) or any(map(_forged, last)),
        for_other=any(map(for_other, spoken)),
        asks_again=any(asks_again(one, told) for one in recent),
        asks_on=_asks_on(recent, about) or whether,
        told_before=any(likely(one, "told") for one in recent),
        seeks=(any(map(seeks, spoken)) or _tells_what(heard)) and not any(map(holds_off, recent)),
        confirms=_confirms(heard, recent),
    )


def _tells_what(heard: Sequence[Heard]) -> bool:
    """The last message follows our question what it is about."""
    return bool(heard) and heard[-1].message.id in asked_what(heard)


def _last_turn(heard: Sequence[Heard]) -> list[Heard]:
    """The customer's messages since we last spoke."""
    result: list[Heard] = []
    for one in reversed(heard):
        if one.message.role != "customer":
            break
        result.insert(0, one)
    return result


def _forged(heard: Heard) -> bool:
    """A block that poses as ours; a page or a log that only mentions a system is fenced or quoted."""
    return any(
        kind in ("paste", "code") and wishes.FORGED_BLOCK.match(piece.folded)
        for kind, piece in heard.parted.data
    )


def _asks_on(recent: Sequence[Spoken], about: About) -> bool:
    """Whatever looks like a question is about how it stands; who wants something else as well does not."""
    on = [asks_on(one, about) for one in recent]
    return any(on) and all(on for one, on in zip(recent, on, strict=True) if asking(one))


def _danger(spoken: Sequence[Spoken]) -> Danger | None:
    for one in spoken:
        for danger, pattern in wishes.DANGERS.items():
            if pattern.search(one.folded):
                return danger
    for one in spoken:
        likely = {danger: one.acts[danger] for danger in wishes.DANGERS}
        if sum(likely.values()) > 0.85:
            return max(likely, key=likely.__getitem__)
    return None


def _confirms(heard: Sequence[Heard], recent: Sequence[Spoken]) -> bool:
    ours = [one for one in heard if one.message.role != "customer"]
    if not ours or not recent:
        return False
    if all(nods(one) for one in recent):
        return True
    proposed = any(wishes.PROPOSES.search(s.piece.folded) for s in ours[-1].parted.sentences)
    yes = bool(wishes.CONFIRM.match(recent[0].folded)) or recent[0].acts["confirm"] > BY_HEAD_ALONE
    return proposed and yes and not words.NO.match(recent[0].folded)


def _goes_on(one: Spoken, *acts: str) -> bool:
    """Of the matter at hand, and how it stands."""
    of_it = likely(one, "stands", "matter", "complaint", *acts) or asks_onward(one)
    return of_it and not set_aside(one.heard, one.sentence)


def _in_trouble(one: Spoken) -> bool:
    """What goes wrong with something else is told so that it is answered."""
    told = likely(one, "broke") or words.FAIL.search(one.folded)
    return bool(told) and set_aside(one.heard, one.sentence)


def _speech(recent: Sequence[Spoken]) -> Speech:
    if not recent:
        return "report"
    asked = any(asks_facts(one) or not _goes_on(one, "told") for one in filter(asking, recent))
    asked = asked or any(_in_trouble(one) for one in recent)
    wanted = any(
        is_request(one.sentence) or _goes_on(one, "skip")
        for one in recent
        if not likely(one, "promise") and (not only_asks(one) or wishes.EXCEPT.search(one.folded))
    )
    said = [wishes.plain(one.folded) for one in recent]
    text = " ".join(said)
    if all(wishes.GREETING.match(one) or calls(one) for one in said):
        return "greeting"
    polite = wishes.THANKS.search(text) or wishes.FAREWELL.search(text)
    thanked = all(one.acts["report"] < LIKELY for one in recent) and any(
        one.acts["thanks"] >= CLEARLY for one in recent
    )
    if not asked and not wanted and polite and (thanked or len(text.split()) <= SHORT_THANKS):
        return "thanks"
    if wanted:
        return "request"
    return "question" if asked else "report"
