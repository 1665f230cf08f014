"""What agents read: the list, the picture of a conversation, what is new, files and dossiers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import IO, Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

from app.channels.assist import views
from app.channels.assist.core import Core, Export, Locate
from app.channels.assist.session import (
    NO,
    Ending,
    Exports,
    Follows,
    Here,
    Lang,
    Reads,
    Signed,
    ToRead,
    note_access,
    still_signed,
)
from app.channels.assist.wire import CasesOut, Filter, LocatedOut
from app.channels.edge import Edge
from app.channels.files import attachment_response
from app.channels.stream import EventStream, events_after
from app.channels.wire import StreamedAgentEvent, StreamedEvent
from app.errors import BadInput, NotFound
from app.handoff import as_text
from app.known import cited_in, dossier_of, pages_since
from app.links import case_link
from app.models.conversation import Conversation
from app.models.dossier import Dossier
from app.models.event import AGENTS
from app.overview import view
from app.picture import View
from app.triage import newest
from knowledge.model import Procedure

routes = APIRouter(prefix="/v1/agent", route_class=Edge, responses=NO, tags=["Agents"])

PIECE = 1 << 18
"""Bytes of an export that are in memory at once."""

After = Annotated[int, Query(ge=0, le=2**53)]
LastEventId = Annotated[str | None, Header(pattern=r"^\d{1,15}$")]
Number = Annotated[int, Path(ge=1, le=2**53)]


def _locate(request: Request) -> Locate | None:
    locate: Locate | None = request.state.locate
    return locate


def _shelf(request: Request) -> views.Shelf:
    shelf: views.Shelf = request.state.shelf
    return shelf


Kept = Annotated[views.Shelf, Depends(_shelf)]


@routes.get("/cases")
async def list_cases(
    core: Here, agent: Reads, request: Request, *, lang: Lang, shelf: Kept, state: Filter = "open"
) -> CasesOut:
    """Conversations and their cases: who waits longest first, then the newest."""
    seq = await core.store.last_seq(AGENTS)
    found = await shelf.rows(core, state, lang)
    note_access(request, agent, f"{len(found)} cases")
    return CasesOut(cases=tuple(found), seq=seq, off=tuple(await core.off()))


@routes.get("/conversations/{id}")
async def see_conversation(core: Here, conversation: ToRead, lang: Lang) -> View:
    """The whole picture: what was said, what is known of each step and from where, and what is next."""
    known = await views.known_of(core.store, conversation)
    became = await core.became(cited_in(known))
    return view(known, lang=lang, now=core.clock(), places=await core.places(), became=became)


@routes.get(
    "/events",
    response_class=EventStream,
    responses={200: {"model": StreamedAgentEvent, "description": "A stream of events"}},
)
async def stream_news(
    core: Here,
    request: Request,
    signed: Follows,
    *,
    ending: Ending,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """The agents' own log after `Last-Event-ID` (or `after`), then what is new anywhere, as SSE."""
    start = int(last_event_id) if last_event_id is not None else after
    return _stream(core, AGENTS, start, signed, request=request, ending=ending)


@routes.get(
    "/conversations/{id}/events",
    response_class=EventStream,
    responses={200: {"model": StreamedEvent, "description": "A stream of events"}},
)
async def stream_conversation(
    core: Here,
    *,
    request: Request,
    conversation: ToRead,
    signed: Follows,
    ending: Ending,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> Response:
    """A conversation's own log, as its customer sees it."""
    start = int(last_event_id) if last_event_id is not None else after
    return _stream(core, conversation.id, start, signed, request=request, ending=ending)


def _stream(
    core: Core, name: str, start: int, signed: Signed, *, request: Request, ending: asyncio.Event
) -> Response:
    return EventStream(
        events_after(
            start,
            core.store,
            name,
            clock=core.clock,
            until=signed.until,
            ending=ending,
            still=partial(still_signed, request, core, signed),
            as_of_now=core.as_of_now,
        ),
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@routes.get("/attachments/{id}", responses={200: {"content": {"application/octet-stream": {}}}})
async def download_attachment(id: str, core: Here, agent: Reads, request: Request) -> Response:
    """A file that came with a message. Pictures may be shown, all else is saved."""
    note_access(request, agent, f"file {id[:100]!r}")
    return await attachment_response(core, id, lambda _: True)


@routes.get("/conversations/{id}/dossier.md", responses={200: {"content": {"text/markdown": {}}}})
async def dossier_text(core: Here, conversation: ToRead, lang: Lang) -> Response:
    """Everything known, as a page to read or to paste."""
    dossier, procedure = await _dossier(core, conversation, lang)
    text = as_text(dossier, dossier.lang, procedure=procedure)
    return _download(text, "text/markdown; charset=utf-8", conversation, "md")


@routes.get("/conversations/{id}/dossier.json", responses={200: {"model": Dossier}})
async def dossier_json(core: Here, conversation: ToRead, lang: Lang) -> Response:
    """Everything known, for machines."""
    dossier, _ = await _dossier(core, conversation, lang)
    return _download(dossier.model_dump_json(indent=2), "application/json", conversation, "json")


async def _dossier(core: Core, conversation: Conversation, lang: str) -> tuple[Dossier, Procedure | None]:
    """The newest that was handed over, one made now where there is none; and what became of its pages."""
    known = await views.known_of(core.store, conversation)
    turn = newest(known.turns)
    procedure = turn.facts.procedure if turn else None
    kept = await core.store.dossiers(conversation.id)
    address = partial(case_link, core.settings.public_url)
    dossier = kept[-1][1] if kept else dossier_of(known, lang, address=address)
    since = pages_since(known, await core.became(cited_in(known)))
    return dossier.model_copy(update={"since": since}), procedure


def _download(text: str, media: str, conversation: Conversation, ending: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="dossier-{conversation.id}.{ending}"'}
    return Response(text, media_type=media, headers=headers)


@routes.get("/customers/{who}/export", responses={200: {"content": {"application/zip": {}}}})
async def export_customer(who: str, core: Here, machine: Exports, request: Request) -> Response:
    """Everything that is kept of a customer (`customer:ACCOUNT:USER`), or of all of an account's: a ZIP."""
    export: Export | None = request.state.export
    if export is None:
        raise NotFound
    try:
        made, parties = await export(who)
    except BadInput as error:
        raise NotFound from error
    await core.store.exported(parties, machine)
    note_access(request, machine, f"{len(parties)} customers, all that is kept")
    headers = {"content-disposition": 'attachment; filename="customer.zip"', "cache-control": "no-store"}
    sent = StreamingResponse(_read(made), media_type="application/zip", headers=headers)
    sent.background = BackgroundTask(made.close)
    return sent


def _read(made: IO[bytes]) -> Iterator[bytes]:
    while piece := made.read(PIECE):
        yield piece


@routes.get("/hosts/chatwoot/{account}/{conversation}")
async def in_chatwoot(
    account: Number,
    conversation: Number,
    agent: Reads,
    request: Request,
    locate: Annotated[Locate | None, Depends(_locate)],
) -> LocatedOut:
    """Our conversation for one of Chatwoot's. What its frame says is a hint: Chatwoot itself is asked."""
    found = await locate(account, conversation) if locate is not None else None
    if found is None:
        raise NotFound
    note_access(request, agent, f"chatwoot {account} {conversation}")
    return LocatedOut(conversation=found)
