"""Help pages as HTML: the newest public version, anchors as cited, no markup of a writer's own."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters.library import KnowledgeLibrary
from app.channels.help import POLICY, document
from app.help_page import Published, as_html
from app.links import help_link
from app.main import sync_pages
from app.settings import Settings
from ingest.clean import plain_markdown
from ingest.sync import sync
from knowledge.embedding import default_encoder
from knowledge.model import Source
from knowledge.store import Knowledge
from tests.app.channels.calls import code
from tests.app.channels.conftest import client

PAGES = Path(__file__).parents[3] / "knowledge" / "pages"


def html(text: str, path: str = "en/page.md") -> str:
    return as_html(text, path)


# --- the page of a text ---


def test_headings_have_the_anchors_of_their_passages() -> None:
    made = html("## 1. Switch on {#switch-on}\n\nx\n\n## Álbum *novo*!\n\n## Álbum novo\n\n- ### In a list\n")
    assert '<h2 id="switch-on">1. Switch on</h2>' in made
    assert '<h2 id="álbum-novo">Álbum <em>novo</em>!</h2>' in made
    assert '<h2 id="álbum-novo-1">Álbum novo</h2>' in made
    assert "{#" not in made


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "a <svg/onload=alert(1)> b",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "![x](https://evil.example/a.png)",
        "![x](//evil.example/a.png)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "![x](a.png)",
        '## x {#a"onload=alert(1)}',
        "<iframe src=https://evil.example></iframe>",
        "<style>@import url(https://evil.example)</style>",
        "<https://evil.example/>",
    ],
)
def test_nothing_that_a_writer_wrote_is_markup(hostile: str) -> None:
    made = html(hostile)
    tags = re.findall(r"<(\w+)((?:\s[^<>]*)?)>", made)
    assert {name for name, _ in tags} <= {"p", "h2", "a"}
    for _, attributes in tags:
        assert not re.search(r"\bon\w+=|src=", attributes), made
        assert not re.search(r'href="(?!https://evil\.example/")', attributes), made
    title = document(Published(path="x", title=hostile, lang='e"n', updated_at=datetime.now(UTC), text="x"))
    assert "<script" not in title
    assert "<img" not in title
    assert 'lang="e&quot;n"' in title


def test_links_to_other_pages_stay_among_the_pages() -> None:
    made = html("[a](other.md#b) [c](../pt/x.md) [d](#here) [e](../../../etc/x) [f](https://x.example/y)")
    assert 'href="/help/en/other#b"' in made
    assert 'href="/help/pt/x"' in made
    assert 'href="#here"' in made
    assert 'href="#"' in made
    assert 'href="https://x.example/y" rel="noopener noreferrer nofollow"' in made


def test_a_picture_of_another_host_is_its_words() -> None:
    assert html("![The settings page](https://cdn.example/a.png)") == "<p>The settings page</p>\n"
    assert '<img src="/assets/mark.svg"' in html("![Mark](/assets/mark.svg)")


def test_where_a_page_can_be_read() -> None:
    def link(path: str, anchor: str | None = None, **fields: Any) -> str:
        return help_link(Settings(_env_file=None, **fields), path, anchor)

    assert link("en/a.md", "b") == "/help/en/a#b"
    assert link("en/a b?.md", 'x"y') == "/help/en/a%20b%3F#x%22y"
    assert link("en/a.md", public_url="https://s.example/") == "https://s.example/help/en/a"
    assert link("en/a.md", "b", help_url="https://help.example") == "https://help.example/en/a#b"
    assert link("/evil.example/x") == "/help/evil.example/x"
    assert link("//evil.example/x") == "/help/evil.example/x"


# --- over HTTP, from a real catalogue ---


@pytest.fixture(scope="module")
def knowledge(tmp_path_factory: pytest.TempPathFactory, filled: Any) -> Iterator[Knowledge]:
    folder = filled(tmp_path_factory.mktemp("help") / "data")
    opened = Knowledge.open(folder, encoder=default_encoder(folder))
    sync_pages(opened, Settings(_env_file=None, data_dir=folder, pages=PAGES))
    yield opened
    opened.close()


@pytest.fixture
async def site(service: Any, knowledge: Knowledge) -> AsyncIterator[httpx.AsyncClient]:
    async with client(service, pages=KnowledgeLibrary(knowledge, plain=plain_markdown)) as web:
        yield web


async def test_a_page_is_shown_with_its_day_and_language(site: httpx.AsyncClient) -> None:
    page = await site.get("/help/en/https-tracking-links")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["content-language"] == "en"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "unsafe" not in POLICY
    assert "script-src" not in POLICY
    assert "<h1>HTTPS for tracking links</h1>" in page.text
    assert "Updated 2026-09-14" in page.text
    assert "procedure:" not in page.text
    assert (await site.get("/help/en/https-tracking-links.md")).text == page.text
    portuguese = await site.get("/help/pt-BR/https-tracking-links")
    assert '<html lang="pt">' in portuguese.text
    assert "Atualizado em" in portuguese.text


async def test_every_citation_of_a_public_page_leads_to_its_heading(
    site: httpx.AsyncClient, knowledge: Knowledge
) -> None:
    from knowledge import stored

    settings = Settings(_env_file=None)
    pages: dict[str, set[str]] = {}
    for found in stored.every(knowledge.db):
        if found.audience == "public" and found.passage.anchor:
            pages.setdefault(found.passage.path, set()).add(found.passage.anchor)
    assert len(pages) > 60
    for path, anchors in pages.items():
        page = await site.get(help_link(settings, path))
        assert page.status_code == 200, path
        assert anchors <= set(re.findall(r' id="([^"]+)"', page.text)), path


async def test_only_what_everyone_may_read_is_shown(
    site: httpx.AsyncClient, knowledge: Knowledge, tmp_path: Path
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "playbook.md").write_text("---\ntitle: Playbook\nlang: en\n---\n\nCANARY for agents.\n")
    sync(
        knowledge,
        Source(id="inside", location=str(inside), audience="internal"),
        checks=frozenset(),
        actions=frozenset(),
    )
    for path in ("playbook", "playbook.md", "nope", "", "..%2f..%2fapp/settings.py", "en", "en/", "%00"):
        answer = await site.get(f"/help/{path}")
        assert code(answer) == (404, "not_found"), path
        assert "CANARY" not in answer.text


async def test_a_page_that_changed_is_shown_as_it_is_now(
    site: httpx.AsyncClient, knowledge: Knowledge, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    source = Source(id="docs", location=str(docs))
    for words in ("old words", "new words"):
        (docs / "changing.md").write_text(f"---\ntitle: Changing\nlang: en\n---\n\nThese are {words}.\n")
        sync(knowledge, source, checks=frozenset(), actions=frozenset())
        assert words in (await site.get("/help/changing")).text
    assert "old words" not in (await site.get("/help/changing")).text


async def test_without_pages_there_is_no_help(web: httpx.AsyncClient) -> None:
    assert code(await web.get("/help/en/https-tracking-links")) == (404, "not_found")
