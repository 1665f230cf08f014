"""What is wrong with the pages, where it was seen, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "finding",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("found_at", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Text),
    )
    op.create_table(
        "finding_place",
        sa.Column("finding", sa.Text, primary_key=True),
        sa.Column("ord", sa.Integer, primary_key=True),
        sa.Column("document", sa.Text, nullable=False, index=True),
        sa.Column("quote", sa.Text, nullable=False),
    )
    op.create_table(
        "finding_evidence",
        sa.Column("finding", sa.Text, primary_key=True),
        sa.Column("conversation", sa.Text, primary_key=True, index=True),
        sa.Column("message", sa.Text, primary_key=True),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "finding_event",
        sa.Column("num", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("finding", sa.Text, nullable=False, index=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("by", sa.Text),
        sa.Column("note", sa.Text),
    )


def downgrade() -> None:
    for table in ("finding_event", "finding_evidence", "finding_place", "finding"):
        op.drop_table(table)
