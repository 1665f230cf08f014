"""Flowcharts as procedure pages: written as Markdown and read by the parser that reads ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from app.errors import BadInput
from knowledge.errors import PageError
from knowledge.model import Procedure
from knowledge.procedures import parse_procedure


def charts_in(folder: Path) -> dict[str, dict[str, Any]]:
    """Chart by name. Raises `BadInput` where the folder holds none, or one that cannot be read."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            chart = json.loads(file.read_text(encoding="utf-8"))
            found[str(chart["name"])] = {"edges": {}, **chart}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{file}: {error}. A flowchart is JSON with name, nodes and edges.") from error
    if not found:
        raise BadInput(f"{folder}: no flowchart in it. Name the folder of the *.json files.")
    return found


def node_of(step: str) -> str:
    return step.removeprefix("n")


def page_of(chart: dict[str, Any], *, without: tuple[str, str] | None = None) -> str:
    """The chart as a page. `without`: (node, answer) of an edge that is left out."""
    nodes, edges = chart["nodes"], _edges(chart, without)
    order = _reached(edges, next(iter(chart["edges"])))
    asked = [node for node in order if node in edges]
    ends = [node for node in order if node not in edges]
    steps = []
    for node in asked:
        ways = ", ".join(f"{json.dumps(answer)}: n{target}" for answer, target in edges[node].items())
        steps.append(f"  - {{id: n{node}, outcomes: {{{ways}}}}}")
    title = chart["name"].replace("_", " ").capitalize()
    front = [f"title: {title}", f"procedure: {chart['name'].replace('_', '-')}"]
    front += [f"when: {json.dumps(chart['problem_description'])}", f"subject: {_kind(chart)}", "steps:"]
    body = [f"{chart['problem_description']}\n"]
    for number, node in enumerate(asked, 1):
        body.append(f"## {number}. {_line(nodes[node]['utterance'])} {{#n{node}}}\n")
        body.append(f"{_line(nodes[node]['label'])}\n")
    for node in ends:
        body.append(f"## {_line(nodes[node]['label'])} {{#n{node}}}\n\n{nodes[node]['utterance']}\n")
    for faq in chart.get("supporting_faqs", ()):
        body.append(f"## {_line(faq['q'])} {{#faq-{faq['id']}}}\n\n{faq['a']}\n")
    return "\n".join(["---", *front, *steps, "---", "", *body])


def procedure_of(chart: dict[str, Any], *, without: tuple[str, str] | None = None) -> Procedure:
    name = str(chart["name"])
    try:
        found = parse_procedure(
            page_of(chart, without=without),
            path=f"{name}.md",
            document=name,
            version="1",
            checks=None,
            actions=None,
        )
    except PageError as error:
        raise BadInput(f"flowchart {name}: {error}") from error
    assert found is not None
    return found


def _edges(chart: dict[str, Any], without: tuple[str, str] | None) -> dict[str, dict[str, str]]:
    edges: dict[str, dict[str, str]] = {node: dict(ways) for node, ways in chart["edges"].items()}
    if without is not None:
        edges[without[0]].pop(without[1], None)
        if not edges[without[0]]:
            del edges[without[0]]
    return edges


def _reached(edges: dict[str, dict[str, str]], first: str) -> list[str]:
    """Nodes in the order of a walk through the chart: what a left out edge cuts off is gone."""
    order: list[str] = []
    left = [first]
    while left:
        node = left.pop()
        if node not in order:
            order.append(node)
            left += reversed(list(edges.get(node, {}).values()))
    return order


def _kind(chart: dict[str, Any]) -> str:
    return {"cars": "car", "laptops": "laptop"}.get(str(chart.get("category")), "device")


def _line(text: str) -> str:
    return " ".join(str(text).split())
