"""`stepfour changes`: what is new, changed and gone since a moment, for people who answer customers."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

SIGN = {"new": "+", "changed": "~", "moved": ">", "removed": "-"}


def changes(
    since: Annotated[
        str,
        typer.Option(help="A date (2026-05-01), a time back (7d, 12h), or a sync's number: from it on."),
    ] = "7d",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what changed in the documents, sentence by sentence, and which procedures and cases it touches."""
    from app.commands.admin import run
    from app.settings import load

    found = run(load(), "changes", {"since": since}, lambda _: None)
    print(json.dumps(found, ensure_ascii=False, indent=2) if as_json else told(found))


def told(found: dict[str, Any]) -> str:
    if not found["pages"]:
        return f"Nothing changed since {_moment(found['since'])}."
    out: list[str] = []
    topic = None
    for page in found["pages"]:
        if page["topic"] != topic:
            topic = page["topic"]
            out += ["", topic] if out else [topic]
        out += [f"  {line}" for line in _page(page)]
    if found["procedures"]:
        out += ["", "Procedures"]
        out += [f"  {line}" for each in found["procedures"] for line in _procedure(each)]
    if found["cases"]:
        out += ["", f"Open cases ({len(found['cases'])})"]
        out += [f"  {_case(case)}" for case in found["cases"]]
    kinds = [page["kind"] for page in found["pages"]]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in SIGN if kind in kinds)
    return "\n".join([*out, "", f"Since {_moment(found['since'])}: {counted}."])


def _moment(text: str) -> str:
    return text[:16].replace("T", " ") + (" UTC" if text.endswith(("Z", "+00:00")) else "")


def _page(page: dict[str, Any]) -> list[str]:
    out = [f"{SIGN[page['kind']]} {page['title']} ({page['path']}, {page['lang']})"]
    if page["moved_from"]:
        out.append(f"    was at {page['moved_from']}")
    heading = None
    for each in page["sentences"]:
        if each["heading"] != heading:
            heading = each["heading"]
            out += [f"    # {heading}"] if heading else []
        out += [f"    - {each['before']}"] if each["before"] else []
        out += [f"    + {each['after']}"] if each["after"] else []
    return out


def _procedure(each: dict[str, Any]) -> list[str]:
    waits = f"; waits for approval: stepfour procedures diff {each['procedure']}" if each["waits"] else ""
    out = [f"{SIGN[each['kind']]} {each['procedure']}: {each['title']}{waits}"]
    out += [f"    step {step['step']} ({step['title']}): {', '.join(step['what'])}" for step in each["steps"]]
    if each["action"]:
        before, after = (name or "none" for name in each["action"])
        out.append(f"    action: {before} -> {after}")
    return out


def _case(case: dict[str, Any]) -> str:
    why = [f"follows {case['procedure']}"] if case["procedure"] else []
    why += [f"was sent words of {document}" for document in case["cited"]]
    return f"{case['case']} in {case['conversation']} ({case['state'].replace('_', ' ')}): {'; '.join(why)}"
