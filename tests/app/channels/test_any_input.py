"""No input makes the service fail: whatever the document describes, and whatever it does not, is answered.

Written from the API's own description by schemathesis: each operation gets requests that fit its schema and
requests that break it, and from us bytes that are nothing at all.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from app.channels.openapi import document
from tests.app.channels.everyone import HOOK, Everyone, everyone

DOCUMENT = document()
DESCRIBED = {
    (each.method.upper(), each.path): each
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
    if isinstance(found, Ok)
    for each in (found.ok(),)
    if not each.path.endswith("/events")  # streams have no body, and are asked in `test_streams`
}
OPERATIONS = sorted(DESCRIBED)
EXAMPLES = 6
"""For each operation in each of the tests, other ones each time."""
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
HEADERS = ("authorization", "last-event-id", "accept-language", "if-none-match", "stepfour-visitor", "cookie",
           "content-type", "content-length", "origin", "user-agent", "x-forwarded-for")  # fmt: skip

# --- values ---

NUMBERS = st.one_of(
    st.integers(),
    st.sampled_from([0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, -(10**400)]),
    st.floats(allow_nan=False, allow_infinity=False),
)
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", "\0", "\ud800", "é" * 300, "../../etc/passwd", "' or 1=1 --", "%00", "a" * 25_000]),
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
DEEP = [b"[" * 100_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b"[" * 400 + b"]" * 400]
HUGE = [b"1" * 5_000, b'{"text": ' + b"9" * 100_000 + b"}", b"1e999999", b"NaN", b'{"a": Infinity}']
RAW = st.one_of(
    st.binary(max_size=60), st.sampled_from([*DEEP, *HUGE, b"", b"\xff\xfe", b'"\\ud800"', b"null"])
)
HEADER_BYTES = st.binary(max_size=80).map(lambda raw: raw.translate(None, b"\r\n\0"))


def cases(method: str, path: str) -> st.SearchStrategy[Case[Any]]:
    """Requests that fit what is described, and where there is more than an address also such as break it."""
    described = DESCRIBED[method, path]
    fitting = described.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not (described.body or described.query or described.headers):
        return fitting
    return fitting | described.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def as_sent(case: Case[Any]) -> dict[str, Any]:
    """The request as it would go out."""
    made = requests.Request(**case.as_transport_kwargs(base_url="http://stepfour.invalid")).prepare()
    headers = {name: value for name, value in made.headers.items() if name.lower() != "content-length"}
    return {"content": made.body or b"", "headers": headers, "params": urlsplit(made.url or "").query}


# --- asking ---


@pytest.fixture(scope="module")
def loop() -> Any:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def us(loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One site for all of it, as one that runs for months sees everything."""
    opening = everyone(tmp_path_factory.mktemp("any") / "data")
    made = loop.run_until_complete(opening.__aenter__())
    made.ending.set()  # streams say what there is and end
    yield made
    loop.run_until_complete(opening.__aexit__(None, None, None))


def answered(
    loop: asyncio.AbstractEventLoop, us: Everyone, method: str, path: str, who: str, **fields: Any
) -> None:
    us.site.world.later(seconds=30)  # so that no limit answers instead
    answer = loop.run_until_complete(us.ask(method, path, who, **fields))
    assert answer.status_code < 500, (method, path, fields, answer.text)
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "fix"}
        assert "Traceback" not in answer.text


def filled(path: str, us: Everyone, ids: str, who: str) -> str:
    """The address; `ids`: something there, or whatever it says."""
    id = us.conversations["ann"]
    if "/attachments/" in path:
        id = us.files["ann"]
    for name in ("{id}", "{step}", "{account}", "{conversation}"):
        there = {"{id}": id, "{step}": "link-tracking"}.get(name, "1")
        path = path.replace(name, there if ids == "there" else ids)
    return path


WHO = st.sampled_from(["ann", "agent", "visitor"])
PATHS = st.one_of(
    st.just("there"),
    st.sampled_from(["%00", "%FF", "..%2f..", "a" * 3000, "%F0%9F%92%A9", "-1", "9" * 400, "%ED%A0%80"]),
    st.text("abcXYZ019_.-~", min_size=1, max_size=20),
)


def test_every_operation_is_asked() -> None:
    described = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert {(method, path) for method, path in described if not path.endswith("/events")} == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_any_request(method: str, path: str, loop: Any, us: Everyone) -> None:
    @QUIET
    @given(WHO, PATHS, cases(method, path))
    def ask(who: str, ids: str, case: Case[Any]) -> None:
        answered(loop, us, method, filled(path, us, ids, who), who, **as_sent(case))

    ask()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_any_bytes(method: str, path: str, loop: Any, us: Everyone) -> None:
    @QUIET
    @given(WHO, PATHS, RAW | ANYTHING.map(lambda value: json.dumps(value).encode()))
    def ask(who: str, ids: str, content: bytes) -> None:
        headers = {"content-type": "application/json"}
        answered(loop, us, method, filled(path, us, ids, who), who, content=content, headers=headers)

    ask()


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_any_headers_and_query(method: str, path: str, loop: Any, us: Everyone) -> None:
    @QUIET
    @given(WHO, st.dictionaries(st.sampled_from(HEADERS), HEADER_BYTES, max_size=4), st.binary(max_size=40))
    def ask(who: str, headers: dict[str, bytes], query: bytes) -> None:
        where = filled(path, us, "there", who) + "?" + query.hex() + "=%FF&after=%00&state=%ED%A0%80"
        answered(loop, us, method, where, who, headers={k.encode(): v for k, v in headers.items()})

    ask()


@pytest.mark.parametrize("path", ["/v1/conversations/{id}/events", "/v1/agent/events"])
def test_streams(path: str, loop: Any, us: Everyone) -> None:
    @QUIET
    @given(HEADER_BYTES, NUMBERS | WORDS)
    def ask(last: bytes, after: Any) -> None:
        who = "agent" if "/agent/" in path else "ann"
        params = {"after": str(after).encode("utf-8", "replace")[:400]}
        headers = {b"last-event-id": last}
        answered(loop, us, "GET", filled(path, us, "there", who), who, params=params, headers=headers)

    ask()


@pytest.mark.parametrize("path", ["/slack/events", f"/chatwoot/{HOOK}", "/chatwoot/%FF", "/v1/agent/session"])
def test_what_others_call(path: str, loop: Any, us: Everyone) -> None:
    """The webhooks are in no document: whoever finds them may send anything."""

    @QUIET
    @given(RAW | ANYTHING.map(lambda value: json.dumps(value).encode()), HEADER_BYTES, HEADER_BYTES)
    def ask(content: bytes, stamp: bytes, signature: bytes) -> None:
        headers = {
            b"content-type": b"application/json",
            b"x-slack-request-timestamp": stamp,
            b"x-slack-signature": signature,
        }
        answered(loop, us, "POST", path, "junk", content=content, headers=headers)

    ask()


def test_every_address_that_nobody_thought_of(loop: Any, us: Everyone) -> None:
    methods = st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "BREW"])
    starts = st.sampled_from(["/", "/v1/", "/v1/agent/", "/help/", "/assets/", "/widget/", "/assist/"])

    @settings(QUIET, max_examples=150)
    @given(methods, starts, PATHS, HEADER_BYTES)
    def ask(method: str, start: str, rest: str, header: bytes) -> None:
        answer = loop.run_until_complete(
            us.ask(method, start + ("" if rest == "there" else rest), "ann", headers={b"origin": header})
        )
        assert answer.status_code < 500, (method, start, rest)

    ask()
