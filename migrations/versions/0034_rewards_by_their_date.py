"""rewards: campaigns' statuses by date, evaluations judged again

Revision ID: 0034
Revises: 0030
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
LONG = sa.BigInteger()
KEPT_JSON = postgresql.JSON(none_as_null=True)
MAX_SAFE = 9007199254740991
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
STATUSES = "status IN ('draft', 'scheduled', 'active', 'paused', 'completed')"
FITS_BEFORE = (
    f"amount BETWEEN -{MAX_SAFE} AND {MAX_SAFE} AND balance_change BETWEEN -{MAX_SAFE} AND {MAX_SAFE}"
    " AND CASE kind WHEN 'opening' THEN amount <> 0 OR balance_change <> 0 ELSE amount <> 0"
    " AND (kind = 'reversal') = (amount < 0) AND abs(balance_change) = abs(amount) END"
)
FITS = (
    f"amount BETWEEN -{MAX_SAFE} AND {MAX_SAFE} AND balance_change BETWEEN -{MAX_SAFE} AND {MAX_SAFE}"
    f" AND pending_change BETWEEN -{MAX_SAFE} AND {MAX_SAFE}"
    " AND CASE kind WHEN 'opening' THEN pending_change = 0 AND (amount <> 0 OR balance_change <> 0)"
    " WHEN 'release' THEN amount = 0 AND balance_change > 0 AND pending_change = -balance_change"
    " WHEN 'expiry' THEN amount = 0 AND balance_change < 0 AND pending_change = 0"
    " WHEN 'pending' THEN amount > 0 AND balance_change = 0 AND pending_change = amount"
    " ELSE amount <> 0 AND (kind = 'reversal') = (amount < 0)"
    " AND (kind IN ('reversal', 'restoration') OR pending_change = 0)"
    " AND CASE WHEN kind IN ('reversal', 'restoration') THEN abs(balance_change + pending_change) <= abs(amount)"
    " ELSE abs(balance_change + pending_change) = abs(amount) END END"
)
KINDS = "kind IN ('payment', 'redemption', 'reversal', {0}'opening')"
READ = ("campaign", "campaign_status_change", "reward_evaluation", "reward_entry", "reward_balance")
# Until now rewards were taken back as a whole, and for good.
TAKEN_BACK = """
UPDATE reward_evaluation SET taken_back = amount, asked_back = amount, asked_by_hand = amount WHERE reversed_at IS NOT NULL
"""
# What is known of statuses so far: when a campaign was made, first became active, ended or last changed. The clock
# made what dates from an edge of the window, or active what was made after its start.
HISTORY = """
INSERT INTO campaign_status_change (group_id, campaign_id, status, at, created_at, by_clock)
SELECT c.group_id, c.id, past.status, past.at, now(), past.by_clock
  FROM campaign c
 CROSS JOIN LATERAL (
   SELECT c.activated_at >= greatest(c.starts_at, c.created_at) AND c.starts_at IS NOT NULL AS by_clock,
          least(c.activated_at, greatest(c.starts_at, c.created_at)) AS at) began
 CROSS JOIN LATERAL (
   SELECT 1 AS place, 'draft' AS status, c.created_at AS at, false AS by_clock
    WHERE c.status = 'draft' AND c.activated_at IS NULL OR c.activated_at > c.created_at AND NOT began.by_clock
   UNION ALL
   SELECT 2, 'active', began.at, began.by_clock WHERE c.activated_at IS NOT NULL
   UNION ALL
   SELECT 3, c.status,
          CASE c.status WHEN 'completed' THEN least(greatest(c.ends_at, c.activated_at), now())
                        WHEN 'scheduled' THEN c.created_at ELSE c.updated_at END,
          c.status = 'scheduled' OR c.status = 'completed' AND c.ends_at >= coalesce(c.activated_at, c.ends_at)
                                    AND c.ends_at <= now()
    WHERE c.status NOT IN ('active', 'draft') OR c.status = 'draft' AND c.activated_at IS NOT NULL
   UNION ALL
   SELECT 4, 'active', coalesce(c.starts_at, c.created_at), c.starts_at IS NOT NULL
    WHERE c.status = 'active' AND c.activated_at IS NULL) past
 WHERE past.at IS NOT NULL
 ORDER BY c.group_id, c.id, past.place
