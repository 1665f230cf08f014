"""What several surfaces need: suggestions, notes, attachments, proofs, and how far others were told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    for name in ("suggestion", "note", "attachment"):
        state = [sa.Column("state", sa.String(), nullable=False)] if name == "suggestion" else []
        op.create_table(
            name,
            sa.Column("id", sa.String(), nullable=False),
            sa.Column("conversation", sa.String(), nullable=False),
            *state,
            sa.Column("value", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id"),
        )
        op.create_index(op.f(f"ix_{name}_conversation"), name, ["conversation"], unique=False)
    op.create_table(
        "received",
        sa.Column("ord", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ord"),
        sa.UniqueConstraint("key"),
    )
    op.create_index("received_to_do", "received", ["ord"], unique=False, sqlite_where=sa.text("done IS 0"))
    op.create_table(
        "delivered",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("log", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("outlet", "log"),
    )
    op.create_table(
        "posted",
        sa.Column("outlet", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("outlet", "key"),
    )
    op.create_table(
        "link",
        sa.Column("external", sa.String(), nullable=False),
        sa.Column("proof", sa.String(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("external"),
    )
    op.create_table(
        "one_time",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("principal", sa.Text(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("event_handoff", "event", ["at"], unique=False, sqlite_where=sa.text("type = 'handoff'"))
