"""Handed over and given back over HTTP: people get everything known, the customer says nothing twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.demo import MESSAGES
from app.settings import Team
from evals.world import scenarios
from evals.world.spec import Spec
from evals.world.world import World
from tests.e2e.conftest import Answered, Site, Talk, sentence
from tests.e2e.test_founding_case import domain_of, explained

LANGUAGES = ("pt", "en", "es")
IN_THEIR_WORDS = {
    "pt": "Já reiniciei o proxy duas vezes e nada mudou.",
    "en": "I have restarted the proxy twice and nothing changed.",
    "es": "Ya he reiniciado el proxy dos veces y nada cambió.",
}


class Agent:
    """One person on our side, on one conversation."""

    def __init__(self, client: httpx.Client, talk: Talk) -> None:
        self.client, self.path, self.talk = client, f"/v1/agent/conversations/{talk.id}", talk

    def do(self, move: str, **body: Any) -> None:
        self.client.post(f"{self.path}/{move}", json=body).raise_for_status()

    def view(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(self.path).raise_for_status().json()
        return found

    def dossier(self) -> str:
        return self.client.get(f"{self.path}/dossier.md").raise_for_status().text

    def dossier_json(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(f"{self.path}/dossier.json").raise_for_status().json()
        return found


def asks_for_a_person(talk: Talk) -> Answered:
    before = talk.client.get(talk.path).raise_for_status().json()["seq"]
    talk.client.post(f"{talk.path}/handoff", json={}).raise_for_status()
    return talk.after(before, stands("with_agents"))


def answers(talk: Talk, seq: int, *, solved: bool) -> Answered:
    talk.client.post(f"{talk.path}/solved", json={"solved": solved}).raise_for_status()
    return talk.after(seq, stands("resolved" if solved else "with_agents"))


def stands(status: str) -> Callable[[Answered], bool]:
    def until(so_far: Answered) -> bool:
        last = so_far.events[-1]
        return last.kind == "conversation.status" and last.payload["status"] == status

    return until


@pytest.mark.parametrize("lang", LANGUAGES)
def test_handed_over_given_back_reopened_and_solved_with_nothing_asked_twice(
    lang: str, site: Site, scene: Callable[..., Spec]
) -> None:
    spec = scene(scenarios.second_not_ready)
    talk = site.talk(spec.owner)
    wish = MESSAGES[lang][0].format(domain=domain_of(spec))
    guided = talk.say(wish)
    assert guided.decision == "guide"

    # a person is asked for by the button, and gets everything at once
    handed = asks_for_a_person(talk)
    assert [payload["state"] for payload in handed.payloads("handoff")] == ["requested"]
    assert handed.payloads("handoff")[0]["eta_s"] is None
    assert sentence(lang, "hand_off.passed").search(handed.text)
    assert sentence(lang, "hand_off.when").search(handed.text), "nothing is known of when: no promise"
    agent = Agent(site.agent("rita"), talk)
    text = agent.dossier()
    wants, so_far, stands_because, _, move = text.splitlines()[:5]
    assert wants.startswith("Wants: `")
    assert "owner of the account" in wants
    assert "open “" in so_far
    assert "by the button" in stands_because
    assert move.startswith("Next move: Help with “")
    assert f"`{wish}`" in text, "the customer's own words"
    assert spec.hosts[1] in text, "what was seen"
    assert "explained: " in text
    assert "in the chat on our website, since " in text

    # while the person is there, Stepfour is silent
    agent.do("take-over")
    silent = talk.after(talk.post(IN_THEIR_WORDS[lang])["seq"], stands("human_active"))
    assert silent.replies == []
    agent.do("messages", client_message_id="a1", text="I look at your proxy.")
    agent.do("notes", text="their proxy serves an old file")

    # the person is finished, and the customer is asked
    before = talk.client.get(talk.path).json()["seq"]
    agent.do("ask-solved")
    asked = talk.after(before, stands("awaiting_customer"))
    assert [payload["state"] for payload in asked.payloads("resolution")] == ["asked"]
    assert sentence(lang, "solved.question").search(asked.text)
    assert agent.view()["case"]["resolution"] is None, "asked is not solved"

    # "no" reopens it with everything known
    again = answers(talk, asked.seq, solved=False)
    assert [payload["state"] for payload in again.payloads("resolution")] == ["denied"]
    assert [payload["state"] for payload in again.payloads("handoff")] == ["requested"]
    assert sentence(lang, "solved.reopened").search(again.text)
    assert "?" not in again.text, "nothing is asked again"
    reopened = agent.dossier_json()
    assert "not solved" in reopened["because"]
    assert [quoted["text"] for quoted in reopened["words"]] == [wish, IN_THEIR_WORDS[lang]]
    assert [quoted["text"] for quoted in reopened["agents"]] == ["I look at your proxy."]
    assert [quoted["text"] for quoted in reopened["notes"]] == ["their proxy serves an old file"]
    assert [place["conversation"] for place in reopened["places"]] == [talk.id]
    assert reopened["sent"], "what was explained before the first handoff"

    # and "yes" is the customer's word, not ours
    agent.do("take-over")
    before = talk.client.get(talk.path).json()["seq"]
    agent.do("ask-solved")
    asked = talk.after(before, stands("awaiting_customer"))
    solved = answers(talk, asked.seq, solved=True)
    assert [payload["state"] for payload in solved.payloads("resolution")] == ["confirmed"]
    assert sentence(lang, "solved.thanks").search(solved.text)
    assert agent.view()["case"]["resolution"] == "confirmed"

    ours = [message["text"] for message in talk.messages() if message["role"] == "bot"]
    assert sum(bool(explained(text)) for text in ours) <= 1
    assert not any(explained(text) for text in ours[1:])


def test_asking_twice_for_a_person_is_one_handoff(site: Site, scene: Callable[..., Spec]) -> None:
    talk = site.talk(scene(scenarios.second_not_ready).owner)
    handed = asks_for_a_person(talk)
    talk.client.post(f"{talk.path}/handoff", json={}).raise_for_status()
    assert [m["role"] for m in talk.messages()] == ["bot"]
    assert len(handed.payloads("handoff")) == 1


def test_nobody_but_the_customer_says_whether_it_is_solved(site: Site, scene: Callable[..., Spec]) -> None:
    spec = scene(scenarios.second_not_ready)
    talk = site.talk(spec.owner)
    talk.say(MESSAGES["en"][0].format(domain=domain_of(spec)))
    early = talk.client.post(f"{talk.path}/solved", json={"solved": True})
    assert early.is_client_error, "nobody has asked yet"
    stranger = site.client(site.token(scene(scenarios.all_ready).owner))
    for move in ("handoff", "solved"):
        body = {"solved": False} if move == "solved" else {}
        assert stranger.post(f"{talk.path}/{move}", json=body).status_code == 404
    assert site.agent("rita").post(f"{talk.path}/solved", json={"solved": True}).is_client_error
    assert talk.client.post(f"/v1/agent/conversations/{talk.id}/ask-solved", json={}).status_code == 403


def test_verified_is_what_was_read_back(site: Site, world: World, scene: Callable[..., Spec]) -> None:
    spec = scene(scenarios.all_ready)
    talk = site.talk(spec.owner)
    done = talk.say(MESSAGES["en"][0].format(domain=domain_of(spec)))
    assert done.status == "resolved"
    assert world.account(spec.account).settings.https_tracking
    assert Agent(site.agent(), talk).view()["case"]["resolution"] == "verified"


def test_who_says_nothing_is_silent_and_hours_are_told(
    new_site: Callable[..., Site], scene: Callable[..., Spec]
) -> None:
    opens = datetime.now(UTC) + timedelta(days=2)
    team = Team(name="Night owls", zone="UTC", days=(opens.weekday(),))
    site = new_site(teams=(team,), solved_after_days=1e-5)
    spec = scene(scenarios.second_not_ready)
    talk = site.talk(spec.owner)
    talk.say(MESSAGES["en"][0].format(domain=domain_of(spec)))

    handed = asks_for_a_person(talk)
    (handoff,) = handed.payloads("handoff")
    assert (handoff["state"], handoff["hours"], handoff["team"]) == ("queued", "closed", "Night owls")
    assert datetime.fromisoformat(handoff["opens_at"]).date() == opens.date()
    assert "**Night owls** has it now" in handed.text
    assert f"They are back on {opens:%A} at 09:00 (UTC)" in handed.text

    agent = Agent(site.agent(), talk)
    before = talk.client.get(talk.path).json()["seq"]
    agent.do("ask-solved")
    ended = talk.after(before, stands("resolved"))
    assert [payload["state"] for payload in ended.payloads("resolution")] == ["asked", "silent"]
    assert agent.view()["case"]["resolution"] == "silent"


def test_the_estimate_is_what_it_really_took(
    new_site: Callable[..., Site], scene: Callable[..., Spec]
) -> None:
    site = new_site()
    promised = []
    for _ in range(6):
        talk = site.talk(scene(scenarios.second_not_ready).owner)
        handed = asks_for_a_person(talk)
        promised.append(handed.payloads("handoff")[0]["eta_s"])
        time.sleep(0.2)
        Agent(site.agent(), talk).do("take-over")
    assert promised == [None] * 5 + [60], "five waits, and each under a minute"
    assert "Lately it took them about a minute" in handed.text
