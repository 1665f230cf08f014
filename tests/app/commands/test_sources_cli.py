"""Sources, documents and procedures from the command line, as a docs team uses them."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.commands import admin
from app.commands.folder import COMMANDS
from app.main import open_knowledge
from app.schedule import due, keep_in_step
from app.settings import Settings
from knowledge import runs
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.app.documents import BELL as PROCEDURE
from tests.app.shell import Ended, Stepfour


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "Help Pages"
    folder.mkdir()
    (folder / "lamps.md").write_text("# Lamps\n\nA lamp needs two batteries.\n")
    (folder / "bells.md").write_text("# Bells\n\nEvery bell is brass.\n")
    return folder


def read(said: Ended) -> dict[str, Any]:
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_a_source_from_adding_it_to_taking_it_out(
    stepfour: Stepfour, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "stepfour sources add" in stepfour("sources", "list").out
    refused = stepfour("sync")
    assert (refused.code, "stepfour sources add" in refused.err) == (2, True)

    said = stepfour("sources", "add", "folder", "Help Pages", "--every", "30", "--option", "glob=*.md")
    assert said.out == "help-pages: added. Take it in: stepfour sync help-pages\n"
    assert "never synced" in stepfour("sources", "list").out
    assert "2 added" in stepfour("sync").out
    (source,) = read(stepfour("sources", "list", "--json"))["sources"]
    assert (source["id"], source["every"], source["documents"]) == ("help-pages", 30, 2)
    assert (source["last"]["state"], source["options"]) == ("complete", {"glob": "*.md"})
    assert "2 unchanged" in stepfour("sync", str(docs)).out, "the folder is the source that it is already"

    assert read(stepfour("sources", "add", "folder", str(docs), "--json")) == {
        "id": "help-pages",
        "changed": True,
    }
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert stepfour("sources", "remove", "help-pages").code == 130
    assert "Out of every answer: 2 documents." in stepfour("sources", "remove", "help-pages", "--yes").out
    assert read(stepfour("docs", "list", "--json"))["documents"] == []
    assert "Nothing found" in stepfour("search", "lamp").out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("floppy", "A:"), "there is no kind of source `floppy`"),
        (("folder", "nowhere"), "nowhere: no such folder"),
        (("folder", ".", "--option", "depth=2"), "no option `depth`"),
        (("folder", ".", "--option", "depth"), "write it as key=value"),
        (("folder", ".", "--audience", "friends"), "`friends` is no audience"),
        (("folder", ".", "--id", "a:b"), "`a:b` is no id"),
        (("folder", ".", "--id", "pages"), "there is a source `pages` already"),
    ],
)
def test_a_source_that_cannot_be_is_refused_with_the_reason(
    args: tuple[str, ...], words: str, stepfour: Stepfour
) -> None:
    refused = stepfour("sources", "add", *args)
    assert refused.code == 2
    assert words in refused.err


def test_secrets_are_not_shown_and_one_source_that_is_down_stops_no_other(
    stepfour: Stepfour, docs: Path, tmp_path: Path
) -> None:
    (tmp_path / "closed.py").write_text(
        "from knowledge.errors import SourceUnreadable\n"
        "class Closed:\n"
        "    def __init__(self, location, options): pass\n"
        "    def listing(self, known): raise SourceUnreadable('closed for today. Come again.')\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        stepfour("sources", "add", "closed:Closed", "https://a.example", "--option", "api_token=s3cret")
        stepfour("sources", "add", "folder", str(docs))
        both = stepfour("sync")
    assert (both.code, "2 added" in both.out) == (1, True)
    assert "! a-example: closed for today." in both.out
    shown = stepfour("sources", "list").out
    assert "s3cret" not in shown
    assert "failed. closed for today. Come again." in shown
    rows = {row["what"]: row for row in json.loads(stepfour("doctor", "--json").out)}
    assert rows["sources"]["state"] == "WARN"
    assert "a-example failed at its last sync (closed" in rows["sources"]["found"]


def test_a_document_with_its_history(stepfour: Stepfour, docs: Path) -> None:
    stepfour("sync", str(docs))
    (docs / "lamps.md").write_text("# Lamps\n\nA lamp needs three batteries.\n")
    (docs / "bells.md").rename(docs / "brass.md")
    assert "bells.md -> brass.md" in stepfour("sync", str(docs)).out
    listed = stepfour("sources", "runs", str(docs)).out
    assert "   changed  lamps.md\n" in listed
    assert "   moved    brass.md (was bells.md)\n" in listed
    assert listed.count("added") == 2, "both runs are there"
    assert "no sync of `none`" in stepfour("sources", "runs", "none").err
    ids = [d["path"] for d in read(stepfour("docs", "list", "--lang", "en", "--json"))["documents"]]
    assert ids == ["brass.md", "lamps.md"]

    assert stepfour("docs", "show", "lamps.md").out == "# Lamps\n\nA lamp needs three batteries.\n\n"
    changed, added = read(stepfour("docs", "history", "lamps.md", "--json"))["changes"]
    assert (changed["kind"], added["kind"], changed["before"]) == ("changed", "added", added["after"])
    old = read(stepfour("docs", "show", "lamps.md", "--version", added["after"][:8], "--json"))
    assert ("two batteries" in old["text"], old["current"]) == (True, False)
    diff = stepfour("docs", "diff", "lamps.md").out
    assert "-A lamp needs two batteries.\n+A lamp needs three batteries." in diff
    assert stepfour("docs", "diff", "lamps.md", changed["after"][:8], added["after"][:8]).out.count("+A") == 1
    moved = stepfour("docs", "history", "brass.md").out.splitlines()
    assert ("moved" in moved[0], "added" in moved[1], len(moved)) == (True, True, 2)

    (docs / "lamps.md").unlink()
    stepfour("sync", str(docs))
    gone = f"{docs}:lamps.md"
    assert stepfour("docs", "history", gone).out.count("\n") == 3
    assert read(stepfour("docs", "show", gone, "--json"))["removed"] is True
    for args, words in (
        (("show", "none.md"), "there is no document none.md"),
        (("show", "brass.md", "--version", "zz"), "no version zz"),
        (("diff", "brass.md"), "has one version"),
        (("diff", "brass.md", "a"), "name two versions"),
        (("list", "--source", "none"), "there is no source `none`"),
    ):
        assert words in stepfour("docs", *args).err


def test_files_are_handed_over_and_taken_away(stepfour: Stepfour, tmp_path: Path) -> None:
    (tmp_path / "prices.md").write_text("# Prices\n\nA bell is nine euros.\n")
    assert "+ prices.md" in stepfour("docs", "add", "prices.md").out
    (tmp_path / "prices.md").write_text("# Prices\n\nA bell is ten euros.\n")
    assert read(stepfour("docs", "add", "prices.md", "--json"))["changed"] == 1
    assert "1 unchanged" in stepfour("sync", "uploads").out
    assert (tmp_path / "data" / "uploads" / "uploads" / "prices.md").exists()
    assert "no such file" in stepfour("docs", "add", "none.md").err
    assert "- prices.md" in stepfour("docs", "remove", "prices.md").out
    assert read(stepfour("docs", "list", "--json"))["documents"] == []
    assert "1 documents" not in stepfour("sources", "list").out


RITA = '["rita@example.com", "@docs.example.com"]'


def test_a_procedure_is_looked_at_and_then_approved(
    stepfour: Stepfour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFOUR_APPROVERS", RITA)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "bell.md").write_text(PROCEDURE)
    assert "stepfour procedures diff ring-bell" in stepfour("sync", "--procedures", "own").out
    listed = stepfour("procedures", "list").out
    assert "1 step, then no action; new, not followed yet" in listed
    assert "a change waits for approval: stepfour procedures diff ring-bell" in listed
    first = stepfour("procedures", "diff", "ring-bell").out
    assert "+ step pull: Pull" in first
    assert "new: nothing is followed yet" in first
    approved = stepfour("procedures", "approve", "ring-bell", "--by", "Rita@example.com")
    assert "followed from now on" in approved.out
    (folder / "bell.md").write_text(PROCEDURE.replace("{id: pull}", "{id: pull, check: click_tracking_on}"))
    assert "? procedure ring-bell" in stepfour("sync", "own").out, "still a source of procedures"
    found = read(stepfour("procedures", "diff", "ring-bell", "--json"))
    assert found["changes"] == ["~ step pull: check none -> click_tracking_on"]
    spanish = stepfour("procedures", "diff", "ring-bell", "--lang", "es").out
    assert "~ paso pull: " in spanish
    assert "Para aprobarlo: stepfour procedures approve ring-bell --version " in spanish
    assert "there is en, pt, es" in stepfour("procedures", "diff", "ring-bell", "--lang", "de").err
    monkeypatch.setenv("STEPFOUR_AGENTS_LANGUAGE", "pt")
    assert "Para aprovar: stepfour procedures approve" in stepfour("procedures", "diff", "ring-bell").out
    monkeypatch.delenv("STEPFOUR_AGENTS_LANGUAGE")
    (row,) = read(stepfour("procedures", "list", "--json"))["procedures"]
    assert (row["approved_by"], row["followed"], row["waiting"]) == (
        "Rita@example.com",
        found["followed"],
        found["waiting"],
    )
    assert "ring-bell" in stepfour("approve", "ring-bell", "--by", "jo@docs.example.com").out
    assert "Waiting: none" in stepfour("procedures", "diff", "ring-bell").err
    (folder / "bell.md").write_text(
        PROCEDURE.replace("{id: pull}", "{id: pull, check: click_tracking_on}") + "!"
    )
    stepfour("sync", "own")
    (row,) = read(stepfour("procedures", "list", "--json"))["procedures"]
    assert (row["approved_by"], row["waiting"]) == ("jo@docs.example.com", None), "words need nobody"


@pytest.mark.parametrize(
    ("approvers", "by", "words"),
    [
        (None, "rita", 'Set STEPFOUR_APPROVERS=["rita"]'),
        ("[]", "rita", "nobody may approve procedures yet"),
        (
            RITA,
            "bea@example.com",
            "bea@example.com may not approve procedures. Ask somebody whom STEPFOUR_APPROVERS names",
        ),
        (RITA, "rita", "rita may not"),
        (RITA, "docs.example.com", "may not"),
        (RITA, "@docs.example.com@example.com", "may not"),
        (RITA, " ", "--by NAME"),
    ],
)
def test_who_is_not_on_the_list_is_told_what_to_set(
    stepfour: Stepfour,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    approvers: str | None,
    by: str,
    words: str,
) -> None:
    if approvers is not None:
        monkeypatch.setenv("STEPFOUR_APPROVERS", approvers)
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "bell.md").write_text(PROCEDURE)
    stepfour("sync", "--procedures", "own")
    refused = stepfour("procedures", "approve", "ring-bell", "--by", by)
    assert refused.code == 2
    assert words in refused.err
    (row,) = read(stepfour("procedures", "list", "--json"))["procedures"]
    assert (row["followed"], row["approved_by"]) == (None, None)


def test_a_page_that_changed_since_it_was_looked_at_is_not_approved(
    stepfour: Stepfour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEPFOUR_APPROVERS", RITA)
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bell.md").write_text(PROCEDURE.replace("It rings", f"It rings, {name}"))
    stepfour("sync", "--procedures", "own")
    seen = read(stepfour("procedures", "diff", "ring-bell", "--json"))["waiting"]
    page = tmp_path / "own" / "bell.md"
    page.write_text(PROCEDURE.replace("subject: domain", "subject: domain\naction: enable_https"))
    stepfour("sync", "own")
    by = ("--by", "rita@example.com")
    refused = stepfour("procedures", "approve", "ring-bell", *by, "--version", seen[:10])
    assert (refused.code, "changed after you looked at it" in refused.err) == (2, True)
    assert read(stepfour("procedures", "list", "--json"))["procedures"][0]["followed"] is None

    stepfour("sync", "--procedures", "other")
    both = stepfour("procedures", "approve", "ring-bell", *by)
    assert (both.code, "wait in 2 sources" in both.err) == (2, True)
    now = read(stepfour("procedures", "diff", "ring-bell", "--source", str(tmp_path / "own"), "--json"))
    assert "+ action: enable_https" in now["changes"]
    chosen = ("--source", str(tmp_path / "own"), "--version", now["waiting"])
    assert stepfour("procedures", "approve", "ring-bell", *by, *chosen).code == 0


# --- by the clock -------------------------------------------------------------------------------


NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def ran(source: str, minutes_ago: int, state: runs.State = "complete") -> runs.Run:
    return runs.Run(1, source, NOW - timedelta(minutes=minutes_ago), NOW, state, {})


def test_the_source_that_waited_longest_for_its_time_is_next() -> None:
    a, b, never = (Source(id=id, location="x", every=60) for id in ("a", "b", "never"))
    by_hand = Source(id="by-hand", location="x")
    assert due([a, by_hand], {"a": ran("a", 59)}, NOW) is None
    assert due([a, b], {"a": ran("a", 61), "b": ran("b", 90)}, NOW) == b
    assert due([a, b, never], {"a": ran("a", 61), "b": ran("b", 90)}, NOW) == never
    assert due([a], {"a": ran("a", 1, "failed")}, NOW) is None, "what fails is not hurried"


@pytest.fixture
async def knowledge(filled: Callable[..., Path], tmp_path: Path) -> AsyncIterator[Knowledge]:
    data = filled(tmp_path / "data", encoder_only=True)
    opened = await asyncio.to_thread(open_knowledge, Settings(_env_file=None, data_dir=data))
    yield opened
    await asyncio.to_thread(opened.close)


def both_have_run(knowledge: Knowledge) -> None:
    while sum(run.state != "running" for run in runs.last(knowledge.db).values()) < 2:
        time.sleep(0.05)


async def test_the_service_syncs_what_is_due_and_commands_are_answered_meanwhile(
    knowledge: Knowledge, docs: Path
) -> None:
    settings = Settings(_env_file=None, data_dir=knowledge.folder)
    async with admin.listening(knowledge, settings):

        async def asked(command: str, **args: object) -> dict[str, Any]:
            return await asyncio.to_thread(admin.run, settings, command, dict(args), lambda _: None)

        await asked("source_add", kind="folder", location=str(docs), id="docs", every=60)
        await asked("source_add", kind="folder", location=str(docs.parent), id="off")
        (docs.parent / "Help Pages 2").mkdir()
        await asked("source_add", kind="folder", location=str(docs.parent / "Help Pages 2"), id="b", every=60)
        (docs.parent / "Help Pages 2").rmdir()
        task = asyncio.create_task(keep_in_step(knowledge, settings, look_s=0.05))
        try:
            async with asyncio.timeout(60):
                await asyncio.to_thread(both_have_run, knowledge)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        shown = {each["id"]: each for each in (await asked("sources"))["sources"]}
        assert shown["docs"]["documents"] == 2
        assert shown["docs"]["next_at"] > datetime.now(UTC).isoformat()
        assert "Check the path" in shown["b"]["last"]["error"]
        assert shown["off"]["last"] is None


async def test_a_sync_ends_with_the_service_and_is_gone_on_with(
    knowledge: Knowledge, docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.sources.folder import Folder

    settings = Settings(_env_file=None, data_dir=knowledge.folder)
    fetching, loop = asyncio.Event(), asyncio.get_running_loop()
    fetch = Folder.fetch

    def slow(self: Folder, *args: Any) -> Any:
        loop.call_soon_threadsafe(fetching.set)
        time.sleep(0.3)
        return fetch(self, *args)

    monkeypatch.setattr(Folder, "fetch", slow)
    await asyncio.to_thread(
        COMMANDS["source_add"],
        knowledge,
        settings,
        {"kind": "folder", "location": str(docs), "id": "docs", "every": 60},
        lambda _: None,
    )
    task = asyncio.create_task(keep_in_step(knowledge, settings, look_s=0.05))
    await asyncio.wait_for(fetching.wait(), 30)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    last = runs.last(knowledge.db)["docs"]
    assert (last.state, last.report["error"][:19]) == ("interrupted", "the service stopped")
