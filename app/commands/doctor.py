"""`stepfour doctor`: each part looked at, with what to do where it is not well."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from app.errors import ConfigError, StepfourError
from app.settings import PREFIX, Settings, load
from knowledge.model import Value

State = Literal["OK", "WARN", "FAIL"]
LEAST_FREE_GB = 1.0
MOST_SKEW_S = 60


class Row(Value):
    """One thing that was looked at."""

    state: State
    what: str
    found: str
    fix: str = ""


async def examine(*, loopback: bool = False) -> list[Row]:
    """Looks at everything; a part that cannot be looked at is a row, never an exception.

    `loopback`: the platform may be on this machine, without TLS, as in a closed world.
    """
    try:
        settings = load()
    except ConfigError as error:
        return [
            Row(state="FAIL", what="settings", found=str(error), fix="Correct that setting and run again.")
        ]
    rows = [_settings(), _folder(settings), _disk(settings), _port(settings), _secret(settings)]
    looks: tuple[Callable[[Settings], Awaitable[Row]], ...] = (
        _knowledge,
        _sources,
        _audit,
        _backups,
        partial(_actions, loopback=loopback),
        _platform,
        _model,
        _switches,
        _embeddings,
        _resolvers,
    )
    return rows + [await look(settings) for look in looks]


def lines(rows: list[Row]) -> str:
    out = []
    for row in rows:
        out.append(f"{row.state:<4}  {row.what}: {row.found}")
        if row.fix:
            out.append(f"      -> {row.fix}")
    return "\n".join(out)


def _settings() -> Row:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    strange = sorted(
        name
        for name in os.environ
        if name.startswith(PREFIX) and name not in known and not name.startswith(f"{PREFIX}TEST_")
    )
    if strange:
        return Row(
            state="WARN",
            what="settings",
            found=f"unknown in the environment: {', '.join(strange)}",
            fix="Look for a typo; .env.example names every setting.",
        )
    return Row(state="OK", what="settings", found="all are known")


def _folder(settings: Settings) -> Row:
    folder = settings.data_dir
    there = _existing(folder)
    if not there.is_dir():
        fix = f"Set {PREFIX}DATA_DIR to a folder."
        return Row(state="FAIL", what="data folder", found=f"{there} is a file", fix=fix)
    if not os.access(there, os.W_OK):
        return Row(
            state="FAIL",
            what="data folder",
            found=f"{folder} cannot be written by this user",
            fix=f"Give this user the folder, or set {PREFIX}DATA_DIR.",
        )
    return Row(state="OK", what="data folder", found=str(folder))


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there already: the rest is made at the first start."""
    whole = folder.absolute()
    return next(path for path in (whole, *whole.parents) if path.exists())


def _disk(settings: Settings) -> Row:
    free = shutil.disk_usage(_existing(settings.data_dir)).free / 1e9
    if free < LEAST_FREE_GB:
        return Row(state="WARN", what="disk", found=f"{free:.1f} GB free", fix="Free some space.")
    return Row(state="OK", what="disk", found=f"{free:.0f} GB free")


def _port(settings: Settings) -> Row:
    from app.commands.admin import answers
    from app.serve import bound

    if answers(settings):
        return Row(state="OK", what="port", found=f"{settings.port}, the service runs")
    try:
        bound(settings).close()
    except ConfigError as error:
        return Row(state="FAIL", what="port", found=str(error), fix=f"Set {PREFIX}PORT.")
    return Row(state="OK", what="port", found=f"{settings.port} is free")


def _secret(settings: Settings) -> Row:
    from app.site_keys import current

    keys = current(settings.site_keys) if settings.site_keys is not None else {}
    if settings.site_secret is None and not keys:
        return Row(
            state="WARN",
            what="identity",
            found="no key of your site: every visitor is anonymous, so nothing of an account is done",
            fix=f"Set {PREFIX}SITE_SECRET (openssl rand -hex 32) and sign your customers' tokens with it, "
            "or make a key pair: stepfour keys new KID",
        )
    named = ", ".join(f"{key.kid} ({key.algorithm})" for key in keys.values())
    return Row(state="OK", what="identity", found=f"customers' tokens are checked{named and f': {named}'}")


