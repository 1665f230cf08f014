"""The website channel: proves who speaks, stores what was said before it acknowledges, streams events.

It translates and decides nothing: what a message leads to is decided behind `Core`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from app.channels import customers, files, site
from app.channels.core import Core
from app.channels.cors import Sites
from app.channels.door import Door
from app.channels.edge import Edge, answer
from app.channels.help import Pages, help_routes
from app.channels.limits import Limits


class Api(FastAPI):
    """The application without pages that pull scripts from a third party."""

    def __init__(self, **fields: Any) -> None:
        super().__init__(
            title="Stepfour",
            version="1",
            summary="Send messages, follow numbered events, approve what waits for you.",
            docs_url=None,
            redoc_url=None,
            **fields,
        )

    def openapi(self) -> dict[str, Any]:
        whole = super().openapi()
        for operations in whole["paths"].values():
            for operation in operations.values():
                for response in operation["responses"].values():
                    stream = response.get("content", {}).get("text/event-stream", {})
                    # The framework says that every stream is a string; ours have a shape.
                    stream.get("schema", {}).pop("type", None)
        return whole


def bound(core: Core, ending: asyncio.Event | None = None, limits: Limits | None = None) -> APIRouter:
    """An empty router whose routes find this core. Open streams end when `ending` is set."""
    end, spent = ending or asyncio.Event(), limits or Limits()

    def bind(request: Request) -> None:
        request.state.core, request.state.ending, request.state.limits = core, end, spent

    return APIRouter(route_class=Edge, dependencies=[Depends(bind)])


def create_router(
    core: Core, ending: asyncio.Event | None = None, *, pages: Pages | None = None
) -> APIRouter:
    """Every route of this channel, on this core."""
    router = bound(core, ending)
    for routes in (customers.routes, files.routes, site.routes):
        router.include_router(routes)
    if pages is not None:
        router.include_router(help_routes(pages))
    return router


def create_app(
    core: Core,
    *,
    routers: Sequence[APIRouter] = (),
    pages: Pages | None = None,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    ending: asyncio.Event | None = None,
) -> FastAPI:
    """The whole site: this channel, its pages, the `routers` of other channels, our shape for every error.

    `pages`: whose public pages are shown under /help/. `ending` ends open streams; pass the one that
    the other routers know.
    """
    app = Api(lifespan=lifespan)
    app.state.ending = ending or asyncio.Event()
    for router in routers:
        app.include_router(router)
    app.include_router(create_router(core, app.state.ending, pages=pages))
    app.add_middleware(Door, core=core)
    app.add_middleware(Sites, core=core)

    async def refuse(_: Request, error: Exception) -> Response:
        return answer(error)

    for kind in (StarletteHTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, refuse)
    return app


def end_streams(app: FastAPI) -> None:
    """Ends the open event streams, so that the server can stop at once; their readers come back by number."""
    app.state.ending.set()
