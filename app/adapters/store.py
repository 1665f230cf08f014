"""Everything in SQL that survives a crash, in one file; each part says what it keeps."""

from __future__ import annotations

import sqlalchemy as sa

from app.adapters import tables as t
from app.adapters.aging import Aging
from app.adapters.cases import Cases
from app.adapters.conversations import Conversations
from app.adapters.desk import Desk
from app.adapters.outside import Outside
from app.adapters.records import Records
from app.adapters.spending import Spending
from app.adapters.trail import tell
from app.audit import Anchor, Entry, canonical


class Store(Conversations, Cases, Records, Desk, Outside, Spending, Aging):
    """All parts together, and where a start and the head of the audit trail stand in it."""

    async def tell_start(self, settings: dict[str, object]) -> None:
        """With which settings we start, and whether they are others than the last time."""
        query = sa.select(t.audit.c.data).where(t.audit.c.what == "started").order_by(t.audit.c.seq.desc())
        async with self._write() as c:
            before = (await c.execute(query.limit(1))).scalar_one_or_none()
            code = "first" if before is None else "same" if before == canonical(settings) else "changed"
            await tell(c, self._clock(), [Entry(what="started", code=code, more=settings)])

    async def audit_head(self) -> Anchor | None:
        """The last line of the trail, now; None where somebody has emptied it."""
        row = await self._row(
            sa.select(t.audit.c.seq, t.audit.c.hash).order_by(t.audit.c.seq.desc()).limit(1)
        )
        return None if row is None else Anchor(seq=row.seq, hash=row.hash, at=self._clock())
