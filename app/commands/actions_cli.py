"""`stepfour actions ...`: what connector files declare, and exactly what an action would send."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.errors import BadInput, ConfigError

if TYPE_CHECKING:
    from app.action import Action
    from app.connectors.model import Connectors, Write
    from app.models.steps import Finding
    from app.probes.net import Net
    from app.settings import Settings
    from knowledge.model import Check

app = typer.Typer(
    help="Actions on your platform: list them, see what one would send.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KEY = "the id of the request"
"""What stands in a dry run for the idempotency key, which only a real request has."""


@app.command(name="list")
def list_actions(as_json: AsJson = False) -> None:
    """List every action: what it sends and where, as whom, what it needs, and how it is undone."""
    from app.connectors.read import connectors_of
    from app.settings import load

    settings = load()
    rows = listed(connectors_of(settings.connectors), settings)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        print(f"{row['action']}  ({row['connector']}: {row['file']})")
        print(f"  {row['describe']}")
        for name in ("sends", "as", "needs", "read back", "undo", "approval", "mode"):
            values = row[name] if isinstance(row[name], list) else [row[name]]
            for value in values:
                print(f"  {name:<9}  {value}")
        print()


@app.command(name="test")
def dry_run_of(
    name: Annotated[str, typer.Argument(help="An action, as `stepfour actions list` names it.")],
    account: Annotated[str | None, typer.Option(help="The account that it would be done to.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--input", help="A value: kind=value. May be given again.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; the only way there is.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show exactly what an action would send, and look at its prerequisites now. Changes nothing."""
    from app.settings import load

    if not dry_run:
        raise BadInput(
            "an action is done in a case, for the owner who asked, and not from here. Add --dry-run to see "
            "what it would send."
        )
    found = asyncio.run(tried(load(), name, account, inputs_of(given or [])))
    print(json.dumps(found, ensure_ascii=False, indent=2) if as_json else as_text(found))


