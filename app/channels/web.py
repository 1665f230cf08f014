"""The website channel: proves who speaks, stores what was said before it acknowledges, streams events.

It translates and decides nothing: what a message leads to is decided behind `Core`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.channels.edge import Edge, Refusal, answer, sentence
from app.channels.stream import EventStream, Log, events_after
from app.channels.wire import (
    Accepted,
    ConversationIn,
    ConversationOut,
    ConversationWithMessages,
    ErrorOut,
    Health,
    MessageIn,
    NothingIn,
    RequestOut,
    StreamedEvent,
    VisitorOut,
    decided,
    said,
    shown,
)
from app.errors import NotFound
from app.identity import IdentitySettings, Visitors, issue_visitor, prove
from app.models import ActionRequest, Conversation, Message, Principal, Role
from app.ports import Clock
from knowledge.model import Value

LONGEST_TEXT = 20_000
DIST = Path(__file__).parent.parent / "web" / "dist"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Store(Visitors, Log, Protocol):
    async def open_conversation(
        self, principal: Principal, channel: str, *, context: Mapping[str, str]
    ) -> str: ...
    async def conversation(self, id: str) -> Conversation | None: ...
    async def accept(
        self, conversation: str, role: Role, text: str, *, client_id: str, context: Mapping[str, str]
    ) -> tuple[Message, bool]: ...
    async def messages(self, conversation: str) -> Sequence[Message]: ...


class Core(Protocol):
    """What this channel needs of the service behind it."""

    @property
    def store(self) -> Store: ...
    @property
    def settings(self) -> IdentitySettings: ...
    @property
    def clock(self) -> Clock: ...

    async def start_message(self, message_id: str) -> None:
        """Starts the durable work on a stored message and returns at once; again changes nothing."""
        ...

    async def ask_for_person(self, conversation: str) -> None: ...
    async def take_over(self, conversation: str, by: Principal) -> None: ...
    async def give_back(self, conversation: str, by: Principal) -> None: ...

    async def decide_request(
        self, request_id: str, decision: Literal["approve", "reject"], by: Principal
    ) -> ActionRequest:
        """Raises `NotFound` for whoever may not know of it, `BadInput` where it cannot be decided now."""
        ...

    async def not_ready(self) -> str | None:
        """Why messages cannot be handled now; None when they can."""
        ...


# --- who speaks, and about what ---


class Proven(Value):
    principal: Principal
    until: datetime | None = Field(description="When the proof ends; None where it does not.")


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
    header = request.headers.get("authorization")
    principal, until = await prove(header, core.settings, core.store, core.clock())
    return Proven(principal=principal, until=until)


Proof = Annotated[Proven, Depends(_proven)]


async def _customer(proof: Proof) -> Principal:
    if proof.principal.kind == "agent":
        raise Refusal(
            403, "agents_elsewhere", "Agents do not write as customers.", "Use /v1/agent/... instead."
        )
    return proof.principal


async def _agent(proof: Proof) -> Principal:
    if proof.principal.kind != "agent":
        raise Refusal(403, "agents_only", "Only agents may do this.", "Sign in as an agent.")
    return proof.principal


Customer = Annotated[Principal, Depends(_customer)]
Agent = Annotated[Principal, Depends(_agent)]


async def _readable(id: str, core: Here, proof: Proof) -> Conversation:
    return await _find(core, id, proof.principal)


async def _own(id: str, core: Here, principal: Customer) -> Conversation:
    return await _find(core, id, principal)


async def _for_agent(id: str, core: Here, principal: Agent) -> Conversation:
    return await _find(core, id, principal)


async def _find(core: Core, id: str, principal: Principal) -> Conversation:
    """The conversation, for its party and for agents; nobody else learns whether it exists."""
    found = await core.store.conversation(id)
    if found is None or (principal.kind != "agent" and found.principal.party != principal.party):
        raise NotFound
    return found


Readable = Annotated[Conversation, Depends(_readable)]
Own = Annotated[Conversation, Depends(_own)]
ForAgent = Annotated[Conversation, Depends(_for_agent)]


# --- routes ---

_NO: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorOut, "description": "No valid token"},
    404: {"model": ErrorOut, "description": "Not there for you"},
    413: {"model": ErrorOut, "description": "Too long"},
    422: {"model": ErrorOut, "description": "Cannot be used"},
}
_routes = APIRouter(route_class=Edge)
_v1 = APIRouter(prefix="/v1", route_class=Edge, responses=_NO)


@_v1.post("/visitors", status_code=201, tags=["Customers"])
async def issue_visitor_token(core: Here, body: NothingIn | None = None) -> VisitorOut:
    """A token for one anonymous visitor: answers and handoff, nothing of an account."""
    return VisitorOut(token=await issue_visitor(core.store))


@_v1.post("/conversations", status_code=201, tags=["Customers"])
async def open_conversation(
    core: Here, principal: Customer, request: Request, body: ConversationIn
) -> ConversationOut:
    """Opens a conversation of whoever the token proves. It stays theirs, and what they were then."""
    id = await core.store.open_conversation(principal, "web", context=_context(request, body.page))
    return shown(await _find(core, id, principal))


@_v1.get("/conversations/{id}", tags=["Customers"])
async def read_conversation(core: Here, conversation: Readable) -> ConversationWithMessages:
    """How a conversation stands, and everything said in it."""
    messages = await core.store.messages(conversation.id)
    return ConversationWithMessages(
        **shown(conversation).model_dump(),
        messages=tuple(said(message) for message in messages),
        seq=await core.store.last_seq(conversation.id),
    )


@_v1.post("/conversations/{id}/messages", status_code=202, tags=["Customers"])
async def send_message(core: Here, conversation: Own, request: Request, body: MessageIn) -> Accepted:
    """Stores the message, then acknowledges it. What follows from it comes as events."""
    accepted = await _accept(core, conversation, "customer", request, body)
    # Also for a message seen before: the first try may have been cut off between storing and starting.
    await core.start_message(accepted.message.id)
    return accepted


@_v1.get(
    "/conversations/{id}/events",
    tags=["Customers"],
    response_class=EventStream,
    responses={200: {"model": StreamedEvent, "description": "A stream of events"}},
)
async def stream_events(
    core: Here,
    *,
    conversation: Readable,
    proof: Proof,
    ending: Ending,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,15}$")] = None,
) -> Response:
    """The numbered events after `Last-Event-ID` (or `after`), then new ones as they come, as SSE.

    Leaving cancels nothing. The stream ends when the token does: come back with a fresh one.
    """
    start = int(last_event_id) if last_event_id is not None else after
    return EventStream(
        events_after(start, core.store, conversation.id, clock=core.clock, until=proof.until, ending=ending),
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@_v1.post("/conversations/{id}/handoff", status_code=202, tags=["Customers"])
async def talk_to_a_person(core: Here, conversation: Own, body: NothingIn | None = None) -> ConversationOut:
    """Asks for a person, who gets everything known so far. Asking again changes nothing."""
    await core.ask_for_person(conversation.id)
    return shown(await core.store.conversation(conversation.id) or conversation)


@_v1.post("/requests/{id}/approve", tags=["Approvals"])
async def approve_request(id: str, core: Here, proof: Proof, body: NothingIn | None = None) -> RequestOut:
    """A yes to exactly this action request, by the customer or agent it asks for."""
    return decided(await core.decide_request(id, "approve", proof.principal))


@_v1.post("/requests/{id}/reject", tags=["Approvals"])
async def reject_request(id: str, core: Here, proof: Proof, body: NothingIn | None = None) -> RequestOut:
    """A no to it: nothing is changed."""
    return decided(await core.decide_request(id, "reject", proof.principal))


@_v1.post("/agent/conversations/{id}/messages", status_code=202, tags=["Agents"])
async def send_as_agent(
    core: Here, conversation: ForAgent, agent: Agent, request: Request, body: MessageIn
) -> Accepted:
    """A person's words to the customer; whoever writes has taken over."""
    if not conversation.person_active:
        await core.take_over(conversation.id, agent)
    return await _accept(core, conversation, "agent", request, body)


