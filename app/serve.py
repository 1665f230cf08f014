"""The running web service: the port, the admin socket, the durable work, and their orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from app.errors import ConfigError
from app.logs import set_up
from app.settings import Settings

if TYPE_CHECKING:
    from app.probes.net import Net

GRACE_S = 3
"""How long open streams get to end by themselves."""


@asynccontextmanager
async def serving(settings: Settings, net: Net | None = None) -> AsyncIterator[str]:
    """The whole service on its port; yields its address. Raises `ConfigError` where the port is taken."""
    import uvicorn

    from app.channels.web import end_streams
    from app.commands.admin import listening
    from app.main import running, site

    listener = bound(settings)
    with contextlib.closing(listener):
        address = f"http://{settings.host}:{listener.getsockname()[1]}"
        async with (
            running(settings, net=net) as (service, knowledge),
            listening(knowledge, settings),
            site(service, knowledge, address=address) as app,
        ):
            config = uvicorn.Config(
                app,
                log_config=None,  # its lines go where ours go
                log_level="warning",
                timeout_graceful_shutdown=GRACE_S,
                lifespan="off",
                ws="none",  # events are streams of HTTP
            )
            server = uvicorn.Server(config)
            # Signals are the caller's: uvicorn's own handlers would end the server and not the rest.
            task = asyncio.create_task(server._serve(sockets=[listener]))
            while not server.started:
                if task.done():
                    raise ConfigError("the web server did not start; see the log above")
                await asyncio.sleep(0.01)
            service.warm_up()
            try:
                yield address
            finally:
                end_streams(app)
                server.should_exit = True
                await task


def bound(settings: Settings) -> socket.socket:
    """The listening socket, taken before anything else starts."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle off only then: 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}. "
            "Set STEPFOUR_PORT to a free port, or 0 for any."
        ) from error
    return listener


def serve(settings: Settings, net: Net | None = None) -> None:
    """Runs until SIGINT or SIGTERM; what is unfinished then is gone on with at the next start."""
    set_up(settings.log_level)
    gc.disable()  # a start keeps nearly all that it makes: looking for waste is an eighth of its time
    asyncio.run(_serve(settings, net))


async def _serve(settings: Settings, net: Net | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings, net) as address:
        gc.freeze()  # what is there by now stays, and is not looked through again and again
        gc.enable()
        print(f"Stepfour is up: {address}/ (chat page), {address}/docs (API). Ctrl-C stops it.", flush=True)
        await stop.wait()
        print("Stopping.", flush=True)
