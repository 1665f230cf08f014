"""Salts of conversations, so that one can be forgotten and its customer kept; roles of agents; less kept."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "audit_salt",
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("conversation"),
    )
    op.create_table(
        "agent_role",
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("agent"),
    )
    # What was worked off is kept by its key alone, so that a retry of it is no news.
    op.execute("UPDATE received SET value = json_set(value, '$.payload', json('{}')) WHERE done")
