"""What of a group goes out, in which order, and what stays and why.

Read from the tables' declarations: a new tenant table goes out and comes back without a line here. A directory table
may hold secrets, so each of those has to be named, on one side or the other; a test asks.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import JSON, LargeBinary, Numeric, Table
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import TypeEngine

from app.tables.all import DIRECTORY, metadata

GROUP_TABLE = "customer_group"
LEFT_OUT: Mapping[str, str] = {
    "alembic_version": "Belongs to the installation: the manifest names its revision.",
    "tenant": "The directory of groups; made anew.",
    "api_key": "Credentials: of keys only digests are kept. Make new ones.",
    "api_key_group": "Credentials: see api_key.",
    "oauth_client": "Credentials: of secrets only digests are kept. Make new ones.",
    "revoked_token": "Credentials: tokens of this installation mean nothing in another.",
    "webhook_connection": "Credentials: sealed with the SECRET_KEY of this installation. Connect the providers anew.",
    "idempotent_answer": "Answers are repeated for a day, to the credential that got them.",
    "audience_change": "Work that waits: whoever brings the group in has all of its segments counted again.",
    "sale_reference": "Where those who write the same sale wait for one another; it says nothing.",
    "sale_change": "Work that waits: whoever brings the group in has all of its sales shared again.",
    "worker_lease": "Belongs to the installation, not to a group.",
    "schedule": "Belongs to the installation, not to a group.",
}
"""Tables whose rows stay, each with the reason."""
FOR_READING: Mapping[str, str] = {
    "audit_entry": "What was done here, by whom. It goes out to be read; an installation's trail tells only of itself."
}
"""Tables whose rows go out, but never come back in."""
LEFT_OUT_COLUMNS: Mapping[tuple[str, str], str] = {
    ("event", "written_by"): "The number of a transaction of this server.",
    ("event", "moved_by"): "The number of a transaction of this server.",
    ("webhook_provider", "connections"): "Counts connections, which stay.",
    ("webhook_refusal", "connection_id"): "Names a connection, which stays.",
    (
        "customer_group",
        "channels_due",
    ): "Work that waits: whoever brings the group in has all channels told anew.",
    ("customer_group", "channels_again_at"): "Work that waits: see channels_due.",
}
"""Columns that stay; whoever brings the rows in gives them what `COMES_IN_AS` says, else NULL."""
COMES_IN_AS: Mapping[tuple[str, str], str] = {
    ("webhook_provider", "connections"): "0",
    ("customer_group", "channels_due"): "9007199254740991",
}
DIRECTORY_EXPORTED = frozenset({"project_slug"})
"""Directory tables that hold a group's own content."""
GROUP_PREFIXED = frozenset({("asset", "storage_key")})
"""Texts that begin with the group's number and a slash; both are left off."""
UNIQUE_EVERYWHERE: Mapping[str, str] = {"project_slug": "slug"}
"""What may be there once in a whole installation."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that goes out."""

    table: str
    name: str
    kind: TypeEngine[object]

    @property
    def is_kept_json(self) -> bool:
        """Whether its text matters, not only what it means."""
        return isinstance(self.kind, JSON | JSONB)

    @property
    def is_exact_number(self) -> bool:
        """Whether a reader of JSON would lose digits of it."""
        return isinstance(self.kind, Numeric)

    @property
    def sql_type(self) -> str:
        """What a line's value is read as; lengths and scales are the table's to check."""
        kind = self.kind
        if isinstance(kind, LargeBinary):
            raise TypeError(f"{self.table}.{self.name} holds bytes, for which there is no line.")
        if isinstance(kind, ARRAY):
            return f"{_SQL_TYPES[type(kind.item_type).__name__.lower()]}[]"
        return _SQL_TYPES[type(kind).__name__.lower()]

    @property
    def is_text(self) -> bool:
        """Whether a person could have written it."""
        return self.sql_type == "text"


_SQL_TYPES = {
    "biginteger": "bigint", "integer": "integer", "boolean": "boolean", "date": "date", "timestamp": "timestamptz",
    "numeric": "numeric", "uuid": "uuid", "text": "text", "string": "text", "autostring": "text", "json": "json",
    "jsonb": "jsonb",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """A table whose rows go out, in the order of their keys."""

    name: str
    group_column: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """What identifies a row inside its group; `customer_group` has one row, and none of it."""
    comes_back: bool

    @property
    def has_sequence(self) -> bool:
        """Whether its ids are drawn from a sequence, which has to be moved past what comes in."""
        column = metadata.tables[self.name].columns.get("id")
        return column is not None and column.identity is not None


def exported_tables() -> tuple[ExportedTable, ...]:
    """All tables whose rows go out, parents before their children."""
    return tuple(_described(table) for table in metadata.sorted_tables if goes_out(table))


def goes_out(table: Table) -> bool:
    """Whether a group's rows of this table are exported."""
    if table.name in LEFT_OUT:
        return False
    return table.name not in DIRECTORY or table.name in DIRECTORY_EXPORTED


def _described(table: Table) -> ExportedTable:
    group = "id" if table.name == GROUP_TABLE else "group_id"
    columns = tuple(
        Column(str(table.name), str(column.name), column.type)
        for column in table.columns
        if column.name != group
        and column.computed is None
        and (table.name, column.name) not in LEFT_OUT_COLUMNS
    )
    key = tuple(str(column.name) for column in table.primary_key if column.name != group)
    return ExportedTable(str(table.name), group, columns, key, table.name not in FOR_READING)


__all__ = ["Column", "ExportedTable", "exported_tables", "goes_out"]