async def _knowledge(settings: Settings) -> Row:
    import asyncio

    from app.commands.admin import run

    if not settings.data_dir.exists():  # looking must not create it
        return Row(state="WARN", what="knowledge", found="nothing yet", fix="Run: stepfour sync FOLDER")
    try:
        held = await asyncio.to_thread(run, settings, "status", {}, lambda _: None)
    except StepfourError as error:
        fix = "See what it says; if the folder is damaged, move it away and sync your pages again."
        return Row(state="FAIL", what="knowledge", found=str(error), fix=fix)
    if held["index"]["state"] not in {"ready", "unchecked"} or held["index"]["why"]:
        return _index(held["index"])
    found = f"{held['documents']} documents, {len(held['procedures'])} procedures"
    if held["waiting"]:
        return Row(
            state="WARN",
            what="knowledge",
            found=f"{found}; changed and not approved: {', '.join(held['waiting'])}",
            fix="Look: stepfour procedures diff ID. Then: stepfour procedures approve ID --by NAME, or on "
            "the agents' page, by somebody of STEPFOUR_APPROVERS"
            + ("." if settings.approvers else ", which names nobody yet."),
        )
    if not held["documents"]:
        return Row(state="WARN", what="knowledge", found="nothing yet", fix="Run: stepfour sync FOLDER")
    return Row(state="OK", what="knowledge", found=found)


async def _sources(settings: Settings) -> Row:
    import asyncio

    from app.commands.admin import run

    if not settings.data_dir.exists():
        return Row(state="OK", what="sources", found="none yet")
    try:
        there = await asyncio.to_thread(run, settings, "sources", {}, lambda _: None)
    except StepfourError as error:
        return Row(state="FAIL", what="sources", found=str(error), fix="See what it says.")
    unwell = [f"{each['id']} {what}" for each in there["sources"] if (what := _unwell(each))]
    if unwell:
        fix = "See: stepfour sources list. Then: stepfour sync ID"
        return Row(state="WARN", what="sources", found="; ".join(unwell), fix=fix)
    return Row(state="OK", what="sources", found=f"{len(there['sources'])}, each as its last sync left it")


def _unwell(source: dict[str, Any]) -> str | None:
    """What is wrong with a source: its last sync, or that none came when it should."""
    last = source["last"]
    if last is None:
        return "was never synced"
    if last["state"] in {"failed", "stopped", "incomplete", "interrupted"}:
        return f"{last['state']} at its last sync ({last['error'] or 'it was killed'})"
    age = datetime.now(UTC) - datetime.fromisoformat(last["started_at"])
    if source["every"] and age > 2 * timedelta(minutes=source["every"]):
        minutes = age.total_seconds() / 60
        return f"was last synced {minutes:.0f} minutes ago, and should be every {source['every']}"
    return None


def _index(held: dict[str, Any]) -> Row:
    """Words alone find pages until it is right again."""
    if held["state"] == "failed":
        fix = (
            "Make room on the disk, or allow writing in the data folder's `chroma`; it is tried every minute."
        )
        return Row(state="FAIL", what="knowledge", found=f"the vector index {held['text']}", fix=fix)
    if held["state"] == "unchecked":
        found = f"the vector index is not right ({held['why']})"
        fix = "Nothing: it is built anew at the next start or search."
        return Row(state="WARN", what="knowledge", found=found, fix=fix)
    found = f"the vector index is {held['text']}"
    return Row(state="WARN", what="knowledge", found=found, fix="Wait: until then words alone find pages.")


async def _audit(settings: Settings) -> Row:
    """Lines and anchors alone: what the lines tell of is for `stepfour audit verify`."""
    import asyncio

    from app.adapters.sql import FILE
    from app.anchor import place
    from app.trail import verify

    what = "audit trail"
    if not (settings.data_dir / FILE).exists():
        return Row(state="OK", what=what, found="begins with the first start")
    try:
        found = await asyncio.to_thread(verify, settings.data_dir, place(settings), rows=False)
    except ConfigError as error:
        return Row(state="FAIL", what=what, found=str(error), fix="See what it says.")
    if found.fault is not None:
        where = f"does not hold at line {found.fault.seq}: {found.fault.detail}"
        return Row(state="FAIL", what=what, found=where, fix="See: stepfour audit verify")
    beside = settings.audit_anchor_dir is None
    hint = f"; its anchor lies beside it, see {PREFIX}AUDIT_ANCHOR_DIR" if beside else ""
    return Row(state="OK", what=what, found=f"holds, {found.lines} lines{hint}")


