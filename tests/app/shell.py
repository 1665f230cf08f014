"""A command as a shell runs it: what it printed, and how it ended."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Stepfour = Callable[..., Ended]


def ended(capsys: pytest.CaptureFixture[str], *args: str) -> Ended:
    from app.cli import main

    capsys.readouterr()
    before, sys.argv = sys.argv, ["stepfour", *args]
    try:
        with pytest.raises(SystemExit) as exit:
            main()
    finally:
        sys.argv = before
    said = capsys.readouterr()
    assert isinstance(exit.value.code, int)
    return Ended(exit.value.code, said.out, said.err)
