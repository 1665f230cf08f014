"""Which keys a connector file may have, and where."""

from __future__ import annotations

FILE = frozenset(
    {"connector", "describe", "address", "credential", "header", "headers", "idempotency", "openapi"}
    | {"standing", "person", "reads", "subjects", "actions"}
)
CALL = frozenset({"get", "python", "credential", "timeout"})
READ = CALL | {"take", "fields"}
STANDING = CALL | {"find", "by", "owner", "member"}
PERSON = CALL | {"find", "account", "user"}
WRITE = frozenset(
    {"request", "webhook", "ticket", "python", "body", "secret", "credential", "idempotency", "answer"}
    | {"timeout"}
)
UNDO = WRITE | {"name"}
ACTION = WRITE | {"describe", "inputs", "prerequisites", "only_before", "read_back", "undo", "approval"}
READ_BACK = CALL | {"field", "equals"}
TICKET = frozenset({"to", "subject", "text"})
ANSWER = frozenset({"field", "equals"})
SOURCE = frozenset({"value", "set", "each", "fields"})
