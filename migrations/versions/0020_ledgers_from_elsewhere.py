"""rewards: the ledger takes what was paid elsewhere, as opening entries and as lines of another ledger

Also, a window that came from elsewhere may end where it begins.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
WORDS = sa.Text(collation="pg_c_utf8")
MAX_SAFE = 9007199254740991
HERE_ALONE = ("campaign_id", "evaluation_id", "customer_id", "partner_id", "flow", "action")
FITS_BEFORE = (
    f"amount <> 0 AND amount BETWEEN -{MAX_SAFE} AND {MAX_SAFE}"
    " AND (kind = 'reversal') = (amount < 0) AND abs(balance_change) = abs(amount)"
)
FITS = (
    f"amount BETWEEN -{MAX_SAFE} AND {MAX_SAFE} AND balance_change BETWEEN -{MAX_SAFE} AND {MAX_SAFE}"
    " AND CASE kind WHEN 'opening' THEN amount <> 0 OR balance_change <> 0 ELSE amount <> 0"
    " AND (kind = 'reversal') = (amount < 0) AND abs(balance_change) = abs(amount) END"
)
WHOLE = (
    "CASE kind WHEN 'opening' THEN evaluation_id IS NULL AND as_of IS NOT NULL"
    " AND (amount = 0 OR campaign_id IS NOT NULL)"
    " AND (balance_change = 0 OR num_nulls(customer_id, partner_id) = 0)"
    " ELSE num_nulls(campaign_id, customer_id, partner_id) = 0"
    " AND (reference IS NOT NULL OR num_nulls(evaluation_id, flow, action) = 0) END"
)


def _checks(**rules: str) -> None:
    for name, rule in rules.items():
        op.execute(f"ALTER TABLE reward_entry DROP CONSTRAINT IF EXISTS ck_reward_entry_{name}")
        if rule:
            op.execute(f"ALTER TABLE reward_entry ADD CONSTRAINT ck_reward_entry_{name} CHECK ({rule})")


def upgrade() -> None:
    for column in HERE_ALONE:
        op.alter_column("reward_entry", column, nullable=True)
    op.add_column("reward_entry", sa.Column("as_of", INSTANT, nullable=True))
    op.add_column("reward_entry", sa.Column("reference", WORDS, nullable=True))
    _checks(
        kind_known="kind IN ('payment', 'redemption', 'reversal', 'opening')",
        amount_fits_kind=FITS,
        whole=WHOLE,
        as_of_years="as_of >= '0001-01-01 00:00:00+00' AND as_of < '10000-01-01 00:00:00+00'",
    )
    op.create_unique_constraint(
        op.f("uq_reward_entry_group_id_reference"), "reward_entry", ["group_id", "reference"]
    )
    op.add_column(
        "reward_participant",
        sa.Column("rewarded_before", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.execute(
        "ALTER TABLE reward_participant ADD CONSTRAINT ck_reward_participant_rewarded_before_within"
        " CHECK (rewarded_before >= 0)"
    )
    _window("ends_at >= starts_at")


def downgrade() -> None:
    op.execute("UPDATE campaign SET ends_at = NULL, ends_on = NULL WHERE ends_at = starts_at")
    _window("ends_at > starts_at")
    op.drop_column("reward_participant", "rewarded_before")
    op.drop_constraint(op.f("uq_reward_entry_group_id_reference"), "reward_entry", type_="unique")
    # What has no evaluation has no place in the table as it was, and campaigns' totals are the sums of their lines.
    op.execute("ALTER TABLE reward_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE campaign NO FORCE ROW LEVEL SECURITY")
    op.execute(
        "UPDATE campaign c SET total_rewards = c.total_rewards - e.amount"
        "  FROM (SELECT group_id, campaign_id, sum(amount) AS amount FROM reward_entry"
        "         WHERE evaluation_id IS NULL AND campaign_id IS NOT NULL GROUP BY 1, 2) e"
        " WHERE c.group_id = e.group_id AND c.id = e.campaign_id"
    )
    op.execute("DELETE FROM reward_entry WHERE evaluation_id IS NULL")
    op.execute("ALTER TABLE reward_entry FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE campaign FORCE ROW LEVEL SECURITY")
    _checks(
        as_of_years="",
        whole="",
        amount_fits_kind=FITS_BEFORE,
        kind_known="kind IN ('payment', 'redemption', 'reversal')",
    )
    op.drop_column("reward_entry", "reference")
    op.drop_column("reward_entry", "as_of")
    for column in HERE_ALONE:
        op.alter_column("reward_entry", column, nullable=False)


def _window(rule: str) -> None:
    op.execute("ALTER TABLE campaign DROP CONSTRAINT ck_campaign_window_order")
    op.execute(f"ALTER TABLE campaign ADD CONSTRAINT ck_campaign_window_order CHECK ({rule})")
