"""Measures a reader alone on labelled conversations: claims, procedure, wishes, the blind next step; speed.

`python -m evals.bench_reader CASES` reads them, with `--speed` it times conversations made of them.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from app.models.conversation import Message
from app.models.reading import Reading
from app.ports import Reader
from evals.bench import quantile
from knowledge.embedding import Encoder, Vectors
from knowledge.model import Procedure

PAGES = Path(__file__).parents[1] / "knowledge" / "pages" / "en"
START = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = ("done", "not_done", "failed", "unknown")


def load(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def messages_of(case: Mapping[str, Any]) -> list[Message]:
    """The conversation and nothing else of the case: a reader never sees identity, world or gold."""
    return [
        Message(
            id=f"{case['id']}-{number}",
            conversation=case["id"],
            role=message["role"],
            text=message["text"],
            at=START + timedelta(minutes=number),
        )
        for number, message in enumerate(case["messages"])
    ]


def procedures_in(folder: Path = PAGES) -> list[Procedure]:
    from knowledge.procedures import parse_procedure

    found = []
    for page in sorted(folder.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        parsed = parse_procedure(
            text, path=page.name, document=page.stem, version="1", checks=None, actions=None
        )
        if parsed:
            found.append(parsed)
    return found


def status_of(reading: Reading, step: str) -> str:
    """One word per step over its subjects: what speaks against it counts first."""
    found = {claim.status for claim in reading.claims if claim.step == step}
    return next((status for status in ("failed", "not_done", "done") if status in found), "unknown")


def blind(claims: Mapping[str, str], *, must_check: bool) -> tuple[str, str | None]:
    for step, status in claims.items():
        if status in {"not_done", "failed"}:
            return "guide", step
    for step, status in claims.items():
        if status == "unknown":
            return "ask", step
    return ("hand_off" if must_check else "act"), None


def wants_blind(case: Mapping[str, Any]) -> bool:
    expect = case["expect"]
    return bool(
        expect["wants_outcome"]
        and expect["procedure"]
        and not expect["wants_human"]
        and expect["decision"] != "decline"
        and not {"sensitive", "billing_dispute"} & set(case.get("tags", ()))
    )


def f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean F1 over the four statuses that occur in gold or reading."""
    scores = []
    for status in STATUSES:
        hit = sum(gold == status == read for gold, read in pairs)
        told = sum(read == status for _, read in pairs)
        true = sum(gold == status for gold, _ in pairs)
        if told or true:
            scores.append(2 * hit / (told + true))
    return sum(scores) / len(scores) if scores else 0.0


async def readings(
    cases: Sequence[Mapping[str, Any]], reader: Reader, procedures: Sequence[Procedure]
) -> list[Reading]:
    return [await reader(messages_of(case), procedures) for case in cases]


def measure(
    path: Path,
    reader: Reader | None = None,
    procedures: Sequence[Procedure] | None = None,
    *,
    show: bool = False,
) -> dict[str, Any]:
    cases = load(path)
    procedures = procedures_in() if procedures is None else procedures
    started = time.perf_counter()
    read = asyncio.run(readings(cases, reader or default_reader(), procedures))
    seconds = time.perf_counter() - started
    checked = {p.id: any(s.must_check or (s.check and p.action) for s in p.steps) for p in procedures}
    pairs: list[tuple[str, str]] = []
    right: dict[str, list[bool]] = defaultdict(list)
    wrong: list[str] = []
    for case, reading in zip(cases, read, strict=True):
        expect, id = case["expect"], case["expect"]["procedure"]
        right["procedure"].append(reading.procedure == id)
        right["wants_outcome"].append(reading.wants_outcome == expect["wants_outcome"])
        right["wants_person"].append(reading.wants_person == expect["wants_human"])
        told = {
            step: status_of(reading, step) if reading.procedure == id else "unknown"
            for step in expect["claims"]
        }
        if id:
            pairs += [(expect["claims"][step], told[step]) for step in expect["claims"]]
        if wants_blind(case):
            gold = blind(expect["claims"], must_check=checked.get(id, True))
            mine = (
                blind(told, must_check=checked.get(id, True))
                if reading.procedure == id
                and reading.wants_outcome
                and not reading.wants_person
                and not reading.danger
                and not reading.skips_checks
                else ("none", None)
            )
            right["blind_step"].append(gold == mine)
        wrong += _differences(case, reading, told)
    if show:
        print("\n".join(wrong))
    return {
        "n": len(cases),
        "claim_macro_f1": round(f1(pairs), 3),
        "claim_accuracy": round(sum(a == b for a, b in pairs) / max(1, len(pairs)), 3),
        **{name: round(sum(hits) / len(hits), 3) for name, hits in right.items()},
        "seconds_per_case": round(seconds / max(1, len(cases)), 3),
    }


def _differences(case: Mapping[str, Any], reading: Reading, told: Mapping[str, str]) -> list[str]:
    expect, lines = case["expect"], []
    if reading.procedure != expect["procedure"]:
        lines.append(f"{case['id']} procedure: {expect['procedure']} read {reading.procedure}")
    for name, gold in (("wants_outcome", expect["wants_outcome"]), ("wants_person", expect["wants_human"])):
        if getattr(reading, name) != gold:
            lines.append(f"{case['id']} {name}: {gold} read {not gold}")
    if (reading.danger is not None) != bool({"sensitive", "billing_dispute"} & set(case.get("tags", ()))):
        lines.append(f"{case['id']} danger: read {reading.danger}")
    if reading.skips_checks != ("skip_checks" in case.get("tags", ())):
        lines.append(f"{case['id']} skips_checks: read {reading.skips_checks}")
    if reading.for_other != ("identity_other" in case.get("tags", ())):
        lines.append(f"{case['id']} for_other: read {reading.for_other}")
    for step, gold in expect["claims"].items():
        if told[step] != gold:
            quotes = [(c.status, c.quote[:70], c.confidence) for c in reading.claims if c.step == step]
            lines.append(f"{case['id']} {step}: {gold} read {told[step]} {quotes}")
    return lines


