"""Reads the audit trail of a data folder, beside a running service: does it hold, and what does it say."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.adapters import tables as t
from app.adapters.sql import FILE
from app.anchor import anchors
from app.audit import Fault, Line, alias, digest, fault_of, lasting, too_short
from app.errors import BadInput, ConfigError
from knowledge.model import Value

STEP = 1000
"""Lines between two words of progress."""

Progress = Callable[[int, int], None]


class Stopped(Exception):
    """Whoever waited for the end does not wait any more."""


@contextmanager
def opened(folder: Path) -> Iterator[sa.Connection]:
    """For reading only, everything as of one moment. Raises `ConfigError`."""
    file = folder / FILE
    if not file.exists():
        raise ConfigError(f"there is no {file}. Set STEPFOUR_DATA_DIR to the data folder of a Stepfour.")

    def connect() -> sqlite3.Connection:
        db = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")  # what was forged need be no text
        return db

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.NullPool)
    try:
        with engine.connect() as c:
            c.exec_driver_sql("BEGIN")
            if not sa.inspect(c).has_table(t.audit.name):
                raise ConfigError(f"{file} has no audit trail yet. Start the service once; it begins one.")
            yield c
    except sa.exc.DatabaseError as error:
        raise ConfigError(f"{file} cannot be read: {error.orig}. Is it a file of ours, and whole?") from error
    finally:
        engine.dispose()


# --- does it hold -------------------------------------------------------------------------------


class Verified(Value):
    """What was found; `fault` is None where all of it holds."""

    lines: int
    """So far it holds."""
    until: str
    """Time of the last of them."""
    anchors: int
    anchored: int
    """Number of the newest anchored line; 0: nothing is anchored."""
    rows: int = 0
    """Messages, turns and requests that say what they said when a line was written of them."""
    forgotten: int = 0
    """Names that were erased."""
    fault: Fault | None = None


def verify(
    folder: Path,
    anchor: Path,
    *,
    progress: Progress = lambda done, total: None,
    ending: threading.Event | None = None,
    rows: bool = True,
) -> Verified:
    """Looks at every line, the anchors, the names, and (`rows`) at what lines have digests of.

    Raises `Stopped` once `ending` is set, and `ConfigError`.
    """
    known = anchors(anchor)
    with opened(folder) as c:
        count = sa.select(sa.func.count(), sa.func.coalesce(sa.func.max(t.audit.c.seq), 0))
        total, highest = c.execute(count.select_from(t.audit)).one()
        told = _Told()

        def passed(line: Line) -> None:
            told.note(line)
            if line.seq % STEP == 0:
                progress(line.seq, total)
                if ending is not None and ending.is_set():
                    raise Stopped

        def following(hash: str) -> list[Line]:
            return [Line(*row) for row in c.execute(_LINES.where(t.audit.c.before == hash))]

        head, fault = fault_of(_lines(c), known, highest=highest, following=following, passed=passed)
        progress(total, total)
        right = 0
        if fault is None:
            fault = _nameless(c, told)
        if fault is None:
            newer = _untold(c, told)
            if rows and newer is None:
                right, fault = _held_against(c, told, ending)
            elif newer is not None:
                fault = Fault(seq=head.seq + 1, wrong="untold", detail=f"no line tells of {newer}")
            fault = too_short(head, known, fault.detail if fault else None) or fault
        return Verified(
            lines=head.seq,
            until=head.at,
            anchors=len(known),
            anchored=max((each.seq for each in known), default=0),
            rows=right,
            forgotten=len(told.erased),
            fault=fault,
        )


_LINES = sa.select(*(t.audit.c[name] for name in Line._fields))


def _lines(c: sa.Connection) -> Iterator[Line]:
    rows = c.execution_options(stream_results=True).execute(_LINES.order_by(t.audit.c.seq))
    return (Line(*row) for row in rows)


class _Told:
    """What the lines say, as far as the other tables are held against it."""

    def __init__(self) -> None:
        self.last_message = 0
        self.names: dict[str, int] = {}
        """Name -> the first line that has it."""
        self.erased: set[str] = set()
        self.over: set[str] = set()
        """Conversations whose time was over while their customer stayed."""

    def note(self, line: Line) -> None:
        for name in (line.who, line.party):
            if name is not None and name.startswith("p_"):
                self.names.setdefault(name, line.seq)
        if line.what == "identified":
            self.names.setdefault(json.loads(line.data)["was"], line.seq)
        elif line.what == "began":
            self.last_message = json.loads(line.data)["last_message"]
        elif line.what == "erased" and line.code == "conversation":
            self.over.add(line.conversation or "")
        elif line.what == "erased":
            self.erased |= set(json.loads(line.data).get("names", ()))


def _untold(c: sa.Connection, told: _Told) -> str | None:
    """A message since the trail began of which no line tells, or none of the turn that read it; or a name."""
    m = t.message.c
    lines = sa.select(t.audit.c.about).where(t.audit.c.about.is_not(None))
    new = (m.ord > told.last_message, m.id.not_in(lines) | m.turn.not_in(lines))
    message = c.scalar(sa.select(m.id).where(*new).order_by(m.ord).limit(1))
    if message is not None:
        return f"the message {message}, or of the turn that read it"
    names = c.scalars(sa.select(t.audit_name.c.alias))
    return next((f"the name {name}" for name in names if name not in told.names), None)


def _nameless(c: sa.Connection, told: _Told) -> Fault | None:
    """A name that was changed, or that went without being erased."""
    right = set()
    for row in c.execute(sa.select(t.audit_name)):
        if _proves(row.party, row.alias, row.salt):
            right.add(row.alias)
        elif row.alias in told.names:
            detail = f"who {row.alias} is was changed"
            return Fault(seq=told.names[row.alias], wrong="names", detail=detail)
    for name, seq in told.names.items():
        if name not in right and name not in told.erased:
            detail = f"who {name} is is gone, and no line says that they were erased"
            return Fault(seq=seq, wrong="names", detail=detail)
    return None


def _proves(party: str, name: str, salt: str) -> bool:
    try:
        return alias(party, salt) == name
    except ValueError:  # no salt of ours
        return False


_HELD: Mapping[sa.Table, Callable[[str], str]] = {
    t.message: lambda value: value,
    t.turn: lambda value: value,
    t.action_request: lasting,
}
"""Rows that lines have digests of, and what of them the digest is of."""


def _held_against(c: sa.Connection, told: _Told, ending: threading.Event | None) -> tuple[int, Fault | None]:
    """Rows held against the newest digest of each: how many are right, and what is wrong first."""
    salts = {row.alias: row.salt for row in c.execute(sa.select(t.audit_name.c.alias, t.audit_name.c.salt))}
    own = {row.conversation: (row.salt, row.since) for row in c.execute(sa.select(t.audit_salt))}
    newest = sa.select(t.audit.c.about, sa.func.max(t.audit.c.seq).label("seq"))
    newest = newest.where(t.audit.c.digest.is_not(None)).group_by(t.audit.c.about)
    last = newest.subquery()
    right, faults = 0, []
    for table, words in _HELD.items():
        query = (
            sa.select(
                *(t.audit.c[name] for name in ("seq", "party", "conversation", "digest")),
                table.c.id,
                table.c.value,
            )
            .join(last, last.c.seq == t.audit.c.seq)
            .join(table, table.c.id == last.c.about)
        )
        for row in c.execution_options(stream_results=True).execute(query):
            if ending is not None and ending.is_set():
                raise Stopped
            if row.party not in salts:  # they were erased, and what is still there is somebody else's now
                continue
            salt, since = own.get(row.conversation, ("", 0))
            key = salts[row.party] + (salt if row.seq >= since else "")
            if _says(words, row.value, row.id, key) == row.digest:
                right += 1
            else:
                what = table.name.replace("_", " ")
                detail = f"the {what} {row.id} does not say what it said when this line was written"
                faults.append(Fault(seq=row.seq, wrong="words", detail=detail))
    stored = sa.union_all(*(sa.select(table.c.id) for table in _HELD))
    gone = sa.select(t.audit.c.seq, t.audit.c.party, t.audit.c.about, t.audit.c.conversation)
    gone = gone.join(last, last.c.seq == t.audit.c.seq).where(t.audit.c.about.not_in(stored))
    for seq, party, about, conversation in c.execute(gone.order_by(t.audit.c.seq)):
        if party not in told.erased and conversation not in told.over:
            detail = f"what it tells of, {about}, is not stored any more, and was not erased"
            faults.append(Fault(seq=seq, wrong="words", detail=detail))
            break
    return right, min(faults, key=lambda fault: fault.seq, default=None)


def _says(words: Callable[[str], str], value: str, id: str, salt: str) -> str | None:
    try:
        return digest(words(value), id, salt)
    except (ValueError, AttributeError):  # no JSON of ours any more
        return None


# --- what it says -------------------------------------------------------------------------------


class Told(Value):
    """A line for a person: names and words where they still exist."""

    seq: int
    at: datetime
    who: str
    what: str
    code: str
    party: str | None
    conversation: str | None
    case: str | None
    about: str | None
    more: dict[str, Any]
    words: str | None
    """What was said, or why; None where there are none, or they were erased."""


def exported(
    folder: Path,
    *,
    since: datetime | None = None,
    party: str | None = None,
    case: str | None = None,
    progress: Progress = lambda done, total: None,
) -> Iterator[Told]:
    """Lines in their order. `party`: what they did and what concerns them. `case`: and what was said where
    it was spoken of. Raises `ConfigError`, and `BadInput` for a party or a case that no line has."""
    a = t.audit.c
    with opened(folder) as c:
        chosen: sa.ColumnElement[bool] = sa.true()
        if since is not None:
            chosen &= a.at >= since.astimezone(UTC).isoformat()
        if party is not None:
            names = _names(c, party)
            chosen &= a.who.in_(names) | a.party.in_(names)
        if case is not None:
            chosen &= _around(c, case)
        known = {row.alias: row.party for row in c.execute(sa.select(t.audit_name))}
        total = c.scalar(sa.select(sa.func.count()).select_from(t.audit).where(chosen)) or 0
        lines = c.execution_options(stream_results=True).execute(_LINES.where(chosen).order_by(a.seq))
        for n, row in enumerate(lines, 1):
            yield _told(c, Line(*row), known)
            if n % STEP == 0 or n == total:
                progress(n, total)


def _names(c: sa.Connection, party: str) -> list[str]:
    """What the trail calls somebody, also from before they were proven to be that party."""
    mine = (t.audit_name.c.party == party) | (t.audit_name.c.owner == party)
    names = list(c.scalars(sa.select(t.audit_name.c.alias).where(mine)))
    if party.startswith("p_") or ":" not in party:  # the names in the chain itself
        names.append(party)
    if not c.execute(_LINES.where(t.audit.c.who.in_(names) | t.audit.c.party.in_(names)).limit(1)).first():
        raise BadInput(
            f"the audit trail knows nobody called `{party}`. Customers are named like customer:ACCOUNT:USER, "
            "agents like agent::NAME, and who was erased as an export names them: p_..."
        )
    return names


def _around(c: sa.Connection, case: str) -> sa.ColumnElement[bool]:
    a = t.audit.c
    spoken = list(c.scalars(sa.select(a.conversation).where(a.case_ == case).distinct()))
    if not spoken:
        raise BadInput(f"the audit trail has no case `{case}`. Cases are named like k_...")
    return (a.case_ == case) | (a.case_.is_(None) & a.conversation.in_(spoken))


def _told(c: sa.Connection, line: Line, names: Mapping[str, str]) -> Told:
    more = json.loads(line.data)
    if "was" in more:
        more["was"] = names.get(more["was"], more["was"])
    return Told(
        seq=line.seq,
        at=datetime.fromisoformat(line.at),
        who=names.get(line.who, line.who),
        what=line.what,
        code=line.code,
        party=names.get(line.party, line.party) if line.party else None,
        conversation=line.conversation,
        case=line.case_,
        about=line.about,
        more=more,
        words=_words(c, line),
    )


def _words(c: sa.Connection, line: Line) -> str | None:
    """What the row that a line is about says now."""
    table = _ROWS.get(line.what)
    if table is None:
        return None
    stored = c.scalar(_VALUES[table], {"about": line.about})
    if stored is None:
        return None
    value = json.loads(stored)
    if table is t.turn:
        return str(value["decision"]["because"])
    if table is t.action_request:
        inputs = [f"{kind} {name}" for kind, name in value["inputs"]]
        now = [value["detail"]] if value["state"] == line.code and value["detail"] else []
        return "; ".join(inputs + now) or None
    files = [f"[file: {file['name']}]" for file in value.get("attachments", ())]
    return "\n".join([value["text"], *files]).strip()


_ROWS: Mapping[str, sa.Table] = {
    "message": t.message,
    "amended": t.message,
    "turn": t.turn,
    "request": t.action_request,
    "suggestion": t.suggestion,
}
_VALUES = {
    table: sa.select(table.c.value).where(table.c.id == sa.bindparam("about")) for table in _ROWS.values()
}
