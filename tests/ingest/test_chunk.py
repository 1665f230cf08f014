"""Passages follow the headings; no block is ever cut, and every line is a line of the page."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.chunk import LARGE, pieces, tokens_in

LONG = "One more sentence about sending mail to people who asked for it. " * 12


def texts(body: str, title: str = "") -> list[str]:
    return [piece.text for piece in pieces(body, title)]


def test_each_section_with_its_own_anchor_is_a_passage() -> None:
    body = "Intro.\n\n## First {#one}\n\nShort.\n\n### Deeper {#two}\n\nShorter.\n"
    found = pieces(body)
    assert [(p.heading_path, p.anchor, p.text) for p in found] == [
        ((), None, "Intro."),
        (("First",), "one", "Short."),
        (("First", "Deeper"), "two", "Shorter."),
    ]


def test_small_sections_share_a_passage_and_large_ones_do_not() -> None:
    body = f"## A\n\nfirst\n\n## B\n\nsecond\n\n## C\n\n{LONG}\n\n## D\n\n{LONG}\n\n## E\n\n{LONG}{LONG}\n"
    found = pieces(body)
    assert found[0].text.startswith("first\n\n## B\n\nsecond")
    assert found[0].anchor == "a"
    assert [p.anchor for p in found][-1] == "e"
    assert all(tokens_in(p.text) <= LARGE * 1.2 for p in found)


def test_a_section_of_another_chapter_is_not_taken_in() -> None:
    found = pieces("# One\n\n## Part\n\nshort\n\n# Two\n\nshort too\n")
    assert [p.heading_path for p in found] == [("One", "Part"), ("Two",)]


def test_the_title_is_not_repeated_in_heading_paths() -> None:
    found = pieces("# Sending limits\n\n## New accounts {#new}\n\nSlow.\n", "Sending limits")
    assert found[0].heading_path == ("New accounts",)


def test_a_code_block_is_never_cut() -> None:
    code = (
        "```python\n"
        + "\n\n".join(f"value_{n} = 'a line of code, and an empty one after it'" for n in range(90))
        + "\n```"
    )
    found = texts(f"Before.\n\n{code}\n\nAfter.\n")
    assert sum(code in text for text in found) == 1


def test_a_table_and_a_list_of_steps_are_never_cut() -> None:
    table = "| Name | Meaning |\n|---|---|\n" + "\n".join(f"| row {n} | {'word ' * 12}|" for n in range(60))
    steps = "\n".join(
        f"{n}. Step {n}: {'do this ' * 60}\n\n   ```\n   run {n}\n   ```\n" for n in range(1, 10)
    )
    found = texts(f"{LONG}\n\n{table}\n\n{LONG}\n\n{steps}\n\n{LONG}\n")
    assert sum(table in text for text in found) == 1
    assert sum(steps.strip() in text for text in found) == 1


def test_a_bullet_list_is_cut_only_between_items() -> None:
    items = [
        f"- Point {n} {'with several words ' * 10}\n\n  and a second paragraph of point {n}"
        for n in range(30)
    ]
    found = texts("## List\n\n" + "\n".join(items))
    assert len(found) > 2
    assert all(sum(item in text for text in found) == 1 for item in items)


def test_what_stands_between_two_steps_stays_with_the_step_above() -> None:
    body = f"{LONG}\n\n1. Open it. {LONG}\n\n[A picture of the open window]\n\n2. Close it. {LONG}\n"
    holding = next(text for text in texts(body) if "[A picture" in text)
    assert "1. Open it." in holding


def test_a_line_that_leads_in_stays_with_what_follows() -> None:
    code = "make all the things\n" * 60
    body = f"{LONG}{LONG}\n\nThen run:\n\n```\n{code}```\n"
    holding = next(text for text in texts(body) if "Then run:" in text)
    assert "make all the things" in holding


def test_headings_inside_code_are_no_sections() -> None:
    found = pieces("## Real {#real}\n\n```\n# comment {#fake}\n```\n")
    assert [p.anchor for p in found] == ["real"]


BLOCKS = st.lists(
    st.sampled_from(
        [
            "## Heading",
            "### Deeper {#deeper}",
            "A paragraph. It has two sentences.",
            LONG.strip(),
            "```\ncode\n\nmore code\n```",
            "| a | b |\n|---|---|\n| 1 | 2 |",
            "1. one\n2. two\n\n   still two\n3. three",
            "- item\n- item two\n\n  more of it",
            "> quoted\n> text",
            "Setext\n------",
            "Lead in:",
        ]
    ),
    max_size=25,
)


@given(BLOCKS)
@settings(max_examples=150, deadline=None)
def test_nothing_is_lost_changed_or_said_twice(blocks: list[str]) -> None:
    body = "\n\n".join(blocks)
    said = [line for text in texts(body) for line in text.split("\n") if line.strip()]
    headings = ("#", "Setext", "------")
    kept = [line for line in body.split("\n") if line.strip() and not line.startswith(headings)]
    assert [line for line in said if not line.startswith(headings)] == kept
