"""promos: of several campaigns, following them; codes of any script, generated codes; several on a basket; one book

Revision ID: 0033
Revises: 0030
"""

import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"
FLAGS = ("follows_campaign", "minimum_of_articles", "first_order_only", "generated_only")
LINKS = """
INSERT INTO promo_campaign (group_id, created_at, promo_id, campaign_id)
SELECT group_id, created_at, id, campaign_id FROM promo WHERE campaign_id IS NOT NULL ORDER BY id
"""
# Those with no dates but their campaign's: it was copied when they were made.
FOLLOW = """
UPDATE promo p
   SET follows_campaign = true, valid_from = NULL, valid_from_on = NULL, valid_until = NULL, valid_until_on = NULL
  FROM campaign c
 WHERE c.group_id = p.group_id AND c.id = p.campaign_id
   AND (num_nonnulls(p.valid_from, p.valid_until) = 0
        OR p.valid_from IS NOT DISTINCT FROM c.starts_at AND p.valid_until IS NOT DISTINCT FROM c.ends_at)
"""
BACK = """
UPDATE promo p
   SET valid_from = c.starts_at, valid_from_on = c.starts_on, valid_until = c.ends_at, valid_until_on = c.ends_on
  FROM campaign c
 WHERE p.follows_campaign AND c.group_id = p.group_id AND c.id = p.campaign_id
   AND num_nonnulls(p.valid_from, p.valid_until) = 0 AND (c.starts_at < c.ends_at) IS NOT FALSE
"""
OLD_TYPES = """
UPDATE promo SET type = replace(replace(lower(btrim(type)), '-', '_'), ' ', '_')
 WHERE replace(replace(lower(btrim(type)), '-', '_'), ' ', '_')
       IN ('percentage', 'fixed_amount', 'free_delivery', 'free_item')
   AND type NOT IN ('percentage', 'fixed_amount', 'free_delivery', 'free_item')
   AND (replace(lower(btrim(type)), '-', '_') <> 'percentage' OR value <= 100)
"""
ORDERS = """
UPDATE customer_order o SET promo_code = p.code_key FROM promo p WHERE p.group_id = o.group_id AND p.id = o.promo_id
"""
READ = ("promo", "campaign", "promo_redemption", "customer_order")


