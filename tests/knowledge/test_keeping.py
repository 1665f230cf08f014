"""The vector index looks after itself: whatever happens to it, words answer until it is there again."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from ingest.sync import sync
from knowledge import stored
from knowledge.embedding import Vectors
from knowledge.errors import KnowledgeError, NoRoom
from knowledge.index import Followed, wanted_counts
from knowledge.keeping import POINTER, KeptIndex
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.knowledge import filling
from tests.knowledge.filling import take_in
from tests.knowledge.letters import Letters

ROOT = Path(__file__).parents[2]
FACTS = {f"{n}.md": f"# Page {n}\n\nThe {word} opens at {n} o'clock.\n" for n, word in enumerate(
    ("lighthouse", "bakery", "observatory", "aquarium", "library", "greenhouse", "museum", "station"), 1
)}  # fmt: skip


class Turned(Letters):
    def passages(self, texts: Sequence[str]) -> Vectors:
        return -super().passages(texts)


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in FACTS.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def data(tmp_path: Path, docs: Path) -> Path:
    """A data folder that was filled and closed."""
    filling.opened(tmp_path / "data", docs, Letters()).close()
    return tmp_path / "data"


@pytest.fixture
def opened(data: Path) -> Iterator[Callable[[], Knowledge]]:
    there: list[Knowledge] = []

    def open_it() -> Knowledge:
        there.append(Knowledge.open(data, encoder=Letters()))
        return there[-1]

    yield open_it
    for knowledge in there:
        knowledge.close()


def by_vector(knowledge: Knowledge, text: str) -> list[str]:
    """What the index alone finds."""
    return [id for id, _ in knowledge.index.nearest(Letters().passages([text])[0], "public", "en", 3)]


def finds_all(knowledge: Knowledge) -> bool:
    return all(knowledge.search(text)[0].passage.path == path for path, text in FACTS.items())


def until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.02)
    return False


def folders(data: Path) -> list[str]:
    return sorted(f.name for f in (data / "chroma").iterdir() if f.is_dir())


def pointed(data: Path) -> str:
    name: str = json.loads((data / "chroma" / POINTER).read_text())["folder"]
    return name


def files_of_the_index(data: Path) -> list[Path]:
    return sorted(f for f in (data / "chroma" / pointed(data)).rglob("*") if f.is_file())


def deleted(data: Path) -> None:
    shutil.rmtree(data / "chroma")


def emptied(data: Path) -> None:
    shutil.rmtree(data / "chroma" / pointed(data))


def half_written(data: Path) -> None:
    """A build that did not come to its end: files, and nothing that names them."""
    (data / "chroma" / POINTER).unlink()
    for file in files_of_the_index_in(data / "chroma" / "1"):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def files_of_the_index_in(folder: Path) -> list[Path]:
    return sorted(f for f in folder.rglob("*") if f.is_file())


def truncated(data: Path) -> None:
    for file in files_of_the_index(data):
        os.truncate(file, file.stat().st_size // 3)


def garbled(data: Path) -> None:
    noise = np.random.default_rng(5)
    for file in files_of_the_index(data):
        file.write_bytes(noise.bytes(max(64, file.stat().st_size)))


def blinded(data: Path) -> None:
    """The counts are right, and the vectors are not those of the texts."""
    for encoder in (Turned(), Letters()):
        for file in data.glob("embeddings.db*"):
            file.unlink()
        knowledge = Knowledge.open(data, encoder=encoder)
        if isinstance(encoder, Turned):
            knowledge.rebuild()
        knowledge.close()


def of_another_encoder(data: Path) -> None:
    pointer = data / "chroma" / POINTER
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"encoder": "numbers"}))


def of_another_folder(data: Path) -> None:
    pointer = data / "chroma" / POINTER
    pointer.write_text(json.dumps(json.loads(pointer.read_text()) | {"catalogue": "f" * 32}))


def pointing_outside(data: Path) -> None:
    (data / "chroma" / POINTER).write_text('{"folder": "../..", "encoder": "letters", "catalogue": "x"}')


def no_pointer_at_all(data: Path) -> None:
    (data / "chroma" / POINTER).write_bytes(b"\xff\x00")


DAMAGE = [
    deleted, emptied, half_written, truncated, garbled, blinded, of_another_encoder, of_another_folder,
    pointing_outside, no_pointer_at_all,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda d: d.__name__)
def test_an_index_that_cannot_serve_is_noticed_at_start_and_built_anew(
    data: Path, opened: Callable[[], Knowledge], damage: Callable[[Path], None]
) -> None:
    damage(data)
    knowledge = opened()
    if damage is not deleted:
        assert knowledge.index.look().why, "doctor says what is wrong before anything is repaired"
    knowledge.keep_index(30)
    assert knowledge.index.standing.state == "ready"
    assert all(by_vector(knowledge, text) for text in FACTS.values())
    assert finds_all(knowledge)
    assert folders(data) == [pointed(data)], "what it was built beside is gone"


def test_a_right_index_is_taken_as_it_is(data: Path, opened: Callable[[], Knowledge]) -> None:
    before = pointed(data)
    knowledge = opened()
    assert str(knowledge.index.look()) == "unchecked"
    assert not knowledge.index.look().why
    knowledge.keep_index(30)
    assert (knowledge.index.standing.state, pointed(data)) == ("ready", before)


def test_what_it_lacks_and_what_is_too_much_is_seen_though_little_is_read_at_once(
    data: Path, opened: Callable[[], Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.index.READ_AT_ONCE", 3)
    knowledge = opened()
    index, _ = knowledge.index._found_there()
    assert index is not None
    try:
        assert index.follow(knowledge.db) == Followed(8, 0, 0, {("public", "en"): 8})
        lacked = list(stored.every(knowledge.db))[2:7]
        index.remove(lacked)
        strays = [f.passage.model_copy(update={"id": f"docs:gone.md@{f.num}#0"}) for f in lacked[:4]]
        index.add([f._replace(passage=stray) for f, stray in zip(lacked, strays, strict=False)])
        assert index.follow(knowledge.db) == Followed(8, 5, 4, {("public", "en"): 8})
        assert index.counts() == wanted_counts(knowledge.db) == {("public", "en"): 8}
    finally:
        index.close()
    knowledge.keep_index(30)
    assert all(by_vector(knowledge, text) for text in FACTS.values())


def test_all_passages_are_read_some_at_a_time_and_by_collection(
    docs: Path, opened: Callable[[], Knowledge]
) -> None:
    knowledge = opened()
    (docs / "9.md").write_text("---\naudience: internal\n---\n# Page 9\n\nThe vault opens at nine o'clock.\n")
    (docs / "1.md").write_text("# Page 1\n\nThe lighthouse is closed.\n")
    (docs / "2.md").unlink()
    take_in(knowledge, docs)
    found = stored.collections(knowledge.db)
    assert {key: len(nums) for key, nums in found.items()} == {("public", "en"): 7, ("internal", "en"): 1}
    nums = found[("public", "en")]
    assert [len(part) for part in stored.in_parts(knowledge.db, nums, 3)] == [3, 3, 1]
    assert sorted(f.passage.path for f in stored.every(knowledge.db)) == [
        *("1.md", "3.md", "4.md", "5.md", "6.md", "7.md", "8.md", "9.md")
    ]
    one_by_one = stored.in_parts(knowledge.db, [*nums, 999_999], 1)
    assert [part[0].num for part in one_by_one if part] == nums, "what is no longer there is left out"


def test_words_answer_while_it_is_built_and_no_search_waits(
    data: Path, monkeypatch: pytest.MonkeyPatch, docs: Path
) -> None:
    deleted(data)
    building, go_on = Event(), Event()
    build = KeptIndex._build

    def held(index: KeptIndex, why: str) -> object:
        building.set()
        assert go_on.wait(30)
        return build(index, why)

    monkeypatch.setattr(KeptIndex, "_build", held)
    knowledge = Knowledge.open(data, encoder=Letters())
    try:
        knowledge.keep_index(0)
        assert building.wait(10)
        assert by_vector(knowledge, FACTS["3.md"]) == []
        began = time.monotonic()
        assert finds_all(knowledge)
        assert time.monotonic() - began < 5
        with pytest.raises(KnowledgeError, match="Try again when it is ready"):
            knowledge.vector_store("public", "en")
        # A sync meanwhile: the index that is being built takes it over.
        (docs / "9.md").write_text("# Page 9\n\nThe windmill opens at nine o'clock.\n")
        (docs / "1.md").unlink()
        take_in(knowledge, docs)
        go_on.set()
        assert until(lambda: knowledge.index.standing.state == "ready")
        assert by_vector(knowledge, "Page 9\nThe windmill opens at nine o'clock.")[0].startswith("docs:9.md@")
        assert not any(id.startswith("docs:1.md@") for id in by_vector(knowledge, FACTS["1.md"]))
    finally:
        go_on.set()
        knowledge.close()


def test_nothing_is_read_before_the_first_search_and_that_waits_for_the_index(
    opened: Callable[[], Knowledge],
) -> None:
    knowledge = opened()
    knowledge.keep_index_when_asked(30)
    assert str(knowledge.index.standing) == "unchecked"
    assert finds_all(knowledge)
    assert knowledge.index.standing.state == "ready"
    assert all(by_vector(knowledge, text) for text in FACTS.values())


def test_a_first_search_that_has_waited_enough_is_answered_by_words(
    data: Path, opened: Callable[[], Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted(data)
    go_on = Event()
    build = KeptIndex._build

    def held(index: KeptIndex, why: str) -> object:
        assert go_on.wait(30)
        return build(index, why)

    monkeypatch.setattr(KeptIndex, "_build", held)
    knowledge = opened()
    knowledge.keep_index_when_asked(0.1)
    try:
        assert finds_all(knowledge)
        assert knowledge.index.standing.state != "ready"
    finally:
        go_on.set()
    assert until(lambda: knowledge.index.standing.state == "ready")


def test_what_breaks_while_it_serves_is_built_anew(data: Path, opened: Callable[[], Knowledge]) -> None:
    knowledge = opened()
    knowledge.keep_index(30)
    serving = knowledge.index._serving
    assert serving is not None
    serving.close()
    garbled(data)
    assert finds_all(knowledge), "the search that noticed it is answered by words"
    assert until(lambda: knowledge.index.standing.state == "ready" and bool(by_vector(knowledge, "Page 4")))
    assert pointed(data) == "2"


def test_a_sync_goes_on_where_the_index_breaks(
    data: Path, docs: Path, opened: Callable[[], Knowledge]
) -> None:
    knowledge = opened()
    assert finds_all(knowledge)
    serving = knowledge.index._serving
    assert serving is not None
    serving.close()
    garbled(data)
    (docs / "2.md").write_text("# Page 2\n\nThe bakery moved to the harbour.\n")
    report = take_in(knowledge, docs)
    assert report.changed == ("2.md",)
    assert knowledge.search("bakery harbour")[0].passage.path == "2.md"
    assert by_vector(knowledge, "Page 2\nThe bakery moved to the harbour.")[0].startswith("docs:2.md@")


def test_a_build_that_does_not_find_its_passages_is_not_taken(
    data: Path, opened: Callable[[], Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pointed(data)
    knowledge = opened()
    assert finds_all(knowledge)
    monkeypatch.setattr("knowledge.index.VectorIndex.sound", lambda *_: False)
    with pytest.raises(KnowledgeError, match="do not find themselves"):
        knowledge.rebuild()
    assert (pointed(data), folders(data)) == (before, [before])
    assert finds_all(knowledge), "the old one goes on serving"
    assert knowledge.index.standing.state == "ready"


CRASHES = {
    "knowledge.index.VectorIndex.add": "in the middle of a build",
    "knowledge.index.VectorIndex.sound": "before the canaries",
    "knowledge.keeping.KeptIndex._point_to": "before the pointer",
    "knowledge.index.VectorIndex.close": "after the pointer",
    "knowledge.keeping.KeptIndex._sweep": "while the old one is removed",
}
CRASH = """
import importlib, os, pathlib, signal, sys
import langchain_chroma, chromadb
from tests.knowledge.letters import Letters
from knowledge.store import Knowledge

