"""The audit trail. A folder that was in use before gets a first line that says so."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.audit import first_line

revision = "0003"
down_revision = "0002"

REFUSALS = {
    "audit_no_update": "BEFORE UPDATE ON audit",
    "audit_no_delete": "BEFORE DELETE ON audit",
    # A replacing insert deletes without asking the trigger above.
    "audit_at_the_end": "BEFORE INSERT ON audit "
    "WHEN NEW.seq <> (SELECT COALESCE(MAX(seq), 0) + 1 FROM audit)",
}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, sa.Text() if name == "data" else sa.String(), nullable=name in OPTIONAL)
            for name in COLUMNS
        ),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_table(
        "audit_name",
        sa.Column("party", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("salt", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("party"),
        sa.UniqueConstraint("alias"),
    )
    op.create_index(op.f("ix_audit_name_owner"), "audit_name", ["owner"], unique=False)
    for name, when in REFUSALS.items():
        op.execute(
            f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END"
        )
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT COALESCE(MAX(ord), 0) FROM message"))
    used = connection.scalar(sa.text("SELECT EXISTS (SELECT 1 FROM conversation)"))
    line = first_line(datetime.now(UTC), existing=bool(used), last_message=last)
    table = sa.table("audit", sa.column("seq"), *(sa.column(name) for name in COLUMNS))
    op.bulk_insert(table, [line._asdict()])


COLUMNS = (
    "at",
    "what",
    "who",
    "party",
    "conversation",
    "case_",
    "about",
    "code",
    "data",
    "digest",
    "before",
    "hash",
)
OPTIONAL = ("party", "conversation", "case_", "about", "digest")
