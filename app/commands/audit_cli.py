"""`stepfour audit verify`, `stepfour audit export`: does the trail hold, and what does it say."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from app.errors import BadInput

audit = typer.Typer(
    help="The audit trail: who did what, when and why.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@audit.command()
def verify(as_json: AsJson = False) -> None:
    """Check that no line of the trail was changed, taken out, moved, put in or cut off; exit code 1 if so."""
    from app import trail
    from app.anchor import place
    from app.audit_words import verdict
    from app.commands.progress import counting
    from app.settings import load

    settings = load()
    with counting("lines") as progress:
        found = trail.verify(settings.data_dir, place(settings), progress=progress)
    print(found.model_dump_json(indent=2) if as_json else verdict(found, place(settings)))
    raise typer.Exit(0 if found.fault is None else 1)


@audit.command()
def export(
    since: Annotated[
        str | None, typer.Option(help="From this date (2026-05-01), or so far back (7d, 12h).")
    ] = None,
    party: Annotated[
        str | None, typer.Option(help="Who did it or whom it concerns: customer:ACCOUNT:USER, agent::NAME.")
    ] = None,
    case: Annotated[str | None, typer.Option(help="Of this case, and what was said around it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False,
) -> None:
    """Print the trail, oldest first: who, what, when, why, and the words where they still exist."""
    from app.audit_words import in_words
    from app.commands.progress import counting
    from app.main import utc_now
    from app.settings import load
    from app.trail import exported

    moment = None if since is None else moment_of(since, utc_now())
    with counting("lines") as progress:
        for told in exported(load().data_dir, since=moment, party=party, case=case, progress=progress):
            print(told.model_dump_json() if as_json else in_words(told))


def moment_of(text: str, now: datetime) -> datetime:
    """A date, a time, or a while back. Raises `BadInput`."""
    back = re.fullmatch(r"(\d{1,6})([dh])", text)
    try:
        if back is not None:
            return now - timedelta(**{"days" if back[2] == "d" else "hours": int(back[1])})
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"--since {text}: write a date (2026-05-01), or a time back (7d, 12h).") from error
