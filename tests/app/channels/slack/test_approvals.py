"""A card is pressed by those who may, once; nobody else changes anything."""

from __future__ import annotations

from typing import Any

import pytest

ASKED = "@bot please switch https on for links.example"


async def proposed(house: Any, kit: Any, *, approval: str, channel: str = "C0HELP") -> tuple[Any, Any]:
    """(the customer's message, the card in its thread)"""
    made: list[Any] = []

    async def play(service: Any, message: Any) -> None:
        conversation = await service.store.conversation(message.conversation)
        principal = conversation.principal
        request = kit.a_request(message, principal, approval=approval)
        made.append(request)
        case = kit.a_case(message.conversation, principal.party)
        await service.say(message, "I can do it now.", case=case, request=request, **told(request))

    house.play = play
    asked = await house.slack.post("U0CUSTOMER", channel, ASKED)
    await house.answered(asked, 2)
    card = next(m for m in house.ours(asked) if m.button("approve"))
    return asked, card


def told(request: Any) -> dict[str, Any]:
    from app import events as e
    from app import shown

    _, proposal = shown.proposal_event(request, "en")
    _, notice = "", shown.request_notice(request)
    return {"after": (e.ActionProposed.model_validate(proposal),), "elsewhere": (notice,)}


async def state_of(house: Any, card: Any) -> str:
    id = card.button("approve")["value"].split()[0]
    return str((await house.store.request(id)).state)


def now(house: Any, card: Any) -> Any:
    return house.slack.message(card.channel, card.ts)


async def test_a_card_says_what_happens_what_was_seen_and_how_to_undo_it(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="customer")
    assert "Switch HTTPS on: links.example" in card.said
    assert "HTTPS can be switched off again at any time" in card.said
    assert "in place. I looked, and it is as it should be. (just now)" in card.said
    assert "Only <@U0CUSTOMER> can decide this." in card.said
    approve, reject = card.button("approve"), card.button("reject")
    assert (approve["text"]["text"], reject["text"]["text"]) == ("Switch HTTPS on", "Not now")
    id, digest = approve["value"].split()
    assert (await house.store.request(id)).digest.startswith(digest)
    assert len(digest) == 12


async def test_the_asker_approves_and_the_card_says_what_came_of_it(house: Any, kit: Any) -> None:
    asked, card = await proposed(house, kit, approval="customer")
    await house.slack.press("U0CUSTOMER", card, "approve")
    await house.slack.until(lambda: "We looked afterwards" in now(house, card).said)
    assert await state_of(house, card) == "done"
    said = now(house, card).said
    assert "Approved by ana" in said
    assert now(house, card).button("approve") is None
    await house.answered(asked, 3)
    assert [m for m in house.ours(asked) if "HTTPS is on." in m.said]


async def test_pressing_twice_is_one_decision(house: Any, kit: Any) -> None:
    asked, card = await proposed(house, kit, approval="customer")
    await house.slack.press("U0CUSTOMER", card, "approve")
    await house.slack.press("U0CUSTOMER", card, "reject")
    await house.quiet()
    assert await state_of(house, card) == "done"
    assert len([m for m in house.ours(asked) if "HTTPS is on." in m.said]) == 1
    assert "decided already" in house.slack.ephemerals("U0CUSTOMER")[-1].text


@pytest.mark.parametrize("user", ["U0SUPPORT", "U0GUEST", "U0PARTNER"])
async def test_what_the_customer_approves_nobody_else_can(house: Any, kit: Any, user: str) -> None:
    _, card = await proposed(house, kit, approval="customer")
    before = now(house, card).said
    await house.slack.press(user, card, "approve")
    await house.quiet()
    assert await state_of(house, card) == "proposed"
    assert "Only the person who asked" in house.slack.ephemerals(user)[-1].text
    assert now(house, card).said == before


@pytest.mark.parametrize("user", ["U0CUSTOMER", "U0PARTNER", "U0GUEST"])
async def test_what_agents_approve_no_customer_and_no_guest_can(house: Any, kit: Any, user: str) -> None:
    """The guest is on the list of agents, and is still a guest."""
    _, card = await proposed(house, kit, approval="agent")
    await house.slack.press(user, card, "approve")
    await house.quiet()
    assert await state_of(house, card) == "proposed"
    assert "Only people of our support team" in house.slack.ephemerals(user)[-1].text


