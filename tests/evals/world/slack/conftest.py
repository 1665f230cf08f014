"""A double per test, and the small app on its other side."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from evals.world.slack import FakeSlack
from tests.evals.world.slack.other_app import Other, over_http


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    async with FakeSlack.serve(retry_scale=0.0005, rate_scale=None) as slack:
        yield slack


@pytest.fixture
async def other(slack: FakeSlack) -> AsyncIterator[Other]:
    async with over_http(slack) as other:
        yield other


@pytest.fixture
def client(slack: FakeSlack) -> AsyncWebClient:
    return AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
