"""`stepfour demo --once`: both scenes are played, solved in the world, and told."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from app import demo as played


@pytest.mark.slow
async def test_both_scenes_are_played_and_solved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert "Both scenes are solved" in said
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


def test_every_language_has_both_scenes() -> None:
    assert sorted(played.MESSAGES) == ["en", "es", "pt"]
    assert all("{domain}" in text for scenes in played.MESSAGES.values() for text in scenes)
