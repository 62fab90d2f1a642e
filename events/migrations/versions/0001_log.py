"""The log: events, their head, disclosures and requests."""

from importlib.resources import files

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    sql = files("events").joinpath("sql/0001_log.sql").read_text("utf-8")
    connection = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(sql))  # asyncpg prepares no more than one statement at a time
