"""One encoder for all reader tests, so that a sentence is embedded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.embedding import CachedEncoder, default_encoder


@pytest.fixture(scope="session")
def encoder(warm: Path) -> CachedEncoder:
    return CachedEncoder(default_encoder(warm))
