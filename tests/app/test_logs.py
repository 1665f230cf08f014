"""Nothing personal, no secret and nothing that a terminal acts on leaves through the log."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from app.logs import LONGEST, Masking
from tests.app.personal import sentences


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Masking("%(levelname)s %(message)s"))
    log.addHandler(handler)
    yield stream
    log.removeHandler(handler)


log = logging.getLogger("tests.logs")
VALUES = [value for _, value, _ in sentences(200, seed=3)]
TEXTS = [text for _, _, text in sentences(200, seed=3)]


def test_lines_arguments_and_tracebacks_are_masked(out: io.StringIO) -> None:
    for text in TEXTS:
        log.warning("read %s and %r", text, {"text": text})
        try:
            raise ValueError(text)
        except ValueError:
            log.exception("it broke")
    said = out.getvalue()
    assert "Traceback" in said
    assert "<email>" in said
    assert [value for value in VALUES if value in said] == []


def test_what_a_terminal_would_act_on_is_shown(out: io.StringIO) -> None:
    log.warning("a\x1b[31mred\x07\u202egnp\r\nb")
    assert out.getvalue() == "WARNING a\\u001b[31mred\\u0007\\u202egnp\\u000d\nb\n"


def test_the_end_of_a_long_record_holds_no_half_of_anything(out: io.StringIO) -> None:
    for room in range(0, 40, 3):
        log.warning("x " * (LONGEST // 2 - room) + "4111 1111 1111 1111 " * 100)
    assert "1111" not in out.getvalue()
    assert "characters)" in out.getvalue()


SCRIPT = """
import asyncio, logging, threading, warnings
from app.logs import set_up
set_up("DEBUG")
set_up("DEBUG")
logging.getLogger("anything.else").debug("one ana@acme.example")
warnings.warn("two ana@acme.example")
thread = threading.Thread(target=lambda: 1 / int("ana@acme.example"))
thread.start(); thread.join()
async def lost():
    task = asyncio.create_task(fails()); await asyncio.sleep(0.01); del task
async def fails(): raise ValueError("four ana@acme.example")
asyncio.run(lost())
import gc; gc.collect()
raise RuntimeError("five ana@acme.example")
"""


def test_every_way_out_of_the_process_is_masked() -> None:
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "ana@" not in done.stderr
    for word in ("one <email>", "two <email>", "invalid literal", "four <email>", "five <email>"):
        assert word in done.stderr, done.stderr
    assert done.stderr.count("one <email>") == 1
