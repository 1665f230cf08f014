"""Whether blocks, chunks and views are what Slack accepts; limits come from `slack_sdk`'s models. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from evals.world.slack.rules import METHOD_PAGE, Broken
from evals.world.slack.state import Json

BLOCK_PAGE = "docs.slack.dev/reference/block-kit/blocks/"
ELEMENT_PAGE = "docs.slack.dev/reference/block-kit/block-elements/"
TEXT_PAGE = "docs.slack.dev/reference/block-kit/composition-objects/text-object"
VIEW_PAGE = "docs.slack.dev/reference/views/"
CHUNK_PAGE = METHOD_PAGE + "chat.appendStream"
TASK_STATUSES = ("pending", "in_progress", "complete", "error")
CHUNK_TEXT = 256
"""Longest title, details or output of a task in a chunk (the append page says so; the error was measured)."""

INPUTS = {
    "plain_text_input", "rich_text_input", "number_input", "email_text_input", "url_text_input",
    "checkboxes", "radio_buttons", "datepicker", "timepicker", "datetimepicker", "file_input",
    "static_select", "external_select", "users_select", "conversations_select", "channels_select",
    "multi_static_select", "multi_external_select", "multi_users_select", "multi_conversations_select",
    "multi_channels_select",
}  # fmt: skip
BUTTONS = {"button", "overflow", "workflow_button", "icon_button", "feedback_buttons"}
CHOICES = {kind for kind in INPUTS if "select" in kind or "picker" in kind} | {"checkboxes", "radio_buttons"}
ALLOWED: dict[str, set[str]] = {
    "actions": CHOICES | {"button", "overflow", "workflow_button"},
    "context": {"image"},
    "context_actions": {"feedback_buttons", "icon_button"},
    "input": INPUTS,
    "section": CHOICES | {"button", "overflow", "image", "workflow_button"},
    "card": {"button"},
}
"""Which elements a block may hold: the pages of the blocks name them."""


class Bad(NamedTuple):
    where: str
    detail: str
    doc: str


@cache
def _models(base: str) -> dict[str, Any]:
    from slack_sdk.models.blocks import Block, BlockElement

    root: Any = {"block": Block, "element": BlockElement}[base]
    found: dict[str, Any] = {}
    left = [root]
    while left:
        cls = left.pop(0)
        left += cls.__subclasses__()
        if isinstance(getattr(cls, "type", None), str):
            found.setdefault(cls.type, cls)  # a special case of a type comes later: LinkButtonElement
    return found


def warm() -> None:
    """Loads the models now, so that no delivery waits for it."""
    _models("block")
    _models("element")


def _modelled(given: Any, base: str, where: str, page: str) -> Iterator[Bad]:
    """Its model's required and known attributes, and its validators."""
    from slack_sdk.errors import SlackObjectFormationError

    kind = given.get("type") if isinstance(given, dict) else None
    model = _models(base).get(str(kind))
    if model is None:
        yield Bad(where, f"unsupported type: {kind!r}", page)
        return
    fields = {key: value for key, value in given.items() if key != "type"}
    try:
        made = model(**fields)
    except TypeError as error:
        yield Bad(where, f"missing required field: {error}", page + str(kind))
        return
    except (AttributeError, SlackObjectFormationError, ValueError) as error:
        yield Bad(where, f"invalid {kind}: {error}", page + str(kind))
        return
    unknown = set(fields) - set(made.attributes) - {"block_id"}
    if unknown:
        yield Bad(where, f"invalid additional property: {', '.join(sorted(unknown))}", page + str(kind))
    try:
        made.validate_json()
    except (SlackObjectFormationError, TypeError, AttributeError) as error:
        yield Bad(where, str(error), page + str(kind))


