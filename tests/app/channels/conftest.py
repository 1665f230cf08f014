"""A client of the whole site, without a network."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.channels.web import create_app
from tests.app.channels.oidc_double import Double, serving
from tests.app.conftest import played_service

SHOP = "https://shop.example"


def client(service: Any, **fields: Any) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_app(service, **fields), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://here")


@pytest.fixture
async def web(service: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service) as made:
        yield made


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A site that one other site's pages may embed."""
    async with played_service(tmp_path / "shop", sites=(SHOP,)) as played, client(played) as made:
        yield made


@pytest.fixture(scope="session")
def running_provider() -> Iterator[Double]:
    with serving() as double:
        yield double


@pytest.fixture
def provider(running_provider: Double) -> Double:
    """An identity provider that tells the truth, until a test has it lie."""
    running_provider.truthful()
    return running_provider
