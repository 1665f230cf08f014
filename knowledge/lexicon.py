"""The words of passages by their stems: where each stands, and how long the passages are."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from knowledge.model import Passage
from knowledge.stems import stems
from knowledge.stored import Found

_PLACE = "CREATE VIRTUAL TABLE IF NOT EXISTS temp.stem_place USING fts5vocab(main, stem, instance)"

Numbers = NDArray[np.int32]
"""Of passages."""


def places(db: sa.Engine, words: Collection[str]) -> dict[str, Numbers]:
    """For each stem that is there the number of the passage that holds it, once for every time it does."""
    # One text for all of them: a row for each would take several times as long to hand over.
    query = "SELECT group_concat(doc) FROM temp.stem_place WHERE term = ?"
    with db.connect() as c:
        c.exec_driver_sql(_PLACE)
        texts = {word: c.exec_driver_sql(query, (word,)).scalar() for word in words}
    return {word: np.fromstring(text, dtype=np.int32, sep=",") for word, text in texts.items() if text}


def lengths(db: sa.Engine) -> list[tuple[int, int]]:
    """(number, stems) of every passage whose words can be looked up."""
    # FTS5 keeps them as numbers of seven bits a byte, in a table that its documentation describes.
    with db.connect() as c:
        rows = c.exec_driver_sql("SELECT id, sz FROM stem_docsize")
        return [(num, sz[0] if sz[0] < 0x80 else _of_bytes(sz)) for num, sz in rows]


def _of_bytes(sz: bytes) -> int:
    number = 0
    for byte in sz:
        number = number << 7 | byte & 0x7F
    return number


def word_counts(db: sa.Engine, words: Collection[str]) -> dict[str, int]:
    """In how many current passages each stem occurs."""
    query = sa.text("SELECT term, doc FROM stem_count WHERE term IN :words").bindparams(
        sa.bindparam("words", expanding=True)
    )
    with db.connect() as c:
        return {row.term: row.doc for row in c.execute(query, {"words": sorted(words)})}


def word_text(passage: Passage) -> str:
    """What of a passage the words are taken from."""
    return "\n".join([passage.title, *passage.heading_path, passage.text])


def put_stems(c: sa.Connection, found: Sequence[Found]) -> None:
    rows = [
        {
            "num": f.num,
            "words": " ".join(f"{f.passage.lang}_{s}" for s in stems(word_text(f.passage), f.passage.lang)),
        }
        for f in found
    ]
    if rows:
        c.execute(sa.text("INSERT INTO stem(rowid, words) VALUES (:num, :words)"), rows)


def drop_stems(c: sa.Connection, found: Sequence[Found]) -> None:
    if found:
        c.execute(sa.text("DELETE FROM stem WHERE rowid = :num"), [{"num": f.num} for f in found])