@_v1.post("/agent/conversations/{id}/take-over", tags=["Agents"])
async def take_over(
    core: Here, conversation: ForAgent, agent: Agent, body: NothingIn | None = None
) -> ConversationOut:
    """From now on a person answers; Stepfour stays silent there."""
    await core.take_over(conversation.id, agent)
    return shown(await core.store.conversation(conversation.id) or conversation)


@_v1.post("/agent/conversations/{id}/give-back", tags=["Agents"])
async def give_back(
    core: Here, conversation: ForAgent, agent: Agent, body: NothingIn | None = None
) -> ConversationOut:
    """Stepfour answers again."""
    await core.give_back(conversation.id, agent)
    return shown(await core.store.conversation(conversation.id) or conversation)


@_routes.get("/healthz", tags=["Operation"])
async def healthy() -> Health:
    """The process answers."""
    return Health()


@_routes.get("/readyz", tags=["Operation"], responses={503: {"model": ErrorOut}})
async def ready(core: Here) -> Health:
    """Messages can be handled."""
    why_not = await core.not_ready()
    if why_not is not None:
        raise Refusal(503, "not_ready", sentence(why_not), "Run `stepfour doctor`.")
    return Health()


@_routes.get("/", include_in_schema=False)
async def chat_page() -> Response:
    return _file("index.html")


