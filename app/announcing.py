"""What is said besides the replies to a decision: how an action stands, who takes over and when, and
whether it is solved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, get_args

from app.hours import Handover
from app.models.decision import HandOff
from app.models.request import RequestState
from app.models.steps import Finding
from app.seeing import say_seen
from app.texts import back_at, has, label, listed, say, shown, wait


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
    by_hand: bool = False,
) -> str:
    """How an action request stands, for the customer. "Done" is said only where the read-back saw it.

    `title`: of the procedure, for an action without words of its own. Where it was refused: `declined` if a
    person said no, else `findings` is what was seen right before the effect. `by_hand`: a person has to send
    what we wrote. A request's `detail` is for
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
        case "needs_person" if by_hand:
            return say(lang, "action.by_hand", do=do, subjects=after)
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
    if action and action.startswith("undo_"):
        return say(lang, f"action.undo_general.{part.removesuffix('_for')}")
    if part == "do" and title:
        return say(lang, "action.general.do_titled", title=f"**{label(title)}**")
    return say(lang, f"action.general.{part}", **values)


def lost(action: str, seen: Sequence[Finding], lang: str, *, by_customer: bool = False) -> str:
    """A change that was done does not hold any more. `by_customer`: the undo is theirs to approve."""
    told = say_seen(lang, "action.lost", seen, do=action_words(action, "do", lang))
    return f"{told} {say(lang, 'action.lost_undo')}" if by_customer else told


# --- who takes over, and when -------------------------------------------------------------------


_REASONS = frozenset(get_args(HandOff.model_fields["reason"].annotation))


def handed_over(
    lang: str, reason: str, handover: Handover | None = None, *, now: datetime | None = None
) -> str:
    """A handoff that no decision made, e.g. by the button: why, who has it, and when they answer.

    `reason`: of a `HandOff`, or `reopened`. `now`: so that `today` and `tomorrow` can be said.
    """
    if reason == "reopened":
        return reopened(lang, handover, now=now)
    passed = passed_on(handover or Handover(), lang, now=now, urgent=reason == "danger")
    if reason not in _REASONS:
        return passed
    plain = f"hand_off.{reason}_plain"
    return f"{say(lang, plain if has(lang, plain) else f'hand_off.{reason}')} {passed}"


def passed_on(handover: Handover, lang: str, *, now: datetime | None = None, urgent: bool = False) -> str:
    """Who has it now, with what, and when they answer."""
    key = "hand_off.passed_team" if handover.team else "hand_off.passed"
    who = say(lang, f"{key}_urgent" if urgent else key, team=label(handover.team or ""))
    return f"{who} {when_they_answer(handover, lang, now=now)}"


def when_they_answer(handover: Handover, lang: str, *, now: datetime | None = None) -> str:
    """What is known of it, and no promise beyond."""
    if handover.opens_at is not None:
        return say(lang, "hand_off.back", when=back_at(handover.opens_at, handover.zone, lang, now))
    if handover.eta_s is not None:
        return say(lang, "hand_off.lately", wait=wait(handover.eta_s, lang))
    return say(lang, "hand_off.there" if handover.hours == "open" else "hand_off.when")


# --- is it solved? ------------------------------------------------------------------------------


def solved_question(lang: str, title: str = "") -> str:
    """Asked once an agent is finished. `title`: of the procedure, where there is one."""
    if not title:
        return say(lang, "solved.question_plain")
    return say(lang, "solved.question", title=f"**{label(title)}**")


def solved_answers(lang: str) -> tuple[str, str]:
    """Words for the two buttons: it is, it is not."""
    return say(lang, "solved.answer_yes"), say(lang, "solved.answer_no")


def solved_thanks(lang: str) -> str:
    return say(lang, "solved.thanks")


def reopened(lang: str, handover: Handover | None = None, *, now: datetime | None = None) -> str:
    """The customer said that it is not solved: it goes back to people with everything known."""
    if handover is None or handover.team is None:
        return say(lang, "solved.reopened")
    again = say(lang, "solved.reopened_team", team=label(handover.team))
    return f"{again} {when_they_answer(handover, lang, now=now)}"


def stopped(lang: str) -> str:
    """The customer stopped us in the middle of the work."""
    return say(lang, "system.stopped")
