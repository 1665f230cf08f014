"""Sources of any kind and their schedule, what a sync knew of a document, and every change with its run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("source", sa.Column("kind", sa.Text, nullable=False, server_default="folder"))
    op.add_column("source", sa.Column("options", sa.Text, nullable=False, server_default="[]"))
    op.add_column("source", sa.Column("every", sa.Integer))
    op.add_column("document", sa.Column("url", sa.Text, nullable=False, server_default=""))
    op.add_column("sync_run", sa.Column("finished_at", sa.Text))
    op.add_column("sync_run", sa.Column("state", sa.Text, nullable=False, server_default="complete"))
    op.rename_table("file", "file_before")
    op.create_table(
        "file",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("stamp", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("missed", sa.Integer, nullable=False),
    )
    # Without a stamp every file is read once more, and what says the same is left as it is.
    op.execute(
        "INSERT INTO file (source, path, stamp, etag, revision, reason, missed)"
        " SELECT source, path, '', '', revision, reason, 0 FROM file_before"
    )
    op.drop_table("file_before")
    op.create_table(
        "change",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run", sa.Integer),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False, index=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("moved_from", sa.Text),
    )
    op.execute(
        "INSERT INTO change (at, document, kind, before, after)"
        " SELECT stored_at, document, CASE WHEN earlier IS NULL THEN 'added' ELSE 'changed' END,"
        " earlier, version FROM (SELECT *, lag(version) OVER"
        " (PARTITION BY document ORDER BY stored_at) AS earlier FROM version) ORDER BY stored_at"
    )


def downgrade() -> None:
    op.drop_table("change")
    op.rename_table("file", "file_after")
    op.create_table(
        "file",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("size", "mtime_ns", "seen_ns")),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.execute(
        "INSERT INTO file (source, path, size, mtime_ns, seen_ns, digest, revision, reason)"
        " SELECT source, path, 0, 0, 0, '', 0, reason FROM file_after"
    )
    op.drop_table("file_after")
    for table, column in (
        *(("sync_run", name) for name in ("finished_at", "state")),
        ("document", "url"),
        *(("source", name) for name in ("kind", "options", "every")),
    ):
        op.drop_column(table, column)
