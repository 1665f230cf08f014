"""`stepfour demo --once`: the scenes are played, solved in the world, and told."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

from app import demo as played
from app import demo_switch
from app.demo_switch import Seen, judged, said_twice
from evals.world.spec import Effect


@pytest.mark.slow
async def test_all_scenes_are_played_and_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.StringIO()
    console = Console(file=out, width=200, force_terminal=False)
    assert await played.demo(once=True, lang="pt", port=0, console=console)
    said = out.getvalue()
    assert "Scene 1: Steps 1 to 3 are done" in said
    assert "Scene 2: One domain is not ready yet" in said
    assert said.count("HTTPS switched on 1 time(s); it is now on") == 2
    assert "watching, next look at" in said
    assert "O HTTPS agora está ligado" in said
    assert "Scene 3: Begun on the website, gone on in Slack, approved by an agent" in said
    assert "Você começou isto no chat do nosso site" in said
    assert "✗" not in said.partition("Scene 3")[2]
    assert "All three scenes are solved" in said
    assert os.listdir(tmp_path) == [], "nothing is left behind"


async def test_a_scene_that_the_world_does_not_show_solved_is_not_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer is told nothing that the ledger does not hold, and the command would end with 1."""
    from app.serve import serving
    from evals.world import scenarios
    from evals.world.world import World

    monkeypatch.setattr(played, "LONGEST_SCENE_S", 3)
    pages = Path(__file__).parents[2] / "knowledge" / "pages"
    out = io.StringIO()
    with World.start(tmp_path) as world:
        settings = played.demo_settings(world.addresses, tmp_path / "data", 0)
        assert settings.pages.resolve() == pages.resolve()
        spec = world.load(scenarios.cert_expired())
        async with serving(settings, played.demo_net(world.addresses)) as base:
            scene = await played.play(
                base,
                world,
                spec,
                played.MESSAGES["pt"][0].format(domain="kalahari.example"),
                settings=settings,
                console=Console(file=out, width=200),
            )
    assert not scene.solved
    assert "not resolved within 3 s" in out.getvalue()
    assert "HTTPS switched on 0 time(s); it is now off" in out.getvalue()


def test_every_language_has_every_scene() -> None:
    for messages in (played.MESSAGES, demo_switch.MESSAGES):
        assert sorted(messages) == ["en", "es", "pt"]
        assert all("{domain}" in text for scenes in messages.values() for text in scenes)
    assert all(in_slack.startswith("@bot ") for _, in_slack in demo_switch.MESSAGES.values())


# --- what a switch is judged by -------------------------------------------------------------------

EXPLAINED = "Set up the proxy for the host name of your branded link, and let it obtain a certificate."
STEPS = [{"id": "ssl-certificate", "word": "verified", "holds": True}]
SWITCHED = Effect(
    seq=1,
    at=0,
    account="a",
    effect="settings",
    before={"https_tracking": False},
    after={"https_tracking": True},
    key="k",
)


def said(id: str, text: str, decision: str = "guide", role: Literal["bot", "customer"] = "bot") -> Any:
    return {"id": id, "role": role, "text": text, "decision": decision}


def view(case: str, *messages: Any, earlier: Any = (), steps: Any = STEPS) -> Any:
    return {"case": {"id": case}, "messages": messages, "earlier": earlier, "steps": steps}


def switch(**changes: Any) -> dict[str, bool]:
    website = view("k1", said("1", EXPLAINED))
    slack = view("k1", said("2", "It is on now.", "act"), earlier=(website,))
    return judged(Seen(**{"website": website, "slack": slack, "effects": (SWITCHED,)} | changes))


def test_a_good_switch_is_good() -> None:
    assert all(switch().values())


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"slack": view("k2", said("2", "It is on now.", "act"))}, "one case in both places"),
        ({"slack": view("k1", steps=[STEPS[0] | {"word": "missing"}])}, "one ledger"),
        ({"slack": view("k1", steps=[STEPS[0] | {"holds": False}])}, "one ledger"),
        ({"slack": view("k1", said("2", f"Hello!\n\n{EXPLAINED}", "answer"))}, "no step explained twice"),
        ({"slack": view("k1", said("2", "In other words: a proxy.", "guide"))}, "no step explained twice"),
        (
            {"slack": view("k1", said("2", "Which domain?", "ask"), said("3", "Which one?", "ask"))},
            "no question asked twice",
        ),
        ({"effects": ()}, "HTTPS switched on once"),
        ({"effects": (SWITCHED, SWITCHED)}, "HTTPS switched on once"),
        ({"violations": ("late_ack",)}, "every call to Slack as Slack wants it"),
    ],
)
def test_a_switch_that_breaks_one_promise_names_it(changes: dict[str, Any], broken: str) -> None:
    assert [name for name, holds in switch(**changes).items() if not holds] == [broken]


def test_only_paragraphs_of_some_length_count_as_said_twice() -> None:
    assert said_twice(["Hello!\n\nOne.", "Hello!\n\nTwo."]) == []
    assert said_twice([f"A\n\n{EXPLAINED}", EXPLAINED.replace(" ", "\n", 1)]) == [EXPLAINED]
