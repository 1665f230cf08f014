"""What holds already, and where it was begun: said in a clause, so that nobody asks or explains it again."""

from __future__ import annotations

from datetime import datetime

from app.models.decision import Decision, HandOff
from app.models.facts import Facts
from app.models.steps import StepState
from app.reply.scene import Scene, joined
from app.seeing import attested
from app.texts import label, language, listed, past, place, say, since
from knowledge.model import Step


def holds(scene: Scene, *, besides: str | None) -> str:
    """One clause on what is settled, so that nobody wonders and nobody explains it; not where the reply
    begins with it."""
    return "" if scene.facts.continued else settled(scene, besides)


def settled(scene: Scene, besides: str | None) -> str:
    states = [state for state in scene.facts.steps if state.holds and state.step != besides]
    answered = [state for state in states if state.outcome is not None]
    states = [state for state in states if state.outcome is None]
    looked = [state for state in states if state.word == "verified"]
    attests = [state for state in states if state.word == "evidenced" and attested(state)]
    told = [state for state in states if state.word in {"claimed", "evidenced"} and state not in attests]
    parts = []
    if looked:
        oldest = min((f.at for state in looked for f in state.findings), default=scene.now)
        parts.append(
            scene.say(
                "holds.one" if len(looked) == 1 else "holds.many",
                steps=listed([scene.title(state.step) for state in looked], scene.lang),
                when=past(oldest, scene.now, scene.lang),
            )
        )
    if told:
        titles = listed([scene.title(state.step) for state in told], scene.lang)
        parts.append(scene.say("holds.told", steps=titles))
    if attests:
        titles = listed([scene.title(state.step) for state in attests], scene.lang)
        parts.append(scene.say("holds.attested", steps=titles))
    seen_answers = [state for state in answered if state.word == "verified"]
    if seen_answers:  # what the customer answered is not told back; what we saw instead of asking is
        answers = [f"{scene.title(s.step)} {_outcome(s, scene)}" for s in seen_answers]
        oldest = min((f.at for state in seen_answers for f in state.findings), default=scene.now)
        when = past(oldest, scene.now, scene.lang)
        parts.append(scene.say("holds.answered", answers=listed(answers, scene.lang), when=when))
    return " ".join(parts)


def _outcome(state: StepState, scene: Scene) -> str:
    return outcome_label(scene.step(state.step), state.outcome or "", scene.lang)


def outcome_label(step: Step | None, outcome: str, lang: str) -> str:
    """An outcome as people say it."""
    named = step.label_of(outcome, lang) if step is not None else None
    if named is None and outcome in ("yes", "no"):
        return say(lang, f"ask.{outcome}")
    return label(named or outcome.replace("-", " ").replace("_", " "))


def continued(facts: Facts, lang: str, now: datetime) -> str:
    """Where the matter was begun and what holds already, so that nothing is asked or told again; empty where
    it was begun here."""
    if facts.continued is None:
        return ""
    scene = Scene(facts, language(lang), now)
    return joined(started(scene), scene.say("continued.go_on"), settled(scene, None))


def picked_up(decision: Decision, scene: Scene) -> str:
    if isinstance(decision, HandOff):
        return started(scene)
    return continued(scene.facts, scene.lang, scene.now)


def started(scene: Scene) -> str:
    before = scene.facts.continued
    if before is None:
        return ""
    when = since(before.at, scene.now, scene.lang)
    return scene.say("continued.started", place=place(before.channel, scene.lang), when=when)