TURNS = 10
"""Messages of a conversation that is timed, customer and agent by turns."""

FALLBACK = {
    "en": "Could you tell me how far you are with that?",
    "pt": "Você pode me dizer até onde chegou com isso?",
    "es": "¿Me puede decir hasta dónde llegó con eso?",
}


def conversations(cases: Sequence[Mapping[str, Any]]) -> list[list[Message]]:
    """Long conversations out of short ones of one language: their messages by turns, in order."""
    found = []
    for lang, fallback in FALLBACK.items():
        said: dict[str, list[str]] = defaultdict(list)
        for case in cases:
            if case["lang"].startswith(lang):
                for message in case["messages"]:
                    said[message["role"]].append(message["text"])
        ours = said["agent"] or [fallback]
        for first in range(0, len(said["customer"]) - TURNS // 2 + 1, TURNS // 2):
            turns = []
            for number in range(first, first + TURNS // 2):
                turns += [
                    {"role": "customer", "text": said["customer"][number]},
                    {"role": "agent", "text": ours[number % len(ours)]},
                ]
            found.append(messages_of({"id": f"{lang}-{first}", "messages": turns[-1:] + turns[:-1]}))
    return found


class Timed:
    """An encoder and the seconds that it has worked."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.seconds = 0.0
        self._encoder = encoder

    def queries(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = self._encoder.queries(texts)
        self.seconds += time.perf_counter() - started
        return vectors

    def passages(self, texts: Sequence[str]) -> Vectors:
        return self._encoder.passages(texts)


class Taken(NamedTuple):
    """Milliseconds that one conversation took to read."""

    whole: float
    embedding: float
    cpu: float
    """Of all threads, which tells more than the clock where others use the machine."""
    texts: int


def speed(
    cases: Sequence[Mapping[str, Any]], procedures: Sequence[Procedure], encoder: Encoder
) -> dict[str, Any]:
    """Milliseconds to read a long conversation: `cold`, no sentence seen before; `warm`, all but the newest
    message of either side seen. The procedures are known before: they change only when a page does.

    `plain`: nothing but every sentence embedded by itself, in the same minute on the same machine. A reader
    that remembers nothing does that at every turn, so both are held against it.
    """
    from app.reader.builtin import warm

    warm(procedures, encoder)
    kinds: dict[str, list[Taken]] = {"cold": [], "warm": []}
    plain: list[float] = []
    for messages in conversations(cases):
        plain.append(_plainly(messages, encoder))
        kinds["cold"].append(_timed(messages, 0, procedures, encoder))
        kinds["warm"].append(_timed(messages, len(messages) - 2, procedures, encoder))
    found: dict[str, Any] = {
        "conversations": len(plain),
        "texts_embedded": round(sum(one.texts for one in kinds["cold"]) / max(1, len(plain)), 1),
        **_quantiles("plain", plain),
    }
    for kind, taken in kinds.items():
        whole = [one.whole for one in taken]
        found |= _quantiles(kind, whole)
        found |= _quantiles(f"{kind}_embedding", [one.embedding for one in taken])
        found |= _quantiles(f"{kind}_rest", [one.whole - one.embedding for one in taken])
        found |= _quantiles(f"{kind}_cpu", [one.cpu for one in taken])
        shares = [mine / theirs for mine, theirs in zip(whole, plain, strict=True)]
        found[f"{kind}_to_plain"] = round(quantile(shares, 0.5), 2)
    return found


def _timed(
    messages: Sequence[Message], seen: int, procedures: Sequence[Procedure], encoder: Encoder
) -> Taken:
    """`seen`: messages that were read before."""
    from app.reader.builtin import read_conversation
    from knowledge.embedding import CachedEncoder

    timed = Timed(encoder)
    cached = CachedEncoder(timed)
    if seen:
        read_conversation(messages[:seen], procedures, cached)
    before, known = timed.seconds, cached.kept
    started, cpu = time.perf_counter(), time.process_time()
    read_conversation(messages, procedures, cached)
    whole, cpu = time.perf_counter() - started, time.process_time() - cpu
    return Taken(1000 * whole, 1000 * (timed.seconds - before), 1000 * cpu, cached.kept - known)


def _plainly(messages: Sequence[Message], encoder: Encoder) -> float:
    from app.reader.text import parted

    sentences = [each.piece.text for message in messages for each in parted(message.text).sentences]
    started = time.perf_counter()
    for sentence in sentences:
        encoder.queries([sentence])
    return 1000 * (time.perf_counter() - started)


def _quantiles(name: str, values: Sequence[float]) -> dict[str, int]:
    return {f"{name}_p50": round(quantile(values, 0.5)), f"{name}_p95": round(quantile(values, 0.95))}


def _encoder() -> Encoder:
    from knowledge.embedding import default_encoder

    return default_encoder(Path.home() / ".cache" / "stepfour")


def default_reader() -> Reader:
    from app.reader.builtin import builtin_reader
    from knowledge.embedding import CachedEncoder, default_encoder

    return builtin_reader(CachedEncoder(default_encoder(Path.home() / ".cache" / "stepfour")))


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:] if not word.startswith("-")]
    if "--speed" in sys.argv:
        every = [case for path in given for case in load(path)]
        found = speed(every, procedures_in(), _encoder())
    else:
        found = measure(given[0], show="-v" in sys.argv)
    print(json.dumps(found, indent=1))
