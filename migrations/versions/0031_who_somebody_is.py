"""people: addresses and numbers have one form each, written by the application; what was said together is kept, and
who was joined with whom

Revision ID: 0031
Revises: 0030
"""

import re
import unicodedata
from typing import Any

import phonenumbers
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.grants_0003 import protect, unprotect

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

INSTANT = postgresql.TIMESTAMP(timezone=True)
CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
KEPT_JSON = postgresql.JSON()
IDS = postgresql.ARRAY(sa.BigInteger())
READ = ("customer", "customer_group", "store", "project", "customer_identity", "customer_doubt")
AT_ONCE = 5_000
REASONS = (
    "'shared_tracker', 'shared_phone', 'shared_email', 'shared_id', 'kept_apart', 'two_strong_keys',"
    " 'keys_fell_together'"
)
YEARS = "{0} >= '0001-01-01 00:00:00+00' AND {0} < '10000-01-01 00:00:00+00'"

# As the application reads them at this revision.
_PHONE = re.compile(r"(?P<plus>\+|00)?[\s().\-/\d\u00a0\u202f]+")
_NOT_DIGITS = re.compile(r"[^0-9]")
_ONE_FORM = str.maketrans({"Σ": "σ", "ς": "σ", "ẞ": "ß"})


def fold_email(address: str) -> str:
    return unicodedata.normalize("NFC", address.strip().translate(_ONE_FORM).lower())


def phone_key(number: str, region: str | None) -> str | None:
    text = number.strip()
    match = _PHONE.fullmatch(text)
    if match is None:
        return None
    if match["plus"] == "00":
        text = "+" + text[2:]
    international = text.startswith("+")
    if international or region is not None:
        try:
            parsed = phonenumbers.parse(text, None if international else region)
        except phonenumbers.NumberParseException:
            parsed = None
        if parsed is not None and phonenumbers.is_possible_number(parsed):
            return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    digits = _NOT_DIGITS.sub("", text)
    if not 4 <= len(digits) <= 15:
        return None
    return f"+{digits}" if international else digits


