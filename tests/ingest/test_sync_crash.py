"""A sync that is killed in any phase: nobody sees half of anything, and the next run goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sync import sync
from knowledge import runs, stored
from knowledge.embedding import CachedEncoder
from knowledge.keeping import KeptIndex
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.ingest.server import Digests

ROOT = Path(__file__).parents[2]
SAYS = {
    "changed-1.md": "old words one",
    "changed-2.md": "old words two",
    "kept.md": "kept words",
    "gone.md": "words that go",
    "before.md": "words that move",
}
AFTER = {
    "changed-1.md": "new words one",
    "changed-2.md": "new words two",
    "kept.md": "kept words",
    "after.md": "words that move",
    "added-1.md": "added words one",
    "added-2.md": "added words two",
}

# One line of each: where the process kills itself.
PHASES = {
    "listing": "Folder.listing = lambda self, known: die()",
    "fetching": "Folder.fetch = at(3, Folder.fetch)",
    "embedding": "Digests.passages = at(2, Digests.passages)",
    "catalogue": "catalogue.put_page = at(3, catalogue.put_page)",
    "between catalogue and index": "catalogue.put_page = at(2, catalogue.put_page, after=True)",
    "index": "VectorIndex.remove = at(1, VectorIndex.remove)",
    "removing": "catalogue.remove = at(1, catalogue.remove, after=True)",
    "end": "runs.end = at(1, runs.end)",
}
# One process loads everything, then one of it is forked for each phase and killed there.
KILLED = """
import json, os, signal, sys
from pathlib import Path
import chromadb, langchain_chroma
import ingest.sync
from ingest.sources.folder import Folder
from knowledge import catalogue, runs, store
from knowledge.embedding import CachedEncoder
from knowledge.index import VectorIndex
from knowledge.languages import detected
from knowledge.model import Source
from tests.ingest.server import Digests

detected("words")

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def at(count, function, after=False):
    calls = []
    def counted(*args, **named):
        calls.append(1)
        if len(calls) == count and not after:
            die()
        done = function(*args, **named)
        if len(calls) == count:
            die()
        return done
    return counted

def run(data, docs, phase):
    store.SHIPPED = Path("none")
    ingest.sync.EMBEDDED_TOGETHER = 1
    knowledge = store.Knowledge.open(data, encoder=CachedEncoder(Digests(), data / "embeddings.db"))
    exec(phase, globals())
    ingest.sync.sync(knowledge, Source(id="docs", location=docs), checks=None, actions=None)

ends = {}
for name, phase in json.loads(sys.argv[1]).items():
    child = os.fork()
    if child == 0:
        try:
            run(Path(name, "data").absolute(), str(Path(sys.argv[2])), phase)
        finally:
            os._exit(1)
    ends[name] = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(json.dumps(ends))
"""


def write(folder: Path, pages: dict[str, str]) -> None:
    for old in folder.glob("*.md"):
        old.unlink()
    for path, words in pages.items():
        (folder / path).write_text(f"# {words.split()[-1]}\n\n{words}\n")
        past = time.time() - 60 + len(words)
        os.utime(folder / path, (past, past))


def opened(data: Path) -> Knowledge:
    return Knowledge.open(data, encoder=CachedEncoder(Digests(), data / "embeddings.db"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Documents that were synced once, changed, and synced again by a process killed in each phase."""
    base = tmp_path_factory.mktemp("killed")
    docs = base / "docs"
    for folder in (docs, base / "data"):
        folder.mkdir()
    write(docs, SAYS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knowledge.store.SHIPPED", base / "none")
        knowledge = opened(base / "data")
        sync(knowledge, Source(id="docs", location=str(docs)), checks=None, actions=None)
        knowledge.search("words", lang="en")
        knowledge.close()
        for phase in PHASES:
            shutil.copytree(base / "data", base / phase / "data")
        write(docs, AFTER)
        ran = subprocess.run(
            [sys.executable, "-c", KILLED, json.dumps(PHASES), str(docs)],
            check=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=base,
            stdout=subprocess.PIPE,
            text=True,
            timeout=200,
        )
        assert json.loads(ran.stdout) == dict.fromkeys(PHASES, -signal.SIGKILL)
        yield base


@pytest.mark.parametrize("phase", PHASES)
def test_a_sync_that_is_killed_is_gone_on_with(phase: str, killed: Path) -> None:
    data, docs = killed / phase / "data", killed / "docs"
    knowledge = opened(data)
    try:
        for passage in (f.passage for f in stored.every(knowledge.db)):
            assert passage.text in {SAYS.get(passage.path), AFTER.get(passage.path)}
        seen = {hit.passage.path for hit in knowledge.search("words", lang="en", limit=20)}
        assert seen == {d.path for d in knowledge.documents()}
        assert not {"before.md", "after.md"} <= seen, "never at both places"

        report = sync(knowledge, Source(id="docs", location=str(docs)), checks=None, actions=None)
        assert report.failed == ()
        said = {f.passage.path: f.passage.text for f in stored.every(knowledge.db)}
        assert said == AFTER
        assert {h.passage.path for h in knowledge.search("words", lang="en", limit=20)} == AFTER.keys()
        assert KeptIndex(data / "chroma", knowledge.encoder, knowledge.db).look().why == ""

        newest, earlier, first = runs.runs(knowledge.db, "docs")
        assert (newest.state, earlier.state) == ("complete", "interrupted")
        changes = [c for c in runs.changes(knowledge.db) if c.run in {newest.id, earlier.id}]
        assert sorted((c.document, c.kind) for c in changes) == [
            ("docs:added-1.md", "added"),
            ("docs:added-2.md", "added"),
            ("docs:after.md", "moved"),
            ("docs:changed-1.md", "changed"),
            ("docs:changed-2.md", "changed"),
            ("docs:gone.md", "removed"),
        ], "both runs together tell of every change, once"
        assert first.state == "complete"
    finally:
        knowledge.close()
