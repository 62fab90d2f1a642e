"""A log that goes on from a copy of another gets an identity of its own."""

from importlib.resources import files
from typing import Any

from alembic import op

from events.database import Connection

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the function and the triggers."""
    sql = files("events").joinpath("sql/0006_continued.sql").read_text("utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: Connection) -> None:
        await driver.execute(sql)  # as a script, as in 0001

    adapted.run_async(run)
