"""Single facts that the catalogue keeps by a key."""

from __future__ import annotations

import sqlalchemy as sa

from knowledge.tables import NOTE


def get(db: sa.Engine, key: str) -> str | None:
    with db.connect() as c:
        value: str | None = c.scalar(sa.select(NOTE.c.value).where(NOTE.c.key == key))
    return value


def put(db: sa.Engine, key: str, value: str) -> None:
    with db.begin() as c:
        c.execute(sa.insert(NOTE).prefix_with("OR REPLACE").values(key=key, value=value))