def _text(given: Any, where: str, *, longest: int = 3000, plain: bool = False) -> Iterator[Bad]:
    if given is None:
        return
    if not isinstance(given, dict) or given.get("type") not in ("plain_text", "mrkdwn"):
        yield Bad(where, "must be a text object of type plain_text or mrkdwn", TEXT_PAGE)
        return
    text, kind = given.get("text"), given["type"]
    if plain and kind != "plain_text":
        yield Bad(where, "must be plain_text", TEXT_PAGE)
    if not isinstance(text, str) or not 1 <= len(text) <= longest:
        size = len(text) if isinstance(text, str) else 0
        yield Bad(where, f"text must have 1 to {longest} characters, it has {size}", TEXT_PAGE)
    extra = set(given) - {"type", "text", "emoji" if kind == "plain_text" else "verbatim"}
    if extra:
        yield Bad(where, f"invalid additional property: {', '.join(sorted(extra))}", TEXT_PAGE)


def _element(given: Any, block: str, where: str) -> Iterator[Bad]:
    kind = given.get("type") if isinstance(given, dict) else None
    if block == "context" and kind in ("plain_text", "mrkdwn"):
        yield from _text(given, where)
        return
    if kind not in ALLOWED.get(block, set()):
        yield Bad(where, f"a {block} block holds no {kind!r}", BLOCK_PAGE + f"{block}-block")
        return
    yield from _modelled(given, "element", where, ELEMENT_PAGE)
    if kind == "button":
        yield from _text(given.get("text"), f"{where}/text", longest=75, plain=True)
        if given.get("style") not in (None, "primary", "danger"):
            yield Bad(where, "style must be primary or danger", ELEMENT_PAGE + "button-element")
    if kind == "feedback_buttons":
        for side in ("positive_button", "negative_button"):
            button = given.get(side) or {}
            yield from _text(button.get("text"), f"{where}/{side}", longest=75, plain=True)
            if not isinstance(button.get("value"), str) or not 1 <= len(button["value"]) <= 2000:
                doc = ELEMENT_PAGE + "feedback-buttons-element"
                yield Bad(f"{where}/{side}", "value must have 1 to 2000 characters", doc)
    for key in ("placeholder",):
        yield from _text(given.get(key), f"{where}/{key}", longest=150, plain=True)


def _sources(given: Any, where: str) -> Iterator[Bad]:
    doc = ELEMENT_PAGE + "url-source-element"
    for number, source in enumerate(given or ()):
        at = f"{where}/sources/{number}"
        if not isinstance(source, dict) or source.get("type") != "url":
            yield Bad(at, "a source has the type url", doc)
        elif not source.get("text") or not isinstance(source["text"], str):
            yield Bad(at, "missing required field: text", doc)
        elif not str(source.get("url", "")).startswith(("https://", "http://")):
            yield Bad(at, "url must be a web address", doc)


def _task(given: Any, where: str) -> Iterator[Bad]:
    doc = BLOCK_PAGE + "task-card-block"
    if not isinstance(given, dict):
        yield Bad(where, "must be a task card", doc)
        return
    task: Json = {"type": "task_card", "status": "pending"} | given
    yield from _modelled(task, "block", where, BLOCK_PAGE)
    for key in ("details", "output"):
        if task.get(key) is not None and not (
            isinstance(task[key], dict) and task[key].get("type") == "rich_text"
        ):
            yield Bad(f"{where}/{key}", "must be one rich_text entity", doc)
    for key in ("task_id", "title"):
        if not isinstance(task.get(key), str) or not task[key]:
            yield Bad(f"{where}/{key}", "must be a string with words in it", doc)
    yield from _sources(task.get("sources"), where)


def _block(block: Any, where: str) -> Iterator[Bad]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "task_card":
        yield from _task(block, where)
        return
    found = list(_modelled(block, "block", where, BLOCK_PAGE))
    yield from found
    if found:
        return
    yield from OF_KIND.get(str(kind), _nothing)(block, where)
    for number, element in enumerate(held_elements(block)):
        yield from _element(element, str(kind), f"{where}/elements/{number}")
    for number, inner in enumerate(block.get("child_blocks") or ()):
        yield from _block(inner, f"{where}/child_blocks/{number}")
    yield from _unique_actions(block, where)


def _nothing(_: Json, __: str) -> Iterator[Bad]:
    yield from ()


