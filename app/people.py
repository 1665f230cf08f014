"""Handing over to people and back, whether it is solved, and what helped: by buttons, never out of text."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from app import announcing, saying, shown
from app import conversation as path
from app.dossiers import dossier_for
from app.errors import BadInput, NotFound
from app.events import AgentCase, AgentHandoff, ConversationStatus, Feedback, Handoff, Resolved, event_of
from app.hours import Handover
from app.ids import new_id
from app.matter import LONGEST_NOTE, Matter
from app.models.case import Case
from app.models.conversation import Conversation, Message
from app.models.event import NewEvent
from app.models.facts import Facts
from app.models.people import Principal
from app.models.record import Record


class People(Matter):
    """What a customer or an agent asks for by hand around a conversation."""

    # --- handing over, and back ---

    async def ask_for_person(self, conversation_id: str) -> None:
        """The button "talk to a person": a handoff without a word of the model's or of the policy's."""
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            conversation = await self._conversation(conversation_id)
            if conversation.status in ("with_agents", "human_active"):
                return
            await self._hand_over(conversation, "asked", "the customer asks for a person by the button")

    async def _hand_over(
        self, conversation: Conversation, reason: str, because: str, *, again: bool = False
    ) -> None:
        case, facts = await self._facts(conversation)
        handover = await saying.handover_for(self.services, reason)
        lang, now = facts.reading.language, self.services.clock()
        if again:
            text = announcing.reopened(lang, handover, now=now)
        else:
            text = announcing.passed_on(handover, lang, now=now)
        record = await self._handed_over(
            conversation,
            case,
            facts,
            handover,
            reason=reason,
            because=because,
            text=text,
            reopens="denied" if again else None,
        )
        await self.services.store.record(record)

    async def _handed_over(
        self,
        conversation: Conversation,
        case: Case | None,
        facts: Facts,
        handover: Handover,
        *,
        reason: str,
        because: str,
        text: str,
        reopens: Literal["denied", "lost"] | None,
    ) -> Record:
        """A matter goes to a person. `reopens`: it counted as solved, and why it does no more."""
        now = self.services.clock()
        changed = case and case.model_copy(
            update={
                "state": "handed_off",
                "asked_solved_at": None,
                "resolution": None,
                "said": case.said.model_copy(update={"handed_off": True}),
                "updated_at": now,
            }
        )
        reopened = (event_of(Resolved(case=case.id, state=reopens)),) if reopens and case else ()
        replies, said = self._say(conversation, text, f"{new_id('h')}-reply")
        passed_on: tuple[NewEvent, ...] = ()
        if not conversation.person_active:  # whoever is there has it already
            passed_on = (
                shown.handoff_event(reason, handover),
                event_of(ConversationStatus(status="with_agents", reason=reason)),
            )
        return Record(
            conversation=conversation.id,
            case=changed,
            dossier=await dossier_for(self.services, facts, conversation, case, because),
            replies=replies,
            status="with_agents" if passed_on else None,
            events=(*reopened, *said, *passed_on),
            elsewhere=shown.to_agents(
                AgentHandoff(
                    conversation=conversation.id,
                    case=case.id if case else None,
                    reason=reason,
                    team=handover.team,
                    again=reopens is not None,
                )
            ),
            by=None if reopens == "lost" else conversation.principal,
        )

    async def take_over(self, conversation_id: str, by: Principal, name: str | None = None) -> None:
        await self._person(conversation_id, by, active=True, name=name or by.id)

    async def give_back(self, conversation_id: str, by: Principal) -> None:
        await self._person(conversation_id, by, active=False, name=by.id)

    async def _person(self, conversation_id: str, by: Principal, *, active: bool, name: str) -> None:
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            if (await self._conversation(conversation_id)).person_active == active:
                return
            status = ConversationStatus(status="human_active" if active else "awaiting_customer")
            handoff = Handoff(state="joined" if active else "ended", name=name)
            await self.services.store.record(
                Record(
                    conversation=conversation_id,
                    status=status.status,
                    person_active=active,
                    events=(event_of(handoff), event_of(status)),
                    elsewhere=shown.to_agents(AgentCase(conversation=conversation_id, what="status")),
                    by=by,
                )
            )

    async def send_as_agent(
        self, conversation_id: str, text: str, by: Principal, *, client_id: str, name: str | None = None
    ) -> Message:
        """A person's words to the customer; whoever writes has taken over."""
        await self.take_over(conversation_id, by, name)
        message, _ = await self.services.store.accept(
            conversation_id, "agent", text, client_id=client_id, context={}, name=name or by.id, by=by
        )
        return message

    # --- is it solved? ---

    async def ask_solved(self, conversation_id: str, by: Principal) -> None:
        """The agent is finished: Stepfour answers again, and the customer is asked whether it is solved."""
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            conversation = await self._conversation(conversation_id)
            case = await self._any_case(conversation)
            now = self.services.clock()
            ended = (event_of(Handoff(state="ended", name=by.id)),) if conversation.person_active else ()
            if case is None:
                told = "there is no matter in this conversation yet. Give it back instead."
                raise BadInput(told, code="no_matter")
            language = case.reading.language
            text = announcing.solved_question(language, await self._title(case))
            replies, said = self._say(conversation, text, f"{new_id('q')}-reply", sent_by_agent=True)
            await self.services.store.record(
                Record(
                    conversation=conversation.id,
                    case=case.model_copy(
                        update={"state": "asked", "asked_solved_at": now, "updated_at": now}
                    ),
                    replies=replies,
                    status="awaiting_customer",
                    person_active=False if conversation.person_active else None,
                    unwatch=case.id,
                    events=(
                        *ended,
                        *said,
                        event_of(Resolved(case=case.id, state="asked")),
                        event_of(ConversationStatus(status="awaiting_customer", reason="solved?")),
                    ),
                    elsewhere=shown.to_agents(
                        AgentCase(conversation=conversation.id, case=case.id, what="resolution")
                    ),
                    by=by,
                )
            )

    async def solved(self, conversation_id: str, solved: bool, by: Principal) -> None:
        """The customer's answer; "no" hands it over again, with everything known."""
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            case = await self._any_case(conversation)
            if case is None or case.state not in ("asked", "solved"):
                told = "nobody asks whether it is solved now. Write what is wrong instead."
                raise BadInput(told, code="not_asked")
            if not solved:
                because = "the customer says that it is not solved after all"
                await self._hand_over(conversation, "reopened", because, again=True)
                return
            text = announcing.solved_thanks(case.reading.language)
            replies, said = self._say(conversation, text, f"{new_id('q')}-reply")
            changed = {
                "state": "closed",
                "resolution": "confirmed",
                "asked_solved_at": None,
                "updated_at": self.services.clock(),
            }
            await self.services.store.record(
                Record(
                    conversation=conversation.id,
                    case=case.model_copy(update=changed),
                    replies=replies,
                    status="resolved",
                    events=(
                        *said,
                        event_of(Resolved(case=case.id, state="confirmed")),
                        event_of(ConversationStatus(status="resolved")),
                    ),
                    elsewhere=shown.to_agents(
                        AgentCase(conversation=conversation.id, case=case.id, what="resolution")
                    ),
                    by=by,
                )
            )

    async def close_silent(self) -> None:
        """Who was asked whether it is solved and said nothing for so long is taken at that."""
        now = self.services.clock()
        patience = timedelta(days=self.services.settings.solved_after_days)
        for case in await self.services.store.cases("asked"):
            if case.asked_solved_at is None or case.asked_solved_at + patience > now:
                continue
            changed = {
                "state": "closed",
                "resolution": "silent",
                "asked_solved_at": None,
                "updated_at": now,
            }
            await self.services.store.record(
                Record(
                    conversation=case.conversation,
                    case=case.model_copy(update=changed),
                    status="resolved",
                    events=(
                        event_of(Resolved(case=case.id, state="silent")),
                        event_of(ConversationStatus(status="resolved")),
                    ),
                    elsewhere=shown.to_agents(
                        AgentCase(conversation=case.conversation, case=case.id, what="resolution")
                    ),
                )
            )

    async def feedback(
        self, conversation_id: str, message_id: str, helped: bool, reason: str | None, by: Principal
    ) -> None:
        """Whether a reply of ours helped."""
        message = await self.services.store.message(message_id)
        if message is None or message.conversation != conversation_id or message.role != "bot":
            raise NotFound(f"no reply {message_id} in this conversation")
        said = Feedback(message=message_id, helped=helped, reason=(reason or "")[:LONGEST_NOTE] or None)
        await self.services.store.record(
            Record(
                conversation=conversation_id,
                events=(event_of(said),),
                elsewhere=shown.to_agents(AgentCase(conversation=conversation_id, what="feedback")),
            )
        )
