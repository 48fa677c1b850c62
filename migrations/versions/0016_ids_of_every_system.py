"""ids: a row has one in every system that knows it, instead of one for all

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

from migrations.grants_0003 import protect, unprotect

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

CODE = sa.String(length=64, collation="pg_c_utf8")
WORDS = sa.Text(collation="pg_c_utf8")
TABLES = (
    "asset", "campaign", "customer", "customer_order", "event", "event_metric", "event_type", "flow", "flow_action", "flow_condition",
    "flow_multiplier", "goal", "integration", "interaction", "outlay", "partner", "partnership", "project", "promo", "segment",
    "store",
)  # fmt: skip
NUMBERED = tuple(table for table in TABLES if table != "event")
COLUMNS = ("known_as_system", "known_as_id")
# The one id a row had, for each system that showed it: what the id looked like then. Nobody showed a partner's.
NUMBER = "'^[1-9][0-9]{0,17}$'"
HEX = "'^[0-9a-f]{24}$'"
SHOWN_BY = {
    "campaign": ("camp", {"crm": "''", "criteo": NUMBER, "webmarketer": HEX}),
    "segment": ("seg", {"crm": "''"}),
    "store": ("store", {"criteo": NUMBER}),
    "partner": ("part", {"imported": "''"}),
}


def unforced(*tables: str) -> None:
    """Let the owner see all rows until `forced`: without a policy of its own it sees none."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")


def forced(*tables: str) -> None:
    for table in tables:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def upgrade() -> None:
    for table in TABLES:
        for column in COLUMNS:
            op.add_column(
                table, sa.Column(column, sa.ARRAY(sa.Text()), server_default="{}", nullable=False)
            )
    op.create_table(
        "external_id",
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("system", CODE, nullable=False),
        sa.Column("id", WORDS, nullable=False),
        sa.Column("kind", CODE, nullable=False),
        sa.Column("row_id", sa.BigInteger(), nullable=True),
        sa.Column("row_uuid", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(id) BETWEEN 1 AND 255", name=op.f("ck_external_id_id_length")),
        sa.CheckConstraint("num_nonnulls(row_id, row_uuid) = 1", name=op.f("ck_external_id_names_one")),
        sa.CheckConstraint("system ~ '^[a-z][a-z0-9_]{0,31}$'", name=op.f("ck_external_id_system_name")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["customer_group.id"], name=op.f("fk_external_id_group_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "system", "id", "kind", name=op.f("pk_external_id")),
    )
    for column in ("row_id", "row_uuid"):
        op.create_index(
            op.f(f"ix_external_id_group_id_kind_{column}_system"),
            "external_id",
            ["group_id", "kind", column, "system"],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    protect(op.execute, "external_id", sequence=False)
    for table in NUMBERED:
        # To move it past the numbers that come in.
        op.execute(f"GRANT UPDATE ON SEQUENCE {table}_id_seq TO gateway_app")
    unforced("external_id", *SHOWN_BY)
    for table, (kind, systems) in SHOWN_BY.items():
        for system, form in systems.items():
            op.execute(
                "INSERT INTO external_id (group_id, system, id, kind, row_id)"
                f" SELECT group_id, '{system}', external_id, '{kind}', id FROM {table} WHERE external_id ~ {form}"
                " RETURNING row_id"
            )
        op.execute(
            f"UPDATE {table} t SET known_as_system = k.systems, known_as_id = k.ids"
            "  FROM (SELECT group_id, row_id, array_agg(system::text ORDER BY system) AS systems,"
            "               array_agg(id::text ORDER BY system) AS ids"
            f"         FROM external_id WHERE kind = '{kind}' GROUP BY group_id, row_id) k"
            " WHERE t.group_id = k.group_id AND t.id = k.row_id"
        )
        op.drop_constraint(op.f(f"uq_{table}_group_id_external_id"), table, type_="unique")
        op.drop_column(table, "external_id")
    forced("external_id", *SHOWN_BY)


def downgrade() -> None:
    unforced("external_id", *SHOWN_BY)
    for table, (kind, systems) in SHOWN_BY.items():
        op.add_column(table, sa.Column("external_id", CODE, nullable=True))
        op.execute(
            f"UPDATE {table} AS t SET external_id = x.id FROM external_id AS x"
            f" WHERE x.group_id = t.group_id AND x.kind = '{kind}' AND x.system = '{next(iter(systems))}'"
            " AND x.row_id = t.id AND length(x.id) <= 64"
        )
        op.create_unique_constraint(
            op.f(f"uq_{table}_group_id_external_id"), table, ["group_id", "external_id"]
        )
    forced(*SHOWN_BY)
    for table in NUMBERED:
        op.execute(f"REVOKE UPDATE ON SEQUENCE {table}_id_seq FROM gateway_app")
    unprotect(op.execute, "external_id")
    op.drop_table("external_id")
    for table in TABLES:
        for column in reversed(COLUMNS):
            op.drop_column(table, column)
