"""Actions -> words: what we are about to do, and how a request stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.models import Finding, RequestState
from app.seeing import say_seen
from app.texts import has, label, listed, say, shown


def action_text(
    action: str,
    state: RequestState,
    lang: str,
    *,
    readback: bool | None = None,
    subjects: Sequence[str] = (),
    title: str = "",
    approval: str = "agent",
    declined: bool = False,
    findings: Sequence[Finding] = (),
) -> str:
    """How an action request stands, for the customer. "Done" is said only where the read-back saw it.

    `title`: of the procedure, for an action without words of its own. Where it was refused: `declined` if a
    person said no, else `findings` is what was seen right before the effect. A request's `detail` is for
    agents and has no place here.
    """
    names = listed([shown(subject, lang) for subject in subjects], lang)
    after = say(lang, "action.subjects", subjects=names) if names else ""
    do = action_words(action, "do", lang, title=title)
    failed = [finding for finding in findings if finding.met is not True]
    match state:
        case "done" if readback:
            key, values = ("done_for", {"subjects": names}) if names else ("done", {})
            return f"{action_words(action, key, lang, **values)} {say(lang, 'action.read_back')}"
        case "done" | "needs_person":
            return say(lang, "action.needs_person", do=do, subjects=after)
        case "refused" if declined:
            return say(lang, "action.refused", do=do, subjects=after)
        case "refused" if failed:
            return say_seen(lang, "action.not_in_place", failed)
        case "refused":
            return say(lang, "action.not_now")
        case "proposed":
            key = "action.proposed_customer" if approval == "customer" else "action.proposed_agent"
            return say(lang, key, do=do, subjects=after)
        case _:
            return say(lang, f"action.{state}", do=do, subjects=after)


class ActionTitles(NamedTuple):
    """Short words for an action on a card or a progress line."""

    command: str
    """For a button: "Switch HTTPS on"."""
    progress: str
    undo: str
    """How it can be undone, as a sentence."""


def action_titles(action: str, lang: str) -> ActionTitles:
    return ActionTitles(*(action_words(action, part, lang) for part in ActionTitles._fields))


def action_words(action: str | None, part: str, lang: str, title: str = "", **values: str) -> str:
    key = f"action.{action}.{part}"
    if action and has(lang, key):
        return say(lang, key, **values)
    if part == "do" and title:
        return say(lang, "action.general.do_titled", title=f"**{label(title)}**")
    return say(lang, f"action.general.{part}", **values)
