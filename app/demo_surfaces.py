"""The three places of the demo beside the service: a dashboard with the widget, a Slack, two desks.

A composition root: it starts them on loopback, tells the service of them, and them of the service.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.demo import customer_token
from app.settings import Settings

if TYPE_CHECKING:
    from app.probes.net import Net
    from evals.world.chatwoot import FakeChatwoot
    from evals.world.shop import ExampleDesk, Shop
    from evals.world.slack import FakeSlack
    from evals.world.spec import Spec
    from evals.world.world import World

PAGES = Path(__file__).parent / "web" / "dist"
HELP, AGENTS = "C0HELP", "C0AGENTS"
ANA, BIA, KIM, LEA = "U0CUSTOMER", "U0BIA", "U0SUPPORT", "U0LEAD"
SWITCH = {"account": "caracol-cafe", "domain": "caracol.example", "label": "5870"}
HAND = {"account": "lontra-loja", "domain": "lontra.example", "label": "6230"}
WATCH_SECONDS = (10, 10, 20)
"""Long enough to change places before the next look, and short enough to wait for it."""
LINK_MINUTES = 120
"""A demo is opened and left lying for longer than a real link should hold."""


class Surfaces(NamedTuple):
    """What runs beside the service, and where."""

    world: World
    switch: Spec
    """The account of the played scene."""
    hand: Spec
    """The account to try things by hand in."""
    shop: Shop
    shop_url: str
    slack: FakeSlack
    chatwoot: FakeChatwoot
    desk: ExampleDesk
    desk_url: str
    settings: Settings
    """The service's, with these surfaces in them."""

    def meet(self, address: str) -> None:
        """Tells all of them where the service is; it may come back at another place."""
        assert self.settings.chatwoot_secret is not None
        secret = self.settings.chatwoot_secret.get_secret_value()
        self.shop.bot = self.desk.app = address
        self.slack.request_url = f"{address}/slack/events"
        self.chatwoot.webhook_url = f"{address}/chatwoot/{secret}"
        self.chatwoot.app_url = f"{address}/assist/chatwoot"

    async def by_hand(self, address: str) -> str:
        """Where everything is, for whoever tries it."""
        link = await sign_in_link(self.settings, address)
        token = customer_token(self.settings, self.hand.owner)
        return (
            "\n[bold]Try it by hand[/] (Ctrl-C stops). You are Ana, owner of lontra.example, whose "
            "links have no certificate yet.\n\n"
            f"  Website    {self.shop_url}/\n"
            "             sign in as Ana, ask for HTTPS; the missing step is a button in the table of links\n"
            f"  Slack      {self.slack.page_url}#user={ANA}&channel={HELP}\n"
            "             go on there as Ana; Kim approves in #agents (choose who you are, above)\n"
            f"  Agents     {link}\n"
            "             signs in once; approve, take over, write, give back\n"
            f"  Desk       {self.desk_url}/\n"
            "             an example desk with the agents' page beside a conversation\n"
            f"  Chatwoot   {self.chatwoot.url}/\n"
            f"             its customer signs in as {self.hand.account}/{self.hand.owner.user}\n"
            f"  Chat page  {address}/#token={token}\n"
            f"  API        {address}/docs\n"
        )


@asynccontextmanager
async def stage(
    world: World, base: Settings, net: Net, **changes: Any
) -> AsyncIterator[tuple[Surfaces, str]]:
    """The service with every surface around it, and the accounts of the demo; yields its address, too.

    `changes` are other settings than the demo's.
    """
    from app.serve import serving

    async with surfaces(world, base, **changes) as around, serving(around.settings, net) as address:
        around.meet(address)
        yield around, address


@asynccontextmanager
async def surfaces(world: World, base: Settings, **changes: Any) -> AsyncIterator[Surfaces]:
    """All but the service itself. They take the ports after the service's where those are free."""
    from evals.world import scenarios
    from evals.world.chatwoot import FakeChatwoot
    from evals.world.shop import ExampleDesk, Shop
    from evals.world.slack import FakeSlack

    assert base.site_secret is not None, "who is signed in is signed for with it"
    secret = base.site_secret.get_secret_value()
    switch = world.load(owned_by_bia(scenarios.record_direct(**SWITCH)))
    hand = world.load(scenarios.record_direct(**HAND))
    ports = [free(base.port + n) if base.port else 0 for n in range(1, 5)]
    shop = Shop(world, (hand.owner, hand.member, hand.stranger), secret=secret)
    desk = ExampleDesk(PAGES, secret=secret)
    async with AsyncExitStack() as stack:
        shop_url = await stack.enter_async_context(shop.serve(ports[0]))
        slack = await stack.enter_async_context(FakeSlack.serve(port=ports[1], commands=("/stepfour",)))
        desk_url = await stack.enter_async_context(desk.serve(ports[2]))
        chatwoot = await stack.enter_async_context(FakeChatwoot.serve(port=ports[3]))
        in_slack(slack, switch, BIA)
        in_slack(slack, hand, ANA)
        settings = base.model_copy(
            update=surface_settings(base, shop_url, slack, desk_url, chatwoot) | changes
        )
        yield Surfaces(world, switch, hand, shop, shop_url, slack, chatwoot, desk, desk_url, settings)


