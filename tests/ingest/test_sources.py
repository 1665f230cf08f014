"""Kinds of sources: how they are named and opened; the folder, uploaded files, and one of one's own."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest

from ingest.sources import KINDS, exact, mirror, opened
from ingest.sources.folder import Folder
from ingest.sources.source import Failed, Fetched, Found, Gone
from ingest.sources.upload import Upload, put, take
from ingest.sync import sync
from knowledge.embedding import CachedEncoder
from knowledge.errors import KnowledgeError, SourceUnreadable
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.ingest.server import Digests

DOCUMENT = Path(__file__).parents[2] / "docs" / "sources.md"


def source(kind: str, location: str = "/nowhere", **options: str) -> Source:
    return Source(id="s", kind=kind, location=location, options=tuple(options.items()))


# --- kinds ---


def test_an_unknown_kind_is_answered_with_those_there_are() -> None:
    with pytest.raises(KnowledgeError, match=r"no kind of source `floppy`\. There is folder, upload, git"):
        opened(source("floppy"))
    for wrong in ("no_such_module:Class", "json:NoSuchClass", "..:x", ":"):
        with pytest.raises(KnowledgeError, match=r"Check the name|There is folder"):
            opened(source(wrong))


def test_an_option_that_a_kind_does_not_know_is_refused() -> None:
    with pytest.raises(KnowledgeError, match="a folder has no option `depth`"):
        opened(source("folder", depth="2"))
    with pytest.raises(KnowledgeError, match="no option `glob`"):
        opened(source("upload", glob="*"))


def test_a_repository_keeps_its_mirror_in_the_data_folder(tmp_path: Path) -> None:
    assert opened(source("git", "https://git.example.com/docs.git"), tmp_path)
    assert mirror(tmp_path, "a") != mirror(tmp_path, "b")


def test_only_where_absence_is_certain_it_counts_at_once() -> None:
    assert {kind for kind in KINDS if exact(kind)} == {"folder", "upload", "git"}
    assert not exact("questions:Questions")


# --- the folder ---


def test_a_folder_lists_documents_by_their_suffix_and_pattern(tmp_path: Path) -> None:
    names = ["a.md", "guides/b.MDX", "guides/c.pdf", "d.docx", "e.html", "f.png", ".hidden.md", ".git/g.md"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    there = Folder(str(tmp_path), {}).listing({})
    assert [f.path for f in there.found] == ["a.md", "d.docx", "e.html", "guides/b.MDX", "guides/c.pdf"]
    guides = Folder(str(tmp_path), {"glob": "guides/*"}).listing({})
    assert [f.path for f in guides.found] == ["guides/b.MDX", "guides/c.pdf"]


def test_a_stamp_is_told_once_the_clock_tells_versions_apart(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text("x")
    folder = Folder(str(tmp_path), {})
    assert folder.listing({}).found == [Found("a.md", "")], "it may change again within this tick"
    os.utime(file, (time.time() - 10,) * 2)
    stamp = folder.listing({}).found[0].stamp
    assert stamp == folder.listing({}).found[0].stamp != ""


def test_fetching_says_what_became_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    folder = Folder(str(tmp_path), {})
    got = folder.fetch(Found("a.pdf", ""), "")
    assert isinstance(got, Fetched)
    assert (got.raw, got.media, got.modified is not None) == (b"%PDF", "application/pdf", True)
    assert folder.fetch(Found("gone.md", ""), "") == Gone()
    monkeypatch.setattr("ingest.sources.folder.LARGEST", 3)
    too_big = folder.fetch(Found("a.pdf", ""), "")
    assert isinstance(too_big, Failed)
    assert "a.pdf: the file is too big (4 bytes; 3 at most)" in too_big.reason
    (tmp_path / "folder.md").mkdir()
    assert isinstance(folder.fetch(Found("folder.md", ""), ""), Failed)


# --- uploaded files ---


def test_an_uploaded_file_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, folder = tmp_path / "manual.md", tmp_path / "uploads"
    given.write_text("# Manual\n\nFirst.\n")
    assert put(given, folder) == "manual.md"
    given.write_text("# Manual\n\nSecond.\n")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("shutil.copyfileobj", full)
        with pytest.raises(KnowledgeError, match="No space left on device"):
            put(given, folder)
    assert [file.name for file in folder.iterdir()] == ["manual.md"]
    assert "First" in (folder / "manual.md").read_text()


@pytest.mark.parametrize("name", ["x.exe", ".hidden.md", "nothing"])
def test_what_is_no_document_is_not_taken(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    with pytest.raises(KnowledgeError, match="no kind of document"):
        put(tmp_path / name, tmp_path / "uploads")


@pytest.mark.parametrize("path", ["../secret.md", "no.md", "", ".", "/etc/passwd"])
def test_only_an_uploaded_file_can_be_taken_away(path: str, tmp_path: Path) -> None:
    (tmp_path / "secret.md").write_text("x")
    (tmp_path / "uploads").mkdir()
    with pytest.raises(KnowledgeError, match="no uploaded file"):
        take(path, tmp_path / "uploads")
    assert (tmp_path / "secret.md").exists()


def test_uploads_that_were_there_and_are_not_found_remove_nothing(tmp_path: Path) -> None:
    assert Upload(str(tmp_path / "uploads"), {}).listing({}).found == []
    with pytest.raises(SourceUnreadable):
        Upload(str(tmp_path / "uploads"), {}).listing({"manual.md": ""})


# --- one of one's own ---


def test_the_kind_in_the_document_works_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = DOCUMENT.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    (tmp_path / "questions.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("knowledge.store.SHIPPED", tmp_path / "none")
    with sqlite3.connect(tmp_path / "q.db") as db:
        db.execute("CREATE TABLE question (id TEXT, title TEXT, answer TEXT, updated INTEGER)")
        db.execute("INSERT INTO question VALUES ('1', 'How long is a parcel kept?', 'Nine days.', 1)")
        db.execute("INSERT INTO question VALUES ('2', 'Why?', NULL, 1)")
    asked = source("questions:Questions", str(tmp_path / "q.db"))
    knowledge = Knowledge.open(tmp_path / "data", encoder=CachedEncoder(Digests()))
    try:
        assert sync(knowledge, asked, checks=None, actions=None).added == ("questions/1",)
        (document,) = knowledge.documents()
        assert (document.title, document.url) == ("How long is a parcel kept?", "https://ask.example/1")
        assert sync(knowledge, asked, checks=None, actions=None).unchanged == ("questions/1",)
        with sqlite3.connect(tmp_path / "q.db") as db:
            db.execute("UPDATE question SET answer = 'Ten days.', updated = 2")
        report = sync(knowledge, asked, checks=None, actions=None)
        assert (report.changed, report.added) == (("questions/1",), ("questions/2",))
        (tmp_path / "q.db").unlink()
        with pytest.raises(SourceUnreadable, match="Check the file"):
            sync(knowledge, asked, checks=None, actions=None)
        with pytest.raises(KnowledgeError, match="no name of a table"):
            opened(source("questions:Questions", "q.db", table="x; drop"))
    finally:
        knowledge.close()
