"""What every HTTP answer of ours has in common: one shape of error, a bound on bodies, strict headers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import Message as ASGIMessage
from starlette.types import Receive

from app import errors

log = logging.getLogger(__name__)

NOBODY = "'none'"
MOST_BYTES = 1_000_000
"""Of a request's body: room for the longest message in any escaping, and no more."""


def page_policy(*ancestors: str) -> str:
    """The content policy of our pages; `ancestors` are the origins that may show one in a frame."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src 'self' data: blob:",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {' '.join(ancestors) or NOBODY}",
            "require-trusted-types-for 'script'",
        )
    )


HEADERS: Mapping[str, str] = {
    "content-security-policy": page_policy(),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}


def strict(response: Response) -> None:
    """Our headers, where the response does not bring its own."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if f"frame-ancestors {NOBODY}" not in response.headers["content-security-policy"]:
        del response.headers["x-frame-options"]  # it knows no list of origins


class Refusal(HTTPException):
    """A clear "no" to one request: a code for machines, what is wrong, and what to do."""

    def __init__(
        self, status: int, code: str, message: str, fix: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail=message, headers=headers)
        self.code, self.message, self.fix = code, message, fix


_INTERNAL = Refusal(
    500, "internal", "Something went wrong on our side.", "Try again; if it stays so, tell us."
)
NOT_FOUND = ("not_found", "There is no such thing here for you.", "Check the address and the token.")
_STATUS: tuple[tuple[type[errors.StepfourError], int, tuple[str, str, str]], ...] = (
    (errors.NotFound, 404, NOT_FOUND),
    (
        errors.Unavailable,
        503,
        (
            "unavailable",
            "Something we depend on does not answer.",
            "Nothing was changed. Try again in a moment.",
        ),
    ),
    (
        errors.PrerequisiteNotMet,
        409,
        (
            "prerequisite_not_met",
            "What this needs does not hold any more.",
            "Nothing was changed. Read the steps.",
        ),
    ),
    (
        errors.OutcomeUnknown,
        409,
        ("outcome_unknown", "It was sent and we do not know yet if it took effect.", "Do not send it again."),
    ),
)


def refusal(error: Exception) -> Refusal:
    """The answer to whatever stopped a request. Only texts written for callers go out."""
    match error:
        case Refusal():
            return error
        case RequestValidationError():
            return _invalid(error)
        case StarletteHTTPException():
            return _plain(error)
        case errors.StepfourError():
            return _stopped(error)
    log.error("a request failed", exc_info=error)
    return _INTERNAL


def _stopped(error: errors.StepfourError) -> Refusal:
    if isinstance(error, errors.NotAuthentic):
        return Refusal(401, "not_authentic", *_with_fix(error), headers={"WWW-Authenticate": "Bearer"})
    if isinstance(error, errors.BadInput):
        return Refusal(422, error.code, *_with_fix(error))
    for kind, status, words in _STATUS:
        if isinstance(error, kind):
            return Refusal(status, *words)
    log.error("a request was stopped", exc_info=error)
    return _INTERNAL


def _with_fix(error: Exception) -> tuple[str, str]:
    """Our errors end with the next step: the first sentence says what is wrong, the rest what to do."""
    message, _, fix = str(error).partition(". ")
    return sentence(message), sentence(fix) if fix else "See /docs for what is expected."


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _invalid(error: RequestValidationError) -> Refusal:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    place = place.encode("ascii", "backslashreplace").decode()[:100]  # a client's own name for a field
    match first["type"]:
        case "extra_forbidden":
            return Refusal(
                422, "unexpected_field", f"`{place}` is not a field here.", "Leave it out. See /docs."
            )
        case "missing":
            return Refusal(422, "missing_field", f"`{place}` is missing.", "Send it. See /docs.")
        case "json_invalid":
            return Refusal(422, "bad_json", "The body is not valid JSON.", "Send JSON in UTF-8. See /docs.")
    return Refusal(422, "bad_field", f"`{place}`: {first['msg']}.", "Send it as /docs shows.")


def _plain(error: StarletteHTTPException) -> Refusal:
    if error.status_code == 404:
        return Refusal(404, *NOT_FOUND)
    code = {405: "method_not_allowed", 400: "bad_request"}.get(error.status_code, "refused")
    return Refusal(error.status_code, code, sentence(str(error.detail)), "See /docs.", headers=error.headers)


def answer(error: Exception) -> Response:
    no = refusal(error)
    body = {"error": {"code": no.code, "message": no.message, "fix": no.fix}}
    return JSONResponse(
        body, no.status_code, headers={**HEADERS, "cache-control": "no-store", **(no.headers or {})}
    )


class Edge(APIRoute):
    """A route whose errors, body size and headers are ours, whichever app it is mounted in."""

    most_bytes = MOST_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def at_edge(request: Request) -> Response:
            try:
                response = await handle(Request(request.scope, capped(request.receive, self.most_bytes)))
            except Exception as error:  # noqa: BLE001 - the channel's edge: every error leaves in our shape
                return answer(error)
            strict(response)
            response.headers.setdefault("cache-control", "no-store")
            return response

        return at_edge


def capped(receive: Receive, most: int, *, fix: str = "Send less at once.") -> Receive:
    """The same request, refused as soon as its body is larger than `most` bytes."""
    seen = 0

    async def counted() -> ASGIMessage:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            what = f"The request is larger than {most:,} bytes."
            raise Refusal(413, "too_long", what, fix, headers={"Connection": "close"})
        return message

    return counted
