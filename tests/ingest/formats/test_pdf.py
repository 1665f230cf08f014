"""A PDF comes out as headings, lists, tables and paragraphs; what is not drawn does not come out."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from reportlab.lib import colors
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    ListFlowable,
    PageBreak,
    Paragraph,
    Preformatted,
    SimpleDocTemplate,
    Table,
)

from ingest.formats import Refused
from ingest.formats.pdf import convert

STYLES = getSampleStyleSheet()
GRID = [
    ("GRID", (0, 0), (-1, -1), 1, colors.black),
    ("BACKGROUND", (0, 0), (-1, 0), colors.darkblue),
    ("TEXTCOLOR", (0, 0), (-1, 0), colors.white),
]


def text(words: str) -> Paragraph:
    return Paragraph(words, STYLES["BodyText"])


def heading(words: str, level: int = 1) -> Paragraph:
    return Paragraph(words, STYLES[f"Heading{level}"])


def drawn(draw: Callable[[Canvas], Any], pages: int = 1) -> bytes:
    file = io.BytesIO()
    canvas = Canvas(file)
    for _ in range(pages):
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def manual() -> bytes:
    def running(canvas: Canvas, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.drawString(60, 820, "Acme Manual 2024")
        canvas.drawString(280, 20, f"Page {document.page} of 2")

    file = io.BytesIO()
    SimpleDocTemplate(file, title="Branded links", lang="pt-BR").build(
        [
            heading("Before you begin"),
            text("Long text about authenti-<br/>cation that goes on over lines. " * 5),
            text("A second paragraph."),
            ListFlowable([text("a bullet " * 20), text("second")], bulletType="bullet"),
            heading("Steps", 2),
            ListFlowable([text("Open <b>Settings</b>."), text("Add it.")], bulletFormat="%s."),
            Preformatted("curl -d '{\n    \"a\": 1}'\n\nend", STYLES["Code"]),
            Table([["Port", "Use"], ["587", "TLS | start"]], style=GRID),
            PageBreak(),
            heading("Second part"),
            text("Text of it."),
        ],
        onFirstPage=running,
        onLaterPages=running,
    )
    return file.getvalue()


MANUAL = f"""# Before you begin

{" ".join(["Long text about authentication that goes on over lines."] * 5)}

A second paragraph.

- {" ".join(["a bullet"] * 20)}
- second

## Steps

1. Open Settings.
2. Add it.

```
curl -d '{{
    "a": 1}}'

end
```

| Port | Use |
| --- | --- |
| 587 | TLS \\| start |

# Second part

Text of it."""


def test_a_manual_in_full() -> None:
    page = convert(manual())
    assert page.text == MANUAL
    assert (page.title, page.lang, page.hidden) == ("Branded links", "pt-BR", 0)
    assert page.modified is not None
    assert (datetime.now(UTC) - page.modified).total_seconds() < 90_000


@pytest.mark.parametrize("how", ["render mode 3", "white", "tiny", "off the page"])
def test_what_is_not_seen_is_taken_out_and_counted(how: str) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(60, 700, "Ask the owner first.")
        words = canvas.beginText(-900 if how == "off the page" else 60, 650)
        words.setFont("Helvetica", 1 if how == "tiny" else 12)
        words.setTextRenderMode(3 if how == "render mode 3" else 0)
        words.setFillColor(colors.white if how == "white" else colors.black)
        words.textOut("SECRET words")
        canvas.drawText(words)

    page = convert(drawn(draw))
    assert (page.text, page.hidden) == ("Ask the owner first.", 1)


def test_white_on_a_dark_ground_is_seen() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFillColor(colors.darkblue)
        canvas.rect(50, 690, 300, 30, fill=1)
        canvas.setFillColor(colors.white)
        canvas.drawString(60, 700, "SHOWN words")

    assert convert(drawn(draw)).text == "SHOWN words"


def test_two_columns_are_read_one_after_the_other() -> None:
    def draw(canvas: Canvas) -> None:
        for line in range(12):
            canvas.drawString(60, 700 - 14 * line, f"the left column has line {line}")
            canvas.drawString(320, 700 - 14 * line, f"the right column has line {line}")

    found = convert(drawn(draw)).text
    assert found.index("left column has line 11") < found.index("right column has line 0")


def test_a_scan_and_a_locked_file_name_their_reason() -> None:
    with pytest.raises(Refused, match="pictures only, no text"):
        convert(drawn(lambda canvas: canvas.rect(50, 50, 100, 100, fill=1)))
    file = io.BytesIO()
    canvas = Canvas(file, encrypt=StandardEncryption("secret"))
    canvas.drawString(60, 700, "text")
    canvas.save()
    with pytest.raises(Refused, match="the PDF is encrypted"):
        convert(file.getvalue())


def test_a_pages_file_name_is_no_title() -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setTitle("Microsoft Word - final_v3.docx")
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(60, 700, "Sending limits")
        canvas.setFont("Helvetica", 11)
        canvas.drawString(60, 660, "How many messages go out in an hour.")

    page = convert(drawn(draw))
    assert page.title == "Sending limits"
    assert page.text == "# Sending limits\n\nHow many messages go out in an hour."
