"""What the surfaces are measured on: the real service in a thread, a customer's page, the local Slack."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from app.demo import customer_token, demo_net, demo_settings
from app.demo_surfaces import AGENTS, HELP, KIM, in_slack

if TYPE_CHECKING:
    from app.probes.net import Net
    from app.settings import Settings
    from evals.world.slack import FakeSlack
    from evals.world.spec import Spec
    from evals.world.world import World

STARTS_WITHIN_S = 300
LINES = "".join(
    f"<section><h2>What we ship, part {n}</h2><p>{'Fresh links for every parcel. ' * 16}</p></section>"
    for n in range(30)
)
STYLE = (
    "body{font:16px/1.5 sans-serif;margin:2rem auto;max-width:60rem}header{height:18rem;background:#dfe8f2}"
)
WORK = "let sum = 0; for (let n = 0; n < 400000; n++) sum += n % 7; document.body.dataset.sum = String(sum);"


@dataclass
class Host:
    """A page of somebody else's, with and without the widget in it."""

    url: str
    files: dict[str, tuple[str, str]] = field(default_factory=dict)

    def page(self, path: str, scripts: str = "") -> str:
        body = (
            f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Parcels</title>'
            f'<link rel="stylesheet" href="/style.css">{scripts}</head><body><header><h1>Parcels that '
            f'arrive</h1></header>{LINES}<script src="/work.js"></script></body></html>'
        )
        self.files[path] = ("text/html; charset=utf-8", body)
        return f"{self.url}{path}"


@dataclass
class Stage:
    world: World
    settings: Settings
    url: str
    slack: FakeSlack
    host: Host
    made: int = 0

    @property
    def snippet(self) -> str:
        return f'<script async src="{self.url}/widget/loader.js"></script>'

    def customer(self) -> Spec:
        """Another one, with steps 1 to 3 done and a place in our Slack."""
        from evals.world import scenarios

        self.made += 1
        name = f"bench-{self.made}"
        made = self.world.load(
            scenarios.all_ready(account=name, domain=f"{name}.example", label=f"{7000 + self.made}")
        )
        in_slack(self.slack, made, self.member(made))
        return made

    def member(self, spec: Spec) -> str:
        return f"U0{spec.account.upper().replace('-', '')}"

    def signed_in(self, spec: Spec) -> str:
        """Address of the page with the widget, where the customer is signed in."""
        token = customer_token(self.settings, spec.owner)
        code = (
            "window.stepfour = window.stepfour || "
            "function () { (stepfour.q = stepfour.q || []).push(arguments) };"
            f"stepfour('boot', {{getToken: () => '{token}'}});"
        )
        self.host.files[f"/{spec.account}.js"] = ("text/javascript", code)
        return self.host.page(f"/{spec.account}", f'<script src="/{spec.account}.js"></script>{self.snippet}')


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    from pydantic import SecretStr

    from evals.bench_messages import world
    from evals.world.slack import FakeSlack

    with (
        world(folder / "world") as there,
        FakeSlack.thread(commands=("/stepfour",)) as slack,
        _host() as host,
    ):
        settings = demo_settings(there.addresses, folder / "data", 0)
        surfaces = {
            "sites": (host.url,),
            "slack_bot_token": SecretStr(slack.bot_token),
            "slack_signing_secret": SecretStr(slack.signing_secret),
            "slack_api_url": slack.api_url,
            "slack_team": "T0HERON",
            "slack_channels": {"*": "mention", HELP: "auto"},
            "slack_agents_channel": AGENTS,
            "slack_agents": (KIM,),
            "modes": settings.modes | {"slack": "auto"},
        }
        settings = settings.model_copy(update=surfaces)
        with _serving(settings, demo_net(there.addresses)) as url:
            slack.run(_meet(slack, f"{url}/slack/events"))
            yield Stage(there, settings, url, slack, host)


async def _meet(slack: FakeSlack, url: str) -> None:
    slack.set(request_url=url)


@contextmanager
def _serving(settings: Settings, net: Net) -> Iterator[str]:
    """In a thread of its own: a browser that is driven here has this thread's event loop."""
    started: Future[str] = Future()
    stop = threading.Event()

    async def body() -> None:
        from app.serve import serving

        try:
            async with serving(settings, net) as url:
                started.set_result(url)
                await asyncio.to_thread(stop.wait)
        except BaseException as error:
            if not started.done():
                started.set_exception(error)
            raise

    thread = threading.Thread(target=lambda: asyncio.run(body()), daemon=True)
    thread.start()
    try:
        yield started.result(STARTS_WITHIN_S)
    finally:
        stop.set()
        thread.join(30)


@contextmanager
def _host() -> Iterator[Host]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, text = host.files.get(self.path, ("text/plain", ""))
            body = text.encode()
            self.send_response(200 if body else 404)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    host = Host(f"http://127.0.0.1:{server.server_address[1]}")
    host.files |= {"/style.css": ("text/css", STYLE), "/work.js": ("text/javascript", WORK)}
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
