"""What customers do besides talking: see their own, correct us, say if it is solved, join, decide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from app.identity import digest
from app.models.people import Principal
from tests.app.channels.calls import bearer, code, opened, send, visitor

Sign = Callable[..., str]
ANN = "customer:acme:ann"


async def move(
    web: httpx.AsyncClient, token: str, path: str, body: object = None, **headers: str
) -> httpx.Response:
    return await web.post(
        f"/v1/{path}", json=body if body is not None else {}, headers=bearer(token) | headers
    )


async def test_a_customer_sees_their_own_conversations_newest_first(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    first = await opened(web, sign("ann"))
    service.shift = timedelta(seconds=5)
    second = await opened(web, sign("ann"))
    await opened(web, sign("bob"))
    slack = await service.store.open_conversation(
        Principal(kind="customer", id="ann", account="acme"), "slack", context={}, id="slack-T1-C1-1.2"
    )
    service.shift = timedelta()
    seen = (await web.get("/v1/conversations", headers=bearer(sign("ann")))).json()["conversations"]
    assert {c["id"] for c in seen} == {first, second, slack}
    times = [datetime.fromisoformat(c["opened_at"]) for c in seen]
    assert times == sorted(times, reverse=True)
    assert seen[-1]["id"] == first
    assert {c["channel"] for c in seen} == {"web", "slack"}
    assert set(seen[0]) == {"id", "channel", "status", "person_active", "opened_at"}
    none = await web.get("/v1/conversations", headers=bearer(await visitor(web)))
    assert none.json() == {"conversations": []}


async def test_the_customers_moves_reach_the_service_as_said(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    ann = sign()
    id = await opened(web, ann)
    here = f"conversations/{id}"
    for path, body in (
        ("check", {}),
        ("steps/ssl-certificate/dispute", {}),
        ("feedback", {"message": "m_1", "helped": False, "reason": " wrong\u0000 page "}),
        ("feedback", {"message": "m_1", "helped": True}),
        ("solved", {"solved": False}),
    ):
        answer = await move(web, ann, f"{here}/{path}", body)
        assert answer.status_code == 202, path
        assert answer.json()["id"] == id
    assert service.moves == [
        ("look_again", id, ANN),
        ("dispute", id, "ssl-certificate", ANN),
        ("feedback", id, "m_1", False, "wrong page", ANN),
        ("feedback", id, "m_1", True, None, ANN),
        ("solved", id, False, ANN),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("steps/unknown/dispute", {}, 404),
        ("steps/..%2f..%2fx/dispute", {}, 404),
        (f"steps/{'x' * 101}/dispute", {}, 422),
        ("feedback", {"message": "m_1"}, 422),
        ("feedback", {"helped": True}, 422),
        ("feedback", {"message": "m_1", "helped": "perhaps"}, 422),
        ("feedback", {"message": "m_1", "helped": True, "reason": "x" * 2001}, 422),
        ("solved", {}, 422),
        ("solved", {"solved": None}, 422),
        ("check", {"step": "x"}, 422),
    ],
)
async def test_a_move_that_cannot_be_used_changes_nothing(
    web: httpx.AsyncClient, service: Any, sign: Sign, path: str, body: object, status: int
) -> None:
    ann = sign()
    id = await opened(web, ann)
    assert code(await move(web, ann, f"conversations/{id}/{path}", body))[0] == status
    assert service.moves == []


# --- joining: two proofs ---


async def test_a_visitors_conversation_becomes_the_signed_in_customers(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    before, ann = await visitor(web), sign()
    id = await opened(web, before)
    await send(web, before, id, "HTTPS does not work")
    joined = await move(web, ann, f"conversations/{id}/join", **{"Stepfour-Visitor": before})
    assert joined.status_code == 202
    assert (await service.store.conversation(id)).principal.party == ANN
    read = await web.get(f"/v1/conversations/{id}", headers=bearer(ann))
    assert [m["text"] for m in read.json()["messages"]] == ["HTTPS does not work"]
    assert code(await web.get(f"/v1/conversations/{id}", headers=bearer(before))) == (404, "not_found")
    again = await move(web, ann, f"conversations/{id}/join", **{"Stepfour-Visitor": before})
    assert again.status_code == 202, "an answer that was lost may be asked for again"


async def test_without_both_proofs_nothing_is_joined(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    mine, theirs, ann = await visitor(web), await visitor(web), sign()
    id = await opened(web, mine)
    anns = await opened(web, ann)
    bobs = await opened(web, sign("bob"))
    agent = sign("kim", None, aud="stepfour-agents")
    unknown = "visitor_" + "x" * 43
    for token, header, target, status in (
        (ann, theirs, id, 404),  # another visitor's
        (ann, mine, bobs, 404),
        (ann, mine, "c_unknown", 404),
        (ann, unknown, id, 401),
        (ann, "", id, 401),
        (ann, "junk", id, 401),
        (ann, ann, id, 401),  # signed twice is not two proofs
        (ann, agent, id, 401),
        (ann, digest(mine), id, 401),
        (mine, mine, id, 403),
        (agent, mine, id, 403),
        (sign("ann", exp=1), mine, id, 401),
        ("", mine, id, 401),
        (sign("bob"), mine, anns, 404),
    ):
        answer = await move(web, token, f"conversations/{target}/join", **{"Stepfour-Visitor": header})
        assert code(answer)[0] == status, (header, target)
    missing = await move(web, ann, f"conversations/{id}/join")
    assert code(missing) == (401, "not_authentic")
    body = await move(web, ann, f"conversations/{id}/join", {"visitor": mine})
    assert code(body) == (422, "unexpected_field")
    assert (await service.store.conversation(id)).principal.kind == "anonymous"
    assert (await service.store.conversation(bobs)).principal.id == "bob"


async def test_a_link_code_is_for_signed_in_customers(
    web: httpx.AsyncClient, service: Any, sign: Sign
) -> None:
    made = await move(web, sign(), "link-codes")
    assert made.status_code == 201
    found = await service.redeem(made.json()["code"], "slack:T1:U1")
    assert found.party == ANN
    assert await service.redeem(made.json()["code"], "slack:T1:U2") is None, "used once"
    assert datetime.fromisoformat(made.json()["expires_at"]) > service.clock()
    assert code(await move(web, await visitor(web), "link-codes")) == (403, "sign_in_first")
    agent = sign("kim", None, aud="stepfour-agents")
    assert code(await move(web, agent, "link-codes")) == (403, "agents_elsewhere")


# --- a decision is for what the card showed ---


@pytest.mark.parametrize("decision", ["approve", "reject"])
async def test_a_decision_with_another_digest_counts_for_nothing(
    web: httpx.AsyncClient, service: Any, sign: Sign, decision: str
) -> None:
    ann, agent = sign(), sign("kim", None, aud="stepfour-agents")
    id = await opened(web, ann)
    principal = (await service.store.conversation(id)).principal
    for approval, token in (("customer", ann), ("agent", agent)):
        request = await service.propose(id, principal, approval=approval, digest="a" * 64)
        here = f"requests/{request.id}/{decision}"
        assert code(await move(web, token, here, {"digest": "b" * 64})) == (409, "changed")
        assert code(await move(web, token, here, {"digest": "A" * 64})) == (422, "bad_field")
        assert code(await move(web, token, here, {"digest": ""})) == (422, "bad_field")
        for stranger in (sign("eve"), await visitor(web)):
            for shown in ("a" * 64, "b" * 64):
                assert code(await move(web, stranger, here, {"digest": shown})) == (404, "not_found")
        assert (await service.store.request(request.id)).state == "proposed"
    approved = await move(web, agent, here, {"digest": "a" * 64})
    assert approved.status_code == 200
    assert approved.json()["state"] in ("approved", "refused")
