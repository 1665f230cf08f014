"""The composition root of the service: wires the real parts, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import IO, TYPE_CHECKING

from app.connectors.read import connectors_of
from app.connectors.references import references
from app.errors import ConfigError
from app.ports import AT_ONCE, Accounts, Reader, Services, Writer
from app.settings import PREFIX, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi import APIRouter, FastAPI

    from app.adapters.store import Store
    from app.channels.chatwoot import ChatwootChannel
    from app.endpoint import Endpoint
    from app.probes.net import Net
    from app.service import Service
    from app.spending import Purse
    from ingest.report import Progress, SyncReport
    from knowledge.endpoint import EndpointEncoder, EndpointReranker
    from knowledge.store import Knowledge


MODEL_AT_ONCE = 32
"""Messages that a model reads at once: it works on another machine, and we only wait."""

INDEX_WAIT_S = 10.0
"""How long the first searches wait for the vector index; one that has to be built anew is not waited for."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_knowledge(settings: Settings, *, embedded_in: Path | None = None) -> Knowledge:
    """Opens the knowledge of the data folder. Raises `ConfigError` when another process owns it.

    `embedded_in`: another folder whose vectors and encoder serve too, so that nothing is computed again.
    """
    from knowledge.embedding import CachedEncoder, default_encoder
    from knowledge.errors import KnowledgeError
    from knowledge.store import Knowledge

    folder = settings.data_dir
    cache = embedded_in or folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        encoder = endpoint_encoder(settings) or default_encoder(cache)
        knowledge = Knowledge.open(folder, encoder=CachedEncoder(encoder, cache / "embeddings.db"))
        knowledge.reranker = endpoint_reranker(settings)
        return knowledge
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be used as the data folder ({error.strerror}). "
            "Allow writing there, or set STEPFOUR_DATA_DIR to another folder."
        ) from error
    except KnowledgeError as error:
        raise ConfigError(str(error)) from error


def sync_pages(
    knowledge: Knowledge, settings: Settings, progress: Callable[[Progress], None] | None = None
) -> SyncReport:
    """Brings the pages whose procedures we may follow up to date."""
    from app.probes import CHECKS
    from ingest.sync import sync
    from knowledge.model import Source

    if not settings.pages.is_dir():
        raise ConfigError(
            f"STEPFOUR_PAGES: there is no folder {settings.pages}. Name a folder of help pages."
        )
    source = Source(id="pages", location=str(settings.pages), procedures=True)
    return sync(
        knowledge,
        source,
        checks=CHECKS,
        actions=frozenset(connectors_of(settings.connectors).actions),
        progress=progress,
    )


@asynccontextmanager
async def open_services(
    settings: Settings, knowledge: Knowledge, *, net: Net | None = None
) -> AsyncIterator[Services]:
    """The real parts, closed at the end. `net` is how probes reach the world: public addresses by default."""
    from app.adapters.library import KnowledgeLibrary
    from app.adapters.store import Store
    from app.probes import probes
    from app.reader.subjects import known_among

    net = net or public_net(settings)
    store = await Store.open(settings.data_dir, utc_now)
    try:
        endpoint = model_endpoint(settings, purse_of(settings, store))
        async with accounts_of(settings, loopback=net.loopback) as accounts:
            yield Services(
                settings=settings,
                clock=utc_now,
                store=store,
                library=KnowledgeLibrary(knowledge),
                read=reader(settings, knowledge, endpoint),
                accounts=accounts,
                looks=probes(accounts, net, utc_now),
                actions=connectors_of(settings.connectors).actions,
                write=writer(endpoint),
                named=known_among,
                reading=asyncio.Semaphore(AT_ONCE if settings.llm_base_url is None else MODEL_AT_ONCE),
            )
    finally:
        await store.close()


def public_net(settings: Settings) -> Net:
    from app.probes.net import Net, resolver

    try:
        resolvers = tuple(resolver(text) for text in settings.resolvers)
    except ValueError as error:
        raise ConfigError(f"STEPFOUR_RESOLVERS: {error}") from error
    return Net(resolvers=resolvers, ca_file=settings.ca_file)


