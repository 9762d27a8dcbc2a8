"""How a database gets from one release's tables to the next one's."""

from pathlib import Path

from sqlalchemy import Connection, func, inspect, select, text

from roomful.store import StoreError
from roomful.store.tables import REVISION

_ONE_AT_A_TIME = 0x526F6F6D
"""PostgreSQL's advisory lock that a migrating worker holds: several may start at once on a new database."""


def migrate(connection: Connection) -> None:
    """Bring the database's tables to this release, inside the connection's transaction. Or StoreError."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    revision = _revision(connection)
    if revision == REVISION:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"its tables are at {revision}, expected {REVISION} or older: use a newer Roomful") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("select version_num from alembic_version"))
    return revision
