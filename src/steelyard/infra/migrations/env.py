"""What Alembic runs for each command; the connection, its lock and its transaction come from ``upgrade``."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,  # on SQLite too: we begin its transactions ourselves
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
