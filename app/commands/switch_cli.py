"""`stepfour switch`: models or actions off, at once, and on again. See docs/models.md."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from app.errors import BadInput


def switch(
    name: Annotated[str | None, typer.Argument(help="models or actions; without it, what is off.")] = None,
    state: Annotated[str | None, typer.Argument(help="off or on.")] = None,
    by: Annotated[str, typer.Option(help="Who switches, for the others to read.")] = "operator",
    because: Annotated[str, typer.Option(help="Why, for the others to read.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Switch language models or all actions off, at once, and on again; a restart keeps it."""
    from app.commands.admin import run
    from app.settings import load

    if (name is None) != (state is None) or state not in (None, "off", "on"):
        raise BadInput("say what and how: stepfour switch models off, or stepfour switch actions on")
    settings = load()
    if name is None:
        found = run(settings, "switches", {}, _quiet)
    else:
        args = {"name": name, "off": state == "off", "by": by, "because": because}
        found = run(settings, "switch", args, _quiet)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    if not found.get("changed", True):
        print(f"{name} were {state} already.")
    for each in found["off"]:
        why = f": {each['because']}" if each["because"] else ""
        print(
            f"{each['name']} are OFF since {each['since'][:16].replace('T', ' ')} UTC, by {each['by']}{why}"
        )
    if not found["off"]:
        print("Nothing is off: models may be asked, and actions may be approved and done.")


def _quiet(_: dict[str, Any]) -> None: ...
