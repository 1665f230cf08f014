"""The training texts of this folder as values, and the sentences made from them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from knowledge.model import Procedure, Step

HERE = Path(__file__).parent
LANGUAGES = ("en", "pt", "es")
STATUSES = ("done", "not_done", "failed")


class Words(NamedTuple):
    """How people speak of one step in one language."""

    mentions: tuple[str, ...]
    said: dict[str, tuple[str, ...]]


class TrainStep(NamedTuple):
    id: str
    titles: dict[str, str]
    text: str
    words: dict[str, Words]


class Goal(NamedTuple):
    wants: tuple[str, ...]
    asks_how: tuple[str, ...]
    asks: tuple[str, ...]


class TrainProcedure(NamedTuple):
    id: str
    title: str
    when: str
    steps: tuple[TrainStep, ...]
    goals: dict[str, Goal]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def procedures(*, more: bool = True) -> list[TrainProcedure]:
    """Those of `procedures.txt`, and then `more`."""
    text = _all("procedures.txt", *(["more-*.txt"] if more else []))
    goals = _goals()
    return [_procedure(block, goals) for block in re.split(r"(?m)^# (?=[\w-]+ \|)", text)[1:]]


def _all(*patterns: str) -> str:
    """The files of these names one after the other, in an order that is always the same."""
    files = [file for pattern in patterns for file in sorted(HERE.glob(pattern))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def _procedure(block: str, goals: dict[str, dict[str, Goal]]) -> TrainProcedure:
    head, *sections = re.split(r"(?m)^## ", block)
    id, title, when = (part.strip() for part in head.strip().split("|"))
    return TrainProcedure(id, title, when, tuple(_step(section) for section in sections), goals[id])


def _step(section: str) -> TrainStep:
    first, *lines = section.strip().splitlines()
    id, *titles = (part.strip() for part in first.split("|"))
    text, words = "", {}
    for line in lines:
        key, _, value = line.partition(":")
        if key == "text":
            text = value.strip()
        elif key in LANGUAGES:
            mentions, *said = re.split(r"\s/\s", value)
            words[key] = Words(_list(mentions), dict(zip(STATUSES, map(_list, said), strict=True)))
    return TrainStep(id, dict(zip(LANGUAGES, titles, strict=True)), text, words)


def _goals() -> dict[str, dict[str, Goal]]:
    found: dict[str, dict[str, Goal]] = {}
    id = ""
    for line in _all("goals.txt", "goals-*.txt").splitlines():
        key, colon, value = line.partition(":")
        if line.startswith("#") or not line.strip():
            continue
        if not colon:
            id = line.strip()
            found[id] = {}
        else:
            found[id][key] = Goal(*map(_list, re.split(r"\s/\s", value)))
    return found


def sentences(file: str, *, more: bool = True) -> dict[str, dict[str, tuple[str, ...]]]:
    """label -> language -> sentences, of `answers.txt`, and of `answers-b.txt` that goes on with it."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    act = ""
    for line in _all(file, *([file.replace(".", "-*.")] if more else [])).splitlines():
        if line.startswith("["):
            act = line.strip("[] ")
            found.setdefault(act, {})
        elif line[:3] in {"en:", "pt:", "es:"}:
            found[act][line[:2]] = found[act].get(line[:2], ()) + _list(line[3:])
    return found


def acts() -> dict[str, dict[str, tuple[str, ...]]]:
    return sentences("acts.txt", more=False)


