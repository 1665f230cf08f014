"""What agents do: write, take over and give back, look again, attest, send suggestions, approve."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request

from app.channels.assist.core import Core
from app.channels.assist.session import NO, Agent, ForAgent, Here, Notes, ToNote, ToWrite, Writes, note_access
from app.channels.assist.wire import (
    DecideIn,
    DismissIn,
    SaidOut,
    SayIn,
    SendIn,
    StandingOut,
    SuggestionOut,
    TextIn,
)
from app.channels.edge import Edge, Refusal
from app.channels.limits import spend
from app.channels.wire import NothingIn, RequestOut, decided
from app.errors import NotFound
from app.events import shown
from app.models.conversation import Conversation

routes = APIRouter(prefix="/v1/agent", route_class=Edge, responses=NO, tags=["Agents"])

StepId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,100}$")]


@routes.post("/conversations/{id}/messages", status_code=202)
async def send_as_agent(core: Here, conversation: ToWrite, agent: Writes, body: SayIn) -> SaidOut:
    """A person's words to the customer; whoever writes has taken over."""
    message = await core.send_as_agent(conversation.id, body.text, agent, client_id=body.client_message_id)
    if (message.role, message.text) != ("agent", body.text):
        raise Refusal(
            409,
            "client_message_id_used",
            "This client_message_id was used for another message.",
            "Make a new id for each message.",
        )
    return SaidOut(message=shown(message, client_message_id=body.client_message_id))


@routes.post("/conversations/{id}/take-over", status_code=202)
async def take_over(
    core: Here, conversation: ToWrite, agent: Writes, body: NothingIn | None = None
) -> StandingOut:
    """From now on a person answers; Stepfour stays silent there."""
    await core.take_over(conversation.id, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/give-back", status_code=202)
async def give_back(
    core: Here, conversation: ToWrite, agent: Writes, body: NothingIn | None = None
) -> StandingOut:
    """Stepfour answers again."""
    await core.give_back(conversation.id, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/ask-solved", status_code=202)
async def ask_solved(
    core: Here, conversation: ToWrite, agent: Writes, body: NothingIn | None = None
) -> StandingOut:
    """The agent is finished: gives back and asks the customer whether it is solved."""
    await core.ask_solved(conversation.id, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/checks", status_code=202)
async def run_checks(
    core: Here, conversation: ToWrite, agent: Writes, request: Request, body: NothingIn | None = None
) -> StandingOut:
    """Looks again at everything that machines can see; what is seen comes as events."""
    spend(request, "looks", agent.party, core.clock())
    await core.look_again(conversation.id, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/notes", status_code=201)
async def write_note(core: Here, conversation: ToNote, agent: Notes, body: TextIn) -> StandingOut:
    """Something for the other agents; the customer does not see it."""
    await core.note(conversation.id, body.text, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/steps/{step}/attest", status_code=202)
async def attest_step(
    step: StepId, core: Here, conversation: ForAgent, agent: Agent, body: TextIn
) -> StandingOut:
    """An agent saw it: evidence with a note. `verified` stays a machine's word."""
    await core.attest(conversation.id, step, body.text, agent)
    return await _standing(core, conversation)


@routes.post("/conversations/{id}/steps/{step}/not-applicable", status_code=202)
async def step_does_not_apply(
    step: StepId, core: Here, conversation: ForAgent, agent: Agent, body: TextIn
) -> StandingOut:
    """The step is not needed here, and why."""
    await core.not_applicable(conversation.id, step, body.text, agent)
    return await _standing(core, conversation)


async def _standing(core: Core, before: Conversation) -> StandingOut:
    now = await core.store.conversation(before.id) or before
    return StandingOut(id=now.id, status=now.status, person_active=now.person_active)


@routes.post("/suggestions/{id}/send")
async def send_suggestion(
    id: str, core: Here, agent: Writes, request: Request, body: SendIn | None = None
) -> SuggestionOut:
    """Sends a suggested reply: as it is in the bot's name, or in the agent's own words. Once."""
    sent = await core.send_suggestion(id, agent, body.text if body else None)
    note_access(request, agent, f"suggestion {sent.id}")
    return SuggestionOut(id=sent.id, state=sent.state)


@routes.post("/suggestions/{id}/dismiss")
async def dismiss_suggestion(
    id: str, core: Here, agent: Writes, request: Request, body: DismissIn | None = None
) -> SuggestionOut:
    """It is of no use, and why."""
    dropped = await core.dismiss(id, agent, body.reason if body else "")
    note_access(request, agent, f"suggestion {dropped.id}")
    return SuggestionOut(id=dropped.id, state=dropped.state)


@routes.post("/requests/{id}/approve", tags=["Approvals"])
async def approve_request(id: str, core: Here, agent: Agent, request: Request, body: DecideIn) -> RequestOut:
    """An agent's yes to exactly what the card showed."""
    await _as_shown(core, id, body)
    made = await core.decide_request(id, "approve", agent)
    note_access(request, agent, f"approved request {made.id}")
    return decided(made)


@routes.post("/requests/{id}/reject", tags=["Approvals"])
async def reject_request(id: str, core: Here, agent: Agent, request: Request, body: DecideIn) -> RequestOut:
    """An agent's no: nothing is changed."""
    await _as_shown(core, id, body)
    made = await core.decide_request(id, "reject", agent)
    note_access(request, agent, f"rejected request {made.id}")
    return decided(made)


async def _as_shown(core: Core, id: str, body: DecideIn) -> None:
    """Refuses a decision about something else than the request asks for."""
    waiting = await core.store.request(id)
    if waiting is None:
        raise NotFound
    if waiting.digest != body.digest:
        raise Refusal(
            409, "changed", "This is not what the card showed.", "Read the card again: nothing was decided."
        )