def crash(data, at):
    knowledge = Knowledge.open(pathlib.Path(data), encoder=Letters())
    knowledge.check_index()
    module, of, name = at.rsplit(".", 2)
    there = getattr(importlib.import_module(module), of)
    goes_on = getattr(there, name)
    def killed(self, *args):
        if name == "add":
            goes_on(self, args[0][:2])
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(there, name, killed)
    knowledge.rebuild()

for at in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        crash(os.path.join(sys.argv[1], at), at)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, at
"""


def test_killed_while_it_is_built_or_swapped_the_next_start_goes_on_right(data: Path, tmp_path: Path) -> None:
    for at in CRASHES:
        shutil.copytree(data, tmp_path / "crashed" / at)
    # One process that has imported everything, and a child of it that dies for each.
    run = [sys.executable, "-c", CRASH, str(tmp_path / "crashed"), *CRASHES]
    subprocess.run(run, check=True, cwd=ROOT)
    for at, what in CRASHES.items():
        knowledge = Knowledge.open(tmp_path / "crashed" / at, encoder=Letters())
        try:
            knowledge.keep_index(30)
            assert knowledge.index.standing.state == "ready", what
            assert all(by_vector(knowledge, text) for text in FACTS.values()), what
            assert finds_all(knowledge), what
            assert folders(tmp_path / "crashed" / at) == [pointed(tmp_path / "crashed" / at)], what
        finally:
            knowledge.close()


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file can grow beyond so many bytes: what a full disk is to whoever writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_on_a_full_disk_everything_stays_readable_and_nothing_is_lost(
    data: Path, docs: Path, opened: Callable[[], Knowledge]
) -> None:
    knowledge = opened()
    knowledge.keep_index(30)
    citation = knowledge.search("lighthouse")[0].passage
    (docs / "1.md").write_text("# Page 1\n\nThe lighthouse is closed.\n" + "It is dark there.\n" * 5_000)
    source = Source(id="docs", location=str(docs))
    with full_disk(8_192):
        with pytest.raises(NoRoom, match=r"disk of the data folder is full .* Make room and run it again"):
            sync(knowledge, source, checks=None, actions=None)
        assert finds_all(knowledge)
        assert knowledge.passage(citation.id) == citation
    again = sync(knowledge, source, checks=None, actions=None)
    assert again.changed == ("1.md",)
    assert knowledge.search("lighthouse closed")[0].passage.text.startswith("The lighthouse is closed.")


def test_an_index_that_finds_no_room_is_built_when_there_is_some(
    data: Path, opened: Callable[[], Knowledge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.keeping.PAUSES_S", (0.2,))
    deleted(data)
    knowledge = opened()
    with full_disk(8_192):
        knowledge.keep_index(0)
        assert until(lambda: knowledge.index.standing.state == "failed")
        assert finds_all(knowledge)
    assert until(lambda: knowledge.index.standing.state == "ready")
    assert all(by_vector(knowledge, text) for text in FACTS.values())
