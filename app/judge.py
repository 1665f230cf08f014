"""A model judges one finding from its two lines: codes of closed sets come back, and no words."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from app.completion import ModelFailed
from app.endpoint import Endpoint, at_most
from app.masking import Mask
from knowledge.health.judged import Pair
from knowledge.judging import WHY_HOLDS, WHY_NOT, Reason, Relation, Verdict

MOST_TOKENS = 200
ASKED_FOR = tuple(reason for reason in get_args(Reason) if reason != "no_answer")
SCHEMA = {
    "name": "verdict",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "enum": list(ASKED_FOR)},
            "kind": {"type": "string", "enum": list(get_args(Relation))},
            "verdict": {"type": "string", "enum": list(get_args(Verdict))},
        },
        "required": ["reason", "kind", "verdict"],
        "additionalProperties": False,
    },
}


class Judged(BaseModel):
    """What it is asked for, as in `prompts/judge.md`; whatever else it writes is not read."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    verdict: Verdict
    kind: Relation
    reason: Reason


class Told(NamedTuple):
    judged: Judged | None
    """None: the text made it refuse, or what it gave was no verdict."""
    tokens: int


async def judge(endpoint: Endpoint, pair: Pair, until: float) -> Told:
    """Raises `ModelFailed` where the endpoint fails. One pair a call: what one page says to the model cannot
    reach another page's verdict."""
    asked = messages(pair)
    try:
        said = await endpoint.ask(asked, role="judge", max_tokens=MOST_TOKENS, schema=SCHEMA, until=until)
    except ModelFailed as error:
        if error.by_text and error.kind != "rejected":  # what it does not take it takes of no page
            return Told(None, tokens_of(pair))
        raise
    taken = at_most(asked) if said.tokens_in is None else said.tokens_in
    written = at_most(said.text) if said.tokens_out is None else said.tokens_out
    return Told(_read(said.text, pair), taken + written)


def messages(pair: Pair) -> list[dict[str, str]]:
    """The part that never changes first; personal data and secrets hidden."""
    mask = Mask()
    material = {"finding": pair.kind} | {
        name: {"page": mask(side.title), "line": mask(side.line)}
        for name, side in (("first", pair.first), ("second", pair.second))
    }
    return [
        {"role": "system", "content": _prompt()},
        {"role": "user", "content": json.dumps(material, ensure_ascii=False)},
    ]


def tokens_of(pair: Pair) -> int:
    """The most that a call takes, by an estimate that is rather too high."""
    return at_most([messages(pair), SCHEMA]) + MOST_TOKENS


def _read(text: str, pair: Pair) -> Judged | None:
    start, end = text.find("{"), text.rfind("}")  # some servers wrap the object in a fence or a sentence
    try:
        judged = Judged.model_validate_json(text[start : end + 1] if 0 <= start < end else text)
    except ValidationError:
        return None
    return judged if _goes_together(judged, pair.kind) else None


def _goes_together(judged: Judged, kind: str) -> bool:
    """A verdict whose parts speak against each other is none."""
    match judged.verdict:
        case "holds":
            return judged.kind == kind and judged.reason in WHY_HOLDS
        case "does_not_hold":
            return judged.kind != kind and judged.reason in WHY_NOT
        case "unsure":
            return judged.reason == "too_little"


@cache
def _prompt() -> str:
    return (Path(__file__).parent / "prompts" / "judge.md").read_text(encoding="utf-8").strip()
