"""Whatever bytes arrive: a page, or a reason. Whatever a page orders: text of its passages, nothing else."""

import html
import io
import json
import re
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from ingest.clean import INVISIBLE
from ingest.extract import extract
from ingest.sources.source import Fetched
from knowledge.errors import PageError
from knowledge.model import Page, Source

HOSTILE = Path(__file__).parents[3] / "shared" / "data" / "security" / "hostile_dev.jsonl"
SOURCE = Source(id="s", location="/nowhere", procedures=True)
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def page(raw: bytes, media: str, path: str = "a") -> Page:
    return extract(Fetched(raw, media), path=path, source=SOURCE, checks=frozenset(), actions=frozenset())


def page_or_reason(raw: bytes, media: str, path: str) -> Page | str:
    try:
        return page(raw, media, path)
    except PageError as error:
        return str(error)


def a_pdf() -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawString(60, 700, "Some text.")
    canvas.save()
    return file.getvalue()


def a_docx() -> bytes:
    file = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("Some text.")
    document.save(file)
    return file.getvalue()


HTML = b"<html><article><h1>T</h1><ul><li>a<table><tr><td colspan=2>b</td></tr></table></ul></article>"
MARKDOWN = b"---\ntitle: T\n---\n# T {#a}\n\n- a\n\n| a | b |\n|--|--|\n| c | d |\n\n```x\ny\n```\n"
MDX = b"import X from 'y'\n\n<Tabs a={`x`}>\n<Tab title=\"b\">\nc\n</Tab></Tabs>\n{/* c */}\n{% info %}\n"
GOOD = {
    "text/markdown": MARKDOWN,
    "text/mdx": MDX,
    "text/html": HTML,
    "application/pdf": a_pdf(),
    WORD: a_docx(),
    "text/plain": b"Some text.",
    "application/octet-stream": b"\0\1",
    "image/png": b"\x89PNG",
}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(GOOD)), st.data())
def test_any_bytes_are_a_page_or_name_a_reason(media: str, data: st.DataObject) -> None:
    raw = bytearray(GOOD[media])
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(raw)))
        raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    suffix = data.draw(st.sampled_from(["", ".md", ".mdx", ".html", ".pdf", ".docx", ".png"]))
    outcome = page_or_reason(bytes(raw), media, f"a{suffix}")
    if isinstance(outcome, Page):
        assert outcome.pieces
    else:
        assert re.fullmatch(rf"a{suffix}:\d+: .+\.", outcome, re.DOTALL)


@pytest.mark.parametrize(
    ("raw", "media"),
    [
        (b"<p>x</p>" * 6_500_000, "text/html"),
        (b"word " * 1_000_001, "text/markdown"),
        (b"%PDF-1.4 " + b"0" * 50_000_000, "application/pdf"),
    ],
)
def test_an_endless_page_is_refused_unread(raw: bytes, media: str) -> None:
    with pytest.raises(PageError, match="the file is too big"):
        page(raw, media)


FRONT = (
    "---\nprocedure: p\nwhen: W\nsubject: domain\naudience: internal\nsteps: [{id: one}]\n---\n## One {#one}"
)


def test_a_converted_page_cannot_make_itself_a_procedure() -> None:
    found = page(f"<pre>{FRONT}</pre><p>{FRONT}</p>".encode(), "text/html")
    assert (found.procedure, found.audience, found.metadata) == (None, "public", "{}")
    assert not found.text.startswith("---")


@pytest.mark.skipif(not HOSTILE.is_file(), reason=f"the attack data is not at {HOSTILE}")
def test_orders_in_a_page_are_words_of_its_passages() -> None:
    rows = [json.loads(line) for line in HOSTILE.read_text().splitlines()]
    texts = [row["text"] for row in rows if row["label"] == "malicious"]
    assert len(texts) > 100
    short = [INVISIBLE.sub("", text) for text in texts if len(text) < 15_000]
    for text in short[:: len(short) // 60]:
        article = f"<article><h1>Limits</h1><p>Ask.</p><p>{html.escape(text)}</p></article>"
        shown = page(f"<html><body>{article}</body></html>".encode(), "text/html")
        written = page(f"# Limits\n\nAsk first.\n\n{text}\n".encode(), "text/markdown")
        for found in (shown, written):
            assert (found.title, found.audience, found.procedure) == ("Limits", "public", None)
            assert found.metadata == "{}"
        assert words(text) <= words(" ".join(piece.text for piece in shown.pieces))


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-zA-Z]{4,}", text))
