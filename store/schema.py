"""The tables. Rows are lean: hashes are 16 raw bytes, runs are small integers, times are seconds since 1970 (UTC)."""

import sqlalchemy as sa

VERSION = "0001"  # the newest revision in migrations/versions; revisions are numbered, so they compare as text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run", sa.Integer, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("task", sa.LargeBinary, nullable=False),
    sa.Column("title", sa.String, nullable=False),
    sa.Column("status", sa.String, nullable=False),  # running, or how it finished
    sa.Column("model", sa.String, nullable=False),
    sa.Column("graph_hash", sa.String, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("parent", sa.Integer, sa.ForeignKey("runs.run", ondelete="SET NULL")),
    sa.Column("relation", sa.String),  # fork, continue
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("finished", sa.Double),
    sa.Column("host", sa.String),  # the owner, while it has one
    sa.Column("pid", sa.Integer),
    sa.Column("born", sa.String),
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("usd", sa.Double, nullable=False),
    sa.Column("answer", sa.LargeBinary),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("run", sa.Integer, sa.ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("payload", sa.Text, nullable=False),  # JSON without what is default
    sa.Column("ended", sa.Double, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.UniqueConstraint("run", "key"),
    sqlite_with_rowid=False,
)

# With a rowid, unlike the others: SQLite keeps such a row on one page, where an index row this long would take a page more.
blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("hash", sa.LargeBinary, primary_key=True),
    sa.Column("codec", sa.Integer, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),  # bytes, unpacked
    sa.Column("data", sa.LargeBinary, nullable=False),
)

# Which run put, mentioned or read which blob. No foreign key to blobs: the row is written first (see `delete_run`).
uses = sa.Table(
    "uses",
    metadata,
    sa.Column("run", sa.Integer, sa.ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True),
    sa.Column("hash", sa.LargeBinary, primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# The memo: which event of which run holds the outcome of a call.
calls = sa.Table(
    "calls",
    metadata,
    sa.Column("call", sa.LargeBinary, primary_key=True),
    sa.Column("run", sa.Integer, sa.ForeignKey("runs.run", ondelete="CASCADE"), primary_key=True, index=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
