"""Who speaks, and about which conversation: every route's proof, from the request's headers alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.channels.core import Core
from app.channels.edge import Refusal
from app.errors import NotAuthentic, NotFound
from app.identity import Proven, prove
from app.models.conversation import Conversation
from app.models.people import Principal

_bearer = HTTPBearer(auto_error=False, description="A JWT of your site, or a token from POST /v1/visitors.")


def _core(request: Request) -> Core:
    core: Core = request.state.core
    return core


def _end(request: Request) -> asyncio.Event:
    ending: asyncio.Event = request.state.ending
    return ending


Here = Annotated[Core, Depends(_core)]
Ending = Annotated[asyncio.Event, Depends(_end)]


async def _proven(
    request: Request, core: Here, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Proven:
    proven = await prove(request.headers.get("authorization"), core.settings, core.store, core.clock())
    if proven.principal.kind == "machine":
        raise Refusal(
            403, "machines_elsewhere", "An API key is no customer.", "Use /v1/agent/..., as its scopes allow."
        )
    return proven


Proof = Annotated[Proven, Depends(_proven)]


async def _still(request: Request, core: Here, proof: Proof) -> Callable[[], Coroutine[Any, Any, bool]]:
    """Whether the request's token still proves the same person: keys and customers go."""
    header = request.headers.get("authorization")

    async def still() -> bool:
        try:
            now = await prove(header, core.settings, core.store, core.clock())
        except NotAuthentic:
            return False
        return now.principal == proof.principal

    return still


Still = Annotated[Callable[[], Coroutine[Any, Any, bool]], Depends(_still)]


async def _customer(proof: Proof) -> Principal:
    if proof.principal.kind == "agent":
        raise Refusal(
            403, "agents_elsewhere", "Agents do not write as customers.", "Use /v1/agent/... instead."
        )
    return proof.principal


Customer = Annotated[Principal, Depends(_customer)]


async def _signed_in(principal: Customer) -> Principal:
    if principal.kind != "customer":
        raise Refusal(
            403, "sign_in_first", "This is for signed-in customers.", "Send a token that your site signed."
        )
    return principal


SignedIn = Annotated[Principal, Depends(_signed_in)]


async def _readable(id: str, core: Here, proof: Proof) -> Conversation:
    return await find(core, id, proof.principal)


async def _own(id: str, core: Here, principal: Customer) -> Conversation:
    return await find(core, id, principal)


async def find(core: Core, id: str, principal: Principal) -> Conversation:
    """The conversation, for its party and for agents; nobody else learns whether it exists."""
    found = await core.store.conversation(id)
    if found is None or not readable(found, principal):
        raise NotFound
    return found


def readable(conversation: Conversation, principal: Principal) -> bool:
    return principal.kind == "agent" or conversation.principal.party == principal.party


Readable = Annotated[Conversation, Depends(_readable)]
Own = Annotated[Conversation, Depends(_own)]
