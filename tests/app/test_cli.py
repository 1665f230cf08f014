"""The command line: what it answers, what it refuses and with which words, with and without the service."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from app.demo import of_terminal
from tests.app.shell import Stepfour

HEAVY = {
    "alembic",
    "chromadb",
    "cryptography",
    "dns",
    "fastapi",
    "httpx",
    "langchain",
    "langchain_chroma",
    "langchain_core",
    "lingua",
    "numpy",
    "onnx",
    "onnxruntime",
    "openai",
    "sklearn",
    "sqlalchemy",
    "tiktoken",
    "uvicorn",
}
COMMANDS = (
    "actions",
    "demo",
    "up",
    "doctor",
    "token",
    "sync",
    "sources",
    "docs",
    "procedures",
    "search",
    "ask",
    "approve",
    "audit",
    "chat",
    "triage",
    "replay",
    "usage",
)
SECRET = "s" * 40


@pytest.fixture(scope="module")
def data(filled: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(tmp_path_factory.mktemp("cli") / "data", encoder_only=True)


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    (folder / "return.md").write_text(
        "# Returning a bicycle\n\nYou can return a bicycle within thirty days. Bring the receipt.\n"
    )
    (folder / "hours.md").write_text(
        "# Opening hours\n\nThe shops are open from nine to six on weekdays. On Sundays they are closed.\n"
    )
    return folder


# --- without a service --------------------------------------------------------------------------


def imported_by(*calls: tuple[str, ...]) -> set[str]:
    """Top-level packages that a process has loaded after these commands."""
    code = (
        "import json, sys\n"
        f"for args in {list(calls)!r}:\n"
        "    sys.argv = ['stepfour', *args]\n"
        "    from app.cli import main\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as ended:\n"
        "        assert ended.code == 0, (args, ended.code)\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(ran.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy() -> None:
    loaded = imported_by(("--help",), *((command, "--help") for command in COMMANDS))
    assert "typer" in loaded
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


def test_help_names_every_command(stepfour: Stepfour) -> None:
    said = stepfour("--help").out
    assert all(f" {command} " in said for command in (*COMMANDS, "eval"))


@pytest.mark.parametrize("group", ["", "keys", "docs", "procedures", "backup"])
def test_help_ends_no_command_in_mid_sentence(stepfour: Stepfour, group: str) -> None:
    listed = stepfour(*group.split(), "--help").out.partition("Commands:")[2]
    assert len(listed.split()) > 10
    assert "..." not in listed.replace("#token=...", "")


def test_who_asks_before_any_page_is_there_is_told_how_to_take_some_in(stepfour: Stepfour) -> None:
    said = stepfour("ask", "How do I rotate a key?").out
    assert "No source answers this." in said
    assert "stepfour sync FOLDER" in said


def test_the_demo_speaks_the_language_of_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert of_terminal() == ""
    monkeypatch.setenv("LANG", "pt_BR.UTF-8")
    assert of_terminal() == "pt"
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert of_terminal() == "C."


def test_sync_search_and_ask_work_on_the_folder_itself(stepfour: Stepfour, docs: Path) -> None:
    synced = stepfour("sync", str(docs))
    assert synced.code == 0
    assert "+ hours.md" in synced.out
    assert "2 added, 0 changed, 0 removed, 0 unchanged, 0 failed" in synced.out
    assert "0 added, 0 changed, 0 removed, 2 unchanged" in stepfour("sync", str(docs)).out

    found = stepfour("search", "bring a bike back", "--json")
    assert json.loads(found.out)["hits"][0]["path"] == "return.md"
    assert "1. Returning a bicycle  (return.md#" in stepfour("search", "bring a bike back").out

    answered = stepfour("ask", "How many days do I have to return a bicycle?")
    assert answered.code == 0
    assert "You can return a bicycle within thirty days. [1]" in answered.out
    assert "[1] Returning a bicycle, return.md#" in answered.out


def test_ask_says_plainly_that_no_source_answers(stepfour: Stepfour, docs: Path) -> None:
    stepfour("sync", str(docs))
    answered = stepfour("ask", "What is the capital of Peru?")
    assert answered.code == 0
    assert answered.out.startswith("No source answers this.\n")
    assert "[1]" not in answered.out
    assert json.loads(stepfour("ask", "What is the capital of Peru?", "--json").out)["answer"] == []


def test_search_in_an_empty_folder_says_how_to_fill_it(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STEPFOUR_DATA_DIR", str(tmp_path / "fresh"))
    monkeypatch.setattr("knowledge.store.SHIPPED", tmp_path / "none")
    assert "stepfour sync FOLDER" in stepfour("search", "anything").out


def test_a_page_that_cannot_be_read_is_named_and_the_rest_comes_in(
    stepfour: Stepfour, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.md").write_text("# Lamps\n\nA lamp needs two batteries.\n")
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00\x01\x02")
    (folder / "front.md").write_text("---\ntitle: [never closed\n---\n# Text\n")
    (folder / "broken.md").symlink_to(folder / "nowhere.md")
    synced = stepfour("sync", str(folder))
    assert "+ good.md" in synced.out
    assert "! binary.md:1: the file is binary" in synced.out
    assert "! front.md:" in synced.out
    assert "broken.md" in synced.out
    assert "1 added" in synced.out
    assert "two batteries" in stepfour("ask", "What does a lamp need?").out


def test_a_procedure_page_with_a_mistake_is_named_with_its_line(stepfour: Stepfour, tmp_path: Path) -> None:
    folder = tmp_path / "procedures"
    folder.mkdir()
    (folder / "bad.md").write_text(
        "---\ntitle: Paint it\nprocedure: paint-it\nwhen: It should be blue.\nsubject: domain\nsteps:\n"
        "  - {id: brush, check: no_such_check}\n---\n## 1. Brush {#brush}\nTake a brush.\n"
    )
    synced = stepfour("sync", "--procedures", str(folder))
    assert "! bad.md:7:" in synced.out
    assert "no_such_check" in synced.out


def test_a_mass_deletion_stops_and_asks(stepfour: Stepfour, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(8):
        (folder / f"{n}.md").write_text(f"# Page {n}\n\nThis is page number {n}.\n")
    stepfour("sync", str(folder))
    for n in range(7):
        (folder / f"{n}.md").unlink()
    stopped = stepfour("sync", str(folder))
    assert stopped.code == 1
    assert "--allow-delete" in stopped.out
    assert "7 removed" in stepfour("sync", "--allow-delete", str(folder)).out


# --- what is refused, and with which words ------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("STEPFOUR_MODES", "{web: auto}", ("STEPFOUR_MODES", "JSON")),
        ("STEPFOUR_MODES", '{"web": "sometimes"}', ("STEPFOUR_MODES", "shadow", ".env.example")),
        ("STEPFOUR_PORT", "ninety", ("STEPFOUR_PORT", ".env.example")),
        ("STEPFOUR_PORT", "99999", ("STEPFOUR_PORT", ".env.example")),
        ("STEPFOUR_SITE_SECRET", "short", ("STEPFOUR_SITE_SECRET", "32", "openssl rand -hex 32")),
        ("STEPFOUR_WATCH_SECONDS", "10,20", ("STEPFOUR_WATCH_SECONDS", "JSON")),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_fix(
    setting: str, value: str, words: tuple[str, ...], stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(setting, value)
    for command in (("search", "x"), ("up",), ("sync", ".")):
        refused = stepfour(*command)
        assert refused.code == 3
        assert all(word in refused.err for word in words), refused.err
        assert "Traceback" not in refused.err


def test_an_unknown_setting_in_the_settings_file_is_named(stepfour: Stepfour, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("STEPFOUR_DATADIR=elsewhere\n")
    refused = stepfour("search", "x")
    assert refused.code == 3
    assert "STEPFOUR_DATADIR" in refused.err
    assert ".env.example" in refused.err


def test_a_folder_that_is_not_there_is_named(stepfour: Stepfour) -> None:
    refused = stepfour("sync", "nowhere")
    assert refused.code == 2
    assert refused.err.startswith("stepfour: nowhere: no such source, and no such folder.")


def test_a_folder_of_pages_that_is_not_there_stops_the_start(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFOUR_PAGES", "/nowhere/at/all")
    refused = stepfour("up", "--port", "0")
    assert refused.code == 3
    assert "STEPFOUR_PAGES" in refused.err


def test_a_data_folder_that_is_a_file_is_refused(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("STEPFOUR_DATA_DIR", str(tmp_path / "file"))
    refused = stepfour("search", "x")
    assert refused.code == 3
    assert str(tmp_path / "file") in refused.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_without_the_right_to_write_is_refused(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    monkeypatch.setenv("STEPFOUR_DATA_DIR", str(locked / "data"))
    refused = stepfour("search", "x")
    assert refused.code == 3
    assert str(locked) in refused.err


def test_what_is_no_command_and_what_lacks_an_argument_shows_the_usage(stepfour: Stepfour) -> None:
    for args in (("frobnicate",), ("docs", "show"), ("search",), ("ask", "one", "two"), ("approve", "x")):
        refused = stepfour(*args)
        assert refused.code == 2
        assert "Usage:" in refused.err


def test_a_language_without_a_scene_is_refused(stepfour: Stepfour) -> None:
    refused = stepfour("demo", "--once", "--lang", "fr")
    assert refused.code == 2
    assert "pt, en, es" in refused.err


def test_a_token_is_signed_for_whom_it_names(stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch) -> None:
    import jwt

    assert "STEPFOUR_SITE_SECRET" in stepfour("token", "ann", "--account", "acme").err
    monkeypatch.setenv("STEPFOUR_SITE_SECRET", SECRET)
    assert stepfour("token", "ann").code == 2
    token = stepfour("token", "ann", "--account", "acme", "--minutes", "5").out.strip()
    claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="stepfour")
    assert (claims["sub"], claims["account"]) == ("ann", "acme")
    agent = stepfour("token", "rita", "--agent").out.strip()
    assert jwt.decode(agent, SECRET, algorithms=["HS256"], audience="stepfour-agents")["sub"] == "rita"


def test_a_pair_for_the_site_is_made_listed_and_proves_a_customer(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = stepfour("keys", "new", "2026-11")
    assert made.code == 0, made.err
    assert "STEPFOUR_SITE_KEYS=site-keys" in made.err
    private = tmp_path / "2026-11.private.pem"
    assert private.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("STEPFOUR_SITE_KEYS", "site-keys")
    assert stepfour("keys", "new", "2026-12", "--rsa").code == 0
    assert stepfour("keys", "list").out.splitlines() == ["site  2026-11  EdDSA", "site  2026-12  RS256"]
    before = private.read_bytes()
    assert stepfour("keys", "new", "2026-11").code == 2
    (tmp_path / "site-keys" / "2026-11.pem").rename(tmp_path / "away")
    assert "is there already" in stepfour("keys", "new", "2026-11").err
    assert private.read_bytes() == before, "a private key is never written over"
    token = stepfour("token", "ann", "--account", "acme", "--key", "2026-12.private.pem").out
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    assert stepfour("keys", "check", "-").out.startswith("customer ann of account acme")
    old = stepfour("token", "ann", "--account", "acme", "--key", str(private)).out.strip()
    assert "kid" in stepfour("keys", "check", old).err
    assert stepfour("keys", "new", "../x").code == 2


def test_keys_that_cannot_be_used_stop_every_command(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "x.pem").write_text("-----BEGIN PRIVATE KEY-----")
    monkeypatch.setenv("STEPFOUR_SITE_KEYS", str(tmp_path))
    refused = stepfour("keys", "list")
    assert refused.code == 3
    assert "STEPFOUR_SITE_KEYS" in refused.err
    assert "private key" in refused.err


def test_an_api_key_is_shown_once_kept_as_a_digest_and_ended(stepfour: Stepfour, data: Path) -> None:
    made = stepfour("keys", "api", "crm", "--scope", "conversations:read", "--scope", "notes:write")
    key = made.out.strip()
    assert made.code == 0, made.err
    assert key.encode() not in b"".join(file.read_bytes() for file in data.glob("stepfour.db*"))
    checked = stepfour("keys", "check", key).out
    assert checked.splitlines() == ["machine crm", "may: conversations:read notes:write"]
    assert "api   crm  conversations:read notes:write  until it is revoked" in stepfour("keys", "list").out
    assert stepfour("keys", "revoke", "crm").code == 0
    assert "revoked" in stepfour("keys", "check", key).err
    shown = json.loads(stepfour("keys", "list", "--json").out)["api"]
    assert [(each["name"], bool(each["revoked_at"])) for each in shown] == [("crm", True)]
    again = stepfour("keys", "api", "crm", "--scope", "notes:write")
    assert (again.code, "never used" in again.err) == (2, True)
    for args in (("x", "--scope", "agents:all"), ("x",)):
        refused = stepfour("keys", "api", *args)
        assert refused.code == 2
        assert "conversations:read, conversations:write, notes:write" in refused.err
    assert stepfour("keys", "revoke", "nobody").code == 2


def test_an_agent_is_signed_out_of_everything(stepfour: Stepfour) -> None:
    assert "#code=" in stepfour("agent-link", "zoe").out
    assert "#code=" in stepfour("agent-link", "kim").out
    assert stepfour("agent-out", "zoe").out == "zoe: 0 sessions and 1 unused links were ended.\n"
    assert stepfour("agent-out", "kim").out == "kim: 0 sessions and 1 unused links were ended.\n"


def test_chat_without_a_service_says_how_to_start_one(
    stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFOUR_PORT", "9")
    refused = stepfour("chat")
    assert refused.code == 2
    assert "stepfour up" in refused.err


# --- beside a running service -------------------------------------------------------------------


class Running(NamedTuple):
    process: subprocess.Popen[str]
    url: str
    env: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def started(env: dict[str, str], cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "up"],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **env},
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def running(
    filled: Callable[..., Path], docs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """`stepfour up` in a process of its own, on two small pages."""
    folder = tmp_path_factory.mktemp("running")
    env = {
        "STEPFOUR_DATA_DIR": str(filled(folder / "data", encoder_only=True)),
        "STEPFOUR_PAGES": str(docs),
        "STEPFOUR_PORT": "0",
        "STEPFOUR_MODES": '{"web": "auto"}',
        "STEPFOUR_PAUSE_SECONDS": "0.05",
    }
    process = started(env, folder)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Stepfour is up: "), (line, process.stderr and process.stderr.read())
    yield Running(process, line.split()[3].rstrip("/"), env)
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "Stopping." in out
    assert not (folder / "data" / "admin.json").exists()


@pytest.fixture
def beside(running: Running, stepfour: Stepfour, monkeypatch: pytest.MonkeyPatch) -> Stepfour:
    """Commands with the settings of the running service."""
    for name, value in running.env.items():
        monkeypatch.setenv(name, value)
    return stepfour


def test_commands_reach_the_running_service(
    beside: Stepfour, running: Running, docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    (more / "bells.md").write_text("# Bells\n\nEvery bicycle comes with a brass bell.\n")
    monkeypatch.chdir(tmp_path)
    assert "+ bells.md" in beside("sync", "more").out
    assert "0 added, 0 changed, 0 removed, 2 unchanged" in beside("sync", str(docs)).out
    assert json.loads(beside("search", "brass bell", "--json").out)["hits"][0]["path"] == "bells.md"
    assert "brass bell. [1]" in beside("ask", "Which bell comes with a bicycle?").out
    assert beside("ask", "What is the capital of Peru?").out.startswith("No source answers this.")


def test_an_unreadable_page_is_named_by_the_running_service_too(beside: Stepfour, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "binary.md").write_bytes(b"\xff\xfe\x00\x01\x02")
    (folder / "good.md").write_text("# Pumps\n\nA pump is lent for a day.\n")
    synced = beside("sync", str(folder))
    assert "! binary.md:1: the file is binary" in synced.out
    assert "+ good.md" in synced.out


def test_chat_talks_to_the_running_service(
    beside: Stepfour, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("Hello!\nHow many days do I have to return a bicycle?\n\n"))
    said = beside("chat", "--url", running.url)
    assert said.code == 0
    assert "Hello! What would you like to get done?" in said.out
    assert "within thirty days" in said.out
    assert "[1] Returning a bicycle (return.md)" in said.out


def test_chat_with_a_token_that_is_not_ours_is_refused(beside: Stepfour, running: Running) -> None:
    refused = beside("chat", "--url", running.url, "--token", "not-a-token")
    assert refused.code == 2
    assert "oken" in refused.err
    assert "Traceback" not in refused.err


def test_a_second_service_on_the_same_folder_is_refused(running: Running, tmp_path: Path) -> None:
    second = started(running.env, tmp_path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 3
    assert f"is in use by process {running.process.pid}" in err
    assert "Traceback" not in err


def test_a_port_in_use_is_refused_before_anything_starts(running: Running, tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = running.env | {"STEPFOUR_PORT": str(running.port), "STEPFOUR_DATA_DIR": str(data)}
    second = started(env, tmp_path)
    _, err = second.communicate(timeout=60)
    assert second.returncode == 3
    assert f"127.0.0.1:{running.port}" in err
    assert "STEPFOUR_PORT" in err
    assert not data.exists()


def test_doctor_beside_a_running_service_looks_through_it(beside: Stepfour) -> None:
    rows = {row["what"]: row for row in json.loads(beside("doctor", "--json").out)}
    assert rows["knowledge"]["state"] == "OK"
    assert rows["port"]["state"] == "OK"
