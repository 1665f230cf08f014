"""Formats are read in a process of their own: a hostile file costs that process, not the service.

It starts with the first file, reads one file after the other and ends when it has nothing to do. It has no
secrets (an empty environment), may not write files, and is killed when it takes too long or too much.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ingest.formats import Converted, Refused, moment

SECONDS = 30.0
START = 60.0
"""Seconds that a worker has to start, on a busy machine too."""
MEMORY = 1_500_000_000
"""Bytes of address space."""
LARGEST_TEXT = 2_000_000
"""Characters that come back."""
IDLE = 60.0
"""Seconds after which a worker without work ends."""

_LARGEST_ANSWER = 6 * LARGEST_TEXT + 100_000
"""Bytes. JSON may need six for a character."""
_READY = b"\n"


class Apart:
    """One worker, started when it is needed; one file at a time, since threads share it."""

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY, idle: float = IDLE) -> None:
        self.seconds = seconds
        self.memory = memory
        self.idle = idle
        self.process: subprocess.Popen[bytes] | None = None
        self._alone = threading.Lock()

    def convert(self, kind: str, raw: bytes, url: str = "") -> Converted:
        """`kind` is `html`, `pdf` or `docx`. Raises `Refused`."""
        with self._alone:
            process = self._started()
            with _killed_after(self.seconds, process) as late:
                answer = _ask(process, kind, raw, url)
            if answer is None:
                self.end()
                raise _lost(kind, process.returncode, self.seconds if late.is_set() else None)
        return _understood(kind, answer)

    def end(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None

    def _started(self) -> subprocess.Popen[bytes]:
        """A worker that says that it is there: one that had nothing to do may just have ended."""
        if self.process is not None:
            if self.process.poll() is None and _greets(self.process):
                return self.process
            self.end()
        code = f"from ingest.formats.apart import serve; serve({self.seconds}, {self.memory}, {self.idle})"
        self.process = subprocess.Popen(  # noqa: S603 - our own code in our own Python
            [sys.executable, "-B", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for us, and we end it
        )
        if not _greets(self.process):
            self.end()
            raise Refused(
                "the process that reads files does not start",
                "Look for memory and processes that are used up.",
            )
        return self.process


_worker = Apart()
atexit.register(_worker.end)
convert = _worker.convert


def _environment() -> dict[str, str]:
    """What Python needs to find our code: no key of ours is in reach of what reads a stranger's file."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path),
        "LC_ALL": "C.UTF-8",
    }


@contextmanager
def _killed_after(seconds: float, process: subprocess.Popen[bytes]) -> Iterator[threading.Event]:
    """The event tells that it was: whoever waits for the process then reads the end of its output."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, kill)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()


def _greets(process: subprocess.Popen[bytes]) -> bool:
    assert process.stdin
    assert process.stdout
    try:
        with _killed_after(START, process):
            process.stdin.write(_READY)
            process.stdin.flush()
            return process.stdout.readline(2) == _READY
    except OSError:
        return False


def _ask(process: subprocess.Popen[bytes], kind: str, raw: bytes, url: str) -> bytes | None:
    """The answer as a line, None where the worker is gone or says too much."""
    assert process.stdin
    assert process.stdout
    try:
        process.stdin.write(json.dumps({"kind": kind, "url": url, "size": len(raw)}).encode() + b"\n")
        process.stdin.write(raw)
        process.stdin.flush()
        answer = process.stdout.readline(_LARGEST_ANSWER)
    except OSError:
        return None
    return answer if answer.endswith(b"\n") else None


def _lost(kind: str, code: int | None, seconds: float | None) -> Refused:
    fix = "Split it, save it anew, or take it out of the source."
    if seconds is not None:
        return Refused(
            f"reading the {kind.upper()} took longer than {seconds:.0f} seconds and was stopped", fix
        )
    return Refused(f"reading the {kind.upper()} broke off (the process ended with {code})", fix)


def _understood(kind: str, answer: bytes) -> Converted:
    """What a worker says is checked like anything that comes from outside."""
    try:
        said = json.loads(answer)
        if "what" in said:
            return _refuse(str(said["what"])[:500], str(said["fix"])[:500])
        return Converted(
            str(said["text"]),
            str(said["title"])[:500],
            str(said["lang"])[:20],
            moment(str(said["modified"])),
            int(said["hidden"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _lost(kind, None, None) from error


def _refuse(what: str, fix: str) -> Converted:
    raise Refused(what, fix)


# What follows runs in the worker.


def serve(seconds: float, memory: int, idle: float) -> None:
    """Reads files from standard input until there is none."""
    import resource
    import select
    import signal

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    read, write = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no answer
    while select.select([read], [], [], idle)[0]:
        line = read.readline(10_000)
        if line == _READY:
            write.write(_READY)
            write.flush()
            continue
        if not line:
            return
        # Should the service be gone, nobody is left to stop this.
        signal.alarm(int(seconds) + 5)
        asked = json.loads(line)
        write.write(
            json.dumps(_answer(asked["kind"], _exactly(read, asked["size"]), asked["url"])).encode() + b"\n"
        )
        write.flush()
        signal.alarm(0)


def _exactly(read: BinaryIO, size: int) -> bytes:
    raw = read.read(size)
    if len(raw) < size:
        raise SystemExit
    return raw


def _answer(kind: str, raw: bytes, url: str) -> dict[str, object]:
    try:
        page = _format(kind)(raw, url)
    except Refused as no:
        return {"what": no.what, "fix": no.fix}
    except MemoryError:
        return {"what": f"the {kind.upper()} needs more memory than a page may", "fix": "Split it."}
    except RecursionError:
        return {"what": f"the {kind.upper()} refers to itself or nests too deeply", "fix": "Save it anew."}
    except Exception as error:  # noqa: BLE001 - on hostile bytes a library raises anything
        what = f"the file cannot be read as {kind.upper()} ({type(error).__name__})"
        return {"what": what, "fix": "Save it anew, or take it out of the source."}
    if len(page.text) > LARGEST_TEXT:
        return {"what": f"the text is longer than {LARGEST_TEXT:,} characters", "fix": "Split it."}
    modified = page.modified.isoformat() if page.modified else ""
    return {**page._asdict(), "modified": modified}


def _format(kind: str) -> Callable[[bytes, str], Converted]:
    if kind == "html":
        from ingest.formats.html import convert

        return convert
    if kind == "pdf":
        from ingest.formats import pdf

        return lambda raw, _: pdf.convert(raw)
    from ingest.formats import docx

    return lambda raw, _: docx.convert(raw)
