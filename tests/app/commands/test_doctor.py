"""`stepfour doctor`: what each line says of an installation, and what it says to do."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from app.commands.doctor import Row, examine, lines
from evals.world.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World.start() as running:
        yield running


@pytest.fixture
def installed(
    monkeypatch: pytest.MonkeyPatch, filled: Callable[..., Path], world: World, tmp_path: Path
) -> pytest.MonkeyPatch:
    """An installation where everything is well; a test breaks one thing of it."""
    monkeypatch.chdir(tmp_path)
    data = filled(tmp_path / "data")
    for name, value in {
        "DATA_DIR": str(data),
        "PORT": "0",
        "SITE_SECRET": "s" * 40,
        "PLATFORM_URL": world.addresses.api,
        "PLATFORM_TOKEN": world.addresses.token,
        "RESOLVERS": f'["{world.addresses.resolvers[0]}", "{world.addresses.resolvers[1]}"]',
    }.items():
        monkeypatch.setenv(f"STEPFOUR_{name}", value)
    return monkeypatch


async def rows() -> dict[str, Row]:
    return {row.what: row for row in await examine(loopback=True)}


async def test_a_healthy_installation_has_only_good_lines(installed: pytest.MonkeyPatch) -> None:
    found = await rows()
    assert {what: row.state for what, row in found.items()} == dict.fromkeys(
        (
            "settings",
            "data folder",
            "disk",
            "port",
            "identity",
            "knowledge",
            "sources",
            "audit trail",
            "backups",
            "actions",
            "account API",
            "model",
            "switches",
            "embeddings",
            "DNS",
        ),
        "OK",
    )
    assert "6 procedures" in found["knowledge"].found
    printed = lines(list(found.values()))
    assert printed.count("\n") == len(found) - 1
    assert all(line.startswith("OK    ") for line in printed.splitlines())


async def test_a_setting_that_cannot_be_used_is_the_only_line(installed: pytest.MonkeyPatch) -> None:
    installed.setenv("STEPFOUR_MODES", "{web: auto}")
    (row,) = await examine()
    assert (row.state, row.what) == ("FAIL", "settings")
    assert "STEPFOUR_MODES" in row.found
    assert lines([row]).splitlines()[1].startswith("      -> ")


async def test_a_typo_in_the_environment_is_named(installed: pytest.MonkeyPatch) -> None:
    installed.setenv("STEPFOUR_DATADIR", "elsewhere")
    row = (await rows())["settings"]
    assert row.state == "WARN"
    assert "STEPFOUR_DATADIR" in row.found


async def test_a_port_in_use_is_named(installed: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        installed.setenv("STEPFOUR_PORT", str(port))
        row = (await rows())["port"]
    assert row.state == "FAIL"
    assert str(port) in row.found
    assert "STEPFOUR_PORT" in row.fix


async def test_without_a_secret_and_an_account_api_it_says_what_is_missing(
    installed: pytest.MonkeyPatch,
) -> None:
    installed.delenv("STEPFOUR_SITE_SECRET")
    installed.delenv("STEPFOUR_PLATFORM_URL")
    found = await rows()
    assert (found["identity"].state, found["account API"].state) == ("WARN", "WARN")
    assert "STEPFOUR_SITE_SECRET" in found["identity"].fix
    assert "STEPFOUR_PLATFORM_URL" in found["account API"].fix


async def test_what_is_wrong_with_a_connector_is_named(installed: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "connectors"
    folder.mkdir()
    installed.setenv("STEPFOUR_CONNECTORS", str(folder))
    (folder / "own.yaml").write_text("connector: own\naddress: https://api.own.example\nredas: {}\n")
    row = (await rows())["actions"]
    assert row.state == "FAIL"
    assert f"{folder / 'own.yaml'}:3: `redas` is not known here. Did you mean `reads`?" in row.found
    (folder / "own.yaml").write_text(
        "connector: own\naddress: https://api.own.example\ncredential: env:OWN_KEY_THAT_IS_NOT_SET\n"
        "reads: {account: {get: /a}}\n"
    )
    row = (await rows())["actions"]
    assert row.state == "FAIL"
    assert "OWN_KEY_THAT_IS_NOT_SET is not set" in row.found


async def test_a_platform_without_tls_is_refused_where_no_code_allows_it(
    installed: pytest.MonkeyPatch,
) -> None:
    row = {row.what: row for row in await examine()}["actions"]
    assert row.state == "FAIL"
    assert "STEPFOUR_PLATFORM_URL" in row.found
    assert "https" in row.found


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://[nonsense", "no-address-at-all"])
async def test_an_account_api_that_does_not_answer_is_named(
    address: str, installed: pytest.MonkeyPatch
) -> None:
    installed.setenv("STEPFOUR_PLATFORM_URL", address)
    row = (await rows())["account API"]
    assert row.state == "FAIL"
    assert "STEPFOUR_PLATFORM_URL" in row.fix


async def test_a_clock_that_is_off_is_named(installed: pytest.MonkeyPatch) -> None:
    class Yesterday(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", formatdate(0, usegmt=True))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Yesterday) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        installed.setenv("STEPFOUR_PLATFORM_URL", f"http://127.0.0.1:{server.server_port}")
        row = (await rows())["clock"]
        server.shutdown()
        thread.join()
    assert row.state == "WARN"
    assert "NTP" in row.fix


async def test_resolvers_that_are_silent_or_no_addresses_are_named(installed: pytest.MonkeyPatch) -> None:
    installed.setenv("STEPFOUR_RESOLVERS", '["127.0.0.1:9", "127.0.0.1:10"]')
    row = (await rows())["DNS"]
    assert row.state == "WARN"
    assert "127.0.0.1:9" in row.found
    installed.setenv("STEPFOUR_RESOLVERS", '["resolver.example"]')
    row = (await rows())["DNS"]
    assert row.state == "FAIL"
    assert "STEPFOUR_RESOLVERS" in row.found


async def test_a_model_that_does_not_answer_is_a_warning(installed: pytest.MonkeyPatch) -> None:
    installed.setenv("STEPFOUR_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    installed.setenv("STEPFOUR_LLM_MODEL", "small")
    row = (await rows())["model"]
    assert row.state == "WARN"
    assert "built-in reader" in row.fix


async def test_looking_at_a_machine_without_data_creates_nothing(
    installed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed.setenv("STEPFOUR_DATA_DIR", str(tmp_path / "not" / "there" / "yet"))
    found = await rows()
    assert (found["data folder"].state, found["knowledge"].state) == ("OK", "WARN")
    assert "stepfour sync" in found["knowledge"].fix
    assert not (tmp_path / "not").exists()


async def test_a_data_folder_that_is_a_file_or_damaged_is_named(
    installed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "data" / "knowledge.db").write_bytes(b"this is no database" * 100)
    found = await rows()
    assert found["knowledge"].state == "FAIL"
    assert "knowledge.db" in found["knowledge"].found
    (tmp_path / "file").touch()
    installed.setenv("STEPFOUR_DATA_DIR", str(tmp_path / "file"))
    found = await rows()
    assert (found["data folder"].state, found["knowledge"].state) == ("FAIL", "FAIL")


async def test_nothing_is_looked_at_for_long(installed: pytest.MonkeyPatch) -> None:
    await asyncio.wait_for(examine(), 30)


async def test_an_index_that_is_not_right_is_said_before_it_is_built_anew(
    installed: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pointer = tmp_path / "data" / "chroma" / "current.json"
    pointer.write_text("{}")
    knowledge = (await rows())["knowledge"]
    assert knowledge.state == "WARN"
    assert "the vector index is not right (it was not finished)" in knowledge.found
    assert "built anew at the next start" in knowledge.fix
    assert pointer.read_text() == "{}", "looking changes nothing"


async def test_embeddings_that_do_not_answer_are_named(installed: pytest.MonkeyPatch) -> None:
    installed.setenv("STEPFOUR_EMBEDDINGS_URL", "http://127.0.0.1:9/v1")
    row = (await rows())["embeddings"]
    assert (row.state, "STEPFOUR_EMBEDDINGS_MODEL" in row.found) == ("FAIL", True)
    installed.setenv("STEPFOUR_EMBEDDINGS_MODEL", "small")
    row = (await rows())["embeddings"]
    assert row.state == "WARN"
    assert "127.0.0.1:9" in row.found
    assert "words alone" in row.fix
