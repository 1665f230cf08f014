"""One encoder for all reader tests, so that a sentence is embedded once."""

from __future__ import annotations

import pytest

from knowledge.embedding import CachedEncoder, default_encoder


@pytest.fixture(scope="session")
def encoder() -> CachedEncoder:
    return CachedEncoder(default_encoder())
