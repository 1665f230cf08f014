"""What people correct and agents write: the steps, notes, suggested replies."""

from __future__ import annotations

from functools import partial

from app import conversation as path
from app import saying, shown
from app.errors import BadInput, NotFound
from app.events import AgentCase, ConversationStatus, event_of
from app.ids import new_id
from app.matter import Matter, noted
from app.models.case import Case
from app.models.conversation import Conversation, Message, Note
from app.models.people import Principal
from app.models.reading import Claim
from app.models.record import Record, Suggestion, SuggestionState
from app.models.steps import FactKind, LedgerFact, StepState
from app.record import said_after

TOLD_WORDS = ("claimed", "evidenced", "verified")
"""What "that's not right" takes back; of any other word it says that the step is done."""


class Moves(Matter):
    """Looks and corrections at the steps, and what agents send."""

    # --- the steps ---

    async def look_again(self, conversation_id: str, by: Principal) -> None:
        """Looks at the matter at hand now, and goes on from what is seen."""
        await self._conversation(conversation_id)
        self._look(conversation_id, new_id("look"))

    def _look(self, conversation_id: str, occasion: str) -> None:
        self._start(occasion, partial(self._look_now, conversation_id, occasion))

    async def _look_now(self, conversation_id: str, occasion: str) -> None:
        await path.look_again(self.services, conversation_id, occasion)

    async def dispute(self, conversation_id: str, step: str, by: Principal) -> None:
        """ "That's not right": what counted as done is not, what counted as open is; then we look again."""
        conversation = await self._conversation(conversation_id)
        async with path.party_lock(self.services, conversation):
            case, state = await self._step(conversation, step)
            status = "not_done" if state.word in TOLD_WORDS else "done"
            if state.outcome is not None:  # an answer is turned round, or open again where there are many
                status = {"yes": "no", "no": "yes"}.get(state.outcome, "unknown")
            claim = Claim(step=step, status=status, message="", quote="")
            await self._write_fact(case, step, "correction", by, claim=claim)
        self._look(conversation_id, new_id("look"))

    async def attest(self, conversation_id: str, step: str, text: str, by: Principal) -> None:
        """An agent has seen it: evidence, with a note. Only a machine's look makes a step `verified`."""
        claim = Claim(step=step, status="done", message="", quote="", shown=True)
        await self._agents_fact(conversation_id, step, "note", text, by, claim=claim)

    async def not_applicable(self, conversation_id: str, step: str, text: str, by: Principal) -> None:
        await self._agents_fact(conversation_id, step, "not_applicable", text, by, claim=None)

    async def _agents_fact(
        self, id: str, step: str, kind: FactKind, text: str, by: Principal, *, claim: Claim | None
    ) -> None:
        conversation = await self._conversation(id)
        async with path.party_lock(self.services, conversation):
            case, _ = await self._step(conversation, step)
            await self._write_fact(case, step, kind, by, claim=claim, note=noted(text))
        self._look(id, new_id("look"))

    async def _write_fact(
        self,
        case: Case,
        step: str,
        kind: FactKind,
        by: Principal,
        *,
        claim: Claim | None,
        note: str = "",
    ) -> None:
        assert case.procedure is not None
        fact = LedgerFact(
            case=case.id,
            procedure=case.procedure,
            step=step,
            kind=kind,
            claim=claim,
            note=note,
            by=by.id if by.kind == "agent" else None,
            at=self.services.clock(),
        )
        await self.services.store.record(Record(conversation=case.conversation, facts=(fact,), by=by))

    async def _step(self, conversation: Conversation, step: str) -> tuple[Case, StepState]:
        case, facts = await self._facts(conversation)
        state = next((each for each in facts.steps if each.step == step), None)
        if case is None or state is None:
            raise NotFound(f"no step {step} in this conversation")
        return case, state

    # --- what agents write ---

    async def note(self, conversation_id: str, text: str, by: Principal) -> Note:
        await self._conversation(conversation_id)
        made = Note(
            id=new_id("n"),
            conversation=conversation_id,
            by=by.id,
            text=noted(text),
            at=self.services.clock(),
        )
        news = shown.to_agents(AgentCase(conversation=conversation_id, what="note"))
        await self.services.store.record(Record(conversation=conversation_id, note=made, elsewhere=news))
        return made

    async def send_suggestion(self, suggestion_id: str, by: Principal, text: str | None = None) -> Suggestion:
        """Sends a suggested reply: as it is, in our name, or in the agent's words and name. Once."""
        suggestion = await self._suggestion(suggestion_id)
        conversation = await self._conversation(suggestion.conversation)
        async with path.party_lock(self.services, conversation):
            suggestion = await self._suggestion(suggestion_id)
            if suggestion.state not in ("open", "superseded"):
                told = f"this suggestion was {suggestion.state} already. Write a message instead."
                raise BadInput(told, code="suggestion_over")
            turn = await self.services.store.turn(suggestion.id)
            case = await self.services.store.case(suggestion.case) if suggestion.case else None
            edited = text is not None and text.strip() != suggestion.text.strip()
            message = Message(
                id=f"{suggestion.id}-reply",
                conversation=conversation.id,
                role="agent" if edited else "bot",
                name=by.id if edited else None,
                text=(text or "").strip() if edited else suggestion.text,
                at=self.services.clock(),
            )
            if not message.text:
                raise BadInput("the message has no text. Write something.", code="empty")
            sent = () if edited else suggestion.citations
            if case is not None and turn is not None:
                facts = turn.facts.model_copy(update={"said": case.said})
                said = said_after(facts, suggestion.decision, suggestion.citations)
                case = case.model_copy(update={"said": said, "updated_at": message.at})
            state: SuggestionState = "edited" if edited else "sent"
            after = suggestion.model_copy(update={"state": state, "by": by.id})
            await self.services.store.record(
                Record(
                    conversation=conversation.id,
                    case=case,
                    replies=(message,),
                    suggestion=after,
                    status=None if conversation.person_active else "awaiting_customer",
                    events=(
                        shown.message_event(
                            message,
                            None if edited else suggestion.decision,
                            sent,
                            await saying.places_of(self.services),
                        ),
                        *(
                            ()
                            if conversation.person_active
                            else (event_of(ConversationStatus(status="awaiting_customer")),)
                        ),
                    ),
                    elsewhere=shown.to_agents(shown.suggestion_notice(after)),
                    by=by,
                )
            )
            return after

    async def dismiss(self, suggestion_id: str, by: Principal, reason: str = "") -> Suggestion:
        suggestion = await self._suggestion(suggestion_id)
        if suggestion.state not in ("open", "superseded"):
            raise BadInput(f"this suggestion was {suggestion.state} already.", code="suggestion_over")
        after = suggestion.model_copy(update={"state": "dismissed", "by": by.id})
        note = None
        if reason.strip():
            note = Note(
                id=new_id("n"),
                conversation=suggestion.conversation,
                by=by.id,
                text=noted(f"Suggestion not useful: {reason}"),
                at=self.services.clock(),
            )
        await self.services.store.record(
            Record(
                conversation=suggestion.conversation,
                suggestion=after,
                note=note,
                elsewhere=shown.to_agents(shown.suggestion_notice(after)),
                by=by,
            )
        )
        return after

    async def _suggestion(self, id: str) -> Suggestion:
        found = await self.services.store.suggestion(id)
        if found is None:
            raise NotFound(f"no suggestion {id}")
        return found
