"""What a clause says of its matter, by layers of our own on top of the encoder's lower ones.

`app/reader/train/told.py` makes `told.onnx`. Where the encoder has no layers to build on (the native engine,
or a double), the head over its vectors (`heads.status_scores`) does the same less well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib.resources import as_file, files
from threading import Lock
from typing import TYPE_CHECKING

from app.reader.heads import Array, softmax
from app.reader.names import masked
from knowledge.embedding import Layered

if TYPE_CHECKING:
    import onnxruntime

REMEMBERED = 20_000
"""Texts whose scores are kept: what was said before is read again with every message."""

_known: OrderedDict[str, Array] = OrderedDict()
_lock = Lock()


def told(texts: Sequence[str], encoder: Layered) -> dict[str, Array]:
    """Text -> probability per status, in the order of `heads.STATUSES`."""
    plain = {text: masked(text) for text in texts}
    with _lock:
        found = {text: _known[text] for text in plain.values() if text in _known}
    new = list(dict.fromkeys(text for text in plain.values() if text not in found))
    for text, hidden in zip(new, encoder.lower(new), strict=True):
        found[text] = _scores(hidden)
    with _lock:
        _known.update({text: found[text] for text in new})
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return {text: found[name] for text, name in plain.items()}


def _scores(hidden: Array) -> Array:
    from knowledge.encoder.graph import HIDDEN, SCORES

    scores: Array = _session().run([SCORES], {HIDDEN: hidden[None]})[0]
    found: Array = softmax(scores)[0]
    return found


@cache
def _session() -> onnxruntime.InferenceSession:
    from knowledge.encoder.fast import session

    with as_file(files("app.reader").joinpath("told.onnx")) as file:
        return session(file)