@_routes.get("/docs", include_in_schema=False)
async def docs_page() -> Response:
    return _file("docs.html")


@_routes.get("/assets/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    return _file(name)


# --- composition ---


def create_router(core: Core, ending: asyncio.Event | None = None) -> APIRouter:
    """Every route of this channel, on this core. Open streams end when `ending` is set."""
    end = ending or asyncio.Event()

    def bind(request: Request) -> None:
        request.state.core, request.state.ending = core, end

    router = APIRouter(route_class=Edge, dependencies=[Depends(bind)])
    router.include_router(_v1)
    router.include_router(_routes)
    return router


def create_app(
    core: Core, *, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    """The whole site: this channel, its pages, and our shape for every error."""
    app = FastAPI(
        title="Stepfour",
        version="1",
        summary="Send messages, follow numbered events, approve what waits for you.",
        docs_url=None,  # the framework's page pulls scripts from a third party
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.ending = asyncio.Event()
    app.include_router(create_router(core, app.state.ending))

    async def refuse(_: Request, error: Exception) -> Response:
        return answer(error)

    for kind in (StarletteHTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, refuse)
    return app


def end_streams(app: FastAPI) -> None:
    """Ends the open event streams, so that the server can stop at once; their readers come back by number."""
    app.state.ending.set()


# --- translating ---


async def _accept(
    core: Core, conversation: Conversation, role: Role, request: Request, body: MessageIn
) -> Accepted:
    text = _clean(body.text)
    message, new = await core.store.accept(
        conversation.id,
        role,
        text,
        client_id=body.client_message_id,
        context=_context(request, body.page),
    )
    if (message.role, message.text) != (role, text):
        raise Refusal(
            409,
            "client_message_id_used",
            "This client_message_id was used for another message.",
            "Make a new id for each message.",
        )
    seq = await core.store.last_seq(conversation.id)
    return Accepted(message=said(message), seq=seq, seen_before=not new)


def _clean(text: str) -> str:
    """What was said, without characters that no one can see. Refuses what cannot be read."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text:
        raise Refusal(422, "empty", "The message has no text.", "Write something and send it again.")
    if len(text) > LONGEST_TEXT:
        raise Refusal(
            413,
            "too_long",
            f"The message has {len(text):,} characters; {LONGEST_TEXT:,} is the most.",
            "Send the part that matters, or several messages.",
        )
    return text


def _context(request: Request, page: str | None) -> dict[str, str]:
    """What the client shows without being asked, so that nobody has to ask for it."""
    headers = request.headers
    shown = {
        "user_agent": headers.get("user-agent", "")[:400],
        "page": _without_query(page or headers.get("referer", "")),
        "language": headers.get("accept-language", "")[:200],
    }
    return {name: value for name, value in shown.items() if value}


def _without_query(page: str) -> str:
    """Queries and fragments carry secrets: they are not kept."""
    try:
        parts = urlsplit(_CONTROL.sub("", page))
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    return (f"{parts.scheme}://{host}{parts.path}" if host else parts.path)[:500]


def _file(name: str) -> Response:
    """A built file of the page. Only names that are there: nothing is joined to a path."""
    found = next((path for path in DIST.iterdir() if path.name == name), None)
    if found is None:
        raise NotFound
    return FileResponse(found, headers={"cache-control": "no-cache"})
