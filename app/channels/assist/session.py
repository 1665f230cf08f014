"""Who the agent is: a session cookie or the desk's signed token; and how a session begins and ends."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

from fastapi import Depends, Header, Request, Response, Security
from fastapi.security import SecurityScopes

from app.channels.assist.core import AssistSettings, Core
from app.channels.edge import Refusal
from app.channels.limits import spend
from app.channels.wire import refused
from app.errors import NotAuthentic, NotFound
from app.identity import Proven, agent_session, digest, prove
from app.models.conversation import Conversation
from app.models.people import AgentRight, Principal, Way
from app.texts import accepted
from knowledge.model import Value

log = logging.getLogger(__name__)

SESSION_S = 12 * 3600
"""How long the browser keeps the cookie; the session itself ends on the server."""
TICKET_S = 60
STREAM_S = 300
"""A stream that a cookie opened ends after so long: who has signed out is not told for longer."""
HEADER = "stepfour-agent"
COOKIE, SAFE_COOKIE = "stepfour-agent", "__Host-stepfour-agent"
NO: dict[int | str, dict[str, Any]] = {
    401: refused("Not signed in"),
    403: refused("Not for you, or not from our page"),
    404: refused("Not there for you"),
    409: refused("Not as it stands now"),
    422: refused("Cannot be used"),
}
_TICKET = re.compile(r"ticket_[A-Za-z0-9_-]{43}(?:\.([A-Za-z0-9_.-]{1,100}))?")


class Signed(Value):
    """The agent of a request, or the machine that a route is open to."""

    agent: Principal
    way: Way | None
    """None for a machine."""
    until: datetime
    """When the proof has to be held again."""
    rights: frozenset[AgentRight] = frozenset()
    """What the provider's roles give, read now."""
    cookie: bool
    """By the cookie: the browser sends it whoever asks, so a write needs more."""


# --- the cookie ---------------------------------------------------------------------------------


def over_https(settings: AssistSettings) -> bool:
    return (settings.public_url or "").lower().startswith("https://")


def cookie_name(settings: AssistSettings) -> str:
    return SAFE_COOKIE if over_https(settings) else COOKIE


def set_cookie(response: Response, settings: AssistSettings, token: str, seconds: int = SESSION_S) -> None:
    """The session's cookie; partitioned by the desk around the frame, where it is in one."""
    kind = "SameSite=None; Secure; Partitioned" if over_https(settings) else "SameSite=Lax"
    response.headers.append(
        "set-cookie", f"{cookie_name(settings)}={token}; Path=/; Max-Age={seconds}; HttpOnly; {kind}"
    )


# --- the proof ----------------------------------------------------------------------------------


def _core(request: Request) -> Core:
    core: Core = request.state.core
    return core


def _end(request: Request) -> asyncio.Event:
    ending: asyncio.Event = request.state.ending
    return ending


def _lang(accept_language: Annotated[str, Header(max_length=400)] = "en") -> str:
    """The agent's language, for our words; what people wrote stays as it is."""
    return accepted(accept_language)


Here = Annotated[Core, Depends(_core)]
Lang = Annotated[str, Depends(_lang)]
Ending = Annotated[asyncio.Event, Depends(_end)]


async def of_cookie(request: Request, core: Core) -> Proven:
    return await of_session(request.cookies.get(cookie_name(core.settings)), core)


async def of_session(token: str | None, core: Core) -> Proven:
    return await agent_session(token, core.store, core.settings, core.clock())


async def _signed(request: Request, core: Here, wanted: SecurityScopes) -> Signed:
    signed = await _proven(request, core, wanted)
    if signed.agent.kind == "machine":
        spend(request, "machines", signed.agent.party, core.clock())
    return signed


async def _proven(request: Request, core: Core, wanted: SecurityScopes) -> Signed:
    """A token in Authorization counts before the cookie; a write with the cookie must come from our page.

    A route that names a scope is open to machines with that scope, any other to people alone.
    """
    header = request.headers.get("authorization")
    if header is None:
        proven = await of_cookie(request, core)
        if request.method not in ("GET", "HEAD"):
            from_our_page(request, core.settings)
        until = core.clock() + timedelta(seconds=STREAM_S)
        return Signed(agent=proven.principal, way=proven.way, until=until, rights=proven.rights, cookie=True)
    proven = await prove(header, core.settings, core.store, core.clock())
    who = proven.principal
    if who.kind == "machine":
        _may(proven, wanted.scopes)
    elif who.kind != "agent":
        raise Refusal(403, "agents_only", "Only agents may do this.", "Sign in as an agent.")
    until = proven.until or core.clock() + timedelta(seconds=STREAM_S)
    return Signed(agent=who, way=proven.way, until=until, cookie=False)


