"""A procedure of nobody's platform, the facts of a turn about it, and in which language a text is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any, get_args

from app.hours import Handover
from app.models.decision import (
    Acknowledge,
    Act,
    Already,
    Answer,
    Ask,
    Decision,
    Decline,
    Guide,
    HandOff,
    Propose,
    Watch,
)
from app.models.facts import Continued, Facts
from app.models.reading import Reading
from app.models.steps import Finding, StepState
from app.settings import Team
from knowledge.model import Citation, Procedure, Step

NOW = datetime(2026, 9, 14, 10, 0, tzinfo=UTC)

SECTIONS = {
    "en": {
        "oven": "Turn the big wheel on the left to the red mark and wait until the lamp goes out.",
        "dough": "1. Put the flour into the bowl.\n2. Add the water:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Print a label with the day of baking and stick it on the box. See [paper](paper.md#size).",
    },
    "pt": {
        "oven": "Gire a roda grande da esquerda até a marca vermelha e espere a lâmpada apagar.",
        "dough": "1. Coloque a farinha na tigela.\n2. Ponha a água:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Imprima uma etiqueta com o dia do forno e cole na caixa. Veja [papel](paper.md#size).",
    },
    "es": {
        "oven": "Gira la rueda grande de la izquierda hasta la marca roja y espera a que se apague la luz.",
        "dough": "1. Pon la harina en el cuenco.\n2. Añade el agua:\n\n   ```\n   knead --slowly\n   ```",
        "label": "Imprime una etiqueta con el día del horno y pégala en la caja. Ve [papel](paper.md#size).",
    },
}

TITLES = {
    "en": ("Heat the oven", "Knead the dough", "Put a label on the box"),
    "pt": ("Aqueça o forno", "Sove a massa do pão", "Ponha uma etiqueta na caixa"),
    "es": ("Calienta el horno", "Amasa la masa del pan", "Pon una etiqueta en la caja"),
}

PAGE_TITLES = {"en": "Baking bread", "pt": "Como assar o pão", "es": "Cómo hornear el pan"}

STEPS = ("oven", "dough", "label")

SUPPORT = Team(name="Support", zone="America/Sao_Paulo", opens=time(9), closes=time(18))

THURSDAY = NOW + timedelta(days=3, hours=2)

HANDOVERS = (
    Handover(),
    Handover(eta_s=900),
    Handover(team="Support", hours="open"),
    Handover(team="Support", hours="open", eta_s=900),
    Handover(team="Support", zone=SUPPORT.zone, hours="closed", opens_at=THURSDAY),
    Handover(team="Support", zone=SUPPORT.zone, hours="closed"),
)

BEFORE = Continued(channel="web", at=NOW - timedelta(days=3))


def bakery(lang: str = "en", action: str | None = "bake_bread") -> Procedure:
    """A procedure of nobody's platform: nothing in the catalogues knows its words."""
    steps = tuple(
        Step(id=id, title=title, text=SECTIONS[lang][id], anchor=id, subject="domain")
        for id, title in zip(STEPS, TITLES[lang], strict=True)
    )
    return Procedure(
        id="baking",
        document="d1",
        version="v1",
        path=f"{lang}/baking.md",
        lang=lang,
        title=PAGE_TITLES[lang],
        when="Bread is wanted.",
        intro="",
        subjects=("domain",),
        steps=steps,
        action=action,
    )


def finding(met: bool | None = True, code: str | None = None, **changes: Any) -> Finding:
    code = code or {True: "simulated_met", False: "simulated_not_met", None: "simulated_unknown"}[met]
    fields: dict[str, Any] = {"check": "oven_hot", "met": met, "code": code, "at": NOW, "until": NOW}
    return Finding(**fields | changes)


def state(step: str, word: str = "verified", *findings: Finding, **changes: Any) -> StepState:
    fields: dict[str, Any] = {
        "step": step,
        "word": word,
        "holds": word in ("verified", "claimed", "evidenced"),
        "findings": findings or ((finding(True),) if word == "verified" else ()),
        "checkable": word in ("verified", "missing", "contradicted"),
    }
    return StepState(**fields | changes)


def citation(n: int = 1, lang: str = "en", **changes: Any) -> Citation:
    quotes = {
        "en": "The bread stays fresh for three days in a paper bag.",
        "pt": "O pão fica fresco por três dias num saco de papel.",
        "es": "El pan se conserva fresco tres días en una bolsa de papel.",
    }
    fields: dict[str, Any] = {
        "passage": f"p{n}",
        "document": f"d{n}",
        "version": "v1",
        "title": PAGE_TITLES[lang],
        "path": f"{lang}/fresh-{n}.md",
        "anchor": "bag",
        "quote": quotes[lang],
        "updated_at": NOW,
        "lang": lang,
    }
    return Citation(**fields | changes)


def scene(
    lang: str = "en", *, known: bool = True, steps: tuple[StepState, ...] = (), **changes: Any
) -> Facts:
    reading = changes.pop("reading", Reading(language=lang, wants_outcome=True))
    return Facts(
        reading=reading,
        procedure=bakery(lang) if known else None,
        steps=steps if steps or not known else (state("oven"), state("dough"), state("label")),
        standing="owner",
        **changes,
    )


HALF = (state("oven"), state("dough", "claimed"), state("label", "missing", finding(False)))


def decisions(lang: str) -> list[Decision]:
    reasons: tuple[Any, ...] = get_args(HandOff.model_fields["reason"].annotation)
    declines: tuple[Any, ...] = get_args(Decline.model_fields["reason"].annotation)
    return [
        Acknowledge(because="-"),
        Acknowledge(because="-", closes=True),
        Already(because="-"),
        Answer(because="-", citations=(citation(1, lang), citation(2, lang))),
        Guide(because="-", step="dough"),
        Guide(because="-", step="dough", another_way=True),
        Ask(because="-", step="dough"),
        Ask(because="-", step="workspace", about="subject"),
        Ask(because="-", step="this button", about="words"),
        Watch(because="-", step="dough"),
        Propose(because="-", action="bake_bread", approval="customer"),
        Propose(because="-", action="enable_https", approval="agent"),
        Act(because="-", action="bake_bread"),
        Act(because="-", action="enable_https"),
        *(Decline(because="-", reason=reason, step="dough") for reason in declines),
        *(Decline(because="-", reason=reason) for reason in declines),
        *(HandOff(because="-", reason=reason) for reason in reasons),
    ]


@cache
def detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    return LanguageDetectorBuilder.from_languages(
        Language.ENGLISH, Language.PORTUGUESE, Language.SPANISH
    ).build()


def language_of(text: str) -> str:
    bare = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)|\[\d+\]", " ", text, flags=re.DOTALL)
    found = detector().detect_language_of(bare)
    return found.iso_code_639_1.name.lower() if found else "none"
