"""The command line: `stepfour --help`. A composition root: it may import everything, lazily."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from app.commands import actions_cli, docs_cli, keys_cli, sources_cli
from app.commands.audit_cli import audit
from app.commands.backup_cli import backup
from app.commands.changes_cli import changes
from app.commands.customers_cli import customers
from app.commands.erasing_cli import erase
from app.commands.health_cli import health
from app.commands.switch_cli import switch
from app.errors import ConfigError, StepfourError

if TYPE_CHECKING:
    from app.settings import Settings


class Whole(TyperGroup):
    """Lists each command with all of its first sentence: cut to one line, it loses what it is about."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None:
                command.short_help = command.get_short_help_str(limit=1000)
        super().format_commands(ctx, formatter)


app = typer.Typer(
    name="stepfour",
    cls=Whole,
    help="Support triage that sees which steps are done, checks them, and makes the one move that is left.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # plain help answers four times as fast
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> NoReturn:
    try:
        code = app(standalone_mode=False)  # what `typer.Exit` carries comes back as a value
    except typer.Abort:
        raise SystemExit(130) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except ConfigError as error:
        _fail(str(error), 3)
    except StepfourError as error:
        _fail(str(error), 2)
    except BrokenPipeError:
        raise SystemExit(0) from None
    except Exception as error:
        shown = getattr(error, "show", None)  # a usage error of the command line knows how to show itself
        if shown is None:
            raise
        shown()
        raise SystemExit(getattr(error, "exit_code", 2)) from None
    raise SystemExit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    print(f"stepfour: {message}", file=sys.stderr)
    raise SystemExit(code)


def _settings(**overrides: Any) -> Settings:
    from app.settings import load

    return load(**overrides)


# --- the service --------------------------------------------------------------------------------


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop after the played scenes.")] = False,
    lang: Annotated[
        str, typer.Option(help="Language of the customer: en, pt or es; else that of this terminal.")
    ] = "",
    port: Annotated[int, typer.Option(help="Port of the chat page; 0 takes a free one.")] = 8080,
) -> None:
    """Play the founding case beside a small e-mail platform, then serve every surface to try by hand."""
    from rich.console import Console

    from app.demo import MESSAGES, of_terminal
    from app.demo import demo as play

    lang = lang or next((each for each in MESSAGES if each == of_terminal()), "en")
    if lang not in MESSAGES:
        _fail(f"--lang {lang}: there is {', '.join(MESSAGES)}", 2)
    solved = asyncio.run(play(once=once, lang=lang, port=0 if once else port, console=Console()))
    raise typer.Exit(0 if solved else 1)


