"""A running world and what a test says to it: load a state, break something, read the ledger.

with World.start() as world:            # or `async with`
    spec = world.load(scenarios.all_ready())
    ...
    assert world.effects(spec.account) == ()
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter

from evals.world.serving import serve
from evals.world.spec import Account, Addresses, Edge, Effect, Fault, FaultKind, Record, Spec, State, Visit

EFFECTS = TypeAdapter(tuple[Effect, ...])
VISITS = TypeAdapter(tuple[Visit, ...])


class World:
    """Speaks to a world over its control API, whether it runs in a thread of ours or in another process."""

    def __init__(self, addresses: Addresses) -> None:
        self.addresses = addresses
        self.http = httpx.Client(
            base_url=f"{addresses.api}/_world",
            headers={"Authorization": f"Bearer {addresses.control_token}"},
            trust_env=False,
            timeout=10,
        )

    @staticmethod
    def start(state_dir: Path | None = None) -> Thread:
        """A world in a thread of this process; without a folder it is forgotten at the end."""
        return Thread(state_dir)

    def load(self, spec: Spec) -> Spec:
        """Puts a scenario into the world and starts the clock of its changes."""
        self._call("POST", "/load", spec.model_dump(mode="json"))
        return spec

    def set(
        self,
        *,
        accounts: tuple[Account, ...] = (),
        records: tuple[Record, ...] = (),
        edges: tuple[Edge, ...] = (),
    ) -> None:
        """Sets these at once, behind the ledger's back. Records replace all others at their names."""
        given = State(accounts=accounts, records=records, edges=edges)
        self._call("POST", "/set", given.model_dump(mode="json"))

    def change_account(self, account: str, **fields: Any) -> Account:
        """Merges fields into an account, e.g. `settings={"click_tracking": False}`."""
        return Account.model_validate(self._call("PATCH", f"/accounts/{account}", fields))

    def account(self, account: str) -> Account:
        return Account.model_validate(self._call("GET", f"/accounts/{account}"))

    def effects(self, account: str | None = None) -> tuple[Effect, ...]:
        """The ledger of all writes, oldest first, of one account or of all."""
        params = {"account": account} if account else None
        return EFFECTS.validate_python(self._call("GET", "/effects", params=params))

    def fault(
        self,
        kind: FaultKind,
        path: str = "*",
        *,
        method: str = "*",
        times: int | None = 1,
        seconds: float = 1.0,
        status: int = 500,
    ) -> None:
        """Breaks the next `times` matching requests of the platform API (None: until `clear_faults`)."""
        fault = Fault(kind=kind, path=path, method=method, times=times, seconds=seconds, status=status)
        self._call("POST", "/faults", fault.model_dump(mode="json"))

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def hung(self, account: str) -> int:
        """How many answers an `apply_then_hang` fault has held up."""
        return int(self._call("GET", f"/hung/{account}"))

    def run_changes(self) -> int:
        """Lets all scheduled changes come true now instead of in time; says how many."""
        return int(self._call("POST", "/changes/run"))

    def visits(self) -> tuple[Visit, ...]:
        """Who knocked at an edge or at the canary."""
        return VISITS.validate_python(self._call("GET", "/visits"))

    def reset(self) -> None:
        """Forgets everything but the platform itself."""
        self._call("POST", "/reset")

    def close(self) -> None:
        self.http.close()

    def _call(self, method: str, path: str, body: object = None, params: dict[str, str] | None = None) -> Any:
        response = self.http.request(method, path, json=body, params=params)
        if response.is_error:
            raise ValueError(f"the world refused {method} {path}: {response.text}")
        return response.json()


class Thread:
    """Starts the world on entry and ends it, with all its connections, on exit."""

    def __init__(self, state_dir: Path | None) -> None:
        self._temporary = None if state_dir else tempfile.TemporaryDirectory(prefix="heron-world-")
        self.state_dir = state_dir or Path(self._temporary.name if self._temporary else "")
        self._started: Future[Addresses] = Future()
        self._thread = threading.Thread(target=self._run, name="heron-world", daemon=True)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await serve(self.state_dir, self._started.set_result, self._stop)

    def __enter__(self) -> World:
        self._thread.start()
        self._world = World(self._started.result(timeout=30))
        return self._world

    def __exit__(self, *_: object) -> None:
        self._world.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=10)
        if self._temporary:
            self._temporary.cleanup()

    async def __aenter__(self) -> World:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.__exit__)
