"""Runs, their events, the content they use, and the memo of finished calls."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("task", sa.LargeBinary, nullable=False),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("graph_hash", sa.String, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("parent", sa.Integer),
        sa.Column("relation", sa.String),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("finished", sa.Double),
        sa.Column("host", sa.String),
        sa.Column("pid", sa.Integer),
        sa.Column("born", sa.String),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
        sa.Column("completion_tokens", sa.BigInteger, nullable=False),
        sa.Column("usd", sa.Double, nullable=False),
        sa.Column("answer", sa.LargeBinary),
        sa.PrimaryKeyConstraint("run", name="pk_runs"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
        sa.ForeignKeyConstraint(["parent"], ["runs.run"], name="fk_runs_parent", ondelete="SET NULL"),
    )
    op.create_table(
        "events",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("ended", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_events"),
        sa.UniqueConstraint("run", "key", name="uq_events_run_key"),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_events_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blobs",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("codec", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("hash", name="pk_blobs"),
    )
    op.create_table(
        "uses",
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("run", "hash", name="pk_uses"),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_uses_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_uses_hash", "uses", ["hash"])
    op.create_table(
        "calls",
        sa.Column("call", sa.LargeBinary, nullable=False),
        sa.Column("run", sa.Integer, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("call", "run", name="pk_calls"),
        sa.ForeignKeyConstraint(["run"], ["runs.run"], name="fk_calls_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_calls_run", "calls", ["run"])


def downgrade() -> None:
    for table in ("calls", "uses", "blobs", "events", "runs"):
        op.drop_table(table)
