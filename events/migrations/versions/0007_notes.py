"""What was signed of the log is kept beside it."""

from events.schema import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    run_script("0007_notes")