def surface_settings(
    base: Settings, shop_url: str, slack: FakeSlack, desk_url: str, chatwoot: FakeChatwoot
) -> dict[str, Any]:
    """What an operator would write into `.env` for these surfaces."""
    from pydantic import SecretStr

    return {
        "sites": (shop_url,),
        "assist_hosts": (desk_url, chatwoot.url),
        "slack_bot_token": SecretStr(slack.bot_token),
        "slack_signing_secret": SecretStr(slack.signing_secret),
        "slack_api_url": slack.api_url,
        "slack_team": "T0HERON",
        "slack_channels": {"*": "mention", HELP: "auto"},
        "slack_agents_channel": AGENTS,
        "slack_agents": (KIM, LEA),
        "chatwoot_url": chatwoot.url,
        "chatwoot_account": chatwoot.account,
        "chatwoot_token": SecretStr(chatwoot.agent_token),
        "chatwoot_bot_token": SecretStr(chatwoot.bot_token),
        "chatwoot_secret": SecretStr(secrets.token_hex(24)),
        "link_minutes": LINK_MINUTES,
        "modes": base.modes | {"slack": "auto", "chatwoot": "auto", "enable_https": "suggest"},
        "watch_seconds": WATCH_SECONDS,
        "watch_then_seconds": WATCH_SECONDS[-1],
    }


@contextmanager
def stage_in_thread(world: World, base: Settings, net: Net, **changes: Any) -> Iterator[tuple[Surfaces, str]]:
    """The same in a loop of its own, for whoever drives a browser in this thread."""
    started: Future[tuple[Surfaces, str]] = Future()
    stop = asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with stage(world, base, net, **changes) as found:
            started.set_result(found)
            await stop.wait()

    def failed(work: Future[None]) -> None:
        error = work.exception()
        if error is not None and not started.done():
            started.set_exception(error)

    with ThreadPoolExecutor(1, thread_name_prefix="stage") as threads:
        work = threads.submit(asyncio.run, run())
        work.add_done_callback(failed)
        try:
            yield started.result(timeout=120)
        finally:
            if loops:
                loops[0].call_soon_threadsafe(stop.set)
        work.result(timeout=30)


def free(port: int) -> int:
    """The port, or 0 for any where somebody has it."""
    try:
        with socket.create_server(("127.0.0.1", port)):
            return port
    except OSError:
        return 0


def owned_by_bia(spec: Spec) -> Spec:
    """So that in Slack nobody is taken for the Ana whom one plays by hand."""
    from evals.world.scenarios import with_account
    from evals.world.spec import Person, User

    account = spec.accounts[0]
    bia = User(id="u-bia", name="Bia Alves", email=f"bia@{account.domains[0].name}", role="owner")
    others = tuple(user for user in account.users if user.id != spec.owner.user)
    owned = with_account(spec, users=(bia, *others))
    return owned.model_copy(update={"owner": Person(account=spec.account, user=bia.id)})


def in_slack(slack: FakeSlack, spec: Spec, user: str = ANA) -> None:
    """The scenario's owner has an account in our workspace, with the address that the platform knows."""
    from evals.world.slack import User

    account = next(each for each in spec.accounts if each.id == spec.account)
    owner = next(each for each in account.users if each.id == spec.owner.user)
    name = owner.name.partition(" ")[0].lower()
    slack.add_user(User(id=user, name=name, real_name=owner.name, email=owner.email))
    help_channel = slack.channels[HELP]
    slack.add_channel(help_channel.model_copy(update={"members": help_channel.members | {user}}))


async def sign_in_link(settings: Settings, address: str, name: str = "Kim") -> str:
    """What `stepfour agent-link NAME` prints."""
    from app.commands.admin import run

    made = await asyncio.to_thread(run, settings, "agent_link", {"name": name}, _quiet)
    return f"{address}/assist/sign-in#code={made['token']}"


def _quiet(_: Mapping[str, Any]) -> None:
    """It answers at once."""
