from collections.abc import Iterator

import pytest

from tests.ingest.sources.web_double import Site, served


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as running:
        yield running
