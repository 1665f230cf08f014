"""What is kept of a case, read beside the running service from its own file."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from app.adapters.sql import FILE
from app.models.case import Case
from app.models.conversation import Conversation, Message
from app.models.record import Suggestion, Turn
from app.models.request import ActionRequest
from app.models.steps import LedgerFact

MOVING = frozenset({"delivery", "session", "one_time", "posted", "received", "visitor", "alembic_version"})
"""Tables that looking at a page or a delivery writes to; all others are the state of cases."""
LOOKS = {"audit": "WHERE what <> 'seen'"}


class Kept:
    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def _values(self, query: str, *values: str) -> list[str]:
        return [str(row[0]) for row in self._rows(query, *values)]

    # --- by account ---

    def conversations(self, account: str) -> list[Conversation]:
        """Oldest first."""
        rows = self._rows("SELECT value, status, person_active FROM conversation ORDER BY rowid")
        found = [
            Conversation.model_validate_json(value).model_copy(
                update={"status": status, "person_active": bool(active)}
            )
            for value, status, active in rows
        ]
        return [one for one in found if one.principal.account == account]

    def in_channel(self, account: str, channel: str) -> Conversation:
        [found] = [one for one in self.conversations(account) if one.channel == channel]
        return found

    def cases(self, account: str) -> list[Case]:
        parties = {one.principal.party for one in self.conversations(account)}
        marks = ",".join("?" * len(parties))
        rows = self._values(f"SELECT value FROM case_ WHERE party IN ({marks}) ORDER BY rowid", *parties)
        return [Case.model_validate_json(value) for value in rows]

    def turns(self, account: str) -> list[Turn]:
        """Of all its conversations, in the order they were made."""
        ids = [one.id for one in self.conversations(account)]
        marks = ",".join("?" * len(ids))
        rows = self._values(f"SELECT value FROM turn WHERE conversation IN ({marks}) ORDER BY at", *ids)
        return [Turn.model_validate_json(value) for value in rows]

    def said(self, account: str, role: str = "bot") -> list[Message]:
        """Of all its conversations, in the order they were said."""
        ids = [one.id for one in self.conversations(account)]
        marks = ",".join("?" * len(ids))
        query = f"SELECT value FROM message WHERE conversation IN ({marks}) AND role = ? ORDER BY ord"
        return [Message.model_validate_json(value) for value in self._values(query, *ids, role)]

    # --- by id ---

    def turns_of(self, conversation: str) -> list[Turn]:
        rows = self._values("SELECT value FROM turn WHERE conversation = ? ORDER BY at", conversation)
        return [Turn.model_validate_json(value) for value in rows]

    def read(self, conversation: str, messages: int) -> bool:
        """So many messages of the customer are there, and a turn has read each."""
        query = "SELECT turn FROM message WHERE conversation = ? AND role = 'customer'"
        turns = self._rows(query, conversation)
        return len(turns) >= messages and all(turn for (turn,) in turns)

    def messages(self, conversation: str, role: str | None = None) -> list[Message]:
        query = "SELECT value FROM message WHERE conversation = ? ORDER BY ord"
        found = [Message.model_validate_json(value) for value in self._values(query, conversation)]
        return [message for message in found if role in (None, message.role)]

    def facts(self, case: str) -> list[LedgerFact]:
        rows = self._values("SELECT value FROM fact WHERE case_ = ? ORDER BY ord", case)
        return [LedgerFact.model_validate_json(value) for value in rows]

    def requests(self, case: str) -> list[ActionRequest]:
        rows = self._values("SELECT value FROM action_request WHERE case_ = ?", case)
        return [ActionRequest.model_validate_json(value) for value in rows]

    def suggestions(self, conversation: str) -> list[Suggestion]:
        rows = self._values("SELECT value FROM suggestion WHERE conversation = ?", conversation)
        return [Suggestion.model_validate_json(value) for value in rows]

    def events(self, log: str, type: str) -> list[dict[str, Any]]:
        query = "SELECT payload FROM event WHERE conversation = ? AND type = ? ORDER BY seq"
        return [json.loads(value) for value in self._values(query, log, type)]

    def steps_shown(self, conversation: str) -> list[tuple[str, str]]:
        """The checklist as the conversation's own surface shows it: step and word."""
        newest = self.events(conversation, "steps")[-1]
        return [(step["id"], step["word"]) for step in newest["steps"]]

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that is kept of cases: unchanged where nobody did anything. That somebody looked is on
        record, and no deed."""
        tables = self._values(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        )
        return {
            name: self._rows(f"SELECT * FROM {name} {LOOKS.get(name, '')} ORDER BY rowid")
            for name in sorted(tables)
            if not name.startswith(tuple(MOVING))
        }


def repeated(texts: Sequence[str], shortest: int = 6) -> list[str]:
    """Paragraphs and list items of so many words that stand in more than one of these messages."""
    parts = Counter(
        part
        for text in texts
        for part in {" ".join(line.strip(" -*>0123456789.").split()) for line in text.splitlines()}
    )
    return [part for part, times in parts.items() if times > 1 and len(part.split()) >= shortest]