async def test_in_a_shared_channel_the_other_workspace_approves_nothing(house: Any, kit: Any) -> None:
    """They are on the list of agents by mistake; their workspace is another, and that counts."""
    for approval in ("agent", "customer"):
        _, card = await proposed(house, kit, approval=approval, channel="C0SHARED")
        await house.slack.press("U0STRANGER", card, "approve")
        await house.slack.press("U0STRANGER", card, "reject")
        await house.quiet()
        assert await state_of(house, card) == "proposed"
    assert len(house.slack.ephemerals("U0STRANGER")) == 4


async def test_an_agent_who_was_made_a_guest_a_moment_ago_approves_nothing(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="agent")
    await house.slack.post("U0SUPPORT", "C0HELP", "hello")  # we know them as they were
    await house.quiet()
    kim = house.slack.users["U0SUPPORT"]
    house.slack.users["U0SUPPORT"] = kim.model_copy(update={"is_restricted": True})
    await house.slack.press("U0SUPPORT", card, "approve")
    await house.quiet()
    assert await state_of(house, card) == "proposed"


async def test_an_agent_approves_in_the_agents_channel_and_both_cards_say_so(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="agent")
    await house.slack.until(house.in_agents)
    (wanted,) = house.in_agents()
    assert wanted.button("approve")["value"] == card.button("approve")["value"]
    await house.slack.press("U0SUPPORT", wanted, "approve")
    await house.slack.until(lambda: "We looked afterwards" in now(house, wanted).said)
    await house.slack.until(lambda: "We looked afterwards" in now(house, card).said)
    for each in (wanted, card):
        assert "Approved by Kim Weiss (U0SUPPORT)" in now(house, each).said
        assert now(house, each).button("approve") is None


async def test_an_agent_turns_it_down_and_nothing_is_changed(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="agent")
    await house.slack.press("U0LEAD", card, "reject")
    await house.slack.until(lambda: "Turned down" in now(house, card).said)
    assert await state_of(house, card) == "refused"
    assert "Lea Brandt (U0LEAD)" in now(house, card).said


async def test_a_card_that_is_out_of_date_decides_nothing(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="customer")
    id = card.button("approve")["value"].split()[0]
    from app.models.record import Record

    request = await house.store.request(id)
    changed = request.model_copy(update={"digest": "0" * 64})
    await house.store.record(Record(conversation=request.conversation, request=changed))
    await house.slack.press("U0CUSTOMER", card, "approve")
    await house.quiet()
    assert await state_of(house, card) == "proposed"
    assert "out of date" in house.slack.ephemerals("U0CUSTOMER")[-1].text


async def test_a_click_stored_before_a_crash_counts_after_it(house: Any, kit: Any) -> None:
    _, card = await proposed(house, kit, approval="customer")
    house.works = False
    await house.restart()
    await house.slack.press("U0CUSTOMER", card, "approve")
    assert await state_of(house, card) == "proposed"
    house.works = True
    await house.restart()
    await house.slack.until(lambda: "We looked afterwards" in now(house, card).said)


@pytest.mark.parametrize("how", ["linked", "by address"])
async def test_an_agent_who_asked_as_a_customer_does_not_approve_it(
    house: Any, kit: Any, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent of ours who asked on the website, or as a customer in Slack, presses the agents' button."""
    _, card = await proposed(house, kit, approval="agent")
    request = await house.store.request(card.button("approve")["value"].split()[0])
    if how == "linked":
        team = house.slack.users["U0SUPPORT"].team_id
        await house.store.link(f"slack:{team}:U0SUPPORT", request.principal, "code")
    else:
        address = house.slack.users["U0SUPPORT"].email
        known = {address: request.principal}

        async def person_by_email(email: str) -> Any:
            return known.get(email)

        monkeypatch.setattr(house.service.services.accounts, "person_by_email", person_by_email)
    await house.slack.press("U0SUPPORT", card, "approve")
    await house.quiet()
    assert await state_of(house, card) == "proposed"
    assert "You asked for this yourself" in house.slack.ephemerals("U0SUPPORT")[-1].text
    await house.slack.press("U0LEAD", card, "approve")
    await house.quiet()
    assert await state_of(house, card) != "proposed"
