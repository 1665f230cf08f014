"""`stepfour erase document ID`, `stepfour erase customer WHO`: for good, and looked after."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer

erase = typer.Typer(help="Erase for good: text and vectors.", no_args_is_help=True, rich_markup_mode=None)

Sure = Annotated[bool, typer.Option("--yes", help="Yes, for good.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@erase.command()
def document(
    id: Annotated[str, typer.Argument(help="Id of the document, as `stepfour docs list` shows it.")],
    by: Annotated[
        str | None, typer.Option(help="Who erases it, for the record; else your user name.")
    ] = None,
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Erase a document: every version, its vectors, and its words in what was sent to customers."""
    who = by or os.environ.get("USER") or "somebody"
    result = _run("erase_document", {"document": id, "by": who, "sure": sure}, as_json)
    print(
        f"{result['title']} is erased ({result['document']}); its words went from {result['rows']} records."
    )
    if result["served"]:
        print("Its source still has it: take it out there, or a later change of it brings it back.")
    _end(result)


@erase.command()
def customer(
    party: Annotated[str, typer.Argument(help="customer:ACCOUNT:USER, or anonymous::DIGEST for a visitor.")],
    sure: Sure = False,
    as_json: AsJson = False,
) -> None:
    """Erase a customer: conversations, cases, files, and what was kept of their words."""
    result = _run("erase_customer", {"party": party, "sure": sure}, as_json)
    went = f"{result['conversations']} conversations, {result['cases']} cases, {result['files']} files"
    print(f"{result['party']} is erased: {went}.")
    _end(result)


@erase.command()
def aged(
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase conversations that are older than STEPFOUR_KEEP_DAYS, as a running service does every day."""
    result = _run("erase_aged", {"dry": dry}, as_json)
    count, forgotten = len(result["conversations"]), result["forgotten"]
    went = f"{count} conversations, {result['cases']} cases, {result['files']} files"
    print(f"Of before {result['before'][:10]} {'would go' if dry else 'went'}: {went}.")
    print(f"Customers of whom nothing stays: {forgotten} of {result['customers']}.")
    if result["stays_open"]:
        print(
            f"{result['stays_open']} old conversations stay, because something in them is open. "
            "STEPFOUR_KEEP_OPEN_DAYS lets go of those in which nothing happens."
        )
    if dry:
        for id in result["conversations"]:
            print(f"  {id}")
        return
    if count:
        _end(result)


def _run(command: str, args: dict[str, Any], as_json: bool) -> dict[str, Any]:
    from app.commands.admin import run
    from app.settings import load

    result = run(load(), command, args, lambda _: None)
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        raise typer.Exit(1 if result["left"] else 0)
    return result


def _end(result: dict[str, Any]) -> None:
    if result["left"]:
        print(
            f"Words of it are still in: {', '.join(result['left'])}. Look there; others may have said them."
        )
        raise typer.Exit(1)
    print("Every file of the data folder was read: nothing of it is left.")
    until = result.get("backups_until")
    if until:
        print(f"Backups of before hold it until {until[:10]} at the latest; a restored one loses it again.")
