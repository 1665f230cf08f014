"""What a conversation is about, as far as people act on it by hand; no look at the world."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from app import shown
from app.errors import BadInput, NotFound
from app.ledger import step_states
from app.models.case import Case
from app.models.conversation import Conversation, Message
from app.models.event import NewEvent
from app.models.facts import Facts
from app.models.reading import Reading
from app.modes import mode_of

if TYPE_CHECKING:
    from app.ports import Services

LONGEST_NOTE = 4000


class Matter:
    """The parts that what people do has in common. Raises `NotFound` for what is not there."""

    services: Services

    def _start(self, id: str, work: Callable[[], Awaitable[None]]) -> None:
        raise NotImplementedError

    async def _conversation(self, id: str) -> Conversation:
        found = await self.services.store.conversation(id)
        if found is None:
            raise NotFound(f"no conversation {id}")
        return found

    async def _any_case(self, conversation: Conversation) -> Case | None:
        cases = [
            case for case in await self.services.store.cases_of(conversation.id) if case.state != "closed"
        ]
        return next((case for case in cases if case.procedure), None) or next(iter(cases), None)

    async def _title(self, case: Case) -> str:
        if case.procedure is None:
            return ""
        found = await self.services.library.procedure(case.procedure, case.reading.language)
        return found.title if found is not None else ""

    async def _facts(self, conversation: Conversation, case: Case | None = None) -> tuple[Case | None, Facts]:
        """What is known of a conversation's matter (or of this one) without looking at the world again."""
        case = case or await self._any_case(conversation)
        turns = await self.services.store.turns(conversation.id)
        newest = next((turn for turn in reversed(turns) if case is None or turn.case == case.id), None)
        facts = newest.facts if newest is not None else Facts(reading=Reading())
        if case is None or case.procedure is None:
            return case, facts
        procedure = await self.services.library.procedure(case.procedure, facts.reading.language)
        if procedure is None:
            return case, facts
        ledger = await self.services.store.facts(case.id)
        mine = [fact for fact in ledger if fact.procedure == procedure.id]
        action = self.services.actions.get(procedure.action) if procedure.action else None
        newest_seen = {(fact.step, fact.subject): fact.finding for fact in mine if fact.finding is not None}
        steps = step_states(
            procedure,
            claims=[fact.claim for fact in mine if fact.claim is not None],
            findings=[(step, finding) for (step, _), finding in newest_seen.items()],
            must_check=frozenset(action.prerequisites) if action else frozenset(),
            not_applicable=frozenset(fact.step for fact in mine if fact.kind == "not_applicable"),
            now=self.services.clock(),
        )
        return case, facts.model_copy(update={"procedure": procedure, "steps": steps, "said": case.said})

    def _say(
        self, conversation: Conversation, text: str, id: str, *, sent_by_agent: bool = False
    ) -> tuple[tuple[Message, ...], tuple[NewEvent, ...]]:
        """A reply of ours, where we may speak by ourselves or an agent has us speak."""
        silent = conversation.person_active or mode_of(self.services.settings, conversation) != "auto"
        if (silent and not sent_by_agent) or not text:
            return (), ()
        message = Message(
            id=id, conversation=conversation.id, role="bot", text=text, at=self.services.clock()
        )
        return (message,), (shown.message_event(message, None),)


def noted(text: str) -> str:
    text = text.strip()
    if not text:
        raise BadInput("the note is empty. Write what you saw.", code="empty")
    if len(text) > LONGEST_NOTE:
        told = f"the note has {len(text):,} characters; {LONGEST_NOTE:,} is the most. Write less."
        raise BadInput(told, code="too_long")
    return text
