"""The load that is measured arrives, and what is refused is refused with a word on when to come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.bench_load import Load, load_rows

SMALL = Load(senders=2, seconds=1, streams=20, conversations=4, capacity=3, overload_s=3, most_waiting=3)


@pytest.mark.slow
def test_every_figure_is_measured(encoder_folder: Path) -> None:
    told: list[str] = []
    rows = {row.figure: row for row in load_rows(encoder_folder, told.append, sizes=SMALL)}
    assert len(told) == 3
    assert rows["accepted and stored"].value > 0
    assert rows["20 idle streams, memory"].value > 0
    assert rows["idle streams, until all were told"].n == 20
    assert rows["accepted, 5 times overload"].n
    assert (rows["opened for it, until acknowledged"].n or 0) >= (rows["accepted, 5 times overload"].n or 0)
    refused = rows["refused with 503 or 429"]
    assert refused.n
    assert refused.note.startswith("0 of them without Retry-After; 0 failed")
    assert rows["overload, all read"].value >= rows["overload, recovery"].value
