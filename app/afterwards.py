"""After an action: does what was done still hold? Looked at again minutes and a day later."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Literal

from app import actions, announcing, proposing, saying, shown
from app import conversation as path
from app.action import Action, can_be_undone
from app.models.case import FollowUp
from app.models.conversation import Conversation
from app.models.record import Record
from app.models.request import ActionRequest
from app.models.steps import Finding
from app.modes import mode_of
from app.people import People

log = logging.getLogger(__name__)

UNSEEN_AGAIN_S = 600
MOST_UNSEEN = 6
"""Looks in a row that see nothing: then this time is let go, and the next one comes in its turn."""

Held = Literal["holds", "lost", "unsafe", "unseen"]


def held(back: Finding, rests_on: Sequence[Finding]) -> Held:
    """`lost`: the change is gone. `unsafe`: it is there, and something it needs is not any more."""
    if back.met is False:
        return "lost"
    if any(finding.met is False for finding in rests_on):
        return "unsafe"
    return "holds" if back.met and all(finding.met for finding in rests_on) else "unseen"


def next_look(due: FollowUp, verdict: Held, waits: Sequence[int]) -> FollowUp | None:
    """The follow-up after a look that found nothing wrong; None after the last one."""
    if verdict == "unseen" and due.unseen + 1 < MOST_UNSEEN:
        again = due.next_at + timedelta(seconds=UNSEEN_AGAIN_S)
        return due.model_copy(update={"unseen": due.unseen + 1, "next_at": again})
    looks = due.looks + 1
    if looks >= len(waits):
        return None
    next_at = due.since + timedelta(seconds=waits[looks])
    return due.model_copy(update={"looks": looks, "unseen": 0, "next_at": next_at})


class Afterwards(People):
    """Looks at what was done once more, and reopens what does not hold."""

    async def follow_up(self, due: FollowUp) -> None:
        request = await self.services.store.request(due.request)
        action = self.services.actions.get(request.action) if request is not None else None
        if request is None or action is None or action.read_back is None:  # erased, or not offered any more
            await self.services.store.record(Record(conversation="", followed=due.request))
            return
        conversation = await self._told_in(request)
        async with path.party_lock(self.services, conversation):
            if await self.services.store.follow_up(request.id) != due:
                return
            verdict, seen = await self._look_at_change(request, action)
            if verdict in ("lost", "unsafe") and not await self._overtaken(request):
                record = await self._reopened(request, action, verdict, seen)
            else:
                after = next_look(due, verdict, self.services.settings.after_seconds)
                if verdict in ("lost", "unsafe"):  # what came later has a follow-up of its own
                    after = None
                record = Record(conversation=conversation.id, follow_up=after)
            await self.services.store.record(
                record if record.follow_up else record.model_copy(update={"followed": request.id})
            )

    async def _look_at_change(
        self, request: ActionRequest, action: Action
    ) -> tuple[Held, tuple[Finding, ...]]:
        """What is seen of it; what speaks against it has to be seen again and again: a read may be stale."""
        assert action.read_back is not None
        checks = (action.read_back, *action.lasting)
        for left in reversed(range(actions.READ_BACK_TRIES)):
            seen = await proposing.look_at(self.services, checks, request)
            verdict = held(seen[0], seen[1:])
            if verdict not in ("lost", "unsafe") or not left:
                break
            await asyncio.sleep(actions.READ_BACK_WAIT_S)
        return verdict, seen

    async def _told_in(self, request: ActionRequest) -> Conversation:
        case = await self.services.store.case(request.case)
        return await self._conversation(case.conversation if case else request.conversation)

    async def _overtaken(self, request: ActionRequest) -> bool:
        """The account's own later wish: the same action on the same thing, or this one taken back."""
        later = await self.services.store.requests("executing", "verifying", "done")
        return any(
            other.undoes == request.id
            or (
                other.action == request.action
                and other.principal.account == request.principal.account
                and other.inputs[:1] == request.inputs[:1]
                and other.created_at > request.created_at
            )
            for other in later
        )

    async def _reopened(
        self, request: ActionRequest, action: Action, verdict: Held, seen: tuple[Finding, ...]
    ) -> Record:
        """The owner and the agents are told, and the undo is laid before whoever may approve it."""
        conversation = await self._told_in(request)
        case, facts = await self._facts(conversation, await self.services.store.case(request.case))
        wrong = [finding for finding in seen if finding.met is False]
        codes = ", ".join(f"{finding.check} saw {finding.code}" for finding in wrong)
        because = f"looked at again, `{request.action}` does not hold any more: {codes}"
        log.warning("request %s: %s", request.id, because)
        offered = self._offered(request, action, seen, conversation) if verdict == "unsafe" else None
        handover = await saying.handover_for(self.services, "outcome_lost")
        lang = facts.reading.language
        passed = announcing.passed_on(handover, lang, now=self.services.clock())
        told = announcing.lost(request.words, wrong, lang, by_customer=_by_customer(offered))
        record = await self._handed_over(
            conversation,
            case,
            facts,
            handover,
            reason="outcome_lost",
            because=because,
            text=f"{told} {passed}",
            reopens="lost",
        )
        if offered is None:
            return record
        card = (shown.proposal_event(offered, lang),) if _by_customer(offered) and record.replies else ()
        return record.model_copy(
            update={
                "request": offered,
                "events": (*record.events, *card),
                "elsewhere": (*record.elsewhere, *shown.to_agents(shown.request_notice(offered))),
            }
        )

    def _offered(
        self, request: ActionRequest, action: Action, seen: tuple[Finding, ...], conversation: Conversation
    ) -> ActionRequest | None:
        """The undo as a request: the owner's to approve, unless the action or the mode is an agent's."""
        if not can_be_undone(action):
            return None
        mode = mode_of(self.services.settings, conversation, request.action)
        if mode == "shadow":
            return None
        careful = action.approval == "agent" or mode == "suggest"
        return proposing.taking_back(
            request, seen, approval="agent" if careful else "customer", services=self.services
        )


def _by_customer(request: ActionRequest | None) -> bool:
    return request is not None and request.approval == "customer"
