"""Decision -> words for the customer, in their language: pure, and nothing that was settled is said again.

To add a decision: a case in `render`, and its sentences in each catalogue under `app/texts/`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from app.announcing import (
    action_text,
    action_titles,
    action_words,
    handed_over,
    passed_on,
    reopened,
    solved_answers,
    solved_question,
    solved_thanks,
    stopped,
)
from app.facts import seen_against, state_of, tried, was_sent
from app.hours import Handover
from app.models import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Citation,
    Decision,
    Decline,
    Facts,
    Finding,
    Guide,
    HandOff,
    Procedure,
    Propose,
    StaySilent,
    Step,
    StepState,
    Watch,
)
from app.quoting import Link, answer, cut, link_to, linked, page_link, without_heading
from app.seeing import against, attested, kind_word, say_seen, seen, sentences, step_word, watch_turned
from app.texts import future, has, label, language, listed, past, place, say, shown, since
from knowledge.rows import without_tables

__all__ = [
    "action_text",
    "action_titles",
    "continued",
    "handed_over",
    "passed_on",
    "render",
    "reopened",
    "seen",
    "sends_section",
    "solved_answers",
    "solved_question",
    "solved_thanks",
    "step_word",
    "stopped",
    "tells_of_pictures",
    "watch_turned",
]


FEW_NAMES = 6
"""Names of the account among which a customer is asked to choose."""


@dataclass(frozen=True)
class _Scene:
    """What every sentence of one reply may need."""

    facts: Facts
    lang: str
    now: datetime
    next_look: datetime | None
    step_text: str | None
    step_source: Citation | None
    written: str | None
    link: Link
    handover: Handover

    def say(self, key: str, **values: str) -> str:
        return say(self.lang, key, **values)

    def step(self, id: str) -> Step | None:
        steps = self.facts.procedure.steps if self.facts.procedure else ()
        return next((step for step in steps if step.id == id), None)

    def state(self, id: str | None) -> StepState | None:
        return next((state for state in self.facts.steps if state.step == id), None)

    def title(self, id: str) -> str:
        """A step's title is a command: inside a sentence it needs its quotation marks."""
        return f"“{self._title(id)}”"

    def strong(self, id: str) -> str:
        return f"**{self._title(id)}**"

    def _title(self, id: str) -> str:
        procedure = self.facts.procedure
        known = procedure.title_of(id, self.lang) if procedure else None
        return label(known or id.replace("-", " "))


def render(
    decision: Decision,
    facts: Facts,
    *,
    lang: str,
    now: datetime,
    next_look: datetime | None = None,
    step_text: str | None = None,
    step_source: Citation | None = None,
    written: str | None = None,
    link: Link = page_link,
    handover: Handover | None = None,
) -> str:
    """The customer's message for a decision, as a Markdown subset; empty where we stay silent.

    Where the matter is picked up from another place it says so first; what we cannot read is told last.

    `step_text` and `step_source`: the section of the guided step in the customer's language, where the page
    has a translation. `written`: a model's verified words for an answer; [n] is the n-th citation.
    `handover`: who takes over, where the decision hands it over.
    """
    if facts.resumed or facts.reading.speech == "thanks":  # nobody waits for where it was begun
        facts = facts.model_copy(update={"continued": None})
    scene = _Scene(
        facts, language(lang), now, next_look, step_text, step_source, written, link, handover or Handover()
    )
    words = _words(decision, scene)
    if not words:
        return ""
    return _blocks(_picked_up(decision, scene), words, _pictures(decision, scene))


def _words(decision: Decision, scene: _Scene) -> str:
    match decision:
        case Acknowledge():
            return _acknowledge(decision, scene)
        case Already():
            return _already(scene)
        case Answer():
            if not decision.citations:
                return _not_answered(decision, scene)
            found = answer(decision.citations, scene.lang, scene.link, written=scene.written)
            return _blocks(found, _back_to(decision.back_to, scene))
        case Guide():
            return _another_way(decision, scene) if decision.another_way else _guide(decision, scene)
        case Ask():
            return _ask_again(decision, scene) if decision.another_way else _ask(decision, scene)
        case Watch():
            return _watch(decision, scene)
        case Propose():
            return _propose(decision, scene)
        case Act():
            do = _do(decision.action, scene)
            return _joined(_ready(scene), scene.say("act.now", do=do, subjects=_subjects(scene)))
        case Decline():
            return _decline(decision, scene)
        case HandOff():
            return _hand_off(decision, scene)
        case StaySilent():
            return ""
    assert_never(decision)


