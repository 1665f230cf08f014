"""A running site with the agents' page, on real tables that hold cases as a test wants them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from app.channels import assist
from app.channels.assist.core import Documents
from app.channels.web import create_app, end_streams
from app.events import AgentCase, AgentRequest, AgentSuggestion
from app.models.case import Case
from app.models.decision import Answer, Decision, Guide, Propose
from app.models.facts import Facts
from app.models.people import Principal
from app.models.reading import Claim, Input, Reading
from app.models.record import Record, Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import Finding, LedgerFact, StepState
from app.shown import to_agents
from knowledge.model import Address, Check, Citation, Cited, Fate, Procedure, Step
from tests.app.conftest import PlayedService, played_service

ANN = Principal(kind="customer", id="ann@acme.example", account="acme")
NOW = datetime.now(UTC)


def ago(**time: float) -> datetime:
    return datetime.now(UTC) - timedelta(**time)


class AssistSite:
    """The site with the agents' channel, in a thread of its own."""

    def __init__(self, folder: Path, *, documents: Documents | None = None, **settings: Any) -> None:
        self.folder, self.settings = folder, settings
        self.service: PlayedService
        self._loop: asyncio.AbstractEventLoop
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        later = _Later(self)
        ending = asyncio.Event()
        agents = assist.create_router(later, ending, locate=self.locate, documents=documents)
        self.app: FastAPI = create_app(later, routers=[agents], lifespan=self._lifespan, ending=ending)
        config = uvicorn.Config(self.app, log_level="warning", timeout_graceful_shutdown=1, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listening],), daemon=True)
        self.located: dict[tuple[int, int], str] = {}
        self._thread.start()
        deadline = time.monotonic() + 15
        while not self._server.started:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.02)

    async def locate(self, account: int, conversation: int) -> str | None:
        return self.located.get((account, conversation))

    @asynccontextmanager
    async def _lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        async with played_service(self.folder, **self.settings) as self.service:
            library: Any = _Library()
            self.service.services = replace(self.service.services, library=library)
            self._loop = asyncio.get_running_loop()
            yield

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs work where the server runs, and waits for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def link(self, name: str = "Bea") -> str:
        """Address of a one-time link."""
        return f"{self.url}/assist/sign-in#code={self.do(self.service.agent_link(name))}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(end_streams, self.app)
        self._server.should_exit = True
        self._thread.join(10)


class _Library:
    """The one procedure that the cases here follow."""

    async def procedure(self, id: str, lang: str) -> Procedure | None:
        return procedure() if id == "https-tracking-links" else None

    async def became(self, cited: Collection[Cited]) -> Mapping[Cited, Fate]:
        """Its pages stay as they are."""
        return {}

    async def addresses(self) -> Mapping[str, Address]:
        return {}


class _Later:
    """The service of a site, which exists from its start on."""

    def __init__(self, site: AssistSite) -> None:
        self._site = site

    def __getattr__(self, name: str) -> Any:
        return getattr(self._site.service, name)


# --- cases ---

TITLES = ("Switch on link tracking", "Set up a branded link", "Put a certificate in front of it")
IDS = ("link-tracking", "branded-link", "ssl-certificate")
CHECKS = ("click_tracking_on", "branded_link_set_up", "certificate_presented")


def procedure(title: str = "HTTPS for tracking links") -> Procedure:
    steps = tuple(
        Step(id=id, title=name, text=name, anchor=id, subject="domain", check=Check(name=check))
        for id, name, check in zip(IDS, TITLES, CHECKS, strict=True)
    )
    return Procedure(
        id="https-tracking-links",
        document="d1",
        version="v1",
        path="en/https-tracking-links.md",
        lang="en",
        title=title,
        when="Tracked links in the customer's e-mails should use https.",
        intro="",
        subjects=("domain",),
        steps=steps,
        action="enable_https",
    )


def finding(check: str, code: str, met: bool | None, *, minutes: float = 2, **seen: str) -> Finding:
    return Finding(
        check=check,
        met=met,
        code=code,
        seen=tuple(seen.items()),
        subject=seen.get("host"),
        at=ago(minutes=minutes),
        until=datetime.now(UTC) + timedelta(minutes=8),
    )