@asynccontextmanager
async def accounts_of(settings: Settings, *, loopback: bool = False) -> AsyncIterator[Accounts]:
    """The platform as connector files declare it; none where nobody has said where it is.

    `loopback`: it may be on this machine, without TLS, as in a closed world.
    """
    connectors = connectors_of(settings.connectors)
    if settings.connectors is None and settings.platform_url is None:
        from app.adapters.no_platform import NoPlatform

        yield NoPlatform()
        return
    from app.adapters.platform import Platform

    async with Platform(connectors, references(settings), loopback=loopback) as platform:
        yield platform


def reader(settings: Settings, knowledge: Knowledge, endpoint: Endpoint | None) -> Reader:
    """The built-in reader; a model in front of it where one is configured."""
    from app.reader.builtin import builtin_reader
    from knowledge.embedding import CachedEncoder, default_encoder

    # The reader's heads belong to our own model, whatever search embeds with.
    own = endpoint_encoder(settings) is not None
    builtin = builtin_reader(CachedEncoder(default_encoder(knowledge.folder)) if own else knowledge.encoder)
    if endpoint is None:
        return builtin
    from app.reader.llm import llm_reader

    return llm_reader(endpoint, fallback=builtin)


def writer(endpoint: Endpoint | None) -> Writer | None:
    if endpoint is None:
        return None
    from app.writer import llm_writer

    return llm_writer(endpoint)


def purse_of(settings: Settings, store: Store) -> Purse:
    from app.spending import Prices, Purse

    prices = Prices(sent=settings.llm_price_in or 0.0, written=settings.llm_price_out or 0.0)
    return Purse(store, utc_now, tokens=settings.llm_tokens, money=settings.llm_money, prices=prices)


def model_endpoint(settings: Settings, purse: Purse | None = None) -> Endpoint | None:
    """The language model that is set; None where there is none. `purse` pays for it."""
    if settings.llm_base_url is None or settings.llm_model is None:
        return None
    from app.endpoint import Endpoint, Waits

    waits = Waits(settings.llm_seconds, settings.llm_first_seconds, settings.llm_stall_seconds)
    try:
        return Endpoint(settings.llm_base_url, settings.llm_model, _key(settings), waits=waits, purse=purse)
    except ConfigError as error:
        raise ConfigError(f"{PREFIX}LLM_BASE_URL, {PREFIX}LLM_API_KEY: {error}") from error


def endpoint_encoder(settings: Settings) -> EndpointEncoder | None:
    """Raises `ConfigError` where half of it is set."""
    if not _both(settings.embeddings_url, settings.embeddings_model, "EMBEDDINGS"):
        return None
    from app.masking import hidden
    from knowledge.endpoint import EndpointEncoder

    return EndpointEncoder(
        settings.embeddings_url or "",
        settings.embeddings_model or "",
        settings.embeddings_key.get_secret_value() if settings.embeddings_key else None,
        prefixes=settings.embeddings_prefixes,
        hide=hidden,
    )


def endpoint_reranker(settings: Settings) -> EndpointReranker | None:
    if not _both(settings.rerank_url, settings.rerank_model, "RERANK"):
        return None
    from app.masking import hidden
    from knowledge.endpoint import EndpointReranker

    key = settings.rerank_key.get_secret_value() if settings.rerank_key else None
    return EndpointReranker(settings.rerank_url or "", settings.rerank_model or "", key, hide=hidden)


def _both(url: str | None, model: str | None, name: str) -> bool:
    if (url is None) != (model is None):
        raise ConfigError(f"{PREFIX}{name}_URL and {PREFIX}{name}_MODEL go together: set both, or neither.")
    return url is not None


def _key(settings: Settings) -> str | None:
    return settings.llm_api_key.get_secret_value() if settings.llm_api_key else None


@asynccontextmanager
async def running(settings: Settings, *, net: Net | None = None) -> AsyncIterator[tuple[Service, Knowledge]]:
    """The whole service without its web server: knowledge in step, work of before a crash gone on with.

    Messages are read once `Service.warm_up` was called.
    """
    from app.anchor import anchored
    from app.erasing import go_on
    from app.service import Service

    knowledge = await asyncio.to_thread(open_knowledge, settings)
    try:
        await asyncio.to_thread(go_on, knowledge, settings)
        knowledge.keep_index_when_asked(INDEX_WAIT_S)
        await asyncio.to_thread(sync_pages, knowledge, settings)
        async with (
            open_services(settings, knowledge, net=net) as services,
            anchored(services.store, settings),
        ):
            service = Service(services, warm_up=partial(warm_up, services))
            try:
                await service.start()
                yield service, knowledge
            finally:
                await service.close()
    finally:
        await asyncio.to_thread(knowledge.close)


