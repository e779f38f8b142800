"""Run by Alembic, within the transaction that the opener of a store holds."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
