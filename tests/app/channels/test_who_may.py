"""Every route, for everybody: nobody, visitors, customers, their colleagues, strangers, agents, machines.

A new route needs a row in `ROWS`: who it is for, a body that it takes, and the scope for machines.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from app.channels.openapi import document
from app.models.people import Scope
from tests.app.channels.everyone import DIGEST, HOOK, NOTE, SCOPES, Everyone, canary, everyone, operations

Gate = Literal[
    "anyone",  # with and without a token
    "nobody",  # needs what no token is: a one-time code, a signature, a setting that is off
    "customers",  # whoever speaks for themselves, about nothing in particular
    "signed in",  # proven customers alone
    "own",  # the party of the conversation or file
    "read",  # the party, and agents
    "asked",  # the one customer whom an action request asks
    "join",  # a proven customer who holds the visitor's token, too
    "agents",  # people of our side; machines where a scope is named
    "machines",  # those with a scope, and no person
]


class Row(NamedTuple):
    gate: Gate
    scope: Scope | None = None
    body: Any = None


READ: Row = Row("agents", "conversations:read")
WRITE: Row = Row("agents", "conversations:write", {})
APPROVED = {"procedure": "ring-bell", "source": "own", "version": "0" * 64}
"""Of a version that nobody was shown."""
SAID = {"client_message_id": "one", "text": "hello"}
ROWS: dict[tuple[str, str], Row] = {
    ("GET", "/openapi.json"): Row("anyone"),
    ("GET", "/healthz"): Row("anyone"),
    ("GET", "/readyz"): Row("anyone"),
    ("GET", "/"): Row("anyone"),
    ("GET", "/docs"): Row("anyone"),
    ("GET", "/assets/{name}"): Row("anyone"),
    ("GET", "/widget/{name}"): Row("anyone"),
    ("GET", "/help/{path:path}"): Row("anyone"),
    ("GET", "/assist"): Row("anyone"),
    ("GET", "/assist/sign-in"): Row("anyone"),
    ("GET", "/assist/chatwoot"): Row("anyone"),
    ("GET", "/assist/procedures"): Row("anyone"),  # leads to the sign-in
    ("GET", "/assist/health"): Row("anyone"),
    ("GET", "/assist/oidc/start"): Row("nobody"),
    ("GET", "/assist/oidc/callback"): Row("nobody"),
    ("POST", "/slack/events"): Row("nobody"),
    ("POST", "/chatwoot/{secret}"): Row("anyone", body={"event": "message_created"}),
    # customers
    ("POST", "/v1/visitors"): Row("anyone", body={}),
    ("GET", "/v1/conversations"): Row("customers"),
    ("POST", "/v1/conversations"): Row("customers", body={}),
    ("GET", "/v1/conversations/{id}"): Row("read"),
    ("GET", "/v1/conversations/{id}/events"): Row("read"),
    ("GET", "/v1/attachments/{id}"): Row("read"),
    ("POST", "/v1/conversations/{id}/messages"): Row("own", body=SAID),
    ("POST", "/v1/conversations/{id}/attachments"): Row("own"),
    ("POST", "/v1/conversations/{id}/check"): Row("own", body={}),
    ("POST", "/v1/conversations/{id}/steps/{step}/dispute"): Row("own", body={}),
    ("POST", "/v1/conversations/{id}/feedback"): Row("own", body={"message": "m", "helped": True}),
    ("POST", "/v1/conversations/{id}/solved"): Row("own", body={"solved": True}),
    ("POST", "/v1/conversations/{id}/handoff"): Row("own", body={}),
    ("POST", "/v1/requests/{id}/approve"): Row("asked", body={"digest": DIGEST}),
    ("POST", "/v1/requests/{id}/reject"): Row("asked", body={"digest": DIGEST}),
    ("POST", "/v1/link-codes"): Row("signed in", body={}),
    ("POST", "/v1/conversations/{id}/join"): Row("join", body={}),
    # agents
    ("GET", "/v1/agent/me"): Row("anyone"),
    ("POST", "/v1/agent/session"): Row("nobody", body={"code": "x" * 43}),
    ("DELETE", "/v1/agent/session"): Row("agents"),
    ("POST", "/v1/agent/session/pass"): Row("agents", body={}),
    ("POST", "/v1/agent/tickets"): Row("agents", body={}),
    ("GET", "/v1/agent/cases"): READ,
    ("GET", "/v1/agent/events"): READ,
    ("GET", "/v1/agent/conversations/{id}"): READ,
    ("GET", "/v1/agent/conversations/{id}/events"): READ,
    ("GET", "/v1/agent/attachments/{id}"): READ,
    ("GET", "/v1/agent/conversations/{id}/dossier.md"): READ,
    ("GET", "/v1/agent/conversations/{id}/dossier.json"): READ,
    ("GET", "/v1/agent/customers/{who}/export"): Row("machines", "customers:export"),
    ("GET", "/v1/agent/hosts/chatwoot/{account}/{conversation}"): READ,
    ("POST", "/v1/agent/conversations/{id}/notes"): Row("agents", "notes:write", {"text": "noted"}),
    ("POST", "/v1/agent/conversations/{id}/steps/{step}/attest"): Row("agents", body={"text": "seen"}),
    ("POST", "/v1/agent/conversations/{id}/steps/{step}/not-applicable"): Row("agents", body={"text": "no"}),
    ("POST", "/v1/agent/conversations/{id}/checks"): WRITE,
    ("POST", "/v1/agent/suggestions/{id}/send"): WRITE,
    ("POST", "/v1/agent/suggestions/{id}/dismiss"): WRITE,
    ("POST", "/v1/agent/requests/{id}/approve"): Row("agents", body={"digest": DIGEST}),
    ("POST", "/v1/agent/requests/{id}/reject"): Row("agents", body={"digest": DIGEST}),
    ("POST", "/v1/agent/conversations/{id}/messages"): WRITE._replace(body=SAID),
    ("POST", "/v1/agent/conversations/{id}/take-over"): WRITE,
    ("POST", "/v1/agent/conversations/{id}/give-back"): WRITE,
    ("POST", "/v1/agent/conversations/{id}/ask-solved"): WRITE,
    ("GET", "/v1/agent/switches"): Row("agents"),
    ("POST", "/v1/agent/switches"): Row("agents", body={"switch": "models", "off": False}),
    ("GET", "/v1/agent/procedures"): Row("agents"),
    ("POST", "/v1/agent/procedures/approve"): Row("agents", body=APPROVED),
    ("GET", "/v1/agent/findings"): Row("agents"),
    ("POST", "/v1/agent/findings"): Row("agents", body={}),
    ("POST", "/v1/agent/findings/{id}"): Row("agents", body={"state": "accepted"}),
}
WHOSE = ("ann", "eve", "visitor", "missing")
CUSTOMERS = ("ann", "bob", "eve")
CALLERS = ("nobody", "junk", "visitor", *CUSTOMERS, "agent", *(f"key:{scope}" for scope in SCOPES))
IN = "in"


@pytest.fixture
async def all_of_us(tmp_path: Path) -> AsyncIterator[Everyone]:
    async with everyone(tmp_path) as made:
        yield made


async def test_every_route_has_a_row(all_of_us: Everyone) -> None:
    there = set(operations(all_of_us.app))
    documented = {
        (method.upper(), path) for path, methods in document()["paths"].items() for method in methods
    }
    assert documented <= there, "the walk over the app's routes has lost some"
    new = sorted(there - ROWS.keys())
    assert not new, (
        f"{new} have no row in ROWS of {__name__}. Say for each who it is for (`Gate`), which scope opens it "
        "to machines, if any, and a body that it takes; then the matrix holds it for everybody."
    )
    assert not ROWS.keys() - there, f"rows of routes that are gone: {sorted(ROWS.keys() - there)}"


def expected(row: Row, caller: str, whose: str | None) -> str | int:
    """`in`, or the status with which somebody is kept out. `whose`: None where the route is of nobody's."""
    missing, machine = whose == "missing", caller.startswith("key:")
    match row.gate:
        case "anyone":
            return 404 if missing else IN
        case "nobody":
            return "out"
    if caller in ("nobody", "junk"):
        return 401
    if row.gate == "agents":
        if caller == "agent" or (machine and caller == f"key:{row.scope}"):
            return 404 if missing else IN
        return 403
    if row.gate == "machines":
        return 403 if caller != f"key:{row.scope}" else 404 if missing else IN
    if machine:
        return 403
    if row.gate == "read":
        return IN if caller in (whose, "agent") and not missing else 404
    if row.gate == "asked":
        return IN if caller == whose else 404
    if caller == "agent" or (row.gate in ("signed in", "join") and caller == "visitor"):
        return 403
    if row.gate == "join":
        return IN if whose in ("visitor", caller) else 404
    return IN if whose in (None, caller) else 404


