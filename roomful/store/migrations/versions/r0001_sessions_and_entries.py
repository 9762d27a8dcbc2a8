"""Sessions, their entries, and a row to check writing with."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.Text(), primary_key=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("head", sa.Integer(), nullable=False),
        sa.Column("head_hash", sa.Text(), nullable=False),
        sa.Column("ended", sa.Text()),
        sa.Column("about", sa.Text(), nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("session_id", sa.Text(), primary_key=True),
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("shown", sa.Integer()),
        sa.Column("ended", sa.Text()),
    )
    checks = op.create_table(
        "checks",
        sa.Column("check_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer(), nullable=False),
    )
    op.bulk_insert(checks, [{"check_id": 1, "number": 0}])


def downgrade() -> None:
    op.drop_table("checks")
    op.drop_table("entries")
    op.drop_table("sessions")
