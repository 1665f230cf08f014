"""What became of the pages that were cited: a quote stays readable, and says if its page changed or went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from knowledge.model import Became, Cited
from knowledge.tables import DOCUMENT, NOTE, PASSAGE


def became(db: sa.Engine, cited: Collection[Cited]) -> Mapping[Cited, Became]:
    """Those whose page is not as it was when it was cited. A page that is not known at all is gone."""
    if not cited:
        return {}
    paths = sorted({each.path for each in cited})
    with db.connect() as c:
        there = c.execute(
            sa.select(DOCUMENT.c.path, DOCUMENT.c.removed_at, PASSAGE.c.text, PASSAGE.c.updated_at)
            .join(
                PASSAGE,
                sa.and_(PASSAGE.c.document == DOCUMENT.c.id, PASSAGE.c.version == DOCUMENT.c.version),
                isouter=True,
            )
            .where(DOCUMENT.c.path.in_(paths))
        ).all()
        erased = {path for path in paths if c.scalar(_stone(path))}
    found: dict[Cited, Became] = {}
    for each in cited:
        served = [row for row in there if row.path == each.path and row.removed_at is None]
        if not served:
            found[each] = "erased" if each.path in erased else "gone"
        elif not any(_stands(each, row.text, row.updated_at) for row in served):
            found[each] = "changed"
    return found


def _stands(cited: Cited, text: str | None, updated_at: str | None) -> bool:
    same = updated_at is not None and datetime.fromisoformat(updated_at) == cited.updated_at
    return same and text is not None and cited.quote in text


def _stone(path: str) -> sa.Select[tuple[str]]:
    end = f":{path}"
    ends = sa.func.substr(NOTE.c.key, -len(end)) == end
    return sa.select(NOTE.c.key).where(NOTE.c.key.startswith("erased "), ends).limit(1)
