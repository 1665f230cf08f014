"""The one question that matters, why it is asked, and what can be answered."""

from __future__ import annotations

from collections.abc import Sequence

from app.models.decision import Ask
from app.quoting import link_to
from app.reply.scene import Scene, blocks, joined
from app.reply.settled import holds, outcome_label
from app.seeing import against, kind_word, sentences
from app.texts import label, shown
from knowledge.model import Step

FEW_NAMES = 6
"""Names of the account among which a customer is asked to choose."""


def ask(decision: Ask, scene: Scene) -> str:
    if decision.about == "subject":
        kind = kind_word(decision.step, scene.lang)
        return _which_of(kind, scene) or scene.say("ask.subject", kind=kind)
    if decision.about == "procedure":
        title = scene.facts.perhaps.title_in(scene.lang) if scene.facts.perhaps else ""
        return scene.say("ask.procedure", title=f"**{label(title)}**")
    if decision.about == "matter":
        return scene.say("ask.matter")
    if decision.about == "words":
        return scene.say("ask.words", words=label(decision.step))
    step, blind = scene.step(decision.step), against(scene.state(decision.step))
    if step and step.outcomes:
        names = [outcome_label(step, name, scene.lang) for name, _ in step.outcomes]
        if step.title_in(scene.lang).rstrip().endswith("?"):
            return _branch(step, scene, names)
        options = " / ".join(f"**{name}**" for name in names)
        question = scene.say("ask.outcomes", step=scene.title(decision.step), options=options)
    else:
        question = scene.say("ask.step", step=scene.title(decision.step))
    looked = (
        scene.say("ask.could_not_look", seen=" ".join(sentences(blind, scene.lang)))
        if blind
        else scene.say("ask.cannot_look")
    )
    overview = _overview(scene)
    return blocks(
        holds(scene, besides=decision.step),
        overview,
        joined(question, looked, "" if overview else _why(scene)),
    )


def _why(scene: Scene) -> str:
    if scene.facts.procedure is None:
        return scene.say("ask.why_plain")
    return scene.say("ask.why", title=f"**{label(scene.page_title())}**")


def _overview(scene: Scene) -> str:
    """All steps in their order for who asks how and of whom nothing is known yet."""
    facts, procedure = scene.facts, scene.facts.procedure
    begun = facts.said.asked or facts.said.guided or any(state.holds for state in facts.steps)
    if procedure is None or procedure.branches or not facts.reading.asks_how or begun:
        return ""
    steps = "\n".join(f"{n}. {label(step.title_in(scene.lang))}" for n, step in enumerate(procedure.steps, 1))
    source = scene.step_source or procedure
    link = link_to(scene.page_title(), scene.link(source.document, source.path, None))
    return f"{scene.say('ask.overview', link=link)}\n\n{steps}"


def _which_of(kind: str, scene: Scene) -> str:
    """The names that the account has, where they are few: one is soon chosen."""
    names = scene.facts.among
    if not 1 < len(names) <= FEW_NAMES:
        return ""
    among = " / ".join(shown(name, scene.lang) for name in names)
    return scene.say("ask.subject_among", kind=kind, names=among)


def _branch(step: Step, scene: Scene, names: Sequence[str]) -> str:
    """A step whose title is the question itself; what can be answered is named where it is not yes or no."""
    outcomes = {name for name, _ in step.outcomes}
    options = scene.say("ask.options", options=" / ".join(f"**{name}**" for name in names))
    blind = against(scene.state(step.id))
    looked = scene.say("ask.could_not_look", seen=" ".join(sentences(blind, scene.lang))) if blind else ""
    question = joined(scene.strong(step.id), "" if outcomes <= {"yes", "no"} else options, looked)
    return blocks(holds(scene, besides=step.id), question)


def ask_again(decision: Ask, scene: Scene) -> str:
    """In other words, and why it is asked; what we cannot see was said the first time."""
    if decision.about == "subject":
        return scene.say("ask.again_subject", kind=kind_word(decision.step, scene.lang))
    title, step = f"**{label(scene.page_title())}**", scene.step(decision.step)
    if step is None or not step.outcomes:
        return scene.say("ask.again_step", step=scene.title(decision.step), title=title)
    names = [f"**{outcome_label(step, name, scene.lang)}**" for name, _ in step.outcomes]
    options = " / ".join(names)
    if not step.title_in(scene.lang).rstrip().endswith("?"):
        return scene.say("ask.again_outcomes", step=scene.title(decision.step), title=title, options=options)
    return blocks(
        scene.say("ask.again_branch", step=scene.strong(decision.step)),
        scene.say("ask.again_options", options=options),
    )
