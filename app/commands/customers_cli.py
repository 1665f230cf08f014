"""`stepfour customers export WHO --to FILE`: what is kept of somebody, for them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from app.errors import BadInput, ConfigError

customers = typer.Typer(help="What is kept of customers.", no_args_is_help=True, rich_markup_mode=None)


@customers.callback()
def _group() -> None:
    """What is kept of customers."""


@customers.command()
def export(
    who: Annotated[
        str,
        typer.Argument(
            help="customer:ACCOUNT:USER, anonymous::DIGEST for a visitor, or ACCOUNT for all of it."
        ),
    ],
    to: Annotated[Path, typer.Option("--to", help="The ZIP file to write; it must not be there yet.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Write everything that is kept of a customer into one ZIP, readable, with the files they sent."""
    from app.adapters.store import Store
    from app.exporting import export as written
    from app.main import utc_now
    from app.settings import load

    folder = load().data_dir

    async def told() -> None:
        store = await Store.open(folder, utc_now)
        try:
            await store.exported(found.customers)
        finally:
            await store.close()

    beside = to.with_name(f".{to.name}.part")
    if to.exists():
        raise BadInput(f"{to} is there already. Choose another name, or move it away.")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            found = written(folder, who, out, utc_now())
        asyncio.run(told())
        beside.replace(to)
    except OSError as error:
        raise ConfigError(
            f"{to} cannot be written ({error.strerror}). Make room, or choose another place."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    print(
        f"{to}: {found.conversations} conversations with {found.messages} messages, {found.cases} cases, ",
        end="",
    )
    print(f"{found.files} files, of {', '.join(found.customers)}.")
    for name in found.missing:
        print(f"Not there any more: {name}")
    print("It holds personal data: send it to nobody else, and delete it here when it is sent.")
