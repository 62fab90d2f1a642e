"""The shape of the derived tables stands at the head, where an appender reads it."""

from events.schema import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and its trigger."""
    run_script("0005_shape")
