"""Which log this is, the key of its requests' HMACs, and the full nodes of its tree, for what is recorded already."""

from importlib.resources import files
from typing import Any

from alembic import op

from events.database import Connection
from events.tree import fill

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the columns and the table, and fill it."""
    sql = files("events").joinpath("sql/0003_tree.sql").read_text("utf-8")
    adapted: Any = op.get_bind().connection.dbapi_connection

    async def run(driver: Connection) -> None:
        await driver.execute(sql)  # as a script, as in 0001
        await fill(driver)

    adapted.run_async(run)
