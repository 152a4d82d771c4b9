"""the kind of an account, from its number

Revision ID: c5d83f2a9b14
Revises: 7b20e4c81d6f
Create Date: 2026-01-15 14:30:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c5d83f2a9b14"
down_revision: str | Sequence[str] | None = "7b20e4c81d6f"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


KINDS = {"1": "asset", "2": "liability", "3": "equity", "4": "income", "5": "expense"}


def upgrade() -> None:
    op.add_column("accounts", sa.Column("kind", sa.String(20)))
    accounts = sa.table("accounts", sa.column("number", sa.String), sa.column("kind", sa.String))
    for digit, kind in KINDS.items():
        op.execute(accounts.update().where(accounts.c.number.startswith(digit)).values(kind=kind))
    with op.batch_alter_table("accounts") as batch:
        batch.alter_column("kind", existing_type=sa.String(20), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("accounts") as batch:
        batch.drop_column("kind")
