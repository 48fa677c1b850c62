"""What all tables share: column types, the tenant key, and the names of constraints.

Every tenant table has the primary key `(group_id, id)`; foreign keys start with `group_id`, so a row can only
point inside its own group, and the schema can be sharded by group. Ids come from one sequence per table.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON, TIMESTAMP
from sqlmodel import Field, SQLModel

SQLModel.metadata.naming_convention = {
    "pk": "pk_%(table_name)s",
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
}

BIG = BigInteger()
WORDS = Text(collation="pg_c_utf8")
"""Text that is sorted: by code point, the same on every server."""
CODE = String(64, collation="pg_c_utf8")
INSTANT = TIMESTAMP(timezone=True)
AMOUNT = Numeric(18, 4)
TEXTS = ARRAY(Text)
KEPT_JSON = JSON(none_as_null=True)
"""Documents kept as sent: `json`, not `jsonb`, which would lose their order, spacing and number digits."""

Constraint = CheckConstraint | UniqueConstraint | ForeignKeyConstraint | Index


class TenantRow(SQLModel):
    """A row of exactly one customer group."""

    group_id: int = Field(sa_type=BigInteger, primary_key=True)
    id: int = Field(default=None, sa_type=BigInteger, primary_key=True, sa_column_args=[Identity()])
    created_at: datetime = Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )


class KnownElsewhere(SQLModel):
    """A row that other systems may know by ids of their own. `external_id` has the ids; these are copies to print."""

    known_as_system: list[str] = Field(
        default_factory=list, sa_type=TEXTS, nullable=False, sa_column_kwargs={"server_default": "{}"}
    )
    """The systems, by name."""
    known_as_id: list[str] = Field(
        default_factory=list, sa_type=TEXTS, nullable=False, sa_column_kwargs={"server_default": "{}"}
    )
    """The row's id in each of them."""


def amount(*, default: Any = ..., nullable: bool = False) -> Any:
    """A money column."""
    return Field(default=default, sa_type=AMOUNT, nullable=nullable)


def counted() -> Any:
    """A column that counts, from 0."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})


def summed() -> Any:
    """A column that adds amounts up, from 0."""
    return Field(default=Decimal(0), sa_type=AMOUNT, nullable=False, sa_column_kwargs={"server_default": "0"})


def written_now() -> Any:
    """The moment of writing, unless another is said."""
    return Field(
        default=None, sa_type=INSTANT, nullable=False, sa_column_kwargs={"server_default": text("now()")}
    )


def bound_values(table: Table) -> None:
    """CHECKs for every column of a kind, so that its values can always be printed.

    Numbers are finite (numeric can hold NaN and infinity), instants and days lie within the years 1 to 9999,
    currencies are three capital letters.
    """
    for column in table.columns:
        name, kind = column.name, column.type
        if isinstance(kind, Numeric):
            rule, suffix = f"{name} NOT IN ('NaN', 'Infinity', '-Infinity')", "finite"
        elif isinstance(kind, TIMESTAMP):
            rule = f"{name} >= '0001-01-01 00:00:00+00' AND {name} < '10000-01-01 00:00:00+00'"
            suffix = "years"
        elif isinstance(kind, Date):
            rule, suffix = f"{name} BETWEEN '0001-01-01' AND '9999-12-31'", "years"
        elif name == "currency":
            rule, suffix = f"{name} ~ '^[A-Z]{{3}}$'", "code"
        else:
            continue
        table.append_constraint(CheckConstraint(rule, name=f"{name}_{suffix}"))


def one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    """A closed set of codes."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(v)) for v in values)})", name=f"{column}_known")


def in_group(**references: str) -> list[ForeignKeyConstraint]:
    """Foreign keys inside the group: `in_group(store_id="store")`. Rows they point at cannot be deleted."""
    return [
        ForeignKeyConstraint(["group_id", column], [f"{table}.group_id", f"{table}.id"], ondelete="RESTRICT")
        for column, table in references.items()
    ]


def child_of(table: str, column: str, *order: str) -> list[Constraint]:
    """A foreign key to the parent this row dies with, and the index its lists are read by."""
    return [
        ForeignKeyConstraint(["group_id", column], [f"{table}.group_id", f"{table}.id"], ondelete="CASCADE"),
        Index(None, "group_id", column, *order, "id"),
    ]


def of_group() -> ForeignKeyConstraint:
    """The foreign key to the customer group itself."""
    return ForeignKeyConstraint(["group_id"], ["customer_group.id"], ondelete="CASCADE")


def known_zone() -> CheckConstraint:
    """Statements compute days in it, where an error would cost the whole answer: so an unknown zone raises here."""
    return CheckConstraint(
        "(timestamptz '2000-01-01 00:00:00+00' AT TIME ZONE time_zone) > '1999-01-01'", name="time_zone_known"
    )


__all__ = [
    "AMOUNT",
    "BIG",
    "CODE",
    "INSTANT",
    "KEPT_JSON",
    "TEXTS",
    "WORDS",
    "Constraint",
    "KnownElsewhere",
    "TenantRow",
    "amount",
    "bound_values",
    "child_of",
    "counted",
    "in_group",
    "known_zone",
    "of_group",
    "one_of",
    "summed",
    "written_now",
]
