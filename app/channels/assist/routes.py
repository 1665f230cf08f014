"""Every route of the agents' channel, on one core."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Depends, Request

from app.channels.assist import documents as on_documents
from app.channels.assist import entry, moves, reading, switches
from app.channels.assist.core import Core, Documents, Export, Locate
from app.channels.assist.oidc import Provider
from app.channels.assist.views import Shelf
from app.channels.edge import Edge
from app.channels.limits import Limits


def create_router(
    core: Core,
    ending: asyncio.Event | None = None,
    *,
    locate: Locate | None = None,
    documents: Documents | None = None,
    export: Export | None = None,
) -> APIRouter:
    """Every route of this channel, on this core.

    `locate`: asks Chatwoot which conversation is meant. `documents`: what agents see and decide of those.
    `export`: what is kept of a customer.
    """
    end = ending or asyncio.Event()
    providers: list[Provider] = []
    shelf, limits = Shelf(), Limits()

    def bind(request: Request) -> None:
        if not providers:  # a core may learn its settings when it starts
            providers.append(Provider(core.settings, core.clock))
        request.state.core, request.state.ending = core, end
        request.state.provider, request.state.locate = providers[0], locate
        request.state.shelf, request.state.documents = shelf, documents
        request.state.limits = limits
        request.state.export = export

    router = APIRouter(route_class=Edge, dependencies=[Depends(bind)])
    every = (
        entry.routes,
        reading.routes,
        moves.routes,
        switches.routes,
        on_documents.routes,
        entry.pages,
        on_documents.pages,
    )
    for routes in every:
        router.include_router(routes)
    return router
