"""A service whose outside is in memory and whose reader is scripted, on real tables."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from app.adapters.memory import MemoryAccounts, MemoryLibrary, MemoryLooks
from app.adapters.store import Store
from app.connectors.heron import ACTIONS
from app.conversation import handle
from app.models.conversation import Message, Mode
from app.models.event import Event
from app.models.people import Principal
from app.models.reading import Claim, Reading
from app.models.record import Turn
from app.ports import Services
from app.probes import CHECKS
from app.service import Service
from app.settings import Settings
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure

PAGES = Path(__file__).parents[2] / "knowledge" / "pages" / "en"
ANN = Principal(kind="customer", id="ann", account="acme")
BOB = Principal(kind="customer", id="bob", account="acme")
EVE = Principal(kind="customer", id="eve", account="other")
VISITOR = Principal(kind="anonymous", id="somebody")
ZOE = Principal(kind="agent", id="zoe")

HOSTS = ("links.acme.example", "go.acme.example")
PLEASE = "Please switch https on."
MODES: Mapping[str, Mode] = {"web": "auto", **dict.fromkeys(ACTIONS, "auto")}


def page(name: str) -> Procedure:
    path = PAGES / f"{name}.md"
    found = parse_procedure(
        path.read_text(encoding="utf-8"),
        path=f"en/{path.name}",
        document=name,
        version="1",
        checks=CHECKS,
        actions=frozenset(ACTIONS),
    )
    assert found is not None
    return found


def wants(procedure: str = "https-tracking-links", **fields: Any) -> Reading:
    return Reading(**{"procedure": procedure, "wants_outcome": True, "request": PLEASE} | fields)


def claim(step: str, status: str = "done", **fields: Any) -> Claim:
    return Claim(**{"step": step, "status": status, "message": "m", "quote": "q"} | fields)


class World:
    """Everything outside, its state public. Nothing is seen but what a test lets be seen."""

    def __init__(self, folder: Path, modes: Mapping[str, Mode]) -> None:
        self.folder = folder
        self.at = datetime(2026, 9, 1, 12, tzinfo=UTC)
        self.accounts = MemoryAccounts()
        self.accounts.roles = {("acme", "ann"): "owner", ("acme", "bob"): "member"}
        self.accounts.owned = {("acme", "domain"): HOSTS}
        self.accounts.fields = {("acme", "settings.https_tracking"): False}
        self.looks = MemoryLooks(self.accounts, self.clock)
        names = ("https-tracking-links", "resume-sending", "dedicated-ip", "move-domain")
        self.library = MemoryLibrary([page(name) for name in names])
        self.readings: dict[str, Reading] = {}
        """What is read of a conversation that ends with a text; else that the outcome is wanted."""
        self.settings = Settings(_env_file=None, data_dir=folder, modes=dict(modes), pause_seconds=0)
        self.store: Store
        self.services: Services
        self.service: Service

    def clock(self) -> datetime:
        return self.at

    def later(self, **time: float) -> None:
        self.at += timedelta(**time)

    def see(self, **sights: str) -> None:
        """`see(certificate_presented="not_met")`."""
        self.looks.sights.update(sights)  # type: ignore[arg-type]

    @property
    def effects(self) -> list[str]:
        return [effect for _, effect in self.accounts.effects]

    async def read(self, messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        return self.readings.get(messages[-1].text, wants())

    # --- a conversation ---

    async def talk(self, who: Principal = ANN, channel: str = "web") -> str:
        return await self.store.open_conversation(who, channel, context={})

    async def accept(self, conversation: str, text: str = PLEASE, *, client_id: str | None = None) -> Message:
        said = len(await self.store.messages(conversation))
        message, _ = await self.store.accept(
            conversation, "customer", text, client_id=client_id or f"c{said}", context={}
        )
        return message

    async def say(self, conversation: str, text: str = PLEASE, reading: Reading | None = None) -> Turn:
        message = await self.accept(conversation, text)
        if reading is not None:  # what is claimed in it was said in this very message
            claims = [
                one.model_copy(update={"message": message.id}) if one.message == "m" else one
                for one in reading.claims
            ]
            self.readings[text] = reading.model_copy(update={"claims": tuple(claims)})
        return await handle(self.services, message.id)

    async def replies(self, conversation: str) -> list[str]:
        return [m.text for m in await self.store.messages(conversation) if m.role == "bot"]

    async def events(self, conversation: str, type: str | None = None) -> list[Event]:
        found = await self.store.events(conversation, 0)
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        return [event for event in found if type in (None, event.type)]

    async def status(self, conversation: str) -> str:
        known = await self.store.conversation(conversation)
        assert known is not None
        shown = [event.payload["status"] for event in await self.events(conversation, "conversation.status")]
        assert not shown or shown[-1] == known.status, "what was shown last is what is so"
        return known.status


@asynccontextmanager
async def open_world(folder: Path, modes: Mapping[str, Mode] = MODES) -> AsyncIterator[World]:
    made = World(folder, modes)
    made.store = await Store.open(folder, made.clock)
    made.services = Services(
        settings=made.settings,
        clock=made.clock,
        store=made.store,
        library=made.library,
        read=made.read,
        accounts=made.accounts,
        looks=made.looks(sorted(CHECKS)),
        actions=ACTIONS,
    )
    made.service = Service(made.services)
    try:
        yield made
    finally:
        await made.service.close()
        await made.store.close()
