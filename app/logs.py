"""The log of the service: every line and traceback goes through here, and what is personal is hidden."""

from __future__ import annotations

import logging
import re
import sys
import threading
from typing import TextIO

from app.masking import masked

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LONGEST = 20_000
"""Characters of one record: what is longer is somebody's text, and nothing to tell."""
MARGIN = 1_000
"""Read besides and left out again, so that no half of a number stands at the end."""
WORDS = ("aiosqlite", "openai", "slack_sdk", "slack_bolt", "python_multipart")
"""Loggers that tell below INFO what people wrote, word by word."""

_HIDDEN = re.compile(r"[^\S \n\t]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


class Masking(logging.Formatter):
    """The finished record, its traceback included, without personal data, secrets and control characters."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        said = masked(text[: LONGEST + MARGIN])
        if len(text) > LONGEST:
            said = f"{said[: LONGEST - MARGIN]} … ({len(text):,} characters)"
        return _HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", said)


class _Now(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        return sys.stderr


def set_up(level: str = "WARNING") -> None:
    """Every logger of the process writes here; what nobody caught, too. Again, it changes the level."""
    root = logging.getLogger()
    if not any(isinstance(each, _Now) for each in root.handlers):
        handler = _Now()
        handler.setFormatter(Masking(FORMAT))
        root.addHandler(handler)
    root.setLevel(level)
    for name in WORDS:
        logging.getLogger(name).setLevel(max(logging.INFO, root.level))
    logging.captureWarnings(True)
    sys.excepthook = lambda _, error, __: _uncaught(error)
    threading.excepthook = lambda args: _uncaught(args.exc_value)


def _uncaught(error: BaseException | None) -> None:
    if not isinstance(error, KeyboardInterrupt | SystemExit):
        logging.getLogger("stepfour").critical("stopped by what nobody caught", exc_info=error)
