"""Commands on what proves who somebody is: agents' links and sessions, and API keys."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from app import erased
from app.adapters.store import Store
from app.errors import BadInput, NotAuthentic
from app.identity import digest, invited_agent, new_api_key, one_time_link, prove
from app.ids import new_id
from app.main import utc_now
from app.models.people import ApiKey, Scope

if TYPE_CHECKING:
    from app.settings import Settings

log = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.@-]{0,99}")
Work = Callable[[Store, "Settings", Mapping[str, Any]], Awaitable[dict[str, Any]]]


async def agent_link(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """A token with which an agent signs in once. Args: `name`."""
    name, now = str(args["name"]), utc_now()
    return {"token": await one_time_link(name, store, now, settings.link_minutes)}


async def agent_out(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """Ends what an agent is signed in with, and links that nobody used yet. Args: `name`."""
    sessions, links = await store.sign_agent_out(invited_agent(str(args["name"])).id)
    return {"sessions": sessions, "links": links}


async def api_key_new(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """A new API key, told this once. Args: `name`, `scopes`, `days` (None: until it is revoked)."""
    name, scopes, now = str(args["name"]), tuple(dict.fromkeys(args["scopes"])), utc_now()
    if not NAME.fullmatch(name):
        raise BadInput("a key's name is letters, digits, spaces and . _ @ -. Name the machine it is for.")
    there = get_args(Scope)
    strange = [scope for scope in scopes if scope not in there]
    if strange or not scopes:
        wrong = f"there is no scope {strange[0]}" if strange else "a key without a scope opens nothing"
        raise BadInput(f"{wrong}. There is {', '.join(there)}.")
    days = args.get("days")
    until = now + timedelta(days=int(days)) if days is not None else None
    token = new_api_key()
    key = ApiKey(name=name, scopes=scopes, created_at=now, until=until)
    if not await store.keep_api_key(digest(token), key):
        raise BadInput(f"there is or was a key called {name}. Choose a name that was never used.")
    return {"token": token, "key": key.model_dump(mode="json")}


async def api_keys(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """Every API key that is or was."""
    return {"keys": [key.model_dump(mode="json") for key in await store.api_keys()]}


async def api_key_revoke(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """Ends an API key at once. Args: `name`."""
    name = str(args["name"])
    key = await store.revoke_api_key(name)
    if key is None:
        raise BadInput(f"there is no API key called {name}. See them with: stepfour keys list")
    try:  # an old copy of the folder would let it in again
        await asyncio.to_thread(erased.note, settings, "key", [name], utc_now(), id=new_id("e"))
    except OSError as error:
        log.warning("the end of %s is not on the list beside the backups: %s", name, error)
    return {"key": key.model_dump(mode="json")}


async def proof_check(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """Whom a token proves, as the service would see it now. Args: `token`."""
    try:
        found = await prove(f"Bearer {args['token']}", settings, store, utc_now())
    except NotAuthentic as error:
        raise BadInput(str(error)) from error
    return found.model_dump(mode="json")


def on_store(work: Work) -> Callable[..., dict[str, Any]]:
    """The command on a store of its own; the tables are the truth, so a running service sees it at once."""

    def command(
        knowledge: object, settings: Settings, args: dict[str, Any], progress: object
    ) -> dict[str, Any]:
        async def done() -> dict[str, Any]:
            store = await Store.open(settings.data_dir, utc_now)
            try:
                return await work(store, settings, args)
            finally:
                await store.close()

        return asyncio.run(done())

    return command


_ALL: tuple[Work, ...] = (
    agent_link,
    agent_out,
    api_key_new,
    api_keys,
    api_key_revoke,
    proof_check,
)
KEYS: Mapping[str, Callable[..., dict[str, Any]]] = {work.__name__: on_store(work) for work in _ALL}
