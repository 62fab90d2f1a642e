"""The head has a notice, for all who follow the record."""

from events.schema import run_script

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    run_script("0008_notice")
