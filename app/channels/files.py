"""Files that come with messages: taken in while they are looked at, and given back to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Message, Receive

from app.attachments import Unfit, take_in
from app.channels.customers import NO
from app.channels.edge import Edge, Refusal, capped
from app.channels.limits import per_party
from app.channels.proof import Here, Own, Proof, readable
from app.channels.wire import attached, refused
from app.errors import NotFound
from app.events import ShownAttachment
from app.ids import new_id
from app.models.conversation import Attachment, Conversation

FRAMING_BYTES = 8_000
"""What a form around one file takes up itself."""
HEARD_OUT = 10
"""A file that is too big is read on, and dropped, up to so many times the most."""
ALONE = "default-src 'none'; sandbox; frame-ancestors 'none'"


class Upload(Edge):
    """A route that bounds its body itself."""

    most_bytes = 2**40


routes = APIRouter(prefix="/v1", route_class=Upload, responses=NO)

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            }
        },
    }
}


@routes.post(
    "/conversations/{id}/attachments",
    status_code=201,
    tags=["Customers"],
    openapi_extra=_FORM,
    responses={415: refused("No kind of file that we take")},
    dependencies=[Depends(per_party("uploads"))],
)
async def upload_attachment(core: Here, conversation: Own, request: Request) -> ShownAttachment:
    """Keeps a file of the conversation, to be named by a message: a picture, a PDF, or a text, log or HAR.

    What is in it says what it is, not its name. Secrets that we recognise in text files are removed.
    """
    name, content = await _file(request, core.settings.attachment_bytes)
    taken = await asyncio.to_thread(take_in, new_id("f"), name, content)
    if isinstance(taken, Unfit):
        raise Refusal(415 if content else 422, taken.code, taken.message, taken.fix)
    await core.store.keep_attachment(conversation.id, taken.attachment, taken.content)
    return attached(taken.attachment)


async def _file(request: Request, most: int) -> tuple[str, bytes]:
    """Name and bytes of the one file of a form. Nothing is read before the token was held."""
    fix = f"Send a file of at most {most:,} bytes."
    coming = _Coming(request.receive)
    bounded = Request(request.scope, capped(coming.receive, most + FRAMING_BYTES, fix=fix))
    try:
        async with bounded.form(max_files=1, max_fields=0) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                fix = "Send a form with one file in `file`."
                raise Refusal(422, "missing_field", "`file` is missing.", fix)
            content = await file.read(most + 1)
            if len(content) > most:
                raise Refusal(413, "too_long", f"The file is larger than {most:,} bytes.", fix)
            return file.filename or "", content
    except (Refusal, StarletteHTTPException):
        await coming.heard_out(most * HEARD_OUT)
        raise


class _Coming:
    """A body on its way. A browser that is cut off in mid-sentence sees a broken network, not our answer."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen = 0
        self._more = True

    async def receive(self) -> Message:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def heard_out(self, most: int) -> None:
        """Drops what is still to come, up to a bound."""
        while self._more and self._seen < most:
            await self.receive()


@routes.get(
    "/attachments/{id}",
    tags=["Customers"],
    response_class=FileResponse,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The file"}},
)
async def download_attachment(id: str, core: Here, proof: Proof) -> Response:
    """A file, for the conversation's customer and for agents. Pictures may be shown, all else is saved."""
    return await attachment_response(core, id, lambda conversation: readable(conversation, proof.principal))


class _Kept(Protocol):
    async def conversation(self, id: str) -> Conversation | None: ...
    async def attachment(self, id: str) -> tuple[str, Attachment] | None: ...
    def attachment_path(self, id: str) -> Path: ...


class _Keeper(Protocol):
    @property
    def store(self) -> _Kept: ...


async def attachment_response(core: _Keeper, id: str, may: Callable[[Conversation], bool]) -> Response:
    """The file, where its conversation may be read. Raises `NotFound`."""
    known = await core.store.attachment(id)
    if known is None:
        raise NotFound
    conversation, attachment = await core.store.conversation(known[0]), known[1]
    path = core.store.attachment_path(id)
    if conversation is None or not may(conversation) or not path.is_file():
        raise NotFound
    return FileResponse(
        path,
        media_type=attachment.type,
        filename=attachment.name,
        content_disposition_type="inline" if attachment.image else "attachment",
        headers={"content-security-policy": ALONE},
    )