def _may(machine: Proven, wanted: list[str]) -> None:
    if not wanted:
        raise Refusal(403, "people_only", "No API key opens this.", "Let a person do it: /assist")
    missing = [scope for scope in wanted if scope not in machine.scopes]
    if missing:
        raise Refusal(
            403,
            "scope_missing",
            f"This API key has no scope {missing[0]}.",
            f"Make one that has it: stepfour keys api NAME --scope {missing[0]}",
        )


Proof = Annotated[Signed, Depends(_signed)]


async def _agent(signed: Proof) -> Principal:
    return signed.agent


async def _machine(signed: Proof) -> Principal:
    """What a person of our side has no screen for is done by whoever an operator made a key for."""
    if signed.agent.kind != "machine":
        raise Refusal(
            403,
            "keys_only",
            "Only an API key opens this.",
            "Ask whoever runs this installation: stepfour customers export WHO --to FILE",
        )
    return signed.agent


Agent = Annotated[Principal, Depends(_agent)]
"""A person of our side. Where machines may come, too, a route says `Reads`, `Writes` or `Notes`."""
Reads = Annotated[Principal, Security(_agent, scopes=["conversations:read"])]
Writes = Annotated[Principal, Security(_agent, scopes=["conversations:write"])]
Notes = Annotated[Principal, Security(_agent, scopes=["notes:write"])]
Exports = Annotated[Principal, Security(_machine, scopes=["customers:export"])]
Follows = Annotated[Signed, Security(_signed, scopes=["conversations:read"])]


async def still_signed(request: Request, core: Core, signed: Signed) -> bool:
    """Whether whoever opened a stream is still one who may: sessions, lists and keys end at any time."""
    try:
        scopes = ["conversations:read"]
        now = await _proven(request, core, SecurityScopes(scopes))
    except (NotAuthentic, Refusal):
        return False
    return now.agent == signed.agent


def from_our_page(request: Request, settings: AssistSettings) -> None:
    """No other site's page sends our header, and none can pass for our origin. Refuses what did not."""
    if request.headers.get(HEADER) != "1":
        raise Refusal(
            403, "header_missing", "The header Stepfour-Agent is missing.", "Send `Stepfour-Agent: 1`."
        )
    origin = request.headers.get("origin")
    if origin is not None and not _ours(origin, request, settings):
        raise Refusal(403, "foreign_origin", "This came from another site.", "Use our own page: /assist")


def _ours(origin: str, request: Request, settings: AssistSettings) -> bool:
    try:
        asked = urlsplit(origin)
        public = urlsplit(settings.public_url or "")
    except ValueError:
        return False
    if asked.scheme not in ("http", "https") or not asked.netloc:
        return False
    known = bool(public.netloc) and (asked.scheme, asked.netloc) == (public.scheme, public.netloc)
    return known or asked.netloc == request.headers.get("host")


async def _for_agent(id: str, core: Here, agent: Agent, request: Request) -> Conversation:
    found = await core.store.conversation(id)
    if found is None:
        raise NotFound
    note_access(request, agent, f"conversation {id}")
    await core.store.seen(id, agent)
    return found


ForAgent = Annotated[Conversation, Depends(_for_agent)]
ToRead = Annotated[Conversation, Security(_for_agent, scopes=["conversations:read"])]
ToWrite = Annotated[Conversation, Security(_for_agent, scopes=["conversations:write"])]
ToNote = Annotated[Conversation, Security(_for_agent, scopes=["notes:write"])]


def note_access(request: Request, agent: Principal, what: str) -> None:
    """Who looked at or changed what: ids alone, no word that anybody wrote."""
    log.info("agent %r %s %s: %s", agent.id, request.method, request.url.path, what)


# --- how a session begins -----------------------------------------------------------------------


async def session_for(code: str, core: Core) -> tuple[str, str | None]:
    """(session token, the conversation a ticket was made for). Raises `NotAuthentic`; a code counts once."""
    ticket = _TICKET.fullmatch(code)
    if ticket is None:
        return await core.sign_in(code), None
    for way in get_args(Way):
        agent = await core.store.take_one_time(digest(code), f"ticket:{way}", core.clock())
        if agent is not None:
            return await core.open_session(agent.id, way), ticket[1]
    raise NotAuthentic("This ticket was used or is too old. Ask the desk for a new one.")


async def new_ticket(
    core: Core, agent: Principal, way: Way | None, conversation: str | None = None
) -> tuple[str, datetime]:
    """A ticket for one agent, used once within a minute; whom it signs in came in the way that they did.

    Only the digest of the whole is kept: a ticket whose conversation was changed is an unknown one.
    """
    named = f".{conversation}" if conversation else ""
    ticket = f"ticket_{secrets.token_urlsafe(32)}{named}"
    until = core.clock() + timedelta(seconds=TICKET_S)
    await core.store.keep_one_time(digest(ticket), f"ticket:{way}", agent, until)
    return ticket, until
