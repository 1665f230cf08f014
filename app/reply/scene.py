"""What a reply is made from, for every sentence of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.hours import Handover
from app.models.facts import Facts
from app.models.steps import StepState
from app.quoting import Link, page_link
from app.texts import label, say
from knowledge.model import Citation, Step


@dataclass(frozen=True)
class Scene:
    """What every sentence of one reply may need."""

    facts: Facts
    lang: str
    now: datetime
    next_look: datetime | None = None
    step_source: Citation | None = None
    written: str | None = None
    link: Link = page_link
    handover: Handover | None = None

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

    def page_title(self) -> str:
        source, procedure = self.step_source, self.facts.procedure
        return source.title if source else procedure.title if procedure else ""


def joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def blocks(*blocks: str) -> str:
    return "\n\n".join(block for block in blocks if block)
