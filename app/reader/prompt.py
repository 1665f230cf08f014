"""What a language model is given: fixed instructions first, then procedures, then the conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from app.models.conversation import Message
from knowledge.model import Procedure

_CODE = re.compile(r"`([^`\n]+)`")

Count = Callable[[str], int]

STEP_TEXT = 300
"""Characters of a step's text that the model sees."""


@cache
def template(name: str) -> str:
    return files("app.reader").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8").strip()


def render(name: str, **values: str) -> str:
    text = template(name)
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", value)
    return text


def procedures_text(procedures: Sequence[Procedure]) -> str:
    if not procedures:
        return "(none)"
    return "\n".join(_procedure(procedure) for procedure in procedures)


def _procedure(procedure: Procedure) -> str:
    lines = [f"- procedure `{procedure.id}`: {procedure.title}. {procedure.when}"]
    lines.append(f"  subjects: {', '.join(procedure.subjects) or 'none'}")
    for step in procedure.steps:
        plain = " ".join(re.sub(r"[`*_#|]|\{#[\w-]+\}|```", " ", step.text).split())
        lines.append(f"  - step `{step.id}`: {step.title}. {plain[:STEP_TEXT]}")
        if step.outcomes:
            lines.append(f"    outcomes: {', '.join(name for name, _ in step.outcomes)}")
    return "\n".join(lines)


def names(messages: Sequence[Message]) -> dict[str, Message]:
    """Short ids for the model: a long id costs tokens and gets copied wrong."""
    return {f"m{number}": message for number, message in enumerate(messages, start=1)}


def conversation_text(
    named: dict[str, Message], count: Count, budget: int, quotes: Mapping[str, Sequence[str]] | None = None
) -> str:
    """As many messages as fit: the first and the newest ones whole, very long ones cut in the middle.

    `quotes`: message id -> words of it that tell of a step or a subject. They stay when the rest of their
    message goes, so that nothing about the steps is lost; only they may go over the budget.
    """
    told = quotes or {}
    named = _ours_bare(named)
    lines = {name: _line(name, message.role, message.text) for name, message in named.items()}
    cost = {name: count(line) for name, line in lines.items()}
    for name in list(lines)[1:-1]:
        if sum(cost.values()) <= budget:
            break
        lines[name] = _excerpt(name, named[name], told)
        cost[name] = count(lines[name]) if lines[name] else 0
    if sum(cost.values()) > budget:
        whole = [name for name in (next(iter(lines)), next(reversed(lines))) if name in named]
        room = max(400, budget * 3 // max(1, len(whole)))
        lines |= {name: _cut(name, named[name], room, told) for name in whole}
    return "\n".join(line for line in lines.values() if line)


def _ours_bare(named: Mapping[str, Message]) -> dict[str, Message]:
    """Our own replies without what probes read: such values stand in them as code, and whoever owns a record
    or a certificate chose the words. What the customer has named stays: it is what they speak of."""
    said = "\n".join(each.text for each in named.values() if each.role == "customer").casefold()

    def bare(found: re.Match[str]) -> str:
        return found[0] if found[1].casefold() in said else "`…`"

    return {
        name: each.model_copy(update={"text": _CODE.sub(bare, each.text)}) if each.role == "bot" else each
        for name, each in named.items()
    }


def _excerpt(name: str, message: Message, quotes: Mapping[str, Sequence[str]]) -> str:
    said = quotes.get(message.id, ())
    return _line(name, message.role, f"[...] {' [...] '.join(said)} [...]") if said else ""


def _cut(name: str, message: Message, room: int, quotes: Mapping[str, Sequence[str]]) -> str:
    """Its beginning and its end, and between them what it tells of a step."""
    text = message.text
    if len(text) <= room:
        return _line(name, message.role, text)
    head, tail = text[: room // 2], text[-room // 2 :]
    between = [quote for quote in quotes.get(message.id, ()) if quote not in head and quote not in tail]
    return _line(name, message.role, " [...] ".join((head, *between, tail)))


def _line(name: str, role: str, text: str) -> str:
    who = "customer" if role == "customer" else "us"
    return json.dumps({"id": name, "from": who, "text": text}, ensure_ascii=False)


@cache
def counter() -> Count:
    """Tokens as `tiktoken` counts them where its file is at hand; else an estimate: it would fetch it."""
    import hashlib
    import os
    from pathlib import Path

    folder = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    address = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
    if folder and Path(folder, hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()).is_file():
        import tiktoken

        encoding = tiktoken.get_encoding("o200k_base")
        return lambda text: len(encoding.encode(text, disallowed_special=()))
    return lambda text: len(text) // 3 + 1