def upgrade() -> None:
    for table in READ:  # The owner is behind the policies, too.
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    _promos()
    _campaigns()
    _codes()
    _redemptions()
    op.add_column("customer_order", sa.Column("promo_code", WORDS, nullable=True))
    op.execute(ORDERS)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def _promos() -> None:
    op.add_column("promo", sa.Column("code_key", WORDS, nullable=True))
    rows = op.get_bind().execute(sa.text("SELECT group_id, id, code FROM promo")).all()
    for group_id, ident, code in rows:
        op.get_bind().execute(
            sa.text("UPDATE promo SET code_key = :key WHERE group_id = :g AND id = :id"),
            {"key": code_key(code), "g": group_id, "id": ident},
        )
    op.alter_column("promo", "code_key", nullable=False)
    op.drop_index("uq_promo_group_id_code", "promo")
    op.drop_index("ix_promo_group_id_code_id", "promo")
    op.create_index(
        "uq_promo_group_id_code_key",
        "promo",
        ["group_id", "code_key"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(op.f("ix_promo_group_id_code_key_id"), "promo", ["group_id", "code_key", "id"])
    for flag in FLAGS:
        op.add_column("promo", sa.Column(flag, sa.Boolean(), server_default="false", nullable=False))
    op.add_column("promo", sa.Column("stacking", CODE, server_default="exclusive", nullable=False))
    op.create_check_constraint(
        op.f("ck_promo_stacking_known"), "promo", "stacking IN ('exclusive', 'with_others')"
    )
    op.add_column(
        "promo", sa.Column("used_beyond_limit", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_check_constraint(op.f("ck_promo_beyond_not_negative"), "promo", "used_beyond_limit >= 0")
    op.execute(OLD_TYPES)


def _campaigns() -> None:
    op.create_table(
        "promo_campaign",
        *_own_columns(),
        sa.Column("promo_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(YEARS.format("created_at"), name=op.f("ck_promo_campaign_created_at_years")),
        _of_group("promo_campaign"),
        _child("promo_campaign", "promo"),
        _child("promo_campaign", "campaign"),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_promo_campaign")),
        sa.UniqueConstraint(
            "group_id", "promo_id", "campaign_id", name=op.f("uq_promo_campaign_group_id_promo_id_campaign_id")
        ),
    )
    for column in ("promo_id", "campaign_id"):
        op.create_index(
            op.f(f"ix_promo_campaign_group_id_{column}_id"), "promo_campaign", ["group_id", column, "id"]
        )
    op.execute(LINKS)
    op.execute(FOLLOW)
    protect(op.execute, "promo_campaign")


def _codes() -> None:
    op.create_table(
        "promo_code",
        *_own_columns(),
        sa.Column("promo_id", sa.BigInteger(), nullable=False),
        sa.Column("code", WORDS, nullable=False),
        sa.Column("redeemed_at", INSTANT, nullable=True),
        sa.Column("disabled_at", INSTANT, nullable=True),
        *(
            sa.CheckConstraint(YEARS.format(name), name=op.f(f"ck_promo_code_{name}_years"))
            for name in ("created_at", "redeemed_at", "disabled_at")
        ),
        _of_group("promo_code"),
        _child("promo_code", "promo"),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f("pk_promo_code")),
        sa.UniqueConstraint("group_id", "code", name=op.f("uq_promo_code_group_id_code")),
    )
    op.create_index(
        op.f("ix_promo_code_group_id_promo_id_created_at_id"),
        "promo_code",
        ["group_id", "promo_id", "created_at", "id"],
    )
    protect(op.execute, "promo_code")


def _redemptions() -> None:
    op.add_column("promo_redemption", sa.Column("place", sa.Integer(), nullable=True))
    op.execute("UPDATE promo_redemption SET place = 0")
    op.add_column("promo_redemption", sa.Column("asked", WORDS, nullable=True))
    op.add_column("promo_redemption", sa.Column("code_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "promo_redemption",
        sa.Column("is_beyond_limit", sa.Boolean(), server_default="false", nullable=False),
    )
    op.add_column("promo_redemption", sa.Column("earlier", postgresql.JSON(), nullable=True))
    op.add_column("promo_redemption", sa.Column("line_discounts", postgresql.JSON(), nullable=True))
    op.create_foreign_key(
        op.f("fk_promo_redemption_group_id_code_id"),
        "promo_redemption",
        "promo_code",
        ["group_id", "code_id"],
        ["group_id", "id"],
        ondelete="RESTRICT",
    )
    op.create_index(
        op.f("ix_promo_redemption_group_id_code_id_redeemed_at_id"),
        "promo_redemption",
        ["group_id", "code_id", "redeemed_at", "id"],
    )
    op.drop_constraint("uq_promo_redemption_group_id_key", "promo_redemption")
    for third in ("place", "promo_id"):
        op.create_unique_constraint(
            op.f(f"uq_promo_redemption_group_id_key_{third}"), "promo_redemption", ["group_id", "key", third]
        )


def downgrade() -> None:
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.drop_column("customer_order", "promo_code")
    op.execute("DELETE FROM promo_redemption WHERE place IS DISTINCT FROM 0")
    for third in ("place", "promo_id"):
        op.drop_constraint(f"uq_promo_redemption_group_id_key_{third}", "promo_redemption")
    op.create_unique_constraint("uq_promo_redemption_group_id_key", "promo_redemption", ["group_id", "key"])
    op.drop_constraint("fk_promo_redemption_group_id_code_id", "promo_redemption")
    for column in ("line_discounts", "earlier", "is_beyond_limit", "code_id", "asked", "place"):
        op.drop_column("promo_redemption", column)
    for table in ("promo_code", "promo_campaign"):
        unprotect(op.execute, table)
        op.drop_table(table)
    op.execute(BACK)
    op.drop_index("ix_promo_group_id_code_key_id", "promo")
    op.drop_index("uq_promo_group_id_code_key", "promo")
    op.execute("UPDATE promo SET code = upper(code)")
    op.create_index("ix_promo_group_id_code_id", "promo", ["group_id", "code", "id"])
    op.create_index(
        "uq_promo_group_id_code",
        "promo",
        ["group_id", sa.text("upper(code)")],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    for column in ("code_key", *FLAGS, "stacking", "used_beyond_limit"):
        op.drop_column("promo", column)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def code_key(text: str) -> str:
    """As `app/values/codes.py` had it with this revision."""
    plain = unicodedata.normalize("NFKC", text.strip()).strip()
    return unicodedata.normalize("NFC", "".join(map(_capital, plain)))


def _capital(letter: str) -> str:
    letter = "ß" if letter == "ẞ" else letter
    return letter.upper() if len(letter.upper()) == 1 else letter


def _own_columns() -> tuple[sa.Column[int], sa.Column[int], sa.Column[object]]:
    return (
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
    )


def _of_group(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
    )


def _child(table: str, parent: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", f"{parent}_id"],
        [f"{parent}.group_id", f"{parent}.id"],
        name=op.f(f"fk_{table}_group_id_{parent}_id"),
        ondelete="CASCADE",
    )
