"""`stepfour health`: the commands, the page, what conversations add, and what is cited then."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.commands.health import asked, cases
from app.health_page import as_page, to_decide
from app.models.decision import Answer, HandOff
from app.models.facts import Facts, Said
from app.models.reading import Reading
from app.models.record import Turn
from app.quotable import citations_of
from knowledge.model import Hit, Mark, Passage, Place
from tests.app.shell import Stepfour

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {
    "id", "kind", "confidence", "strength", "place", "other", "also", "also_count", "why", "todo", "cases",
    "source", "evidence", "judged", "state", "by", "note", "found_at", "closed_at",
}  # fmt: skip
"""Of a finding as JSON: what others read by these names."""
KEPT = "A balloon parcel is kept at the depot for {} days."


@pytest.fixture
def stepfour(stepfour: Stepfour, tmp_path: Path) -> Stepfour:
    """In a data folder that holds two pages which disagree."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text(f"# Balloon depot\n\n{KEPT.format(30)}\n")
    (docs / "b.md").write_text(f"# Fetch a parcel\n\n{KEPT.format(45)} See <b>[rules](rules.md)</b>.\n")
    assert stepfour("sync", str(docs)).code == 0
    return stepfour


def test_looking_settling_and_looking_again(stepfour: Stepfour, tmp_path: Path) -> None:
    page = tmp_path / "health.html"
    looked = stepfour("health", "--page", str(page))
    assert looked.code == 0
    assert "30 days" in looked.out
    assert "2 findings on 2 pages" in looked.out
    assert KEPT.format(45) in page.read_text()

    found = json.loads(stepfour("health", "--json", "--kind", "contradiction").out)["findings"]
    assert [f["kind"] for f in found] == ["contradiction"]
    id = found[0]["id"]
    dismissed = stepfour("health", "dismiss", id[:6], "--by", "ann", "--note", "two depots")
    assert "dismissed by ann: two depots" in dismissed.out
    assert json.loads(stepfour("health", "--json", "--kind", "contradiction").out)["findings"] == []
    kept = json.loads(stepfour("health", "--json", "--all", "--stored").out)
    assert {f["state"] for f in kept["findings"]} == {"open", "dismissed"}
    assert "changed" not in kept
    assert "1 broken link" in stepfour("health", "--stored").out