async def _backups(settings: Settings) -> Row:
    """Whether copies are made as they should be; `stepfour backup check` reads one through."""
    from app.adapters.sql import FILE
    from app.backups import backups
    from app.copying import last_failure

    what, every, there = "backups", settings.backup_every_hours, backups(settings)
    if not (settings.data_dir / FILE).exists():
        return Row(state="OK", what=what, found="begin with the first start")
    if every is None and not there:
        fix = f"Set {PREFIX}BACKUP_EVERY_HOURS to 24, and {PREFIX}BACKUP_DIR to another disk."
        return Row(state="WARN", what=what, found="there is none, and none is made", fix=fix)
    failed = last_failure(settings) if every is not None else None
    if failed is not None:
        found = f"the one due at {failed.at:%Y-%m-%d %H:%M} UTC failed: {failed.why}"
        return Row(state="FAIL", what=what, found=found, fix="Do what it says. It is tried every hour.")
    hours = (datetime.now(UTC) - there[0].made_at).total_seconds() / 3600 if there else None
    if every is not None and (hours is None or hours > 2 * every):
        found = "there is none yet" if hours is None else f"the newest is {hours:.0f} hours old"
        fix = "Look whether the service runs: it makes them a minute after its start."
        return Row(state="WARN", what=what, found=f"{found}, and it should be {every:g} at the most", fix=fix)
    return Row(state="OK", what=what, found=f"{len(there)}, the newest {hours or 0:.0f} hours old")


async def _actions(settings: Settings, *, loopback: bool) -> Row:
    """Connector files, their secrets and their addresses; nothing is sent."""
    from app.connectors.read import connectors_of
    from app.main import accounts_of

    try:
        connectors = connectors_of(settings.connectors)
        async with accounts_of(settings, loopback=loopback):
            pass
    except ConfigError as error:
        fix = "Correct that and run again; docs/actions.md says what a file may hold."
        return Row(state="FAIL", what="actions", found=str(error), fix=fix)
    names = ", ".join(each.name for each in connectors.of)
    if connectors.standing is None:
        fix = "Declare `standing:` in one of the files: without it nobody is known to be an owner."
        return Row(
            state="WARN", what="actions", found=f"no file of {names} says who owns an account", fix=fix
        )
    return Row(state="OK", what="actions", found=f"{len(connectors.actions)} declared ({names})")


def _addresses(settings: Settings) -> list[str]:
    from app.connectors.read import connectors_of
    from app.connectors.references import references

    if settings.connectors is None:
        return [settings.platform_url] if settings.platform_url is not None else []
    value = references(settings)
    return [value(each.api.address) for each in connectors_of(settings.connectors).of if each.api is not None]


async def _platform(settings: Settings) -> Row:
    try:
        addresses = _addresses(settings)
    except ConfigError as error:
        return Row(state="FAIL", what="account API", found=str(error), fix="Correct that and run again.")
    rows = [await _answers(address) for address in addresses]
    if not rows:
        return Row(
            state="WARN",
            what="account API",
            found="none is set: accounts cannot be checked and nothing can be done",
            fix=f"Set {PREFIX}PLATFORM_URL and {PREFIX}PLATFORM_TOKEN.",
        )
    return next((row for row in rows if row.state != "OK"), rows[0])


async def _answers(address: str) -> Row:
    import httpx

    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            started = time.time()
            response = await client.get(address)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fix = f"Check {PREFIX}PLATFORM_URL or your connector's `address`, and that this machine may reach it."
        return Row(state="FAIL", what="account API", found=f"no answer: {error}", fix=fix)
    skew = _skew(response.headers.get("date"), started)
    if skew is not None and skew > MOST_SKEW_S:
        return Row(
            state="WARN",
            what="clock",
            found=f"this machine's clock is {skew:.0f} s off the account API's",
            fix="Set the clock (NTP): tokens and certificates are judged by it.",
        )
    return Row(state="OK", what="account API", found=f"answers with {response.status_code}")


