"""The admin socket: who may speak on it, what it answers, and what a command does where nobody listens."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands import admin
from app.commands.folder import COMMANDS
from app.errors import BadInput, ConfigError
from app.main import open_knowledge
from app.settings import Settings
from knowledge.store import Knowledge


@pytest.fixture
def settings(filled: Callable[..., Path], tmp_path: Path) -> Settings:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "return.md").write_text(
        "# Returning a bicycle\n\nYou can return a bicycle within thirty days.\n"
    )
    (pages / "hours.md").write_text("# Opening hours\n\nThe shops are open from nine to six on weekdays.\n")
    data = filled(tmp_path / "data", encoder_only=True)
    return Settings(_env_file=None, data_dir=data, pages=pages)


@pytest.fixture
async def knowledge(settings: Settings) -> AsyncIterator[Knowledge]:
    opened = await asyncio.to_thread(open_knowledge, settings)
    yield opened
    await asyncio.to_thread(opened.close)


def token_of(settings: Settings) -> str:
    return str(json.loads((settings.data_dir / admin.FILE).read_text())["token"])


async def spoken(port: int, line: bytes) -> list[dict[str, Any]]:
    """Everything that one line is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line)
    await writer.drain()
    said = [json.loads(answer) for answer in (await asyncio.wait_for(reader.read(), 20)).splitlines()]
    writer.close()
    return said


async def asked(port: int, token: object, command: object, args: object = None) -> list[dict[str, Any]]:
    return await spoken(port, json.dumps({"token": token, "command": command, "args": args}).encode() + b"\n")


async def run(settings: Settings, command: str, args: dict[str, Any]) -> dict[str, Any]:
    return await asyncio.to_thread(admin.run, settings, command, args, lambda _: None)


async def test_only_the_owner_may_read_the_token_and_it_goes_with_the_service(
    settings: Settings, knowledge: Knowledge
) -> None:
    file = settings.data_dir / admin.FILE
    file.write_text("left behind by a crash")
    file.chmod(0o644)
    async with admin.listening(knowledge, settings):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text())["pid"] == os.getpid()
        assert admin.answers(settings)
    assert not file.exists()
    assert not admin.answers(settings)


@pytest.mark.parametrize("wrong", ["", "x", None, 5, "é", "\udcff", ["token"]])
async def test_a_wrong_token_is_refused_and_nothing_is_run(
    wrong: object, settings: Settings, knowledge: Knowledge
) -> None:
    async with admin.listening(knowledge, settings) as port:
        (said,) = await asked(port, wrong, "sync", {"path": str(settings.pages)})
        assert "the token is wrong" in said["error"]
        assert "admin.json" in said["error"]
    assert knowledge.documents() == []


@pytest.mark.parametrize(
    "line", [b"5\n", b"[]\n", b"null\n", b"\n", b"{}\n", b"GET / HTTP/1.1\r\n\r\n", b"\xff\xfe\n"]
)
async def test_a_line_that_is_no_command_is_refused_and_the_next_one_is_served(
    line: bytes, settings: Settings, knowledge: Knowledge
) -> None:
    async with admin.listening(knowledge, settings) as port:
        said = await spoken(port, line)
        assert all("error" in answer for answer in said)
        (status,) = await asked(port, token_of(settings), "status")
        assert status["result"]["documents"] == 0


async def test_an_unknown_command_and_a_missing_argument_are_named(
    settings: Settings, knowledge: Knowledge
) -> None:
    async with admin.listening(knowledge, settings) as port:
        (said,) = await asked(port, token_of(settings), "format")
        there = ", ".join(COMMANDS)
        assert said["error"] == f"no command 'format'; there is {there}"
        (said,) = await asked(port, token_of(settings), "search")
        assert said["error"] == "search needs the argument 'query'"


async def test_a_command_goes_to_whoever_owns_the_folder_and_says_the_same(
    settings: Settings, knowledge: Knowledge
) -> None:
    async with admin.listening(knowledge, settings):
        synced = await run(settings, "sync", {"path": str(settings.pages)})
        assert synced["added"] == 2
        beside = await run(settings, "ask", {"question": "How many days do I have to return a bicycle?"})
        with pytest.raises(BadInput, match="nowhere"):
            await run(settings, "sync", {"path": "/nowhere"})
    with pytest.raises(ConfigError, match="in use by process"):
        await run(settings, "status", {})
    await asyncio.to_thread(knowledge.close)
    alone = await run(settings, "ask", {"question": "How many days do I have to return a bicycle?"})
    assert alone == beside
    assert alone["answer"] == ["You can return a bicycle within thirty days."]


async def test_progress_comes_before_the_result(settings: Settings, knowledge: Knowledge) -> None:
    async with admin.listening(knowledge, settings) as port:
        said = await asked(port, token_of(settings), "sync", {"path": str(settings.pages)})
    assert [next(iter(line)) for line in said] == ["progress", "progress", "progress", "result"]
    assert said[2]["progress"]["done"] == said[2]["progress"]["total"] == 2


async def test_many_commands_at_once_are_all_answered(settings: Settings, knowledge: Knowledge) -> None:
    async with admin.listening(knowledge, settings) as port:
        await asked(port, token_of(settings), "sync", {"path": str(settings.pages)})
        several = [asked(port, token_of(settings), "search", {"query": "bicycle"}) for _ in range(12)]
        for (said,) in await asyncio.gather(*several):
            assert said["result"]["hits"][0]["path"] == "return.md"


async def test_a_file_that_a_crash_left_behind_is_no_service(settings: Settings) -> None:
    file = settings.data_dir / admin.FILE
    file.write_text(json.dumps({"port": 9, "token": "t", "pid": 1}))
    assert (await run(settings, "status", {}))["documents"] == 0
    for broken in ("", "{", "[]", "7", '{"port": "x", "token": "t"}', '{"port": 9}'):
        file.write_text(broken)
        assert not admin.answers(settings)
        assert (await run(settings, "status", {}))["documents"] == 0


async def test_a_changed_procedure_is_followed_once_a_person_has_approved_it(
    settings: Settings, knowledge: Knowledge, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "bell.md").write_text(
        "---\ntitle: Ring the bell\nprocedure: ring-bell\nwhen: The bell should ring.\nsubject: domain\n"
        "steps:\n  - {id: pull, check: click_tracking_on}\n---\n\nIt rings.\n\n"
        "## 1. Pull {#pull}\n\nPull it.\n"
    )
    settings = settings.model_copy(update={"approvers": ("rita",)})
    async with admin.listening(knowledge, settings):
        synced = await run(settings, "sync", {"path": str(own), "procedures": True})
        assert synced["failed"] == []
        assert (await run(settings, "status", {}))["waiting"] == ["ring-bell"]
        with pytest.raises(BadInput, match="ring-bell"):
            await run(settings, "approve", {"procedure": "no-such", "by": "rita"})
        with pytest.raises(BadInput, match="--by"):
            await run(settings, "approve", {"procedure": "ring-bell", "by": " "})
        approved = await run(settings, "approve", {"procedure": "ring-bell", "by": "rita"})
        assert (approved["procedure"], approved["steps"]) == ("ring-bell", ["pull"])
        status = await run(settings, "status", {})
        assert (status["procedures"], status["waiting"]) == (["ring-bell"], [])
