"""Alembic's entry: the connection is handed in by `events.schema.migrate`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="log_migrations")
with context.begin_transaction():
    context.run_migrations()
