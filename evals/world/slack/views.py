"""The Web API's methods about modals and the home tab, and what a submission's answer does to them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from evals.world.slack import blocks, wire
from evals.world.slack.rules import METHOD_PAGE, Broken
from evals.world.slack.state import Json, View

if TYPE_CHECKING:
    from evals.world.slack.slack import FakeSlack

MOST_VIEWS = 3
"""docs.slack.dev/surfaces/modals: at most three views in a stack."""


def _spend_trigger(slack: FakeSlack, args: Json, method: str) -> tuple[str, str | None] | Broken:
    """docs.slack.dev/interactivity/handling-user-interaction: a trigger lives 3 s, for one use."""
    page = METHOD_PAGE + method
    trigger = args.get("trigger_id")
    if trigger is None:
        return Broken("invalid_arguments", "missing required field: trigger_id", page)
    if trigger not in slack.state.triggers:
        return Broken("invalid_trigger_id", f"nobody was given {trigger}", page)
    given, user, view = slack.state.triggers[trigger]
    if given < 0:
        return Broken("exchanged_trigger_id", "it was used before", page)
    if time.monotonic() - given > slack.options.trigger_seconds:
        return Broken("expired_trigger_id", f"older than {slack.options.trigger_seconds} s", page)
    slack.state.triggers[trigger] = (-1.0, user, view)
    return user, view


def fill(content: Json) -> Json:
    """Blocks get the ids that Slack gives those without one."""
    return content | {"blocks": list(wire.with_ids(content.get("blocks")))}


def _new(
    slack: FakeSlack, user: str, content: Json, previous: View | None = None, home: bool = False
) -> View:
    view_id = slack.state.next_id("V")
    return slack.state.put_view(
        View(
            id=view_id,
            hash=f"{int(time.time())}.{secrets.token_hex(4)}",
            user=user,
            content=fill(content),
            root_id=previous.root_id if previous else view_id,
            previous_id=previous.id if previous else None,
            home=home,
        )
    )


def open_view(slack: FakeSlack, args: Json) -> Json | Broken:
    broken = blocks.check_view(args["view"]) or _twice(slack, args["view"], "views.open")
    if broken:
        return broken
    if args["view"]["type"] != "modal":
        return Broken("invalid_arguments", "views.open opens modals", METHOD_PAGE + "views.open")
    spent = _spend_trigger(slack, args, "views.open")
    if isinstance(spent, Broken):
        return spent
    for view in slack.open_views(spent[0]):
        slack.state.put_view(view.model_copy(update={"open": False}))
    return {"view": wire.view_json(_new(slack, spent[0], args["view"]))}


def _twice(slack: FakeSlack, content: Json, method: str, but: str = "") -> Broken | None:
    taken = content.get("external_id")
    for view in slack.state.views.values():
        if taken and view.open and view.id != but and view.content.get("external_id") == taken:
            return Broken("duplicate_external_id", str(taken), METHOD_PAGE + method)
    return None


def push_view(slack: FakeSlack, args: Json) -> Json | Broken:
    broken = blocks.check_view(args["view"]) or _twice(slack, args["view"], "views.push")
    if broken:
        return broken
    spent = _spend_trigger(slack, args, "views.push")
    if isinstance(spent, Broken):
        return spent
    stack = slack.open_views(spent[0])
    if not stack or spent[1] is None:
        return Broken("not_found", "the trigger is not of an open modal", METHOD_PAGE + "views.push")
    if len(stack) >= MOST_VIEWS:
        return Broken("push_limit_reached", f"{MOST_VIEWS} views are open", METHOD_PAGE + "views.push")
    return {"view": wire.view_json(_new(slack, spent[0], args["view"], stack[-1]))}


def update_view(slack: FakeSlack, args: Json) -> Json | Broken:
    page = METHOD_PAGE + "views.update"
    if not args.get("view_id") and not args.get("external_id"):
        return Broken("invalid_arguments", "view_id or external_id", page)
    view = slack.state.views.get(args.get("view_id") or "") or next(
        (
            one
            for one in slack.state.views.values()
            if args.get("external_id") and one.content.get("external_id") == args["external_id"]
        ),
        None,
    )
    if view is None or not view.open or view.home:
        return Broken("not_found", "there is no such open view", page, fault=view is None)
    broken = blocks.check_view(args["view"]) or _twice(slack, args["view"], "views.update", view.id)
    if broken:
        return broken
    if args.get("hash") not in (None, view.hash):
        return Broken("hash_conflict", "the view changed in between", page, fault=False)
    return {"view": wire.view_json(replaced(slack, view, args["view"]))}


def replaced(slack: FakeSlack, view: View, content: Json) -> View:
    changes = {"content": fill(content), "hash": f"{int(time.time())}.{secrets.token_hex(4)}"}
    return slack.state.put_view(view.model_copy(update=changes))


def publish_view(slack: FakeSlack, args: Json) -> Json | Broken:
    page = METHOD_PAGE + "views.publish"
    broken = blocks.check_view(args["view"])
    if broken:
        return broken
    if args["view"]["type"] != "home":
        return Broken("invalid_arguments", "views.publish takes a home", page)
    if args["user_id"] not in slack.state.users:
        return Broken("user_not_found", args["user_id"], page)
    view = slack.home(args["user_id"])
    if view is None:
        return {"view": wire.view_json(_new(slack, args["user_id"], args["view"], home=True))}
    if args.get("hash") not in (None, view.hash):
        return Broken("hash_conflict", "the view changed in between", page, fault=False)
    return {"view": wire.view_json(replaced(slack, view, args["view"]))}


def after_submission(slack: FakeSlack, view: View, answer: Any) -> dict[str, str]:
    """What the acknowledgement's `response_action` does; the errors it shows, by block.

    docs.slack.dev/surfaces/modals/#updating_views
    """
    page = "docs.slack.dev/surfaces/modals"
    action = answer.get("response_action") if isinstance(answer, dict) else None
    known = {block["block_id"] for block in view.content["blocks"]}
    if action == "errors":
        errors: dict[str, str] = answer.get("errors") or {}
        if not errors or set(errors) - known:
            detail = f"errors must name blocks of the view, not {sorted(set(errors) - known)}"
            slack.violate(Broken("", detail, page), "view_submission", {"answer": answer})
        return errors
    if action in ("update", "push"):
        broken = blocks.check_view(answer.get("view"))
        if broken:
            slack.violate(broken, "view_submission", {"answer": answer})
        elif action == "update":
            replaced(slack, view, answer["view"])
        else:
            _new(slack, view.user, answer["view"], view)
        return {}
    if action not in (None, "clear") or (answer and action is None):
        detail = f"an acknowledgement is empty or has a response_action, not {answer!r}"
        slack.violate(Broken("", detail, page), "view_submission", {"answer": answer})
    for one in slack.open_views(view.user) if action == "clear" else [view]:
        slack.state.put_view(one.model_copy(update={"open": False}))
    return {}


SERVED: dict[str, Callable[[Any, Json], Json | Broken]] = {
    "views.open": open_view,
    "views.publish": publish_view,
    "views.push": push_view,
    "views.update": update_view,
}