def zones() -> dict[str, str]:
    from importlib.resources import files

    text = (files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {row[2]: row[0] for row in rows}


def upgrade() -> None:
    for table in ("customer_group", "store"):
        op.add_column(table, sa.Column("country", CODE, nullable=True))
        op.create_check_constraint(op.f(f"ck_{table}_country_code"), table, "country ~ '^[A-Z]{2}$'")
    op.add_column("event", sa.Column("identity_id", sa.BigInteger(), nullable=True))
    op.add_column("interaction", sa.Column("identity_id", sa.BigInteger(), nullable=True))
    op.add_column("customer", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "customer", sa.Column("is_phone_told", sa.Boolean(), server_default="false", nullable=False)
    )
    for name in ("said_with", "claimed_with"):
        op.add_column("customer_identity", sa.Column(name, IDS, server_default="{}", nullable=False))
    for name in ("is_shared", "is_pinned"):
        op.add_column(
            "customer_identity", sa.Column(name, sa.Boolean(), server_default="false", nullable=False)
        )
    _make_tables()
    for table in READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    _read_addresses()
    _read_identities()
    op.execute(SAID_WITH)
    op.execute(TOLD_PHONES)
    for table in READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.create_index(
        "ix_customer_identity_everywhere",
        "customer_identity",
        ["group_id", "kind", "value"],
        postgresql_where=sa.text("kind IN ('email', 'phone')"),
    )
    op.drop_index(op.f("ix_customer_group_id_phone_id"), "customer")
    op.create_index(op.f("ix_customer_group_id_phone_key_id"), "customer", ["group_id", "phone_key", "id"])
    op.create_index(
        op.f("ix_customer_group_id_merged_into_id"),
        "customer",
        ["group_id", "merged_into_id"],
        postgresql_where=sa.text("merged_into_id IS NOT NULL"),
    )
    op.create_unique_constraint(
        op.f("uq_customer_group_id_email_key"), "customer", ["group_id", "email_key"]
    )
    for name, rule in {
        "email_key_beside_email": "(email IS NULL) = (email_key IS NULL)",
        "phone_key_beside_phone": "phone_key IS NULL OR phone IS NOT NULL",
        "phone_key_digits": "phone_key ~ '^[+]?[0-9]{4,15}$'",
        "merged_is_deleted": "merged_into_id IS NULL OR deleted_at IS NOT NULL",
    }.items():
        op.create_check_constraint(op.f(f"ck_customer_{name}"), "customer", rule)


def _of(table: str, column: str, ondelete: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["group_id", column],
        ["customer.group_id", "customer.id"],
        name=op.f(f"fk_{table}_group_id_{column}"),
        ondelete=ondelete,
    )


def _row(table: str) -> list[Any]:
    return [
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(YEARS.format("created_at"), name=op.f(f"ck_{table}_created_at_years")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f(f"fk_{table}_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "id", name=op.f(f"pk_{table}")),
    ]


def _make_tables() -> None:
    op.create_table(
        "customer_merge",
        *_row("customer_merge"),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.Column("into_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", CODE, nullable=False),
        sa.Column("actor", WORDS, nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", WORDS, nullable=True),
        sa.Column("moved", KEPT_JSON, nullable=False),
        sa.CheckConstraint("reason IN ('key', 'hand')", name=op.f("ck_customer_merge_reason_known")),
        sa.CheckConstraint(YEARS.format("undone_at"), name=op.f("ck_customer_merge_undone_at_years")),
        _of("customer_merge", "from_id", "RESTRICT"),
        _of("customer_merge", "into_id", "RESTRICT"),
    )
    op.create_table(
        "customer_doubt",
        *_row("customer_doubt"),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", CODE, nullable=False),
        sa.Column("kind", CODE, nullable=True),
        sa.Column("value", WORDS, nullable=True),
        sa.CheckConstraint(f"reason IN ({REASONS})", name=op.f("ck_customer_doubt_reason_known")),
        _of("customer_doubt", "customer_id", "CASCADE"),
        _of("customer_doubt", "other_id", "RESTRICT"),
    )
    for table, columns in (
        ("customer_merge", ("from_id", "into_id")),
        ("customer_doubt", ("customer_id", "other_id")),
    ):
        for column in columns:
            op.create_index(
                op.f(f"ix_{table}_group_id_{column}_created_at_id"),
                table,
                ["group_id", column, "created_at", "id"],
            )
        op.create_index(
            op.f(f"ix_{table}_group_id_created_at_id"), table, ["group_id", "created_at", "id"]
        )
        protect(op.execute, table)


CUSTOMERS = """
SELECT c.group_id, c.id, c.email, c.phone, coalesce(s.country, g.country) AS country,
       coalesce(s.time_zone, g.time_zone) AS zone
  FROM customer c JOIN customer_group g ON g.id = c.group_id
  LEFT JOIN store s ON s.group_id = c.group_id AND s.id = c.store_id
 WHERE (c.group_id, c.id) > (:group_id, :id) AND num_nonnulls(c.email, c.phone) > 0
 ORDER BY c.group_id, c.id LIMIT :most
"""
KEYS = """
UPDATE customer c SET email = btrim(c.email, E' \\t\\r\\n'), email_key = given.email_key, phone_key = given.phone_key
  FROM unnest(CAST(:groups AS bigint[]), CAST(:ids AS bigint[]), CAST(:emails AS text[]), CAST(:phones AS text[]))
    AS given (group_id, id, email_key, phone_key)
 WHERE c.group_id = given.group_id AND c.id = given.id
"""
# Of several whose address is the same the elder keeps it; the others are told of.
TOLD = """
INSERT INTO customer_doubt (group_id, customer_id, other_id, reason, kind, value)
SELECT c.group_id, c.id, first.id, 'keys_fell_together', 'email', c.email
  FROM customer c
  JOIN (SELECT group_id, email_key, min(id) AS id FROM customer
         WHERE email_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1) AS first
    ON first.group_id = c.group_id AND first.email_key = c.email_key AND first.id <> c.id
"""
YOUNGER = """
UPDATE customer c SET email = NULL, email_key = NULL
  FROM customer_doubt d WHERE d.group_id = c.group_id AND d.customer_id = c.id AND d.reason = 'keys_fell_together'
"""


def _read_addresses() -> None:
    op.drop_constraint(op.f("uq_customer_group_id_email_key"), "customer", type_="unique")
    op.drop_column("customer", "email_key")
    op.add_column("customer", sa.Column("email_key", WORDS, nullable=True))
    op.add_column("customer", sa.Column("phone_key", CODE, nullable=True))
    bind, of = op.get_bind(), zones()
    last = (-(2**63), -(2**63))
    while True:
        rows = bind.execute(
            sa.text(CUSTOMERS), {"group_id": last[0], "id": last[1], "most": AT_ONCE}
        ).fetchall()
        if not rows:
            break
        last = (rows[-1].group_id, rows[-1].id)
        bind.execute(
            sa.text(KEYS),
            {
                "groups": [row.group_id for row in rows],
                "ids": [row.id for row in rows],
                "emails": [None if row.email is None else fold_email(row.email) for row in rows],
                "phones": [
                    None if row.phone is None else phone_key(row.phone, row.country or of.get(row.zone))
                    for row in rows
                ],
            },
        )
    op.execute(TOLD)
    op.execute(YOUNGER)


IDENTITIES = """
SELECT i.group_id, i.id, i.project_id, i.kind, i.value, i.customer_id, i.is_vouched,
       coalesce(s.country, g.country) AS country, coalesce(s.time_zone, g.time_zone) AS zone
  FROM customer_identity i JOIN customer_group g ON g.id = i.group_id
  JOIN project p ON p.group_id = i.group_id AND p.id = i.project_id
  LEFT JOIN store s ON s.group_id = p.group_id AND s.id = p.store_id
 WHERE (i.group_id, i.id) > (:group_id, :id) AND i.kind IN ('email', 'phone')
 ORDER BY i.group_id, i.id LIMIT :most
"""
CHANGED = """
CREATE TEMPORARY TABLE read_again (
  group_id bigint, id bigint, project_id bigint, kind text, value text, customer_id bigint, is_vouched boolean)
"""
NOTED = """
INSERT INTO read_again
SELECT * FROM unnest(CAST(:groups AS bigint[]), CAST(:ids AS bigint[]), CAST(:projects AS bigint[]),
  CAST(:kinds AS text[]), CAST(:values AS text[]), CAST(:customers AS bigint[]), CAST(:vouched AS boolean[]))
"""
# Of several that are the same now one stays: what was vouched for, else the elder.
SAME = """
CREATE TEMPORARY TABLE same_again AS
SELECT group_id, id, customer_id, kind, value,
       first_value(id) OVER w AS kept, first_value(customer_id) OVER w AS kept_customer
  FROM (SELECT group_id, id, project_id, kind, value, customer_id, is_vouched FROM read_again
        UNION ALL
        SELECT i.group_id, i.id, i.project_id, i.kind, i.value, i.customer_id, i.is_vouched
          FROM customer_identity i
         WHERE i.kind IN ('email', 'phone')
           AND EXISTS (SELECT FROM read_again r WHERE r.group_id = i.group_id AND r.project_id = i.project_id
                          AND r.kind = i.kind AND r.value = i.value)
           AND NOT EXISTS (SELECT FROM read_again r WHERE r.group_id = i.group_id AND r.id = i.id)) AS one
WINDOW w AS (PARTITION BY group_id, project_id, kind, value ORDER BY is_vouched DESC, id)
"""
TOLD_OF_IDENTITIES = """
INSERT INTO customer_doubt (group_id, customer_id, other_id, reason, kind, value)
SELECT DISTINCT group_id, customer_id, kept_customer, 'keys_fell_together', kind, value
  FROM same_again WHERE customer_id <> kept_customer
"""
FEWER = """
DELETE FROM customer_identity i USING same_again s
 WHERE s.group_id = i.group_id AND s.id = i.id AND s.id <> s.kept
"""
AGAIN = """
UPDATE customer_identity i SET value = r.value FROM read_again r
 WHERE r.group_id = i.group_id AND r.id = i.id
"""


def _read_identities() -> None:
    bind, of = op.get_bind(), zones()
    op.execute(CHANGED)
    last = (-(2**63), -(2**63))
    while True:
        rows = bind.execute(
            sa.text(IDENTITIES), {"group_id": last[0], "id": last[1], "most": AT_ONCE}
        ).fetchall()
        if not rows:
            break
        last = (rows[-1].group_id, rows[-1].id)
        read = [
            fold_email(row.value)
            if row.kind == "email"
            else phone_key(row.value, row.country or of.get(row.zone)) or row.value
            for row in rows
        ]
        changed = [(row, value) for row, value in zip(rows, read, strict=True) if value != row.value]
        if changed:
            bind.execute(
                sa.text(NOTED),
                {
                    "groups": [row.group_id for row, _ in changed],
                    "ids": [row.id for row, _ in changed],
                    "projects": [row.project_id for row, _ in changed],
                    "kinds": [row.kind for row, _ in changed],
                    "values": [value for _, value in changed],
                    "customers": [row.customer_id for row, _ in changed],
                    "vouched": [row.is_vouched for row, _ in changed],
                },
            )
    for statement in (SAME, TOLD_OF_IDENTITIES, FEWER, AGAIN):
        op.execute(statement)
    op.execute("DROP TABLE read_again, same_again")


TOLD_PHONES = """
UPDATE customer c SET is_phone_told = true
 WHERE c.phone IS NOT NULL
   AND NOT EXISTS (SELECT FROM customer_identity i WHERE i.group_id = c.group_id AND i.customer_id = c.id
                      AND i.kind = 'phone' AND i.value = c.phone_key)
"""
# What a customer was known by so far was said with the surest of it, as far as anybody can tell.
SAID_WITH = """
UPDATE customer_identity i
   SET said_with = CASE WHEN i.is_vouched THEN ARRAY[f.first] ELSE '{}' END,
       claimed_with = CASE WHEN i.is_vouched THEN '{}' ELSE ARRAY[f.first] END
  FROM (SELECT r.group_id, r.id, first_value(r.id) OVER (
               PARTITION BY r.group_id, r.customer_id, r.project_id, r.is_vouched
               ORDER BY CASE r.kind WHEN 'tracker' THEN 1002 WHEN 'phone' THEN 1001
                        ELSE coalesce(array_position(p.identity_fields, r.kind), 1000) END, r.id) AS first
          FROM customer_identity r JOIN project p ON p.group_id = r.group_id AND p.id = r.project_id) AS f
 WHERE f.group_id = i.group_id AND f.id = i.id AND f.first <> i.id
"""


def downgrade() -> None:
    for name in ("email_key_beside_email", "phone_key_beside_phone", "phone_key_digits", "merged_is_deleted"):
        op.drop_constraint(op.f(f"ck_customer_{name}"), "customer", type_="check")
    op.drop_constraint(op.f("uq_customer_group_id_email_key"), "customer", type_="unique")
    op.drop_index(op.f("ix_customer_group_id_phone_key_id"), "customer")
    op.create_index(op.f("ix_customer_group_id_phone_id"), "customer", ["group_id", "phone", "id"])
    op.drop_column("customer", "phone_key")
    op.drop_column("customer", "email_key")
    op.add_column("customer", sa.Column("email_key", WORDS, sa.Computed("lower(email)", persisted=True)))
    op.create_unique_constraint(
        op.f("uq_customer_group_id_email_key"), "customer", ["group_id", "email_key"]
    )
    op.drop_index("ix_customer_identity_everywhere", "customer_identity")
    for table in ("customer_doubt", "customer_merge"):
        unprotect(op.execute, table)
        op.drop_table(table)
    for name in ("said_with", "claimed_with", "is_shared", "is_pinned"):
        op.drop_column("customer_identity", name)
    op.drop_column("customer", "is_phone_told")
    op.drop_index(op.f("ix_customer_group_id_merged_into_id"), "customer")
    op.drop_column("customer", "merged_into_id")
    op.drop_column("interaction", "identity_id")
    op.drop_column("event", "identity_id")
    for table in ("customer_group", "store"):
        op.drop_column(table, "country")