def _skew(date: str | None, now: float) -> float | None:
    from email.utils import parsedate_to_datetime

    try:
        return abs(parsedate_to_datetime(date).timestamp() - now) if date else None
    except ValueError:
        return None


async def _model(settings: Settings) -> Row:
    from app.completion import ModelFailed
    from app.main import model_endpoint

    try:
        endpoint = model_endpoint(settings)
    except ConfigError as error:
        return Row(state="FAIL", what="model", found=str(error), fix="Correct .env and run again.")
    if endpoint is None:
        return Row(state="OK", what="model", found="none is set; the built-in reader and writer work")
    try:
        await endpoint.ask([{"role": "user", "content": "Say ok."}], role="reader", max_tokens=16)
    except ModelFailed as error:
        if not error.by_text or error.kind == "rejected":  # else it has answered, whatever it said
            fix = f"Check {PREFIX}LLM_BASE_URL, _MODEL and _API_KEY. Until then the built-in reader works."
            return Row(state="WARN", what="model", found=f"no answer ({error})", fix=fix)
    return Row(state="OK", what="model", found=f"{endpoint.model} answers")


async def _switches(settings: Settings) -> Row:
    """What people have switched off, and how much of today's budget of the models is left."""
    import asyncio

    from app.adapters.sql import FILE
    from app.commands.admin import run

    what = "switches"
    if not (settings.data_dir / FILE).exists():
        return Row(state="OK", what=what, found="nothing is off")
    try:
        found = await asyncio.to_thread(run, settings, "switches", {}, lambda _: None)
    except StepfourError as error:
        return Row(state="FAIL", what=what, found=str(error), fix="See what it says.")
    off, today = found["off"], found["today"]
    if off:
        named = ", ".join(f"{each['name']} (since {each['since'][:16]}, by {each['by']})" for each in off)
        fix = "When the reason is gone: " + ", ".join(f"stepfour switch {each['name']} on" for each in off)
        return Row(state="WARN", what=what, found=f"off: {named}", fix=fix)
    if today["used_up"]:
        fix = f"It begins anew at midnight UTC; {PREFIX}LLM_TOKENS and {PREFIX}LLM_MONEY say how much it is."
        return Row(state="WARN", what=what, found="today's budget of the models is used up", fix=fix)
    return Row(state="OK", what=what, found=f"nothing is off; models took {today['tokens']:,} tokens today")


async def _embeddings(settings: Settings) -> Row:
    import asyncio

    from app.main import endpoint_encoder, endpoint_reranker
    from knowledge.errors import EndpointDown

    try:
        encoder, reranker = endpoint_encoder(settings), endpoint_reranker(settings)
        if encoder is not None:
            await asyncio.to_thread(encoder.queries, ["ok"])
        if reranker is not None:
            await asyncio.to_thread(reranker.scores, "ok", ["ok", "no"])
    except ConfigError as error:
        return Row(state="FAIL", what="embeddings", found=str(error), fix="Correct .env and run again.")
    except EndpointDown as error:
        fix = "Until then search goes by words alone, and new pages wait for their vectors."
        return Row(state="WARN", what="embeddings", found=str(error), fix=fix)
    used = [each.model for each in (encoder, reranker) if each is not None]
    found = f"{' and '.join(used)} answer" if used else "none are set; the model in this process works"
    return Row(state="OK", what="embeddings", found=found)


async def _resolvers(settings: Settings) -> Row:
    from app.main import public_net

    try:
        net = public_net(settings)
    except ConfigError as error:
        return Row(state="FAIL", what="DNS", found=str(error), fix=f"Set {PREFIX}RESOLVERS.")
    views = await net.look_up("example.com", "A")
    silent = [r for r, view in zip(net.resolvers, views, strict=True) if not view.answered]
    if silent:
        names = ", ".join(f"{each.address}:{each.port}" for each in silent)
        return Row(
            state="WARN",
            what="DNS",
            found=f"no answer from {names}",
            fix=f"Set {PREFIX}RESOLVERS to resolvers that this machine may ask.",
        )
    return Row(state="OK", what="DNS", found=f"{len(views)} resolvers answer on {socket.gethostname()}")
