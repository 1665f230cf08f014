"""A row of a table is read with the names of its columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.quotes import best, lines, shown
from knowledge.rows import cells, in_words, table_of, without_tables
from knowledge.stems import stems

ROLES = """| Role | Sends campaigns | Billing |
|---|---|---|
| Owner | yes | yes |
| Sender | yes | no |
| Accountant | no | yes |"""
PAGE = f"Everybody has a role.\n\n{ROLES}\n\nThere is exactly one owner."


def _first(question: str, text: str = PAGE) -> str:
    """What a reply shows of the text for a question."""
    weight = dict.fromkeys(stems(question, "en"), 1.0)
    quote = best(lines(text, "en"), weight)[0]
    assert quote in text
    return shown(text, quote, frozenset(weight), "en") or quote


def test_the_head_of_a_table_is_no_line_of_its_own() -> None:
    assert "| Role | Sends campaigns | Billing |" not in [line.text for line in lines(PAGE, "en")]


def test_a_row_comes_with_the_names_of_its_columns() -> None:
    assert _first("What is an accountant?") == "- **Accountant** – Sends campaigns: no; Billing: yes"


def test_of_a_row_only_the_columns_asked_for() -> None:
    assert _first("Does the accountant see billing?") == "- **Accountant** – Billing: yes"


def test_who_asks_for_a_column_gets_it_for_every_row() -> None:
    told = "- **Owner** – Billing: yes\n- **Sender** – Billing: no\n- **Accountant** – Billing: yes"
    assert _first("and can they see billing?") == told


def test_what_is_no_row_is_shown_as_it_is() -> None:
    assert _first("Is there exactly one?") == "There is exactly one owner."
    assert shown(PAGE, "Everybody has a role.", frozenset(), "en") == ""


def test_an_escaped_bar_stays_in_its_cell() -> None:
    assert cells(r"| `{{ html \| raw }}` | as it is |") == ["`{{ html | raw }}`", "as it is"]


def test_a_cell_without_words_or_a_name_is_left_out() -> None:
    head = "| | One | |\n|---|---|---|\n"
    assert without_tables(f"{head}| a | 1 | x |\n| b | | |") == "- **a** – One: 1; x\n- **b**"


def test_a_table_in_a_fence_is_code() -> None:
    fenced = f"```\n{ROLES}\n```"
    assert without_tables(fenced) == fenced


def test_one_in_a_list_stays_in_its_item() -> None:
    text = "1. Choose:\n\n   | Plan | Days |\n   |---|---|\n   | Careful | 45 |\n2. Send."
    assert without_tables(text) == "1. Choose:\n\n   - **Careful** – Days: 45\n2. Send."


CELLS = st.lists(st.sampled_from(["a", "b c", "1", "`x`", "yes", ""]), min_size=3, max_size=3)


@given(st.lists(CELLS, min_size=1, max_size=5))
def test_no_cell_of_a_row_is_lost_and_none_is_made_up(rows: list[list[str]]) -> None:
    text = "\n".join(["| n | p | q |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)])
    for row in text.split("\n")[2:]:
        table = table_of(text, row)
        assert table is not None
        told = in_words(table.head, [row])
        assert all(cell in told for cell in cells(row) if cell)
