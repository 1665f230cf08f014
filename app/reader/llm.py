"""The reader over a language model: one call, quotes checked, one repair, else the built-in reader."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from app.completion import ModelFailed, Said
from app.endpoint import Endpoint
from app.masking import Mask
from app.models.conversation import Message
from app.models.reading import Claim, Danger, Input, Reading, Speech
from app.ports import Reader
from app.reader import prompt
from app.reader.data import SILENT
from app.reader.settled import settled
from app.reader.subjects import HOST_KINDS, ascii_host, pastes
from app.reader.text import without
from knowledge.model import Procedure

log = logging.getLogger(__name__)

STATUSES = frozenset({"done", "not_done", "failed"})


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore")


class ReadInput(_Answer):
    name: str
    value: str
    message: str
    quote: str


class ReadClaim(_Answer):
    step: str
    status: str
    subject: str | None = None
    message: str
    quote: str
    shown: bool = False


class ReadAnswer(_Answer):
    """What the model is asked for; field by field as in `prompts/read.md`."""

    language: Literal["en", "pt", "es"]
    speech: Speech
    request: str
    procedure: str | None
    inputs: list[ReadInput]
    claims: list[ReadClaim]
    wants_outcome: bool
    asks_how: bool
    wants_person: bool
    danger: Danger | None
    skips_checks: bool
    for_other: bool
    asks_again: bool
    confirms: bool


def llm_reader(
    endpoint: Endpoint, *, fallback: Reader, budget: int = 6_000, max_tokens: int = 1_500
) -> Reader:
    """`budget` counts tokens of the conversation. The endpoint's deadline is for the repair, too."""

    async def read(messages: Sequence[Message], procedures: Sequence[Procedure]) -> Reading:
        named, mask = prompt.names(messages), Mask()
        own = await fallback(messages, procedures)
        asked = _asked(named, procedures, budget, own, mask)
        try:
            answer, spent = await _answer(endpoint, asked, procedures, max_tokens)
        except ModelFailed as error:
            log.log(error.level, "the model %s did not read (%s): our own reader does", endpoint.model, error)
            return own.model_copy(update={"reader": f"builtin (no model: {error.kind})"})
        answer = ReadAnswer.model_validate(_put_back(answer.model_dump(), mask))
        return believed(answer, named, procedures, own).model_copy(
            update={"reader": f"llm:{endpoint.model}", "tokens_in": spent[0], "tokens_out": spent[1]}
        )

    return read


def _put_back(value: Any, mask: Mask) -> Any:
    match value:
        case str():
            return mask.back(value)
        case list():
            return [_put_back(each, mask) for each in value]
        case dict():
            return {key: _put_back(each, mask) for key, each in value.items()}
        case _:
            return value


def believed(
    answer: ReadAnswer, named: dict[str, Message], procedures: Sequence[Procedure], own: Reading
) -> Reading:
    """What of a model's answer counts: what the customer's words bear out, held against our own reading."""
    reading = checked(answer, named, procedures)
    procedure = next((one for one in procedures if one.id == reading.procedure), None)
    acts = procedure is not None and procedure.action is not None
    return settled(reading, own, for_action=acts)


def _asked(
    named: dict[str, Message], procedures: Sequence[Procedure], budget: int, own: Reading, mask: Mask
) -> list[dict[str, str]]:
    """The chat messages of the call, the part that never changes first; personal data and secrets hidden."""
    hidden = {
        name: message.model_copy(update={"text": mask(message.text)}) for name, message in named.items()
    }
    texts = {message.id: message.text for message in hidden.values()}
    quotes: dict[str, list[str]] = {}
    for message, quote in [(c.message, c.quote) for c in own.claims] + [
        (s.message, s.quote) for s in own.subjects
    ]:
        # A quote may end in the middle of what is hidden; what is left of it then stands nowhere.
        if (said := mask(quote)) in texts.get(message, ""):
            quotes.setdefault(message, []).append(said)
    text = prompt.conversation_text(hidden, prompt.counter(), budget, quotes)
    content = prompt.render("conversation", procedures=prompt.procedures_text(procedures), conversation=text)
    return [{"role": "system", "content": prompt.template("read")}, {"role": "user", "content": content}]


async def _answer(
    endpoint: Endpoint, asked: list[dict[str, str]], procedures: Sequence[Procedure], max_tokens: int
) -> tuple[ReadAnswer, tuple[int, int]]:
    """The parsed answer and the tokens spent; raises `ModelFailed` after one repair."""
    wanted = {"name": "reading", "strict": True, "schema": schema(procedures)}
    until = endpoint.deadline()
    said: list[Said] = []
    for _ in range(2):
        said.append(
            await endpoint.ask(asked, role="reader", max_tokens=max_tokens, schema=wanted, until=until)
        )
        try:
            answer = ReadAnswer.model_validate_json(_object_in(said[-1].text))
        except ValidationError as error:
            problem = "; ".join(
                f"{'.'.join(map(str, e['loc'])) or 'text'}: {e['msg']}" for e in error.errors()[:3]
            )
            asked = [
                *asked,
                {"role": "assistant", "content": said[-1].text[:4_000]},
                {"role": "user", "content": prompt.render("repair", problem=problem)},
            ]
        else:
            return answer, (sum(s.tokens_in or 0 for s in said), sum(s.tokens_out or 0 for s in said))
    raise ModelFailed("malformed", "it does not fit the schema, twice", by_text=True)


