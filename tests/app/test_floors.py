"""No locked package is older than the version in which a hole was closed that we know of.

A row is a package, a version without the hole, and what it was. Where no version closed it, or the part
with the hole must not be used at all, there is a test of its own below.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packaging.version import Version

from tests.app.test_invariants import PACKAGES, imports, leads_to, modules, of

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
FLOORS: dict[str, tuple[str, str]] = {
    "aiohttp": ("3.13.4", "CVE-2025-69223 a zip bomb fills the memory; CVE-2026-34513 to -34525"),
    "authlib": ("1.7.2", "CVE-2026-27962 a token's own key was believed; CVE-2026-41425, -44681"),
    "certifi": ("2024.7.4", "CVE-2024-39689 roots that are trusted no more"),
    "cryptography": ("50.0.0", "CVE-2026-69249 certificate chains without end; CVE-2026-69247"),
    "filelock": ("3.20.1", "CVE-2025-68146 a link in the place of the lock"),
    "h11": ("0.16.0", "CVE-2025-43859 requests smuggled in chunks"),
    "idna": ("3.7", "CVE-2024-3651 a long name takes for ever"),
    "langgraph-checkpoint": ("3.0.0", "CVE-2025-64439 code run from checkpoints"),
    "langchain-core": ("1.2.5", "CVE-2025-68664 `lc` keys read secrets of the environment"),
    "langchain-text-splitters": ("0.3.9", "CVE-2025-6985 XSLT that reads files"),
    "pdfminer-six": ("20251107", "CVE-2025-64512 a PDF names a pickle to load"),
    "pillow": ("11.3.0", "CVE-2025-48379 writes past a buffer"),
    "protobuf": ("6.31.1", "CVE-2025-4565 nested messages end the stack"),
    "pyjwt": ("2.13.0", "CVE-2026-32597 unknown `crit` accepted; CVE-2026-48522 to -48526"),
    "python-multipart": ("0.0.27", "CVE-2026-42561 forms that take all the time"),
    "requests": ("2.32.4", "CVE-2024-47081 credentials sent to another host"),
    "setuptools": ("78.1.1", "CVE-2025-47273 a package's address leads out of the folder"),
    "starlette": ("0.49.1", "CVE-2025-62727 a Range header takes for ever"),
    "tqdm": ("4.66.3", "CVE-2024-34062 arguments that are run"),
    "urllib3": ("2.7.0", "CVE-2025-66418, CVE-2026-21441, CVE-2026-44432 decompression without end"),
}
IF_EVER: dict[str, tuple[str, str]] = {
    "mcp": ("1.27.2", "CVE-2026-52869 a session id taken from another principal"),
}
"""Not locked now; whoever brings them brings no older one."""
NEVER = {
    "langgraph-checkpoint-sqlite": "CVE-2025-67644: SQL through filter keys",
    "docling": "CVE-2026-105743: its guard resolves a name twice. knowledge/addresses.py does not.",
}


def locked(name: str) -> dict[str, Version]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)", text, re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", package).lower(): Version(version) for package, version in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_no_locked_version_has_a_hole_that_we_know_of(lock: str) -> None:
    there = locked(lock)
    assert len(there) > 50, "the lock file is read"
    assert not FLOORS.keys() - there.keys(), "a row of a package that is not locked any more: take it away"
    old = {
        name: f"{there[name]}, needs {least} or newer: {why}"
        for name, (least, why) in (FLOORS | IF_EVER).items()
        if name in there and there[name] < Version(least)
    }
    assert not old, f"run `make lock`: {old}"
    assert not there.keys() & NEVER.keys(), {name: NEVER[name] for name in there.keys() & NEVER.keys()}


def test_nothing_of_ours_keeps_its_state_in_a_graph() -> None:
    """LangGraph comes with LangChain, and reads checkpoints that somebody may have written."""
    everything = [name for package in PACKAGES for name in of(package)]
    assert not {name for name in everything if leads_to(imports(name), "langgraph", "docling")}


def test_nothing_of_langchains_is_read_back_from_text() -> None:
    """CVE-2025-68664: what is written with `dumps` and read with `loads` could be somebody's."""
    everything = [name for package in PACKAGES for name in of(package)]
    assert not {name for name in everything if leads_to(imports(name), "langchain_core.load")}


def test_chroma_is_a_library_here_and_never_a_server() -> None:
    """CVE-2026-45829: its server runs code before it asks who is there, and no version closed that."""
    servers = re.compile(r"HttpClient|AsyncHttpClient|chromadb\.server|chroma run|trust_remote_code")
    found = {name for name, path in modules().items() if servers.search(path.read_text(encoding="utf-8"))}
    assert not found
