"""Who a customer is proven to be, and what they press and type besides messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from app import events as e
from app.identity import digest


async def answered(house: Any, user: str = "U0CUSTOMER", channel: str = "C0HELP") -> tuple[Any, Any]:
    asked = await house.slack.post(user, channel, "@bot how do I get https?")
    (answer,) = await house.answered(asked)
    return asked, answer


async def principal(house: Any, asked: Any) -> Any:
    return (await house.store.conversation(await house.conversation(asked))).principal


async def a_code(house: Any, kit: Any) -> str:
    code, _ = await house.service.link_code(kit.ana)
    return str(code)


async def test_a_member_of_our_workspace_is_known_by_their_verified_address(house: Any, kit: Any) -> None:
    asked, _ = await answered(house)
    assert await principal(house, asked) == kit.ana
    assert await house.store.linked("slack:T0HERON:U0CUSTOMER") == kit.ana


async def test_a_guest_and_a_stranger_with_that_address_are_not(house: Any) -> None:
    for user, channel, team in (("U0GUEST", "C0HELP", "T0HERON"), ("U0STRANGER", "C0SHARED", "T0ACME")):
        known = house.slack.users[user]
        house.slack.users[user] = known.model_copy(update={"email": "ana@kalahari.example"})
        asked, _ = await answered(house, user, channel)
        found = await principal(house, asked)
        assert (found.kind, found.id) == ("anonymous", f"slack:{team}:{user}")


async def test_a_code_from_our_site_links_by_the_command(house: Any, kit: Any) -> None:
    asked, _ = await answered(house, "U0PARTNER")
    wrong = await house.slack.command("U0PARTNER", "C0HELP", "link ABCDEFGH", "/stepfour")
    assert "does not hold" in wrong.text
    right = await house.slack.command("U0PARTNER", "C0HELP", f"link {await a_code(house, kit)}", "/stepfour")
    assert "Your account is linked" in right.text
    assert await principal(house, asked) == kit.ana


async def test_a_code_holds_once_and_for_a_while(house: Any, kit: Any) -> None:
    code = await a_code(house, kit)
    assert "linked" in (await house.slack.command("U0PARTNER", "C0HELP", f"link {code}", "/stepfour")).text
    again = await house.slack.command("U0GUEST", "C0HELP", f"link {code}", "/stepfour")
    assert "does not hold" in again.text
    past = datetime.now(UTC) - timedelta(seconds=1)
    await house.store.keep_one_time(digest("LATECODE"), "link", kit.ana, past)
    late = await house.slack.command("U0GUEST", "C0HELP", "link LATECODE", "/stepfour")
    assert "does not hold" in late.text


async def test_a_code_links_by_the_button_too(house: Any, kit: Any) -> None:
    async def declined(service: Any, message: Any) -> None:
        from app.models.decision import Decline

        await service.say(
            message, "Please sign in.", decision=Decline(because="who?", reason="not_signed_in")
        )

    house.play = declined
    asked, answer = await answered(house, "U0PARTNER")
    await house.slack.press("U0PARTNER", answer, "link")
    await house.slack.until(lambda: house.slack.open_views("U0PARTNER"))
    (view,) = house.slack.open_views("U0PARTNER")
    wrong = await house.slack.submit("U0PARTNER", view, {"code": "NOTACODE"})
    assert "does not hold" in wrong.errors["code"]
    right = await house.slack.submit("U0PARTNER", view, {"code": await a_code(house, kit)})
    assert right.closed
    await house.quiet()
    assert await principal(house, asked) == kit.ana
    assert "linked" in house.slack.ephemerals("U0PARTNER")[-1].text


async def test_the_command_helps_tells_how_it_stands_and_calls_a_person(house: Any) -> None:
    async def say(text: str) -> str:
        return str((await house.slack.command("U0CUSTOMER", "C0HELP", text, "/stepfour")).text)

    assert "/stepfour status" in await say("help")
    assert "no matter open" in await say("status")
    asked, _ = await answered(house)
    assert "we wait for your answer" in await say("status")
    assert "has been told" in await say("person")
    assert len(await house.answered(asked, 2)) == 2
    assert "our team has it" in await say("status")
    assert "/stepfour help" in await say("dance")


async def test_feedback_is_kept_and_a_no_asks_why(house: Any) -> None:
    asked, answer = await answered(house)
    await house.slack.press("U0CUSTOMER", answer, "feedback", option="negative")
    await house.slack.until(lambda: house.slack.open_views("U0CUSTOMER"))
    (view,) = house.slack.open_views("U0CUSTOMER")
    await house.slack.submit("U0CUSTOMER", view, {"reason": "it is about another page"})
    await house.quiet()
    events = await house.store.events(await house.conversation(asked), 0)
    said = [event.payload for event in events if event.type == "feedback"]
    assert [(each["helped"], each["reason"]) for each in said] == [
        (False, None),
        (False, "it is about another page"),
    ]


async def test_buttons_of_an_asker_are_theirs(house: Any) -> None:
    asked, answer = await answered(house)
    await house.slack.press("U0PARTNER", answer, "feedback", option="positive")
    await house.slack.press("U0PARTNER", answer, "person")
    await house.quiet()
    conversation = await house.store.conversation(await house.conversation(asked))
    assert conversation.status == "awaiting_customer"
    assert [m.text for m in house.slack.ephemerals("U0PARTNER")] == [
        "Only the person who asked can do this. Nothing was changed."
    ] * 2
    await house.slack.press("U0CUSTOMER", answer, "person")
    await house.answered(asked, 2)
    assert (await house.store.conversation(conversation.id)).status == "with_agents"


async def test_the_question_whether_it_is_solved_has_an_answer(house: Any, kit: Any) -> None:
    async def with_case(service: Any, message: Any) -> None:
        conversation = await service.store.conversation(message.conversation)
        await service.say(message, "Done.", case=kit.a_case(conversation.id, conversation.principal.party))

    house.play = with_case
    asked, _ = await answered(house)
    kim = kit.ana.model_copy(update={"kind": "agent", "id": "kim", "account": None})
    await house.service.ask_solved(await house.conversation(asked), kim)
    await house.answered(asked, 2)
    question = house.ours(asked)[-1]
    assert question.button("solved")["text"]["text"] == "Yes, it is solved"
    await house.slack.press("U0CUSTOMER", question, "solved")
    await house.slack.until(
        lambda: "You said that it is solved." in house.slack.message("C0HELP", question.ts).said
    )
    assert house.slack.message("C0HELP", question.ts).button("solved") is None
    (case,) = await house.store.cases_of(await house.conversation(asked))
    assert case.resolution == "confirmed"


async def test_errors_are_said_in_words(house: Any) -> None:
    async def failing(service: Any, message: Any) -> None:
        error = e.ErrorShown(code="failed", message="Something went wrong on our side.", retryable=True)
        await service.show(message.conversation, error)
        await service.read(message)

    house.play = failing
    asked = await house.slack.post("U0CUSTOMER", "C0HELP", "@bot hello")
    (answer,) = await house.answered(asked)
    assert "Something went wrong on our side." in answer.said
