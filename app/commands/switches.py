"""Commands that switch models or actions off and on; a running service sees it at its next call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from app.adapters.store import Store
from app.commands.keys import on_store
from app.errors import BadInput
from app.main import utc_now
from app.spending import over
from app.switches import SWITCHES, Switch

if TYPE_CHECKING:
    from app.settings import Settings


async def switch(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """Switches `name` `off` or on, and says what is off then. Args: `name`, `off`, `by`, `because`."""
    name = args["name"]
    if name not in SWITCHES:
        raise BadInput(f"there is no switch {name}. There is {', '.join(SWITCHES)}.")
    if args["off"]:
        off = Switch(name=name, since=utc_now(), by=str(args["by"]), because=str(args["because"]))
        changed = await store.switch_off(off)
    else:
        changed = await store.switch_on(name, by=str(args["by"]))
    return {"changed": changed, **await switches(store, settings, {})}


async def switches(store: Store, settings: Settings, args: Mapping[str, Any]) -> dict[str, Any]:
    """What is off, since when, by whom and why; and what models took today."""
    off = [each.model_dump(mode="json", exclude={"off"}) for each in await store.switches()]
    return {"off": off, "today": await today(store, settings)}


async def today(store: Store, settings: Settings) -> dict[str, Any]:
    """What models took since midnight UTC, and whether the budget is used up."""
    spent = await store.spent_today()
    over_it = over({"day": spent}, None, tokens=settings.llm_tokens, money=settings.llm_money)
    return {**spent.model_dump(), "used_up": over_it is not None}


SWITCH: Mapping[str, Callable[..., dict[str, Any]]] = {
    "switch": on_store(switch),
    "switches": on_store(switches),
}
