"""The `git` program on a short lead: no shell, no prompt, no hook, no configuration but ours, a deadline."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from knowledge.errors import KnowledgeError

FETCHING = 600
"""Seconds that a fetch may take."""
LOOKING = 120
"""Seconds for anything that reads the mirror only."""

_INHERITED = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "GIT_SSH_COMMAND", "GIT_SSL_CAINFO", "SSL_CERT_FILE")
_PROXIES = ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY")
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.autoDetach": "false",
    # A redirect could lead to a host that nobody meant, with the token.
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "protocol.version": "2",
}


class GitFailed(Exception):
    """Git could not; `said` is the line of its answer that tells most."""

    def __init__(self, said: str, late: int = 0) -> None:
        super().__init__(said)
        self.said = said
        self.late = late
        """The deadline in seconds, where that was the reason."""


class Program:
    """Git at work in one bare mirror."""

    def __init__(self, mirror: Path, remote: str, protocol: str, token: str | None = None) -> None:
        if not shutil.which("git"):
            raise KnowledgeError(
                "The program `git` is not installed. Install it (for example: apt install git)."
            )
        self._mirror = mirror
        self._environment = _environment(remote, protocol, token)

    def open(self) -> None:
        """Makes the mirror where there is none, and clears what a killed run left locked."""
        if not (self._mirror / "HEAD").exists():
            self.forget()
            self._mirror.mkdir(parents=True, mode=0o700)
            self._do(["git", "init", "--quiet", "--bare", "--template=", "--", str(self._mirror)], LOOKING)
        for lock in (*self._mirror.glob("*.lock"), *(self._mirror / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)

    def forget(self) -> None:
        shutil.rmtree(self._mirror, ignore_errors=True)

    def update(self, branch: str | None, tip: str, *, history: bool) -> None:
        """`tip` becomes what the branch is now, also after a forced push."""
        wanted = f"+refs/heads/{branch}:{tip}" if branch else f"+HEAD:{tip}"
        shallow = [] if history else ["--depth=1"]
        self.run(
            "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none", *shallow,
            "--", "origin", wanted,
            seconds=FETCHING,
        )  # fmt: skip

    def sound(self) -> bool:
        """Whether the mirror itself can be read."""
        try:
            self.run("rev-list", "--objects", "--no-walk", "--missing=print", "--all")
        except GitFailed:
            return False
        return True

    def bring(self, tip: str, blobs: Collection[str]) -> None:
        """Gets these from the server, as far as they are not here, all at once."""
        there = self.run("rev-list", "--objects", "--no-walk", "--missing=print", tip)
        absent = {line[1:].decode() for line in there.splitlines() if line.startswith(b"?")}
        missing = sorted(absent & set(blobs))
        if missing:
            self.run(
                "-c", "fetch.negotiationAlgorithm=noop",
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none",
                "--stdin", "origin",
                given="\n".join(missing).encode() + b"\n",
                seconds=FETCHING,
            )  # fmt: skip

    def blobs(self, names: Sequence[str], largest: int) -> dict[str, bytes]:
        """hash -> bytes; without those that are larger."""
        sizes = self.run("cat-file", "--batch-check", given="\n".join(names).encode() + b"\n").decode()
        rows = [line.split(" ") for line in sizes.splitlines()]
        fitting = [row[0] for row in rows if len(row) == 3 and row[1] == "blob" and int(row[2]) <= largest]
        raw = self.run("cat-file", "--batch", given="\n".join(fitting).encode() + b"\n") if fitting else b""
        return dict(_batch(raw))

    def dates(self, tip: str, wanted: Mapping[str, str], near: Sequence[str]) -> dict[str, datetime]:
        """When each path (-> its hash) got the content that it has. `near`: where the history is looked at.

        The hash decides: in a merge, a side that changed the file and lost does not count.
        """
        found: dict[str, datetime] = {}
        arguments = [
            "log", "-z", "--raw", "--no-abbrev", "--no-renames", "--diff-merges=combined", "--format=%x01%ct",
            tip, "--", *near,
        ]  # fmt: skip
        with self._reading(arguments, LOOKING) as stream:
            when = datetime.fromtimestamp(0, UTC)
            record = b""
            for token in _tokens(stream):
                if token.lstrip(b"\n").startswith(b"\x01"):
                    when = datetime.fromtimestamp(int(token.strip(b"\x01\n")), UTC)
                elif token.lstrip(b"\n").startswith(b":"):
                    record = token.lstrip(b"\n")
                elif record:
                    path, blob = token.decode(errors="replace"), _new(record)
                    if wanted.get(path) == blob and path not in found:
                        found[path] = when
                        if len(found) == len(wanted):
                            break
                    record = b""
        return found

    def run(self, *arguments: str, given: bytes | None = None, seconds: int = LOOKING) -> bytes:
        return self._do(["git", f"--git-dir={self._mirror}", *arguments], seconds, given)

    def _do(self, command: Sequence[str], seconds: int, given: bytes | None = None) -> bytes:
        with self._start(command, subprocess.PIPE) as process:
            try:
                out, err = process.communicate(given, timeout=seconds)
            except subprocess.TimeoutExpired:
                raise GitFailed("", late=seconds) from None
            finally:
                _end(process)
        if process.returncode:
            raise GitFailed(_telling(err))
        return out

    @contextlib.contextmanager
    def _reading(self, arguments: Sequence[str], seconds: int) -> Iterator[IO[bytes]]:
        """What a command prints, while it does; it is ended when nobody reads on."""
        command = ["git", f"--git-dir={self._mirror}", *arguments]
        with self._start(command, subprocess.DEVNULL) as process:
            timer = threading.Timer(seconds, _end, [process])
            timer.start()
            try:
                assert process.stdout
                yield process.stdout
            finally:
                timer.cancel()
                _end(process)

    def _start(self, command: Sequence[str], errors: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - a list, no shell
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=self._environment,
            cwd="/",
            start_new_session=True,
        )


def _environment(remote: str, protocol: str, token: str | None) -> dict[str, str]:
    settings = {**_SETTINGS, "remote.origin.url": remote}
    if token:
        host = "/".join(remote.split("/")[:3])
        # Any user name does, where the password is a token. In the environment no other user can read it.
        basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        settings[f"http.{host}/.extraHeader"] = f"Authorization: Basic {basic}"
    kept = {name: os.environ[name] for name in (*_INHERITED, *_PROXIES) if name in os.environ}
    return {
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=20",
        **kept,
        "LC_ALL": "C",
        "GIT_ALLOW_PROTOCOL": protocol,
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_CONFIG_COUNT": str(len(settings)),
        **{f"GIT_CONFIG_KEY_{at}": key for at, key in enumerate(settings)},
        **{f"GIT_CONFIG_VALUE_{at}": value for at, value in enumerate(settings.values())},
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    """Git starts helpers that do the talking: all of them end."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _telling(errors: bytes) -> str:
    lines = [line.strip() for line in errors.decode(errors="replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    said = "".join(char for char in " ".join(fatal[:3]) if char.isprintable())
    return re.sub(r"(?<=//)[^/@\s]+@", "", said)[:300].rstrip(".")


def _batch(raw: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(raw):
        end = raw.index(b"\n", at)
        name, _, size = raw[at:end].decode().split(" ")
        start = end + 1
        yield name, raw[start : start + int(size)]
        at = start + int(size) + 1


def _tokens(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read1(65536):  # type: ignore[attr-defined]
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole
    if rest:
        yield rest


def _new(record: bytes) -> str:
    """The hash after a change: `:modes hashes status`, with one colon for each parent."""
    parents = len(record) - len(record.lstrip(b":"))
    return record.lstrip(b":").split(b" ")[2 * parents + 1].decode()
