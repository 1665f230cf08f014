"""`stepfour backup ...`: copies of the data folder, for as long as they are kept, and back again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from app.errors import BadInput

if TYPE_CHECKING:
    from app.backups import Backup
    from app.settings import Settings

backup = typer.Typer(
    help="Copies of everything that is kept, and back again.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Name = Annotated[
    str | None, typer.Argument(help="Name, as `stepfour backup list` shows it. Default: the newest.")
]


def _settings() -> Settings:
    from app.settings import load

    return load()


@backup.command()
def create(as_json: AsJson = False) -> None:
    """Copy everything that is kept, while the service runs; then delete copies that are too old."""
    from app.backups import as_json as shown
    from app.backups import create as make
    from app.backups import prune as old_ones
    from app.erased import folder
    from app.main import utc_now

    settings, now = _settings(), utc_now()
    made = make(settings, now)
    gone = old_ones(settings, now)
    if as_json:
        print(json.dumps(shown(made) | {"pruned": gone}, indent=2))
        return
    print(f"{folder(settings) / made.name}: {len(made.files)} files, {_size(made)}")
    for name in gone:
        print(f"too old, deleted: {name}")


@backup.command(name="list")
def list_backups(as_json: AsJson = False) -> None:
    """Every copy, the newest first, and when it goes."""
    from app.backups import as_json as shown
    from app.backups import backups

    settings = _settings()
    found = backups(settings)
    if as_json:
        print(json.dumps([shown(made) for made in found], indent=2))
        return
    for made in found:
        until = made.made_at + timedelta(days=settings.backup_days)
        print(f"{made.name}  {len(made.files)} files, {_size(made)}, until {until:%Y-%m-%d}")
    if not found:
        print("No backups. Make one: stepfour backup create")


@backup.command()
def prune(as_json: AsJson = False) -> None:
    """Delete copies older than STEPFOUR_BACKUP_DAYS. A running service does so every day."""
    from app.backups import prune as old_ones
    from app.main import utc_now

    gone = old_ones(_settings(), utc_now())
    print(
        json.dumps(gone)
        if as_json
        else "\n".join(f"deleted: {name}" for name in gone) or "Nothing is too old."
    )


@backup.command()
def check(name: Name = None, as_json: AsJson = False) -> None:
    """Read a copy through: digests, databases, audit trail. Exit code 1 where it cannot be relied on."""
    from app.backups import check as wrong_with
    from app.backups import named

    settings = _settings()
    made = named(settings, name)
    wrong = wrong_with(settings, made)
    if as_json:
        print(json.dumps({"backup": made.name, "wrong": wrong}, indent=2))
    else:
        print(f"{made.name}: {'; '.join(wrong) if wrong else 'whole, and as it was when it was made'}")
    raise typer.Exit(1 if wrong else 0)


@backup.command()
def restore(
    name: Name = None,
    sure: Annotated[bool, typer.Option("--yes", help="Yes, put it in the place of the data folder.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a copy in the place of the data folder, and erase from it what was erased since it was made."""
    from app.backups import named
    from app.backups import restore as put_back
    from app.main import open_knowledge, utc_now

    settings = _settings()
    made = named(settings, name)
    if not sure:
        raise BadInput(
            f"{made.name} would take the place of {settings.data_dir}; what came after it is not in it. "
            "If that is right: --yes"
        )
    found = put_back(settings, made, utc_now(), opened=open_knowledge)
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    print(f"{found.backup} is in place; erasures carried out again: {found.erased_again}.")
    if found.replaced:
        print(f"The folder of before is at {found.replaced}: delete it once you need it no more.")
    if found.anchor:
        print(f"The anchor of before is at {found.anchor}: keep it, it proves what the trail said by then.")
    print("Agents sign in anew. Start the service; it goes on with what was unfinished.")


def _size(made: Backup) -> str:
    return f"{made.size / 1e6:.1f} MB"
