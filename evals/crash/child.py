"""The whole service as a process of its own, on one data folder and one port, killed and started again."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import time
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Literal

import httpx

from app.demo import demo_net
from app.settings import Settings
from evals.world.spec import Addresses

STARTS_WITHIN_S = 300
LOOK_S = 0.02
Method = Literal["spawn", "forkserver"]
PRELOADED = [
    "evals.crash.child",
    "app.serve",
    "app.main",
    "app.commands.admin",
    "app.channels.assist",
    "app.channels.chatwoot",
    "app.channels.slack",
    "app.channels.web",
    "app.channels.webhook",
    "app.reader.builtin",
    "app.adapters.library",
    "knowledge.store",
    "ingest.sync",
    "alembic.command",
    "uvicorn",
]
"""Read once by a process that all children are forked from, where time matters more than a real start."""


def _live(settings: Settings, addresses: Addresses, orders: Path | None, log: Path) -> None:
    """`orders`: the file that says where it dies; None where it is the service as it is."""
    import app.adapters.platform as platforms
    import app.adapters.store as stores
    from app import main
    from app.serve import serve
    from evals.crash.points import DyingPlatform, DyingStore, Ordered, dying

    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if orders is not None:
        DyingStore.crash = DyingPlatform.crash = crash = Ordered(orders)
        stores.Store, platforms.Platform = DyingStore, DyingPlatform  # type: ignore[misc]
        real = main.reader
        main.reader = lambda *given: dying(real(*given), crash)
    serve(settings, demo_net(addresses))


@dataclass
class Child:
    """The service as it runs now, if it does."""

    settings: Settings
    addresses: Addresses
    log: Path
    method: Method = "spawn"
    dies: bool = True
    """Whether it can be told to, which costs a look at a file at every commit."""

    def __post_init__(self) -> None:
        if self.method == "forkserver":
            multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
        self._process: BaseProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def orders(self) -> Path:
        return self.log.with_name("dies-at")

    def start(self, dies_at: str | None = None) -> None:
        self.order(dies_at)
        arguments = (self.settings, self.addresses, self.orders if self.dies else None, self.log)
        kinds = {
            "spawn": multiprocessing.get_context("spawn").Process,
            "forkserver": multiprocessing.get_context("forkserver").Process,
        }
        self._process = kinds[self.method](target=_live, args=arguments, daemon=True)
        self._process.start()

    def order(self, dies_at: str | None) -> None:
        """Names the point at which it dies next; none where it is to live."""
        if dies_at is None:
            self.orders.unlink(missing_ok=True)
        else:
            fresh = self.orders.with_suffix(".new")
            fresh.write_text(dies_at)
            fresh.replace(self.orders)

    async def ready(self, *, until: float = STARTS_WITHIN_S) -> float | None:
        """Seconds until it can take messages; None where it died before. Raises where it does neither."""
        began = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=2) as client:
            while time.monotonic() - began < until:
                if not self.alive:
                    return None
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == httpx.codes.OK:
                        return time.monotonic() - began
                except httpx.TransportError:
                    pass
                await asyncio.sleep(LOOK_S)
        raise RuntimeError(f"the service was not ready within {until} s: {self.last_words()}")

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def terminate(self, within: float = 30) -> float:
        """Asks it to end, as a supervisor does; returns the seconds that it took."""
        began = time.monotonic()
        self._end(signal.SIGTERM, within)
        return time.monotonic() - began

    def _end(self, number: signal.Signals, within: float = 30) -> None:
        if self._process is not None and self._process.pid is not None and self._process.is_alive():
            os.kill(self._process.pid, number)
            self._process.join(within)

    @property
    def exitcode(self) -> int | None:
        return self._process.exitcode if self._process is not None else None

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
