"""The tables, the same for SQLite and PostgreSQL. Their history is in `migrations`."""

from sqlalchemy import Column, Double, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("created", Double, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("head", Integer, nullable=False),
    Column("head_hash", Text, nullable=False),
    Column("ended", Text),
    Column("about", Text, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("shown", Integer),
    Column("ended", Text),
)

folded = Table(
    "folded",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    Column("check_id", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)
"""One row that counts, so that there is something small to write."""

REVISION = "0002"
"""The newest migration: a database that is here needs no alembic, which takes long to import."""
