"""Commands on the data folder, whether the service owns it at that moment or not.

While the service runs it listens on a loopback port that only whoever may read the token file can use;
commands talk to it there. Otherwise a command opens the folder itself. One line of JSON is one message:
`{"token", "command", "args"}` in, any number of `{"progress"}` out, then `{"result"}` or `{"error"}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands.folder import COMMANDS
from app.errors import BadInput, StepfourError, Unavailable

if TYPE_CHECKING:
    from app.settings import Settings
    from knowledge.store import Knowledge

log = logging.getLogger(__name__)

FILE = "admin.json"
LONGEST_LINE = 4_000_000
COMMANDS_AT_ONCE = 8

Progress = Callable[[dict[str, Any]], None]


@asynccontextmanager
async def listening(knowledge: Knowledge, settings: Settings) -> AsyncIterator[int]:
    """Serves commands while the service owns the folder; yields the port."""
    token = secrets.token_urlsafe(32)
    # Threads of their own: syncs that wait for each other must not keep messages waiting.
    threads = ThreadPoolExecutor(COMMANDS_AT_ONCE, "command")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer, token, knowledge, settings, threads=threads)
        except (ConnectionError, asyncio.LimitOverrunError, ValueError) as error:
            log.warning("a command ended early: %s", error)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, limit=LONGEST_LINE)
    port: int = server.sockets[0].getsockname()[1]
    file = settings.data_dir / FILE
    _write_private(file, json.dumps({"port": port, "token": token, "pid": os.getpid()}))
    try:
        yield port
    finally:
        file.unlink(missing_ok=True)
        server.close()
        threads.shutdown(wait=False, cancel_futures=True)


def _write_private(file: Path, text: str) -> None:
    """Readable by its owner alone from the first byte on."""
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)


async def _answer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    token: str,
    knowledge: Knowledge,
    settings: Settings,
    *,
    threads: ThreadPoolExecutor,
) -> None:
    asked = json.loads(await reader.readline() or b"{}")
    given = str(asked.get("token", "")) if isinstance(asked, dict) else ""
    if not secrets.compare_digest(given.encode("utf-8", "replace"), token.encode()):
        await _send(writer, {"error": "the token is wrong; read it from the data folder's admin.json"})
        return
    run = COMMANDS.get(str(asked.get("command")))
    if run is None:
        there = ", ".join(COMMANDS)
        await _send(writer, {"error": f"no command {asked.get('command')!r}; there is {there}"})
        return
    loop = asyncio.get_running_loop()

    def progress(done: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(writer.write, _line({"progress": done}))

    try:
        args = asked.get("args") or {}
        result = await loop.run_in_executor(threads, run, knowledge, settings, args, progress)
    except KeyError as error:
        await _send(writer, {"error": f"{asked['command']} needs the argument {error}"})
    except StepfourError as error:
        await _send(writer, {"error": str(error)})
    else:
        await _send(writer, {"result": result})


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


async def _send(writer: asyncio.StreamWriter, value: dict[str, Any]) -> None:
    writer.write(_line(value))
    await writer.drain()


# --- the commands' side -------------------------------------------------------------------------


def run(settings: Settings, command: str, args: dict[str, Any], progress: Progress) -> dict[str, Any]:
    """Runs a command where the folder's owner is: in the running service, or here.

    Raises `BadInput` with what the service said, `ConfigError` where the folder cannot be opened.
    """
    try:
        return asyncio.run(_ask(settings.data_dir / FILE, command, args, progress))
    except Unavailable:
        pass  # no service runs on this folder: we may own it ourselves
    from app.main import open_knowledge
    from knowledge.encoder.native import alone

    knowledge = open_knowledge(settings)
    try:
        with alone():
            return COMMANDS[command](knowledge, settings, args, progress)
    finally:
        knowledge.close()


def answers(settings: Settings) -> bool:
    """Whether a service listens for the commands of this data folder: a crash leaves its file behind."""
    try:
        port = int(json.loads((settings.data_dir / FILE).read_text())["port"])
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


async def _ask(file: Path, command: str, args: dict[str, Any], progress: Progress) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text())  # noqa: ASYNC240  a few bytes, and nothing else runs here
        reader, writer = await asyncio.open_connection("127.0.0.1", known["port"], limit=LONGEST_LINE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"no service listens for commands: {error}") from error
    try:
        await _send(writer, {"token": known["token"], "command": command, "args": args})
        while line := await reader.readline():
            said = json.loads(line)
            if "progress" in said:
                progress(said["progress"])
            elif "error" in said:
                raise BadInput(said["error"])
            else:
                result: dict[str, Any] = said["result"]
                return result
    finally:
        writer.close()
    raise BadInput("the service stopped in the middle of the command; run it again")
