"""The shape of the derived tables stands at the head, where an appender reads it."""

from importlib.resources import files
from typing import Any

from alembic import op

from events.database import Connection

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its trigger."""
    sql = files("events").joinpath("sql/0005_shape.sql").read_text("utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: Connection) -> None:
        await driver.execute(sql)  # as a script, as in 0001

    adapted.run_async(run)
