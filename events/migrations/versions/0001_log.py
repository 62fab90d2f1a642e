"""The log: events, their head, disclosures and requests."""

from events.schema import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    run_script("0001_log")
