"""The only place that changes anything: perform, read back, undo.

To add an action: an entry in a connector file (docs/actions.md), and its own sentences in `app/texts/`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from app.action import Action, can_be_undone, in_effect, wanted
from app.errors import BadInput, OutcomeUnknown, Unavailable
from app.models.request import ActionRequest, RequestState
from app.models.steps import Finding
from app.ports import Services
from app.proposing import digest, look_at, look_for, standing_of
from knowledge.model import Check

WRITE_TRIES = 3  # with one key: the account system does it once, and a busy moment is soon over
WRITE_WAIT_S = 0.5
READ_BACK_TRIES = 4
READ_BACK_WAIT_S = 0.5  # a platform may answer a read from before the write for a moment

HELD = ("approved", "executing")
"""States in which a request waits while actions are switched off."""


async def perform(services: Services, request: ActionRequest) -> ActionRequest:
    """Carries an approved request to its end; safe to call again after a crash at any point.

    Returns the request in a final state: done, sent, undone, refused or needs_person; as it was where people
    have switched actions off. Writes every state before it goes on; the caller tells the customer.
    """
    action = wanted(services.actions, request)
    if action is None:
        gone = f"{request.action} is not declared any more, or cannot be undone; nothing more was done"
        return await _move(services, request, "needs_person", gone)
    if request.state in HELD and await paused(services):
        return request
    if request.state == "approved":
        seen = await look_at(services, action.prerequisites, request)
        refusal = await _refusal(services, action, request, seen)
        if refusal is not None:
            return await _move(services, request, "refused", refusal, evidence=seen)
        paged = await _look_at_page(services, action, request)
        refusal = _first_open("the page's check", paged)
        if refusal is not None:
            return await _move(services, request, "refused", refusal, evidence=(*seen, *paged))
        if await paused(services):  # somebody switched it off while we looked
            return request
        request = await _move(services, request, "executing", evidence=seen)
        request = await _execute(services, action, request, again=False)
    elif request.state == "executing":
        request = await _execute(services, action, request, again=True)
    if request.state == "verifying":
        request = await _verify(services, action, request)
    return request


async def paused(services: Services) -> bool:
    """Whether people have switched actions off: asked at the moment of each, and nothing is sent then."""
    return await services.store.switched_off("actions") is not None


async def _move(
    services: Services,
    request: ActionRequest,
    state: RequestState,
    detail: str = "",
    *,
    evidence: tuple[Finding, ...] | None = None,
    by_hand: bool = False,
    looks: Sequence[Finding] = (),
) -> ActionRequest:
    """`looks`: at what was done, which only the audit trail keeps."""
    evidence = request.evidence if evidence is None else evidence
    moved = await services.store.move(
        request, state, looks=looks, detail=detail, evidence=evidence, by_hand=by_hand
    )
    if moved is None:  # two performs of one request: the party's lock rules it out
        raise OutcomeUnknown(f"request {request.id} was moved by somebody else; look at its state again")
    return moved


async def _refusal(
    services: Services, action: Action, request: ActionRequest, seen: Sequence[Finding]
) -> str | None:
    """Why it may not run now, asked of the world at this moment; None where it may."""
    if request.expires_at <= services.clock():
        return "the approval came too late"
    standing = await standing_of(services, request.principal)
    if standing != "owner":
        return f"the account system says {standing}, and only an owner may have it done"
    if not action.takes_back and (open_one := _first_open("prerequisite", seen)) is not None:
        return open_one
    if request.approval != "none" and digest(request.words, request.inputs, seen) != request.digest:
        return "what was seen has changed since the approval was asked for"
    return None


def _first_open(what: str, seen: Sequence[Finding]) -> str | None:
    found = next((finding for finding in seen if not finding.met), None)
    return f"{what} {found.check} does not hold now: {found.code}" if found is not None else None


async def _look_at_page(services: Services, action: Action, request: ActionRequest) -> tuple[Finding, ...]:
    """What the page marks as a step to check, looked at again: for what the action is done to, or else for
    everything that it was looked at for in this case."""
    if action.takes_back:
        return ()
    facts = [fact for fact in await services.store.facts(request.case) if fact.finding is not None]
    checks: list[tuple[Check, str]] = []
    for id in dict.fromkeys(fact.procedure for fact in facts):
        procedure = await services.library.procedure(id, request.lang)
        if procedure is None or procedure.action != request.action:
            continue
        for step in procedure.steps:
            if step.must_check and step.check is not None and step.check not in action.prerequisites:
                given = dict(request.inputs).get(step.subject)
                seen = [fact.subject for fact in facts if (fact.procedure, fact.step) == (id, step.id)]
                checks += [(step.check, given or subject) for subject in seen]
    return await look_for(services, list(dict.fromkeys(checks)), request)


async def _execute(
    services: Services, action: Action, request: ActionRequest, *, again: bool
) -> ActionRequest:
    """Sends the write under the request's own key: the account system does it once per key.

    `again`: it may have been sent before a crash. Where no answer comes, only the read-back tells.
    """
    sent = await _send(services, action, request, action.effect, request.id, again=again)
    if sent.by_hand is not None:
        return await _move(services, request, "needs_person", sent.by_hand, by_hand=True)
    if sent.refused is not None:
        return await _move(services, request, "needs_person", sent.refused)
    if not sent.answered:
        lost = "it was sent, and no answer to it came"
        if action.read_back is None:
            return await _move(services, request, "needs_person", lost)
        back = await _read_back(services, action, request)
        if not in_effect(action, back):  # it may come true yet: taking back now would settle nothing
            lost = f"{lost}; the read-back saw {back.code}"
            return await _move(services, request, "needs_person", lost, looks=(back,))
    return await _move(services, request, "verifying")


class Sent(NamedTuple):
    """What came of a write. Neither answered nor refused: it may have taken place, or may do so yet."""

    answered: bool = False
    by_hand: str | None = None
    """Only people can do it: what they have to do."""
    refused: str | None = None
    """Surely nothing was changed, and why."""


async def _send(
    services: Services, action: Action, request: ActionRequest, effect: str, key: str, *, again: bool
) -> Sent:
    """`again`: it may have been sent before, so that a refusal may be that of a repeat."""
    account = request.principal.account
    assert account is not None, "an owner has an account"
    for left in reversed(range(WRITE_TRIES if action.repeatable or not again else 0)):
        try:
            by_hand = await services.accounts.change(
                account, effect, dict(request.inputs), key, request.evidence
            )
            return Sent(answered=by_hand is None, by_hand=by_hand)
        except OutcomeUnknown:
            again = True
            if not action.repeatable:
                break
        except Unavailable as error:
            if not left and not again:
                return Sent(refused=f"nothing was changed: {error}")
        except BadInput as error:
            if not again:
                return Sent(refused=f"the account system refused it: {error}")
            break
        if left:
            await asyncio.sleep(WRITE_WAIT_S)
    return Sent()


async def _read_back(services: Services, action: Action, request: ActionRequest) -> Finding:
    """What is seen of the change: at once, or after a while where reads come from before the write."""
    assert action.read_back is not None
    for left in reversed(range(READ_BACK_TRIES)):
        (back,) = await look_at(services, (action.read_back,), request)
        if in_effect(action, back) or not left:
            break
        await asyncio.sleep(READ_BACK_WAIT_S)
    return back


async def _verify(services: Services, action: Action, request: ActionRequest) -> ActionRequest:
    """Done is said only after the read-back; what does not hold after the change is undone."""
    if action.read_back is None:
        return await _move(services, request, "sent", "taken by the other side; nothing here reads it back")
    back = await _read_back(services, action, request)
    if not in_effect(action, back):
        return await _undo(services, action, request, f"the read-back saw {back.code}", (back,))
    if action.takes_back:
        return await _move(services, request, "done", f"read back: {back.code}", looks=(back,))
    after = await look_at(services, action.lasting, request)
    broken = [finding for finding in after if finding.met is False]
    if broken:
        why = f"after the change {broken[0].check} saw {broken[0].code}"
        return await _undo(services, action, request, why, (back, *after))
    return await _move(services, request, "done", f"read back: {back.code}", looks=(back, *after))


async def _undo(
    services: Services, action: Action, request: ActionRequest, why: str, seen: Sequence[Finding]
) -> ActionRequest:
    """Undone is said, like done, only after the read-back."""
    if not can_be_undone(action):
        why = f"{why}; it cannot be undone by itself"
        return await _move(services, request, "needs_person", why, looks=seen)
    if await paused(services):
        why = f"{why}; actions are switched off, so it was not undone"
        return await _move(services, request, "needs_person", why, looks=seen)
    assert action.undo is not None
    sent = await _send(services, action, request, action.undo, f"{request.id}-undo", again=False)
    if sent.by_hand is not None:
        why = f"{why}; {sent.by_hand}"
        return await _move(services, request, "needs_person", why, by_hand=True, looks=seen)
    if sent.refused is not None:
        why = f"{why}; the undo failed too: {sent.refused}"
        return await _move(services, request, "needs_person", why, looks=seen)
    taking_back = action.model_copy(update={"takes_back": True})
    gone = await _read_back(services, taking_back, request)
    if not in_effect(taking_back, gone):
        why = f"{why}; the undo was sent, and the read-back saw {gone.code}"
        return await _move(services, request, "needs_person", why, looks=(*seen, gone))
    return await _move(services, request, "undone", why, looks=(*seen, gone))
