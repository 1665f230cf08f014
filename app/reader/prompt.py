"""What a language model is given: fixed instructions first, then procedures, then the conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files

from app.models import Message, Procedure

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


def conversation_text(named: dict[str, Message], count: Count, budget: int) -> str:
    """As many messages as fit: the first and the newest ones; very long ones are cut in the middle."""
    lines = {name: _line(name, message) for name, message in named.items()}
    kept = list(lines)
    droppable = kept[1:-1]
    while droppable and sum(count(lines[name]) for name in kept) > budget:
        kept.remove(droppable.pop(0))
    if sum(count(lines[name]) for name in kept) > budget:
        room = max(400, budget * 3 // max(1, len(kept)))
        lines = {name: _line(name, named[name], room) for name in kept}
    return "\n".join(lines[name] for name in kept)


def _line(name: str, message: Message, room: int | None = None) -> str:
    text = message.text
    if room and len(text) > room:
        text = f"{text[: room // 2]} [...] {text[-room // 2 :]}"
    who = "customer" if message.role == "customer" else "us"
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
