"""An old conversation shows what was quoted, and what became of its page, wherever it is opened."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.models.reading import Reading
from knowledge.model import Cited, Fate, Hit, Passage
from tests.app.channels.assisting import Assist, assist_site, signed
from tests.app.world import ANN

RULE = "Parcels travel by balloon."
AT = datetime(2026, 1, 1, tzinfo=UTC)
CITED = Cited(path="parcels.md", quote=RULE, updated_at=AT)
FATES = (
    Fate(became="changed"),
    Fate(became="changed", now_at="new/post.md"),
    Fate(became="moved", now_at="new/post.md"),
    Fate(became="gone"),
    Fate(became="erased"),
)
NOTES = {
    "en": (
        "has changed since.",
        "has changed since. It is at `new/post.md` now.",
        "has moved. It is at `new/post.md` now.",
        "no longer exists.",
        "was erased.",
    ),
    "pt-BR": (
        "mudou desde então.",
        "mudou desde então. Agora está em `new/post.md`.",
        "mudou de lugar. Agora está em `new/post.md`.",
        "não existe mais.",
        "foi apagada.",
    ),
    "es": (
        "ha cambiado desde entonces.",
        "ha cambiado desde entonces. Ahora está en `new/post.md`.",
        "ha cambiado de sitio. Ahora está en `new/post.md`.",
        "ya no existe.",
        "se borró.",
    ),
}


def hit() -> Hit:
    passage = Passage(
        id="docs:parcels.md@1#0",
        document="docs:parcels.md",
        version="1",
        ord=0,
        title="Parcels",
        path="parcels.md",
        lang="en",
        heading_path=(),
        anchor=None,
        text=RULE,
        updated_at=AT,
    )
    return Hit(passage=passage, score=1, relevance=0.99, quotes=(RULE,))


async def asked(site: Assist) -> str:
    world = site.world
    world.library.hits = [hit()]
    conversation = await world.talk(ANN)
    question = "How do parcels travel?"
    turn = await world.say(conversation, question, Reading(speech="question", request=question))
    assert turn.decision.kind == "answer"
    return conversation


async def replayed(site: Assist, conversation: str) -> list[dict[str, Any]]:
    """The sources that the customer's own browser is told of when it comes back."""
    browser = site.browser(headers={"Authorization": f"Bearer {signed()}"})
    stream = asyncio.create_task(browser.get(f"/v1/conversations/{conversation}/events"))
    async with asyncio.timeout(20):
        while conversation not in site.world.store._news:  # noqa: ASYNC110  until it waits for news
            await asyncio.sleep(0.01)
    site.world.later(days=1)  # its token ends, and with it the stream
    await site.world.store.emit(conversation, "error", {"code": "x", "message": "x"})
    text = (await asyncio.wait_for(stream, 10)).text
    told = [json.loads(data) for data in re.findall(r"event: message\.done\ndata: (.*)", text)]
    return [source for message in told for source in message["message"]["citations"]]


@pytest.mark.parametrize(("at", "fate"), list(enumerate(FATES)))
async def test_the_sidebar_and_the_dossier_say_so(tmp_path: Path, at: int, fate: Fate) -> None:
    async with assist_site(tmp_path, now=True) as site:
        conversation = await asked(site)
        browser = await site.signed_in()
        path = f"/v1/agent/conversations/{conversation}"
        fresh = (await browser.get(path)).json()
        assert [m["citations"][0]["became"] for m in fresh["messages"] if m["citations"]] == [None]
        site.world.library.fates = {CITED: fate}
        seen = (await browser.get(path)).json()
        [source] = [source for m in seen["messages"] for source in m["citations"]]
        assert (source["quote"], source["path"]) == (RULE, "parcels.md")
        assert (source["became"], source["now_at"]) == (fate.became, fate.now_at)
        assert source["url"].endswith("/help/new/post" if fate.now_at else "/help/parcels")
        assert seen["why"]["sources"][0] == source
        for lang, notes in NOTES.items():
            dossier = await browser.get(f"{path}/dossier.md", headers={"Accept-Language": lang})
            assert f"- “Parcels” {notes[at]}" in dossier.text.splitlines()
        dossier = (await browser.get(f"{path}/dossier.json")).json()
        assert dossier["since"] == [{"title": "Parcels", **fate.model_dump()}]


async def test_a_dossier_of_pages_that_stand_says_nothing(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True) as site:
        conversation = await asked(site)
        browser = await site.signed_in()
        dossier = await browser.get(f"/v1/agent/conversations/{conversation}/dossier.json")
        assert dossier.json()["since"] == []


async def test_the_customers_transcript_says_so(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True) as site:
        conversation = await asked(site)
        site.world.library.fates = {CITED: Fate(became="moved", now_at="new/post.md")}
        [source] = await replayed(site, conversation)
        assert (source["quote"], source["path"]) == (RULE, "parcels.md")
        assert (source["became"], source["now_at"]) == ("moved", "new/post.md")
        assert source["url"].endswith("/help/new/post"), "its link leads to where it is now"
        stored = [e.payload for e in await site.world.events(conversation, "message.done")]
        assert "post" not in json.dumps(stored), "what was sent is kept as it was sent"


async def test_a_page_that_stands_says_nothing(tmp_path: Path) -> None:
    async with assist_site(tmp_path, now=True) as site:
        [source] = await replayed(site, await asked(site))
        assert source["became"] is None
