"""accounts

Revision ID: 3f1c9a5d7e20
Revises:
Create Date: 2026-01-01 09:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "3f1c9a5d7e20"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    accounts = op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("number", sa.String(8), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
    )
    op.bulk_insert(
        accounts,
        [
            {"number": "1000", "name": "Cash"},
            {"number": "2000", "name": "Loans"},
            {"number": "4000", "name": "Sales"},
        ],
    )


def downgrade() -> None:
    op.drop_table("accounts")
