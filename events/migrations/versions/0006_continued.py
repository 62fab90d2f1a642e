"""A log that goes on from a copy of another gets an identity of its own."""

from events.schema import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the function and the triggers."""
    run_script("0006_continued")
