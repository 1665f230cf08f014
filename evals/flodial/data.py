"""The turns that are measured: what was said, where the conversation stood, and what is right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from app.errors import BadInput
from knowledge.model import Value

Kind = Literal["first", "upfront", "next", "off", "clean"]
OFF = "off"
"""Gold of a turn that the procedure does not cover."""


class Turn(Value):
    """One customer message to be read, with what was said before it."""

    id: str
    kind: Kind
    chart: str
    said: tuple[tuple[str, str], ...]
    """(role, text), oldest first, the last one the customer's."""
    at: str | None = None
    """The node that was asked about, in whose truth everything before it is known; None at the beginning."""
    gold: str
    """The node that comes next, or `off`."""
    answered: tuple[tuple[str, str], ...] = ()
    """Nodes that the message itself answers, with the answer."""
    skips: bool = False
    group: str = ""
    """Cluster: turns that repeat one pattern count together when an interval is drawn."""
    without: tuple[str, str] | None = None
    """(node, answer) of an edge that is taken out of the page."""
    off_kind: str = ""
    edge: str | None = None
    """The answer that a clean turn gives."""


WRONG = (KeyError, TypeError, ValueError, AttributeError)


def _wrong(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing."
    if isinstance(error, ValueError):
        return f"{error}."
    return f"it has not the form of this file ({error})."


def lines_of(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
        found = [json.loads(line) for line in text.split("\n") if line.strip()]
    except OSError as error:
        raise BadInput(f"{file}: {error.strerror}. Name a UTF-8 file with one JSON object a line.") from error
    except ValueError as error:
        raise BadInput(f"{file}: {error}. Name a UTF-8 file with one JSON object a line.") from error
    if not found:
        raise BadInput(f"{file}: it is empty. Name a UTF-8 file with one JSON object a line.")
    return found


def turns_of(
    charts: Mapping[str, Mapping[str, Any]], *, dialogs: Path, first: Path, upfront: Path, off: Path
) -> list[Turn]:
    """All turns of the four files. Raises `BadInput` for what cannot be used."""
    found: list[Turn] = []
    for file, read in ((first, _first), (upfront, _upfront), (off, _off)):
        for number, row in enumerate(lines_of(file), 1):
            try:
                found += read(row, charts)
            except WRONG as error:
                raise BadInput(f"{file}:{number}: {_wrong(error)} Mend or take out the line.") from error
    try:
        spoken = json.loads(dialogs.read_text(encoding="utf-8"))
        for id, dialog in spoken.items():
            found += _next(id, dialog, charts)
    except OSError as error:
        raise BadInput(f"{dialogs}: {error.strerror}. Name the file of whole dialogues.") from error
    except WRONG as error:
        raise BadInput(f"{dialogs}: {_wrong(error)} Name the file of whole dialogues.") from error
    return _unique_openings(found)


def _unique_openings(turns: Sequence[Turn]) -> list[Turn]:
    """Openings that stand in the file twice count once."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for turn in turns:
        key = (turn.chart, turn.said[-1][1])
        if turn.kind == "first" and key in seen:
            continue
        seen |= {key} if turn.kind == "first" else set()
        kept.append(turn)
    return kept


def _first(row: Mapping[str, Any], charts: Mapping[str, Mapping[str, Any]]) -> Iterator[Turn]:
    node = str(row["gold_first_chart_node"])
    yield Turn(
        id=row["id"],
        kind="first",
        chart=_known(row["chart"], charts),
        said=(("customer", row["opening"]),),
        gold=node,
        skips=bool(row["skip"]),
        group=f"{row['chart']} {node}",
    )


def _upfront(row: Mapping[str, Any], charts: Mapping[str, Mapping[str, Any]]) -> Iterator[Turn]:
    state = tuple((str(node), str(answer)) for node, answer in row["gold_state"])
    parts = [str(part).strip() for part in (row["opening"], *row["answers"])]
    # Each part was a message of its own; run together without an end mark two would be one sentence.
    text = " ".join(part if part[-1:] in ".!?" else f"{part}." for part in parts if part)
    yield Turn(
        id=row["id"],
        kind="upfront",
        chart=_known(row["chart"], charts),
        said=(("customer", text),),
        gold=str(row["gold_next"]),
        answered=state,
        group=f"{row['chart']} {' '.join(f'{node}{answer}' for node, answer in state)}",
    )


def _off(row: Mapping[str, Any], charts: Mapping[str, Mapping[str, Any]]) -> Iterator[Turn]:
    role = {"user": "customer", "agent": "agent"}
    before = tuple((role[each["speaker"]], each["text"]) for each in row["history"])
    removed = row.get("remove_edge")
    chart, at = _known(row["chart"], charts), str(row["current_node"])
    for kind, text, gold in (
        ("clean", row["clean_user"], str(row["clean_gold_next"])),
        ("off", row["mixed_user"], OFF),
    ):
        yield Turn(
            id=f"{row['id']}-{kind}",
            kind="clean" if kind == "clean" else "off",
            chart=chart,
            said=(*before, ("customer", text)),
            at=at,
            gold=gold,
            without=(str(removed[0]), str(removed[1])) if removed and kind == "off" else None,
            off_kind=row["kind"],
            edge=row["clean_edge"] if kind == "clean" else None,
            group=f"{chart} {at}",
        )


def _next(id: str, dialog: Mapping[str, Any], charts: Mapping[str, Mapping[str, Any]]) -> Iterator[Turn]:
    """Every customer's turn at a node of the chart, with the node that the dialogue goes to from there."""
    chart = _known(dialog["flowchart"], charts)
    spoken = dialog["utterences"]
    said: list[tuple[str, str]] = []
    for number, each in enumerate(spoken):
        role = "customer" if each["speaker"] == "user" else "agent"
        said.append((role, each["utterance"]))
        node = _node(each)
        if role == "agent" or node is None:
            continue
        # Where the dialogue ends with an answer in between, it has stayed where it was.
        follows = next((n for later in spoken[number + 1 :] if (n := _node(later))), node)
        yield Turn(
            id=f"next-{id}-{number}",
            kind="next",
            chart=chart,
            said=tuple(said),
            at=None if node == "0" else node,
            gold=follows,
            group=id,
        )


def _node(each: Mapping[str, Any]) -> str | None:
    kind, _, node = str(each.get("grounded_doc_id", "")).partition("-")
    return node if kind == "chart" else None


def _known(chart: str, charts: Mapping[str, Mapping[str, Any]]) -> str:
    if chart not in charts:
        raise ValueError(f"there is no flowchart {chart} in the folder")
    return chart


def way_to(chart: Mapping[str, Any], node: str) -> tuple[tuple[str, str], ...]:
    """The answers that lead from the first node to this one, by the shortest way."""
    first = next(iter(chart["edges"]))
    left: list[tuple[str, tuple[tuple[str, str], ...]]] = [(first, ())]
    seen = {first}
    while left:
        here, way = left.pop(0)
        if here == node:
            return way
        for answer, target in chart["edges"].get(here, {}).items():
            if target not in seen:
                seen.add(target)
                left.append((target, (*way, (here, answer))))
    return ()
