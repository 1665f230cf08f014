"""The played switch: begun on the website, gone on in Slack, approved by an agent; one case, nothing twice.

A composition root: it plays the three people through what each of them has, and then looks at what is kept.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.demo import customer_token, domain_of, events, say
from app.demo_surfaces import BIA, HELP, Surfaces, sign_in_link

if TYPE_CHECKING:
    import httpx
    from rich.console import Console

    from evals.world.slack import Message
    from evals.world.spec import Effect

LONGEST_S = 60
FROM_OUR_PAGE = {"Stepfour-Agent": "1"}
REST = ("awaiting_customer", "watching", "with_agents", "resolved")
SHORTEST = 6
"""Words of a paragraph from which on saying it again is saying a thing twice; "Here you are:" is not."""

MESSAGES: Mapping[str, tuple[str, str]] = {
    "pt": (
        "Oi! Quero HTTPS nos links rastreados. O rastreamento de cliques está ligado e os links de marca "
        "links.{domain} e go.{domain} estão validados.",
        "@bot coloquei um proxy com certificado na frente de links.{domain} e go.{domain}. "
        "Podem ativar o HTTPS?",
    ),
    "en": (
        "Hi! I want HTTPS on our tracked links. Click tracking is on, and the branded links links.{domain} "
        "and go.{domain} are validated.",
        "@bot I put a proxy with a certificate in front of links.{domain} and go.{domain}. "
        "Could you switch HTTPS on?",
    ),
    "es": (
        "¡Hola! Quiero HTTPS en los enlaces rastreados. El seguimiento de clics está activo y los enlaces "
        "de marca links.{domain} y go.{domain} están validados.",
        "@bot puse un proxy con certificado delante de links.{domain} y go.{domain}. ¿Pueden activar HTTPS?",
    ),
}


class Seen(NamedTuple):
    """What is kept of it at the end, as the agents' page shows it from each of the two places."""

    website: Mapping[str, Any]
    slack: Mapping[str, Any]
    effects: tuple[Effect, ...]
    violations: Sequence[Any] = ()
    """What the local Slack found wrong with our calls."""


async def play_switch(around: Surfaces, address: str, lang: str, console: Console) -> bool:
    """True where all of it went as it should; every point that did not is named."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(LONGEST_S):
            seen = await _played(around, address, lang, console, started)
    except TimeoutError:
        console.print(f"[red]not solved within {LONGEST_S} s")
        return False
    checks = judged(seen)
    for name, holds in checks.items():
        console.print(f"  {'[green]✓[/]' if holds else '[red]✗[/]'} {name}", highlight=False)
    console.print(f"  {time.perf_counter() - started:.1f} s from the first message to the end.\n")
    return all(checks.values())


async def _played(around: Surfaces, address: str, lang: str, console: Console, started: float) -> Seen:
    import httpx

    first, second = (text.format(domain=domain_of(around.switch)) for text in MESSAGES[lang])
    say(console, started, "customer, on the website", first)
    token = customer_token(around.settings, around.switch.owner)
    async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as agent:
        begun = await _on_the_website(address, token, first, console, started)

        await _put_certificates(around)
        say(console, started, "customer, in Slack", second.replace("@bot", "@Stepfour"))
        asked = await around.slack.post(BIA, HELP, second)

        await _sign_in(agent, await sign_in_link(around.settings, address))
        row = await _until(agent, "/v1/agent/cases", lambda found: _waiting(found["cases"], around))
        answered = _answers(around, asked)
        say(console, started, "Stepfour, in Slack", "\n\n".join(answered))
        view = await _get(agent, f"/v1/agent/conversations/{row['conversation']}")
        card = next(request for request in view["requests"] if request["state"] == "proposed")
        _show_card(console, started, card)
        await _approve(agent, card)
        path = f"/v1/agent/conversations/{row['conversation']}"
        view = await _until(agent, path, lambda found: found if _over(found) else None)
        await around.slack.settle()
        told = [text for text in _answers(around, asked) if text not in answered]
        say(console, started, "Stepfour, in Slack", "\n\n".join(told))
        website = await _get(agent, f"/v1/agent/conversations/{begun}")
    return Seen(website, view, around.world.effects(around.switch.account), around.slack.violations)


# --- what each of them does -----------------------------------------------------------------------


async def _on_the_website(address: str, token: str, text: str, console: Console, started: float) -> str:
    """Sends it as the signed-in customer and follows what comes; the id of the conversation."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, trust_env=False, timeout=30) as client:
        opened = (await client.post("/v1/conversations", json={})).raise_for_status().json()
        path = f"/v1/conversations/{opened['id']}"
        body = {"client_message_id": "1", "text": text}
        (await client.post(f"{path}/messages", json=body)).raise_for_status()
        async for kind, payload in events(client, path):
            if kind == "message.done" and payload["message"]["role"] == "bot":
                say(console, started, "Stepfour, on the website", payload["message"]["text"])
            elif kind == "conversation.status" and payload["status"] in REST:
                break
    return str(opened["id"])


