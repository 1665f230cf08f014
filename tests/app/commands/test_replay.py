"""Past conversations in shadow mode: what would have come of them, and what a file must look like."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.commands.replay import ReplayReport, replay_file, report, triage_file
from app.errors import BadInput
from app.settings import Settings

PAGES = Path(__file__).parents[3] / "knowledge" / "pages"

WISH = (
    "Click tracking is on, the branded links are validated and the certificates are installed. Please switch "
    "on HTTPS for our tracking links."
)
TWICE = {
    "id": "twice",
    "messages": [
        {"role": "customer", "text": "We want https on our tracked links, how does it work?"},
        {
            "role": "agent",
            "text": "Set up a proxy in front of the branded link and let it obtain a certificate.",
        },
        {"role": "customer", "text": "I did that."},
        {
            "role": "agent",
            "text": "Please put a CDN in front of your branded link with a certificate for its host name.",
        },
        {"role": "customer", "text": "Again: that is done! Can I talk to a person who reads this?"},
    ],
}


@pytest.fixture(scope="module")
def settings(filled: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = filled(tmp_path_factory.mktemp("replay") / "data")
    return Settings(_env_file=None, data_dir=data, pages=PAGES)


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "customer", "text": text}], **fields}


def written(folder: Path, *rows: object) -> Path:
    file = folder / "past.jsonl"
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


async def replayed(settings: Settings, file: Path) -> ReplayReport:
    return await replay_file(settings, file, lambda done, total: None)


# --- what comes of it ---------------------------------------------------------------------------


async def test_the_report_says_what_would_have_come_of_each_conversation(
    settings: Settings, tmp_path: Path
) -> None:
    counted: list[tuple[int, int]] = []
    file = written(
        tmp_path,
        said(WISH, id="founding", account="acme", user="ann"),
        TWICE,
        said("How long do you keep the data of exports?"),
        said("Thanks, that was all!"),
    )
    found = await replay_file(settings, file, lambda done, total: counted.append((done, total)))
    by_id = {row.id: row for row in found.conversations}
    assert list(by_id) == ["founding", "twice", "line 3", "line 4"]
    assert by_id["founding"].decisions == ("watch",), "no account API and no name on the net: nothing is seen"
    assert by_id["twice"].decisions[-1] == "hand_off"
    assert by_id["twice"].explained_twice == ("ssl-certificate",)
    assert by_id["line 3"].decisions == ("answer",)
    assert by_id["line 4"].decisions == ("acknowledge",)
    assert (found.n, found.solved, found.handed_over, found.explained_twice) == (4, 2, 1, 1)
    assert found.steps_explained_twice == {"ssl-certificate": 1}
    assert counted == [(1, 4), (2, 4), (3, 4), (4, 4)]
    printed = report(found)
    assert "4 conversations in shadow mode (nothing was said, nothing was done)" in printed
    assert "ssl-certificate: 1" in printed
    assert "twice: decline > hand_off > hand_off  (explained twice: ssl-certificate)" in printed


async def test_one_conversation_does_not_go_on_with_another(settings: Settings, tmp_path: Path) -> None:
    """The same customer asks the same in three tickets: each is read as if it were the first."""
    rows = [said("Please switch on HTTPS for our tracking links.") for _ in range(2)]
    rows += [said(WISH, id="t", account="acme", user="ann") for _ in range(2)]
    found = await replayed(settings, written(tmp_path, *rows))
    one, two, three, four = (row.decisions for row in found.conversations)
    assert one == two == ("decline",)
    assert three == four == ("watch",)


async def test_a_text_may_hold_any_character_that_json_allows(settings: Settings, tmp_path: Path) -> None:
    odd = "Hello!\u2028How are you?\x85\x1c\n\t\U0001f600"
    found = await replayed(settings, written(tmp_path, said(odd), said("Thanks, that was all!")))
    assert found.n == 2


async def test_triage_reads_the_last_message_and_the_agents_before_it(
    settings: Settings, tmp_path: Path
) -> None:
    turn = await triage_file(settings, written(tmp_path, TWICE | {"account": "acme", "user": "ann"}))
    assert turn.reading.wants_person
    assert turn.decision.kind == "hand_off"
    assert turn.dossier is not None
    assert type(turn).model_validate_json(turn.model_dump_json()) == turn


async def test_the_data_folder_is_left_as_it_was(settings: Settings, tmp_path: Path) -> None:
    def held() -> list[str]:
        return sorted(path.name for path in settings.data_dir.iterdir() if "embeddings" not in path.name)

    before = held()
    await triage_file(settings, written(tmp_path, said("Hello!")))
    assert held() == before
    with sqlite3.connect(settings.data_dir / "knowledge.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# --- what cannot be read ------------------------------------------------------------------------

UNREADABLE = {
    "empty": (b"", "not JSON"),
    "binary": (b"\x00\xff\xfe\x01", "UTF-8"),
    "no json": (b"hello\n", "not JSON: Expecting value at line 1, column 1"),
    "cut off": (b'{"messages": [{"role": "customer", "te', "not JSON"),
    "no object": (b"[1, 2]\n", "conversation: Input should be"),
    "no messages": (b'{"messages": []}\n', "messages: "),
    "unknown role": (b'{"messages": [{"role": "boss", "text": "hi"}]}\n', "messages.0.role: "),
    "unknown field": (b'{"messages": [{"role": "customer", "text": "hi"}], "admin": true}\n', "admin: "),
    "no text": (b'{"messages": [{"role": "customer"}]}\n', "messages.0.text: Field required"),
    "half a character": (b'{"messages": [{"role": "customer", "text": "\\ud800"}]}\n', "messages.0.text: "),
    "no customer": (b'{"messages": [{"role": "agent", "text": "hi"}]}\n', "no message with role customer"),
    "200 KB": (json.dumps(said("I did step one. " * 12_500)).encode(), "messages.0.text: "),
    "nested": (b'{"messages": ' + b"[" * 200_000 + b"\n", "nested too deeply"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_what_cannot_be_read_is_named_with_its_place(
    kind: str, settings: Settings, tmp_path: Path
) -> None:
    content, words = UNREADABLE[kind]
    file = tmp_path / "past.jsonl"
    file.write_bytes(content)
    with pytest.raises(BadInput) as refused:
        await triage_file(settings, file)
    assert str(file) in str(refused.value)
    assert words in str(refused.value)
    file.write_bytes(json.dumps(said("Hello!")).encode() + b"\n\n" + content)
    if kind == "empty":
        return
    with pytest.raises(BadInput) as refused:
        await replayed(settings, file)
    assert kind == "binary" or f"{file}:3" in str(refused.value)
    assert words in str(refused.value)


async def test_a_file_without_a_conversation_or_that_is_not_there_is_named(
    settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "blank.jsonl").write_text("\n\n")
    with pytest.raises(BadInput, match="no conversation in it"):
        await replayed(settings, tmp_path / "blank.jsonl")
    for missing in (tmp_path / "missing.jsonl", tmp_path):
        with pytest.raises(BadInput, match="Name a file, or - for standard input"):
            await replayed(settings, missing)