@app.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port to listen on; else STEPFOUR_PORT.")] = None,
) -> None:
    """Start the service: chat page, API and admin socket, on the settings of the environment and .env."""
    from app.serve import serve

    serve(_settings(**({} if port is None else {"port": port})))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check the installation: each line OK, WARN or FAIL, and what to do."""
    from app.commands.doctor import examine, lines

    found = asyncio.run(examine())
    print(json.dumps([row.model_dump() for row in found], indent=2) if as_json else lines(found))
    raise typer.Exit(1 if any(row.state == "FAIL" for row in found) else 0)


app.command()(keys_cli.token)
app.command(name="agent-link")(keys_cli.agent_link)
app.command(name="agent-out")(keys_cli.agent_out)
app.add_typer(keys_cli.app, name="keys", cls=Whole)
app.command()(switch)


@app.command()
def usage(as_json: AsJson = False) -> None:
    """Tokens and cost of reading, a message and a resolved case."""
    from app.commands.admin import run

    found = run(_settings(), "usage", {}, _quiet)
    if as_json:
        print(json.dumps(found, indent=2))
        return
    readers = ", ".join(f"{name} {count}" for name, count in found["readers"].items()) or "nothing yet"
    print(f"{found['messages']} messages read, by: {readers}")
    each_message = f"{found['tokens_a_message']:.0f} a message"
    print(f"Tokens: {found['tokens_in']} in, {found['tokens_out']} out, {each_message}")
    if found["tokens_a_resolved_case"] is not None:
        print(f"{found['resolved']} cases resolved, {found['tokens_a_resolved_case']:.0f} tokens each")
    for role, spent in found["calls"].items():
        failed = ", ".join(f"{kind} {count}" for kind, count in spent["failed"].items())
        tokens = f"{spent['tokens_in']} tokens in, {spent['tokens_out']} out"
        print(
            f"Calls as {role}: {spent['calls']}, {tokens}{f'; without an answer: {failed}' if failed else ''}"
        )
    used_up = "; the budget is used up" if found["today"]["used_up"] else ""
    print(f"Today: {found['today']['tokens']} tokens, cost {found['today']['money']:.2f}{used_up}")
    if found["cost"] is None:
        print("Set STEPFOUR_LLM_PRICE_IN and STEPFOUR_LLM_PRICE_OUT to see costs.")
        return
    each = [("message", found["cost_a_message"]), ("resolved case", found["cost_a_resolved_case"])]
    shown = ", ".join(f"{cost:.4f} a {what}" for what, cost in each if cost is not None)
    print(f"Cost: {found['cost']:.2f}{f', {shown}' if shown else ''}")


slack = typer.Typer(help="The Slack channel.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(slack, name="slack", cls=Whole)


@slack.command()
def manifest(
    url: Annotated[
        str | None, typer.Option(help="Address that Slack reaches this service at, https://...")
    ] = None,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode: we call Slack.")] = False,
) -> None:
    """Print the manifest to create your own Slack app from (api.slack.com/apps, "From a manifest")."""
    from app.channels.slack.manifest import manifest as make

    if (url is None) != socket:
        _fail("say where Slack reaches this service, --url https://..., or that we call Slack, --socket", 2)
    if url is not None and not url.startswith("https://"):
        _fail(f"--url {url}: Slack calls https addresses only", 2)
    print(json.dumps(make(url), indent=2))


# --- knowledge ----------------------------------------------------------------------------------


@app.command()
def search(
    query: str,
    lang: Annotated[str | None, typer.Option(help="Prefer passages in this language.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 8,
    as_json: AsJson = False,
) -> None:
    """Find passages, best first."""
    from app.commands.admin import run

    result = run(_settings(), "search", {"query": query, "lang": lang, "limit": limit}, _quiet)
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return
    for n, hit in enumerate(result["hits"], 1):
        place = f"{hit['path']}#{hit['anchor']}" if hit["anchor"] else hit["path"]
        print(f"{n}. {hit['title']}  ({place}, {hit['lang']}, relevance {hit['relevance']:.2f})")
        print(f"   {hit['quote']}\n")
    if not result["hits"]:
        print("Nothing found. Take documents in with: stepfour sync FOLDER")


@app.command()
def ask(question: str, as_json: AsJson = False) -> None:
    """Answer a question from the documents, with numbered citations, or say that no source answers."""
    from app.commands.admin import run
    from app.commands.folder import NO_SOURCE

    result = run(_settings(), "ask", {"question": question}, _quiet)
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
        return
    if not result["answer"]:
        print(NO_SOURCE)
        if not result["nearest"]:
            print("No page is near it. Take documents in with: stepfour sync FOLDER")
        for hit in result["nearest"][:2]:
            print(f"  nearest: {hit['title']} ({hit['path']}, relevance {hit['relevance']:.2f})")
        return
    for n, line in enumerate(result["answer"], 1):
        print(f"{line} [{n}]\n")
    for cited in result["citations"]:
        place = f"{cited['path']}#{cited['anchor']}" if cited["anchor"] else cited["path"]
        print(f"[{cited['n']}] {cited['title']}, {place}, updated {cited['updated_at'][:10]}")


app.command()(changes)
app.add_typer(erase, name="erase", cls=Whole)
app.add_typer(audit, name="audit", cls=Whole)
app.add_typer(customers, name="customers", cls=Whole)
app.add_typer(backup, name="backup", cls=Whole)


def _quiet(_: dict[str, Any]) -> None:
    """Commands that answer at once show no progress."""


app.command()(sources_cli.sync)
app.command()(docs_cli.approve)
app.add_typer(sources_cli.app, name="sources", cls=Whole)
app.add_typer(docs_cli.app, name="docs", cls=Whole)
app.add_typer(docs_cli.procedures, name="procedures", cls=Whole)
app.add_typer(actions_cli.app, name="actions", cls=Whole)


# --- conversations ------------------------------------------------------------------------------


@app.command()
def chat(
    url: Annotated[str | None, typer.Option(help="A running Stepfour; else the one of the settings.")] = None,
    token: Annotated[str | None, typer.Option(help="A signed token; else you are a visitor.")] = None,
) -> None:
    """Talk to a running Stepfour from the terminal."""
    from app.commands.terminal import talk

    settings = _settings()
    asyncio.run(talk(url or f"http://{settings.host}:{settings.port}", token))


@app.command()
def triage(
    file: Annotated[Path, typer.Argument(help="A conversation as JSON; - reads standard input.")],
) -> None:
    """Read one conversation (JSON in) and print what would be done, as a Turn (JSON out). Changes nothing."""
    from app.commands.replay import triage_file

    print(asyncio.run(triage_file(_settings(), file)).model_dump_json(indent=2))


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Past conversations, one JSON object a line.")],
    as_json: AsJson = False,
) -> None:
    """Run past conversations through shadow mode: what would have been solved, asked, handed over."""
    from app.commands.progress import counting
    from app.commands.replay import replay_file, report

    with counting("conversations") as progress:
        result = asyncio.run(replay_file(_settings(), file, progress))
    print(result.model_dump_json(indent=2) if as_json else report(result))


def _mount_eval() -> None:
    """`stepfour eval ...` is loaded only where it is asked for."""
    if "eval" in sys.argv[1:2]:
        from evals.commands import app as evals

        app.add_typer(evals, name="eval", cls=Whole)
    else:

        @app.command(name="eval")
        def _eval() -> None:
            """Measure: eval cases FILE, eval bench, eval all. See `stepfour eval --help`."""


def _mount_simulate() -> None:
    """The same of `stepfour simulate`."""
    if "simulate" in sys.argv[1:2]:
        from evals.simulate.command import simulate

        app.command()(simulate)
    else:

        @app.command(name="simulate")
        def _simulate() -> None:
            """Simulated customers against the bot, scored by what the world says afterwards."""


app.add_typer(health, name="health", cls=Whole)
_mount_eval()
_mount_simulate()

if __name__ == "__main__":
    main()
