"""A data folder whose texts are embedded already: made once per run, copied by whoever starts a service."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

PAGES = Path(__file__).parent.parent / "knowledge" / "pages"


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The embeddings of the help centre and the encoder's fast form, shared by parallel workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "warm"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".made").exists():
            _embed_pages(folder / "data")
            (folder / ".made").touch()
    return folder / "data"


def _embed_pages(folder: Path) -> None:
    from app.main import open_knowledge, sync_pages
    from app.settings import Settings

    settings = Settings(_env_file=None, data_dir=folder, pages=PAGES)
    knowledge = open_knowledge(settings)
    try:
        sync_pages(knowledge, settings)
    finally:
        knowledge.close()


@pytest.fixture(scope="session")
def filled(warm: Path) -> Callable[[Path], Path]:
    """Puts the whole of it, or with `encoder_only` just what embeds, into a new data folder."""

    def fill(folder: Path, *, encoder_only: bool = False) -> Path:
        if encoder_only:
            folder.mkdir(parents=True)
            for file in warm.glob("*.onnx"):
                shutil.copy2(file, folder)
        else:
            shutil.copytree(warm, folder)
        return folder

    return fill