def _object_in(text: str) -> str:
    """Some servers wrap the object in a fence or a sentence."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def schema(procedures: Sequence[Procedure]) -> dict[str, Any]:
    """Strict JSON schema of the answer; ids are enumerations, so that none is invented."""
    steps = sorted({step.id for procedure in procedures for step in procedure.steps})
    outcomes = sorted({name for p in procedures for step in p.steps for name, _ in step.outcomes} - STATUSES)
    text, flag = {"type": "string"}, {"type": "boolean"}
    return _object(
        language={"type": "string", "enum": ["en", "pt", "es"]},
        speech={"type": "string", "enum": ["request", "question", "report", "thanks", "greeting"]},
        request=text,
        procedure={"anyOf": [_one_of([p.id for p in procedures]), {"type": "null"}]}
        if procedures
        else {"type": "null"},
        inputs={"type": "array", "items": _object(name=text, value=text, message=text, quote=text)},
        claims={
            "type": "array",
            "items": _object(
                step=_one_of(steps) if steps else text,
                status=_one_of([*sorted(STATUSES), *outcomes]),
                subject={"anyOf": [text, {"type": "null"}]},
                message=text,
                quote=text,
                shown=flag,
            ),
        },
        wants_outcome=flag,
        asks_how=flag,
        wants_person=flag,
        danger={
            "anyOf": [_one_of(["security", "fraud", "legal", "harm", "billing_dispute"]), {"type": "null"}]
        },
        skips_checks=flag,
        for_other=flag,
        asks_again=flag,
        confirms=flag,
    )


def _one_of(values: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)}


def _object(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


# --- nothing without a quote --------------------------------------------------------------------


def checked(answer: ReadAnswer, named: dict[str, Message], procedures: Sequence[Procedure]) -> Reading:
    """The Reading, without what cannot be found in the customer's own messages."""
    procedure = next((p for p in procedures if p.id == answer.procedure), None)
    return Reading(
        language=answer.language,
        speech=answer.speech,
        request=answer.request.strip(),
        procedure=procedure.id if procedure else None,
        subjects=tuple(_inputs(answer, named, procedure)),
        claims=tuple(_claims(answer, named, procedure)) if procedure else (),
        wants_outcome=answer.wants_outcome and procedure is not None,
        asks_how=answer.asks_how,
        wants_person=answer.wants_person,
        danger=answer.danger,
        skips_checks=answer.skips_checks,
        for_other=answer.for_other,
        asks_again=answer.asks_again,
        confirms=answer.confirms,
    )


def _inputs(answer: ReadAnswer, named: dict[str, Message], procedure: Procedure | None) -> list[Input]:
    """What they name in their own words. What is pasted names at most the host of what they ask for, where
    they say none; anything else that it names is asked for."""
    kinds = procedure.subjects if procedure else ()
    spoken = _with_texts(named, without)
    found = _named(answer, spoken, kinds)
    if not any(item.name in HOST_KINDS for item in found):
        pasted = _with_texts(named, lambda text: "\n".join(pastes(text)))
        found += _named(answer, pasted, [kind for kind in kinds if kind in HOST_KINDS])
    return found


def _with_texts(named: dict[str, Message], read: Callable[[str], str]) -> dict[str, Message]:
    return {id: message.model_copy(update={"text": read(message.text)}) for id, message in named.items()}


def _named(answer: ReadAnswer, named: dict[str, Message], kinds: Sequence[str]) -> list[Input]:
    found: dict[tuple[str, str], Input] = {}
    for item in answer.inputs:
        message, quote = _said(item.message, item.quote, named)
        if item.name not in kinds or message is None or item.value.casefold() not in quote.casefold():
            continue
        value = _normal(item.name, item.value)
        if value:
            found.setdefault(
                (item.name, value), Input(name=item.name, value=value, message=message.id, quote=quote)
            )
    return list(found.values())


def _claims(answer: ReadAnswer, named: dict[str, Message], procedure: Procedure) -> list[Claim]:
    order = {message.id: number for number, message in enumerate(named.values())}
    newest: dict[tuple[str, str | None], Claim] = {}
    telling = _with_texts(named, lambda text: without(text, SILENT))
    for item in answer.claims:
        step = next((one for one in procedure.steps if one.id == item.step), None)
        message, quote = _said(item.message, item.quote, telling)
        if (
            step is None
            or message is None
            or item.status not in STATUSES | {name for name, _ in step.outcomes}
        ):
            continue
        subject = _normal(step.subject, item.subject) if item.subject else None
        known = newest.get((step.id, subject))
        if known is None or order[known.message] <= order[message.id]:
            newest[step.id, subject] = Claim(
                step=step.id,
                subject=subject,
                status=item.status,
                message=message.id,
                quote=quote,
                shown=item.shown,
            )
    return list(newest.values())


def _said(name: str, quote: str, named: dict[str, Message]) -> tuple[Message | None, str]:
    """The customer's message that holds the quote, and the quote as it stands there."""
    asked = named.get(name)
    for message in ([asked] if asked else []) + [m for m in named.values() if m is not asked]:
        if message.role == "customer" and (found := _verbatim(quote, message.text)):
            return message, found
    return None, ""


def _verbatim(quote: str, text: str) -> str:
    """The stretch of the text that reads like the quote but for white space and case, or nothing."""
    parts = [re.escape(part) for part in quote.split()]
    match = re.search(r"\s+".join(parts), text, re.I) if parts else None
    return match[0] if match else ""


def _normal(kind: str, value: str) -> str | None:
    value = value.strip().strip("\"'`")
    if kind == "domain":
        return ascii_host(value.removeprefix("https://").removeprefix("http://").split("/", 1)[0])
    return value or None
