"""The control API under /_world/: what tests and the demo do to the world behind the platform's back."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request

from evals.world import state
from evals.world.platform import bearer, existing
from evals.world.scenarios import SCENARIOS
from evals.world.spec import Account, Effect, Fault, Spec, State, Visit


def authorise(request: Request) -> None:
    bearer(request, request.app.state.addresses.control_token)


router = APIRouter(prefix="/_world", dependencies=[Depends(authorise)])


@router.post("/load")
async def load(request: Request, spec: Spec) -> Spec:
    await request.app.state.apply(spec.state())
    state.schedule(request.app.state.db, spec.changes)
    return spec


@router.post("/scenarios/{name}")
async def load_scenario(request: Request, name: str, options: dict[str, Any]) -> Spec:
    """Loads a named scenario; the body is its builder's options, e.g. `{"after": 5}`."""
    if name not in SCENARIOS:
        raise HTTPException(404, f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    return await load(request, SCENARIOS[name](**options))


@router.post("/set")
async def set_state(request: Request, given: State) -> None:
    """Sets accounts, records and edges at once, without a row in the ledger."""
    await request.app.state.apply(given)


@router.get("/accounts/{account_id}")
async def whole_account(request: Request, account_id: str) -> Account:
    return existing(state.account(request.app.state.db, account_id), account_id)


@router.patch("/accounts/{account_id}")
async def merge_account(request: Request, account_id: str, fields: dict[str, Any]) -> Account:
    """Sets some fields of an account; objects are merged, lists replaced."""
    account = existing(state.account(request.app.state.db, account_id), account_id)
    merged = Account.model_validate(merge(account.model_dump(), fields))
    state.put(request.app.state.db, State(accounts=(merged,)))
    return merged


def merge(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    both = {
        k: merge(old[k], v) if isinstance(v, dict) and isinstance(old.get(k), dict) else v
        for k, v in new.items()
    }
    return {**old, **both}


@router.get("/effects")
async def effects(request: Request, account: str | None = None) -> tuple[Effect, ...]:
    """The ledger again, out of reach of the faults."""
    return state.effects(request.app.state.db, account)


@router.post("/faults")
async def add_fault(request: Request, fault: Fault) -> None:
    state.add_fault(request.app.state.db, fault)


@router.delete("/faults")
async def clear_faults(request: Request) -> None:
    state.clear_faults(request.app.state.db)


@router.get("/hung/{account_id}")
async def hung(request: Request, account_id: str) -> int:
    """How many answers to an account an `apply_then_hang` fault has held up."""
    count: int = request.app.state.hung.count(account_id)
    return count


@router.post("/changes/run")
async def run_changes(request: Request) -> int:
    """Lets all scheduled changes come true now; says how many."""
    done: int = await request.app.state.run_changes(float("inf"))
    return done


@router.get("/visits")
async def visits(request: Request) -> tuple[Visit, ...]:
    return tuple(request.app.state.visits)


@router.post("/reset")
async def reset(request: Request) -> None:
    """Forgets everything but the platform itself."""
    await request.app.state.reset()