def as_procedure(trained: TrainProcedure, *, titles: bool, says: random.Random | None) -> Procedure:
    """A page like those of a customer: English, with or without translated titles and examples."""
    steps = []
    for step in trained.steps:
        done: list[str] = []
        not_done: list[str] = []
        if says:
            for words in step.words.values():
                done.append(says.choice(words.said["done"]))
                not_done.append(says.choice(words.said["not_done"]))
        steps.append(
            Step(
                id=step.id, title=step.titles["en"], text=step.text, anchor=step.id, subject="account",
                titles=tuple((k, v) for k, v in step.titles.items() if k != "en") if titles else (),
                says_done=tuple(done), says_not_done=tuple(not_done),
            )
        )  # fmt: skip
    return Procedure(
        id=trained.id, document=trained.id, version="1", path=f"{trained.id}.md", lang="en",
        title=trained.title,
        when=trained.when, intro="", subjects=("account",), steps=tuple(steps),
    )  # fmt: skip


TEMPLATES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "done": (
            "{m} is done",
            "{m}: done",
            "{m}: yes",
            "{m} ok",
            "{m} is in place since March",
            "we have {m} already",
            "{m} was finished last week",
            "as for {m}, that is sorted",
            "I took care of {m}",
            "{m} ✅",
            "Jonas from IT did {m} for us",
            "{m} works",
            "{m} has been there for ages",
            "{m} is no problem, all good",
            "yes, {m} exists",
            "both of us checked {m} and it is fine",
            "got {m} done this morning",
            "{m}, check",
        ),
        "not_done": (
            "{m} is not done",
            "{m}: no",
            "{m} not yet",
            "we still have to do {m}, it is not there",
            "{m} is missing",
            "I have not touched {m}",
            "{m} is still pending",
            "nobody has looked after {m}",
            "I'll do {m} tomorrow",
            "{m} will follow next week",
            "we never did {m}",
            "{m} ❌",
            "only {m} is left",
            "no {m} so far",
            "haven't got round to {m}",
            "{m} has to wait until Monday",
            "there is no trace of {m}",
            "{m} never went out",
            "{m} was never sent",
            "{m}: status inactive",
            "{m} stays off for now",
            "she never got to {m}",
        ),
        "failed": (
            "{m} fails",
            "{m} ends in an error",
            "I tried {m} three times but it does not work",
            "{m} keeps failing",
            "{m} was rejected",
            "stuck with {m}",
            "{m} won't go through",
            "{m} gives me a red warning",
            "we could not get {m} to work",
            "{m} throws an error each time",
            "no luck with {m}",
            "{m} times out",
        ),
        "open": (
            "does {m} matter?",
            "how do I do {m}?",
            "if {m} were missing, what then?",
            "is {m} really needed?",
            "where do I find {m}",
            "would you check {m} for us?",
            "the guide says {m} is required",
            "what is {m}?",
            "once {m} is done, how long does it take?",
            "I need help with {m}",
            "can I leave {m} out?",
            "should {m} come first?",
        ),
    },
    "pt": {
        "done": (
            "{m} está pronto",
            "{m}: feito",
            "{m}: sim",
            "{m} ok",
            "{m} já está desde março",
            "já temos {m}",
            "terminei {m} na semana passada",
            "quanto a isso, {m} está resolvido",
            "cuidei disso, {m} tá certo",
            "{m} ✅",
            "o pessoal da TI fez {m} pra gente",
            "{m} funciona",
            "{m} existe faz tempo",
            "{m} sem problema nenhum",
            "sim, {m} existe",
            "conferi {m} e está tudo certo",
            "deixei {m} pronto hoje cedo",
            "{m} ta ok",
        ),
        "not_done": (
            "{m} não está pronto",
            "{m}: não",
            "{m} ainda não",
            "falta {m}",
            "{m} está faltando",
            "não mexi em {m}",
            "{m} continua pendente",
            "ninguém cuidou disso, {m} não foi feito",
            "{m} eu faço amanhã",
            "{m} fica pra semana que vem",
            "nunca fizemos {m}",
            "{m} ❌",
            "só falta {m}",
            "{m} nada por enquanto",
            "nao deu tempo de ver {m}",
            "{m} vai esperar até segunda",
            "{m} nem sinal",
        ),
        "failed": (
            "{m} falha",
            "{m} dá erro",
            "tentei {m} três vezes e não funciona",
            "{m} continua falhando",
            "{m} foi recusado",
            "travei em {m}",
            "{m} não passa",
            "{m} aparece em vermelho",
            "não conseguimos fazer {m} funcionar",
            "{m} dá erro toda vez",
            "{m} sem sucesso",
            "{m} dá timeout",
        ),
        "open": (
            "{m} é importante?",
            "como faço {m}?",
            "se faltasse {m}, o que acontece?",
            "{m} é mesmo necessário?",
            "onde encontro {m}",
            "vocês podem verificar {m}?",
            "o guia diz que precisa de {m}",
            "o que é {m}?",
            "depois de {m}, quanto tempo demora?",
            "preciso de ajuda com {m}",
            "posso pular {m}?",
            "{m} vem primeiro?",
        ),
    },
    "es": {
        "done": (
            "{m} está listo",
            "{m}: hecho",
            "{m}: sí",
            "{m} ok",
            "{m} ya está desde marzo",
            "ya tenemos {m}",
            "terminé {m} la semana pasada",
            "en cuanto a eso, {m} está resuelto",
            "me encargué de {m}",
            "{m} ✅",
            "los de informática hicieron {m}",
            "{m} funciona",
            "{m} existe hace tiempo",
            "{m} sin ningún problema",
            "sí, {m} existe",
            "revisé {m} y está bien",
            "dejé {m} listo esta mañana",
            "{m} bien",
        ),
        "not_done": (
            "{m} no está listo",
            "{m}: no",
            "{m} todavía no",
            "falta {m}",
            "{m} está pendiente",
            "no toqué {m}",
            "{m} sigue sin hacerse",
            "nadie se ocupó de {m}",
            "{m} lo hago mañana",
            "{m} queda para la semana que viene",
            "nunca hicimos {m}",
            "{m} ❌",
            "solo falta {m}",
            "de {m} nada por ahora",
            "no me dio tiempo de ver {m}",
            "{m} tendrá que esperar al lunes",
            "de {m} ni rastro",
            "{m} nunca salió",
            "{m} nunca se envió",
            "{m}: estado inactivo",
            "{m} sigue apagado",
            "ella nunca llegó a hacer {m}",
        ),
        "failed": (
            "{m} falla",
            "{m} da error",
            "intenté {m} tres veces y no funciona",
            "{m} sigue fallando",
            "{m} fue rechazado",
            "me atasqué con {m}",
            "{m} no pasa",
            "{m} sale en rojo",
            "no logramos que funcione {m}",
            "{m} da error cada vez",
            "{m} sin éxito",
            "{m} da timeout",
        ),
        "open": (
            "¿importa {m}?",
            "¿cómo hago {m}?",
            "si faltara {m}, ¿qué pasa?",
            "¿de verdad hace falta {m}?",
            "dónde encuentro {m}",
            "¿pueden revisar {m}?",
            "la guía dice que hace falta {m}",
            "¿qué es {m}?",
            "después de {m}, ¿cuánto tarda?",
            "necesito ayuda con {m}",
            "¿puedo saltarme {m}?",
            "¿{m} va primero?",
        ),
    },
}
AGENT: dict[str, tuple[str, ...]] = {
    "en": (
        "First of all: {t}.",
        "Here is our article about it: {t}",
        "Next, please {t}",
        "{t} - has this been done?",
        "The guide for this step is called {t}.",
    ),
    "pt": (
        "Primeiro: {t}.",
        "Segue o artigo: {t}",
        "O próximo passo: {t}",
        "{t}, isso já foi feito?",
        "O guia dessa etapa se chama {t}.",
    ),
    "es": (
        "Lo primero: {t}.",
        "Este es el artículo: {t}",
        "El siguiente paso: {t}",
        "{t}, ¿eso ya está hecho?",
        "La guía de este paso se llama {t}.",
    ),
}


