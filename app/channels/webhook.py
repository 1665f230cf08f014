"""Sends every handoff with its dossier, and what a sync changed, to an address of the operator's, signed, at
least once.

A receiver tells a repetition by `Stepfour-Delivery` and a forgery by `Stepfour-Signature`: docs/webhooks.md.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from app import events
from app.delivery import TryLater
from app.errors import ConfigError
from app.handoff import as_text
from app.links import case_link
from app.models.dossier import Dossier
from app.models.event import AGENTS, Event
from app.settings import PREFIX
from app.signing import signature

if TYPE_CHECKING:
    from app.adapters.store import Store
    from app.ports import Clock
    from app.settings import Settings

logger = logging.getLogger(__name__)

NAME = "webhook"
SECONDS = 10.0
"""How long a receiver may take; it should store and answer, and work afterwards."""
PAUSES_S = (5.0, 30.0, 120.0, 600.0, 3600.0)
"""After the first, second ... failure of one delivery; then every so often as the last of them says."""
GIVEN_UP_AFTER = timedelta(days=3)
SHORTEST_SECRET = 32


KINDS = {"agent.handoff": "handoff", "agent.knowledge": "knowledge"}
"""Events that are sent, and what the ids of their deliveries begin with."""


class Changed(Protocol):
    """What a sync changed, by its number."""

    async def __call__(self, run: int, now: datetime) -> dict[str, Any]: ...


class Core(Protocol):
    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...


class WebhookOutlet:
    """Follows the agents' log. Deliveries keep their order: one that fails holds up those behind it."""

    name = NAME
    channel: str | None = None
    agents = True

    def __init__(
        self,
        service: Core,
        http: httpx.AsyncClient,
        url: str,
        secret: str,
        changed: Changed | None = None,
    ) -> None:
        self._service, self._http, self._url, self._secret = service, http, url, secret
        self._changed = changed
        self._failures: dict[str, int] = {}

    async def deliver(self, log: str, events: Sequence[Event]) -> None:
        """Raises `TryLater` where the receiver did not take it."""
        for event in events:
            if event.type in KINDS and (event.type != "agent.knowledge" or self._changed):
                await self._send(event)

    async def close(self) -> None:
        await self._http.aclose()

    async def _send(self, event: Event) -> None:
        id, store = delivery_id(event), self._service.store
        if await store.posted(NAME, id) is not None:
            return
        body = await self._body(event, id)
        now = self._service.clock()
        stamp = int(now.timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "Stepfour",
            "stepfour-delivery": id,
            "stepfour-signature": signature(self._secret, stamp, body),
        }
        why = await self._refused(body, headers)
        if why is None:
            self._failures.pop(id, None)
            await store.mark_posted(NAME, id, "sent")
            return
        if now - event.at > GIVEN_UP_AFTER:
            logger.error("webhook delivery %s is given up after %s: %s", id, GIVEN_UP_AFTER, why)
            await store.mark_posted(NAME, id, "given up")
            return
        failures = self._failures[id] = self._failures.get(id, 0) + 1
        pause = PAUSES_S[min(failures, len(PAUSES_S)) - 1]
        logger.warning("webhook delivery %s was not taken (%s); tried again in %s s", id, why, pause)
        raise TryLater(pause)

    async def _refused(self, body: bytes, headers: dict[str, str]) -> str | None:
        """Why it was not taken; None where it was. A redirect is a no, or a dossier would go anywhere."""
        try:
            async with (
                asyncio.timeout(SECONDS),
                self._http.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                return None if answer.is_success else f"status {answer.status_code}"
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__

    async def _body(self, event: Event, id: str) -> bytes:
        if event.type == "agent.knowledge" and self._changed is not None:
            run = events.AgentKnowledge.model_validate(event.payload).run
            told = {"type": "knowledge.changed", "id": id, "at": event.at.isoformat()}
            told |= await self._changed(run, self._service.clock())
            return json.dumps(told, ensure_ascii=False).encode()
        return await self._handoff(event, id)

    async def _handoff(self, event: Event, id: str) -> bytes:
        handoff = events.AgentHandoff.model_validate(event.payload)
        dossier = await self._dossier(handoff)
        settings = self._service.settings
        base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
        api = f"{base}/v1/agent/conversations/{handoff.conversation}"
        told = {
            "type": "handoff",
            "id": id,
            "at": event.at.isoformat(),
            "conversation": handoff.conversation,
            "case": handoff.case,
            "reason": handoff.reason,
            "team": handoff.team,
            "again": handoff.again,
            "dossier": dossier.model_dump(mode="json") if dossier else None,
            "markdown": as_text(dossier, dossier.lang) if dossier else "",
            "links": {
                "conversation": case_link(base, handoff.conversation),
                "dossier_markdown": f"{api}/dossier.md",
                "dossier_json": f"{api}/dossier.json",
            },
        }
        return json.dumps(told, ensure_ascii=False).encode()

    async def _dossier(self, handoff: events.AgentHandoff) -> Dossier | None:
        kept = await self._service.store.dossiers(handoff.conversation)
        found = dict(kept).get(handoff.turn or "")
        return found or (kept[-1][1] if kept else None)


def delivery_id(event: Event) -> str:
    """The same for every attempt at one event of ours."""
    told = f"{AGENTS}:{event.seq}:{event.at.isoformat()}"
    return f"{KINDS[event.type]}_{hashlib.sha256(told.encode()).hexdigest()[:24]}"


def webhook_outlet(
    service: Core, settings: Settings, *, changed: Changed | None = None
) -> WebhookOutlet | None:
    """The outlet as settings say; None where no address is set. Raises `ConfigError`.

    `changed`: what a sync changed, by its number.
    """
    if settings.webhook_url is None:
        return None
    secret = settings.webhook_secret.get_secret_value() if settings.webhook_secret else ""
    if len(secret) < SHORTEST_SECRET:
        raise ConfigError(
            f"{PREFIX}WEBHOOK_SECRET is shorter than {SHORTEST_SECRET} characters. "
            "Make one: openssl rand -hex 32"
        )
    url = httpx.URL(settings.webhook_url)
    plain = url.scheme == "http" and _is_here(url.host)
    if not (plain or url.scheme == "https") or not url.host or url.userinfo:
        raise ConfigError(
            f"{PREFIX}WEBHOOK_URL must be an https address without a name and password in it (http only to "
            "this machine). Set it like https://desk.example.com/stepfour"
        )
    http = httpx.AsyncClient(timeout=SECONDS, follow_redirects=False, trust_env=False)
    return WebhookOutlet(service, http, str(url), secret, changed)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
