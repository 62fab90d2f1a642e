"""An index of the log by type."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index: who follows one type of fact finds the next ones at once, however rare they are."""
    op.create_index("events_type", "events", ["type", "position"])