def _not_answered(decision: Answer, scene: _Scene) -> str:
    """No page answers what was asked in between; what is open is told with what is seen of it now."""
    if _asked_only(decision.back_to, scene):
        return _blocks(scene.say("answer.none"), scene.say("answer.back_question"))
    opposing = against(scene.state(decision.back_to))
    now = say_seen(scene.lang, "guide.seen_now", opposing) if opposing else ""
    still = scene.say("guide.open", step=scene.title(decision.back_to)) if decision.back_to else ""
    return _blocks(scene.say("answer.none"), _joined(still, now))


def _back_to(step: str | None, scene: _Scene) -> str:
    """What stays open, in one line, and a question not in its own words again."""
    if step is None:
        return ""
    if _asked_only(step, scene):
        return scene.say("answer.back_question")
    return scene.say("answer.back", step=scene.title(step))


def _asked_only(step: str | None, scene: _Scene) -> bool:
    said = scene.facts.said
    return step in said.asked and step not in said.guided


def _already(scene: _Scene) -> str:
    """The outcome holds; or only the way was asked for, and every step of it is behind the customer."""
    facts = scene.facts
    action = facts.procedure.action if facts.procedure else None
    if facts.outcome_holds or not facts.steps:
        return action_words(action, "already", scene.lang)
    left = scene.say("already.steps") if action is None else scene.say("already.ask", do=_do(action, scene))
    return _joined(_holds(scene, besides=None), left)


def _holds(scene: _Scene, *, besides: str | None) -> str:
    """One clause on what is settled, so that nobody wonders and nobody explains it; not where the reply
    begins with it."""
    return "" if scene.facts.continued else _settled(scene, besides)


def _settled(scene: _Scene, besides: str | None) -> str:
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


def _outcome(state: StepState, scene: _Scene) -> str:
    return outcome_label(scene.step(state.step), state.outcome or "", scene.lang)


def outcome_label(step: Step | None, outcome: str, lang: str) -> str:
    """An outcome as people say it."""
    named = step.label_of(outcome, lang) if step is not None else None
    if named is None and outcome in ("yes", "no"):
        return say(lang, f"ask.{outcome}")
    return label(named or outcome.replace("-", " ").replace("_", " "))


# --- picked up from another place, and what we cannot read --------------------------------------


def continued(facts: Facts, lang: str, now: datetime) -> str:
    """Where the matter was begun and what holds already, so that nothing is asked or told again; empty where
    it was begun here."""
    if facts.continued is None:
        return ""
    scene = _Scene(facts, language(lang), now, None, None, None, None, page_link, Handover())
    return _joined(_started(scene), scene.say("continued.go_on"), _settled(scene, None))


def _picked_up(decision: Decision, scene: _Scene) -> str:
    if isinstance(decision, HandOff):
        return _started(scene)
    return continued(scene.facts, scene.lang, scene.now)


def _started(scene: _Scene) -> str:
    before = scene.facts.continued
    if before is None:
        return ""
    when = since(before.at, scene.now, scene.lang)
    return scene.say("continued.started", place=place(before.channel, scene.lang), when=when)


def tells_of_pictures(decision: Decision, facts: Facts) -> bool:
    """Whether the reply says that we cannot read pictures: once a case."""
    return facts.unread_images and not facts.said.pictures and not isinstance(decision, StaySilent)


def _pictures(decision: Decision, scene: _Scene) -> str:
    if not tells_of_pictures(decision, scene.facts):
        return ""
    return scene.say("pictures.person" if isinstance(decision, HandOff) else "pictures.paste")


# --- the one missing step -----------------------------------------------------------------------


