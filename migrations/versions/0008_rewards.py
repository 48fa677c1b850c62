"""rewards: attributes of a group's own, evaluations, the ledger, balances, participants; a campaign's counts

Revision ID: 0008
Revises: 0007
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
LONG = sa.BigInteger()
KEPT_JSON = postgresql.JSON(none_as_null=True)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
TABLES = ("reward_attribute", "reward_balance", "reward_participant", "reward_evaluation", "reward_entry")
COUNTS = ("reward_participants", "reward_transactions", "reward_revenue")
COUNTS_LONG = (
    "reward_version > 0 AND least(reward_participants, reward_transactions, reward_revenue) >= 0"
    " AND greatest(reward_participants, reward_transactions, reward_revenue) <= 9007199254740991"
)


def upgrade() -> None:
    op.create_table(
        "reward_attribute",
        *_tenant_row("reward_attribute"),
        sa.Column("type_code", sa.Integer(), nullable=False),
        sa.Column("attribute", LONG, nullable=False),
        sa.Column("name", WORDS, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        _check("reward_attribute", "kind_known", "kind IN ('text', 'number', 'flag', 'texts')"),
        _check("reward_attribute", "attribute_own", "attribute BETWEEN 1000 AND 9007199254740991"),
        _check("reward_attribute", "type_code_named", "type_code BETWEEN 1 AND 4"),
        _unique("reward_attribute", "type_code", "attribute"),
        _unique("reward_attribute", "type_code", "name"),
    )
    _index("reward_attribute", "name")
    op.create_table(
        "reward_balance",
        *_tenant_row("reward_balance"),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("partner_id", LONG, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("balance", LONG, nullable=False),
        _check("reward_balance", "currency_code", "currency ~ '^[A-Z]{3}$'"),
        _check("reward_balance", "balance_not_negative", "balance BETWEEN 0 AND 9007199254740991"),
        _to("reward_balance", "customer_id", "customer", ondelete="RESTRICT"),
        _to("reward_balance", "partner_id", "partner", ondelete="RESTRICT"),
        _unique("reward_balance", "customer_id", "partner_id", "currency"),
    )
    _index("reward_balance", "customer_id", "created_at")
    _index("reward_balance", "partner_id")
    op.create_table(
        "reward_participant",
        *_tenant_row("reward_participant"),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("rewarded", LONG, nullable=False),
        _check("reward_participant", "rewarded_not_negative", "rewarded >= 0"),
        _to("reward_participant", "campaign_id", "campaign"),
        _to("reward_participant", "customer_id", "customer", ondelete="RESTRICT"),
        _unique("reward_participant", "campaign_id", "customer_id"),
    )
    _index("reward_participant", "customer_id")
    op.create_table(
        "reward_evaluation",
        *_tenant_row("reward_evaluation"),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.Column("trigger_code", sa.Integer(), nullable=False),
        sa.Column("custom_trigger_id", LONG, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("inputs", KEPT_JSON, nullable=False),
        sa.Column("trace", KEPT_JSON, nullable=False),
        sa.Column("outcome", CODE, nullable=False),
        sa.Column("wanted", LONG, nullable=False),
        sa.Column("amount", LONG, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("reversed_at", INSTANT, nullable=True),
        _check("reward_evaluation", "currency_code", "currency ~ '^[A-Z]{3}$'"),
        _check("reward_evaluation", "occurred_at_years", YEARS.format("occurred_at")),
        _check(
            "reward_evaluation",
            "outcome_known",
            "outcome IN ('paid', 'trimmed', 'not_live', 'no_flow', 'not_met', 'nothing_due', 'limit_reached', 'no_balance')",
        ),
        _check("reward_evaluation", "reversed_at_years", YEARS.format("reversed_at")),
        _check("reward_evaluation", "amount_within_wanted", "amount BETWEEN 0 AND wanted"),
        _check("reward_evaluation", "version_positive", "version > 0"),
        _check("reward_evaluation", "wanted_long", "wanted BETWEEN 0 AND 9007199254740991"),
        _to("reward_evaluation", "campaign_id", "campaign"),
        _to("reward_evaluation", "customer_id", "customer", ondelete="RESTRICT"),
        _to("reward_evaluation", "event_id", "event", ondelete="RESTRICT"),
        _unique("reward_evaluation", "event_id", "campaign_id"),
    )
    _index("reward_evaluation", "campaign_id", "created_at")
    _index("reward_evaluation", "campaign_id")
    _index("reward_evaluation", "created_at")
    _index("reward_evaluation", "customer_id", "created_at")
    op.create_table(
        "reward_entry",
        *_tenant_row("reward_entry"),
        sa.Column("campaign_id", LONG, nullable=False),
        sa.Column("evaluation_id", LONG, nullable=False),
        sa.Column("customer_id", LONG, nullable=False),
        sa.Column("partner_id", LONG, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("step", LONG, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("flow", LONG, nullable=False),
        sa.Column("action", LONG, nullable=False),
        sa.Column("amount", LONG, nullable=False),
        sa.Column("balance_change", LONG, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        _check(
            "reward_entry",
            "amount_fits_kind",
            "amount <> 0 AND amount BETWEEN -9007199254740991 AND 9007199254740991 AND (kind = 'reversal') = (amount < 0) AND abs(balance_change) = abs(amount)",
        ),
        _check("reward_entry", "currency_code", "currency ~ '^[A-Z]{3}$'"),
        _check("reward_entry", "kind_known", "kind IN ('payment', 'redemption', 'reversal')"),
        _to("reward_entry", "campaign_id", "campaign"),
        _to("reward_entry", "customer_id", "customer", ondelete="RESTRICT"),
        _to("reward_entry", "evaluation_id", "reward_evaluation"),
        _to("reward_entry", "partner_id", "partner", ondelete="RESTRICT"),
        _unique("reward_entry", "evaluation_id", "step", "position"),
    )
    _index("reward_entry", "campaign_id", "created_at")
    _index("reward_entry", "created_at")
    _index("reward_entry", "customer_id", "created_at")
    _index("reward_entry", "evaluation_id", "step", "position")
    _index("reward_entry", "partner_id", "created_at")
    for table in TABLES:
        protect(op.execute, table)
    op.add_column("campaign", sa.Column("reward_version", sa.Integer(), server_default="1", nullable=False))
    for name in COUNTS:
        op.add_column("campaign", sa.Column(name, LONG, server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_campaign_reward_counts_long"), "campaign", COUNTS_LONG)


def downgrade() -> None:
    op.drop_constraint(op.f("ck_campaign_reward_counts_long"), "campaign", type_="check")
    for name in ("reward_version", *COUNTS):
        op.drop_column("campaign", name)
    for table in reversed(TABLES):
        unprotect(op.execute, table)
        op.drop_table(table)


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


def _to(table: str, column: str, target: str, *, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column],
        [f"{target}.group_id", f"{target}.id"],
        name=op.f(f"fk_{table}_group_id_{column}"),
        ondelete=ondelete,
    )


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    names = ["group_id", *columns]
    return sa.UniqueConstraint(*names, name=op.f(f"uq_{table}_{'_'.join(names)}"))


def _index(table: str, *columns: str) -> None:
    names = ["group_id", *columns, "id"]
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names, unique=False)