def kept(status: int, wanted: str | int) -> bool:
    if wanted == IN:  # what is wrong with the state of things is no question of who may
        return status < 500 and status not in (401, 403, 404)
    if wanted == "out":
        return status in (401, 403, 404)
    return status == wanted


async def place(us: Everyone, method: str, path: str, row: Row, whose: str) -> tuple[str, Any]:
    """The address and body of something of somebody's that is there to be asked for."""
    there, body = whose != "missing", row.body
    id = "missing"
    if "/conversations/{id}" in path and there:
        fresh = row.gate == "join" and whose == "visitor"  # whoever joins one takes it
        id = await us.site.world.talk(us.principals[whose]) if fresh else us.conversations[whose]
    elif "/attachments/{id}" in path and there:
        id = us.files[whose]
    elif "/requests/{id}" in path and there:
        id = await us.request(whose, "agent" if "/agent/" in path else "customer")
    elif "/suggestions/{id}" in path and there:
        id = await us.suggestion(whose)
    elif "/findings/{id}" in path:
        id = ("b" if there else "0") * 12
    if path.endswith("/feedback"):
        body = body | {"message": us.messages.get(whose, "m")}
    parts = {
        "{id}": id,
        "{who}": us.principals[whose].party if there else "customer:acme:nobody",
        "{step}": "link-tracking",
        "{account}": "1",
        "{conversation}": "1" if there else "2",
        "{secret}": HOOK if there else "x" * 40,
        "{name}": "chat.js" if there else "nothing.js",
        "{path:path}": "there" if there else "nothing",
    }
    for part, value in parts.items():
        path = path.replace(part, value)
    return path, body