async def warm_up(services: Services) -> None:
    """Loads what the first message would otherwise wait for: encoder, language detector, index, a client."""
    from app import endpoint
    from app.models.conversation import Message

    hello = Message(id="m", conversation="c", role="customer", text="Hello, is it on?", at=services.clock())
    candidates = await services.library.candidates([hello])
    await services.library.search([(hello.text, 1.0)], lang="en")
    if services.settings.llm_base_url is None:
        await services.read([hello], candidates)
    else:  # a model's call costs money
        await asyncio.to_thread(endpoint.load)


async def exported(settings: Settings, who: str) -> tuple[IO[bytes], Sequence[str]]:
    """All that is kept of somebody, in a file that has no name and goes when it is closed."""
    from tempfile import TemporaryFile

    from app.exporting import export

    made = TemporaryFile()  # noqa: SIM115  whoever sends it closes it
    try:
        found = await asyncio.to_thread(export, settings.data_dir, who, made, utc_now())
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made, found.customers


def _chatwoot(service: Service, settings: Settings) -> ChatwootChannel | None:
    """Read only where it is set: a start is short."""
    if settings.chatwoot_url is None:
        return None
    from app.channels.chatwoot import chatwoot_channel

    return chatwoot_channel(service, settings)


@asynccontextmanager
async def site(service: Service, knowledge: Knowledge, *, address: str) -> AsyncIterator[FastAPI]:
    """The whole site with every surface that is set up, and the work beside them until the end.

    `address`: where we listen, for links where no public address is set. Raises `ConfigError`.
    """
    from app.adapters.documents import KnowledgeDocuments
    from app.adapters.findings import FindingsOutlet
    from app.adapters.library import KnowledgeLibrary
    from app.channels import assist, web
    from app.channels.webhook import webhook_outlet
    from app.commands.changes import announce, of_run
    from app.commands.health import look
    from app.copying import keep_copied
    from app.delivery import Outlet, follow, kept_running
    from app.retention import keep_no_longer
    from app.schedule import keep_in_step
    from ingest.clean import plain_markdown

    settings, store = service.settings, service.store
    own = settings.public_url or address
    ending = asyncio.Event()
    outlets: list[Outlet] = [FindingsOutlet(store, knowledge)]
    routers: list[APIRouter] = []
    work: dict[str, Callable[[], Awaitable[None]]] = {}
    async with AsyncExitStack() as stack:
        chatwoot = _chatwoot(service, settings)
        if chatwoot is not None:
            stack.push_async_callback(chatwoot.close)
            outlets += chatwoot.outlets
            routers.append(chatwoot.router)
            work["chatwoot"] = chatwoot.work
        if settings.slack_bot_token is not None:
            from app.channels.slack import slack_channel

            slack = await stack.enter_async_context(slack_channel(service, settings, public_url=own))
            outlets += slack.outlets
            routers += [slack.router] if slack.router is not None else []
            work["slack"] = slack.work
        webhook = webhook_outlet(service, settings, changed=partial(of_run, knowledge, store))
        if webhook is not None:
            stack.push_async_callback(webhook.close)
            outlets.append(webhook)
        documents = KnowledgeDocuments(knowledge, partial(look, knowledge, settings))
        locate = chatwoot.locate if chatwoot else None
        export = partial(exported, settings)
        routers.append(
            assist.create_router(service, ending, locate=locate, documents=documents, export=export)
        )
        work |= {
            "changes": partial(announce, knowledge, store, service.clock),
            "delivery": partial(follow, store, outlets),
            "schedule": partial(keep_in_step, knowledge, settings),
            "retention": partial(keep_no_longer, knowledge, settings),
            "backups": partial(keep_copied, settings),
        }
        tasks = [asyncio.create_task(kept_running(name, run), name=name) for name, run in work.items()]
        try:
            pages = KnowledgeLibrary(knowledge, plain=plain_markdown)
            yield web.create_app(service, routers=routers, pages=pages, ending=ending)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
