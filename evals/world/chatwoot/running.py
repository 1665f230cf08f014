"""Serves routers on a loopback port in the running event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI

from evals.world.serving import Droppable


class Quiet(uvicorn.Server):
    """Leaves the signals of the process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def running(routers: Sequence[APIRouter], port: int) -> AsyncIterator[str]:
    """The address it runs at, until the end of the block."""
    app = FastAPI(openapi_url=None)
    for router in routers:
        app.include_router(router)
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app, http=Droppable, log_level="warning", ws="none", lifespan="off", timeout_graceful_shutdown=1
    )
    server = Quiet(config)
    task = asyncio.create_task(server.serve([listening]), name="local chatwoot")
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
