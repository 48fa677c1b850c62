"""promo redemptions and funnel touches; a deleted promo's code is free again

Revision ID: 0004
Revises: 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

LONG = "9007199254740991"
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
FINITE = "{0} NOT IN ('NaN', 'Infinity', '-Infinity')"
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
AMOUNT = sa.Numeric(precision=18, scale=4)
STAGES = (
    "'awareness', 'interest', 'consideration', 'intent', 'evaluation', 'purchase', 'onboarding', 'activation',"
    " 'retention', 'advocacy'"
)
TABLES = ("promo_redemption", "promo_usage", "funnel_touch", "funnel_day")


def upgrade() -> None:
    op.add_column("promo", sa.Column("updated_at", INSTANT, server_default=sa.text("now()"), nullable=False))
    op.create_check_constraint(op.f("ck_promo_updated_at_years"), "promo", YEARS.format("updated_at"))
    op.drop_index("uq_promo_group_id_code", table_name="promo")
    op.create_index(
        "uq_promo_group_id_code",
        "promo",
        ["group_id", sa.literal_column("upper(code)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "promo_redemption",
        *_row("promo_redemption"),
        sa.Column("promo_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("store_id", sa.BigInteger(), nullable=True),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("basket_total", AMOUNT, nullable=False),
        sa.Column("discount", AMOUNT, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("redeemed_at", INSTANT, nullable=False),
        sa.Column("released_at", INSTANT, nullable=True),
        _check("promo_redemption", "discount_not_negative", "discount >= 0"),
        _check("promo_redemption", "discount_within_basket", "basket_total >= discount"),
        _check("promo_redemption", "basket_total_finite", FINITE.format("basket_total")),
        _check("promo_redemption", "discount_finite", FINITE.format("discount")),
        _check("promo_redemption", "currency_code", "currency ~ '^[A-Z]{3}$'"),
        _check("promo_redemption", "redeemed_at_years", YEARS.format("redeemed_at")),
        _check("promo_redemption", "released_at_years", YEARS.format("released_at")),
        _to("promo_redemption", "promo_id", "promo"),
        _to("promo_redemption", "customer_id", "customer"),
        _to("promo_redemption", "store_id", "store", ondelete="RESTRICT"),
        sa.UniqueConstraint("group_id", "key", name=op.f("uq_promo_redemption_group_id_key")),
    )
    for columns in (["promo_id", "redeemed_at"], ["customer_id", "redeemed_at"], ["store_id", "redeemed_at"]):
        _index("promo_redemption", *columns)
    _index("promo_redemption", "redeemed_at")
    op.create_table(
        "promo_usage",
        *_row("promo_usage"),
        sa.Column("promo_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        _check("promo_usage", "used_long", f"used BETWEEN 0 AND {LONG}"),
        _to("promo_usage", "promo_id", "promo"),
        _to("promo_usage", "customer_id", "customer"),
        sa.UniqueConstraint(
            "group_id", "promo_id", "customer_id", name=op.f("uq_promo_usage_group_id_promo_id_customer_id")
        ),
    )
    _index("promo_usage", "customer_id")
    op.create_table(
        "funnel_touch",
        *_row("funnel_touch"),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", CODE, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("channel", CODE, nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("source", CODE, nullable=False),
        sa.Column("source_ref", WORDS, nullable=False),
        _check("funnel_touch", "stage_known", f"stage IN ({STAGES})"),
        _check("funnel_touch", "occurred_at_years", YEARS.format("occurred_at")),
        _to("funnel_touch", "customer_id", "customer"),
        _to("funnel_touch", "campaign_id", "campaign", ondelete="RESTRICT"),
        sa.UniqueConstraint(
            "group_id", "source", "source_ref", name=op.f("uq_funnel_touch_group_id_source_source_ref")
        ),
    )
    _index("funnel_touch", "customer_id", "occurred_at", postgresql_include=["stage", "channel", "campaign_id"])
    _index("funnel_touch", "campaign_id", "occurred_at")
    _index("funnel_touch", "occurred_at")
    op.create_table(
        "funnel_day",
        *_row("funnel_day"),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("path", WORDS, nullable=False),
        _check("funnel_day", "day_years", "day BETWEEN '0001-01-01' AND '9999-12-31'"),
        _check("funnel_day", "path_letters", "path ~ '^[a-j]+$'"),
        _to("funnel_day", "customer_id", "customer"),
        sa.UniqueConstraint(
            "group_id",
            "customer_id",
            "day",
            name=op.f("uq_funnel_day_group_id_customer_id_day"),
            postgresql_include=["path"],
        ),
    )
    for table in TABLES:
        protect(op.execute, table)


def downgrade() -> None:
    for table in reversed(TABLES):
        unprotect(op.execute, table)
        op.drop_table(table)
    op.drop_index("uq_promo_group_id_code", table_name="promo")
    op.create_index(
        "uq_promo_group_id_code", "promo", ["group_id", sa.literal_column("upper(code)")], unique=True
    )
    op.drop_column("promo", "updated_at")


def _row(table: str) -> list[sa.schema.SchemaItem]:
    """What every tenant row has."""
    return [
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
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


def _index(table: str, *columns: str, **options: Any) -> None:
    names = ["group_id", *columns, "id"]
    op.create_index(op.f(f"ix_{table}_{'_'.join(names)}"), table, names, unique=False, **options)