async def test_everybody_gets_what_is_theirs_and_nothing_else(all_of_us: Everyone) -> None:
    us, wrong, asked = all_of_us, [], 0
    for (method, path), row in ROWS.items():
        us.site.world.later(minutes=3)  # nobody is too often here: limits are another test's
        for whose in WHOSE if "{" in path else (None,):
            for caller in CALLERS:
                where, body = await place(us, method, path, row, whose or "ann")
                fields: dict[str, Any] = {"json": body} if body is not None else {}
                if path.endswith("/attachments"):
                    fields = {"files": {"file": ("a.txt", b"hello")}}
                if row.gate == "join":
                    fields["headers"] = {"Stepfour-Visitor": us.tokens["visitor"].partition(" ")[2]}
                wanted = expected(row, caller, whose)
                stream = path.endswith("/events") and method == "GET" and wanted == IN
                answer = await us.ask(method, where, caller, stream=stream, **fields)
                asked += 1
                what = f"{method} {path}, of {whose}, by {caller}"
                if not kept(answer.status_code, wanted):
                    wrong.append(f"{what}: {answer.status_code} instead of {wanted}")
                wrong += [f"{what}: shows {each}" for each in foreign(answer.text, caller, wanted)]
                if stream and "id: " not in answer.text:
                    wrong.append(f"{what}: the stream told nothing")
    await us.service.idle()
    assert not wrong, "\n".join(wrong)
    assert asked > 1000


def foreign(text: str, caller: str, wanted: str | int) -> list[str]:
    """Canaries in an answer that are not the caller's."""
    ours = wanted == IN and (caller == "agent" or caller.startswith("key:"))
    if ours:
        return []
    mine = {canary(caller)}
    everyones = {canary(each) for each in ("visitor", *CUSTOMERS)} | {NOTE}
    return sorted(each for each in everyones - mine if each in text)
