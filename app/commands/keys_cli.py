"""`stepfour keys ...`, tokens and agents' links: what proves who somebody is. See docs/identity.md."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from app.settings import Settings

app = typer.Typer(
    help="Keys that your site signs with, and API keys for machines.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _settings() -> Settings:
    from app.settings import load

    return load()


def _run(command: str, args: dict[str, Any], settings: Settings | None = None) -> dict[str, Any]:
    from app.commands.admin import run

    return run(settings or _settings(), command, args, lambda _: None)


def _tell(*lines: str) -> None:
    """Beside the result, which may go into a file or a pipe."""
    for line in lines:
        print(line, file=sys.stderr)


# --- tokens and links -----------------------------------------------------------------------------


def token(
    sub: Annotated[str, typer.Argument(help="User id, as your account system knows it.")],
    account: Annotated[str | None, typer.Option(help="The user's account.")] = None,
    agent: Annotated[bool, typer.Option("--agent", help="A token for a person of your team.")] = False,
    minutes: Annotated[int, typer.Option(help="How long it lives.", min=1, max=1440)] = 60,
    key: Annotated[
        Path | None, typer.Option(help="Sign with this KID.private.pem; else with the site's secret.")
    ] = None,
) -> None:
    """Print a signed token, to try the API or the chat page by hand (open /#token=...)."""
    from app.identity import sign
    from app.main import utc_now

    if account is None and not agent:
        raise BadInput("a customer's token needs --account; an agent's needs --agent")
    now = utc_now()
    print(sign(_settings(), sub=sub, account=account, agent=agent, minutes=minutes, now=now, key=key))


def agent_link(
    name: Annotated[str, typer.Argument(help="The agent's name, as the others and customers read it.")],
) -> None:
    """Print a link with which an agent signs in to the agents' page, once."""
    settings = _settings()
    token = _run("agent_link", {"name": name}, settings)["token"]
    base = (settings.public_url or f"http://{settings.host}:{settings.port}").rstrip("/")
    print(f"{base}/assist/sign-in#code={token}")
    _tell(f"It works once, within {settings.link_minutes} minutes.")


def agent_out(
    name: Annotated[str, typer.Argument(help="The agent's name or address, as they signed in with it.")],
) -> None:
    """Sign an agent out everywhere, at once, and end the links that nobody used yet."""
    ended = _run("agent_out", {"name": name})
    print(f"{name}: {ended['sessions']} sessions and {ended['links']} unused links were ended.")
    _tell("Whoever may sign in by OpenID Connect can do so again: take them out of STEPFOUR_OIDC_AGENTS.")


# --- the site's keys ------------------------------------------------------------------------------


@app.command()
def new(
    kid: Annotated[str, typer.Argument(help="Name of the key, such as 2026-11.")],
    rsa: Annotated[bool, typer.Option("--rsa", help="RS256 instead of EdDSA.")] = False,
    private: Annotated[
        Path | None, typer.Option(help="File of the private key. Default: KID.private.pem here.")
    ] = None,
) -> None:
    """Make a key pair for your site: the public key for Stepfour, the private one for your server alone."""
    from app.site_keys import NAME, PRIVATE, current, new_pair

    place = _settings().site_keys
    if not NAME.fullmatch(kid):
        raise BadInput("a key's name is letters, digits, dots, dashes and underscores, such as 2026-11")
    if place is not None and not place.is_dir():
        raise BadInput(f"{place} is a JWKS file: whoever writes that adds the key. Or name a folder there.")
    ours, theirs = (place or Path("site-keys")) / f"{kid}.pem", private or Path(f"{kid}{PRIVATE}")
    if place is not None and kid in current(place):
        raise BadInput(f"there is a key called {kid} already. Choose another name.")
    secret, public = new_pair("RS256" if rsa else "EdDSA")
    _write(theirs, secret, 0o600)
    ours.parent.mkdir(parents=True, exist_ok=True)
    _write(ours, public, 0o644)
    print(f"private: {theirs}  (move it to your site's server; nobody else needs it)")
    print(f"public:  {ours}")
    if place is None:
        _tell(f"Set STEPFOUR_SITE_KEYS={ours.parent}")
    _tell(
        f'Sign with {"RS256" if rsa else "EdDSA"} and "kid": "{kid}" in the header: docs/identity.md',
        f"Try it: stepfour token USER --account ACCOUNT --key {theirs} | stepfour keys check -",
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    """Whole under its name or not at all, with its rights from the first byte on; replaces nothing."""
    beside = file.with_name(f".{file.name}.new")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(content)
        os.link(beside, file)
    except FileExistsError as error:
        raise BadInput(f"{file} is there already. Choose another name, or move it away.") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error.strerror}). Allow writing there.") from error
    finally:
        beside.unlink(missing_ok=True)


@app.command(name="list")
def list_keys(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Every key: what your site may sign with, and the API keys of machines."""
    from app.site_keys import current

    settings = _settings()
    site = current(settings.site_keys) if settings.site_keys is not None else {}
    machines = _run("api_keys", {}, settings)["keys"]
    if as_json:
        shown = [{"kid": key.kid, "algorithm": key.algorithm} for key in site.values()]
        whole = {"site": shown, "secret": settings.site_secret is not None, "api": machines}
        print(json.dumps(whole, ensure_ascii=False, indent=2))
        return
    for key in site.values():
        print(f"site  {key.kid}  {key.algorithm}")
    if settings.site_secret is not None:
        print("site  (no kid)  HS256, STEPFOUR_SITE_SECRET")
    for each in machines:
        until = f"until {each['until'][:10]}" if each["until"] else "until it is revoked"
        state = f"revoked {each['revoked_at'][:10]}" if each["revoked_at"] else until
        print(f"api   {each['name']}  {' '.join(each['scopes'])}  {state}")
    if not (site or settings.site_secret or machines):
        print(
            "No keys. Make a pair for your site: stepfour keys new KID; for a machine: stepfour keys api NAME"
        )


@app.command()
def check(
    token: Annotated[str, typer.Argument(help="A token of any kind; - reads it from standard input.")],
) -> None:
    """Say whom a token proves at this moment, or why it proves nobody."""
    given = sys.stdin.read().strip() if token == "-" else token  # noqa: S105  not a password
    found = _run("proof_check", {"token": given})
    who = found["principal"]
    account = f" of account {who['account']}" if who["account"] else ""
    print(f"{who['kind']} {who['id']}{account}")
    if found["scopes"]:
        print(f"may: {' '.join(found['scopes'])}")
    if found["until"]:
        print(f"until {found['until']}")


# --- API keys -------------------------------------------------------------------------------------


@app.command()
def api(
    name: Annotated[str, typer.Argument(help="The machine it is for; what it does is on record by that.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="conversations:read, conversations:write, notes:write, customers:export. May be given again."
        ),
    ] = None,
    days: Annotated[int | None, typer.Option(help="It ends after so many days.", min=1, max=3650)] = None,
) -> None:
    """Make an API key for a machine, and print it this once."""
    made = _run("api_key_new", {"name": name, "scopes": scope or [], "days": days})
    print(made["token"])
    _tell(f"It is not shown again. End it with: stepfour keys revoke '{name}'")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="Name of the API key.")]) -> None:
    """End an API key at once, in open streams, too."""
    key = _run("api_key_revoke", {"name": name})["key"]
    print(f"{key['name']} counts no longer, since {key['revoked_at'][:19]}.")
