"""The real path under simulated customers: the same rows for a seed, and over HTTP against a real service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from app.errors import BadInput
from evals.simulate.phrases import SHIPPED, load
from evals.simulate.remote import addresses_of, converse
from evals.simulate.run import BOTS, Task, Work, prepare, run, tasks
from evals.world.world import World
from knowledge.model import Procedure

Pages = Mapping[str, Mapping[str, Procedure]]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def prepared(
    tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Path], Path]
) -> tuple[Path, Path, Pages]:
    folder = tmp_path_factory.mktemp("simulate")
    encoder = filled(folder / "encoder")
    return folder, encoder, prepare(folder, ROOT / "knowledge" / "pages", encoder)


def todo(pages: Pages, n: int, k: int = 1, bots: tuple[str, ...] = BOTS) -> list[Task]:
    return tasks([p["en"] for p in pages.values()], ("en", "pt"), bots, seed=5, n=n, k=k)


def test_the_same_rows_whatever_the_order(prepared: tuple[Path, Path, Pages]) -> None:
    folder, encoder, pages = prepared
    work = Work(folder, encoder, SHIPPED, "score")
    some = todo(pages, 4)
    forward = run(work, some, workers=1)
    backward = run(work, some[::-1], workers=1)[::-1]
    assert [row.model_dump_json() for row in forward] == [row.model_dump_json() for row in backward]
    ours, *plain = (forward[at : at + 4] for at in range(0, 12, 4))
    assert [row.bot for row in ours] == ["stepfour"] * 4
    assert any(row.resolved for row in ours)
    assert not any(row.unsafe or row.false_done for row in ours)
    assert not any(row.resolved for rows in plain for row in rows), "retrieval can change nothing"
    assert any(row.repeats for row in plain[0])
    said = [row.exchanges[0].said for rows in (ours, *plain) for row in rows]
    assert said[:4] == said[4:8] == said[8:12], "the same customers talk to every bot"


def test_the_last_customer_has_fewer_runs_where_n_says_so(prepared: tuple[Path, Path, Pages]) -> None:
    made = todo(prepared[2], 10, 4, BOTS[:1])
    assert [(task.customer.id, task.plan.run) for task in made[-3:]] == [
        ("c0001", 3),
        ("c0002", 0),
        ("c0002", 1),
    ]
    with pytest.raises(BadInput, match="n is k or more"):
        todo(prepared[2], 2, 4)


def test_a_button_that_comes_too_late_ends_no_run(
    prepared: tuple[Path, Path, Pages], monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.service import Service

    pressed: list[str] = []
    code = "expired"

    async def too_late(service: Service, id: str, *_: object, **__: object) -> None:
        pressed.append(id)
        request = await service.store.request(id)
        assert request is not None
        await service.store.move(request, "expired", by=None)
        raise BadInput("this request has expired", code=code)

    monkeypatch.setattr(Service, "decide_request", too_late)
    folder, encoder, pages = prepared
    work = Work(folder, encoder, SHIPPED, "score")
    rows = run(work, todo(pages, 8, bots=BOTS[:1]), workers=1)
    assert len(rows) == 8
    assert pressed
    code = "bad_input"
    with pytest.raises(BadInput, match="expired"):
        run(work, todo(pages, 8, bots=BOTS[:1]), workers=1)


# --- over HTTP ----------------------------------------------------------------------------------


@pytest.fixture
async def served(tmp_path: Path, filled: Callable[[Path], Path]) -> AsyncIterator[tuple[str, World, object]]:
    from app.demo import demo_net, demo_settings
    from app.serve import serving

    with World.start() as world:
        settings = demo_settings(world.addresses, filled(tmp_path / "data"), 0).model_copy(
            update={"pause_seconds": 0.02, "watch_seconds": (1, 1, 2), "watch_then_seconds": 2}
        )
        async with serving(settings, demo_net(world.addresses)) as url:
            yield url, world, settings


@pytest.mark.slow
async def test_the_same_customers_over_http(
    served: tuple[str, World, object], prepared: tuple[Path, Path, Pages]
) -> None:
    url, world, settings = served
    picked = [task for task in todo(prepared[2], 6, 1, (url,)) if task.customer.procedure != "move-domain"][
        :3
    ]
    async with asyncio.timeout(240):
        rows = await converse(
            url,
            world.addresses,
            settings,  # type: ignore[arg-type]
            picked,
            procedures=prepared[2],
            phrases=load().in_half("score"),
        )
    assert len(rows) == 3
    assert any(row.resolved for row in rows), [(row.customer, row.end) for row in rows]
    assert not any(row.unsafe or row.false_done for row in rows)
    assert all(exchange.heard.kind != "nothing" for row in rows for exchange in row.exchanges[:1])


def test_a_world_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text("{}", encoding="utf-8")
    with pytest.raises(BadInput, match=r"--world .*python -m evals\.world"):
        addresses_of(tmp_path / "w.json")


# --- the command --------------------------------------------------------------------------------


def stepfour(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "simulate", *args],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_the_command_writes_rows_and_results(tmp_path: Path, filled: Callable[[Path], Path]) -> None:
    filled(tmp_path / "data" / "eval")
    args = ["--n", "4", "--k", "2", "--seed", "5", "--lang", "en", "--json", "--workers", "1"]
    args += ["--rows", str(tmp_path / "rows.jsonl"), "--out", str(tmp_path / "results")]
    ended = stepfour(*args, STEPFOUR_DATA_DIR=str(tmp_path / "data"))
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert [bot["bot"] for bot in report["bots"]] == list(BOTS)
    assert report["bots"][0]["customers"] == 2
    rows = (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 12
    assert json.loads(rows[0])["exchanges"][0]["said"]
    written = json.loads((tmp_path / "results" / "simulation.json").read_text(encoding="utf-8"))
    assert written["bots"] == report["bots"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--lang", "xx"), "--lang xx: there is en, pt, es"),
        (("--half", "mine"), "--half mine"),
        (("--url", "http://127.0.0.1:1"), "--url needs the bot's world"),
        (("--phrases", "/nowhere.yaml"), "A phrase file is YAML"),
        (("--rows", "/nowhere/rows.jsonl"), "Make it first"),
    ],
)
def test_what_cannot_be_used_is_told_at_once(args: tuple[str, ...], said: str) -> None:
    ended = stepfour(*args)
    assert ended.returncode == 2
    assert said in ended.stderr
