"""`stepfour health`: what is wrong with the pages, as lines, JSON or a page of its own."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.sources_cli import InLanguage, language_of

health = typer.Typer(
    help="What is wrong with the pages: doubled, contradictory, stale, broken; and what people made of it.",
    rich_markup_mode=None,
    invoke_without_command=True,
)

Id = Annotated[str, typer.Argument(help="Id of a finding, or the start of it.")]
By = Annotated[str | None, typer.Option(help="Who decides it: your name, for the record.")]
Note = Annotated[str | None, typer.Option(help="Why, in a few words.")]
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
    lang: InLanguage = None,
) -> None:
    """Look at all pages and print what is wrong with them, what matters most first."""
    if ctx.invoked_subcommand is not None:
        return
    from app.commands.admin import run
    from app.commands.progress import stages
    from app.settings import load
    from app.texts import say

    settings, lang = load(), language_of(lang)
    args = {
        "lang": lang,
        "look": not stored,
        "kinds": kind,
        "min_confidence": min_confidence,
        "manifest": str(manifest.resolve()) if manifest else None,
        "states": None if every else ["open", "accepted", "task"],
    }
    with stages("looking at the pages") as progress:
        found = run(settings, "health", args, progress)
    if page is not None:
        from app.health_page import as_page

        page.write_text(as_page(found, lang), encoding="utf-8")
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return
    print(_lines(found, lang))
    if page is not None:
        print(f"\n{say(lang, 'documents.lines.page', path=str(page))}")


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
    from app.commands.admin import run
    from app.health_page import settled
    from app.settings import load

    who, settings = by or os.environ.get("USER") or "", load()
    done = run(settings, "settle", {"id": id, "state": state, "by": who, "note": note}, lambda _: None)
    finding, lang = done["finding"], settings.agents_language
    print(f"{finding['id']}: {settled(finding, lang)}")
    print(_one(finding, lang))


def _lines(found: dict[str, Any], lang: str) -> str:
    from app.plots import counted, name_of
    from app.texts import say

    findings = found["findings"]
    documents = sum(found["documents"].values())
    if not findings:
        return say(lang, f"documents.lines.{'nothing_sure' if documents else 'nothing_yet'}")
    kinds = Counter(finding["kind"] for finding in findings)
    rows = [_one(finding, lang) for finding in findings[:SHOWN]]
    if len(findings) > SHOWN:
        rows.append(say(lang, "documents.lines.more", n=str(len(findings) - SHOWN)))
    told = say(
        lang,
        "documents.lines.total",
        findings=counted(len(findings), "finding", lang),
        pages=counted(documents, "page", lang),
        kinds=", ".join(f"{n} {name_of(kind, lang, n)}" for kind, n in kinds.most_common()),
    )
    if changed := found.get("changed"):
        new, closed = str(changed["new"]), str(changed["closed"])
        told += " " + say(lang, "documents.lines.since", new=new, closed=closed)
    if judging := found.get("judging"):
        told += f"\n{judging['said']}"
    return "\n\n".join([*rows, f"{told}\n{say(lang, 'documents.lines.next')}"])


def _one(finding: dict[str, Any], lang: str) -> str:
    from app.health_page import also, settled
    from app.plots import name_of
    from app.texts import say

    sure = f"{finding['confidence']:.2f}"
    state = f", {settled(finding, lang)}" if finding["state"] != "open" else ""
    rows = [f"{finding['id']}  {name_of(finding['kind'], lang, 1)} ({sure}{state})  {finding['why']}"]
    rows += [_place(finding[key], lang) for key in ("place", "other") if finding.get(key)]
    if finding["also_count"]:
        rows.append(f"    {also(finding['also_count'], lang)}")
    rows += [
        f"    {say(lang, 'documents.lines.said', words=evidence['quote'])}"
        for evidence in finding["evidence"][:2]
    ]
    if judged := finding.get("judged"):
        rows.append(f"    {judged['said']}")
    return "\n".join([*rows, f"    > {finding['todo']}"])


def _place(place: dict[str, Any], lang: str) -> str:
    from app.texts import say

    asked = say(lang, "documents.lines.asked")
    where = f"{place['path']}:{place['line']}" if place["line"] else place["path"] or asked
    return f"    {where}  “{' '.join(place['quote'].split())[:200]}”"
