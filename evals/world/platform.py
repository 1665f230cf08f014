"""The platform's HTTP API: accounts and their settings, writes that are done once per key, and a ledger."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from sqlite3 import Connection
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, HTTPException, Request
from fastapi.responses import JSONResponse

from evals.world import state
from evals.world.spec import (
    Account,
    BrandedLink,
    Domain,
    Edge,
    Effect,
    Fault,
    Sending,
    State,
    User,
    Value,
)

Key = Annotated[str | None, Header(alias="Idempotency-Key")]


class SettingsPatch(Value):
    click_tracking: bool | None = None
    open_tracking: bool | None = None
    double_opt_in: bool | None = None
    https_tracking: bool | None = None


class DedicatedIp(Value):
    ip: str | None
    """An address, `auto` for the next free one of the platform, null to give it back."""


class Pause(Value):
    reason: str | None = None


class Move(Value):
    workspace: str


def bearer(request: Request, expected: str) -> None:
    given = request.headers.get("Authorization", "")
    if not hmac.compare_digest(given.encode(), f"Bearer {expected}".encode()):
        raise HTTPException(401, "unknown token; send `Authorization: Bearer TOKEN` with the service token")


def authorise(request: Request) -> None:
    bearer(request, request.app.state.addresses.token)


def drop(request: Request) -> None:
    """Ends the connection without a byte of an answer."""
    request.state.transport.abort()


async def suffer(request: Request) -> None:
    """The part of a fault that comes before the request is carried out."""
    fault: Fault | None = state.take_fault(request.app.state.db, request.method, request.url.path)
    request.state.fault = fault
    match fault and fault.kind:
        case "timeout":
            await asyncio.sleep(fault.seconds if fault else 0)
            drop(request)
            raise HTTPException(504, "nothing was done")
        case "error":
            raise HTTPException(fault.status if fault else 500, "nothing was done; try again")
        case "slow":
            await asyncio.sleep(fault.seconds if fault else 0)
        case "drop_then_apply":
            drop(request)
            await asyncio.sleep(fault.seconds if fault else 0)


async def suffer_after(request: Request, account_id: str) -> None:
    """The part of a fault that comes after a write was carried out."""
    fault: Fault | None = request.state.fault
    match fault and fault.kind:
        case "apply_then_drop":
            drop(request)
        case "apply_then_error":
            raise HTTPException(fault.status if fault else 500, "something went wrong after it was done")
        case "apply_then_hang":
            request.app.state.hung.append(account_id)
            await asyncio.sleep(fault.seconds if fault else 0)
        case "half_apply":
            account = existing(state.account(request.app.state.db, account_id), account_id)
            broken = Edge(host=account.branded_links[-1].host, kind="closed")
            await request.app.state.apply(State(edges=(broken,)))


router = APIRouter(prefix="/v1", dependencies=[Depends(authorise), Depends(suffer)])


def seen_account(request: Request, account_id: str) -> Account:
    """The account for a read, which a `stale_read` fault sees as it was a while ago."""
    db: Connection = request.app.state.db
    fault: Fault | None = request.state.fault
    flaps = fault is not None and fault.kind == "flapping_read" and next(request.app.state.reads) % 2 == 0
    if fault and (fault.kind == "stale_read" or flaps):
        found = state.account_as_of(db, account_id, time.time() - fault.seconds)
    else:
        found = state.account(db, account_id)
    return existing(found, account_id)


def existing(account: Account | None, account_id: str) -> Account:
    if account is None:
        raise HTTPException(404, f"no account {account_id!r}; look at the id in the dashboard's address")
    return account


def public(account: Account) -> dict[str, object]:
    return account.model_dump(mode="json", exclude={"users", "branded_links", "domains"})


@router.get("/accounts/{account_id}")
async def read_account(request: Request, account_id: str) -> dict[str, object]:
    return public(seen_account(request, account_id))


@router.get("/people")
async def find_people(request: Request, email: str) -> dict[str, list[dict[str, str]]]:
    """Who has this address, in any account."""
    found = [
        {"account": account.id, "user": user.id}
        for account in state.accounts(request.app.state.db)
        for user in account.users
        if user.email.casefold() == email.casefold()
    ]
    return {"people": found}


@router.get("/accounts/{account_id}/users/{user_id}")
async def read_user(request: Request, account_id: str, user_id: str) -> User:
    for user in seen_account(request, account_id).users:
        if user.id == user_id:
            return user
    raise HTTPException(404, f"no user {user_id!r} in account {account_id!r}")


@router.get("/accounts/{account_id}/branded-links")
async def read_branded_links(request: Request, account_id: str) -> tuple[BrandedLink, ...]:
    return seen_account(request, account_id).branded_links


@router.get("/accounts/{account_id}/domains")
async def read_domains(request: Request, account_id: str) -> tuple[Domain, ...]:
    return seen_account(request, account_id).domains


@router.get("/accounts/{account_id}/effects")
async def read_effects(request: Request, account_id: str) -> tuple[Effect, ...]:
    return state.effects(request.app.state.db, account_id)


@router.get("/effects")
async def read_all_effects(request: Request) -> tuple[Effect, ...]:
    return state.effects(request.app.state.db)


async def write(
    request: Request,
    key: str | None,
    account_id: str,
    effect: str,
    *,
    change: Callable[[Account], Account],
    view: Callable[[Account], dict[str, object]],
) -> JSONResponse:
    """Carries a write out once per key; the same key again gets the first answer, another request 409."""
    if not key:
        raise HTTPException(400, "this request writes; send an `Idempotency-Key` header, one per intention")
    db: Connection = request.app.state.db
    body = json.dumps(json.loads(await request.body() or b"null"), sort_keys=True)
    fingerprint = hashlib.sha256(f"{request.method} {request.url.path} {body}".encode()).hexdigest()
    stored = state.answer(db, key)
    fault: Fault | None = request.state.fault
    if stored is None and fault and fault.kind == "say_only":
        return JSONResponse(public(change(existing(state.account(db, account_id), account_id))))
    # From here to the commit nothing awaits, so two requests with one key cannot both find none.
    if stored is None:
        before = existing(state.account(db, account_id), account_id)
        after = change(before)
        response = JSONResponse(public(after))
        state.record_effect(
            db,
            key=key,
            effect=effect,
            before=before,
            after=after,
            view=view,
            given=state.Answer(fingerprint, public(after)),
        )
    elif stored.fingerprint != fingerprint:
        raise HTTPException(409, "this Idempotency-Key was used for another request; use a new one")
    else:
        response = JSONResponse(stored.body, headers={"Idempotency-Replayed": "true"})
    await suffer_after(request, account_id)
    return response


@router.patch("/accounts/{account_id}/settings")
async def patch_settings(
    request: Request, account_id: str, patch: SettingsPatch, key: Key = None
) -> JSONResponse:
    wanted = patch.model_dump(exclude_none=True)
    if not wanted:
        raise HTTPException(422, "no setting given; name at least one, e.g. https_tracking")
    return await write(
        request,
        key,
        account_id,
        "settings",
        change=lambda a: a.model_copy(update={"settings": a.settings.model_copy(update=wanted)}),
        view=lambda a: {name: getattr(a.settings, name) for name in wanted},
    )


@router.put("/accounts/{account_id}/dedicated-ip")
async def put_dedicated_ip(
    request: Request, account_id: str, body: DedicatedIp, key: Key = None
) -> JSONResponse:
    def assign(account: Account) -> Account:
        free = f"203.0.113.{len(state.effects(request.app.state.db)) % 254 + 1}"
        return account.model_copy(update={"dedicated_ip": free if body.ip == "auto" else body.ip})

    return await write(
        request, key, account_id, "dedicated_ip", change=assign, view=lambda a: {"ip": a.dedicated_ip}
    )


@router.post("/accounts/{account_id}/sending/pause")
async def pause_sending(
    request: Request, account_id: str, body: Annotated[Pause | None, Body()] = None, key: Key = None
) -> JSONResponse:
    paused = Sending(paused=True, reason=body.reason if body else None)
    return await write_sending(request, key, account_id, paused)


@router.post("/accounts/{account_id}/sending/resume")
async def resume_sending(request: Request, account_id: str, key: Key = None) -> JSONResponse:
    return await write_sending(request, key, account_id, Sending())


async def write_sending(request: Request, key: str | None, account_id: str, sending: Sending) -> JSONResponse:
    return await write(
        request,
        key,
        account_id,
        "sending",
        change=lambda a: a.model_copy(update={"sending": sending}),
        view=lambda a: a.sending.model_dump(),
    )


@router.put("/accounts/{account_id}/domains/{name}/workspace")
async def move_domain(
    request: Request, account_id: str, name: str, move: Move, key: Key = None
) -> JSONResponse:
    def moved(account: Account) -> Account:
        if name not in {domain.name for domain in account.domains}:
            raise HTTPException(404, f"no sending domain {name!r} in account {account_id!r}")
        if move.workspace not in account.workspaces:
            raise HTTPException(
                422, f"no workspace {move.workspace!r}; there are {', '.join(account.workspaces)}"
            )
        domains = tuple(
            d.model_copy(update={"workspace": move.workspace}) if d.name == name else d
            for d in account.domains
        )
        return account.model_copy(update={"domains": domains})

    def view(account: Account) -> dict[str, object]:
        return {"domain": name, "workspace": next(d.workspace for d in account.domains if d.name == name)}

    return await write(request, key, account_id, "domain_workspace", change=moved, view=view)
