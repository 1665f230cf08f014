"""What customers may do over HTTP: talk, see how it stands, correct us, and decide what waits for them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from hmac import compare_digest
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from app.channels.core import Core
from app.channels.door import busy
from app.channels.edge import Edge, Refusal
from app.channels.limits import per_address, per_conversation, per_party
from app.channels.proof import Customer, Ending, Here, Own, Proof, Readable, SignedIn, Still, find, readable
from app.channels.stream import EventStream, events_after
from app.channels.wire import (
    Accepted,
    ConversationIn,
    ConversationOut,
    ConversationsOut,
    ConversationWithMessages,
    DecisionIn,
    FeedbackIn,
    LinkCodeOut,
    MessageIn,
    NothingIn,
    RequestOut,
    SolvedIn,
    StreamedEvent,
    VisitorOut,
    decided,
    refused,
    said,
    shown,
)
from app.errors import NotAuthentic, NotFound
from app.identity import issue_visitor, prove
from app.models.conversation import Attachment, Conversation, Role
from app.models.people import Principal
from app.models.request import ActionRequest

LONGEST_TEXT = 20_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

NO: dict[int | str, dict[str, Any]] = {
    401: refused("No valid token"),
    403: refused("Not for you to do"),
    404: refused("Not there for you"),
    413: refused("Too long"),
    422: refused("Cannot be used"),
    429: refused("Too often: `Retry-After` says how many seconds to wait"),
}
routes = APIRouter(prefix="/v1", route_class=Edge, responses=NO)

StepId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]

# --- conversations ---


async def room(core: Here) -> AsyncIterator[None]:
    """What the door let in at the same time as others: nothing of it is stored, either."""
    with core.taking_in() as seconds:
        if seconds:
            raise busy(seconds)
        yield


@routes.post(
    "/visitors", status_code=201, tags=["Customers"], dependencies=[Depends(per_address("visitors"))]
)
async def issue_visitor_token(core: Here, body: NothingIn | None = None) -> VisitorOut:
    """A token for one anonymous visitor: answers and handoff, nothing of an account."""
    return VisitorOut(token=await issue_visitor(core.store))


@routes.get("/conversations", tags=["Customers"])
async def list_conversations(core: Here, principal: Customer) -> ConversationsOut:
    """Your own conversations, on every channel."""
    own = await core.store.conversations_of(principal.party)
    return ConversationsOut(
        conversations=tuple(shown(c) for c in own if c.principal.party == principal.party)
    )


@routes.post(
    "/conversations",
    status_code=201,
    tags=["Customers"],
    dependencies=[Depends(room), Depends(per_party("conversations"))],
)
async def open_conversation(
    core: Here, principal: Customer, request: Request, body: ConversationIn
) -> ConversationOut:
    """Opens a conversation of whoever the token proves. It stays theirs, and what they were then."""
    id = await core.store.open_conversation(principal, "web", context=client_context(request, body.page))
    return shown(await find(core, id, principal))


@routes.get("/conversations/{id}", tags=["Customers"])
async def read_conversation(core: Here, conversation: Readable) -> ConversationWithMessages:
    """How a conversation stands, and everything said in it."""
    messages = await core.store.messages(conversation.id)
    return ConversationWithMessages(
        **shown(conversation).model_dump(),
        messages=tuple(said(message) for message in messages),
        seq=await core.store.last_seq(conversation.id),
    )


@routes.post(
    "/conversations/{id}/messages",
    status_code=202,
    tags=["Customers"],
    responses={409: refused("That client_message_id is another message's")},
    dependencies=[Depends(room), Depends(per_party("messages", crowd="crowd"))],
)
async def send_message(core: Here, conversation: Own, request: Request, body: MessageIn) -> Accepted:
    """Stores the message, then acknowledges it. What follows from it comes as events."""
    accepted = await accept(core, conversation, "customer", request, body)
    # Also for a message seen before: the first try may have been cut off between storing and starting.
    await core.start_message(accepted.message.id)
    return accepted


@routes.get(
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
    still_proven: Still,
    ending: Ending,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,15}$")] = None,
) -> Response:
    """The numbered events after `Last-Event-ID` (or `after`), then new ones as they come, as SSE.

    Leaving cancels nothing. The stream ends when the token does: come back with a fresh one.
    """
    start = int(last_event_id) if last_event_id is not None else after

    async def still() -> bool:
        """A conversation may become somebody else's while a visitor follows it, and a key may go."""
        now = await core.store.conversation(conversation.id)
        return now is not None and readable(now, proof.principal) and await still_proven()

    return EventStream(
        events_after(
            start,
            core.store,
            conversation.id,
            clock=core.clock,
            until=proof.until,
            ending=ending,
            still=still,
            as_of_now=core.as_of_now,
        ),
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


# --- moves of the customer ---

_moves: dict[str, Any] = {
    "status_code": 202,
    "tags": ["Customers"],
    "dependencies": [Depends(per_party("moves"))],
}
_checks = _moves | {"dependencies": [Depends(per_conversation("checks"))]}


@routes.post("/conversations/{id}/handoff", **_moves)
async def talk_to_a_person(core: Here, conversation: Own, body: NothingIn | None = None) -> ConversationOut:
    """Asks for a person, who gets everything known so far. Asking again changes nothing."""
    await core.ask_for_person(conversation.id)
    return await _now(core, conversation)


@routes.post("/conversations/{id}/check", **_checks)
async def check_again(
    core: Here, conversation: Own, principal: Customer, body: NothingIn | None = None
) -> ConversationOut:
    """Looks again at what machines can see, and goes on from what is seen now."""
    await core.look_again(conversation.id, principal)
    return await _now(core, conversation)


@routes.post("/conversations/{id}/steps/{step}/dispute", **_checks)
async def dispute_step(
    step: StepId, core: Here, conversation: Own, principal: Customer, body: NothingIn | None = None
) -> ConversationOut:
    """ "That's not right": turns round what we took for the customer's word, and looks again."""
    await core.dispute(conversation.id, step, principal)
    return await _now(core, conversation)


@routes.post("/conversations/{id}/feedback", **_moves)
async def give_feedback(
    core: Here, conversation: Own, principal: Customer, body: FeedbackIn
) -> ConversationOut:
    """Whether an answer helped, and why."""
    reason = _CONTROL.sub("", body.reason or "").strip() or None
    await core.feedback(conversation.id, body.message, body.helped, reason, principal)
    return await _now(core, conversation)


@routes.post("/conversations/{id}/solved", **_moves)
async def say_if_solved(
    core: Here, conversation: Own, principal: Customer, body: SolvedIn
) -> ConversationOut:
    """The answer to whether it is solved; a no reopens it with everything known."""
    await core.solved(conversation.id, body.solved, principal)
    return await _now(core, conversation)


@routes.post("/conversations/{id}/join", **_moves)
async def join_conversation(
    id: str,
    core: Here,
    principal: SignedIn,
    stepfour_visitor: Annotated[str | None, Header(max_length=200)] = None,
    body: NothingIn | None = None,
) -> ConversationOut:
    """What a visitor began goes on as the signed-in customer's: both tokens must be sent, and both hold.

    The signed token goes into `Authorization`, the visitor's into `Stepfour-Visitor`.
    """
    header = f"Bearer {stepfour_visitor or ''}"
    visitor = (await prove(header, core.settings, core.store, core.clock())).principal
    if visitor.kind != "anonymous":
        raise NotAuthentic("That is no visitor's token. Send in Stepfour-Visitor the one that began this.")
    conversation = await core.store.conversation(id)
    if conversation is None or conversation.principal.party not in (visitor.party, principal.party):
        raise NotFound
    if conversation.principal.party == visitor.party:
        await core.join(id, principal)
    return await _now(core, conversation)


@routes.post("/link-codes", status_code=201, tags=["Customers"], dependencies=[Depends(per_party("codes"))])
async def make_link_code(core: Here, principal: SignedIn, body: NothingIn | None = None) -> LinkCodeOut:
    """A one-time code that proves in another place, such as Slack, that it is you."""
    code, expires_at = await core.link_code(principal)
    return LinkCodeOut(code=code, expires_at=expires_at)


async def _now(core: Core, conversation: Conversation) -> ConversationOut:
    return shown(await core.store.conversation(conversation.id) or conversation)


# --- approvals ---

_approvals: dict[str, Any] = {
    "tags": ["Approvals"],
    "responses": {409: refused("It is not what the card showed")},
    "dependencies": [Depends(per_party("moves"))],
}


@routes.post("/requests/{id}/approve", **_approvals)
async def approve_request(id: str, core: Here, proof: Proof, body: DecisionIn | None = None) -> RequestOut:
    """A yes to exactly this action request, by the customer or agent it asks for."""
    return decided(await _decide(core, id, "approve", proof.principal, body))


@routes.post("/requests/{id}/reject", **_approvals)
async def reject_request(id: str, core: Here, proof: Proof, body: DecisionIn | None = None) -> RequestOut:
    """A no to it: nothing is changed."""
    return decided(await _decide(core, id, "reject", proof.principal, body))


async def _decide(
    core: Core, id: str, decision: Literal["approve", "reject"], by: Principal, body: DecisionIn | None
) -> ActionRequest:
    if body is not None and body.digest is not None:
        request = await core.store.request(id)
        if request is None or (by.kind != "agent" and request.principal.party != by.party):
            raise NotFound
        if not compare_digest(request.digest, body.digest):
            raise Refusal(
                409,
                "changed",
                "This is not what the card showed.",
                "Read the newest card and decide on that.",
            )
    return await core.decide_request(id, decision, by)


# --- translating ---


async def accept(
    core: Core, conversation: Conversation, role: Role, request: Request, body: MessageIn
) -> Accepted:
    attachments = await _attachments(core, conversation, body.attachments)
    text = cleaned(body.text, may_be_empty=bool(attachments))
    message, new = await core.store.accept(
        conversation.id,
        role,
        text,
        client_id=body.client_message_id,
        context=client_context(request, body.page),
        **({"attachments": attachments} if attachments else {}),
    )
    if (message.role, message.text, message.attachments) != (role, text, attachments):
        raise Refusal(
            409,
            "client_message_id_used",
            "This client_message_id was used for another message.",
            "Make a new id for each message.",
        )
    seq = await core.store.last_seq(conversation.id)
    return Accepted(message=said(message), seq=seq, seen_before=not new)


async def _attachments(
    core: Core, conversation: Conversation, ids: tuple[str, ...]
) -> tuple[Attachment, ...]:
    """The files of these ids; one of another conversation is not there."""
    found = []
    for id in dict.fromkeys(ids):
        known = await core.store.attachment(id)
        if known is None or known[0] != conversation.id:
            raise Refusal(
                422, "no_such_attachment", "A file of this message is not here.", "Upload it here first."
            )
        found.append(known[1])
    return tuple(found)


def cleaned(text: str, *, may_be_empty: bool = False) -> str:
    """What was said, without characters that no one can see. Refuses what cannot be read."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not text and not may_be_empty:
        raise Refusal(422, "empty", "The message has no text.", "Write something and send it again.")
    if len(text) > LONGEST_TEXT:
        raise Refusal(
            413,
            "too_long",
            f"The message has {len(text):,} characters; {LONGEST_TEXT:,} is the most.",
            "Send the part that matters, or several messages.",
        )
    return text


def client_context(request: Request, page: str | None) -> dict[str, str]:
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
