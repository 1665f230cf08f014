"""`stepfour demo`: the founding case, played through the real surfaces beside a small e-mail platform.

A composition root like `main.py`: it wires the service to a world on loopback and plays a customer.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.identity import sign
from app.main import utc_now
from app.serve import serving
from app.settings import Settings

if TYPE_CHECKING:
    import httpx
    from rich.console import Console

    from app.demo_surfaces import Surfaces
    from app.probes.net import Net
    from evals.world.spec import Addresses, Person, Spec
    from evals.world.world import World

LONGEST_SCENE_S = 60
READY_AFTER_S = 6.0
WATCH_SECONDS = (2, 3, 5)  # the real service waits minutes; a demo has no minutes

MESSAGES: Mapping[str, tuple[str, str]] = {
    "pt": (
        "Olá! Já liguei o rastreamento de cliques, validei os links de marca dos dois domínios "
        "(links.{domain} e go.{domain}) e coloquei a Cloudflare na frente, com certificado. "
        "Podem ativar o HTTPS nos links de rastreamento, por favor?",
        "Oi, quero HTTPS nos links rastreados. O rastreamento está ligado e os dois links de marca estão "
        "validados. O certificado do links.{domain} já está no ar, e o do go.{domain} acabei de configurar.",
    ),
    "en": (
        "Hi! Click tracking is on, the branded links of both domains (links.{domain} and go.{domain}) are "
        "validated, and Cloudflare is in front of them with a certificate. Could you switch on HTTPS for the "
        "tracking links, please?",
        "Hello, I want HTTPS on our tracked links. Tracking is on and both branded links are validated. "
        "The certificate of links.{domain} is live, and I have just set up the one for go.{domain}.",
    ),
    "es": (
        "¡Hola! Ya activé el seguimiento de clics, validé los enlaces de marca de los dos dominios "
        "(links.{domain} y go.{domain}) y puse Cloudflare delante, con certificado. "
        "¿Pueden activar HTTPS en los enlaces de seguimiento, por favor?",
        "Hola, quiero HTTPS en los enlaces rastreados. El seguimiento está activo y los dos enlaces de marca "
        "están validados. El certificado de links.{domain} ya está en línea y el de go.{domain} lo acabo de "
        "configurar.",
    ),
}


def of_terminal() -> str:
    """The language that this terminal speaks, by the first two letters of its locale."""
    named = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return next(filter(None, named), "")[:2]


class Played(NamedTuple):
    """How one scene went."""

    solved: bool
    seconds: float
    looks: int


async def demo(*, once: bool, lang: str, port: int, console: Console) -> bool:
    """Plays the scenes; True when the world shows them solved. Without `once` it serves until stopped."""
    from app.demo_surfaces import stage
    from evals.world.world import World

    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="stepfour-demo-") as folder:
        world_folder, data = Path(folder) / "world", Path(folder) / "data"
        world_folder.mkdir()
        with World.start(world_folder) as world:
            settings, net = demo_settings(world.addresses, data, port), demo_net(world.addresses)
            async with serving(settings, net) as base:
                console.print(f"Stepfour and Heron Mail run ({time.perf_counter() - started:.1f} s).\n")
                solved = await _one_place(base, world, settings, lang, console)
            # What people approve is set by the operator, at the start.
            async with stage(world, settings, net) as (around, address):
                solved.append(await _switching(around, address, lang, console))
                console.rule(align="left")
                good = all(solved)
                console.print(
                    f"[bold]{'All three scenes are solved' if good else 'NOT solved'}[/] "
                    f"after {time.perf_counter() - started:.1f} s, start included."
                )
                if not once:
                    console.print(await around.by_hand(address), soft_wrap=True, highlight=False)
                    await asyncio.Event().wait()
                return good


async def _one_place(base: str, world: World, settings: Settings, lang: str, console: Console) -> list[bool]:
    """The two scenes on the website alone, where it may act by itself."""
    from evals.world import scenarios

    scenes = (
        ("Steps 1 to 3 are done", scenarios.all_ready()),
        (
            "One domain is not ready yet",
            scenarios.becomes_ready(
                READY_AFTER_S, account="savana-eventos", domain="savana.example", label="5120"
            ),
        ),
    )
    solved = []
    for number, (title, spec) in enumerate(scenes):
        console.rule(f"[bold]Scene {number + 1}: {title}", align="left")
        world.load(spec)
        text = MESSAGES[lang][number].format(domain=domain_of(spec))
        played = await play(base, world, spec, text, settings=settings, console=console)
        solved.append(played.solved)
    return solved


async def _switching(around: Surfaces, address: str, lang: str, console: Console) -> bool:
    from app.demo_switch import play_switch

    console.rule("[bold]Scene 3: Begun on the website, gone on in Slack, approved by an agent", align="left")
    return await play_switch(around, address, lang, console)


# --- wiring -------------------------------------------------------------------------------------


def demo_settings(addresses: Addresses, data: Path, port: int) -> Settings:
    from pydantic import SecretStr

    return Settings(
        _env_file=None,
        data_dir=data,
        port=port,
        pages=Path(__file__).parent.parent / "knowledge" / "pages",
        modes={
            "web": "auto",
            "enable_https": "auto",
            "resume_sending": "auto",
            "move_domain": "auto",
            "assign_dedicated_ip": "auto",
        },
        site_secret=SecretStr(secrets.token_hex(32)),
        platform_url=addresses.api,
        platform_token=SecretStr(addresses.token),
        tracking_target=addresses.tracking_target,
        watch_seconds=WATCH_SECONDS,
        watch_then_seconds=5,
    )


def demo_net(addresses: Addresses) -> Net:
    """Probes reach the demo's own loopback network and nothing else."""
    from app.probes.net import Net, resolver
    from evals.world_policy import WorldPolicy

    return Net(
        resolvers=tuple(resolver(text) for text in addresses.resolvers),
        ca_file=Path(addresses.ca),
        ports={443: addresses.tls_port, 80: addresses.http_port},
        policy=WorldPolicy(addresses.network),
        loopback=True,
    )


