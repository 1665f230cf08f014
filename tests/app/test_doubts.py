"""What customers say against a page becomes a finding on those words, with the conversation as evidence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.adapters.findings import FindingsOutlet
from app.delivery import follow
from app.doubts import missing_screens
from app.models.reading import Reading
from app.phrases import sentences
from ingest.sync import sync
from knowledge.findings import findings
from knowledge.health.finding import Finding
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.app.world import ANN, BOB, PAGES, World, claim, open_world, page, wants
from tests.knowledge.letters import Letters

PROCEDURE = "https-tracking-links"


@pytest.mark.parametrize(
    "text",
    [
        "There is no Tracking page in my settings.",
        "There's no such button.",
        "I don't see any Domains tab.",
        "I can't find the menu you mention.",
        "The switch does not exist here.",
        "The option isn't there.",
        "Não existe esse menu.",
        "Não encontro a opção Rastreamento.",
        "O botão não aparece na minha tela.",
        "A aba sumiu.",
        "No existe esa pestaña.",
        "No me aparece el botón.",
        "No encuentro la opción en los ajustes.",
    ],
)
def test_people_say_in_many_words_that_something_is_not_there(text: str) -> None:
    assert missing_screens(f"Hello!\n{text}") == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "I switched it on.",
        "It does not work.",
        "Não funciona.",
        "Ya lo hice.",
        "Where is the menu?",
        "",
        "🙂" * 400,
    ],
)
def test_other_words_say_nothing_of_the_kind(text: str) -> None:
    assert missing_screens(text) == ()


class Office:
    def __init__(self, world: World, knowledge: Knowledge, docs: Path) -> None:
        self.world, self.knowledge, self.docs = world, knowledge, docs

    async def found(self) -> list[Finding]:
        """What is found once the outlet has come to the end of the agents' log."""
        outlet = FindingsOutlet(self.world.store, self.knowledge)
        task = asyncio.create_task(follow(self.world.store, [outlet]))
        async with asyncio.timeout(20):
            while await self.world.store.undelivered(outlet.name, None, agents=True):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return findings(self.knowledge.db)

    async def sync(self) -> None:
        source = Source(id="docs", location=str(self.docs), procedures=True)
        await asyncio.to_thread(sync, self.knowledge, source, checks=None, actions=None)


@asynccontextmanager
async def opened(tmp_path: Path) -> AsyncIterator[Office]:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "https.md").write_text((PAGES / f"{PROCEDURE}.md").read_text())
    (docs / "walrus.md").write_text("# Walrus\n\nOpen **Settings > Savings** to see what it keeps.\n")
    knowledge = await asyncio.to_thread(Knowledge.open, tmp_path / "data", encoder=Letters())
    async with open_world(tmp_path / "data") as world:
        office = Office(world, knowledge, docs)
        await office.sync()
        known = next(d for d in knowledge.documents() if d.path == "https.md")
        procedure = page(PROCEDURE).model_copy(
            update={"document": known.id, "version": known.version, "path": known.path}
        )
        world.library.procedures = [procedure]
        yield office
    await asyncio.to_thread(knowledge.close)


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as made:
        yield made


async def guided(office: Office, who: object = ANN) -> str:
    """A customer who was sent the first step."""
    office.world.see(click_tracking_on="not_met")
    conversation = await office.world.talk(who)  # type: ignore[arg-type]
    turn = await office.world.say(conversation)
    assert turn.decision.kind == "guide"
    assert turn.decision.step == "link-tracking"
    return conversation


async def test_a_screen_that_is_not_there_is_a_finding_on_the_line_that_names_it(office: Office) -> None:
    conversation = await guided(office)
    said = "There is no Tracking in my Settings menu."
    turn = await office.world.say(conversation, said)
    [finding] = await office.found()
    assert (finding.kind, finding.state, finding.place.path) == ("screen_missing", "open", "https.md")
    assert "Tracking" in finding.place.quote
    text = (office.docs / "https.md").read_text().split("\n")
    assert finding.place.quote in text[finding.place.line - 1]
    [evidence] = finding.evidence
    assert (evidence.conversation, evidence.message, evidence.quote) == (conversation, turn.trigger, said)


async def test_many_customers_make_one_finding_with_more_evidence_and_once_each(office: Office) -> None:
    office.world.accounts.roles[("acme", "bob")] = "owner"
    for who in (ANN, BOB):
        conversation = await guided(office, who)
        await office.world.say(conversation, "I can't find Tracking anywhere, there's no such page.")
    first = await office.found()
    office.world.later(minutes=1)
    await office.world.say(conversation, "Thanks anyway!", Reading(speech="thanks"))
    [finding] = await office.found()
    assert len(finding.evidence) == 2
    assert finding.confidence == first[0].confidence


async def test_a_setting_of_a_quoted_page_is_known_by_its_name_alone(office: Office) -> None:
    world = office.world
    world.library.hits = office.knowledge.search("walrus savings")
    conversation = await world.talk()
    await world.say(conversation, "Where?", Reading(speech="question", request="Where does it keep them?"))
    await world.say(conversation, "I do not have Savings.", Reading(speech="report"))
    await world.say(conversation, "And there is no coffee in our kitchen.", Reading(speech="report"))
    [finding] = await office.found()
    assert finding.place.quote == "Open **Settings > Savings** to see what it keeps."


async def test_an_answer_marked_wrong_is_a_finding_until_the_mark_is_taken_back(office: Office) -> None:
    world = office.world
    world.library.hits = office.knowledge.search("walrus savings")
    conversation = await world.talk()
    turn = await world.say(conversation, "Where?", Reading(speech="question", request="Where are they?"))
    reply = f"{turn.id}-reply"
    await world.service.feedback(conversation, reply, True, None, ANN)
    assert await office.found() == []
    await world.service.feedback(conversation, reply, False, "It is under Billing now.", ANN)
    [finding] = await office.found()
    assert (finding.kind, finding.place.path) == ("marked_wrong", "walrus.md")
    assert (finding.evidence[0].message, finding.evidence[0].quote) == (reply, "It is under Billing now.")


async def test_a_question_without_a_source_is_a_finding_without_a_page(office: Office) -> None:
    conversation = await office.world.talk()
    await office.world.say(
        conversation,
        "Do you ship to the moon?",
        Reading(speech="question", request="Do you ship to the moon?"),
    )
    [finding] = await office.found()
    assert (finding.kind, finding.place.document) == ("no_source", "")
    assert finding.place.quote == "Do you ship to the moon?"
    assert finding.evidence[0].conversation == conversation


async def test_a_step_done_again_as_the_page_says_while_a_look_sees_otherwise(office: Office) -> None:
    conversation = await guided(office)
    for n in range(3):
        office.world.later(minutes=5)
        done = wants(claims=(claim("link-tracking", quote=f"done {n}"),))
        await office.world.say(conversation, f"I did switch it on, done {n}.", done)
        if n == 0:
            assert [f.kind for f in await office.found()] == [], "once may be the customer"
    found = [f for f in await office.found() if f.kind == "probe_contradicts"]
    assert len(found) == 1
    assert found[0].place.path == "https.md"
    assert "click_tracking_on" in sentences(found[0].why, "en")


async def test_a_line_that_was_corrected_meanwhile_is_not_held_against_the_page(office: Office) -> None:
    conversation = await guided(office)
    await office.world.say(conversation, "There is no Tracking in my Settings menu.")
    text = (office.docs / "https.md").read_text()
    (office.docs / "https.md").write_text(text.replace("Tracking", "Links and clicks"))
    await office.sync()
    assert await office.found() == []
