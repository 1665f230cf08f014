"""Where the next move is not the customer's: we look again, a person takes over, or thanks are returned."""

from __future__ import annotations

from app.announcing import passed_on
from app.hours import Handover
from app.models.decision import Acknowledge, HandOff, Watch
from app.reply.scene import Scene, blocks, joined
from app.reply.settled import holds
from app.seeing import against, sentences
from app.texts import future


def watch(decision: Watch, scene: Scene) -> str:
    state = scene.state(decision.step)
    opposing = against(state)
    pending = any(finding.met is False for finding in opposing)
    again = scene.say("watch.again") if scene.facts.said.watching else ""
    words = " ".join(sentences(opposing, scene.lang))
    if pending:
        lead = joined(again, words, scene.say("watch.time"))
    else:
        blind = scene.say("watch.blind", step=scene.title(decision.step))
        lead = joined(again, blind, words, scene.say("watch.rest"))
    goes_on = scene.facts.reading.wants_outcome and scene.facts.procedure is not None
    if scene.next_look is None:
        after = scene.say("watch.by_myself")
    else:
        when = future(scene.next_look, scene.now, scene.lang)
        after = scene.say("watch.next_and_go_on" if goes_on else "watch.next", next=when)
    then = "" if pending or scene.next_look is None else scene.say("watch.then_person")
    held = "" if scene.facts.said.watching else holds(scene, besides=decision.step)
    return blocks(held, lead, joined(after, then))


def hand_off(decision: HandOff, scene: Scene) -> str:
    if scene.facts.said.handed_off and decision.reason != "danger":
        return scene.say("hand_off.again")
    urgent = decision.reason == "danger"
    passed = passed_on(scene.handover or Handover(), scene.lang, now=scene.now, urgent=urgent)
    if urgent:
        care = {"security": "hand_off.security", "harm": "hand_off.harm"}.get(
            scene.facts.reading.danger or ""
        )
        return joined(scene.say("hand_off.danger"), passed, scene.say(care) if care else "")
    if decision.reason != "cannot_check":
        return joined(scene.say(f"hand_off.{decision.reason}"), passed)
    blind = next((state for state in scene.facts.steps if not state.holds), None)
    if blind is None:
        return joined(scene.say("hand_off.cannot_check_plain"), passed)
    opposing = against(blind)
    waited = any(finding.met is False for finding in opposing)
    lead = scene.say("hand_off.waited" if waited else "hand_off.cannot_check", step=scene.title(blind.step))
    return joined(lead, *sentences(opposing, scene.lang), passed)


def acknowledge(decision: Acknowledge, scene: Scene) -> str:
    said = scene.facts.said
    if decision.closes or scene.facts.reading.speech == "thanks":
        return scene.say("acknowledge.closes" if decision.closes else "acknowledge.thanks")
    if scene.facts.reading.speech == "greeting" and said.last is None:
        return scene.say("acknowledge.greeting")
    if scene.facts.reading.speech == "greeting" and said.last == "acknowledge" and not said.guided:
        return scene.say("acknowledge.here")
    if scene.facts.action_pending:
        return scene.say("acknowledge.waiting")
    claimed = [step for step, status in scene.facts.spoken if status == "done"]
    if any((state := scene.state(step)) and state.word == "contradicted" for step in claimed):
        return scene.say("acknowledge.not_seen")
    if said.guided and said.noted and said.last != "watch" and scene.facts.reading.wants_outcome:
        return scene.say("acknowledge.in_the_way")
    if said.watching and scene.next_look:
        return scene.say("acknowledge.watching", next=future(scene.next_look, scene.now, scene.lang))
    if said.watching:
        return scene.say("acknowledge.watching_plain")
    # Who reports one thing after the other is not answered twice in the same words.
    after = {"guide": "after_guide", "reminder": "after_guide", "acknowledge": "also"}
    return scene.say(f"acknowledge.{after.get(said.last or '', 'other')}")
