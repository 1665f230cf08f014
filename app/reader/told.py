"""What a clause says of its matter and what a sentence does, by layers of our own on those of the encoder.

`app/reader/train/told.py` makes `told.onnx`. Where the encoder has no layers to build on (the native engine,
or a double), the heads over its vectors (`heads.status_scores`, `heads.act_scores`) do the same less well.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.resources import as_file, files
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from app.reader.heads import ACTS as HEAD_ACTS
from app.reader.heads import STATUSES, Array, softmax
from app.reader.names import masked
from knowledge.embedding import Layered

if TYPE_CHECKING:
    import onnxruntime

ACTS = (
    *HEAD_ACTS,
    "matter", "stands", "told", "promise", "aside", "complaint", "confirm", "own", "broke",
)  # fmt: skip
"""What a sentence does: those of the head, and then names its matter, asks how it stands, says that it was
said before, promises, tells something beside it, complains, says yes to a proposal, says whose account it is,
tells that something broke."""

REMEMBERED = 20_000
"""Texts whose scores are kept: what was said before is read again with every message."""


class Judged(NamedTuple):
    """Probabilities, in the order of `heads.STATUSES` and of `ACTS`."""

    states: Array
    acts: Array

    def act(self, name: str) -> float:
        return float(self.acts[ACTS.index(name)])


_known: OrderedDict[str, Judged] = OrderedDict()
_lock = Lock()


def told(texts: Sequence[str], encoder: Layered) -> dict[str, Judged]:
    """Text -> what it says and does."""
    plain = {text: masked(text) for text in texts}
    with _lock:
        found = {text: _known[text] for text in plain.values() if text in _known}
    new = list(dict.fromkeys(text for text in plain.values() if text not in found))
    found |= zip(new, _spread(encoder.lower(new)), strict=True)
    with _lock:
        _known.update({text: found[text] for text in new})
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return {text: found[name] for text, name in plain.items()}


def _spread(hidden: Sequence[Array]) -> list[Judged]:
    """Over as many threads as embedding takes: somebody waits for it."""
    from knowledge.encoder.fast import IN_TALK, MANY
    from knowledge.encoder.native import threads_allowed

    threads = threads_allowed(min(IN_TALK, os.cpu_count() or 1))
    if threads == 1 or len(hidden) < MANY:
        return [_judged(each) for each in hidden]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(_judged, hidden))


def _judged(hidden: Array) -> Judged:
    from knowledge.encoder.graph import HIDDEN, SCORES

    scores: Array = _session().run([SCORES], {HIDDEN: hidden[None]})[0][0]
    return Judged(softmax(scores[: len(STATUSES)]), softmax(scores[len(STATUSES) :]))


@cache
def _session() -> onnxruntime.InferenceSession:
    from knowledge.encoder.fast import shipped

    with as_file(files("app.reader").joinpath("told.onnx")) as file:
        return shipped(file)
