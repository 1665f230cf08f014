"""A quote is verbatim, and whole enough to be followed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.quotes import LONGEST_LIST, lines, with_list

STEPS = """1. Create a second key.
2. Put it into your program:

   ```
   export KEY=new
   ```

3. Choose **Revoke**. It takes a minute."""
PAGE = f"""Keys open your account. Change them once a year:

{STEPS}

Revoking cannot be undone.

- Read-only keys change nothing.
- Test keys send nothing."""


@pytest.mark.parametrize("line", ["Change them once a year:", "Create a second key.", "It takes a minute."])
def test_what_leads_in_a_list_and_each_numbered_step_bring_the_list(line: str) -> None:
    led = f"Change them once a year:\n\n{STEPS}"
    assert with_list(PAGE, line) == (led if line.endswith(":") else f"Keys open your account. {led}")


@pytest.mark.parametrize(
    "line",
    ["Keys open your account.", "Revoking cannot be undone.", "Test keys send nothing.", "Words of nobody:"],
)
def test_all_else_is_quoted_as_it_is(line: str) -> None:
    assert with_list(PAGE, line) == line


def test_a_list_that_is_too_long_stays_where_it_is() -> None:
    long = "Do this:\n\n" + "\n".join(f"{n}. {'word ' * 30}" for n in range(1, 9))
    assert len(long) > LONGEST_LIST
    assert with_list(long, "Do this:") == "Do this:"


def test_nor_one_with_a_table_in_it() -> None:
    assert with_list("1. Choose:\n\n   | a | b |\n   |---|---|\n2. Send.", "Send.") == "Send."


ROWS = st.sampled_from(["1. a", "2) b.", "- c:", "   d", "", "```", "A row:", "A row. And more.", "| x |"])


@given(st.lists(ROWS, max_size=12).map("\n".join))
def test_it_is_always_verbatim_and_holds_the_line(text: str) -> None:
    for line in lines(text, "en"):
        whole = with_list(text, line.text)
        assert whole in text
        assert line.text in whole
