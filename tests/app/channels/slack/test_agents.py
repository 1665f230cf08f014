"""The agents' channel: what is suggested, sent, edited, taken over; a thread read by the shortcut."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from app import events as e
from app import shown
from app.models.decision import Answer
from app.models.dossier import Dossier
from app.models.record import Suggestion

TEXT = "Click tracking is a **switch** in your account."


async def suggested(house: Any) -> tuple[Any, Any]:
    """(the customer's message, the card)"""

    async def play(service: Any, message: Any) -> None:
        suggestion = Suggestion(
            id="t_suggested",
            conversation=message.conversation,
            case=None,
            decision=Answer(because="the page says so", citations=()),
            text=TEXT,
            warnings=("uncited",),
            at=datetime.now(UTC),
        )
        notice = shown.suggestion_notice(suggestion)
        await service._record(
            message, "", suggestion.decision, (), suggestion=suggestion, elsewhere=(notice,)
        )

    house.play = play
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot how do I track clicks?")
    await house.slack.until(house.in_agents)
    await house.quiet()
    (card,) = house.in_agents()
    return asked, card


def now(house: Any, card: Any) -> Any:
    return house.slack.message(card.channel, card.ts)


async def test_a_suggestion_is_sent_as_it_is_by_a_press(house: Any) -> None:
    asked, card = await suggested(house)
    assert "Click tracking is a *switch*" in card.said
    assert "A sentence has no source." in card.said
    assert "<@U0CUSTOMER>" in card.said
    assert house.ours(asked) == ()
    await house.slack.press("U0SUPPORT", card, "send")
    (answer,) = await house.answered(asked)
    assert TEXT in answer.said
    await house.slack.until(lambda: "Sent as Stepfour by Kim Weiss" in now(house, card).said)
    assert now(house, card).button("send") is None


async def test_only_agents_send(house: Any) -> None:
    asked, card = await suggested(house)
    await house.slack.join("U0GUEST", "C0AGENTS")
    for action in ("send", "edit", "take", "dismiss"):
        await house.slack.press("U0GUEST", card, action)
    await house.quiet()
    assert house.ours(asked) == ()
    assert house.slack.open_views("U0GUEST") == []
    assert now(house, card).button("send") is not None
    assert len(house.slack.ephemerals("U0GUEST")) == 4


async def test_an_edited_suggestion_goes_out_in_the_agents_name(house: Any) -> None:
    asked, card = await suggested(house)
    await house.slack.press("U0SUPPORT", card, "edit")
    await house.slack.until(lambda: house.slack.open_views("U0SUPPORT"))
    (view,) = house.slack.open_views("U0SUPPORT")
    answer = await house.slack.submit("U0SUPPORT", view, {"text": "It is under *Settings*. <!channel>"})
    assert answer.closed
    (sent,) = await house.answered(asked)
    assert "It is under *Settings*. &lt;!channel&gt;" in sent.said
    assert "Kim Weiss" in sent.said
    await house.slack.until(lambda: "Edited and sent by Kim Weiss" in now(house, card).said)


async def test_taking_over_keeps_us_silent(house: Any) -> None:
    asked, card = await suggested(house)
    await house.slack.press("U0SUPPORT", card, "take")
    (notice,) = await house.answered(asked)
    assert "Kim Weiss is here now" in notice.said
    await house.slack.post("U0CUSTOMER", "C0HELP", "hello?", thread=asked.ts)
    await house.quiet()
    assert len(house.ours(asked)) == 1


async def test_a_suggestion_of_no_use_is_marked(house: Any) -> None:
    _, card = await suggested(house)
    await house.slack.press("U0LEAD", card, "dismiss")
    await house.slack.until(lambda: "Marked as not useful by Lea Brandt" in now(house, card).said)


async def test_a_handoff_is_a_card_with_the_dossier_in_its_thread(house: Any, kit: Any) -> None:
    async def play(service: Any, message: Any) -> None:
        dossier = Dossier(
            summary="Wants: https\nSo far: tracking\nStands because: asked",
            customer=kit.ana,
            request="https",
            procedure=None,
            steps=(),
            sent=(),
            because="asked",
            next_move="Say hello and go on from here.",
        )
        notice = e.AgentHandoff(conversation=message.conversation, reason="asked", team="Support")
        handoff = e.Handoff(state="requested", reason="asked", team="Support")
        status = e.ConversationStatus(status="with_agents")
        await service.say(
            message, "A person takes over.", dossier=dossier, after=(handoff, status), elsewhere=(notice,)
        )

    house.play = play
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot a person please")
    await house.slack.until(lambda: len(house.slack.messages("C0AGENTS")) == 2)
    card, dossier = house.slack.messages("C0AGENTS")
    assert dossier.thread_ts == card.ts
    assert "Next move: *Say hello and go on from here.*" in card.said
    assert "Customer:" in dossier.said
    await house.slack.press("U0SUPPORT", card, "take")
    await house.slack.until(lambda: "With Kim Weiss now." in now(house, card).said)
    await house.slack.press("U0SUPPORT", now(house, card), "give_back")
    await house.slack.until(lambda: "Stepfour answers again." in now(house, card).said)
    await house.answered(asked, 3)


async def test_the_shortcut_reads_a_thread_that_we_were_not_in(house: Any) -> None:
    said = await house.slack.post("U0CUSTOMER", "C0HELP", "tracking does not work")
    await house.slack.post("U0SUPPORT", "C0HELP", "is it on?", thread=said.ts)
    await house.slack.post("U0CUSTOMER", "C0HELP", "yes, it is", thread=said.ts)
    await house.quiet()
    await house.slack.shortcut("U0SUPPORT", said)
    await house.quiet()
    (view,) = house.slack.open_views("U0SUPPORT")
    assert "Next action" in str(view.content)
    conversation = await house.conversation(said)
    messages = await house.store.messages(conversation)
    assert [(m.role, m.text) for m in messages] == [
        ("customer", "tracking does not work"),
        ("agent", "is it on?"),
        ("customer", "yes, it is"),
    ]
    assert (await house.store.conversation(conversation)).caution == "suggest"
    assert house.ours(said) == ()
    assert len(house.slack.calls_of("conversations.replies")) == 1


async def test_the_shortcut_is_for_agents(house: Any) -> None:
    said = await house.slack.post("U0CUSTOMER", "C0HELP", "tracking does not work")
    await house.slack.shortcut("U0CUSTOMER", said)
    await house.quiet()
    assert house.slack.open_views("U0CUSTOMER") == []
    assert "Only people of our support team" in house.slack.ephemerals("U0CUSTOMER")[-1].text
