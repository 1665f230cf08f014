"""No locked package is older than the version in which a hole was closed that could reach us.

A row is a package, the first version without the hole, and what it was. Where a record names no closed
version, or the part with the hole must not be used at all, there is a test of its own below.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-dev.lock")
FLOORS: dict[str, tuple[str, str]] = {
PLACEHOLDER}


def locked(name: str) -> dict[str, Version]:
    text = (ROOT / name).read_text(encoding="utf-8")
    return {
        re.sub(r"[-_.]+", "-", package).lower(): Version(version)
        for package, version in re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s\\;]+)", text, re.MULTILINE)
    }
