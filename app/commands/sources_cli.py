"""`stepfour sync` and `stepfour sources ...`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadInput

if TYPE_CHECKING:
    from app.settings import Settings

app = typer.Typer(
    help="Where documents come from: add, list, remove.", no_args_is_help=True, rich_markup_mode=None
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
InLanguage = Annotated[
    str | None, typer.Option("--lang", help="en, pt or es; without it STEPFOUR_AGENTS_LANGUAGE.")
]


def _settings() -> Settings:
    from app.settings import load

    return load()


def quiet(_: dict[str, Any]) -> None:
    """Commands that answer at once show no progress."""


def language_of(lang: str | None) -> str:
    """The language that an option names, else that of the agents. Raises `BadInput`."""
    from app.texts import LANGUAGES

    lang = lang or _settings().agents_language
    if lang not in LANGUAGES:
        raise BadInput(f"no language {lang!r}; there is {', '.join(LANGUAGES)}")
    return lang


def asked(command: str, **args: Any) -> dict[str, Any]:
    """The answer of a command on the data folder."""
    from app.commands.admin import run

    return run(_settings(), command, args, quiet)


def watched(title: str, command: str, **args: Any) -> dict[str, Any]:
    """The same with progress shown."""
    from app.commands.admin import run
    from app.commands.progress import showing

    settings = _settings()
    with showing(title) as progress:
        return run(settings, command, args, progress)


def counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def printed(result: dict[str, Any]) -> None:
    print(json.dumps(result, ensure_ascii=False, indent=2))


def sync(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources by their ids, or folders; without any, all sources.")
    ] = None,
    allow_delete: Annotated[
        bool, typer.Option("--allow-delete", help="Let a sync remove more than a fifth of a source.")
    ] = False,
    procedures: Annotated[
        bool, typer.Option("--procedures", help="Pages of these folders may be procedures.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take documents in, and print what was added, changed, moved and removed."""
    every = names or [source["id"] for source in asked("sources")["sources"]]
    if not every:
        raise BadInput("there is no source yet. Add one: stepfour sources add KIND LOCATION")
    failed = False
    for name in every:
        path = Path(name)
        args = {"source": name, "allow_delete": allow_delete, "procedures": procedures}
        if path.exists():
            args["path"] = str(path.resolve())
        try:
            result = watched(path.name, "sync", **args)
        except BadInput as error:
            if len(every) == 1:
                raise
            # One source that is down must not keep the others waiting.
            result = {"source": name, "state": "failed", "text": f"! {name}: {error}", "stopped": str(error)}
        print(json.dumps(result, ensure_ascii=False) if as_json else result["text"])
        failed = failed or bool(result["stopped"])
    raise typer.Exit(1 if failed else 0)


@app.command()
def add(
    kind: Annotated[str, typer.Argument(help="folder, git, website, zendesk, openapi, or module:Class.")],
    location: Annotated[str, typer.Argument(help="A folder, a file or an address.")],
    *,
    id: Annotated[str | None, typer.Option(help="Its name here; else one made from the location.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="key=value, as its kind knows it.")] = None,
    procedures: Annotated[bool, typer.Option("--procedures", help="Its pages may be procedures.")] = False,
    audience: Annotated[str, typer.Option(help="public, customer or internal.")] = "public",
    every: Annotated[
        int | None, typer.Option(min=1, help="Minutes between syncs while the service runs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a source, or change one by adding it again. Nothing is taken in before its first sync."""
    path = Path(location)
    result = asked(
        "source_add",
        kind=kind,
        location=str(path.resolve()) if path.exists() else location,
        id=id,
        options=dict(_pair(each) for each in option or ()),
        procedures=procedures,
        audience=audience,
        every=every,
    )
    if as_json:
        printed(result)
        return
    did = "changed" if result["changed"] else "added"
    print(f"{result['id']}: {did}. Take it in: stepfour sync {result['id']}")


def _pair(given: str) -> tuple[str, str]:
    key, sign, value = given.partition("=")
    if not sign or not key:
        raise BadInput(f"--option {given}: write it as key=value")
    return key, value


@app.command(name="list")
def list_sources(as_json: AsJson = False) -> None:
    """Show every source, its schedule and its last sync."""
    result = asked("sources")
    if as_json:
        printed(result)
        return
    for source in result["sources"]:
        facts = [counted(source["documents"], "document"), source["audience"]]
        facts += ["procedures"] if source["procedures"] else []
        facts += [f"every {source['every']} min"] if source["every"] else []
        facts += [f"{key}={value}" for key, value in source["options"].items()]
        print(f"{source['id']}  {source['kind']}  {source['location']}")
        print(f"   {', '.join(facts)}")
        print(f"   {_last(source['last'])}")
    if not result["sources"]:
        print("No source yet. Add one: stepfour sources add folder path/to/pages")


@app.command(name="runs")
def list_runs(
    id: str, limit: Annotated[int, typer.Option(min=1, help="How many.")] = 10, as_json: AsJson = False
) -> None:
    """Show the last syncs of a source with what each changed, newest first."""
    result = asked("source_runs", id=id, limit=limit)
    if as_json:
        printed(result)
        return
    for run in result["runs"]:
        print(_last(run).removeprefix("last "))
        for change in run["changes"]:
            place = change["document"].partition(":")[2]
            old = f" (was {change['moved_from'].partition(':')[2]})" if change["moved_from"] else ""
            print(f"   {change['kind']:<8} {place}{old}")


def _last(run: dict[str, Any] | None) -> str:
    if run is None:
        return "never synced"
    said = f"last sync {run['started_at'][:16].replace('T', ' ')} UTC: {run['state']}"
    said += f", {counted(run['failed'], 'document')} could not be taken in" if run["failed"] else ""
    said += f", {run['missing']} missing" if run["missing"] else ""
    said += f", {run['left_out']} left out" if run["left_out"] else ""
    return f"{said}. {run['error']}" if run["error"] else said


@app.command()
def remove(
    id: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a source and all its documents out of every answer."""
    if not yes:
        typer.confirm(f"Take {id} and all its documents out?", abort=True, err=True)
    result = asked("source_remove", id=id)
    if as_json:
        printed(result)
        return
    print(f"{id}: removed. Out of every answer: {counted(result['documents'], 'document')}.")
