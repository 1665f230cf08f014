"""Search at 1,000 passages of our own sentences; how fast is not a test's business."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from app.errors import BadInput
from evals.bench import Bench, Grown, this_machine
from evals.bench_corpus import (
    A_PAGE,
    AUDIENCES,
    LONGEST,
    PRODUCTS,
    Text,
    WordVectors,
    made_pages,
    questions,
    texts_of,
)
from evals.bench_growth import growth, growth_rows, sizes
from evals.summary.plots import Curve, curves
from evals.summary.speed import speed_page

PAGES = Path(__file__).parents[2] / "knowledge" / "pages"


@pytest.fixture(scope="module")
def texts() -> dict[str, Text]:
    return texts_of([PAGES])


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Grown, ...]:
    folder = tmp_path_factory.mktemp("growth")
    return growth(folder, [PAGES], 1_000, lambda _: None, queries=12)


def test_a_thousand_passages_are_searched_on_both_sides(grown: tuple[Grown, ...]) -> None:
    (one,) = grown
    assert (one.passages, one.documents, one.n) == (1_000, 1_000 / A_PAGE, 12)
    for times in (one.ours, one.plain):
        assert 0 < times.p50 <= times.p95
        assert 0 < times.cpu_p50 <= times.cpu_p95
    for size in (one.catalogue_mb, one.vectors_mb, one.index_mb, one.plain_index_mb):
        assert size > 1, one
    for memory in (one.memory_mb, one.peak_mb, one.plain_memory_mb):
        assert memory > 50, one


def test_the_largest_size_stands_beside_the_smallest(grown: tuple[Grown, ...]) -> None:
    more = grown[0].model_copy(update={"passages": 3_000})
    figures = [row.figure for row in growth_rows([*grown, more])]
    assert figures[:2] == [
        "filtered search, 1,000 passages",
        "filtered search, 1,000 passages, processor time",
    ]
    assert "disk, 3,000 passages" in figures
    assert len(growth_rows(grown)) == len(figures) / 2
    assert growth_rows([]) == []


def test_the_page_shows_how_it_grows(grown: tuple[Grown, ...]) -> None:
    more = grown[0].model_copy(update={"passages": 3_000})
    found = Bench(
        date="2026-02-03T00:00:00+00:00",
        machine=this_machine(),
        seconds=1.0,
        rows=tuple(growth_rows(grown)),
        growth=(*grown, more),
    )
    page = speed_page(found)
    assert page.count("<svg") == 3
    assert "3,000" in page
    assert "filtered search, 1,000 passages" in page


def test_sizes_go_up_to_the_largest() -> None:
    assert sizes(1_000) == [1_000]
    assert sizes(100_000) == [1_000, 3_000, 10_000, 30_000, 100_000]
    assert sizes(500) == [500]


def test_curves_are_a_picture_and_names_are_no_markup() -> None:
    lines = [
        Curve("a <b>", ((1_000, 3.0), (10_000, 4.0), (100_000, 9.0))),
        Curve("plain", ((1_000, 9.0), (10_000, 9.0), (100_000, 9.0)), beside=True, dashed=True),
    ]
    svg = ET.fromstring(curves(lines, "times <&>", unit="ms", aim=5.0))
    places = [line.get("points", "").split() for line in svg.iter("polyline")]
    x = [float(place.split(",")[0]) for place in places[0]]
    # Ten times as many are as far from each other, wherever.
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert places[0][2] == places[1][2]
    names = [text.text for text in svg.iter("text")]
    assert "a <b>" in names
    assert {"1,000", "10,000", "100,000"} <= set(names)


def test_made_pages_are_the_same_every_time_and_go_on(texts: dict[str, Text]) -> None:
    every = list(made_pages(texts, 40))
    assert every == [*made_pages(texts, 16), *made_pages(texts, 40, since=16)]
    assert len({page.version for page in every}) == len(every) == 40 / A_PAGE


def test_made_pages_are_of_real_words_and_limited_as_real_ones(texts: dict[str, Text]) -> None:
    pages = list(made_pages(texts, 800))
    assert {page.lang for page in pages} == set(texts) == {"en", "pt"}
    assert {page.audience for page in pages} == set(AUDIENCES)
    assert sum('"product"' not in page.metadata for page in pages) in range(5, 40)
    for page in pages[:20]:
        known = set(texts[page.lang].words)
        for piece in page.pieces:
            assert 0 < len(piece.text) < 2 * LONGEST
            assert set(re.findall(r"[^\W\d_]{3,}", piece.text)) <= known


def test_questions_are_real_and_of_all_languages_and_products(texts: dict[str, Text]) -> None:
    asked = questions(texts, 32)
    assert len(asked) == len(set(asked)) == 32
    assert {each.lang for each in asked} == {"en", "pt"}
    assert {each.product for each in asked} == set(PRODUCTS)
    headings = {head for text in texts.values() for head in text.headings}
    assert any(each.text in headings for each in asked)


def test_folders_with_too_little_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# One\n\nA single sentence is no help centre at all.\n")
    with pytest.raises(BadInput, match="too little text"):
        texts_of([tmp_path])


def test_texts_that_share_words_are_near() -> None:
    vectors = WordVectors().passages(
        ["Verify the sending domain first", "The sending domain, verified", "Quarterly invoices"]
    )
    assert vectors[0] @ vectors[1] > 0.5 > vectors[0] @ vectors[2]
