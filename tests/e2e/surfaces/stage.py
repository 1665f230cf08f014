"""The world, the real service, the local Slack and a customer's own site, wired as an operator would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr

from app.commands.admin import run
from app.demo_surfaces import in_slack
from evals.world import scenarios
from evals.world.slack import FakeSlack
from evals.world.slack.state import Message
from evals.world.spec import Edge, Spec
from evals.world.world import World
from tests.app.web.hosts import Host, serving, strict
from tests.e2e.conftest import Site, quick_settings
from tests.e2e.surfaces.kept import Kept

HELP, AGENTS, QUIET = "C0HELP", "C0AGENTS", "C0RANDOM"
KIM = "U0SUPPORT"
STUB = "window.stepfour = window.stepfour || function () { (stepfour.q = stepfour.q || []).push(arguments) };"


PATIENCE_S = 30
SLACK_S = 90
"""Slack takes one message a second, and what comes behind waits."""


def until(holds: Callable[[], bool]) -> None:
    """Returns once it holds; fails where it does not in good time."""
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < ends, f"it did not come to hold in {PATIENCE_S} s"
        time.sleep(0.05)


T = TypeVar("T")


def aside(work: Callable[[], T]) -> T:
    """Does it in a thread of its own: a browser that is driven here has this thread's event loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


class Stage:
    """One running service with every surface around it."""

    def __init__(self, world: World, site: Site, slack: FakeSlack, host: Host) -> None:
        self.world, self.site, self.slack, self.host = world, site, slack, host
        self.kept = Kept(site.settings.data_dir)

    def shop_page(self, spec: Spec, script: str = "") -> str:
        """Address of the customer's dashboard: signed in as the owner, the widget in it."""
        name = spec.account
        token = self.site.token(spec.owner)
        self.host.script(f"{STUB}stepfour('boot', {{getToken: () => '{token}'}});{script}", f"/{name}.js")
        body = (
            f'<script src="/{name}.js"></script>'
            f'<script async src="{self.site.url}/widget/loader.js"></script>'
        )
        return self.host.page(body, f"/{name}")

    def sign_in_link(self, name: str = "Kim") -> str:
        made = aside(lambda: run(self.site.settings, "agent_link", {"name": name}, lambda _: None))
        return f"{self.site.url}/assist/sign-in#code={made['token']}"

    # --- Slack ---

    def member(self, spec: Spec) -> str:
        """The account's owner joins our workspace; their id there."""
        user = f"U0{spec.account.rpartition('-')[2].upper()}"
        in_slack(self.slack, spec, user)
        quiet = self.slack.channels[QUIET]
        self.slack.add_channel(
            quiet.model_copy(update={"members": quiet.members | {user, self.slack.bot_user}})
        )
        return user

    def post(self, user: str, text: str, *, channel: str = HELP, thread: str | None = None) -> Message:
        return self.slack.run(self.slack.post(user, channel, text, thread))

    def press(self, user: str, message: Message, action: str) -> None:
        self.slack.run(self.slack.press(user, message, action))

    def ours(self, root: Message) -> list[str]:
        """What we have said in a thread, finished."""
        return [
            message.said
            for message in self.slack.thread_of(root)
            if message.user == self.slack.bot_user and message.streaming != "in_progress"
        ]

    def until_ours(self, root: Message, holds: Callable[[list[str]], bool]) -> list[str]:
        """What we said in a thread, once that is so."""
        self.slack.run(self.slack.until(lambda: holds(self.ours(root)), SLACK_S), SLACK_S + 10)
        return self.ours(root)

    def quiet(self, root: Message) -> None:
        """Nothing is being written in a thread any more."""
        thread = self.slack.thread_of
        done = self.slack.until(
            lambda: all(message.streaming != "in_progress" for message in thread(root)), SLACK_S
        )
        self.slack.run(done, SLACK_S + 10)
        self.settle()

    def until_card(self, channel: str, action: str, about: str = "") -> Message:
        """The newest message of a channel with such a button on it."""

        def there() -> Message | None:
            found = [
                message
                for message in self.slack.messages(channel)
                if message.button(action) is not None and about in message.said
            ]
            return found[-1] if found else None

        self.slack.run(self.slack.until(lambda: there() is not None, 30), 40)
        card = there()
        assert card is not None
        return card

    def settle(self) -> None:
        self.slack.run(self.slack.settle(timeout=30), 40)

    # --- the world ---

    def becomes_ready(self, spec: Spec) -> None:
        """What the customer does at their DNS provider: both links get a proxy and a certificate."""
        self.world.set(
            records=tuple(map(scenarios.proxied, spec.hosts)),
            edges=tuple(Edge(host=host) for host in spec.hosts),
        )


@contextmanager
def stage(world: World, data: Path, **changes: Any) -> Iterator[Stage]:
    """`changes` are other settings than the demo's."""
    with ExitStack() as stack:
        host = stack.enter_context(serving())
        slack = stack.enter_context(FakeSlack.thread(commands=("/stepfour",), rate_scale=None))
        surfaces = {
            "sites": (host.url,),
            "slack_bot_token": SecretStr(slack.bot_token),
            "slack_signing_secret": SecretStr(slack.signing_secret),
            "slack_api_url": slack.api_url,
            "slack_team": "T0HERON",
            "slack_channels": {"*": "mention", HELP: "auto", QUIET: "suggest"},
            "slack_agents_channel": AGENTS,
            "slack_agents": (KIM, "U0LEAD"),
        }
        settings = quick_settings(world.addresses, data)
        modes = {"modes": settings.modes | {"slack": "auto"}}
        settings = settings.model_copy(update=surfaces | modes | changes)
        site = Site(settings, world.addresses)
        site.start()
        stack.callback(site.stop)
        slack.run(_meet(slack, f"{site.url}/slack/events"))
        host.policy = strict(site.url)
        yield Stage(world, site, slack, host)


async def _meet(slack: FakeSlack, request_url: str) -> None:
    slack.set(request_url=request_url)
