"""entries by account, without a lock on the table

Revision ID: e94b6072f3ad
Revises: c5d83f2a9b14
Create Date: 2026-02-03 08:00:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "e94b6072f3ad"
down_revision: str | Sequence[str] | None = "c5d83f2a9b14"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # CREATE INDEX CONCURRENTLY runs in no transaction.
    with op.get_context().autocommit_block():
        op.create_index("entries_by_account", "entries", ["account_id", "booked_at"], postgresql_concurrently=True)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.drop_index("entries_by_account", table_name="entries", postgresql_concurrently=True)