"""


def upgrade() -> None:
    op.add_column("campaign", sa.Column("reward_late_days", sa.Integer(), server_default="30", nullable=False))
    _rule("campaign", "reward_late_days_within", "reward_late_days BETWEEN 0 AND 3650")
    op.create_table(
        "campaign_status_change",
        *_tenant_row("campaign_status_change"),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("status", CODE, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("by_clock", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _check("campaign_status_change", "status_known", STATUSES),
        _check("campaign_status_change", "at_years", YEARS.format("at")),
        _to("campaign_status_change", "campaign_id", "campaign"),
    )
    _index("campaign_status_change", "campaign_id", "at")
    protect(op.execute, "campaign_status_change")
    op.add_column(
        "campaign", sa.Column("negative_balance", CODE, server_default="forbidden", nullable=False)
    )
    _rule("campaign", "negative_balance_known", "negative_balance IN ('forbidden', 'allowed')")
    _judged_again()
    _shares()
    _points_with_dates()
    _tiers()
    _unforced(HISTORY, TAKEN_BACK)
    _rule(
        "reward_evaluation",
        "taken_within_asked",
        "taken_back BETWEEN 0 AND asked_back AND asked_back <= amount",
    )
    _rule("reward_evaluation", "asked_by_hand_within", "asked_by_hand BETWEEN 0 AND asked_back")


def _tiers() -> None:
    table = "reward_tier"
    op.create_table(
        table,
        *_tenant_row(table),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("threshold", LONG, nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=False),
        _check(table, "threshold_long", f"threshold BETWEEN 0 AND {MAX_SAFE}"),
        _check(table, "window_days_within", "window_days BETWEEN 1 AND 3650"),
        sa.UniqueConstraint("group_id", "name", name=op.f("uq_reward_tier_group_id_name")),
    )
    _index(table, "threshold")
    protect(op.execute, table)


def _points_with_dates() -> None:
    for name in ("reward_wait_days", "reward_expire_days"):
        op.add_column("campaign", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("campaign", sa.Column("reward_expire_period", CODE, nullable=True))
    _rule("campaign", "reward_wait_days_within", "reward_wait_days BETWEEN 1 AND 3650")
    _rule("campaign", "reward_expire_days_within", "reward_expire_days BETWEEN 1 AND 36500")
    _rule("campaign", "reward_expire_period_known", "reward_expire_period IN ('month', 'quarter', 'year')")
    op.add_column("reward_entry", _count("pending_change"))
    for name in ("available_at", "expires_at"):
        op.add_column("reward_entry", sa.Column(name, INSTANT, nullable=True))
        _rule("reward_entry", f"{name}_years", YEARS.format(name))
    _rule("reward_entry", "kind_known", KINDS.format("'pending', 'release', 'expiry', 'restoration', "))
    _rule("reward_entry", "amount_fits_kind", FITS)
    op.add_column("reward_balance", _count("pending"))
    _rule("reward_balance", "pending_not_negative", f"pending BETWEEN 0 AND {MAX_SAFE}")
    table = "reward_lot"
    op.create_table(
        table,
        *_tenant_row(table),
        sa.Column("evaluation_id", LONG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("partner_id", LONG, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("remaining", LONG, nullable=False),
        *(sa.Column(name, INSTANT, nullable=True) for name in ("available_at", "released_at", "expires_at")),
        *(
            _check(table, f"{name}_years", YEARS.format(name))
            for name in ("available_at", "released_at", "expires_at")
        ),
        _check(table, "currency_code", "currency ~ '^[A-Z]{3}$'"),
        _check(table, "remaining_long", f"remaining BETWEEN 0 AND {MAX_SAFE}"),
        _check(table, "has_dates", "num_nonnulls(available_at, expires_at) > 0"),
        _to(table, "evaluation_id", "reward_evaluation"),
        _to(table, "customer_id", "customer", ondelete="RESTRICT"),
        _to(table, "partner_id", "partner", ondelete="RESTRICT"),
        sa.UniqueConstraint(
            "group_id", "evaluation_id", "position", name=op.f("uq_reward_lot_group_id_evaluation_id_position")
        ),
    )
    _index(table, "evaluation_id", "position")
    _index(table, "customer_id", "partner_id", "currency", "expires_at")
    _index(table, "partner_id")
    op.create_index(
        "ix_reward_lot_waiting", table, ["group_id", "available_at"],
        postgresql_where=sa.text("released_at IS NULL AND remaining > 0"),
    )  # fmt: skip
    op.create_index(
        "ix_reward_lot_expiring", table, ["group_id", "expires_at"],
        postgresql_where=sa.text("released_at IS NOT NULL AND remaining > 0"),
    )  # fmt: skip
    protect(op.execute, table)


def _shares() -> None:
    table = "flow_action"
    op.add_column(table, sa.Column("rate", sa.Numeric(18, 4), nullable=True))
    op.add_column(table, sa.Column("rounding", CODE, server_default="down", nullable=False))
    op.add_column(table, sa.Column("per", CODE, server_default="amount", nullable=False))
    _rule(table, "rate_not_negative", "rate >= 0")
    _rule(table, "rate_finite", "rate NOT IN ('NaN', 'Infinity', '-Infinity')")
    _rule(table, "rounding_known", "rounding IN ('down', 'half_up', 'up')")
    _rule(table, "per_known", "per IN ('amount', 'quantity')")


def _judged_again() -> None:
    table = "reward_reevaluation"
    op.create_table(
        table,
        *_tenant_row(table),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("since", INSTANT, nullable=True),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("what", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("is_preview", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", CODE, server_default="waiting", nullable=False),
        _count("last_id"),
        sa.Column("end_id", LONG, nullable=False),
        *(_count(name) for name in ("looked_at", "differing", "skipped", "paid_before", "paid_after")),
        sa.Column("differences", KEPT_JSON, server_default="[]", nullable=False),
        sa.Column("failure", WORDS, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        _check(table, "state_known", "state IN ('waiting', 'done', 'failed')"),
        _check(table, "over_or_not", "(state = 'waiting') = (finished_at IS NULL)"),
        _check(table, "counts_not_negative", "least(looked_at, differing, skipped) >= 0"),
        *(_check(table, f"{name}_years", YEARS.format(name)) for name in ("since", "until", "finished_at")),
        _to(table, "campaign_id", "campaign"),
    )
    _index(table, "campaign_id", "created_at")
    _index(table, "created_at")
    op.create_index(
        "ix_reward_reevaluation_open", table, ["group_id", "id"], postgresql_where=sa.text("state = 'waiting'")
    )
    protect(op.execute, table)
    table = "reward_evaluation"
    op.add_column(table, _count("taken_back"))
    op.add_column(table, _count("asked_back"))
    op.add_column(table, _count("asked_by_hand"))
    op.add_column(table, sa.Column("revision", sa.Integer(), server_default="1", nullable=False))
    op.add_column(table, sa.Column("replaced_by_id", LONG, nullable=True))
    op.add_column(table, sa.Column("reevaluation_id", LONG, nullable=True))
    _rule(table, "revision_positive", "revision > 0")
    op.drop_constraint(op.f("uq_reward_evaluation_group_id_event_id_campaign_id"), table, type_="unique")
    op.create_unique_constraint(
        op.f("uq_reward_evaluation_group_id_event_id_campaign_id_revision"),
        table,
        ["group_id", "event_id", "campaign_id", "revision"],
    )
    for column, target in (("replaced_by_id", table), ("reevaluation_id", "reward_reevaluation")):
        op.create_foreign_key(
            op.f(f"fk_{table}_group_id_{column}"), table, target, ["group_id", column], ["group_id", "id"],
            ondelete="RESTRICT",
        )  # fmt: skip
    _index(table, "replaced_by_id")
    _index(table, "reevaluation_id", "created_at")
    op.execute("ALTER TABLE reward_balance DROP CONSTRAINT ck_reward_balance_balance_not_negative")
    op.add_column("reward_balance", sa.Column("may_owe", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _rule(
        "reward_balance",
        "balance_within",
        f"balance BETWEEN CASE WHEN may_owe THEN -{MAX_SAFE} ELSE 0 END AND {MAX_SAFE}",
    )


def downgrade() -> None:
    unprotect(op.execute, "reward_tier")
    op.drop_table("reward_tier")
    unprotect(op.execute, "reward_lot")
    op.drop_table("reward_lot")
    # Without dates, what waited can be used, and what expired has done so.
    _unforced(
        "UPDATE reward_balance SET balance = balance + pending",
        "ALTER TABLE reward_entry DROP CONSTRAINT ck_reward_entry_amount_fits_kind",
        "ALTER TABLE reward_entry DROP CONSTRAINT ck_reward_entry_kind_known",
        "DELETE FROM reward_entry WHERE kind = 'release'",
        "UPDATE reward_entry SET kind = 'payment' WHERE kind = 'pending'",
        # A line of a kind that is known, and changes the balance as it did.
        "UPDATE reward_entry SET kind = CASE WHEN balance_change < 0 THEN 'redemption' ELSE 'payment' END"
        " WHERE kind = 'restoration'",
        "UPDATE reward_entry SET balance_change = balance_change + pending_change",
        # What a reversal left to its payment's expiry, it takes itself.
        "UPDATE reward_entry x SET balance_change = x.balance_change + r.left_to_it FROM ("
        " SELECT group_id, evaluation_id, position, sum(balance_change - amount)::bigint AS left_to_it"
        " FROM reward_entry WHERE kind = 'reversal' AND balance_change <= 0 AND balance_change > amount"
        " GROUP BY 1, 2, 3) r WHERE x.kind = 'expiry' AND x.group_id = r.group_id"
        " AND x.evaluation_id = r.evaluation_id AND x.position = r.position",
        "UPDATE reward_entry SET balance_change = amount"
        " WHERE kind = 'reversal' AND balance_change <= 0 AND balance_change > amount",
        "DELETE FROM reward_entry WHERE kind = 'expiry' AND balance_change = 0",
        "UPDATE reward_entry SET kind = 'opening', as_of = created_at, campaign_id = NULL, evaluation_id = NULL"
        " WHERE kind = 'expiry'",
    )
    _rule("reward_entry", "kind_known", KINDS.format(""))
    _rule("reward_entry", "amount_fits_kind", FITS_BEFORE)
    for column in ("pending_change", "available_at", "expires_at"):
        op.drop_column("reward_entry", column)
    op.drop_column("reward_balance", "pending")
    for column in ("reward_wait_days", "reward_expire_days", "reward_expire_period"):
        op.drop_column("campaign", column)
    for column in ("rate", "rounding", "per"):
        op.drop_column("flow_action", column)
    op.execute("ALTER TABLE reward_balance DROP CONSTRAINT ck_reward_balance_balance_within")
    op.drop_column("reward_balance", "may_owe")
    _rule("reward_balance", "balance_not_negative", f"balance BETWEEN 0 AND {MAX_SAFE}")
    for column in ("replaced_by_id", "reevaluation_id"):
        op.drop_constraint(op.f(f"fk_reward_evaluation_group_id_{column}"), "reward_evaluation", type_="foreignkey")
    op.drop_constraint(
        op.f("uq_reward_evaluation_group_id_event_id_campaign_id_revision"), "reward_evaluation", type_="unique"
    )
    # The newest judgement is the one that holds.
    _unforced(
        "UPDATE reward_entry e SET evaluation_id = v.id FROM reward_evaluation old JOIN reward_evaluation v"
        " ON v.group_id = old.group_id AND v.event_id = old.event_id AND v.campaign_id = old.campaign_id"
        " AND v.replaced_by_id IS NULL"
        " WHERE old.replaced_by_id IS NOT NULL AND e.group_id = old.group_id AND e.evaluation_id = old.id",
        "DELETE FROM reward_evaluation WHERE replaced_by_id IS NOT NULL",
    )
    op.create_unique_constraint(
        op.f("uq_reward_evaluation_group_id_event_id_campaign_id"),
        "reward_evaluation",
        ["group_id", "event_id", "campaign_id"],
    )
    for column in ("taken_back", "asked_back", "asked_by_hand", "revision", "replaced_by_id", "reevaluation_id"):
        op.drop_column("reward_evaluation", column)
    unprotect(op.execute, "reward_reevaluation")
    op.drop_table("reward_reevaluation")
    op.drop_column("campaign", "negative_balance")
    unprotect(op.execute, "campaign_status_change")
    op.drop_table("campaign_status_change")
    op.drop_column("campaign", "reward_late_days")


def _unforced(*statements: str) -> None:
    # The owner sees rows only where its own policies do not bind it.
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    for statement in statements:
        op.execute(statement)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _tenant_row(table: str) -> list[Any]:
    return [
        sa.Column("group_id", LONG, nullable=False),
        sa.Column("id", LONG, sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        _check(table, "created_at_years", YEARS.format("created_at")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f(f"pk_{table}")),
    ]


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _count(name: str) -> sa.Column[Any]:
    return sa.Column(name, LONG, server_default="0", nullable=False)


def _rule(table: str, name: str, rule: str) -> None:
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_{name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({rule})")


def _to(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column],
        [f"{target}.group_id", f"{target}.id"],
        name=op.f(f"fk_{table}_group_id_{column}"),
        ondelete=ondelete,
    )


def _index(table: str, *columns: str) -> None:
    names = ["group_id", *columns, "id"]
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names, unique=False)
