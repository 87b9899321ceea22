"""What a project chose for its streams when their client hangs up."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; as before, every project lets the upstream go."""
    op.add_column("projects", sa.Column("drain", sa.Boolean, nullable=False, server_default=sa.false()))
