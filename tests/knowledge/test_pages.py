"""The demo help centre is whole: every page parses, every translation matches, every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from app.connectors.heron import ACTIONS
from knowledge.model import Procedure
from knowledge.procedures import localized, parse_procedure

PAGES = Path(__file__).parents[2] / "knowledge" / "pages"
ENGLISH = sorted((PAGES / "en").glob("*.md"))
PORTUGUESE = sorted((PAGES / "pt-BR").glob("*.md"))
CHECKS = frozenset(
    {"click_tracking_on", "branded_link_set_up", "certificate_presented", "account_field", "dns_record"}
)
BRANCHING = {"spam-folder", "missing-clicks"}
PROCEDURES = {"https-tracking-links", "resume-sending", "dedicated-ip", "move-domain"} | BRANCHING

HEADING = re.compile(r"^(#{2,4}) (.+?) \{#([a-z0-9-]+)\}$", re.MULTILINE)
LINK = re.compile(r"\]\(([a-z0-9-]+\.md)(?:#([a-z0-9-]+))?\)")
FENCE = re.compile(r"^[ ]*```.*?^[ ]*```[ ]*$", re.MULTILINE | re.DOTALL)


def front_matter(path: Path) -> dict[str, object]:
    _, head, _ = path.read_text(encoding="utf-8").split("---\n", 2)
    data = yaml.safe_load(head)
    assert isinstance(data, dict)
    return data


def body(path: Path) -> str:
    return path.read_text(encoding="utf-8").split("---\n", 2)[2]


def prose(path: Path) -> str:
    return FENCE.sub("", body(path))


def outline(path: Path) -> list[tuple[int, str]]:
    return [(len(level), anchor) for level, _, anchor in HEADING.findall(prose(path))]


def procedure(path: Path) -> Procedure | None:
    return parse_procedure(
        path.read_text(encoding="utf-8"),
        path=str(path),
        document=path.stem,
        version="1",
        checks=CHECKS,
        actions=frozenset(ACTIONS),
    )


def test_the_help_centre_has_enough_pages() -> None:
    assert len(ENGLISH) >= 26
    assert {path.name for path in ENGLISH} == {path.name for path in PORTUGUESE}


@pytest.mark.parametrize("path", ENGLISH + PORTUGUESE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_page_says_what_it_is(path: Path) -> None:
    data = front_matter(path)
    assert data["title"]
    assert data["lang"] == path.parent.name
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(data["updated"]))
    assert len(prose(path).split()) >= 200
    every_heading = re.findall(r"^#{1,6} .+$", prose(path), re.MULTILINE)
    assert len(every_heading) == len(outline(path)) >= 3, "every heading needs an anchor"
    assert len(set(outline(path))) == len(outline(path))


@pytest.mark.parametrize("path", PORTUGUESE, ids=lambda path: path.stem)
def test_a_translation_follows_its_original(path: Path) -> None:
    original = PAGES / "en" / path.name
    data = front_matter(path)
    assert data["translation_of"] == original.stem
    assert data["updated"] == front_matter(original)["updated"]
    assert "procedure" not in data
    assert outline(path) == outline(original)
    assert LINK.findall(body(path)) == LINK.findall(body(original))
    for mark in (r"^\s*```", r"^\s*\|", r"^\s*\d+\. ", r"^\s*- "):
        count = [len(re.findall(mark, body(page), re.MULTILINE)) for page in (path, original)]
        assert count[0] == count[1], mark


@pytest.mark.parametrize("path", PORTUGUESE, ids=lambda path: path.stem)
def test_a_translation_names_the_same_figures(path: Path) -> None:
    def figures(page: Path) -> list[str]:
        text = re.sub(r"(?<=\d)[.,](?=\d{3}\b)", "", prose(page))
        return sorted(re.findall(r"\d+", re.sub(r"\{#.*?\}|\(.*?\.md.*?\)", "", text)))

    assert figures(path) == figures(PAGES / "en" / path.name)


@pytest.mark.parametrize("path", ENGLISH + PORTUGUESE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_link_leads_to_a_section(path: Path) -> None:
    for name, anchor in LINK.findall(body(path)):
        target = path.parent / name
        assert target.exists(), f"{path.name} links to {name}"
        if anchor:
            assert anchor in {a for _, a in outline(target)}, f"{path.name} links to {name}#{anchor}"


def test_the_procedures_can_be_followed() -> None:
    found = {p.id: p for p in map(procedure, ENGLISH) if p is not None}
    assert set(found) == PROCEDURES
    for id, one in found.items():
        path = PAGES / "en" / f"{id}.md"
        assert path.exists(), "a procedure lives in the page of its name"
        anchors = [anchor for _, anchor in outline(path)]
        ids = [step.id for step in one.steps]
        assert [anchor for anchor in anchors if anchor in ids] == ids
        assert one.action in ACTIONS or id in BRANCHING
        translated = localized(
            one,
            (PAGES / "pt-BR" / path.name).read_text(encoding="utf-8"),
            document=id,
            version="1",
            path=path.name,
            lang="pt",
        )
        assert all(a.title != b.title for a, b in zip(one.steps, translated.steps, strict=True))
        assert all(a.text != b.text for a, b in zip(one.advice, translated.advice, strict=True))


def test_two_procedures_branch_and_one_of_their_questions_is_looked_at_by_a_machine() -> None:
    found = {p.id: p for p in map(procedure, ENGLISH) if p is not None}
    assert {id for id, one in found.items() if one.branches} == BRANCHING
    for id in BRANCHING:
        one = found[id]
        assert one.steps[0].seen == (("met", "yes"), ("not_met", "no"))
        assert len(one.advice) >= 5
        assert any(target == "handoff" for step in one.steps for _, target in step.outcomes)
        named = [step for step in one.steps if {name for name, _ in step.outcomes} - {"yes", "no"}]
        for step in named:
            for outcome, _ in step.outcomes:
                assert all(step.label_of(outcome, lang) for lang in ("en", "pt", "es"))


def test_the_procedures_are_of_different_kinds() -> None:
    found = {p.id: p for p in map(procedure, ENGLISH) if p is not None}
    assert any(step.check is None for step in found["resume-sending"].steps)
    assert found["move-domain"].subjects == ("domain", "workspace")
    assert found["move-domain"].step("target-workspace").subject == "workspace"
    steps = [step for one in found.values() for step in one.steps]
    said = [bool(step.says_done) for step in steps]
    assert any(said), "some steps have says_done"
    assert not all(said), "some steps have no says_done"


def test_every_step_has_its_title_in_every_language() -> None:
    found = [p for p in map(procedure, ENGLISH) if p is not None]
    assert [
        (one.id, step.id, lang)
        for one in found
        for step in one.steps
        for lang in ("pt", "es")
        if lang not in dict(step.titles)
    ] == []
