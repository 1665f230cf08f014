"""A DOCX comes out by its styles; hidden runs, comments and deletions do not; bombs are refused unopened."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml
from docx.shared import Pt, RGBColor

from ingest.formats import Refused
from ingest.formats.docx import convert

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def guide() -> Any:
    document = docx.Document()
    document.core_properties.modified = datetime(2024, 3, 4, tzinfo=UTC)
    document.core_properties.language = "pt-BR"
    document.add_heading("Verify a domain", 0)
    document.add_heading("Before you begin", 1)
    paragraph = document.add_paragraph("Add the ")
    paragraph.add_run("record").bold = True
    paragraph.add_run(" first.")
    for words, style in (("one", "List Bullet"), ("two", "List Bullet"), ("deep", "List Bullet 2")):
        document.add_paragraph(words, style=style)
    document.add_paragraph("Press it.", style="List Number")
    table = document.add_table(2, 2)
    for at, words in enumerate(("Port", "Use", "587", "TLS | start")):
        table.cell(at // 2, at % 2).text = words
    return document


GUIDE = """# Verify a domain

# Before you begin

Add the **record** first.

- one
- two
  - deep

1. Press it.

| Port | Use |
| --- | --- |
| 587 | TLS \\| start |"""


def test_a_guide_in_full() -> None:
    page = convert(saved(guide()))
    assert page.text == GUIDE
    assert (page.title, page.lang) == ("Verify a domain", "pt-BR")
    assert (page.modified, page.hidden) == (datetime(2024, 3, 4, tzinfo=UTC), 0)


def vanish(run: Any) -> None:
    run.font.hidden = True


def tiny(run: Any) -> None:
    run.font.size = Pt(1)


def white(run: Any) -> None:
    run.font.color.rgb = RGBColor(255, 255, 255)


@pytest.mark.parametrize("hide", [vanish, tiny, white])
def test_hidden_runs_go_and_neighbours_count_as_one(hide: Callable[[Any], None]) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Ask ")
    for words in ("SECRET ", "words "):
        hide(paragraph.add_run(words))
    paragraph.add_run("first.")
    page = convert(saved(document))
    assert (page.text, page.hidden) == ("Ask first.", 1)


def test_deleted_text_and_comments_are_no_text_and_inserted_text_is() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Ask ")
    for tag, inner in (("del", "<w:delText>SECRET</w:delText>"), ("ins", "<w:t>the owner</w:t>")):
        mark = f'<w:{tag} {W} w:id="1" w:author="a"><w:r>{inner}</w:r></w:{tag}>'
        paragraph._p.append(parse_xml(mark))
    document.add_comment(paragraph.runs, text="SECRET remark", author="a")
    assert convert(saved(document)).text == "Ask the owner"


def packed(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


BODY = f"<w:document {W}><w:body>%</w:body></w:document>"
ENTITIES = '<!DOCTYPE w:document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'
NESTED = "<w:tbl><w:tr><w:tc>" * 80


def test_a_bookmark_in_its_heading_is_no_part_of_the_title() -> None:
    """Word sets one for each line of a table of contents."""
    document = guide()
    heading = document.paragraphs[0]._p
    heading.insert(0, parse_xml(f'<w:bookmarkStart {W} w:id="1" w:name="_Toc99"/>'))
    heading.append(parse_xml(f'<w:bookmarkEnd {W} w:id="1"/>'))
    found = convert(saved(document))
    assert found.title == "Verify a domain"
    assert found.text.startswith("# Verify a domain {#_Toc99}\n")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"word/document.xml": b"\0" * 61_000_000}, "unpacks to more than 60,000,000 bytes"),
        ({f"word/{n}.xml": b"<a/>" for n in range(2_001)}, "more than 2,000 files"),
        ({"word/document.xml": (ENTITIES + BODY.replace("%", "&c;")).encode()}, "declares entities"),
        ({"word/document.xml": (ENTITIES + BODY.replace("%", "")).encode("utf-16")}, "declares entities"),
        ({"word/document.xml": BODY.replace("%", NESTED).encode()}, "is not XML"),
        (
            {"word/document.xml": BODY.replace("%", NESTED + "</w:tc></w:tr></w:tbl>" * 80).encode()},
            "lie inside each other",
        ),
        ({"other.xml": b"<a/>"}, "is not a DOCX"),
    ],
)
def test_a_bomb_is_refused(parts: dict[str, bytes], says: str) -> None:
    with pytest.raises(Refused, match=says):
        convert(packed(parts))


def test_a_size_that_is_a_lie_does_not_help() -> None:
    raw = bytearray(packed({"word/document.xml": b" " * 1_000_000}))
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = raw.index(mark) + place
        raw[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(Refused, match="is not"):
        convert(bytes(raw))


@pytest.mark.parametrize(
    ("raw", "says"),
    [(b"\xd0\xcf\x11\xe0rest", "old Word file or has a password"), (b"PK\x03\x04", "not a DOCX")],
)
def test_other_files_are_refused_with_what_to_do(raw: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as caught:
        convert(raw)
    assert str(caught.value).endswith(".")
