"""Asking for an action: with the evidence of the moment, and who may say yes to it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal

from app.action import Action
from app.errors import Unavailable
from app.ids import id_of, new_id
from app.models.case import Case
from app.models.conversation import Conversation
from app.models.people import Principal, Standing
from app.models.request import ActionRequest
from app.models.steps import Finding
from app.ports import Accounts, Services
from knowledge.model import Check

log = logging.getLogger(__name__)


def digest(action: str, inputs: Sequence[tuple[str, str]], evidence: Sequence[Finding]) -> str:
    """What an approval is for: the inputs and what was seen, not when it was seen."""
    canonical = {
        "action": action,
        "inputs": sorted(inputs),
        "evidence": sorted([f.check, f.subject or "", f.code, str(f.met)] for f in evidence),
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


async def new_request(
    action: Action,
    *,
    case: Case,
    conversation: Conversation,
    subjects: Mapping[str, str],
    approval: Literal["none", "customer", "agent"],
    services: Services,
    lang: str,
    trigger: str,
) -> ActionRequest:
    """A request with the evidence of this moment: looked at as `perform` will look again.

    `trigger`: what it was asked for by. The same asking is the same request, and the same key at the account
    system, also where an old copy of our own records knows nothing of it any more.
    """
    now = services.clock()
    inputs = tuple((kind, subjects[kind]) for kind in action.inputs)
    request = ActionRequest(
        id=id_of("a", trigger, action.name, *(value for pair in inputs for value in pair)),
        case=case.id,
        conversation=conversation.id,
        action=action.name,
        inputs=inputs,
        principal=conversation.principal,
        evidence=(),
        digest="",
        approval=approval,
        state="approved" if approval == "none" else "proposed",
        created_at=now,
        expires_at=now + timedelta(seconds=services.settings.approval_seconds),
        lang=lang,
    )
    if approval == "none":
        return request
    seen = await look_at(services, action.prerequisites, request)
    return request.model_copy(update={"evidence": seen, "digest": digest(action.name, request.inputs, seen)})


def taking_back(
    request: ActionRequest,
    evidence: tuple[Finding, ...],
    *,
    approval: Literal["customer", "agent"],
    services: Services,
) -> ActionRequest:
    """A request to undo what another did. `evidence`: of the read-back, then of each prerequisite."""
    now = services.clock()
    return request.model_copy(
        update={
            "id": new_id("a"),
            "undoes": request.id,
            "evidence": evidence,
            "digest": digest(f"undo_{request.action}", request.inputs, evidence),
            "approval": approval,
            "state": "proposed",
            "approved_by": None,
            "created_at": now,
            "expires_at": now + timedelta(seconds=services.settings.approval_seconds),
            "detail": "",
            "told": False,
        }
    )


def may_decide(request: ActionRequest, by: Principal) -> bool:
    """An agent what agents approve, the customer who asked what customers approve, a machine nothing."""
    if by.kind == "machine":
        return False
    if request.approval == "agent":
        return by.kind == "agent"
    return request.approval == "customer" and by.party == request.principal.party


async def is_requester(
    request: ActionRequest,
    by: Principal,
    also: Sequence[Principal],
    addresses: Sequence[str],
    *,
    accounts: Accounts,
) -> bool:
    """Whether the agent who says yes is the human who asked: by an id, another proof of theirs, or an address
    that the account system knows as the customer's. What a customer approves is theirs to approve.

    Raises `Unavailable` where that cannot be told: unknown is not somebody else.
    """
    if request.approval != "agent":
        return False
    asked = request.principal
    mine = {each.id.casefold() for each in (by, *also)}
    if asked.id.casefold() in mine or any(each.party == asked.party for each in also):
        return True
    for address in sorted({each for each in (*mine, *(a.casefold() for a in addresses)) if "@" in each}):
        if await accounts.person_by_email(address) == asked:
            return True
    return False


async def standing_of(services: Services, principal: Principal) -> Standing:
    """What the account system says now; unknown where it does not answer, and unknown is not owner."""
    try:
        return await services.accounts.standing(principal)
    except Unavailable as error:
        log.warning("the standing of %s is not known: %s", principal.party, error)
        return "unknown"


async def look_at(services: Services, checks: Sequence[Check], request: ActionRequest) -> tuple[Finding, ...]:
    """A finding per check; a look that breaks or hangs is unknown, and never holds the request up."""
    subject = next(iter(dict(request.inputs).values()), "")
    return await look_for(services, [(check, subject) for check in checks], request)


async def look_for(
    services: Services, checks: Sequence[tuple[Check, str]], request: ActionRequest
) -> tuple[Finding, ...]:
    """Checks, each for a subject; the empty one is the account as a whole."""
    from app.probes import Job, look_all

    subjects, account = dict(request.inputs), request.principal.account
    jobs = [
        Job(check=check, account=account, subject=subject or None, subjects=subjects)
        for check, subject in checks
    ]
    deadline = services.settings.probe_seconds
    return tuple(await look_all(jobs, services.looks, deadline_s=deadline, clock=services.clock))
