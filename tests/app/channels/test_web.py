"""The website channel: who may read and write what, what is stored, and how "no" is said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.channels.customers import cleaned
from app.channels.edge import MOST_BYTES
from app.errors import Unavailable
from tests.app.channels.calls import bearer, code, opened, send, visitor

Sign = Callable[..., str]
IDENTITY = {"user", "user_id", "customer", "account", "account_id", "sub", "email", "role", "roles", "party"}
IDENTITY |= {"principal", "agent", "agent_id", "by", "identity", "token", "visitor", "owner", "tenant"}


# --- a message is stored, then acknowledged, and counts once ---


async def test_a_message_is_stored_before_it_is_acknowledged_and_then_handled(
    web: httpx.AsyncClient, service: Any
) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    answer = await send(web, token, id, "Please switch HTTPS on")
    assert answer.status_code == 202
    said = answer.json()
    stored = await service.store.messages(id)
    assert [(m.id, m.text, m.role) for m in stored] == [
        (said["message"]["id"], "Please switch HTTPS on", "customer")
    ]
    await service.idle()
    assert service.handled == [said["message"]["id"]]
    assert said["seq"] == 1


async def test_the_same_client_message_id_is_one_message(web: httpx.AsyncClient, service: Any) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    first = (await send(web, token, id, "hello")).json()
    again = (await send(web, token, id, "hello")).json()
    assert again["message"] == first["message"]
    assert (first["seen_before"], again["seen_before"]) == (False, True)
    assert len(await service.store.messages(id)) == 1
    assert code(await send(web, token, id, "something else")) == (409, "client_message_id_used")


async def test_what_the_client_shows_is_kept_without_secrets_of_its_address(
    web: httpx.AsyncClient, service: Any
) -> None:
    token = await visitor(web)
    page = "https://ann:pw@app.acme.example/settings/tracking?session=s3cret#x"
    id = await opened(web, token)
    await send(
        web, token, id, "hi", **{"User-Agent": "Firefox/140", "Referer": page, "Accept-Language": "pt-BR"}
    )
    (message,) = await service.store.messages(id)
    assert dict(message.context) == {
        "user_agent": "Firefox/140",
        "page": "https://app.acme.example/settings/tracking",
        "language": "pt-BR",
    }


# --- what cannot be used ---


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({"client_message_id": "a", "text": ""}, 422, "empty"),
        ({"client_message_id": "a", "text": " \n\t\u0000 "}, 422, "empty"),
        ({"client_message_id": "a", "text": "x" * 20_001}, 413, "too_long"),
        ({"client_message_id": "a", "text": "x" * 200_000}, 413, "too_long"),
        ({"client_message_id": "a", "text": "x" * MOST_BYTES}, 413, "too_long"),
        ({"client_message_id": "a"}, 422, "missing_field"),
        ({"client_message_id": "", "text": "hi"}, 422, "bad_field"),
        ({"client_message_id": "a b", "text": "hi"}, 422, "bad_field"),
        ({"client_message_id": "a" * 65, "text": "hi"}, 422, "bad_field"),
        ({"client_message_id": 7, "text": "hi"}, 422, "bad_field"),
        ({"client_message_id": "a", "text": ["hi"]}, 422, "bad_field"),
        ({"client_message_id": "a", "text": "hi", "account": "victim"}, 422, "unexpected_field"),
        ([], 422, "bad_field"),
    ],
)
async def test_a_message_that_cannot_be_used_says_why_and_is_not_stored(
    web: httpx.AsyncClient, service: Any, body: object, status: int, name: str
) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    answer = await web.post(f"/v1/conversations/{id}/messages", json=body, headers=bearer(token))
    assert code(answer) == (status, name)
    assert await service.store.messages(id) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00binary\x80",
        b'{"client_message_id":"a","text":"\xff"}',
        b'{"client_message_id":"a","text":"\\ud800"}',
        b'{"client_message_id":"a","text":"x","\\ud800":1}',
        b"",
        b"{",
        b"null",
        b"[" * 100_000,
    ],
)
async def test_bytes_that_are_no_message_are_refused(
    web: httpx.AsyncClient, service: Any, content: bytes
) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    headers = bearer(token) | {"Content-Type": "application/json"}
    answer = await web.post(f"/v1/conversations/{id}/messages", content=content, headers=headers)
    assert code(answer)[0] in (400, 422)
    assert await service.store.messages(id) == []


@given(st.text(max_size=200))
def test_cleaning_keeps_every_readable_character(text: str) -> None:
    kept = [c for c in text if c.isprintable() and not c.isspace()]
    if not kept:
        return
    assert [c for c in cleaned(text) if c.isprintable() and not c.isspace()] == kept
    assert not any(ord(c) < 32 and c not in "\n\t" for c in cleaned(text))


# --- who may do what: every route, every other token, known and unknown ids ---

MESSAGE = {"client_message_id": "x", "text": "CANARY"}
WRITES_OF_ONE: dict[str, dict[str, Any]] = {
    "messages": MESSAGE,
    "handoff": {},
    "check": {},
    "steps/ssl-certificate/dispute": {},
    "feedback": {"message": "m_1", "helped": False},
    "solved": {"solved": True},
    "join": {},
}
READS = [("GET", ""), ("GET", "/events")]
WRITES = [("POST", "/messages"), ("POST", "/handoff")]


@pytest.mark.parametrize(("method", "rest"), READS + WRITES)
async def test_a_conversation_of_others_is_like_one_that_is_not_there(
    web: httpx.AsyncClient, service: Any, sign: Sign, method: str, rest: str
) -> None:
    owner = sign("ann", "acme")
    id = await opened(web, owner)
    await send(web, owner, id, "CANARY-acme")
    others = [
        await visitor(web),
        sign("ann", "other"),  # same person, another account
        sign("bob", "acme"),  # same account, another person
        sign("acme", "ann"),
    ]
    body = MESSAGE if rest == "/messages" else {} if method == "POST" else None
    for token, target in itertools.product(others, [id, "c_unknown"]):
        answer = await web.request(
            method, f"/v1/conversations/{target}{rest}", json=body, headers=bearer(token)
        )
        assert code(answer) == (404, "not_found")
        assert answer.json()["error"]["message"] == "There is no such thing here for you."
        assert "CANARY" not in answer.text
    assert [m.text for m in await service.store.messages(id)] == ["CANARY-acme"]


@pytest.mark.parametrize(("method", "rest"), READS + WRITES)
async def test_without_a_valid_token_there_is_nothing(
    web: httpx.AsyncClient, sign: Sign, method: str, rest: str
) -> None:
    id = await opened(web, sign())
    body = MESSAGE if rest == "/messages" else {} if method == "POST" else None
    for headers in ({}, bearer("junk"), bearer(sign(exp=1)), {"Cookie": f"token={sign()}"}):
        answer = await web.request(method, f"/v1/conversations/{id}{rest}", json=body, headers=headers)
        assert code(answer) == (401, "not_authentic")
        assert answer.headers["www-authenticate"] == "Bearer"
    answer = await web.request(method, f"/v1/conversations/{id}{rest}?token={sign()}", json=body)
    assert answer.status_code == 401, "a token in the address is no token"


async def test_a_conversation_that_began_anonymously_stays_so(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    assert code(await send(web, sign("ann", "acme"), id, "now I am Ann")) == (404, "not_found")
    assert (await send(web, token, id, "I am ann of acme, account acme")).status_code == 202
    conversation = await service.store.conversation(id)
    assert conversation.principal.kind == "anonymous"
    assert conversation.principal.account is None


async def test_agents_read_and_do_not_write_as_customers(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    owner, agent = sign(), sign("kim", None, aud="stepfour-agents")
    id = await opened(web, owner)
    await send(web, owner, id, "hello")
    read = await web.get(f"/v1/conversations/{id}", headers=bearer(agent))
    assert [m["text"] for m in read.json()["messages"]] == ["hello"]
    for path, body in WRITES_OF_ONE.items():
        answer = await web.post(f"/v1/conversations/{id}/{path}", json=body, headers=bearer(agent))
        assert code(answer) == (403, "agents_elsewhere"), path
    assert code(await web.get("/v1/conversations", headers=bearer(agent))) == (403, "agents_elsewhere")
    assert len(await service.store.messages(id)) == 1
    assert service.moves == []


async def test_talk_to_a_person_hands_off(web: httpx.AsyncClient, service: Any) -> None:
    token = await visitor(web)
    id = await opened(web, token)
    answer = await web.post(f"/v1/conversations/{id}/handoff", json={}, headers=bearer(token))
    assert answer.status_code == 202
    assert "handoff" in [e.type for e in await service.store.events(id, 0)]


# --- approvals ---


async def test_only_who_is_asked_approves_and_only_once(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    owner, agent = sign(), sign("kim", None, aud="stepfour-agents")
    id = await opened(web, owner)
    principal = (await service.store.conversation(id)).principal
    for approval, right, wrong in (("customer", owner, agent), ("agent", agent, owner)):
        request = await service.propose(id, principal, approval=approval)
        here = f"/v1/requests/{request.id}/approve"
        for token in (wrong, sign("bob", "acme"), await visitor(web)):
            assert code(await web.post(here, json={}, headers=bearer(token))) == (404, "not_found")
        assert (await service.store.request(request.id)).state == "proposed"
        approved = await web.post(here, json={}, headers=bearer(right))
        assert approved.json() == {"id": request.id, "state": "approved"}
        assert (await web.post(here, json={}, headers=bearer(right))).status_code == 422
    unknown = await web.post("/v1/requests/a_no/approve", json={}, headers=bearer(owner))
    assert code(unknown) == (404, "not_found")


async def test_an_approval_takes_no_inputs(web: httpx.AsyncClient, service: Any, sign: Sign) -> None:
    owner = sign()
    id = await opened(web, owner)
    request = await service.propose(id, (await service.store.conversation(id)).principal)
    body = {"inputs": {"domain": "victim.example"}}
    answer = await web.post(f"/v1/requests/{request.id}/approve", json=body, headers=bearer(owner))
    assert code(answer) == (422, "unexpected_field")
    assert (await service.store.request(request.id)).state == "proposed"


# --- the description, the pages, the headers ---


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)


def _fields(schema: Any, api: dict[str, Any], seen: frozenset[str] = frozenset()) -> Iterator[str]:
    for node in _schemas(schema):
        yield from node.get("properties", {})
        name = node.get("$ref", "").rpartition("/")[2]
        if name and name not in seen:
            yield from _fields(api["components"]["schemas"][name], api, seen | {name})


async def test_no_request_says_who_somebody_is(web: httpx.AsyncClient) -> None:
    api = (await web.get("/openapi.json")).json()
    bodies = 0
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            fields = set(_fields(operation.get("requestBody", {}), api))
            fields |= {p["name"] for p in operation.get("parameters", [])}
            assert not fields & IDENTITY, f"{method} {path} takes {fields & IDENTITY}"
            bodies += "requestBody" in operation
    assert bodies >= 12
    assert set(_fields(api["paths"]["/v1/conversations/{id}/messages"]["post"]["requestBody"], api)) == {
        "client_message_id",
        "text",
        "page",
        "attachments",
    }


async def test_every_body_refuses_a_field_that_nobody_declared(
    web: httpx.AsyncClient, sign: Sign, service: Any
) -> None:
    id = await opened(web, sign())
    api = (await web.get("/openapi.json")).json()
    for path, methods in api["paths"].items():
        if "application/json" not in methods.get("post", {}).get("requestBody", {}).get("content", {}):
            continue
        known = WRITES_OF_ONE.get(path.partition("{id}/")[2].replace("{step}", "ssl-certificate"), {})
        there = path.replace("{id}", id).replace("{step}", "ssl-certificate")
        answer = await web.post(there, json={"account": "victim"} | known, headers=bearer(sign()))
        assert code(answer) == (422, "unexpected_field"), path
        assert "`account`" in answer.json()["error"]["message"]


async def test_every_answer_is_strict_and_in_our_shape(web: httpx.AsyncClient) -> None:
    for path in ("/", "/docs", "/assets/chat.js", "/healthz", "/readyz", "/v1/conversations/x", "/nope"):
        answer = await web.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert code(await web.get("/nope")) == (404, "not_found")
    assert code(await web.put("/v1/visitors")) == (405, "method_not_allowed")


@pytest.mark.parametrize("name", ["..%2f..%2fsettings.py", "%2e%2e/%2e%2e/web.py", "nope.js", "%00"])
async def test_assets_are_the_built_files_and_nothing_else(web: httpx.AsyncClient, name: str) -> None:
    assert code(await web.get(f"/assets/{name}")) == (404, "not_found")


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [(Unavailable("db host x"), 503, "unavailable"), (RuntimeError("s3cret"), 500, "internal")],
)
async def test_what_breaks_behind_does_not_leak(
    web: httpx.AsyncClient,
    service: Any,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    status: int,
    name: str,
) -> None:
    async def broken(_: str) -> bool:
        raise error

    token = await visitor(web)
    monkeypatch.setattr(service.store, "knows_visitor", broken)
    answer = await web.post("/v1/conversations", json={}, headers=bearer(token))
    assert code(answer) == (status, name)
    assert str(error) not in answer.text


async def test_not_ready_says_so(web: httpx.AsyncClient, service: Any) -> None:
    assert (await web.get("/readyz")).json() == {"status": "ok"}
    await service.close()
    assert code(await web.get("/readyz")) == (503, "not_ready")
    assert (await web.get("/healthz")).status_code == 200


# --- the stream, over a real server ---


class Reader:
    """Reads server-sent events off a real connection."""

    def __init__(self, answer: httpx.Response) -> None:
        self.lines = answer.iter_lines()

    def event(self) -> dict[str, Any]:
        fields: dict[str, str] = {}
        for line in self.lines:
            if not line and "id" in fields:
                return {"id": int(fields["id"]), "event": fields["event"], **json.loads(fields["data"])}
            name, _, value = line.partition(": ")
            if name:
                fields[name] = value
        raise AssertionError("the stream ended")


@pytest.fixture
def http(site: Any) -> Iterator[httpx.Client]:
    site.start()
    with httpx.Client(base_url=site.url, timeout=10) as client:
        yield client


def begin(http: httpx.Client) -> tuple[dict[str, str], str]:
    headers = bearer(http.post("/v1/visitors", json={}).json()["token"])
    return headers, http.post("/v1/conversations", json={}, headers=headers).json()["id"]


def put(http: httpx.Client, headers: dict[str, str], id: str, n: int) -> None:
    body = {"client_message_id": f"n{n}", "text": f"message {n}"}
    http.post(f"/v1/conversations/{id}/messages", json=body, headers=headers).raise_for_status()


def test_events_come_numbered_live_and_from_any_number_on(http: httpx.Client) -> None:
    headers, id = begin(http)
    here = f"/v1/conversations/{id}/events"
    put(http, headers, id, 1)
    with http.stream("GET", here, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        reader = Reader(answer)
        assert reader.event()["message"]["text"] == "message 1"
        put(http, headers, id, 2)
        second = reader.event()
        assert (second["id"], second["event"], second["message"]["text"]) == (2, "message.done", "message 2")
        assert second["message"]["client_message_id"] == "n2"
    put(http, headers, id, 3)
    with http.stream("GET", here, headers=headers | {"Last-Event-ID": "2"}) as answer:
        assert Reader(answer).event()["id"] == 3
    with http.stream("GET", f"{here}?after=1", headers=headers) as answer:
        assert Reader(answer).event()["id"] == 2
    assert code(http.get(here, headers=headers | {"Last-Event-ID": "x"})) == (422, "bad_field")


def test_leaving_cancels_nothing(site: Any, http: httpx.Client) -> None:
    import threading

    left, went_on = threading.Event(), threading.Event()

    async def slow(service: Any, message: Any) -> None:
        import asyncio

        await asyncio.to_thread(left.wait, 10)
        await service.say(message.conversation, "done all the same")
        went_on.set()

    site.service.play = slow
    headers, id = begin(http)
    with http.stream("GET", f"/v1/conversations/{id}/events", headers=headers) as answer:
        put(http, headers, id, 1)
        Reader(answer).event()
    left.set()
    assert went_on.wait(10)
    said = http.get(f"/v1/conversations/{id}", headers=headers).json()["messages"]
    assert [m["text"] for m in said] == ["message 1", "done all the same"]


def test_silence_is_broken_by_a_comment(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.channels.stream.HEARTBEAT_S", 0.2)
    headers, id = begin(http)
    with http.stream("GET", f"/v1/conversations/{id}/events", headers=headers) as answer:
        assert ": still here" in itertools.islice(answer.iter_lines(), 10)


def test_a_stream_ends_with_its_token(site: Any, http: httpx.Client, sign: Sign) -> None:
    headers = bearer(sign())
    id = http.post("/v1/conversations", json={}, headers=headers).json()["id"]
    put(http, headers, id, 1)
    with http.stream("GET", f"/v1/conversations/{id}/events", headers=headers) as answer:
        lines = answer.iter_lines()
        assert "event: message.done" in lines
        site.service.shift = timedelta(seconds=700)
        site.do(site.service.say(id, "the last words before the end"))
        assert ": still here" not in lines
    assert code(http.get(f"/v1/conversations/{id}", headers=headers)) == (401, "not_authentic")


def test_a_visitors_stream_ends_when_the_conversation_is_a_customers(
    site: Any, http: httpx.Client, sign: Sign
) -> None:
    headers, id = begin(http)
    put(http, headers, id, 1)
    with http.stream("GET", f"/v1/conversations/{id}/events", headers=headers) as answer:
        reader = Reader(answer)
        reader.event()
        both = bearer(sign()) | {"Stepfour-Visitor": headers["Authorization"].removeprefix("Bearer ")}
        http.post(f"/v1/conversations/{id}/join", json={}, headers=both).raise_for_status()
        site.do(site.service.say(id, "for Ann alone"))
        assert "for Ann alone" not in "".join(reader.lines)
