"""Run by alembic: migrates through the connection, and inside the transaction, that it is given."""

from alembic import context

from roomful.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite cannot alter a table: alembic copies it
    render_as_batch=True,
)
context.run_migrations()