async def _put_certificates(around: Surfaces) -> None:
    """What the customer does meanwhile, at their DNS provider."""
    from evals.world.scenarios import proxied
    from evals.world.spec import Edge

    hosts = around.switch.hosts
    await asyncio.to_thread(
        around.world.set,
        records=tuple(map(proxied, hosts)),
        edges=tuple(Edge(host=host) for host in hosts),
    )


async def _sign_in(agent: httpx.AsyncClient, link: str) -> None:
    """As the page does with the code of a one-time link; the cookie stays with the client."""
    code = link.partition("#code=")[2]
    signed = await agent.post("/v1/agent/session", json={"code": code}, headers=FROM_OUR_PAGE)
    signed.raise_for_status()


def _answers(around: Surfaces, asked: Message) -> list[str]:
    return [said.text for said in around.slack.thread_of(asked) if said.user == around.slack.bot_user]


def _waiting(cases: Sequence[Mapping[str, Any]], around: Surfaces) -> Mapping[str, Any] | None:
    mine = (row for row in cases if row["account"] == around.switch.account)
    return next((row for row in mine if row["channel"] == "slack" and row["approval"]), None)


async def _approve(agent: httpx.AsyncClient, card: Mapping[str, Any]) -> None:
    path = f"/v1/agent/requests/{card['request']}/approve"
    answer = await agent.post(path, json={"digest": card["digest"]}, headers=FROM_OUR_PAGE)
    answer.raise_for_status()


def _over(view: Mapping[str, Any]) -> bool:
    return view["case"]["state"] in ("solved", "handed_off", "closed")


def _show_card(console: Console, started: float, card: Mapping[str, Any]) -> None:
    seen = "\n".join(f"- {each['title']}: {each['seen']}" for each in card["prerequisites"])
    say(
        console,
        started,
        "agent, on the agents' page, approves",
        f"{card['title']}\n{seen}\n{card['undo'] or ''}",
    )


async def _get(agent: httpx.AsyncClient, path: str) -> Any:
    return (await agent.get(path)).raise_for_status().json()


async def _until(agent: httpx.AsyncClient, path: str, found: Callable[[Any], Any]) -> Any:
    while True:
        result = found(await _get(agent, path))
        if result:
            return result
        await asyncio.sleep(0.2)


# --- what came of it ------------------------------------------------------------------------------


def judged(seen: Seen) -> dict[str, bool]:
    """What the switch promises, each held against what is kept."""
    website, slack = seen.website, seen.slack
    switched = [effect for effect in seen.effects if effect.after.get("https_tracking") is True]
    ledgers = [[(step["id"], step["word"]) for step in view["steps"]] for view in (website, slack)]
    replies = [said for said in _said(website, slack) if said["role"] == "bot"]
    moves = Counter(said["decision"] for said in replies)
    return {
        "one case in both places": website["case"]["id"] == slack["case"]["id"],
        "one ledger": ledgers[0] == ledgers[1] and all(step["holds"] for step in slack["steps"]),
        "no step explained twice": moves["guide"] <= 1 and not said_twice([said["text"] for said in replies]),
        "no question asked twice": moves["ask"] <= 1,
        "HTTPS switched on once": len(switched) == 1 and len(seen.effects) == 1,
        "every call to Slack as Slack wants it": not seen.violations,
    }


def _said(*views: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every message of the case, from whichever place it is seen, once."""
    places = [place for view in views for place in (view, *view["earlier"])]
    return list({said["id"]: said for place in places for said in place["messages"]}.values())


def said_twice(texts: Sequence[str]) -> list[str]:
    """Paragraphs of some length that stand in more than one of these messages."""
    paragraphs = Counter(
        part for text in texts for part in {" ".join(p.split()) for p in re.split(r"\n\s*\n", text)}
    )
    return [part for part, times in paragraphs.items() if times > 1 and len(part.split()) >= SHORTEST]
