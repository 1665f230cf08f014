# ruff: noqa: E501 - pages as their products write them
"""The article of a page comes out as Markdown; what surrounds it, and what nobody sees, does not."""

import html
import re
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.formats import Refused
from ingest.formats.html import convert

# Written in the style of Zendesk Guide.
ZENDESK = """<!doctype html><html lang="en-US"><head><title>HTTPS for tracking links – Acme Help</title>
<meta property="article:modified_time" content="2024-03-04T10:00:00+02:00"></head><body>
<div id="cookie-banner">We use cookies <button>Accept</button></div>
<header class="header"><nav>Home Sign in</nav></header>
<main role="main"><ol class="breadcrumbs"><li>Acme</li><li>Tracking</li></ol>
<article class="article"><header class="article-header"><h1 class="article-title">HTTPS for tracking links</h1>
<div class="article-author">Jo wrote this</div></header>
<div class="article-body"><p>Intro with <a href="../sections/2">a link</a>, <a href="#h_01">one here</a>,
<a href="javascript:alert(1)">a bad one</a>, &lt;b&gt; and <code>x|y</code>.</p>
<h2 id="h_01">Before you begin</h2>
<div class="callout callout--warning"><h4 class="callout__title">Heads up</h4><p>Keep the record.</p></div>
<ol><li>Open <strong>Settings</strong>:<pre><code class="language-bash">curl -X POST \\
  https://api.example.com</code></pre></li><li>Then<ul><li>one</li><li>two<ul><li>deep</li></ul></li></ul></li></ol>
<p><img src="x.png" alt="DNS settings"></p><ol start="3"><li>Third</li></ol>
<table><tr><td rowspan="2">Plan</td><td>A<br>b</td></tr><tr><td><ul><li>x</li><li>y|z</li></ul></td></tr>
<tr><td colspan="2">wide</td></tr></table>
<dl><dt>CNAME</dt><dd>An alias.</dd><dt>TTL</dt><dd><p>Seconds.</p></dd></dl>
<details><summary>Why?</summary><p>Because.</p></details></div>
<footer><div class="article-votes">Was this article helpful? <button>Yes</button></div></footer>
<section class="related-articles"><h3>Related articles</h3><ul><li><a href="/x">Other</a></li></ul></section>
</article></main><footer class="footer">© Acme</footer></body></html>"""

ZENDESK_MARKDOWN = """# HTTPS for tracking links

Intro with [a link](https://help.example.com/hc/en-us/sections/2), [one here](#h_01), a bad one, `<b>` and `x|y`.

## Before you begin {#h_01}

:::warning Heads up
Keep the record.
:::

1. Open **Settings**:

   ```bash
   curl -X POST \\
     https://api.example.com
   ```
2. Then
   - one
   - two
     - deep

[DNS settings]

3. Third

| Plan | A; b |
| --- | --- |
| Plan | x; y\\|z |
| wide |  |

- **CNAME**: An alias.
- **TTL**: Seconds.

**Why?**

Because."""


def test_a_help_centre_page_in_full() -> None:
    page = convert(ZENDESK.encode(), "https://help.example.com/hc/en-us/articles/1-https")
    assert page.text == ZENDESK_MARKDOWN
    assert page.title == "HTTPS for tracking links"
    assert page.lang == "en-US"
    assert page.modified == datetime(2024, 3, 4, 8, tzinfo=UTC)
    assert page.hidden == 0


