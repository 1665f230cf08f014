"""Slack: answers in the thread, approvals with one click, the agents' private channel. It decides nothing.

`slack_channel` gives what a composition root mounts: a router, outlets, and work beside them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from app.channels.slack.agents import AgentsOutlet
from app.channels.slack.blocks import help_links
from app.channels.slack.clicks import checked, command
from app.channels.slack.deliver import ThreadOutlet
from app.channels.slack.limits import Api
from app.channels.slack.manifest import manifest as manifest
from app.channels.slack.people import People
from app.channels.slack.posting import Wired
from app.channels.slack.receive import Installed, bolt, slack_router
from app.channels.slack.work import work
from app.errors import ConfigError
from app.links import OWN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from fastapi import APIRouter
    from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

    from app.delivery import Outlet
    from app.service import Service
    from app.settings import Settings

log = logging.getLogger(__name__)

SECONDS = 15
"""The longest that one call to Slack's API may take."""


class SlackChannel:
    """Enter it before anything comes in; run `work` and follow `outlets` while it is open."""

    def __init__(self, service: Service, settings: Settings, *, public_url: str | None = None) -> None:
        from slack_sdk.web.async_client import AsyncWebClient

        token = settings.slack_bot_token
        secret = settings.slack_signing_secret
        if token is None or (secret is None and settings.slack_app_token is None):
            raise ConfigError(
                "Slack needs STEPFOUR_SLACK_BOT_TOKEN, and STEPFOUR_SLACK_SIGNING_SECRET (where Slack calls "
                "us) or STEPFOUR_SLACK_APP_TOKEN (Socket Mode). See docs/slack.md for where to find them."
            )
        # What was sent and lost its answer is looked for before it is sent again: the client repeats nothing.
        client = AsyncWebClient(
            token=token.get_secret_value(),
            base_url=settings.slack_api_url or AsyncWebClient.BASE_URL,
            timeout=SECONDS,
            retry_handlers=[],
        )
        self._installed = Installed()
        self._wake = asyncio.Event()
        api = Api(client)
        own = (settings.public_url or public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        bases = [f"{own}{OWN}".rstrip("/"), *([settings.help_url] if settings.help_url else [])]
        people = People(
            api,
            service.store,
            service.services.accounts,
            installed=self._installed,
            agents=settings.slack_agents,
        )
        self._w = Wired(
            service, service.store, settings, api, people, help_links(*bases), self._installed, own
        )
        self._app = bolt(
            client,
            service.store,
            self._installed,
            signing_secret=secret.get_secret_value() if secret else "",
            wake=self._wake,
            command=lambda body: command(self._w, body),
            submitted=lambda body: checked(self._w, body),
        )
        self._socket: AsyncSocketModeHandler | None = None
        self.router: APIRouter | None = None
        if secret is not None:
            self.router = slack_router(self._app, secret.get_secret_value())
        room = settings.slack_agents_channel
        self.outlets: Sequence[Outlet] = (
            ThreadOutlet(self._w),
            *((AgentsOutlet(self._w, room),) if room else ()),
        )

    async def __aenter__(self) -> Self:
        """Asks Slack who we are there, and connects where we call Slack. Raises `ConfigError`."""
        from slack_sdk.errors import SlackApiError

        try:
            who = await self._w.api.call("auth_test")
        except SlackApiError as error:
            raise ConfigError(
                f"Slack does not know our token ({error.response.get('error')}). Install the app again, "
                "and set STEPFOUR_SLACK_BOT_TOKEN to its new token."
            ) from error
        team = self._w.settings.slack_team
        if team is not None and who["team_id"] != team:
            raise ConfigError(
                f"the token is for workspace {who['team_id']}, and STEPFOUR_SLACK_TEAM says {team}. "
                "Set one of the two right."
            )
        found = self._installed
        found.team, found.user = str(who["team_id"]), str(who["user_id"])
        found.bot, found.enterprise = str(who.get("bot_id") or ""), str(who.get("enterprise_id") or "")
        app_token = self._w.settings.slack_app_token
        if app_token is not None:
            from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler

            self._socket = AsyncSocketModeHandler(self._app, app_token.get_secret_value())
            await self._socket.connect_async()  # type: ignore[no-untyped-call]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            await self._socket.close_async()  # type: ignore[no-untyped-call]

    async def work(self) -> None:
        """Works off what came in, until it is cancelled."""
        await work(self._w, self._wake)


def slack_channel(service: Service, settings: Settings, *, public_url: str | None = None) -> SlackChannel:
    """`public_url`: where we are reached, if the settings do not say. Raises `ConfigError`."""
    return SlackChannel(service, settings, public_url=public_url)
