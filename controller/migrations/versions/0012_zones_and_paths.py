"""what each amplifier of a node carries"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("node", sa.Column("zones", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("node", "zones")