class Line(NamedTuple):
    """A sentence with what it is about and what it says of it."""

    text: str
    lang: str
    step: str | None
    status: str | None
    """done, not_done, failed, or open; None where nothing was said of the step."""


def lines(trained: TrainProcedure, chance: random.Random, per_status: int = 4) -> Iterator[Line]:
    for step in trained.steps:
        for lang, words in step.words.items():
            for status, phrases in words.said.items():
                for phrase in phrases:
                    yield Line(phrase, lang, step.id, status)
            for status, templates in TEMPLATES[lang].items():
                for template in chance.sample(templates, per_status):
                    text = template.format(m=chance.choice(words.mentions))
                    yield Line(text, lang, step.id, status)
            for mention in words.mentions:
                yield Line(mention, lang, step.id, None)
            for template in chance.sample(AGENT[lang], 2):
                title = step.titles[lang]
                yield Line(template.format(t=title[0].lower() + title[1:]), lang, step.id, None)
    for lang, goal in trained.goals.items():
        for text in (*goal.wants, *goal.asks_how, *goal.asks):
            yield Line(text, lang, None, None)


def left_open() -> Iterator[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    """Procedure, language, sentences about a step that leave its state open, and such that say nothing."""
    id = ""
    for line in _all("open-*.txt").splitlines():
        key, _, value = line.partition(":")
        if line.startswith("# "):
            id = line[2:].strip()
        elif key in LANGUAGES:
            open_, none = map(_list, re.split(r"\s/\s", value))
            yield id, key, open_, none


class Acted(NamedTuple):
    """A sentence that belongs to no procedure, with what it does and what it says of a step."""

    text: str
    act: str
    status: str | None
    held: bool


_ACTS_OF = {"topic": "ask"}
_SAID = {"back": "not_done", "all_done": "done"}
_INTENTS = {
    "greet": "greeting", "open": "want", "insist": "want", "open_how": "how", "topic": "ask",
    "promise": "promise", "answer_beside": "aside", "told_already": "told", "and_now": "stands",
    "come_back": "stands", "impatient": "complaint", "again": "again", "not_understood": "again",
    "back_to_it": "matter", "thanks": "thanks", "confirm_yes": "confirm", "want_person": "person",
    "broke": "broke", "urge": "skip",
}  # fmt: skip
_REPORTS = {
    "claim_done": "done", "claim_all": "done", "did_it": "done", "did_it_named": "done",
    "answer_yes": "done", "claim_not_done": "not_done", "answer_no": "not_done", "correct": "not_done",
    "did_failed": "failed", "claim_unsure": "open",
}  # fmt: skip


def acted(chance: random.Random) -> Iterator[Acted]:
    """Of `acts-*.txt`, `states.txt` and `said.txt` (intents of simulated customers), slots filled: `{goal}`
    from a list of its own, `{step}` with a title of these procedures."""
    by_act = sentences("acts-*.txt", more=False)
    goals = by_act.pop("goal")
    titles = {lang: [step.titles[lang] for p in procedures() for step in p.steps] for lang in LANGUAGES}

    def filled(text: str, lang: str) -> str:
        text = text.replace("{goal}", chance.choice(goals[lang]))
        return text.replace("{step}", chance.choice(titles[lang]))

    for label, by_lang in (*by_act.items(), *sentences("states.txt", more=False).items()):
        state = label.removesuffix("_step")
        status = _SAID.get(state, state) if state in ("done", "not_done", "failed", "open", *_SAID) else None
        act = "report" if status else _ACTS_OF.get(label, label)
        for lang, texts in by_lang.items():
            for number, text in enumerate(texts):
                yield Acted(filled(text, lang), act, status, number % 8 == 5)
    for intent, by_lang in sentences("said.txt", more=False).items():
        reported = _REPORTS.get(intent)
        meant = "report" if reported else _INTENTS.get(intent)
        if meant is None:
            continue
        for lang, texts in by_lang.items():
            yield from (Acted(filled(text, lang), meant, reported, held=False) for text in texts)
