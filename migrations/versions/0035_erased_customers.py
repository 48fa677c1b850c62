"""customers can be erased: what is left of one is empty, its unprocessed events never come to be processed

Nobody changes the audit trail; what is kept there of rows may have to lose a person's texts, and nothing else: its
rows can only be changed in a transaction that says it is erasing somebody.

Revision ID: 0035
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
EMPTY = (
    "name = '' AND num_nonnulls(email, phone, external_id, attributes) = 0 AND cardinality(tags) = 0"
    " AND NOT email_consent AND NOT sms_consent AND deleted_at IS NOT NULL"
)
YEARS = "erased_at >= '0001-01-01 00:00:00+00' AND erased_at < '10000-01-01 00:00:00+00'"
STATUSES = ("pending", "processed", "trashed")


def upgrade() -> None:
    op.add_column("customer", sa.Column("erased_at", INSTANT))
    op.add_column("customer", sa.Column("erasure", postgresql.JSON(none_as_null=True)))
    op.create_check_constraint(op.f("ck_customer_erased_at_years"), "customer", YEARS)
    op.create_check_constraint(op.f("ck_customer_erased_is_empty"), "customer", f"erased_at IS NULL OR ({EMPTY})")
    _statuses((*STATUSES, "erased"))
    op.execute("GRANT UPDATE (before, after, detail) ON audit_entry TO gateway_app")
    op.execute(
        "CREATE POLICY erasing_alone ON audit_entry AS RESTRICTIVE FOR UPDATE TO gateway_app"
        " USING (current_setting('app.erasing', true) = 'yes')"
    )


def downgrade() -> None:
    op.execute("DROP POLICY erasing_alone ON audit_entry")
    op.execute("REVOKE UPDATE (before, after, detail) ON audit_entry FROM gateway_app")
    op.execute("DELETE FROM event WHERE status = 'erased'")
    _statuses(STATUSES)
    op.drop_constraint(op.f("ck_customer_erased_is_empty"), "customer")
    op.drop_constraint(op.f("ck_customer_erased_at_years"), "customer")
    op.drop_column("customer", "erasure")
    op.drop_column("customer", "erased_at")


def _statuses(known: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_event_status_known"), "event")
    op.create_check_constraint(
        op.f("ck_event_status_known"), "event", f"status IN ({', '.join(map(repr, known))})"
    )