def citation(**changes: Any) -> Citation:
    fields: dict[str, Any] = {
        "passage": "p1",
        "document": "d1",
        "version": "v1",
        "title": "HTTPS for tracking links",
        "path": "en/https-tracking-links.md",
        "anchor": "ssl-certificate",
        "quote": "Let it obtain a certificate that covers exactly this name.",
        "updated_at": datetime(2026, 9, 14, tzinfo=UTC),
        "lang": "en",
    }
    return Citation(**fields | changes)


def claim(step: int, status: str, message: str, quote: str) -> Claim:
    return Claim(step=IDS[step], status=status, message=message, quote=quote)


class Filled:
    """A case in the tables, and how to write more of it."""

    def __init__(self, service: PlayedService, conversation: str, case: Case) -> None:
        self.service, self.conversation, self.case = service, conversation, case

    async def say(self, text: str, *, role: Any = "customer", **fields: Any) -> str:
        key = f"k{time.monotonic_ns()}"
        message, _ = await self.service.store.accept(
            self.conversation, role, text, client_id=key, context={}, **fields
        )
        return message.id

    async def turn(self, trigger: str, decision: Decision, facts: Facts, **fields: Any) -> str:
        turn = Turn(
            id=f"t{time.monotonic_ns()}",
            trigger=trigger,
            conversation=self.conversation,
            case=self.case.id,
            channel="web",
            mode="suggest",
            reading=facts.reading,
            facts=facts,
            decision=decision,
            at=datetime.now(UTC),
        )
        news = to_agents(AgentCase(conversation=self.conversation, case=self.case.id, what="turn"))
        record = Record(
            conversation=self.conversation, turn=turn, covers=(trigger,), elsewhere=news, **fields
        )
        await self.service.store.record(record)
        return turn.id

    async def fact(self, step: int, kind: Any, note: str, by: str | None = None) -> None:
        line = LedgerFact(
            case=self.case.id,
            procedure="https-tracking-links",
            step=IDS[step],
            kind=kind,
            note=note,
            by=by,
            at=ago(minutes=5),
        )
        await self.service.store.record(Record(conversation=self.conversation, facts=(line,)))

    async def suggest(self, id: str, text: str, decision: Decision, **fields: Any) -> Suggestion:
        made = Suggestion(
            id=id,
            conversation=self.conversation,
            case=self.case.id,
            decision=decision,
            text=text,
            at=ago(minutes=1),
            **fields,
        )
        notice = AgentSuggestion(
            suggestion=id, conversation=self.conversation, case=self.case.id, state=made.state
        )
        await self.service.store.record(
            Record(conversation=self.conversation, suggestion=made, elsewhere=to_agents(notice))
        )
        return made

    async def propose(self, **changes: Any) -> ActionRequest:
        usual: dict[str, Any] = {"case": self.case.id, "approval": "agent", "principal": self.case_principal}
        fields = usual | changes
        made = await self.service.propose(self.conversation, fields.pop("principal"), **fields)
        notice = AgentRequest(
            request=made.id, conversation=self.conversation, case=self.case.id, state=made.state
        )
        await self.service.store.record(Record(conversation=self.conversation, elsewhere=to_agents(notice)))
        return made

    case_principal = ANN


async def opened(
    service: PlayedService, id: str, principal: Principal = ANN, channel: str = "web", **case: Any
) -> Filled:
    await service.store.open_conversation(
        principal, channel, context={"page": "https://acme.example/links"}, id=id
    )
    fields: dict[str, Any] = {
        "procedure": "https-tracking-links",
        "opened_at": ago(minutes=40),
        "updated_at": ago(minutes=3),
    }
    made = Case(id=f"k-{id}", party=principal.party, conversation=id, **fields | case)
    await service.store.record(Record(conversation=id, case=made))
    filled = Filled(service, id, made)
    filled.case_principal = principal
    return filled