def inputs_of(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for kind, _, value in pairs:
        if not kind or not value:
            raise BadInput(f"--input {kind}: write kind=value, e.g. --input domain=shop.example")
    return {kind: value for kind, _, value in pairs}


# --- list ---------------------------------------------------------------------------------------


def listed(connectors: Connectors, settings: Settings) -> list[dict[str, Any]]:
    """A row for each action; of a secret its reference alone, and whether it is set."""
    return [
        {
            "action": action.name,
            "connector": connector.name,
            "file": connector.file,
            "describe": action.describe,
            "sends": sends(connectors.writes[action.effect]),
            "as": _as(connectors.writes[action.effect], settings),
            "inputs": list(action.inputs),
            "needs": ["an owner of the account asks", *(shown(each) for each in action.prerequisites)],
            "read back": shown(action.read_back) if action.read_back else "nothing; it ends as sent",
            "undo": sends(connectors.writes[action.undo]) if action.undo else "by a person",
            "approval": action.approval,
            "mode": settings.mode(action.name),
        }
        for connector in connectors.of
        for action in connector.actions
    ]


def sends(write: Write) -> str:
    from app.connectors.fill import canonical
    from app.connectors.model import Python, Request, Ticket, Webhook

    match write:
        case Request():
            body = f" {canonical(write.body).decode()}" if write.body is not None else ""
            return f"{write.method} {write.api.address}{write.path}{body}"
        case Webhook():
            body = f" {canonical(write.body).decode()}" if write.body is not None else ""
            return f"POST {write.address}, signed{body}"
        case Ticket():
            where = sends(write.webhook) if write.webhook else "kept in the case, a person sends it"
            return f"a ticket to {write.to}: {where}"
        case Python():
            return f"Python: {write.entry}"


def _as(write: Write, settings: Settings) -> str:
    from app.connectors.model import Python, Request, Ticket, Webhook

    match write:
        case Request():
            key = f"; key in {write.key_header}" if write.key_header else "; takes no key, so never repeated"
            header = f"{write.api.header}: {write.api.scheme}".rstrip(": ")
            return f"{header} {_state(write.api.credential, settings)}{key}"
        case Webhook():
            return f"signed with {_state(write.secret, settings)}; key in Stepfour-Delivery"
        case Ticket():
            return _as(write.webhook, settings) if write.webhook else "nobody"
        case Python():
            return _state(write.credential, settings)


def _state(reference: str | None, settings: Settings) -> str:
    from app.connectors.references import references

    if reference is None:
        return "nobody (no credential)"
    try:
        references(settings)(reference)
    except ConfigError:
        return f"{reference} (not set)"
    return f"{reference} (set)"


def shown(check: Check) -> str:
    params = ", ".join(f"{key}: {json.dumps(value)}" for key, value in check.params)
    return f"{check.name} {{{params}}}" if params else check.name


# --- test ---------------------------------------------------------------------------------------


async def tried(
    settings: Settings, name: str, account: str | None, inputs: dict[str, str], *, net: Net | None = None
) -> dict[str, Any]:
    """What an action would send, and what is seen of its prerequisites now. Reads, and writes nothing."""
    from app.adapters.platform import Platform
    from app.connectors.fill import Meant
    from app.connectors.read import connectors_of
    from app.main import accounts_of, public_net, utc_now
    from app.probes import Job, look_all, probes

    action = _meant(connectors_of(settings.connectors).actions, name, account, inputs)
    assert account is not None, "looked at above"
    net = net or public_net(settings)
    async with accounts_of(settings, loopback=net.loopback) as platform:
        if not isinstance(platform, Platform):
            raise ConfigError("no account API is configured. Set STEPFOUR_PLATFORM_URL.")
        checks = (*action.prerequisites, *([action.read_back] if action.read_back else []))
        subject = next(iter(inputs.values()), None)
        jobs = [Job(check=check, account=account, subject=subject, subjects=inputs) for check in checks]
        looks = probes(platform, net, utc_now)
        found = await look_all(jobs, looks, deadline_s=settings.probe_seconds, clock=utc_now)
        seen = found[: len(action.prerequisites)]
        sent = platform.to_send(Meant(action.effect, account, inputs, KEY, tuple(seen)))
        back = found[len(seen) :]
    return {
        "action": name,
        "account": account,
        "inputs": inputs,
        "sends": _sent(sent),
        "prerequisites": [_seen(each) for each in seen],
        "read_back": _seen(back[0]) if back else None,
        "approval": action.approval,
        "would_run": all(each.met for each in seen),
    }


def _meant(actions: Any, name: str, account: str | None, inputs: dict[str, str]) -> Action:
    from knowledge.yaml_reader import near

    action: Action | None = actions.get(name)
    if action is None:
        hint = near(name, actions) or f"There is: {', '.join(sorted(actions)) or 'none'}."
        raise BadInput(f"there is no action {name}. {hint}")
    if not account:
        raise BadInput("say which account it would be done to: --account ID")
    if strange := sorted(set(inputs) - set(action.inputs)):
        takes = ", ".join(action.inputs) or "no input"
        raise BadInput(f"{name} has no input {strange[0]}. It takes {takes}.")
    if missing := [kind for kind in action.inputs if kind not in inputs]:
        raise BadInput(f"{name} needs a value for {missing[0]}: --input {missing[0]}=VALUE")
    return action


def _sent(sent: Any) -> dict[str, Any]:
    from app.connectors.fill import Prepared, Written

    match sent:
        case Prepared():
            headers = dict(sent.headers)
            if sent.signed:
                headers["stepfour-signature"] = f"t=NOW,v1=({sent.credential})"
            elif sent.credential is not None:
                headers[sent.header.lower()] = f"{sent.scheme} ({sent.credential})".strip()
            body = sent.body.decode() if sent.body is not None else None
            return {"method": sent.method, "url": sent.url, "headers": headers, "body": body}
        case Written():
            return {"ticket": str(sent)}
    return {"python": sent.entry, "credential": sent.credential}


def _seen(finding: Finding) -> dict[str, Any]:
    from app.seeing import seen

    return {"check": finding.check, "met": finding.met, "code": finding.code, "seen": seen(finding, "en")}


def as_text(found: dict[str, Any]) -> str:
    sends = found["sends"]
    if "url" in sends:
        lines = [f"{sends['method']} {sends['url']}"]
        lines += [f"{name}: {value}" for name, value in sorted(sends["headers"].items())]
        lines += [sends["body"]] if sends["body"] is not None else []
    else:
        lines = [f"{name}: {value}" for name, value in sends.items() if value]
    words = {True: "met", False: "not met", None: "unknown"}
    seen = [f"  {words[each['met']]:<8} {each['check']}: {each['seen']}" for each in found["prerequisites"]]
    back = found["read_back"]
    after = f"  {words[back['met']]:<8} {back['seen']}" if back else "  nothing is read back; it ends as sent"
    end = "It would run" if found["would_run"] else "It would be refused"
    approval = "nobody's" if found["approval"] == "none" else f"the {found['approval']}'s"
    return "\n".join(
        [
            "Dry run: nothing was sent. It would send:",
            "",
            *lines,
            "",
            "Prerequisites, as they are now:",
            *seen,
            "The read-back, as it is now:",
            after,
            "",
            f"{end}, with {approval} approval. Whether an owner asks is looked at when it is done.",
        ]
    )
