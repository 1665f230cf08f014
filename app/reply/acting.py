"""What is done for the customer: it holds already, it is proposed, it is on its way, or it is declined."""

from __future__ import annotations

from app.announcing import action_words
from app.models.decision import Decline, Propose
from app.reply.scene import Scene, blocks, joined
from app.reply.settled import holds, settled
from app.seeing import against, say_seen
from app.texts import listed, shown


def already(scene: Scene) -> str:
    """The outcome holds; or only the way was asked for, and every step of it is behind the customer."""
    facts = scene.facts
    action = facts.procedure.action if facts.procedure else None
    if facts.outcome_holds or not facts.steps:
        return action_words(action, "already", scene.lang)
    left = (
        scene.say("already.steps") if action is None else scene.say("already.ask", do=do_words(action, scene))
    )
    return joined(holds(scene, besides=None), left)


def propose(decision: Propose, scene: Scene) -> str:
    do, subjects = do_words(decision.action, scene), subject_words(scene)
    if scene.facts.action_pending and decision.approval == "agent":
        return scene.say("propose.pending", do=do, subjects=subjects)
    if scene.facts.action_pending and scene.facts.said.last == "propose":
        return scene.say("propose.button", do=do, subjects=subjects)
    proposed = scene.say(f"action.proposed_{decision.approval}", do=do, subjects=subjects)
    return joined(ready(scene), proposed)


def do_words(action: str | None, scene: Scene) -> str:
    """What the action does, as words after “to”."""
    return action_words(action, "do", scene.lang, title=scene.page_title())


def subject_words(scene: Scene) -> str:
    """What the action is about: what the customer named, else what was looked at."""
    looked = [f.subject for state in scene.facts.steps for f in state.findings if f.subject]
    kinds = scene.facts.procedure.subjects if scene.facts.procedure else ()
    named = [subject.value for subject in scene.facts.reading.subjects if subject.name in kinds]
    names = [shown(name, scene.lang) for name in dict.fromkeys(named or looked)]
    return scene.say("action.subjects", subjects=listed(names, scene.lang)) if names else ""


def ready(scene: Scene) -> str:
    if scene.facts.continued and settled(scene, None):
        return ""
    told = any(state.holds and state.word in {"claimed", "evidenced"} for state in scene.facts.steps)
    return scene.say("ready.told" if told else "ready.seen")


def decline(decision: Decline, scene: Scene) -> str:
    action = scene.facts.procedure.action if scene.facts.procedure else None
    do = do_words(action, scene)
    if decision.reason == "not_yours":
        foreign = scene.facts.foreign_subject
        return (
            scene.say("decline.not_yours", subject=shown(foreign, scene.lang))
            if foreign
            else scene.say("decline.not_yours_plain")
        )
    lead = scene.say(f"decline.{decision.reason}", do=do, subjects="")
    if decision.reason == "not_signed_in":
        return lead
    first = next((state.step for state in scene.facts.steps if not state.holds), None)
    missing = decision.step or (first if decision.reason == "checks_needed" else None)
    if missing is None:
        return f"{lead} {scene.say('decline.nothing_changed')}"
    opposing = against(scene.state(missing))
    words = say_seen(scene.lang, "decline.seen", opposing) if opposing else ""
    return blocks(lead, joined(scene.say("decline.missing", step=scene.title(missing)), words))