def _header(block: Json, where: str) -> Iterator[Bad]:
    yield from _text(block.get("text"), f"{where}/text", longest=150, plain=True)


def _section(block: Json, where: str) -> Iterator[Bad]:
    yield from _text(block.get("text"), f"{where}/text")
    for number, field in enumerate(block.get("fields") or ()):
        yield from _text(field, f"{where}/fields/{number}", longest=2000)


def _plan(block: Json, where: str) -> Iterator[Bad]:
    doc = BLOCK_PAGE + "plan-block"
    if not isinstance(block.get("title"), str) or not block["title"]:
        yield Bad(f"{where}/title", "must be a string with words in it", doc)
    for number, task in enumerate(block.get("tasks") or ()):
        yield from _task(task, f"{where}/tasks/{number}")
    if len(block.get("tasks") or ()) > 50:
        yield Bad(where, "at most 50 tasks", doc)


def _alert(block: Json, where: str) -> Iterator[Bad]:
    yield from _text(block.get("text"), f"{where}/text", longest=200)


def _card(block: Json, where: str) -> Iterator[Bad]:
    if len(block.get("actions") or ()) > 3:
        yield Bad(where, "at most 3 actions", BLOCK_PAGE + "card-block")


def _input(block: Json, where: str) -> Iterator[Bad]:
    yield from _text(block.get("label"), f"{where}/label", longest=2000, plain=True)


OF_KIND: dict[str, Callable[[Json, str], Iterator[Bad]]] = {
    "alert": _alert,
    "card": _card,
    "header": _header,
    "input": _input,
    "plan": _plan,
    "section": _section,
}
"""What a block's own page says beyond its model: docs.slack.dev/reference/block-kit/blocks/<kind>-block."""


def held_elements(block: Json) -> list[Any]:
    kind = block["type"]
    if kind in ("actions", "context", "context_actions"):
        return list(block.get("elements") or ())
    if kind == "card":
        return list(block.get("actions") or ())
    key = {"section": "accessory", "input": "element"}.get(kind, "")
    return [block[key]] if block.get(key) is not None else []


def _unique_actions(block: Json, where: str) -> Iterator[Bad]:
    ids = [e["action_id"] for e in held_elements(block) if isinstance(e, dict) and "action_id" in e]
    for action_id in sorted({one for one in ids if ids.count(one) > 1}):
        yield Bad(where, f"action_id {action_id!r} is twice in one block", ELEMENT_PAGE + "button-element")


def bad_blocks(blocks: Any, *, most: int = 50) -> Iterator[Bad]:
    """docs.slack.dev/reference/block-kit/blocks: 50 in a message, 100 in a view."""
    if not isinstance(blocks, list):
        yield Bad("blocks", "must be an array of objects", BLOCK_PAGE)
        return
    if len(blocks) > most:
        yield Bad("blocks", f"{len(blocks)} blocks, at most {most} are allowed", BLOCK_PAGE)
    for number, block in enumerate(blocks):
        yield from _block(block, f"blocks/{number}")
    kinds = {block.get("type") for block in blocks if isinstance(block, dict)}
    if {"plan", "task_card"} <= kinds:
        yield Bad("blocks", "plan and task_card exclude each other", BLOCK_PAGE + "plan-block")
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and block.get("block_id")]
    for block_id in sorted({one for one in ids if ids.count(one) > 1}):
        yield Bad("blocks", f"block_id {block_id!r} is there twice", BLOCK_PAGE)


