"""What goes over the wire: the key on each try, one credential a call, and no secret anywhere else."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.platform import Platform
from app.connectors.fill import Meant, Prepared, filled, route
from app.connectors.read import load
from app.errors import BadInput, ConfigError
from app.signing import signature
from tests.app.connectors.own import SECRETS, STANDING, Played, played

FILE = (
    "connector: own\naddress: env:OWN\ncredential: env:OWN_KEY\n"
    + STANDING
    + """\
actions:
  cancel:
    describe: Cancel an order
    inputs: [order]
    request: POST /orders/{order}/cancel
    body: {why: "{order}"}
    credential: env:CANCEL_KEY
    prerequisites: [account_field: {path: order.state, equals: open}]
    read_back: {get: "/orders/{order}/log", field: state, equals: cancelled}
    approval: none
  call:
    describe: Have another system do it
    inputs: [order]
    webhook: env:OWN
    secret: env:HOOK_SECRET
    body: {order: "{order}"}
    answer: {field: taken, equals: true}
    prerequisites: [account_field: {path: order.state, equals: open}]
  called_back:
    describe: Have another system do it, and look
    inputs: [order]
    webhook: env:OWN
    secret: env:HOOK_SECRET
    prerequisites: [account_field: {path: order.state, equals: open}]
    read_back: {get: "/orders/{order}/log", field: state, equals: cancelled}
  in_python:
    describe: What a file cannot say
    python: tests.app.connectors.test_calls:in_python
    credential: env:CANCEL_KEY
    prerequisites: [account_field: {path: order.state, equals: open}]
    inputs: [order]
    read_back: {get: "/orders/{order}/log", field: state, equals: cancelled}