def test_what_is_found_is_said_in_the_language_of_the_option_or_the_agents(
    stepfour: Stepfour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "saude.html"
    looked = stepfour("health", "--lang", "pt", "--page", str(file))
    assert "Elas trazem números diferentes: “30 days” ou “45 days”." in looked.out
    assert "2 achados em 2 páginas" in looked.out
    page = file.read_text("utf-8")
    assert '<html lang="pt-BR">' in page
    assert "Elas trazem números diferentes" in page
    english = json.loads(stepfour("health", "--stored", "--json").out)["findings"]
    monkeypatch.setenv("STEPFOUR_AGENTS_LANGUAGE", "es")
    spanish = json.loads(stepfour("health", "--stored", "--json").out)["findings"]
    assert [f["id"] for f in spanish] == [f["id"] for f in english]
    assert [list(f) for f in spanish] == [list(f) for f in english]
    assert set(english[0]) == FIELDS
    told = {f["kind"]: (f["why"], f["todo"]) for f in spanish}
    assert told["contradiction"][0] == "Dan cifras distintas: “30 days” o “45 days”."
    assert told["broken_link"][1] == "Apunta el enlace a donde está ahora la página o quítalo."
    assert "2 hallazgos en 2 páginas" in stepfour("health", "--stored").out
    accepted = stepfour("health", "accept", spanish[0]["id"], "--by", "ann")
    assert "aceptado por ann" in accepted.out
    refused = stepfour("health", "--lang", "de")
    assert (refused.code, "there is en, pt, es" in refused.err) == (2, True)


def test_what_cannot_be_done_says_what_to_do(stepfour: Stepfour, tmp_path: Path) -> None:
    assert "stepfour health" in stepfour("health", "accept", "nothere", "--by", "ann").err
    assert "there is same_text" in stepfour("health", "--kind", "odd").err
    (tmp_path / "m.yaml").write_text("lables: [Save]\n")
    refused = stepfour("health", "--manifest", str(tmp_path / "m.yaml"))
    assert refused.code == 2
    assert "lists `labels`" in refused.err


def finding(**changes: Any) -> dict[str, Any]:
    place = Place(document="docs:a.md", path="a.md", line=3, quote="<script>alert(1)</script>").model_dump()
    plain = {
        "id": "abc", "kind": "contradiction", "confidence": 0.8, "place": place, "other": None, "also": [],
        "also_count": 0, "why": "<b>why</b>", "todo": "<i>do</i>", "evidence": [], "state": "open",
        "by": None,
    }  # fmt: skip
    return plain | changes


def test_the_page_stands_alone_and_escapes_what_pages_say() -> None:
    evidence = {"conversation": "c<1>", "message": "m", "quote": "<img src=x>"}
    page = as_page(
        {
            "findings": [
                finding(evidence=[evidence]),
                finding(place=Place(document="", quote="?").model_dump()),
            ],
            "total": 2,
            "documents": {"docs": 2},
            "ages": [("docs", 2020), ("docs", 2024)],
        }
    )
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<button" not in page, "nothing can be decided in a file"
    assert "<b>why" not in page
    assert not re.search(r'(?:src|href)="http', page)
    assert page.count("<svg") == 3
    assert "asked by customers" in page


def test_the_page_of_a_folder_without_findings_says_so() -> None:
    nothing: dict[str, Any] = {"findings": [], "total": 0, "documents": {"pages": 1}, "ages": []}
    assert "nobody has looked at them yet" in to_decide(nothing)
    assert "Look at all pages<" in to_decide(nothing)
    assert "Nothing was found." in as_page(nothing)


def turn(
    decision: Answer | HandOff, *, request: str = "How long is it kept", passages: tuple[str, ...] = ()
) -> Turn:
    reading = Reading(speech="question", request=request, language="en")
    said = Said(passages=("docs:a.md@1234567890#0",))
    return Turn(
        id="t", trigger="m", conversation="c", case="case", channel="web", mode="auto", reading=reading,
        facts=Facts(reading=reading, said=said), decision=decision, passages=passages, at=NOW,
    )  # fmt: skip


def test_questions_and_cases_are_taken_from_the_turns() -> None:
    lost = turn(HandOff(because="-", reason="no_source"), passages=("docs:a.md@1234567890#0",))
    [question] = asked([lost, turn(lost.decision, request="And now?")])  # type: ignore[arg-type]
    assert (question.text, question.found, question.relevance) == ("How long is it kept", ("docs:a.md",), 0.0)
    assert question.evidence is not None
    assert question.evidence.conversation == "c"
    assert cases([lost, lost]) == {"docs:a.md": 1}


def hit(name: str, relevance: float, kind: str = "") -> Hit:
    passage = Passage(
        id=name, document=name, version="v", ord=0, title=name, path=name, lang="en", heading_path=(),
        anchor=None, text=name, updated_at=NOW,
    )  # fmt: skip
    mark = Mark(finding="f", kind=kind, confidence=0.9, place=Place(document=name, quote=name))
    return Hit(passage=passage, score=1.0, relevance=relevance, quotes=(name,), mark=mark if kind else None)


@pytest.mark.parametrize(
    ("hits", "cited"),
    [
        ([hit("a", 0.9, "contradiction"), hit("b", 0.8)], [("b", "")]),
        ([hit("a", 0.9, "superseded")], [("a", "outdated")]),
        ([hit("a", 0.9, "contradiction")], [("a", "contradicted")]),
        ([hit("a", 0.95, "superseded"), hit("b", 0.55)], [("a", "outdated"), ("b", "")]),
        ([hit("a", 0.4), hit("b", 0.3, "contradiction")], []),
    ],
)
def test_what_nothing_speaks_against_is_cited_first(hits: list[Hit], cited: list[tuple[str, str]]) -> None:
    assert [(c.quote, c.doubt) for c in citations_of(hits)] == cited
