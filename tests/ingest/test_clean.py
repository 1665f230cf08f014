# ruff: noqa: E501 - a row of a table is a line
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


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<call-out type='warning'>\n\nHot **iron**.\n\n</call-out>", "Warning: Hot **iron**."),
        ("> [!NOTE]\n>\n> Ask the owner.", "> Note: Ask the owner."),
        (":::tip Save time\nCopy it.\n:::", "Tip: Save time. Copy it."),
        ('{{<Aside type="note" header="First">}}\nAsk.\n{{</Aside>}}', "Note: First. Ask."),
        ('{% hint style="danger" %}\nAsk.\n{% endhint %}', "Warning: Ask."),
        ("{% info %}\n- a\n{% endinfo %}", "Note:\n\n- a"),
        ("{% anchor h2 %}\nLimits\n{% endanchor %}\nText.", "## Limits\n\nText."),
        ("{% codeblock lang:json %}\n{\"a\": <b>}\n{% endcodeblock %}", '```json\n{"a": <b>}\n```'),
        ("{% parameter date No 'Must be 1' 'The day of it.' %}", "- date No: Must be 1; The day of it."),
        ("{{<directory-listing>}}\n\nText {{ site.name }} {{ first_name }}.", "Text  {{ first_name }}."),
        ("![Menu](a.png){width=\"600\"}\n\n* Limits {#limits}\n\n## Limits {#own}", "[Menu]\n\n* Limits\n\n## Limits {#own}"),
        ("[Terms]() and [Save](/s) in [!UICONTROL Plans] &mdash; &lt;id&gt;", "Terms and [Save](/s) in Plans — <id>"),
    ],
)  # fmt: skip
def test_tags_of_site_generators_become_words(text: str, plain: str) -> None:
    assert plain_markdown(text, "en").strip() == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('<Code lang="bash" code={`\ncurl \\`id\\` > ${a}\n`} />', "```bash\ncurl `id` > ${a}\n```"),
        ('<Button label="Start" link="/start" client:load />', "[Start](/start)"),
        ('<Cards items={[{title: "One", description: "a b", href: "/1"}, {title: "Two"}]} />', "- [One](/1): a b\n- Two"),
        ('<Tabs><Fragment slot="tab.a">In the app</Fragment><Fragment slot="panel.a">\nPress it.\n</Fragment></Tabs>',
         "In the app:\n\nPress it."),
        ('<Step title={"Open it"} icon={<Icon name="x" />}>\n\n1. Press.\n\n</Step>', "Open it:\n\n1. Press."),
        ("a{' '}\n<Unknown deep={{a: {b: '}'}}}>kept</Unknown>", "a \n\nkept"),
        ("Enter <Your API key> and {start_date}.", "Enter <Your API key> and {start_date}."),
    ],
)  # fmt: skip
def test_components_become_words(text: str, plain: str) -> None:
    assert plain_markdown(text, "en", mdx=True).strip() == plain


@pytest.mark.parametrize(
    "hidden",
    [
        '<span style="display:none">SECRET <span>words</span></span>',
        "<div hidden>\nSECRET words\n</div>",
        '<p style="font-size:0px">SECRET words</p>',
        '<i class="sr-only">SECRET words</i>',
        '<p style="color:white">SECRET words',
        "{/* SECRET words */}",
        "{% comment %}SECRET words{% endcomment %}",
        "[//]: # (SECRET words)",
        "&#x200B;",
        "&zwj;",
    ],
)
def test_hidden_text_goes_and_is_counted_and_lines_stay(hidden: str) -> None:
    text, count = visible(f"Ask first.\n\n{hidden}\n\nThen go on.", mdx=True)
    assert "SECRET" not in text
    assert "&" not in text
    assert count == 1
    lines = text.split("\n")
    assert lines[0] == "Ask first."
    assert len(lines) == 5 + hidden.count("\n")
    assert "Then go on." in lines or hidden.endswith("words")


def test_html_in_code_is_shown_and_no_secret() -> None:
    text = "```html\n<p hidden>x y</p> &#x200B;\n```\n\nWrite `<p hidden>` or `{/* x */}`.\n"
    assert visible(text, mdx=True) == (text, 0)