"""
)
ORDER = {"order": "o-1"}
DONE: list[tuple[str, dict[str, str], str, str]] = []


async def in_python(account: str, inputs: Mapping[str, str], *, key: str, credential: str) -> None:
    DONE.append((account, dict(inputs), key, credential))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.actions.WRITE_WAIT_S", 0)
    monkeypatch.setattr("app.actions.READ_BACK_WAIT_S", 0)


@pytest.fixture
async def play(tmp_path: Path) -> AsyncIterator[Played]:
    async with played(tmp_path, {"own.yaml": FILE}) as made:
        made.own.says |= {"/orders/o-1/cancel": {}, "/orders/o-1/log": {"state": "cancelled"}}
        made.own.says["/"] = {"taken": True}
        yield made


# --- requests -----------------------------------------------------------------------------------


async def test_the_key_goes_out_on_each_try_and_the_body_is_the_same(play: Played) -> None:
    play.own.next = [503, 429]
    done = await play.perform("cancel", ORDER)
    assert done.state == "done", done.detail
    assert [each.headers["idempotency-key"] for each in play.own.writes] == ["a1", "a1", "a1"]
    assert {each.body for each in play.own.writes} == {b'{"why":"o-1"}'}


async def test_where_no_key_is_taken_nothing_is_sent_twice(tmp_path: Path) -> None:
    text = FILE.replace("connector: own\n", "connector: own\nidempotency: none\n")
    async with played(tmp_path, {"own.yaml": text}) as play:
        play.own.says["/orders/o-1/log"] = {"state": "cancelled"}
        play.own.next = [503]
        done = await play.perform("cancel", ORDER)
        assert done.state == "done", "the read-back tells"
        assert [("idempotency-key" in each.headers) for each in play.own.writes] == [False]


async def test_each_call_has_the_credential_that_it_names_and_no_other(play: Played) -> None:
    await play.perform("cancel", ORDER)
    sent = {(each.method, each.path): each.headers.get("authorization") for each in play.own.got}
    assert sent == {
        ("GET", "/people/acme/ann"): "Bearer key-that-reads",
        ("GET", "/orders/o-1"): "Bearer key-that-reads",
        ("POST", "/orders/o-1/cancel"): "Bearer key-that-cancels",
        ("GET", "/orders/o-1/log"): "Bearer key-that-cancels",
    }


async def test_a_redirect_is_not_followed(play: Played) -> None:
    play.own.next = [307, 307, 307]
    play.own.says["/orders/o-1/log"] = {"state": "open"}
    done = await play.perform("cancel", ORDER)
    assert done.state == "needs_person"
    assert not any(each.path == "/elsewhere" for each in play.own.got)


async def test_no_secret_is_in_an_error_a_log_or_a_repr(
    play: Played, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    play.own.next = [422]  # and it repeats what it was sent
    done = await play.perform("cancel", ORDER)
    assert done.state == "needs_person"
    assert "no, Bearer (credential)" in done.detail
    play.own.next = [403]
    with pytest.raises(BadInput) as refused:
        await play.platform.change("acme", "cancel", ORDER, "k")
    sent = play.platform.to_send(Meant("cancel", "acme", ORDER, "k"))
    clients = [vars(client) for client in play.platform._clients.values()]
    told = [done.detail, refused.value, sent, play.platform, vars(play.platform), clients, caplog.text]
    for text in map(repr, told):
        for secret in SECRETS.values():
            assert secret not in text


async def test_a_function_of_the_companys_does_what_a_file_cannot_say(play: Played) -> None:
    DONE.clear()
    assert (await play.perform("in_python", ORDER)).state == "done"
    assert DONE == [("acme", ORDER, "a1", "key-that-cancels")]


def test_a_function_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(FILE.replace("test_calls:in_python", "test_calls:nothing"))
    with pytest.raises(ConfigError, match="cannot be loaded"):
        Platform(load(tmp_path), lambda name: SECRETS.get(name, "https://a.example"))


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080", "http://localhost", "http://a.example", "https://k:v@a.example", "ftp://a"],
)
def test_only_https_is_spoken_and_no_setting_changes_that(address: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(FILE)
    with pytest.raises(ConfigError):
        Platform(load(tmp_path), lambda name: SECRETS.get(name, address))
    if "127.0.0.1" not in address and "localhost" not in address:
        with pytest.raises(ConfigError):
            Platform(load(tmp_path), lambda name: SECRETS.get(name, address), loopback=True)


# --- webhooks -----------------------------------------------------------------------------------


async def test_what_cannot_be_read_back_is_sent_and_never_done(play: Played) -> None:
    done = await play.perform("call", ORDER)
    assert done.state == "sent", done.detail
    (post,) = play.own.writes
    stamp = int(post.headers["stepfour-signature"].partition(",")[0].removeprefix("t="))
    assert post.headers["stepfour-signature"] == signature(SECRETS["env:HOOK_SECRET"], stamp, post.body)
    assert post.headers["stepfour-delivery"] == "a1"
    assert "authorization" not in post.headers
    told = play.own.told()
    assert (told["id"], told["action"], told["account"]) == ("a1", "call", "acme")
    assert (told["inputs"], told["body"]) == (ORDER, ORDER)
    assert [each["code"] for each in told["evidence"]] == ["account_field_as_expected"]


async def test_it_is_sent_again_under_the_same_delivery_until_it_is_taken(play: Played) -> None:
    play.own.next = [500, 429]
    assert (await play.perform("call", ORDER)).state == "sent"
    assert [each.headers["stepfour-delivery"] for each in play.own.writes] == ["a1"] * 3
    assert len({each.body for each in play.own.writes}) == 1


@pytest.mark.parametrize(
    ("statuses", "says", "why"),
    [
        ([], {"taken": False}, "does not say taken = True"),
        ([], {"taken": 1}, "does not say taken = True"),
        ([500, 500, 500], {"taken": True}, "no answer to it came"),
        ([429, 429, 429], {"taken": True}, "nothing was changed"),
        ([400], {"taken": True}, "refused it"),
        ([307, 307, 307], {"taken": True}, "no answer to it came"),
    ],
)
async def test_what_was_not_taken_is_not_called_sent(
    play: Played, statuses: list[int], says: dict[str, object], why: str
) -> None:
    play.own.next, play.own.says["/"] = statuses, says
    done = await play.perform("call", ORDER)
    assert done.state == "needs_person"
    assert why in done.detail


async def test_with_a_read_back_it_is_done_where_that_sees_it(play: Played) -> None:
    assert (await play.perform("called_back", ORDER)).state == "done"


# --- what customers write into places -----------------------------------------------------------

HOSTILE = [
    *("../../accounts/other", "..", ".", "a/b", "a\\b", "%2e%2e", "%2f", "a%2fb", "%252f.."),
    *("a\r\nX-Y: z", "a\x00b", "\u2028"),
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_value_never_reaches_beyond_its_segment(value: str, play: Played) -> None:
    with pytest.raises(BadInput, match="cannot be an id"):
        await play.platform.change("acme", "cancel", {"order": value}, "k")
    assert await play.platform.field("acme", "order.state", {"order": value}) is None
    assert play.own.got == []


@given(st.text(min_size=1, max_size=30))
def test_whatever_is_put_in_is_one_segment_or_refused(value: str) -> None:
    try:
        made = route("/accounts/{account}/x?email={email}", {"account": value, "email": value})
    except (BadInput, UnicodeEncodeError):
        return
    path, _, query = made.partition("?")
    assert path.count("/") == 3
    assert path.endswith("/x")
    assert made.isascii()
    assert not set("\r\n #&{}") & set(query)


def test_a_place_inside_a_value_stays_text() -> None:
    values = {"order": "{account}", "account": "acme"}
    assert filled({"a": "{order}", "b": ["{account}", 1, None]}, values) == {
        "a": "{account}",
        "b": ["acme", 1, None],
    }
    assert route("/x/{order}", values) == "/x/%7Baccount%7D"
    assert json.loads(json.dumps(filled({"a": "{order}"}, {"order": '", "admin": true'}))) == {
        "a": '", "admin": true'
    }


async def test_a_header_takes_no_second_line(tmp_path: Path) -> None:
    text = FILE.replace(
        "credential: env:OWN_KEY", 'credential: env:OWN_KEY\nheaders: {on-behalf-of: "{account}"}', 1
    )
    async with played(tmp_path, {"own.yaml": text}) as play:
        sent = play.platform.to_send(Meant("cancel", "acme", ORDER, "k"))
        assert isinstance(sent, Prepared)
        assert ("on-behalf-of", "acme") in sent.headers
        for account in ("a\r\nX-Admin: 1", "ä", "a\x7f"):
            with pytest.raises(BadInput, match="header on-behalf-of"):
                await play.platform.change(account, "cancel", ORDER, "k")
        assert play.own.got == []
