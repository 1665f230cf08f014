"""The Chatwoot channel put together: the webhook's route, the worker, the outlet, and the way to find one."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from app.channels.chatwoot.api import SECONDS, Api
from app.channels.chatwoot.core import NAME, Core
from app.channels.chatwoot.inbound import Inbound
from app.channels.chatwoot.outlet import ChatwootOutlet
from app.channels.edge import Edge
from app.channels.limits import Limits
from app.delivery import Outlet
from app.errors import BadInput, ConfigError, NotFound, OutcomeUnknown, Unavailable
from app.models.conversation import Received
from app.settings import PREFIX, Settings

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 2.0
OUT_OF_REACH_S = 5.0
"""How long we leave Chatwoot alone when it does not answer; nothing that it told us counts as tried."""
SHORTEST_SECRET = 32
TOLD = ("message_created", "message_updated", "conversation_status_changed", "conversation_updated")
"""Events that we look after; the older `conversation_opened` and `conversation_resolved` say nothing more."""


class ChatwootChannel:
    """One account of one Chatwoot. `work` runs beside the service, `app.delivery` follows `outlets`."""

    def __init__(self, service: Core, http: httpx.AsyncClient, api: Api, account: int, secret: str) -> None:
        self._service, self._http, self._account, self._secret = service, http, account, secret
        self._inbound = Inbound(service, api, account)
        self._news = asyncio.Event()
        self._limits = Limits()
        self.outlets: Sequence[Outlet] = (ChatwootOutlet(service, api, account),)
        self.router = self._routes()

    async def locate(self, account: int, conversation: int) -> str | None:
        """Our id of a conversation that a dashboard app names, read from Chatwoot whatever the app says.

        One that we do not have yet is opened with its history. Raises `Unavailable` and `ConfigError`.
        """
        if account != self._account:
            return None
        return await self._inbound.bring_up_to_date(conversation)

    async def work(self) -> None:
        """Works off what Chatwoot told us, until it is cancelled."""
        while True:
            self._news.clear()
            if not await self._work_off():
                await asyncio.sleep(OUT_OF_REACH_S)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_AGAIN_S)

    async def close(self) -> None:
        await self._http.aclose()

    async def _work_off(self) -> bool:
        """False where Chatwoot does not answer and is to be left alone for a while."""
        for received in await self._service.store.received_to_do(NAME):
            try:
                if not await self._look_after(received):
                    continue
            except (Unavailable, OutcomeUnknown, ConfigError) as error:
                logger.error("%s waits: %s", received.key, error)
                return False
            except Exception:  # the worker's edge: what one event runs into must not stop the others
                last = await self._service.store.received_failed(received.key)
                logger.exception("%s failed%s", received.key, "; it is given up" if last else "")
            else:
                await self._service.store.received_done(received.key)
        return True

    async def _look_after(self, received: Received) -> bool:
        """False where it has to be looked at again in a moment."""
        conversation, message = received.payload.get("conversation"), received.payload.get("message")
        if not isinstance(conversation, int):
            return True
        if self._limits.spend("chatwoot", str(conversation), self._service.clock()) > 0:
            return False
        await self._inbound.bring_up_to_date(conversation, message if isinstance(message, int) else None)
        return conversation not in self._inbound.unsettled

    # --- the webhook ---

    def _routes(self) -> APIRouter:
        router = APIRouter(route_class=Edge)

        @router.post(f"/{NAME}/{{secret}}", include_in_schema=False)
        async def told(secret: str, request: Request) -> JSONResponse:
            if not hmac.compare_digest(secret.encode(), self._secret.encode()):
                raise NotFound
            hint = _hint(await request.body(), self._account)
            if hint is not None and await self._service.store.receive(*hint):
                self._news.set()
            return JSONResponse({"ok": True})

        return router


def _hint(body: bytes, account: int) -> tuple[str, str, dict[str, object]] | None:
    """Where to look, and under which key it is stored: all that is believed of what a webhook says."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput("The body is not JSON. Chatwoot's agent bots send JSON.") from error
    if (
        not isinstance(told, dict)
        or told.get("event") not in TOLD
        or _number(told, "account") not in (account, None)
    ):
        return None
    event = str(told["event"])
    about_message = event.startswith("message_")
    conversation = _number(told, "conversation") if about_message else _id(told)
    message = _id(told) if about_message else None
    if conversation is None or (about_message and message is None):
        return None
    # A message is created once; anything else is told apart by what was said of it.
    exact = str(message) if event == "message_created" else hashlib.sha256(body).hexdigest()[:32]
    key = f"{NAME}:{account}:{event}:{conversation}:{exact}"
    return key, NAME, {"event": event, "conversation": conversation, "message": message}


def _number(told: dict[str, Any], name: str) -> int | None:
    inner = told.get(name)
    return _id(inner) if isinstance(inner, dict) else None


def _id(told: dict[str, Any]) -> int | None:
    id = told.get("id")
    return id if isinstance(id, int) and not isinstance(id, bool) and 0 < id < 2**62 else None


# --- wiring ---


def chatwoot_channel(service: Core, settings: Settings) -> ChatwootChannel | None:
    """The channel as settings say; None where no Chatwoot is set. Raises `ConfigError`."""
    if settings.chatwoot_url is None:
        return None
    account = settings.chatwoot_account
    if account is None:
        raise ConfigError(
            f"{PREFIX}CHATWOOT_ACCOUNT is not set. It is the number behind /accounts/ in its address."
        )
    secret = _secret(settings.chatwoot_secret, "SECRET")
    if len(secret) < SHORTEST_SECRET or not secret.isascii() or not secret.isalnum():
        raise ConfigError(
            f"{PREFIX}CHATWOOT_SECRET is not {SHORTEST_SECRET} letters and digits. "
            "Make one: openssl rand -hex 32"
        )
    url = httpx.URL(settings.chatwoot_url)
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise ConfigError(f"{PREFIX}CHATWOOT_URL is no address. Set it like https://chat.example.com")
    http = httpx.AsyncClient(base_url=url, timeout=SECONDS, follow_redirects=False, trust_env=False)
    api = Api(
        http,
        account=account,
        agent_token=_secret(settings.chatwoot_token, "TOKEN"),
        bot_token=_secret(settings.chatwoot_bot_token, "BOT_TOKEN"),
    )
    return ChatwootChannel(service, http, api, account, secret)


def _secret(value: SecretStr | None, name: str) -> str:
    if value is None or not value.get_secret_value():
        raise ConfigError(f"{PREFIX}CHATWOOT_{name} is not set. docs/chatwoot.md says where to find it.")
    return value.get_secret_value()
