"""The one missing step: what is seen of it and how it is done; where that was sent before, another way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from app.facts import seen_against, state_of, tried, was_sent
from app.models.decision import Guide
from app.models.facts import Facts
from app.models.steps import Finding
from app.quoting import cut, link_to, linked, without_heading
from app.reply.scene import Scene, blocks, joined
from app.reply.settled import holds
from app.seeing import against, say_seen
from app.texts import future, has, language
from knowledge.awaited import gives
from knowledge.model import Citation
from knowledge.rows import without_tables


def guide(decision: Guide, scene: Scene) -> str:
    if decision.about == "advice":
        return blocks(
            holds(scene, besides=None),
            scene.say("guide.advice", step=scene.strong(decision.step)),
            *_explained(decision.step, scene),
            scene.say("guide.advice_tell"),
        )
    step = scene.step(decision.step)
    if step is not None and step.outcomes:  # a question that was asked: how the answer is found
        return blocks(scene.strong(decision.step), *_explained(decision.step, scene))
    state = scene.state(decision.step)
    title = scene.title(decision.step)
    opposing = against(state)
    denied = any(finding.met is False for finding in opposing)
    if state and state.word == "contradicted" and denied:
        lead = say_seen(scene.lang, "guide.contradicted", opposing, step=title)
    else:
        open_steps = [other for other in scene.facts.steps if not other.holds]
        lead = scene.say(
            "guide.last" if len(open_steps) == 1 else "guide.next", step=scene.strong(decision.step)
        )
        if state and state.word == "failed":
            lead = scene.say("guide.failed", step=title)
        if denied:
            lead += " " + say_seen(scene.lang, "guide.seen", opposing)
    if not sends_section(decision, scene.facts, scene.step_source):
        how, where = _one_try(opposing, scene), _where(decision.step, scene)
        return blocks(holds(scene, besides=decision.step), lead, how, where, _closing(decision, scene))
    return blocks(
        holds(scene, besides=decision.step),
        lead,
        *_explained(decision.step, scene),
        _closing(decision, scene),
    )


def sends_section(decision: Guide, facts: Facts, source: Citation | None) -> bool:
    """Whether the step's section goes out. Who says that it is done is told what is seen, not how it is done;
    the section follows once where that did not help."""
    state = next((state for state in facts.steps if state.step == decision.step), None)
    claimed = state is not None and state.word == "contradicted"
    if decision.another_way:
        return claimed and source is not None and not was_sent(source, facts.said)
    return not claimed


def _explained(step: str, scene: Scene) -> tuple[str, str]:
    section, _, _ = _section(step, scene)
    return (f"{_how(scene)}\n\n{section}" if section else ""), _where(step, scene)


def _where(step: str, scene: Scene) -> str:
    _, title, address = _section(step, scene)
    return scene.say("guide.page", link=link_to(title, address)) if title else ""


def _how(scene: Scene) -> str:
    source, procedure = scene.step_source, scene.facts.procedure
    tongue = language(source.lang if source else procedure.lang if procedure else scene.lang)
    if tongue == scene.lang:
        return scene.say("guide.how")
    return scene.say("guide.how_in", language=scene.say(f"general.the_language.{tongue}"))


def another_way(decision: Guide, scene: Scene) -> str:
    """The section was sent before: only what is seen now, and one thing to try."""
    state = scene.state(decision.step)
    opposing = against(state)
    now = say_seen(scene.lang, "guide.seen_now", opposing) if opposing else scene.say("guide.blind")
    if decision.brief:
        where, closing = _where(decision.step, scene), _closing(decision, scene)
        still = _open(decision.step, now if opposing else "", scene)
        return blocks(_newly(scene), still, _in_one_line(decision.step, scene), where, closing)
    lead = scene.say(
        "guide.lost" if _lost(decision.step, scene) else "guide.another", step=scene.title(decision.step)
    )
    if opposing and _seen_before(decision.step, scene):
        now = scene.say("guide.unchanged", step=scene.title(decision.step))
    if sends_section(decision, scene.facts, scene.step_source):
        return blocks(lead, now, *_explained(decision.step, scene), _closing(decision, scene))
    one = _one_try(opposing, scene)
    return blocks(
        lead, now, one or scene.say("guide.try", **{"try": scene.say("try.any")}), _closing(decision, scene)
    )


def _in_one_line(step: str, scene: Scene) -> str:
    """Where it is done, for who asks that of a section that they have."""
    if not scene.facts.asks_way:
        return ""
    section, _, _ = _section(step, scene)
    lines = (line.strip() for line in section.split("\n"))
    way = next((re.sub(r"^(?:\d+\.|[-*])\s+", "", line) for line in lines if gives(line, "way")), "")
    return scene.say("guide.way", line=way) if way else ""


def _open(step: str, now: str, scene: Scene) -> str:
    """The open step in a line; another time only that nothing has changed, if so."""
    facts, same = scene.facts, _seen_before(step, scene)
    if _lost(step, scene):
        return joined(scene.say("guide.lost", step=scene.title(step)), now)
    told = step in facts.said.reminded or facts.said.guided.count(step) > 1
    if not (told and same):
        return joined(scene.say("guide.open", step=scene.title(step)), now)
    if now and tried(facts):
        return scene.say("guide.not_there", step=scene.title(step))
    return scene.say("guide.unchanged" if now else "guide.waits", step=scene.title(step))


def _lost(step: str, scene: Scene) -> bool:
    """It held when we last explained another step, and a look says that it does not now."""
    denied = any(finding.met is False for finding in against(scene.state(step)))
    return denied and step in scene.facts.said.held


def _seen_before(step: str, scene: Scene) -> bool:
    """What is seen now was told when the step was last explained."""
    return dict(scene.facts.said.shown).get(step, ()) == seen_against(state_of(scene.facts, step))


def _newly(scene: Scene) -> str:
    """What holds since a step was last explained."""
    new = [state for state in scene.facts.steps if state.step not in scene.facts.said.held]
    facts = scene.facts.model_copy(update={"steps": tuple(new)})
    return holds(replace(scene, facts=facts), besides=None)


def _one_try(opposing: Sequence[Finding], scene: Scene) -> str:
    """One concrete thing to try for what is seen; empty where we know of none."""
    tries = (f"try.{finding.code}" for finding in opposing)
    key = next((key for key in tries if has(scene.lang, key)), None)
    return scene.say("guide.try", **{"try": scene.say(key)}) if key else ""


def _closing(decision: Guide, scene: Scene) -> str:
    if decision.watches and scene.next_look is not None:
        return scene.say("guide.watching", next=future(scene.next_look, scene.now, scene.lang))
    state = scene.state(decision.step)
    return scene.say("guide.look_again" if state and state.checkable else "guide.tell")


def _section(id: str, scene: Scene) -> tuple[str, str, str | None]:
    """Text of the step's section, title of its page, and where it can be read."""
    procedure = scene.facts.procedure
    step = scene.step(id) or (procedure.advised(id) if procedure else None)
    if step is None or procedure is None:
        return "", "", None
    source = scene.step_source
    document, path = (source.document, source.path) if source else (procedure.document, procedure.path)
    section = linked(without_tables(without_heading(step.text)), document, path, scene.link)
    anchor = source.anchor if source else procedure.anchor_of(id)
    title = source.title if source else procedure.title
    return cut(section), title, scene.link(document, path, anchor)
