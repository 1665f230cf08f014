"""A small help centre on real parts: the four procedure pages, taken in with the real encoder."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.case import LabelledCase

PAGES = Path(__file__).parents[2] / "knowledge" / "pages" / "en"
PROCEDURES = ("https-tracking-links", "resume-sending", "dedicated-ip", "move-domain")
STEPS = ("link-tracking", "branded-link", "ssl-certificate")


@pytest.fixture(scope="session")
def small_pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name in PROCEDURES:
        shutil.copy(PAGES / f"{name}.md", folder)
    return folder


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory, filled: Callable[[Path], Path]) -> Path:
    """What the encoder needs, and the vectors of our pages."""
    return filled(tmp_path_factory.mktemp("encoder") / "kept")


MakeCase = Callable[..., LabelledCase]


@pytest.fixture(scope="session")
def make_case() -> MakeCase:
    """A case about HTTPS that asks for the outcome with all steps done, but for what is given."""

    def make(
        id: str, text: str = "All three are done, switch HTTPS on please.", **changes: Any
    ) -> LabelledCase:
        expect = {
            "procedure": "https-tracking-links",
            "claims": dict.fromkeys(STEPS, "done"),
            "wants_outcome": True,
            "decision": "act",
            "never": STEPS,
        }
        row = {
            "id": id,
            "lang": "en",
            "procedure": "https-tracking-links",
            "messages": [{"role": "customer", "text": text}],
            "identity": "owner",
            "world": dict.fromkeys(STEPS, "met"),
            "expect": expect | changes.pop("expect", {}),
        }
        return LabelledCase.model_validate(row | changes)

    return make