def _guide(decision: Guide, scene: _Scene) -> str:
    if decision.about == "advice":
        return _blocks(
            _holds(scene, besides=None),
            scene.say("guide.advice", step=scene.strong(decision.step)),
            *_explained(decision.step, scene),
            scene.say("guide.advice_tell"),
        )
    step = scene.step(decision.step)
    if step is not None and step.outcomes:  # a question that was asked: how the answer is found
        return _blocks(scene.strong(decision.step), *_explained(decision.step, scene))
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
        return _blocks(_holds(scene, besides=decision.step), lead, how, where, _closing(decision, scene))
    return _blocks(
        _holds(scene, besides=decision.step),
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


def _explained(step: str, scene: _Scene) -> tuple[str, str]:
    section, _, _ = _section(step, scene)
    return (f"{_how(scene)}\n\n{section}" if section else ""), _where(step, scene)


def _where(step: str, scene: _Scene) -> str:
    _, title, address = _section(step, scene)
    return scene.say("guide.page", link=link_to(title, address)) if title else ""


def _how(scene: _Scene) -> str:
    source, procedure = scene.step_source, scene.facts.procedure
    tongue = language(source.lang if source else procedure.lang if procedure else scene.lang)
    if tongue == scene.lang:
        return scene.say("guide.how")
    return scene.say("guide.how_in", language=scene.say(f"general.the_language.{tongue}"))


def _another_way(decision: Guide, scene: _Scene) -> str:
    """The section was sent before: only what is seen now, and one thing to try."""
    state = scene.state(decision.step)
    opposing = against(state)
    now = say_seen(scene.lang, "guide.seen_now", opposing) if opposing else scene.say("guide.blind")
    if decision.brief:
        where, closing = _where(decision.step, scene), _closing(decision, scene)
        return _blocks(_newly(scene), _open(decision.step, now if opposing else "", scene), where, closing)
    lead = scene.say(
        "guide.lost" if _lost(decision.step, scene) else "guide.another", step=scene.title(decision.step)
    )
    if opposing and _seen_before(decision.step, scene):
        now = scene.say("guide.unchanged", step=scene.title(decision.step))
    if sends_section(decision, scene.facts, scene.step_source):
        return _blocks(lead, now, *_explained(decision.step, scene), _closing(decision, scene))
    one = _one_try(opposing, scene)
    return _blocks(
        lead, now, one or scene.say("guide.try", **{"try": scene.say("try.any")}), _closing(decision, scene)
    )


def _open(step: str, now: str, scene: _Scene) -> str:
    """The open step in a line; another time only that nothing has changed, if so."""
    facts, same = scene.facts, _seen_before(step, scene)
    if _lost(step, scene):
        return _joined(scene.say("guide.lost", step=scene.title(step)), now)
    told = step in facts.said.reminded or facts.said.guided.count(step) > 1
    if not (told and same):
        return _joined(scene.say("guide.open", step=scene.title(step)), now)
    if now and tried(facts):
        return scene.say("guide.not_there", step=scene.title(step))
    return scene.say("guide.unchanged" if now else "guide.waits", step=scene.title(step))


def _lost(step: str, scene: _Scene) -> bool:
    """It held when we last explained another step, and a look says that it does not now."""
    denied = any(finding.met is False for finding in against(scene.state(step)))
    return denied and step in scene.facts.said.held


def _seen_before(step: str, scene: _Scene) -> bool:
    """What is seen now was told when the step was last explained."""
    return dict(scene.facts.said.shown).get(step, ()) == seen_against(state_of(scene.facts, step))


def _newly(scene: _Scene) -> str:
    """What holds since a step was last explained."""
    new = [state for state in scene.facts.steps if state.step not in scene.facts.said.held]
    facts = scene.facts.model_copy(update={"steps": tuple(new)})
    return _holds(replace(scene, facts=facts), besides=None)


def _one_try(opposing: Sequence[Finding], scene: _Scene) -> str:
    """One concrete thing to try for what is seen; empty where we know of none."""
    tries = (f"try.{finding.code}" for finding in opposing)
    key = next((key for key in tries if has(scene.lang, key)), None)
    return scene.say("guide.try", **{"try": scene.say(key)}) if key else ""


def _closing(decision: Guide, scene: _Scene) -> str:
    if decision.watches and scene.next_look is not None:
        return scene.say("guide.watching", next=future(scene.next_look, scene.now, scene.lang))
    state = scene.state(decision.step)
    return scene.say("guide.look_again" if state and state.checkable else "guide.tell")


def _section(id: str, scene: _Scene) -> tuple[str, str, str | None]:
    """Text of the step's section, title of its page, and where it can be read."""
    procedure = scene.facts.procedure
    step = scene.step(id) or (procedure.advised(id) if procedure else None)
    if step is None or procedure is None:
        return "", "", None
    source = scene.step_source
    document, path = (source.document, source.path) if source else (procedure.document, procedure.path)
    text = scene.step_text if scene.step_text is not None else step.text
    section = linked(without_tables(without_heading(text)), document, path, scene.link)
    anchor = source.anchor if source else procedure.anchor_of(id)
    title = source.title if source else procedure.title
    return cut(section), title, scene.link(document, path, anchor)


# --- questions, waiting, actions ----------------------------------------------------------------


def _ask(decision: Ask, scene: _Scene) -> str:
    if decision.about == "subject":
        kind = kind_word(decision.step, scene.lang)
        return _which_of(kind, scene) or scene.say("ask.subject", kind=kind)
    if decision.about == "procedure":
        return scene.say("ask.procedure", title=f"**{label(_title_of(scene.facts.perhaps, scene.lang))}**")
    if decision.about == "matter":
        return scene.say("ask.matter")
    if decision.about == "words":
        return scene.say("ask.words", words=label(decision.step))
    title, step, state = scene.title(decision.step), scene.step(decision.step), scene.state(decision.step)
    blind = against(state)
    if step and step.outcomes:
        names = [outcome_label(step, name, scene.lang) for name, _ in step.outcomes]
        if step.title_in(scene.lang).rstrip().endswith("?"):
            return _branch(decision, scene, names)
        options = " / ".join(f"**{name}**" for name in names)
        question = scene.say("ask.outcomes", step=title, options=options)
    else:
        question = scene.say("ask.step", step=title)
    looked = (
        scene.say("ask.could_not_look", seen=" ".join(sentences(blind, scene.lang)))
        if blind
        else scene.say("ask.cannot_look")
    )
    procedure = scene.facts.procedure
    why = (
        scene.say("ask.why", title=f"**{label(_page_title(scene))}**")
        if procedure
        else scene.say("ask.why_plain")
    )
    overview = _overview(scene)
    why = "" if overview else why
    return _blocks(_holds(scene, besides=decision.step), overview, _joined(question, looked, why))


def _overview(scene: _Scene) -> str:
    """All steps in their order for who asks how and of whom nothing is known yet."""
    facts, procedure = scene.facts, scene.facts.procedure
    begun = facts.said.asked or facts.said.guided or any(state.holds for state in facts.steps)
    if procedure is None or procedure.branches or not facts.reading.asks_how or begun:
        return ""
    steps = "\n".join(f"{n}. {label(step.title_in(scene.lang))}" for n, step in enumerate(procedure.steps, 1))
    source = scene.step_source or procedure
    link = link_to(_page_title(scene), scene.link(source.document, source.path, None))
    return f"{scene.say('ask.overview', link=link)}\n\n{steps}"


def _which_of(kind: str, scene: _Scene) -> str:
    """The names that the account has, where they are few: one is soon chosen."""
    names = scene.facts.among
    if not 1 < len(names) <= FEW_NAMES:
        return ""
    among = " / ".join(shown(name, scene.lang) for name in names)
    return scene.say("ask.subject_among", kind=kind, names=among)


def _branch(decision: Ask, scene: _Scene, names: Sequence[str]) -> str:
    """A step whose title is the question itself; what can be answered is named where it is not yes or no."""
    outcomes = {name for name, _ in scene.step(decision.step).outcomes}  # type: ignore[union-attr]
    options = scene.say("ask.options", options=" / ".join(f"**{name}**" for name in names))
    blind = against(scene.state(decision.step))
    looked = scene.say("ask.could_not_look", seen=" ".join(sentences(blind, scene.lang))) if blind else ""
    question = _joined(scene.strong(decision.step), "" if outcomes <= {"yes", "no"} else options, looked)
    return _blocks(_holds(scene, besides=decision.step), question)


def _ask_again(decision: Ask, scene: _Scene) -> str:
    """In other words, and why it is asked; what we cannot see was said the first time."""
    if decision.about == "subject":
        return scene.say("ask.again_subject", kind=kind_word(decision.step, scene.lang))
    title, step = f"**{label(_page_title(scene))}**", scene.step(decision.step)
    if step is None or not step.outcomes:
        return scene.say("ask.again_step", step=scene.title(decision.step), title=title)
    names = [f"**{outcome_label(step, name, scene.lang)}**" for name, _ in step.outcomes]
    options = " / ".join(names)
    if not step.title_in(scene.lang).rstrip().endswith("?"):
        return scene.say("ask.again_outcomes", step=scene.title(decision.step), title=title, options=options)
    return _blocks(
        scene.say("ask.again_branch", step=scene.strong(decision.step)),
        scene.say("ask.again_options", options=options),
    )


def _title_of(procedure: Procedure | None, lang: str) -> str:
    return procedure.title_in(lang) if procedure is not None else ""


def _page_title(scene: _Scene) -> str:
    source, procedure = scene.step_source, scene.facts.procedure
    return source.title if source else procedure.title if procedure else ""


def _watch(decision: Watch, scene: _Scene) -> str:
    state = scene.state(decision.step)
    opposing = against(state)
    pending = any(finding.met is False for finding in opposing)
    again = scene.say("watch.again") if scene.facts.said.watching else ""
    words = " ".join(sentences(opposing, scene.lang))
    if pending:
        lead = _joined(again, words, scene.say("watch.time"))
    else:
        blind = scene.say("watch.blind", step=scene.title(decision.step))
        lead = _joined(again, blind, words, scene.say("watch.rest"))
    goes_on = scene.facts.reading.wants_outcome and scene.facts.procedure is not None
    if scene.next_look is None:
        after = scene.say("watch.by_myself")
    else:
        when = future(scene.next_look, scene.now, scene.lang)
        after = scene.say("watch.next_and_go_on" if goes_on else "watch.next", next=when)
    then = "" if pending or scene.next_look is None else scene.say("watch.then_person")
    holds = "" if scene.facts.said.watching else _holds(scene, besides=decision.step)
    return _blocks(holds, lead, _joined(after, then))


def _propose(decision: Propose, scene: _Scene) -> str:
    do, subjects = _do(decision.action, scene), _subjects(scene)
    if scene.facts.action_pending and decision.approval == "agent":
        return scene.say("propose.pending", do=do, subjects=subjects)
    if scene.facts.action_pending and scene.facts.said.last == "propose":
        return scene.say("propose.button", do=do, subjects=subjects)
    proposed = scene.say(f"action.proposed_{decision.approval}", do=do, subjects=subjects)
    return _joined(_ready(scene), proposed)


def _do(action: str | None, scene: _Scene) -> str:
    return action_words(action, "do", scene.lang, title=_page_title(scene))


def _subjects(scene: _Scene) -> str:
    """What the action is about: what the customer named, else what was looked at."""
    looked = [f.subject for state in scene.facts.steps for f in state.findings if f.subject]
    kinds = scene.facts.procedure.subjects if scene.facts.procedure else ()
    named = [subject.value for subject in scene.facts.reading.subjects if subject.name in kinds]
    names = [shown(name, scene.lang) for name in dict.fromkeys(named or looked)]
    return scene.say("action.subjects", subjects=listed(names, scene.lang)) if names else ""


def _ready(scene: _Scene) -> str:
    if scene.facts.continued and _settled(scene, None):
        return ""
    told = any(state.holds and state.word in {"claimed", "evidenced"} for state in scene.facts.steps)
    return scene.say("ready.told" if told else "ready.seen")


def _decline(decision: Decline, scene: _Scene) -> str:
    action = scene.facts.procedure.action if scene.facts.procedure else None
    do = _do(action, scene)
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
    return _blocks(lead, _joined(scene.say("decline.missing", step=scene.title(missing)), words))


def _hand_off(decision: HandOff, scene: _Scene) -> str:
    if scene.facts.said.handed_off and decision.reason != "danger":
        return scene.say("hand_off.again")
    urgent = decision.reason == "danger"
    passed = passed_on(scene.handover, scene.lang, now=scene.now, urgent=urgent)
    if urgent:
        care = {"security": "hand_off.security", "harm": "hand_off.harm"}.get(
            scene.facts.reading.danger or ""
        )
        return _joined(scene.say("hand_off.danger"), passed, scene.say(care) if care else "")
    if decision.reason != "cannot_check":
        return _joined(scene.say(f"hand_off.{decision.reason}"), passed)
    blind = next((state for state in scene.facts.steps if not state.holds), None)
    if blind is None:
        return _joined(scene.say("hand_off.cannot_check_plain"), passed)
    opposing = against(blind)
    waited = any(finding.met is False for finding in opposing)
    lead = scene.say("hand_off.waited" if waited else "hand_off.cannot_check", step=scene.title(blind.step))
    return _joined(lead, *sentences(opposing, scene.lang), passed)


def _acknowledge(decision: Acknowledge, scene: _Scene) -> str:
    said = scene.facts.said
    if decision.closes or scene.facts.reading.speech == "thanks":
        return scene.say("acknowledge.closes" if decision.closes else "acknowledge.thanks")
    if scene.facts.reading.speech == "greeting" and said.last is None:
        return scene.say("acknowledge.greeting")
    if scene.facts.reading.speech == "greeting" and said.last == "acknowledge" and not said.guided:
        return scene.say("acknowledge.here")
    if scene.facts.action_pending:
        return scene.say("acknowledge.waiting")
    if said.watching and scene.next_look:
        return scene.say("acknowledge.watching", next=future(scene.next_look, scene.now, scene.lang))
    if said.watching:
        return scene.say("acknowledge.watching_plain")
    # Who reports one thing after the other is not answered twice in the same words.
    after = {"guide": "after_guide", "reminder": "after_guide", "acknowledge": "also"}
    return scene.say(f"acknowledge.{after.get(said.last or '', 'other')}")


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _blocks(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)
