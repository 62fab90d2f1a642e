"""The log: events, their head, disclosures and requests."""

from importlib.resources import files
from typing import Any

from alembic import op

from events.database import Connection

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    sql = files("events").joinpath("sql/0001_log.sql").read_text("utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: Connection) -> None:
        await driver.execute(sql)  # as a script: SQLAlchemy would prepare it, and only one statement can be prepared

    adapted.run_async(run)
