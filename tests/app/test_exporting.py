"""What a customer gets who asks for their data: all of it, and of other people what they are, not who."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from app.adapters.store import Store
from app.errors import BadInput
from app.exporting import DATA, README, Exported, export
from app.main import exported as temporary
from app.models.conversation import Attachment, Message, Mode
from app.models.people import Principal
from app.models.reading import Reading
from app.models.record import Record
from tests.app.world import ANN, BOB, EVE, MODES, ZOE, World, claim, open_world, wants

AGENTS: dict[str, Mode] = {**MODES, "enable_https": "suggest"}
WORDS = "My bicycle stands behind the greenhouse; tracking is on, número 7."
FILE = b"\x89PNG\r\n\x1a\nbicycle"


async def played(world: World) -> str:
    """Ann's case with an approval by Zoe, a file, a note, feedback and a second channel; Bob's beside it."""
    world.see(certificate_presented="met", click_tracking_on="met", branded_link_set_up="met")
    here = await world.talk()
    said = claim("link-tracking", quote="tracking is on")
    await world.say(here, WORDS, wants(claims=(said,), language="pt"))
    (request,) = await world.store.requests()
    await world.service.decide_request(request.id, "approve", ZOE)
    await world.service.idle()
    await world.store.keep_attachment(
        here, Attachment(id="f1", name="a b.png", type="image/png", size=len(FILE)), FILE
    )
    await world.service.take_over(here, ZOE)
    await world.service.send_as_agent(here, "I am here.", ZOE, client_id="z")
    await world.service.note(here, "zoe thinks that this is a bicycle", ZOE)
    reply = next(m for m in await world.store.messages(here) if m.role == "bot")
    await world.service.feedback(here, reply.id, True, "clear words", ANN)
    await world.store.link("slack:T1:U1", ANN, "code")
    there = await world.talk(ANN, "slack")
    await world.accept(there, "And here I am in Slack.")
    other = await world.talk(BOB)
    await world.say(other, "Bob's words are nobody else's.", Reading(speech="thanks"))
    await world.store.seen(here, ZOE)
    await world.store.seen(here, ZOE)
    return here


def opened(folder: Path, who: str, world: World) -> tuple[dict[str, Any], zipfile.ZipFile, Exported]:
    out = io.BytesIO()
    found = export(folder, who, out, world.clock())
    made = zipfile.ZipFile(out)
    assert made.testzip() is None
    return json.loads(made.read(DATA)), made, found


async def test_everything_of_one_customer_is_in_it_and_nothing_of_another(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        here = await played(world)
        data, made, found = opened(tmp_path, ANN.party, world)
    (ann,) = data["customers"]
    assert (found.conversations, found.cases, found.files, found.lang) == (2, 1, 1, "pt")
    assert {each["channel"] for each in ann["conversations"]} == {"web", "slack"}
    web = next(each for each in ann["conversations"] if each["id"] == here)
    assert next(each["from"] for each in web["messages"]) == "customer"
    assert web["messages"][0]["text"] == WORDS
    assert "agent" in [each["from"] for each in web["messages"]]
    assert web["understood_and_decided"][0]["understood"]["said_of_steps"][0]["quote"] == "tracking is on"
    assert web["said_of_our_replies"][0]["reason"] == "clear words"
    assert web["notes_of_agents"][0]["text"] == "agent thinks that this is a bicycle"
    (case,) = ann["cases"]
    assert "tracking is on" in [line.get("said", {}).get("quote") for line in case["ledger"]]
    assert (case["requests"][0]["approved_by"], case["requests"][0]["state"]) == ("agent", "done")
    assert case["follow_ups"], "when we look again whether the change lasts"
    assert ann["known_elsewhere_as"][0]["as"] == "slack:T1:U1"
    assert [(each["who"], each["conversation"]) for each in ann["seen_by"]] == [("agent", here)], "once a day"
    assert {"message", "turn", "request", "seen"} <= {line["what"] for line in ann["audit"]}
    assert {"customer", "agent", "Stepfour"} == {line["who"] for line in ann["audit"]}
    assert made.read("files/f1-a b.png") == FILE
    whole = b"".join(made.read(name) for name in made.namelist()).decode("utf-8", "replace")
    assert "zoe" not in whole.lower()
    assert "Bob" not in whole
    assert "bob" not in whole
    readme = made.read(README).decode()
    assert readme.startswith("Seus dados")
    assert "{" not in readme


async def test_an_account_is_all_of_its_customers_and_no_other(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        await played(world)
        await world.say(await world.talk(EVE), "Of another account.", Reading(speech="thanks"))
        data, _, found = opened(tmp_path, "acme", world)
        assert found.customers == (ANN.party, BOB.party)
        assert [each["user"] for each in data["customers"]] == ["ann", "bob"]
        assert "Of another account." not in json.dumps(data)
        for nobody in ("acm", "acm%", "acme:", "customer:acme:nobody", "a_me"):
            with pytest.raises(BadInput, match="nothing is kept of"):
                opened(tmp_path, nobody, world)


async def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        await played(world)
        world.store.attachment_path("f1").unlink()
        _, made, found = opened(tmp_path, ANN.party, world)
    assert found.missing == ("a b.png",)
    assert "a b.png" in made.read(README).decode()


async def test_who_was_handed_it_is_in_the_trail(tmp_path: Path) -> None:
    async with open_world(tmp_path, AGENTS) as world:
        await played(world)
        machine = Principal(kind="machine", id="crm")
        await world.store.exported([ANN.party], machine)
        data, _, _ = opened(tmp_path, ANN.party, world)
    line = data["customers"][0]["audit"][-1]
    assert (line["what"], line["who"]) == ("exported", "machine")


async def test_a_large_one_does_not_fill_memory(tmp_path: Path) -> None:
    """40 MB of messages and files, in a fraction of that."""
    long = "a bicycle and a greenhouse, " * 700
    async with open_world(tmp_path) as world:
        here = await world.talk()
        for n in range(100):
            replies = tuple(
                Message(id=f"m{n}-{k}", conversation=here, role="bot", text=f"{long}{n}{k}", at=world.clock())
                for k in range(10)
            )
            await world.store.record(Record(conversation=here, replies=replies))
        file = Attachment(id="big", name="big.png", type="image/png", size=20_000_000)
        await world.store.keep_attachment(here, file, b"\x89" * 20_000_000)
        tracemalloc.start()
        with (tmp_path.parent / f"{tmp_path.name}.zip").open("wb") as out:
            found = export(tmp_path, ANN.party, out, world.clock())
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert found.messages == 1000
    assert most < 8_000_000


async def test_it_is_read_while_the_service_writes(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        here = await world.talk()
        await world.accept(here, "One.")
        made, parties = await temporary(world.settings, ANN.party)
        await world.accept(here, "Two, while it is open.")
        with made:
            data = json.loads(zipfile.ZipFile(made).read(DATA))
    assert parties == (ANN.party,)
    assert [each["text"] for each in data["customers"][0]["conversations"][0]["messages"]] == ["One."]
    assert await _still_there(tmp_path)


async def _still_there(folder: Path) -> bool:
    from app.main import utc_now

    store = await Store.open(folder, utc_now)
    try:
        return len(await store.to_do()) == 2
    finally:
        await store.close()
