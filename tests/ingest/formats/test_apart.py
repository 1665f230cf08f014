"""A file that kills, tires or fills its reader costs one process; the next file is read as ever."""

import io
import os
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.formats import Refused
from ingest.formats.apart import Apart

GOOD = b"<html><body><article><h1>T</h1><p>Text of it.</p></article></body></html>"
SLOW = b"<html><body><div>" + b"<p>word word word</p>" * 60_000 + b"</div></body></html>"


def pdf(*objects: bytes) -> bytes:
    """A PDF of these objects, the first of which is its root."""
    raw, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(raw))
        raw += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(raw))
    return raw + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def stream(dictionary: bytes, content: bytes) -> bytes:
    return b"<< %s /Length %d >>\nstream\n%s\nendstream" % (dictionary, len(content), content)


CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
USES = b"/Resources << /XObject << /F 5 0 R >> >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R %s >>" % USES
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] " + USES
CALLS_ITSELF = pdf(
    CATALOG,
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    PAGE,
    stream(b"", b"/F Do"),
    stream(FORM, b"/F Do /F Do"),
)
PAGES_IN_A_CIRCLE = pdf(CATALOG, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 /Parent 2 0 R >>")


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    apart = Apart()
    yield apart
    apart.end()


def test_one_worker_reads_one_file_after_the_other(apart: Apart) -> None:
    assert apart.convert("html", GOOD).text == "# T\n\nText of it."
    first = apart.process
    with pytest.raises(Refused, match="is not a PDF"):
        apart.convert("pdf", b"no PDF at all")
    assert apart.convert("html", GOOD, "https://x.example/").title == "T"
    assert apart.process is first


@pytest.mark.parametrize("raw", [CALLS_ITSELF, PAGES_IN_A_CIRCLE])
def test_a_pdf_that_refers_to_itself_is_refused(apart: Apart, raw: bytes) -> None:
    with pytest.raises(Refused):
        apart.convert("pdf", raw)
    assert apart.convert("html", GOOD).text


def test_what_takes_too_long_is_killed_and_the_next_file_is_read() -> None:
    quick = Apart(seconds=0.7)
    began = time.monotonic()
    with pytest.raises(Refused, match="took longer than 1 seconds and was stopped"):
        quick.convert("html", SLOW)
    assert quick.process is None
    quick.seconds = 30
    assert quick.convert("html", GOOD).text
    assert time.monotonic() - began < 40
    quick.end()


def test_what_needs_too_much_memory_is_refused() -> None:
    small, file = Apart(memory=250_000_000), io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a>%s</a>" % (b"<b/>" * 5_000_000))
    with pytest.raises(Refused, match=r"memory|broke off|is not XML"):
        small.convert("docx", file.getvalue())
    assert small.convert("html", GOOD).text
    small.end()


def test_a_worker_that_dies_names_it_and_a_new_one_takes_over() -> None:
    apart = Apart()
    apart.convert("html", GOOD)
    process = apart.process
    assert process is not None
    threading.Timer(0.3, process.kill).start()
    with pytest.raises(Refused, match="broke off"):
        apart.convert("html", SLOW)
    assert apart.convert("html", GOOD).text
    apart.end()


def test_a_worker_without_work_ends_and_comes_back_with_work() -> None:
    apart = Apart(idle=0.1)
    apart.convert("html", GOOD)
    first = apart.process
    assert first is not None
    assert first.wait(10) == 0
    assert apart.convert("html", GOOD).text
    assert apart.process is not first
    apart.end()


def test_the_worker_knows_no_secret(apart: Apart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "a-secret")
    fresh = Apart()
    fresh.convert("html", GOOD)
    assert fresh.process is not None
    environment = Path(f"/proc/{fresh.process.pid}/environ")
    known = environment.read_bytes() if environment.exists() else b""
    fresh.end()
    assert "ACME_API_KEY" in os.environ
    assert b"a-secret" not in known
