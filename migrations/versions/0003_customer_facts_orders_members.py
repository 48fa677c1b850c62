"""customers' facts, orders, segment members, changes of the audience

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LONG = "9007199254740991"
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
FINITE = "{0} NOT IN ('NaN', 'Infinity', '-Infinity')"
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
INSTANT = postgresql.TIMESTAMP(timezone=True)
KEPT_JSON = postgresql.JSON(none_as_null=True, astext_type=sa.Text())
FACTS = ("loyalty_tier", "total_spent", "order_count", "last_order_at")


def _of_group(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
    )


def _tie(table: str, column: str, target: str, on_delete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column], [f"{target}.group_id", f"{target}.id"],
        name=op.f(f"fk_{table}_group_id_{column}"), ondelete=on_delete,
    )  # fmt: skip


def upgrade() -> None:
    op.add_column("segment", sa.Column("source", WORDS, nullable=True))
    op.add_column("customer", sa.Column("email_key", WORDS, sa.Computed("lower(email)", persisted=True)))
    op.drop_index("uq_customer_group_id_email", table_name="customer")
    op.create_unique_constraint(op.f("uq_customer_group_id_email_key"), "customer", ["group_id", "email_key"])
    op.add_column("customer", sa.Column("loyalty_tier", CODE, nullable=True))
    op.add_column("customer", sa.Column("order_count", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("customer", sa.Column("total_spent", sa.Numeric(18, 4), server_default="0", nullable=False))
    op.add_column("customer", sa.Column("last_order_at", INSTANT, nullable=True))
    for consent in ("email_consent", "sms_consent"):
        op.add_column("customer", sa.Column(consent, sa.Boolean(), server_default="false", nullable=False))
    op.add_column("customer", sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False))
    op.add_column("customer", sa.Column("attributes", KEPT_JSON, nullable=True))
    op.add_column(
        "customer",
        sa.Column("attributes_index", postgresql.JSONB(), sa.Computed("attributes::jsonb", persisted=True)),
    )
    for name, rule in (
        ("order_count_long", f"order_count BETWEEN 0 AND {LONG}"),
        ("tags_whole", "array_position(tags, NULL) IS NULL"),
        ("total_spent_finite", FINITE.format("total_spent")),
        ("last_order_at_years", YEARS.format("last_order_at")),
    ):
        op.create_check_constraint(op.f(f"ck_customer_{name}"), "customer", rule)
    for fact in FACTS:
        op.create_index(op.f(f"ix_customer_group_id_{fact}_id"), "customer", ["group_id", fact, "id"])
    op.create_index(op.f("ix_customer_tags"), "customer", ["tags"], postgresql_using="gin")
    op.create_index(
        op.f("ix_customer_attributes_index"), "customer", ["attributes_index"], postgresql_using="gin",
        postgresql_ops={"attributes_index": "jsonb_path_ops"},
    )  # fmt: skip

    op.create_table(
        "customer_order",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("reference", WORDS, nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("promo_id", sa.BigInteger(), nullable=True),
        sa.Column("channel", CODE, nullable=True),
        sa.Column("amount", sa.Numeric(18, 4), nullable=False),
        sa.Column("currency", CODE, nullable=False),
        sa.Column("ordered_at", INSTANT, nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_customer_order_amount_not_negative")),
        sa.CheckConstraint(FINITE.format("amount"), name=op.f("ck_customer_order_amount_finite")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_customer_order_currency_code")),
        sa.CheckConstraint(YEARS.format("created_at"), name=op.f("ck_customer_order_created_at_years")),
        sa.CheckConstraint(YEARS.format("ordered_at"), name=op.f("ck_customer_order_ordered_at_years")),
        _of_group("customer_order"),
        _tie("customer_order", "customer_id", "customer", "CASCADE"),
        _tie("customer_order", "store_id", "store", "RESTRICT"),
        _tie("customer_order", "campaign_id", "campaign", "RESTRICT"),
        _tie("customer_order", "promo_id", "promo", "RESTRICT"),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_customer_order")),
        sa.UniqueConstraint("group_id", "reference", name=op.f("uq_customer_order_group_id_reference")),
    )  # fmt: skip
    for column in ("customer_id", "store_id", "campaign_id", "promo_id"):
        op.create_index(
            op.f(f"ix_customer_order_group_id_{column}_ordered_at_id"), "customer_order",
            ["group_id", column, "ordered_at", "id"],
        )  # fmt: skip
    for column in ("ordered_at", "amount"):
        op.create_index(
            op.f(f"ix_customer_order_group_id_{column}_id"), "customer_order", ["group_id", column, "id"]
        )

    op.create_table(
        "segment_member",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(YEARS.format("created_at"), name=op.f("ck_segment_member_created_at_years")),
        _of_group("segment_member"),
        _tie("segment_member", "segment_id", "segment", "CASCADE"),
        _tie("segment_member", "customer_id", "customer", "CASCADE"),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_segment_member")),
        sa.UniqueConstraint(
            "group_id", "segment_id", "customer_id",
            name=op.f("uq_segment_member_group_id_segment_id_customer_id"),
        ),
    )  # fmt: skip
    for column in ("segment_id", "customer_id"):
        op.create_index(
            op.f(f"ix_segment_member_group_id_{column}_created_at_id"), "segment_member",
            ["group_id", column, "created_at", "id"],
        )  # fmt: skip

    op.create_table(
        "audience_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        _of_group("audience_change"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience_change")),
    )  # fmt: skip
    op.create_index(op.f("ix_audience_change_group_id_id"), "audience_change", ["group_id", "id"])

    for table in ("customer_order", "segment_member"):
        protect(op.execute, table)
    op.execute("GRANT SELECT, INSERT, DELETE ON audience_change TO gateway_app")
    op.execute("GRANT USAGE ON SEQUENCE audience_change_id_seq TO gateway_app")
    for role in ("gateway_reader", "gateway_guarded_reader"):
        op.execute(f"GRANT SELECT ON audience_change TO {role}")


def downgrade() -> None:
    for table in ("customer_order", "segment_member"):
        unprotect(op.execute, table)
    for table in ("audience_change", "segment_member", "customer_order"):
        op.drop_table(table)
    op.drop_column("segment", "source")
    op.drop_column("customer", "email_key")
    op.create_index(
        "uq_customer_group_id_email", "customer", ["group_id", sa.text("lower(email)")], unique=True
    )
    for index in ("attributes_index", "tags", *(f"group_id_{fact}_id" for fact in FACTS)):
        op.drop_index(op.f(f"ix_customer_{index}"), table_name="customer")
    for column in ("attributes_index", "attributes", "tags", "sms_consent", "email_consent", *FACTS):
        op.drop_column("customer", column)
