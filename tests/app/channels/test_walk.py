"""Every route of the description, with every kind of proof and id: nobody sees or moves what is another's."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from app.channels import assist, limits
from app.channels.limits import RATES, Rate
from app.models.people import Principal
from tests.app.channels.calls import bearer, opened, send, visitor
from tests.app.channels.conftest import client

Sign = Callable[..., str]
CANARY = "CANARY-acme-ann"
PNG = b"\x89PNG\r\n\x1a\n" + CANARY.encode()

OPEN = {
    ("POST", "/v1/visitors"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/v1/agent/me"),  # says to anyone that nobody is signed in
    ("POST", "/v1/agent/session"),  # takes a one-time code
    ("DELETE", "/v1/agent/session"),
}
"""What needs no proof."""
OF_ANYONE = {("GET", "/v1/conversations"), ("POST", "/v1/conversations"), ("POST", "/v1/link-codes")}
"""What everybody has of their own."""
BODIES: dict[str, dict[str, Any]] = {
    "messages": {"client_message_id": "walk", "text": "walked in"},
    "feedback": {"message": "m_1", "helped": False},
    "solved": {"solved": True},
    "notes": {"text": "walked in"},
    "attest": {"text": "walked in"},
    "not-applicable": {"text": "walked in"},
}


class Route(NamedTuple):
    method: str
    path: str
    media: str | None


class Planted(NamedTuple):
    """What Ann of acme has."""

    conversation: str
    attachment: str
    request: str


@pytest.fixture
async def whole(service: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(limits, "RATES", {name: Rate(1_000_000) for name in RATES})  # a walk is a crowd
    async with client(service, routers=[assist.create_router(service)]) as web:
        yield web


async def routes(web: httpx.AsyncClient) -> list[Route]:
    api = (await web.get("/openapi.json")).json()

    def each() -> Iterator[Route]:
        for path, operations in api["paths"].items():
            for method, operation in operations.items():
                media = next(iter(operation.get("requestBody", {}).get("content", {})), None)
                yield Route(method.upper(), path, media)

    return list(each())


async def planted(web: httpx.AsyncClient, service: Any, token: str) -> Planted:
    id = await opened(web, token)
    await send(web, token, id, CANARY)
    form = {"file": (f"{CANARY}.png", PNG)}
    file = await web.post(f"/v1/conversations/{id}/attachments", files=form, headers=bearer(token))
    principal = (await service.store.conversation(id)).principal
    request = await service.propose(id, principal, inputs=(("domain", CANARY),))
    await service.idle()
    return Planted(id, file.json()["id"], request.id)


def filled(path: str, of: Planted | None) -> str:
    """The path with the ids that somebody has, or with ids that nobody has."""
    if "/attachments/{" in path:
        id = of.attachment if of else "f_unknown"
    elif "/requests/{" in path:
        id = of.request if of else "a_unknown"
    else:
        id = of.conversation if of else "c_unknown"
    for name in ("{id}", "{conversation}", "{suggestion}", "{request}"):
        path = path.replace(name, id)
    return path.replace("{step}", "ssl-certificate").replace("{account}", "1")


async def ask(web: httpx.AsyncClient, route: Route, path: str, headers: dict[str, str]) -> httpx.Response:
    if route.media == "multipart/form-data":
        return await web.request(route.method, path, files={"file": ("x.png", PNG)}, headers=headers)
    body = BODIES.get(route.path.rpartition("/")[2], {}) if route.media else None
    return await web.request(route.method, path, json=body, headers=headers)


async def snapshot(service: Any, of: Planted) -> object:
    conversation = await service.store.conversation(of.conversation)
    request = await service.store.request(of.request)
    messages = await service.store.messages(of.conversation)
    notes = await service.store.notes(of.conversation)
    events = await service.store.last_seq(of.conversation)
    return conversation, request, messages, notes, events, list(service.moves)


async def test_nobody_sees_or_moves_what_is_anothers(
    whole: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = await planted(whole, service, sign("ann", "acme"))
    before = await snapshot(service, ann)
    others = {
        "another account": sign("ann", "other"),
        "another person": sign("bob", "acme"),
        "a visitor": await visitor(whole),
        "the names swapped": sign("acme", "ann"),
        "a customer named as an agent": sign("kim"),
    }
    seen = 0
    for route, (who, token), of in itertools.product(await routes(whole), others.items(), (ann, None)):
        if (route.method, route.path) in OPEN:
            continue
        answer = await ask(whole, route, filled(route.path, of), bearer(token))
        assert "CANARY" not in answer.text, (route, who)
        if (route.method, route.path) in OF_ANYONE:
            continue
        allowed = {403} if route.path.startswith("/v1/agent/") else {403, 404}
        if route.path.endswith("/join"):
            allowed |= {401}  # without the visitor's token
        assert answer.status_code in allowed, (route, who, answer.status_code)
        seen += 1
    assert seen > 200
    assert await snapshot(service, ann) == before


async def test_a_missing_id_looks_like_one_of_another(
    whole: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = await planted(whole, service, sign("ann", "acme"))
    for route in await routes(whole):
        if "{" not in route.path or route.path.startswith("/v1/agent/"):
            continue
        theirs, nobodys = [
            await ask(whole, route, filled(route.path, of), bearer(sign("eve"))) for of in (ann, None)
        ]
        assert (theirs.status_code, theirs.json()) == (nobodys.status_code, nobodys.json()), route


async def test_without_a_proof_that_holds_there_is_nothing(
    whole: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = await planted(whole, service, sign("ann", "acme"))
    before = await snapshot(service, ann)
    proofs: dict[str, dict[str, str]] = {
        "none": {},
        "junk": bearer("junk"),
        "expired": bearer(sign("ann", "acme", exp=1)),
        "another secret": bearer("eyJhbGciOiJIUzI1NiJ9.e30.c2ln"),
        "an unknown visitor": bearer("visitor_" + "x" * 43),
        "an expired agent": bearer(sign("kim", None, aud="stepfour-agents", exp=1)),
        "for somebody else": bearer(sign("ann", "acme", aud="other")),
        "a made-up session": {"Cookie": "stepfour-agent=" + "x" * 43, "Stepfour-Agent": "1"},
        "a token as a cookie": {"Cookie": f"stepfour-agent={sign('kim', None, aud='stepfour-agents')}"},
    }
    for route, (what, headers) in itertools.product(await routes(whole), proofs.items()):
        if (route.method, route.path) in OPEN:
            continue
        answer = await ask(whole, route, filled(route.path, ann), headers)
        assert answer.status_code == 401, (route, what, answer.status_code)
        assert "CANARY" not in answer.text
    assert await snapshot(service, ann) == before


async def test_an_agent_reads_every_conversation_and_writes_as_no_customer(
    whole: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = await planted(whole, service, sign("ann", "acme"))
    agent = bearer(sign("kim", None, aud="stepfour-agents"))
    for route in await routes(whole):
        if route.path.startswith("/v1/agent/") or "{" not in route.path or route.path.endswith("/events"):
            continue
        nobodys = await ask(whole, route, filled(route.path, None), agent)
        assert nobodys.status_code in (403, 404), route
        if route.method == "POST" and "/conversations/" in route.path:
            answer = await ask(whole, route, filled(route.path, ann), agent)
            assert answer.status_code == 403, route
    read = await whole.get(f"/v1/conversations/{ann.conversation}", headers=agent)
    assert CANARY in read.text
    assert len(await service.store.messages(ann.conversation)) == 1
    assert (await service.store.request(ann.request)).state == "proposed"


async def test_a_customer_who_was_an_agents_namesake_is_nobody(service: Any) -> None:
    """Party keys cannot meet across kinds, whatever ids a site signs."""
    parties = {
        Principal(kind=kind, id=id, account=account).party
        for kind in ("anonymous", "customer", "agent")
        for id in ("kim", "a:b", ":")
        for account in (None, "acme", "")
    }
    assert len(parties) == 3 * 3 * 2, "no account and an empty one are the only two that are one"