def _chunk(chunk: Any) -> Iterator[Bad]:
    from slack_sdk.models.messages.chunk import (
        BlocksChunk,
        MarkdownTextChunk,
        PlanUpdateChunk,
        TaskUpdateChunk,
    )

    models: dict[str, Any] = {
        c.type: c for c in (BlocksChunk, MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk)
    }
    kind = chunk.get("type") if isinstance(chunk, dict) else None
    if kind not in models:
        yield Bad("chunks", f"unsupported chunk: {kind!r}", CHUNK_PAGE)
        return
    try:
        made = models[kind](**{key: value for key, value in chunk.items() if key != "type"})
    except TypeError as error:
        yield Bad(f"chunks/{kind}", f"missing required field: {error}", CHUNK_PAGE)
        return
    unknown = set(chunk) - set(made.attributes) - ({"icon", "hide_title"} if kind == "task_update" else set())
    if unknown:
        yield Bad(f"chunks/{kind}", f"unknown: {', '.join(sorted(unknown))}", CHUNK_PAGE)
    if kind == "blocks":
        yield from bad_blocks(chunk["blocks"])
        return
    for key in ("text", "title", "id", "details", "output"):
        value = chunk.get(key)
        if value is not None and not isinstance(value, str):
            yield Bad(f"chunks/{kind}/{key}", "must be a string", CHUNK_PAGE)
    if kind == "task_update":
        if chunk["status"] not in TASK_STATUSES:
            yield Bad(
                "chunks/task_update/status", f"{chunk['status']!r} is none of {TASK_STATUSES}", CHUNK_PAGE
            )
        yield from _sources(chunk.get("sources"), "chunks/task_update")


def check_chunks(chunks: Any) -> Broken | None:
    """docs.slack.dev/reference/methods/chat.appendStream#chunks"""
    for chunk in chunks or ():
        for bad in _chunk(chunk):
            return Broken("invalid_chunks", f"{bad.detail} [{bad.where}]", bad.doc)
        too_long = _too_long(chunk)
        if too_long:
            return Broken("msg_too_long", too_long, CHUNK_PAGE)
    return None


def _too_long(chunk: Json) -> str | None:
    longest = 12_000 if chunk["type"] == "markdown_text" else CHUNK_TEXT
    for key in ("text", "title", "details", "output"):
        if len(chunk.get(key) or "") > longest:
            return f"{key} of a {chunk['type']} chunk has {len(chunk[key])} of at most {longest} characters"
    return None


def check_blocks(blocks: Any) -> Broken | None:
    if blocks is None:
        return None
    for bad in bad_blocks(blocks):
        return Broken("invalid_blocks", f"{bad.detail} [json-pointer:/{bad.where}]", bad.doc)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > 12_000:  # of all of them together
        detail = f"the markdown blocks have {markdown} of at most 12000 characters"
        return Broken("msg_blocks_too_long", detail, BLOCK_PAGE + "markdown-block")
    return None


def check_view(view: Any) -> Broken | None:
    """docs.slack.dev/reference/views/modal-views and home-tab-views"""
    for bad in bad_view(view):
        return Broken("invalid_arguments", f"{bad.detail} [json-pointer:/view/{bad.where}]", bad.doc)
    return None


VIEW_KEYS = {
    "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
    "notify_on_close", "external_id", "submit_disabled",
}  # fmt: skip


def bad_view(view: Any) -> Iterator[Bad]:
    if not isinstance(view, dict) or view.get("type") not in ("modal", "home"):
        yield Bad("type", "a view is a modal or a home", VIEW_PAGE)
        return
    doc = VIEW_PAGE + ("modal-views" if view["type"] == "modal" else "home-tab-views")
    for key in sorted(set(view) - VIEW_KEYS):
        yield Bad(key, "invalid additional property", doc)
    if view["type"] == "modal" and "title" not in view:
        yield Bad("title", "missing required field: title", doc)
    if view["type"] == "home" and view.keys() & {"submit", "close", "title"}:
        yield Bad("title", "a home has no title, submit or close", doc)
    for key in ("title", "submit", "close"):
        yield from _text(view.get(key), key, longest=24, plain=True)
    blocks = view.get("blocks")
    yield from bad_blocks(blocks, most=100)
    kinds = (
        {block.get("type") for block in blocks if isinstance(block, dict)}
        if isinstance(blocks, list)
        else set()
    )
    if "input" in kinds and view["type"] == "modal" and "submit" not in view:
        yield Bad("submit", "submit is required when the view has an input", doc)
    for key, longest in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        value = view.get(key, "")
        if not isinstance(value, str) or len(value) > longest:
            yield Bad(key, f"must be a string of at most {longest} characters", doc)