def founding_facts(messages: Mapping[str, str], **changes: Any) -> Facts:
    """Steps one and two hold; the third was said to be done and is not."""
    seen = (
        finding(CHECKS[0], "tracking_on", True),
        finding(
            CHECKS[1],
            "branded_link_proxied",
            True,
            host="go.acme.example",
            token_host="k1.go.acme.example",
            target="links.mail.example",
        ),
        finding(
            CHECKS[2],
            "certificate_other_name",
            False,
            host="go.acme.example",
            name="*.cdn.example",
        ),
    )
    said = (
        claim(0, "done", messages["first"], "link tracking is on"),
        claim(1, "done", messages["first"], "I set up the branded links"),
        claim(2, "done", messages["second"], "the certificate is there since yesterday"),
    )
    words = ("verified", "verified", "contradicted")
    steps = tuple(
        StepState(step=id, word=word, holds=one.met is True, claim=said_, findings=(one,), checkable=True)
        for id, word, one, said_ in zip(IDS, words, seen, said, strict=True)
    )
    reading = Reading(
        language="en",
        request="Please switch HTTPS on for our tracking links.",
        procedure="https-tracking-links",
        subjects=(
            Input(name="domain", value="go.acme.example", message=messages["first"], quote="go.acme.example"),
        ),
        claims=said,
        wants_outcome=True,
    )
    fields: dict[str, Any] = {
        "reading": reading,
        "standing": "owner",
        "procedure": procedure(),
        "steps": steps,
        "citations": (citation(),),
        "action_approval": "agent",
    }
    return Facts(**fields | changes)


SUGGESTED = (
    "Two of the three steps are in place. What is left is the **certificate** [1]:\n\n"
    "1. Let your proxy obtain one for `go.acme.example`.\n2. Tell me when it is there."
)


async def founding_case(service: PlayedService, id: str = "c-founding") -> Filled:
    """In the middle: a suggestion waits, with everything an agent can see."""
    case = await opened(service, id)
    first = await case.say(
        "Hi, link tracking is on and I set up the branded links for go.acme.example. "
        "Please switch HTTPS on for our tracking links."
    )
    await service.say(id, "I look at it now.", decision="acknowledge")
    second = await case.say("Before you ask: the certificate is there since yesterday.")
    facts = founding_facts({"first": first, "second": second})
    decision = Guide(because="the certificate of go.acme.example is for another name", step=IDS[2])
    turn = await case.turn(second, decision, facts)
    await case.fact(2, "evidence", "subject=CN = *.cdn.example\nissuer=C = XX, O = Example CA")
    await case.fact(1, "note", "Seen in the admin panel: two links, both validated.", by="Bea")
    await case.suggest(turn, SUGGESTED, decision, citations=(citation(),), warnings=("doubtful",))
    await service.note(id, "Called twice last month about the same thing.", agent("Tom"))
    return case


async def waiting_case(service: PlayedService, id: str = "c-approval") -> tuple[Filled, ActionRequest]:
    """Everything holds: an approval by an agent is left."""
    case = await opened(
        service, id, Principal(kind="customer", id="joão@loja.example", account="loja"), state="waiting"
    )
    first = await case.say("Tudo pronto dos três lados, podem ligar o HTTPS em links.loja.example?")
    facts = founding_facts({"first": first, "second": first})
    steps = tuple(state.model_copy(update={"word": "verified", "holds": True}) for state in facts.steps)
    facts = facts.model_copy(
        update={"steps": steps, "reading": facts.reading.model_copy(update={"language": "pt"})}
    )
    await case.turn(
        first, Propose(because="every step holds", action="enable_https", approval="agent"), facts
    )
    evidence = (
        finding(
            CHECKS[2],
            "certificate_valid",
            True,
            host="links.loja.example",
            issuer="Example CA",
            expires="3 Mar 2027",
        ),
        finding("account_owner", "account_field_as_expected", True, path="role", expected="owner"),
    )
    request = await case.propose(inputs=(("domain", "links.loja.example"),), evidence=evidence)
    return case, request


async def answer_case(service: PlayedService, id: str = "c-answer") -> Filled:
    """A visitor's question that the documentation answers; in danger of being taken for more."""
    visitor = Principal(kind="anonymous", id="v-9f3c")
    case = await opened(service, id, visitor, "slack", procedure=None, state="handed_off")
    first = await case.say("Somebody got into our account and sends mail. Do something!")
    reading = Reading(language="en", request="Stop a stranger who sends mail.", danger="security")
    decision = Answer(because="the page says what to do first", citations=(citation(anchor=None),))
    await case.turn(first, decision, Facts(reading=reading, citations=(citation(anchor=None),)))
    return case


def agent(name: str) -> Principal:
    return Principal(kind="agent", id=name)


# --- other people's pages ---


class Pages:
    """An origin of its own that serves what it is given: path -> (content type, bytes)."""

    def __init__(self, files: Mapping[str, tuple[str, bytes]]) -> None:
        self.files = dict(files)
        self.posts: list[tuple[str, bytes]] = []
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = pages.files.get(self.path.split("?")[0], ("", b""))
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", "0"))
                pages.posts.append((self.path, self.rfile.read(size)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
