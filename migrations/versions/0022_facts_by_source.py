"""metrics: facts by source, people instead of deliveries, fractions, and figures in several currencies

What was recorded so far cannot be told apart any more: orders of a campaign are counted anew from the orders, what of
another system's totals has no day is known, and all else stays as the report of the platform that the channel is named
after.

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


# What of totals without days was put into one; what the CRM prints as clicked had been taken for clicks.
_PUT = f"""
SELECT c.group_id, c.id AS campaign_id, (p.put ->> 'day')::date AS day, p.put ->> 'channel' AS channel, c.currency,
       c.id || '/' || (p.put ->> 'day') || '/' || (p.put ->> 'channel') AS source_ref,
       {", ".join(f"(p.put ->> '{name}')::numeric AS {name}" for name in (*OLD, "spend", "revenue"))}
  FROM campaign c CROSS JOIN LATERAL (SELECT c.opening -> 'put' AS put) p
 WHERE p.put ->> 'day' IS NOT NULL
"""


def _open() -> None:
    """What was counted before is a source of its own."""
    op.execute(
        f"""
        UPDATE spend_entry e SET amount = e.amount - p.spend
          FROM ({_PUT}) p
         WHERE e.group_id = p.group_id AND e.source = 'reported:' || p.channel AND e.source_ref = p.source_ref
           AND p.spend <> 0
        """
    )
    op.execute(
        f"""
        INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
        SELECT group_id, campaign_id, 'opening', source_ref, day, channel, spend, currency
          FROM ({_PUT}) p WHERE spend <> 0
        """
    )
    op.execute(
        f"""
        INSERT INTO metric_fact (group_id, campaign_id, day, channel, source, currency, impressions, clicks,
                                 conversions, sent, delivered, opened, clicked, unsubscribed, revenue)
        SELECT group_id, campaign_id, day, channel, 'opening', currency, impressions, clicks, conversions, sent,
               delivered, opened, CASE WHEN coalesce(sent, delivered, opened) IS NOT NULL THEN clicks END,
               unsubscribed, revenue
          FROM ({_PUT}) p
        """
    )


def _fill() -> None:
    """The facts, from what there is; headlines and sums then follow from them."""
    op.execute("UPDATE spend_entry SET source = 'reported:' || channel WHERE source = 'reported'")
    _open()
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
               nullif(greatest(m.impressions - coalesce(p.impressions, 0), 0), 0),
               nullif(greatest(m.clicks - coalesce(p.clicks, 0), 0), 0),
               nullif(greatest(m.conversions - coalesce(o.conversions, 0) - coalesce(p.conversions, 0), 0), 0),
               nullif(greatest(m.sent - coalesce(p.sent, 0), 0), 0),
               nullif(greatest(m.delivered - coalesce(p.delivered, 0), 0), 0),
               nullif(greatest(m.opened - coalesce(p.opened, 0), 0), 0),
               nullif(greatest(m.unsubscribed - coalesce(p.unsubscribed, 0), 0), 0),
               nullif(greatest(m.revenue - coalesce(o.revenue, 0) - coalesce(p.revenue, 0), 0), 0),
               m.extra
          FROM campaign_metric m
          LEFT JOIN metric_fact o
            ON o.group_id = m.group_id AND o.campaign_id = m.campaign_id AND o.day = m.day
           AND o.channel = m.channel AND o.source = 'orders' AND o.currency = m.currency
          LEFT JOIN metric_fact p
            ON p.group_id = m.group_id AND p.campaign_id = m.campaign_id AND p.day = m.day
           AND p.channel = m.channel AND p.source = 'opening' AND p.currency = m.currency
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
           SET conversions = coalesce(r.conversions, o.conversions, 0) + coalesce(p.conversions, 0),
               revenue = coalesce(o.revenue, 0) + coalesce(p.revenue, 0),
               delivered = reach.people + coalesce(p.delivered, 0),
               sent = greatest(greatest(r.sent, reach.people) + coalesce(p.sent, 0),
                               reach.people + coalesce(p.delivered, 0)),
               opened = least(coalesce(r.opened, 0), reach.people) + coalesce(p.opened, 0),
               clicked = least(reach.clicked, reach.people) + coalesce(p.clicked, 0),
               unsubscribed = least(coalesce(r.unsubscribed, 0), reach.people) + coalesce(p.unsubscribed, 0)
          FROM metric_fact r
          LEFT JOIN metric_fact o
            ON o.group_id = r.group_id AND o.campaign_id = r.campaign_id AND o.day = r.day
           AND o.channel = r.channel AND o.source = 'orders' AND o.currency = r.currency
          LEFT JOIN metric_fact p
            ON p.group_id = r.group_id AND p.campaign_id = r.campaign_id AND p.day = r.day
           AND p.channel = r.channel AND p.source = 'opening' AND p.currency = r.currency
         CROSS JOIN LATERAL (
               SELECT coalesce(r.delivered, greatest(r.opened, r.unsubscribed), 0) AS people,
                      CASE WHEN r.delivered IS NULL THEN 0 ELSE coalesce(r.clicks, 0) END AS clicked) reach
         WHERE r.source = 'reported:' || r.channel AND m.group_id = r.group_id AND m.campaign_id = r.campaign_id
           AND m.day = r.day AND m.channel = r.channel AND m.currency = r.currency
        """
    )
    op.execute(
        """
        UPDATE campaign_metric
           SET shown_clicks = CASE WHEN impressions > 0 THEN least(clicks, impressions) ELSE 0 END,
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


def _close() -> None:
    """One entry for each day and channel, whoever told of the money."""
    op.execute(
        """
        INSERT INTO spend_entry (group_id, campaign_id, source, source_ref, day, channel, amount, currency)
        SELECT group_id, campaign_id, 'reported', source_ref, day, channel, sum(amount), currency
          FROM spend_entry WHERE source LIKE 'reported:%' OR source = 'opening'
         GROUP BY group_id, campaign_id, source_ref, day, channel, currency
        """
    )
    op.execute("DELETE FROM spend_entry WHERE source LIKE 'reported:%' OR source = 'opening'")


def downgrade() -> None:
    for table in ("metric_fact", "metric_fact_rollup", "message_recipient"):
        unprotect(op.execute, table)
        op.drop_table(table)
    _close()
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
