"""What a customer takes from a reply: by the bot's own events where it sends them, else by its words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from evals.simulate.machine import Heard, Kind
from knowledge.model import Procedure

KINDS: Mapping[str, Kind] = {
    "guide": "guide",
    "ask": "ask",
    "answer": "answer",
    "propose": "propose",
    "watch": "watch",
    "decline": "decline",
    "hand_off": "hand_off",
    "acknowledge": "acknowledge",
    "already": "answer",  # every step holds; whether the outcome does, only the events say
    "stay_silent": "nothing",
    "act": "nothing",
}
SUBJECTS = frozenset({"domain", "sending_domain", "workspace"})
"""What a bot may ask for a name of."""

_CONDITION = re.compile(
    r"\b(once|when|if|before|until|after|quando|se|assim que|depois|antes|cuando|si|una vez|después)\b", re.I
)
_DONE = re.compile(
    r"\b(is|are|has been|have been) (now )?(switched on|enabled|active now|on now|resumed|moved|assigned)\b"
    r"|^done\b|\bi have (switched|enabled|resumed|moved|assigned)\b"
    r"|\b(foi|está|foram|estão) (agora )?(ativad|ligad|retomad|movid|atribuíd)[oa]s?\b"
    r"|^(feito|pronto)\b|^(hecho|listo)\b"
    r"|\b(ha sido|está|fue|quedó) (ahora )?(activad[oa]s?|reanudad[oa]s?|movid[oa]s?|asignad[oa]s?)\b",
    re.I,
)
_PERSON = re.compile(
    r"\b(colleague|teammate|person|human|agent)\b.*\b(take|over|will|contact|get back|look)\b"
    r"|\b(pessoa|colega|atendente)\b.*\b(assum|vai|entra|cuid)"
    r"|\b(persona|compañer[oa]|agente)\b.*\b(encarg|va a|contact|ocup)",
    re.I,
)


def from_words(text: str, procedure: Procedure, places: Sequence[str] = ()) -> Heard:
    """A reply of which nothing is known but its text, and the places that it cites."""
    step = step_of(text, procedure, places)
    sentences = [each for each in re.split(r"(?<=[.!?])\s+|\n+", text.strip()) if each]
    kind: Kind = "answer" if sentences else "nothing"
    if any(_DONE.search(s) and not _CONDITION.search(s) and not s.endswith("?") for s in sentences):
        kind = "done"
    elif any(_PERSON.search(s) for s in sentences):
        kind = "hand_off"
    elif step is not None:
        kind = "ask" if sentences[-1].rstrip().endswith("?") else "guide"
    return Heard(kind=kind, text=text, step=step, places=tuple(places))


def step_of(text: str, procedure: Procedure, places: Sequence[str] = ()) -> str | None:
    """The step that a reply is about: the first place that is a step's section, else the first title."""
    anchors = {step.anchor: step.id for step in procedure.steps}
    page = page_of(procedure.path)
    for place in places:
        path, _, anchor = place.partition("#")
        if path == page and anchor in anchors:
            return anchors[anchor]
    low = text.casefold()
    titles = [(t.casefold(), s.id) for s in procedure.steps for t in (s.title, *(v for _, v in s.titles))]
    there = [(low.index(title), step) for title, step in titles if title in low]
    return min(there)[1] if there else None


def names(text: str, procedure: Procedure) -> bool:
    """Whether a reply says what the procedure is called."""
    titles = (procedure.title, *(title for _, title in procedure.titles))
    return any(title.casefold() in text.casefold() for title in titles)


def page_of(path: str) -> str:
    """A page by its name: its translations are the same page to whoever reads it."""
    return path.rpartition("/")[2]


def place_of(path: str, anchor: str | None) -> str:
    return f"{page_of(path)}#{anchor or ''}"


def from_events(
    events: Sequence[tuple[str, Mapping[str, Any]]], procedure: Procedure, steps: Sequence[str | None] = ()
) -> Heard | None:
    """All that came of one message, as one reply; None where the customer saw nothing.

    `steps`: the step of each of our replies where the caller knows it; else it is read from the reply.
    """
    texts: list[str] = []
    places: list[str] = []
    heard: Heard | None = None
    request: str | None = None
    known = list(steps)
    for kind, payload in events:
        if kind == "action.proposed" and payload.get("approval") == "customer":
            request = str(payload["request"])
        elif (kind, payload.get("state")) in (("resolution", "verified"), ("action.state", "done")):
            heard = Heard(kind="done")
        elif kind == "handoff" and (heard is None or heard.kind != "done"):
            heard = Heard(kind="hand_off")
        elif kind == "message.done" and payload["message"].get("role") == "bot":
            message = payload["message"]
            texts.append(message["text"])
            cited = [place_of(c["path"], c.get("anchor")) for c in message.get("citations", ())]
            places += cited
            if heard is None or heard.kind not in ("done", "hand_off"):
                heard = _said(message, cited, procedure, known)
    if heard is None:
        return None
    return heard.model_copy(update={"text": "\n\n".join(texts), "places": tuple(places), "request": request})


def _said(
    message: Mapping[str, Any], cited: Sequence[str], procedure: Procedure, steps: list[str | None]
) -> Heard:
    decision = message.get("decision")
    if decision is None:
        return from_words(message["text"], procedure, cited)
    kind = KINDS.get(decision, "answer")
    step = steps.pop(0) if steps else step_of(message["text"], procedure, cited)
    if kind == "ask" and step in SUBJECTS | set(procedure.subjects):
        return Heard(kind="ask_subject", step=step)
    if kind == "ask" and (step == procedure.id or (step is None and names(message["text"], procedure))):
        return Heard(kind="ask_matter")
    return Heard(kind=kind, step=step if kind in ("guide", "ask", "watch") else None)
