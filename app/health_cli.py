"""`stepfour health`: what is wrong with the pages, as lines, JSON or a page of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

health = typer.Typer(
    help="What is wrong with the pages: doubled, contradictory, stale, broken; and what people made of it.",
    rich_markup_mode=None,
    invoke_without_command=True,
)

Id = Annotated[str, typer.Argument(help="Id of a finding, or the start of it.")]
By = Annotated[str | None, typer.Option(help="Who decides it: your name, for the record.")]
Note = Annotated[str | None, typer.Option(help="Why, in a few words.")]
WHAT_NEXT = "Say what you make of one: stepfour health accept|dismiss|task ID, or /assist/health as an agent."
SHOWN = 40
"""Findings that are printed; the page and JSON have all of them."""


@health.callback()
def look(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind; may be given again.")] = None,
    min_confidence: Annotated[float, typer.Option(min=0, max=1, help="Leave out what is less sure.")] = 0.5,
    page: Annotated[Path | None, typer.Option(help="Write a page with the findings and plots.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="What the product has now: labels, endpoints, renamed (YAML).")
    ] = None,
    stored: Annotated[bool, typer.Option("--stored", help="Do not look again; show what is known.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Dismissed findings as well.")] = False,
) -> None:
    """Look at all pages and print what is wrong with them, what matters most first."""
    if ctx.invoked_subcommand is not None:
        return
    from app.admin import run
    from app.progress import stages
    from app.settings import load

    args = {
        "look": not stored,
        "kinds": kind,
        "min_confidence": min_confidence,
        "manifest": str(manifest.resolve()) if manifest else None,
        "states": None if every else ["open", "accepted", "task"],
    }
    with stages("looking at the pages") as progress:
        found = run(load(), "health", args, progress)
    if page is not None:
        from app.health_page import as_page

        page.write_text(as_page(found), encoding="utf-8")
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    print(_lines(found))
    if page is not None:
        print(f"\nThe page with all of it: {page}")


@health.command()
def accept(id: Id, by: By = None, note: Note = None) -> None:
    """It is so: its lines are marked in search until they change."""
    _settle(id, "accepted", by, note)


@health.command()
def dismiss(id: Id, by: By = None, note: Note = None) -> None:
    """It is not so, or does not matter: it stays away until one of its lines changes."""
    _settle(id, "dismissed", by, note)


@health.command()
def task(id: Id, by: By = None, note: Note = None) -> None:
    """Somebody is on it."""
    _settle(id, "task", by, note)


def _settle(id: str, state: str, by: str | None, note: str | None) -> None:
    from app.admin import run
    from app.settings import load

    who = by or os.environ.get("USER") or ""
    done = run(load(), "settle", {"id": id, "state": state, "by": who, "note": note}, lambda _: None)
    finding = done["finding"]
    print(f"{finding['id']} is {state}, by {finding['by']}{f': {note}' if note else ''}.")
    print(_one(finding))


def _lines(found: dict[str, Any]) -> str:
    findings = found["findings"]
    documents = sum(found["documents"].values())
    if not findings and not documents:
        return "No page yet. Take some in: stepfour sync FOLDER"
    if not findings:
        return "Nothing found. `--min-confidence 0.3` shows what is less sure."
    kinds: dict[str, int] = {}
    for finding in findings:
        kinds[finding["kind"]] = kinds.get(finding["kind"], 0) + 1
    counted = ", ".join(f"{n} {name_of(kind, n)}" for kind, n in sorted(kinds.items(), key=lambda k: -k[1]))
    rows = [_one(finding) for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        rows.append(f"… and {len(findings) - SHOWN} more: --page FILE or --json has them.")
    changed = found.get("changed")
    since = (
        f" Since the last look {changed['new']} are new and {changed['closed']} closed." if changed else ""
    )
    total = f"{len(findings)} findings on {documents} pages: {counted}.{since}"
    return "\n\n".join([*rows, f"{total}\n{WHAT_NEXT}"])


def _one(finding: dict[str, Any]) -> str:
    state = "" if finding["state"] == "open" else f", {finding['state']}"
    head = (
        f"{finding['id']}  {name_of(finding['kind'])} ({finding['confidence']:.2f}{state})  {finding['why']}"
    )
    rows = [head, *(_place(finding[key]) for key in ("place", "other") if finding.get(key))]
    if finding["also_count"]:
        rows.append(f"    and on {finding['also_count']} more")
    rows += [f"    said: {evidence['quote']}" for evidence in finding["evidence"][:2]]
    return "\n".join([*rows, f"    > {finding['todo']}"])


def _place(place: dict[str, Any]) -> str:
    where = f"{place['path']}:{place['line']}" if place["line"] else place["path"] or "asked"
    return f"    {where}  “{' '.join(place['quote'].split())[:200]}”"


def name_of(kind: str, n: int = 1) -> str:
    from app.health_page import NAMES

    one, many = NAMES[kind]
    return one if n == 1 else many
