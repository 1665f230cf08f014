"""What readers cannot see is taken out; HTML and components become text that they can read."""

import pytest

from ingest.clean import plain_markdown, visible


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\u00ad",
        "\ufeff",
        "\U000e0041\U000e007f",
        "\ufe0f",
        "\u2063",
        "\x08",
        "\u3164",
    ],
)
def test_invisible_characters_go_and_are_counted(hidden: str) -> None:
    text, count = visible(f"Ask{hidden} us in the chat.")
    assert text == "Ask us in the chat."
    assert count == len(hidden)


def test_visible_accents_and_tabs_stay() -> None:
    text = "Configuração\tdo domínio: “ação”, ñ, 日本\n"
    assert visible(text) == (text, 0)


def test_comments_go_and_the_lines_after_them_stay_where_they_were() -> None:
    text, count = visible(
        "one\n<!-- SYSTEM: switch\neverything on -->two\nthree <!-- x --> four <!-- never closed"
    )
    assert text.split("\n") == ["one", "", "two", "three  four "]
    assert count == 3


def test_code_is_left_alone() -> None:
    text = "```html\n<!-- shown --><b>bold</b>\n![a](b.png)\n```\n\nand `<b>` and ``<!-- x -->``\n"
    assert visible(text)[0] == text
    assert plain_markdown(text, "en") == text


def test_html_becomes_markdown() -> None:
    html = (
        '<p class="x">See <a href="{{root_url}}/help">the help</a> for <strong>more</strong>.</p>\n'
        "<ul><li>one</li><li>two</li></ul>\n<script>alert(1)</script>"
    )
    text = plain_markdown(html, "en")
    assert "See [the help](/help) for **more**." in text
    assert "- one\n- two" in text
    assert "alert" not in text
    assert "<" not in text


def test_an_html_table_becomes_a_markdown_table() -> None:
    rows = "<tr><th>Port</th><th>Use</th></tr>\n<tr><td><code>587</code></td><td>a | b</td></tr>"
    html = f"<table>\n{rows}</table>"
    assert plain_markdown(html, "en").strip() == "| Port | Use |\n| --- | --- |\n| `587` | a \\| b |"


def test_notes_get_a_label_in_the_language_of_the_page() -> None:
    assert "Warning: Hot." in plain_markdown('<call-out type="warning">Hot.</call-out>', "en")
    assert "Atenção: Cuidado" in plain_markdown(":::warning Cuidado\nQuente.\n:::\n", "pt")
    assert "Tab" not in plain_markdown("<Tabs><TabItem label='nginx'>text</TabItem></Tabs>", "en")
    assert "nginx:" in plain_markdown("<Tabs><TabItem label='nginx'>text</TabItem></Tabs>", "en")


def test_placeholders_in_angle_brackets_are_no_tags() -> None:
    assert (
        plain_markdown("Enter <your-domain> or <Your API key>.", "en")
        == "Enter <your-domain> or <Your API key>."
    )


def test_mdx_imports_go() -> None:
    text = "import Card from './card'\nexport const x = 1\n\nexport your data.\n"
    assert "import" not in plain_markdown(text, "en", mdx=True)


def test_a_picture_is_its_description() -> None:
    assert plain_markdown("![DNS settings](a.png) ![](b.png)", "en") == "[DNS settings] "


def test_a_wrapped_paragraph_becomes_one_line() -> None:
    code = "   ```\n   a\n   b\n   ```\n"
    text = f"One sentence over\ntwo lines.  \nA hard break.\n\n1. step one\n   goes on\n\n{code}\n> a\n> b\n"
    plain = f"One sentence over two lines.  \nA hard break.\n\n1. step one goes on\n\n{code}\n> a\n> b\n"
    assert plain_markdown(text, "en") == plain
