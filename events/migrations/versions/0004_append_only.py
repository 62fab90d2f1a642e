"""Texts and requests are never rewritten."""

from events.schema import run_script

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the triggers."""
    run_script("0004_append_only")
