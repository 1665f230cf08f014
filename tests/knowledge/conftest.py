"""One real encoder for all tests of this folder; its vectors are computed once."""

import pytest

from knowledge.embedding import CachedEncoder, default_encoder


@pytest.fixture(scope="session")
def shared_encoder() -> CachedEncoder:
    return CachedEncoder(default_encoder())