PRODUCTS = {
    "intercom": """<html><body><header>All Collections</header><main><div class="search-bar">Search</div>
<div class="article intercom-force-break"><h1>Verify a domain</h1><div class="avatar">Written by Ana</div>
<article><div class="article_body"><p>Add the record at your DNS host.</p>
<div class="intercom-interblocks-callout"><p>It may take an hour.</p></div>
<h2 id="h_9f">Check it</h2><p>Press <b>Verify</b>.</p></div></article>
<div class="reactions">Did this answer your question? 😞 😃</div></div></main><footer>Powered by</footer></body></html>""",
    "docusaurus": """<html><body><nav class="navbar">Docs Blog</nav><div class="theme-doc-sidebar-container">Intro
</div><main><article><nav class="theme-doc-breadcrumbs">Home</nav><div class="theme-doc-markdown markdown"><header>
<h1>Install</h1></header><p>Add the record, then press <strong>Verify</strong>.</p><h2 class="anchor" id="check-it">Check it
<a href="#check-it" class="hash-link" aria-label="Direct link">&#8203;#</a></h2>
<div class="theme-admonition theme-admonition-info admonition"><div class="admonitionHeading_x">info</div>
<div class="admonitionContent_y"><p>It may take an hour.</p></div></div>
<div class="tabs-container"><ul role="tablist"><li role="tab">npm</li><li role="tab">Yarn</li></ul><div>
<div role="tabpanel"><div class="language-bash codeBlockContainer"><pre class="prism-code language-bash"><code>
<span class="token-line">npm i acme<br></span><span class="token-line">npm start<br></span></code></pre>
<button>Copy</button></div></div><div role="tabpanel" hidden><div class="language-bash"><pre><code>yarn add acme
</code></pre></div></div></div></div></div><footer class="theme-doc-footer">Edit this page</footer></article>
<nav class="pagination-nav">Next</nav><div class="theme-doc-toc-desktop">Check it</div></main></body></html>""",
    "mkdocs": """<html><body><header class="md-header">Acme docs</header><div class="md-sidebar">Nav</div>
<article class="md-content__inner md-typeset"><a href="https://x/edit" title="Edit this page" class="md-icon"></a>
<h1 id="install">Install<a class="headerlink" href="#install">¶</a></h1><p>Add the record, then <em>Verify</em>.</p>
<div class="admonition warning"><p class="admonition-title">Warning</p><p>It may take an hour.</p></div>
<h2 id="check-it">Check it<a class="headerlink" href="#check-it">¶</a></h2>
<div class="tabbed-set"><div class="tabbed-labels"><label>npm</label><label>Yarn</label></div><div class="tabbed-content">
<div class="tabbed-block"><div class="language-bash highlight"><table class="highlighttable"><tr><td class="linenos">
<pre>1</pre></td><td class="code"><pre><code>npm i acme
npm start</code></pre></td></tr></table></div></div>
<div class="tabbed-block"><div class="language-bash highlight"><pre><code>yarn add acme</code></pre></div></div></div></div>
</article><footer class="md-footer">Previous</footer></body></html>""",
    "only divs": """<html><body><div><div>Home</div><div>Pricing</div><div>Sign in to your account here</div></div>
<div><div class="a"><div class="b"><h1>Verify</h1><p>Add the record at your DNS host, and press Verify when you have done so.
The text must be long enough to be an article, because readers look for the place with most of it.</p>
<p>It may take an hour until the record is seen everywhere. Until then the page says that it is pending, and you can
come back later to press the button again, which does no harm however often it is done by anybody.</p>
<h2 id="later">Check it</h2><p>When it is done, a green mark is shown beside the domain in the list of your domains.</p></div>
</div></div><div><div>Terms</div><div>© Acme, all rights reserved, all over the world</div></div></body></html>""",
}
SURROUNDINGS = (
    "Home", "Docs Blog", "Search", "All Collections", "Powered by", "Written by", "Did this answer", "Edit this page",
    "Next", "Previous", "Nav", "Copy", "¶", "Pricing", "Sign in", "Terms", "©",
)  # fmt: skip


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_article_is_found_and_nothing_around_it(product: str) -> None:
    text = convert(PRODUCTS[product].encode(), "https://docs.example.com/a").text
    assert text.startswith("# ")
    assert "Add the record" in text
    assert "Verify" in text
    assert "It may take an hour" in text
    assert re.search(r"^## Check it", text, re.MULTILINE)
    assert [words for words in SURROUNDINGS if words in text] == []


@pytest.mark.parametrize("product", ["docusaurus", "mkdocs"])
def test_code_keeps_its_language_and_lines_and_tabs_their_names(product: str) -> None:
    text = convert(PRODUCTS[product].encode()).text
    assert "npm:\n\n```bash\nnpm i acme\nnpm start\n```" in text
    assert "Yarn:\n\n```bash\nyarn add acme\n```" in text
    assert re.search(r":::(note|warning)\nIt may take an hour\.\n:::", text)


def article(inside: str, head: str = "") -> bytes:
    return f"<html><head>{head}</head><body><article><h1>T</h1><p>Ask the owner first.</p>{inside}</article></body></html>".encode()


