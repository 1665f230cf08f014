"""The same words do not go out twice, whatever the rules made of it: on the real path."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from app.echo import alike
from app.models.reading import Reading
from tests.app.world import ANN, BOB, claim, open_world, wants

STEP = "Is “Remove the addresses that bounced” already done? I cannot see this from here. It matters."


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (STEP, True),
        (STEP.replace("It matters", "That counts"), True),
        ("Is “Switch on double opt-in” already done? I cannot see this from here. It matters.", False),
        ("Has “Remove the addresses that bounced” been done, yes or no? No check can give it to me.", False),
        ("", False),
    ],
)
def test_alike(other: str, same: bool) -> None:
    assert alike(STEP, other) is same


def test_a_few_words_may_come_again() -> None:
    assert not alike("Tell me when it is done.", "Tell me when it is done.")


KINDS = ("guide", "ask", "decline")
SIGHTS = ("met", "not_met", "unknown", "waiting")


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_no_reply_goes_out_in_the_same_words(tmp_path: Path, seed: int) -> None:
    """Customers who say anything while the world does anything."""
    draw = Random(seed)
    async with open_world(tmp_path) as world:
        world.see(branded_link_set_up="not_met")
        talk = await world.talk(draw.choice((ANN, ANN, BOB)))
        sent = [(await world.say(talk)).reply]
        for number in range(12):
            for check in ("click_tracking_on", "branded_link_set_up", "certificate_presented"):
                if draw.random() < 0.4:
                    world.see(**{check: draw.choice(SIGHTS)})
            world.later(minutes=draw.choice((1, 90)))
            turn = await world.say(talk, f"message {number}", any_reading(draw))
            if turn.reply and turn.decision.kind in KINDS:
                assert not any(alike(turn.reply, before) for before in sent), turn.reply
                sent.append(turn.reply)


def any_reading(draw: Random) -> Reading:
    step = draw.choice(("link-tracking", "branded-link", "ssl-certificate"))
    told = (claim(step, draw.choice(("done", "not_done", "failed", "planned"))),)
    return wants(
        speech=draw.choice(("report", "report", "request", "question")),
        told_before=draw.random() < 0.2,
        skips_checks=draw.random() < 0.1,
        claims=told if draw.random() < 0.5 else (),
        request="how long do you keep the reports?",
    )
