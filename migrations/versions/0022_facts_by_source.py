"""metrics: facts by source, people instead of deliveries, fractions, and figures in several currencies

What was recorded so far cannot be told apart any more: orders of a campaign are counted anew from the orders, all
else stays as the report of the platform that the channel is named after.

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
AMOUNT = sa.Numeric(18, 4)
WHOLE = (
    "impressions", "clicks", "sent", "delivered", "opened", "clicked", "unsubscribed", "opens", "machine_opens",
)  # fmt: skip
COUNTS = (*WHOLE, "conversions")
FIGURES = (*COUNTS, "spend", "revenue")
OLD = ("impressions", "clicks", "conversions", "sent", "delivered", "opened", "unsubscribed")
PAIRED = {"shown_clicks": True, "clicked_conversions": False, "reached_conversions": False, "clicked_spend": False}
MOMENTS = (
    "created_at", "first_at", "delivered_at", "opened_at", "clicked_at", "unsubscribed_at", "machine_opened_at",
)  # fmt: skip
MOST = 2**53 - 1


def _long(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{name} BETWEEN -{MOST} AND {MOST}", name=op.f(f"ck_{table}_{name}_long"))


def _finite(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{name} NOT IN ('NaN', 'Infinity', '-Infinity')", name=op.f(f"ck_{table}_{name}_finite")
    )


def _years(table: str, name: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(
        f"{name} >= '0001-01-01 00:00:00+00' AND {name} < '10000-01-01 00:00:00+00'",
        name=op.f(f"ck_{table}_{name}_years"),
    )


def _common(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f(f"pk_{table}")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
        ),
    ]


def _day(table: str) -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("source", WORDS, nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.CheckConstraint("day BETWEEN '0001-01-01' AND '9999-12-31'", name=op.f(f"ck_{table}_day_years")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f(f"ck_{table}_currency_code")),
        _years(table, "created_at"),
        *(_long(table, name) for name in COUNTS),
        *(_finite(table, name) for name in ("conversions", "spend", "revenue")),
    ]


def _of_campaign(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", "campaign_id"],
        ["campaign.group_id", "campaign.id"],
        name=op.f(f"fk_{table}_group_id_campaign_id"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.create_table(
        "metric_fact",
        *_common("metric_fact"),
        *_day("metric_fact"),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in WHOLE),
        sa.Column("conversions", AMOUNT, nullable=True),
        sa.Column("spend", AMOUNT, server_default="0", nullable=False),
        sa.Column("revenue", AMOUNT, nullable=True),
        sa.Column("implied", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("extra", postgresql.JSON(none_as_null=True), nullable=True),
        _of_campaign("metric_fact"),
        sa.UniqueConstraint(
            "group_id", "campaign_id", "day", "channel", "source", "currency",
            name=op.f("uq_metric_fact_group_id_campaign_id_day_channel_source_currency"),
        ),
    )  # fmt: skip
    op.create_table(
        "metric_fact_rollup",
        *_common("metric_fact_rollup"),
        *_day("metric_fact_rollup"),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in WHOLE),
        *(
            sa.Column(name, AMOUNT, server_default="0", nullable=False)
            for name in ("conversions", "spend", "revenue")
        ),
        sa.ForeignKeyConstraint(
            ["group_id", "store_id"],
            ["store.group_id", "store.id"],
            name=op.f("fk_metric_fact_rollup_group_id_store_id"),
            ondelete="RESTRICT",
        ),
        sa.UniqueConstraint(
            "group_id", "store_id", "day", "channel", "source", "currency",
            name=op.f("uq_metric_fact_rollup_group_id_store_id_day_channel_source_currency"),
        ),
    )  # fmt: skip
    op.create_index(
        op.f("ix_metric_fact_rollup_group_id_day_id"), "metric_fact_rollup", ["group_id", "day", "id"]
    )
    op.create_table(
        "message_recipient",
        *_common("message_recipient"),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", CODE, nullable=False),
        sa.Column("recipient", CODE, nullable=False),
        *(sa.Column(name, INSTANT, nullable=name != "first_at") for name in MOMENTS[1:]),
        *(_years("message_recipient", name) for name in MOMENTS),
        _of_campaign("message_recipient"),
        sa.UniqueConstraint(
            "group_id", "campaign_id", "channel", "recipient",
            name=op.f("uq_message_recipient_group_id_campaign_id_channel_recipient"),
        ),
    )  # fmt: skip
    for table in ("metric_fact", "metric_fact_rollup", "message_recipient"):
        protect(op.execute, table)
    for table, key in (("campaign_metric", "campaign_id"), ("metric_rollup", "store_id")):
        _widen(table, key)
    _fill()


def _widen(table: str, key: str) -> None:
    for name in OLD:
        op.drop_constraint(op.f(f"ck_{table}_{name}_long"), table, type_="check")
    op.alter_column(
        table,
        "conversions",
        type_=AMOUNT,
        existing_type=sa.BigInteger(),
        existing_nullable=False,
        server_default="0",
    )
    for name in ("spend", "revenue"):
        op.alter_column(table, name, existing_type=AMOUNT, existing_nullable=False, server_default="0")
    for name in ("clicked", "opens", "machine_opens"):
        op.add_column(table, sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    for name, whole in PAIRED.items():
        kind = sa.BigInteger() if whole else AMOUNT
        op.add_column(table, sa.Column(name, kind, server_default="0", nullable=False))
        if not whole:
            op.create_check_constraint(
                op.f(f"ck_{table}_{name}_finite"), table, f"{name} NOT IN ('NaN', 'Infinity', '-Infinity')"
            )
    op.create_check_constraint(
        op.f(f"ck_{table}_conversions_finite"), table, "conversions NOT IN ('NaN', 'Infinity', '-Infinity')"
    )
    for name in COUNTS:
        op.create_check_constraint(
            op.f(f"ck_{table}_{name}_long"), table, f"{name} BETWEEN -{MOST} AND {MOST}"
        )
    if table == "campaign_metric":
        op.drop_constraint(
            op.f("uq_campaign_metric_group_id_campaign_id_day_channel"), table, type_="unique"
        )
        op.create_unique_constraint(
            op.f("uq_campaign_metric_group_id_campaign_id_day_channel_currency"),
            table,
            ["group_id", key, "day", "channel", "currency"],
        )


def _fill() -> None:
    """The facts, from what there is; headlines and sums then follow from them."""
    op.execute("UPDATE spend_entry SET source = 'reported:' || channel WHERE source = 'reported'")
    op.execute(
        """
        INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, conversions, revenue)
        SELECT o.group_id, o.campaign_id, (o.ordered_at AT TIME ZONE coalesce(s.time_zone, g.time_zone))::date,
               o.channel, 'orders', o.currency, count(*), sum(o.amount)
          FROM customer_order o
          JOIN campaign c ON c.group_id = o.group_id AND c.id = o.campaign_id
          JOIN store s ON s.group_id = c.group_id AND s.id = c.store_id
          JOIN customer_group g ON g.id = c.group_id
         WHERE o.channel IS NOT NULL
         GROUP BY 1, 2, 3, 4, 6
        """
    )
    op.execute(
        """
        INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, impressions, clicks,
                                 conversions, sent, delivered, opened, unsubscribed, revenue, extra)
        SELECT m.group_id, m.campaign_id, m.day, m.channel, 'reported:' || m.channel, m.currency,
               nullif(m.impressions, 0), nullif(m.clicks, 0),
               nullif(greatest(m.conversions - coalesce(o.conversions, 0), 0), 0),
               nullif(m.sent, 0), nullif(m.delivered, 0), nullif(m.opened, 0), nullif(m.unsubscribed, 0),
               nullif(greatest(m.revenue - coalesce(o.revenue, 0), 0), 0), m.extra
          FROM campaign_metric m
          LEFT JOIN metric_fact o
            ON o.group_id = m.group_id AND o.campaign_id = m.campaign_id AND o.day = m.day
           AND o.channel = m.channel AND o.source = 'orders' AND o.currency = m.currency
        """
    )
    op.execute(
        """
        INSERT INTO metric_fact AS f (group_id, campaign_id, day, channel, source, currency, spend)
        SELECT group_id, campaign_id, day, channel, source, currency, sum(amount)
          FROM spend_entry GROUP BY 1, 2, 3, 4, 5, 6
        ON CONFLICT (group_id, campaign_id, day, channel, source, currency) DO UPDATE SET spend = excluded.spend
        """
    )
    op.execute(
        """
        UPDATE campaign_metric m
           SET conversions = coalesce(said.reported, said.ordered, 0), revenue = coalesce(said.revenue, 0)
          FROM (SELECT group_id, campaign_id, day, channel, currency,
                       max(conversions) FILTER (WHERE source LIKE 'reported:%') AS reported,
                       max(conversions) FILTER (WHERE source = 'orders') AS ordered,
                       max(revenue) FILTER (WHERE source = 'orders') AS revenue
                  FROM metric_fact GROUP BY 1, 2, 3, 4, 5) AS said
         WHERE m.group_id = said.group_id AND m.campaign_id = said.campaign_id AND m.day = said.day
           AND m.channel = said.channel AND m.currency = said.currency
        """
    )
    op.execute(
        """
        UPDATE campaign_metric
           SET clicked = CASE WHEN delivered > 0 THEN least(clicks, delivered) ELSE 0 END,
               opened = least(opened, greatest(delivered, opened * (delivered = 0)::int)),
               shown_clicks = CASE WHEN impressions > 0 THEN least(clicks, impressions) ELSE 0 END,
               clicked_conversions = CASE WHEN clicks > 0 THEN least(conversions, clicks) ELSE 0 END,
               reached_conversions = CASE WHEN delivered > 0 THEN least(conversions, delivered) ELSE 0 END,
               clicked_spend = CASE WHEN clicks > 0 THEN spend ELSE 0 END
        """
    )
    sums = ", ".join(f"sum(m.{name})" for name in (*FIGURES, *PAIRED))
    columns = ", ".join((*FIGURES, *PAIRED))
    op.execute("DELETE FROM metric_rollup")
    op.execute(
        f"""
        INSERT INTO metric_rollup (group_id, store_id, day, channel, currency, {columns})
        SELECT m.group_id, c.store_id, m.day, m.channel, m.currency, {sums}
          FROM campaign_metric m JOIN campaign c ON c.group_id = m.group_id AND c.id = m.campaign_id
         GROUP BY 1, 2, 3, 4, 5
        """
    )
    op.execute(
        f"""
        INSERT INTO metric_fact_rollup (group_id, store_id, day, channel, source, currency, {", ".join(FIGURES)})
        SELECT m.group_id, c.store_id, m.day, m.channel, m.source, m.currency,
               {", ".join(f"coalesce(sum(m.{name}), 0)" for name in FIGURES)}
          FROM metric_fact m JOIN campaign c ON c.group_id = m.group_id AND c.id = m.campaign_id
         GROUP BY 1, 2, 3, 4, 5, 6
        """
    )


def downgrade() -> None:
    for table in ("metric_fact", "metric_fact_rollup", "message_recipient"):
        unprotect(op.execute, table)
        op.drop_table(table)
    op.execute("UPDATE spend_entry SET source = 'reported' WHERE source LIKE 'reported:%'")
    for table, key in (("campaign_metric", "campaign_id"), ("metric_rollup", "store_id")):
        for name in COUNTS:
            op.drop_constraint(op.f(f"ck_{table}_{name}_long"), table, type_="check")
        op.drop_constraint(op.f(f"ck_{table}_conversions_finite"), table, type_="check")
        for name in (*PAIRED, "clicked", "opens", "machine_opens"):
            op.drop_column(table, name)
        op.alter_column(table, "conversions", type_=sa.BigInteger(), existing_type=AMOUNT, server_default="0")
        for name in ("spend", "revenue"):
            op.alter_column(table, name, existing_type=AMOUNT, server_default=None)
        for name in OLD:
            op.create_check_constraint(
                op.f(f"ck_{table}_{name}_long"), table, f"{name} BETWEEN 0 AND {MOST}"
            )
        if table == "campaign_metric":
            op.drop_constraint(
                op.f("uq_campaign_metric_group_id_campaign_id_day_channel_currency"), table, type_="unique"
            )
            op.create_unique_constraint(
                op.f("uq_campaign_metric_group_id_campaign_id_day_channel"),
                table,
                ["group_id", key, "day", "channel"],
            )