def customer_token(settings: Settings, person: Person) -> str:
    return sign(
        settings, sub=person.user, account=person.account, agent=False, minutes=12 * 60, now=utc_now()
    )


# --- playing a customer -------------------------------------------------------------------------


def domain_of(spec: Spec) -> str:
    return spec.hosts[0].partition(".")[2]


async def play(
    base: str, world: World, spec: Spec, text: str, *, settings: Settings, console: Console
) -> Played:
    """Sends one message as the owner and follows the events until the conversation is resolved."""
    import httpx

    headers = {"Authorization": f"Bearer {customer_token(settings, spec.owner)}"}
    started = time.perf_counter()
    async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30) as client:
        opened = (await client.post("/v1/conversations", json={})).raise_for_status().json()
        path = f"/v1/conversations/{opened['id']}"
        sent = await client.post(f"{path}/messages", json={"client_message_id": "1", "text": text})
        sent.raise_for_status()
        say(console, started, "customer", text)
        try:
            async with asyncio.timeout(LONGEST_SCENE_S):
                looks = await _follow(client, path, started, console)
        except TimeoutError:
            console.print(f"[red]not resolved within {LONGEST_SCENE_S} s")
            looks = 0
    seconds = time.perf_counter() - started
    effects = [e for e in world.effects(spec.account) if e.after.get("https_tracking") is True]
    on = world.account(spec.account).settings.https_tracking
    solved = on and len(effects) == 1
    console.print(
        f"  [bold]The platform's ledger:[/] HTTPS switched on {len(effects)} time(s); it is now "
        f"{'on' if on else 'off'}. {seconds:.1f} s from the message to the end.\n",
        highlight=False,
    )
    return Played(solved, seconds, looks)


async def _follow(client: httpx.AsyncClient, path: str, started: float, console: Console) -> int:
    """Prints what the customer would see; returns how many looks at the steps there were."""
    from rich.padding import Padding

    looks, before = 0, ""
    async for kind, payload in events(client, path):
        if kind == "steps":
            looks += 1
            lines = _checklist(payload)
            if lines != before:
                console.print(Padding(lines, (0, 0, 0, 2)), highlight=False)
                before = lines
        elif kind == "message.done" and payload["message"]["role"] == "bot":
            say(console, started, "Stepfour", payload["message"]["text"])
        elif kind == "action.state":
            console.print(f"  [cyan]action[/] {payload['title']}: {payload['state']}", highlight=False)
        elif kind == "conversation.status" and payload["status"] in ("resolved", "with_agents"):
            return looks
    return looks


async def events(client: httpx.AsyncClient, path: str) -> AsyncIterator[tuple[str, Any]]:
    async with client.stream("GET", f"{path}/events") as response:
        kind = ""
        async for line in response.aiter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                kind = value
            elif field == "data":
                yield kind, json.loads(value)


def _checklist(payload: Any) -> str:
    marks = {"verified": "[green]✓[/]", "missing": "[yellow]…[/]", "contradicted": "[red]✗[/]"}
    lines = [
        f"{marks.get(step['word'], '·')} {step['title']}: {step['seen'] or step['word']}"
        for step in payload["steps"]
    ]
    if payload["watching"]:
        lines.append(f"[blue]watching[/], next look at {payload['watching']['next_look_at'][11:19]} UTC")
    return "\n".join(lines)


def say(console: Console, started: float, who: str, text: str) -> None:
    from rich.markup import escape
    from rich.padding import Padding

    console.print(f"[bold]{who}[/] [dim]{time.perf_counter() - started:.1f} s[/]")
    console.print(Padding(escape(text), (0, 0, 0, 2)), highlight=False)
