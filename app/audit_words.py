"""The audit trail in sentences, for somebody who leads support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.audit import Fault

if TYPE_CHECKING:
    from app.trail import Told, Verified


def verdict(found: Verified, anchor: Path) -> str:
    """What was found, and what to do."""
    if found.fault is not None:
        where = f"at line {found.fault.seq} ({found.fault.wrong})"
        advice = _advice(found.fault, anchor)
        return f"The audit trail does not hold {where}: {found.fault.detail}.\n{advice}"
    until = found.until[:19].replace("T", " ")
    out = [f"The audit trail holds: {found.lines} lines, the last of {until} UTC."]
    if found.anchored:
        out.append(f"It agrees with its anchors: {found.anchors}, the newest at line {found.anchored}.")
    else:
        out.append("Nothing is anchored yet: a cut end would not be seen. A running service anchors it.")
    out.append(
        f"Records that say what they said then: {found.rows}. Names that were erased: {found.forgotten}."
    )
    return "\n".join(out)


def _advice(fault: Fault, anchor: Path) -> str:
    if fault.wrong in ("older", "cut", "rewritten"):
        return (
            "Keep the folder as it is, and look who had access. If you restored a backup yourself, move "
            f"{anchor} aside: the next start anchors anew."
        )
    return "Keep the folder as it is, and hold it against a backup of before."


def in_words(told: Told) -> str:
    """Who did what and when, and below it why."""
    head = f"{told.at:%Y-%m-%d %H:%M:%S} UTC  #{told.seq}  {person(told.who)} {_did(told)}"
    return "\n".join([head, *(f"    {line}" for line in _why(told))])


def person(party: str) -> str:
    kind, _, rest = party.partition(":")
    account, _, id = rest.partition(":")
    match kind:
        case "customer":
            return f"{id} of {account}"
        case "agent":
            return f"{id} (agent)"
        case "anonymous":
            return f"a visitor ({id[:12]})"
        case "stepfour":
            return "Stepfour"
        case "operator":
            return "the operator"
        case _:
            return f"somebody who was erased ({party})" if party.startswith("p_") else party


def _did(told: Told) -> str:
    say = _SENTENCES.get(told.what)
    return say(told) if say is not None else _plain(told.what)


def _plain(code: object) -> str:
    return str(code).replace("_", " ")


def _decided(told: Told) -> str:
    more = told.more
    of = ", ".join(f"{k} {v}" for k, v in more["decision"].items() if not isinstance(v, bool))
    rule = f", by the rule “{_plain(more['rule'])}”" if more["rule"] else ""
    mode = "" if more["mode"] == "auto" else f" (mode {more['mode']})"
    return f"decided: {_plain(told.code)}{f' ({of})' if of else ''}{rule}{mode}"


def _asked(told: Told) -> str:
    verb = _STATES.get(told.code, told.code)
    what = "the undo of" if "undoes" in told.more else "the action"
    return f"{verb} {what} {told.more['action']} ({told.about})"


_STATES: Mapping[str, str] = {
    "executing": "begins",
    "verifying": "has sent, and looks whether it took effect,",
    "done": "has seen the effect of",
    "undone": "took back",
    "needs_person": "left to a person",
    "expired": "let nobody approve any more",
}
"""Verbs; any other state is one."""


def _marked(told: Told) -> str:
    status = f" {_plain(told.more['status'])}" if "status" in told.more else ""
    return f"said of the step {told.more['step']}:{status} ({_plain(told.code)})"


def _one_time(told: Told) -> str:
    what = "sign-in link" if told.code == "sign-in" else f"{told.code} code"
    if told.what == "one_time_made":
        return f"was given a one-time {what}"
    return f"used a one-time {what}{', too late' if told.more.get('late') else ''}"


def _erased(told: Told) -> str:
    more = told.more
    if told.code == "document":
        return f"erased the document {', '.join(more['documents'])} from {more['rows']} records"
    if told.code == "conversation":
        return f"erased a conversation whose time was over ({told.conversation})"
    names = ", ".join(more["names"]) or "of before the trail"
    return f"erased a customer ({names}): {more['conversations']} conversations, {more['cases']} cases"


def _began(told: Told) -> str:
    before = "; the data folder was in use before, and of that no line tells"
    return f"began the audit trail{before if told.code == 'existing' else ''}"


def _started(told: Told) -> str:
    changed = ", with other settings than before" if told.code == "changed" else ""
    modes = ", ".join(f"{name} {mode}" for name, mode in told.more["modes"].items())
    return f"started{changed} (modes: {modes or 'suggest everywhere'})"


_SENTENCES: Mapping[str, Callable[[Told], str]] = {
    "began": _began,
    "started": _started,
    "message": lambda _: "wrote",
    "amended": lambda _: "changed what they wrote",
    "turn": _decided,
    "request": _asked,
    "fact": _marked,
    "taken_over": lambda _: "took the conversation over",
    "given_back": lambda _: "gave the conversation back",
    "seen": lambda _: "opened the conversation",
    "handed_over": lambda _: "had the conversation handed to a person",
    "case": lambda told: f"set the case {told.case} to {_plain(told.code)}",
    "suggestion": lambda told: f"{told.code} a suggested reply",
    "identified": lambda told: f"now holds a conversation that was with {person(told.more['was'])}",
    "linked": lambda told: f"was linked with another service (by {told.code})",
    "one_time_made": _one_time,
    "one_time_used": _one_time,
    "signed_in": lambda _: "signed in",
    "roles": lambda told: f"has the roles of the provider: {', '.join(told.more['roles']) or 'none'}",
    "signed_out": lambda told: "was signed out by an operator" if told.code else "signed out",
    "key_made": lambda told: f"made the API key {told.about} ({', '.join(told.more['scopes'])})",
    "key_revoked": lambda told: f"revoked the API key {told.about}",
    "switched": lambda told: f"switched {told.code}",
    "cleaned": lambda told: f"took words of an erased document out of {told.about}",
    "restored": lambda told: (
        f"put an old copy in place ({told.more['backup']}, up to line {told.more['head']})"
    ),
    "exported": lambda told: f"was handed all that is kept of {person(told.party or '')}",
    "erased": _erased,
}


def _why(told: Told) -> list[str]:
    out = []
    if told.words is not None:
        because = "because " if told.what == "turn" else ""
        out += [f"{because}{line}" for line in told.words.splitlines()]
    elif told.what in ("message", "amended", "turn"):
        out.append("(the words were erased)")
    seen = []
    if told.what == "request":
        seen += [f"{check} {code}" for check, code, _ in told.more.get("seen", ())]
    for step, (word, *looks) in told.more.get("steps", {}).items():
        codes = dict.fromkeys(f"({check} {code})" for check, code, _ in looks)
        seen.append(" ".join([step, _plain(word), *codes]))
    return [*out, f"seen: {', '.join(seen)}"] if seen else out
