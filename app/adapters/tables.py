"""The tables of the service. They are the truth: a restart goes on from what they say."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

metadata = MetaData()

visitor = Table(
    "visitor",
    metadata,
    Column("digest", String, primary_key=True),
    Column("created_at", String, nullable=False),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", String, primary_key=True),
    Column("party", String, nullable=False, index=True),
    Column("status", String, nullable=False),
    Column("person_active", Boolean, nullable=False),
    Column("value", Text, nullable=False),  # Conversation as JSON; status and person_active win
)

message = Table(
    "message",
    metadata,
    Column("ord", Integer, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False, unique=True),
    Column("conversation", String, nullable=False, index=True),
    Column("role", String, nullable=False),
    Column("client_id", String, nullable=False),
    Column("turn", String, nullable=True),  # the turn that read it; NULL on a customer's = still to do
    Column("value", Text, nullable=False),
    UniqueConstraint("conversation", "client_id"),
)
Index(
    "message_to_do", message.c.ord, sqlite_where=(message.c.turn.is_(None)) & (message.c.role == "customer")
)

case = Table(
    "case_",
    metadata,
    Column("id", String, primary_key=True),
    Column("party", String, nullable=False, index=True),
    Column("procedure", String, nullable=True),
    Column("state", String, nullable=False),
    Column("updated_at", String, nullable=False),
    Column("value", Text, nullable=False),
)

turn = Table(
    "turn",
    metadata,
    Column("id", String, primary_key=True),
    Column("trigger", String, nullable=False, unique=True),
    Column("conversation", String, nullable=False, index=True),
    Column("case_", String, nullable=True, index=True),
    Column("at", String, nullable=False),
    Column("value", Text, nullable=False),
)

fact = Table(
    "fact",
    metadata,
    Column("ord", Integer, primary_key=True, autoincrement=True),
    Column("case_", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

action_request = Table(
    "action_request",
    metadata,
    Column("id", String, primary_key=True),
    Column("case_", String, nullable=False, index=True),
    Column("state", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("conversation", String, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("payload", Text, nullable=False),
    Column("at", String, nullable=False),
)

Index("event_handoff", event.c.at, sqlite_where=event.c.type == "handoff")

watch = Table(
    "watch",
    metadata,
    Column("case_", String, primary_key=True),
    Column("next_at", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

follow_up = Table(
    "follow_up",
    metadata,
    Column("request", String, primary_key=True),
    Column("next_at", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

handoff = Table(
    "handoff",
    metadata,
    Column("turn", String, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("at", String, nullable=False),
    Column("dossier", Text, nullable=False),
)

suggestion = Table(
    "suggestion",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("value", Text, nullable=False),
)

note = Table(
    "note",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

attachment = Table(
    "attachment",
    metadata,
    Column("id", String, primary_key=True),
    Column("conversation", String, nullable=False, index=True),
    Column("value", Text, nullable=False),
)

received = Table(
    "received",
    metadata,
    Column("ord", Integer, primary_key=True, autoincrement=True),
    Column("key", String, nullable=False, unique=True),
    Column("channel", String, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("value", Text, nullable=False),
)
Index("received_to_do", received.c.ord, sqlite_where=received.c.done.is_(False))

delivered = Table(
    "delivered",
    metadata,
    Column("outlet", String, primary_key=True),
    Column("log", String, primary_key=True),
    Column("seq", Integer, nullable=False),
)

posted = Table(
    "posted",
    metadata,
    Column("outlet", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("value", String, nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("external", String, primary_key=True),
    Column("proof", String, nullable=False),
    Column("principal", Text, nullable=False),
    Column("at", String, nullable=False),
)

one_time = Table(
    "one_time",
    metadata,
    Column("digest", String, primary_key=True),
    Column("purpose", String, nullable=False),
    Column("principal", Text, nullable=False),
    Column("until", String, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("digest", String, primary_key=True),
    Column("agent", String, nullable=False, index=True),
    Column("way", String, nullable=False),
    Column("until", String, nullable=False),
)

agent_role = Table(
    "agent_role",
    metadata,
    Column("agent", String, primary_key=True),
    Column("roles", Text, nullable=False),  # JSON: what the provider said of them when they signed in last
    Column("until", String, nullable=False),
)

api_key = Table(
    "api_key",
    metadata,
    Column("name", String, primary_key=True),  # for good: what a key did is on record under its name
    Column("digest", String, nullable=False, unique=True),
    Column("value", Text, nullable=False),
)

model_call = Table(
    "model_call",
    metadata,
    Column("id", String, primary_key=True),
    Column("at", String, nullable=False, index=True),
    Column("party", String, nullable=True),
    Column("account", String, nullable=True),
    Column("role", String, nullable=False),
    Column("model", String, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("money", Float, nullable=False),
    Column("ended", String, nullable=False),
)

switched_off = Table(
    "switched_off",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", Text, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    # Triggers keep it append-only: migrations/versions/0003_audit.py.
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("what", String, nullable=False),
    Column("who", String, nullable=False),
    Column("party", String, nullable=True),
    Column("conversation", String, nullable=True),
    Column("case_", String, nullable=True),
    Column("about", String, nullable=True),
    Column("code", String, nullable=False),
    Column("data", Text, nullable=False),
    Column("digest", String, nullable=True),
    Column("before", String, nullable=False),
    Column("hash", String, nullable=False),
)

audit_name = Table(
    "audit_name",
    metadata,
    Column("party", String, primary_key=True),
    Column("alias", String, nullable=False, unique=True),  # what the trail calls them
    Column("salt", String, nullable=False),
    Column("owner", String, nullable=False, index=True),  # the party that they were proven to be
)

audit_salt = Table(
    "audit_salt",
    metadata,
    Column("conversation", String, primary_key=True),
    Column("salt", String, nullable=False),
    Column("since", Integer, nullable=False),  # digests of lines from this number on rest on it, too
)
