"""What the world holds, in one SQLite file, so that a killed world comes back as it was."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from evals.world.spec import Account, Change, Edge, Effect, Fault, Record, State

TABLES = """
CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record (name TEXT, view TEXT, type TEXT, body TEXT NOT NULL,
    PRIMARY KEY (name, view, type));
CREATE TABLE IF NOT EXISTS edge (number INTEGER PRIMARY KEY AUTOINCREMENT, host TEXT UNIQUE,
    body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS change (id INTEGER PRIMARY KEY, due REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault (id INTEGER PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effect (seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL,
    account TEXT NOT NULL, effect TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL,
    key TEXT NOT NULL UNIQUE,
    account_before TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS answer (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, body TEXT NOT NULL);
"""


class Answer(NamedTuple):
    fingerprint: str
    body: dict[str, object]


def open_state(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.executescript(TABLES)
    return db


def put(db: sqlite3.Connection, state: State) -> None:
    """Accounts and edges replace those of the same name; records replace all of their (name, view)."""
    with db:
        for account in state.accounts:
            db.execute("REPLACE INTO account VALUES (?, ?)", (account.id, account.model_dump_json()))
        for edge in state.edges:
            db.execute(
                "INSERT INTO edge (host, body) VALUES (?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                (edge.host.lower(), edge.model_dump_json()),
            )
        for name, view in {(r.name.lower(), r.view) for r in state.records}:
            db.execute("DELETE FROM record WHERE name = ? AND view = ?", (name, view))
        for record in state.records:
            row = (record.name.lower(), record.view, record.type, record.model_dump_json())
            db.execute("REPLACE INTO record VALUES (?, ?, ?, ?)", row)


def clear(db: sqlite3.Connection) -> None:
    with db:
        for table in ("account", "record", "change", "fault", "effect", "answer"):
            db.execute(f"DELETE FROM {table}")  # noqa: S608
        # Numbers are addresses, and the platform's own edge keeps the first.
        db.execute("DELETE FROM edge WHERE number > 1")


def account(db: sqlite3.Connection, account_id: str) -> Account | None:
    row = db.execute("SELECT body FROM account WHERE id = ?", (account_id,)).fetchone()
    return Account.model_validate_json(row[0]) if row else None


def accounts(db: sqlite3.Connection) -> list[Account]:
    return [Account.model_validate_json(row[0]) for row in db.execute("SELECT body FROM account ORDER BY id")]


def account_as_of(db: sqlite3.Connection, account_id: str, at: float) -> Account | None:
    """The account before the first write after `at`: what an eventual read still sees."""
    row = db.execute(
        "SELECT account_before FROM effect WHERE account = ? AND at > ? ORDER BY seq LIMIT 1",
        (account_id, at),
    ).fetchone()
    return Account.model_validate_json(row[0]) if row else account(db, account_id)


def branded_hosts(db: sqlite3.Connection) -> set[str]:
    rows = db.execute("SELECT body FROM account").fetchall()
    return {link.host.lower() for (body,) in rows for link in Account.model_validate_json(body).branded_links}


def records(db: sqlite3.Connection, name: str, view: str) -> tuple[Record, ...]:
    """What one server has at a name: its own view where there is one, else what all see."""
    for seen in (view, "all"):
        rows = db.execute(
            "SELECT body FROM record WHERE name = ? AND view = ?", (name.lower(), seen)
        ).fetchall()
        if rows:
            return tuple(Record.model_validate_json(body) for (body,) in rows)
    return ()


def has_names_below(db: sqlite3.Connection, name: str) -> bool:
    suffix = f".{name.lower()}"
    row = db.execute(
        "SELECT 1 FROM record WHERE substr(name, -?) = ? LIMIT 1", (len(suffix), suffix)
    ).fetchone()
    return row is not None


def edges(db: sqlite3.Connection) -> tuple[tuple[int, Edge], ...]:
    rows = db.execute("SELECT number, body FROM edge ORDER BY number").fetchall()
    return tuple((number, Edge.model_validate_json(body)) for number, body in rows)


def edge_number(db: sqlite3.Connection, host: str) -> int | None:
    row = db.execute("SELECT number FROM edge WHERE host = ?", (host.lower(),)).fetchone()
    return int(row[0]) if row else None


def schedule(db: sqlite3.Connection, changes: Iterable[Change]) -> None:
    with db:
        for change in changes:
            row = (time.time() + change.after, change.model_dump_json())
            db.execute("INSERT INTO change (due, body) VALUES (?, ?)", row)


def take_due(db: sqlite3.Connection, now: float) -> tuple[Change, ...]:
    """Changes whose time has come, applied. A kill in between applies one twice, which changes nothing."""
    rows = db.execute("SELECT id, body FROM change WHERE due <= ? ORDER BY due, id", (now,)).fetchall()
    due = tuple(Change.model_validate_json(body) for _, body in rows)
    for (change_id, _), change in zip(rows, due, strict=True):
        put(db, change)
        with db:
            db.execute("DELETE FROM change WHERE id = ?", (change_id,))
    return due


def add_fault(db: sqlite3.Connection, fault: Fault) -> None:
    with db:
        db.execute("INSERT INTO fault (body) VALUES (?)", (fault.model_dump_json(),))


def clear_faults(db: sqlite3.Connection) -> None:
    with db:
        db.execute("DELETE FROM fault")


def take_fault(db: sqlite3.Connection, method: str, path: str) -> Fault | None:
    """The oldest fault that matches this request, with one of its times used up."""
    for fault_id, body in db.execute("SELECT id, body FROM fault ORDER BY id").fetchall():
        fault = Fault.model_validate_json(body)
        if fault.method not in ("*", method) or not fnmatchcase(path, fault.path):
            continue
        with db:
            if fault.times == 1:
                db.execute("DELETE FROM fault WHERE id = ?", (fault_id,))
            elif fault.times is not None:
                less = fault.model_copy(update={"times": fault.times - 1})
                db.execute("UPDATE fault SET body = ? WHERE id = ?", (less.model_dump_json(), fault_id))
        return fault
    return None


def answer(db: sqlite3.Connection, key: str) -> Answer | None:
    row = db.execute("SELECT fingerprint, body FROM answer WHERE key = ?", (key,)).fetchone()
    return Answer(row[0], json.loads(row[1])) if row else None


def record_effect(
    db: sqlite3.Connection,
    *,
    key: str,
    effect: str,
    before: Account,
    after: Account,
    view: Callable[[Account], dict[str, object]],
    given: Answer,
) -> None:
    """The write, its row in the ledger and the stored answer: all or none."""
    row = (time.time(), after.id, effect, json.dumps(view(before)), json.dumps(view(after)), key)
    with db:
        db.execute("REPLACE INTO account VALUES (?, ?)", (after.id, after.model_dump_json()))
        db.execute(
            "INSERT INTO effect (at, account, effect, before, after, key, account_before)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (*row, before.model_dump_json()),
        )
        db.execute("INSERT INTO answer VALUES (?, ?, ?)", (key, given.fingerprint, json.dumps(given.body)))


def effects(db: sqlite3.Connection, account_id: str | None = None) -> tuple[Effect, ...]:
    rows = db.execute(
        "SELECT seq, at, account, effect, before, after, key FROM effect"
        " WHERE ? IS NULL OR account = ? ORDER BY seq",
        (account_id, account_id),
    ).fetchall()
    return tuple(
        Effect(seq=s, at=at, account=a, effect=e, before=json.loads(b), after=json.loads(c), key=k)
        for s, at, a, e, b, c, k in rows
    )