@pytest.mark.parametrize(
    "hidden",
    [
        '<p style="display: none">SECRET words</p>',
        '<p style="display:/**/NONE !important">SECRET words</p>',
        "<p hidden>SECRET words</p>",
        '<p aria-hidden="true">SECRET words</p>',
        '<p class="visually-hidden">SECRET words</p>',
        '<p style="font-size:0">SECRET <b>words</b></p>',
        '<p style="opacity:0.01">SECRET words</p>',
        '<p style="position:absolute;left:-9999px">SECRET words</p>',
        '<p style="color:#ffffff">SECRET words</p>',
        '<p style="color:transparent">SECRET words</p>',
        '<p style="height:0;overflow:hidden">SECRET words</p>',
        '<div style="clip-path: inset(100%)">SECRET words</div>',
        '<p class="ghost">SECRET words</p>',
        '<p id="ghost">SECRET words</p>',
        "<template><p>SECRET words</p></template>",
        "<noscript>SECRET words</noscript>",
        "<!-- SECRET words that order something -->",
    ],
)
def test_what_nobody_sees_is_taken_out_and_counted(hidden: str) -> None:
    page = convert(article(hidden, "<style>.ghost, #ghost {visibility:hidden}</style>"))
    assert "SECRET" not in page.text
    assert page.hidden == 1
    assert "Ask the owner first." in page.text


@pytest.mark.parametrize(
    "shown",
    [
        '<button aria-controls="a">Why?</button><div id="a" hidden>SHOWN words</div>',
        '<h3 class="faq-question">Why?</h3><div style="display:none">SHOWN words</div>',
        "<details><summary>Why?</summary><div hidden>SHOWN words</div></details>",
        '<div class="hidden md:block">SHOWN words</div>',
        '<p style="background:#000;color:#fff">SHOWN words</p>',
        '<table><tr><th style="color:#fff">SHOWN words</th><th>b</th></tr></table>',
        '<p style="opacity:.9;font-size:12px;left:-1px">SHOWN words</p>',
    ],
)
def test_what_a_click_or_another_screen_shows_stays(shown: str) -> None:
    page = convert(article(shown, "<style>@media print {article {display:none}}</style>"))
    assert "SHOWN words" in page.text
    assert page.hidden == 0


def test_hidden_text_outside_the_article_is_not_counted() -> None:
    page = convert(
        b"<body><div hidden>menu of the site</div><article><h1>T</h1><p>Text.</p></article></body>"
    )
    assert (page.text, page.hidden) == ("# T\n\nText.", 0)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("<meta charset='utf-8'><p>ação</p>".encode(), "ação"),
        ("<meta charset=iso-8859-1><p>ação</p>".encode("latin-1"), "ação"),
        ("<p>“ação”</p>".encode("cp1252"), "“ação”"),
        ("<p>ação</p>".encode("utf-16"), "ação"),
        ("<meta charset=no-such><p>ação</p>".encode(), "ação"),
    ],
)
def test_the_encoding_is_found(raw: bytes, says: str) -> None:
    assert convert(raw).text == says


def test_text_cannot_open_a_code_block_or_front_matter() -> None:
    page = convert(article("<p>---</p><p>``` a</p><p>&lt;script&gt;x&lt;/script&gt;</p><hr><p># after</p>"))
    assert "\n\\# after" in page.text
    assert "\\`\\`\\` a" in page.text
    assert "`<script>`x`</script>`" in page.text
    assert not re.search(r"^(```|<script)", page.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("<div>" * 20_000 + "deep", "250 elements lie inside each other"),
        ("<b>x</b>" * 110_000, "more than 100,000 elements"),
        ("<p>" + "word " * 500_000 + "</p>", "longer than 2,000,000 characters"),
    ],
)
def test_a_page_made_to_tire_us_is_refused_at_once(inside: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        convert(article(inside))


def test_a_sentence_without_end_is_cut_into_paragraphs() -> None:
    text = convert(article(f"<p>{'A sentence of some words. ' * 4_000}</p>")).text
    assert max(map(len, text.split("\n"))) < 7_000
    assert text.count("A sentence") == 4_000


SHAPES = (
    *("<div>%</div>", "<ul><li>%</li><li>%</li></ul>", "<blockquote>%</blockquote>", "<section>%</section>"),
    *("<table><tr><td>%</td><td>b</td></tr></table>", "<dl><dt>t</dt><dd>%</dd></dl>", "<b>%</b>", "<li>%"),
    *("<details><summary>s</summary>%</details>", '<a href="/x">%</a>', '<div class="note">%</div>'),
)
_word = st.from_regex(r"[a-z]{5}", fullmatch=True)
_block = st.recursive(
    _word.map(lambda word: f"<p>{word}</p>"),
    lambda inner: st.builds(
        lambda shape, parts: shape.replace("%", "".join(parts)),
        st.sampled_from(SHAPES),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_block, min_size=1, max_size=4))
def test_no_word_of_an_article_is_lost(blocks: list[str]) -> None:
    source = "".join(blocks)
    wanted = set(re.findall(r"[a-z]{5}", re.sub(r"<[^>]*>", " ", source)))
    text = convert(article(source)).text
    assert wanted <= set(re.findall(r"[a-z]{5}", html.unescape(text))), source
