"""References: rows named by their ids in other systems (`benji:500`), found inside the statement that reads them.

Where an argument takes ids, it says so by converting with `ids_of` or `id_of`. A reference in such an argument is
looked up where it is compared: the row with that id in that system, else the row of ours whose number the system's
facade writes like that (`values/systems.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from app.plan.binding import Bindings
from app.plan.catalog import Catalog, Entity
from app.plan.scoping import scoped_table
from app.plan.sql import Sql, bound, quoted, sql, verbatim
from app.values.ids import read_id, read_uuid
from app.values.scope import ScopeShape
from app.values.systems import read_own, read_reference

EXTERNAL = Entity("ExternalId", "external_id")
_NO_CATALOG = Catalog({}, {})


@dataclass(frozen=True, slots=True)
class IdReader:
    """Reads ids of one kind, `camp_42`; None for what cannot be one. `many`: a list of them.

    `of_any_kind`: the argument takes ids of every kind, and one elsewhere does not say of which it is: none is found.
    """

    prefix: str
    is_uuid: bool = False
    many: bool = False
    of_any_kind: bool = False

    def __call__(self, value: Any) -> object:
        return [self.one(each) for each in value] if self.many else self.one(value)

    def one(self, value: Any) -> int | UUID | None:
        """The row id in one id."""
        read = read_uuid if self.is_uuid else read_id
        return read(self.prefix, str(value))


@cache
def id_of(prefix: str, cast: str = "bigint", *, of_any_kind: bool = False) -> IdReader:
    """For an argument that is an id of this kind."""
    return IdReader(prefix, cast == "uuid", of_any_kind=of_any_kind)


@cache
def ids_of(prefix: str, cast: str = "bigint", *, of_any_kind: bool = False) -> IdReader:
    """For one that is a list of them."""
    return IdReader(prefix, cast == "uuid", many=True, of_any_kind=of_any_kind)


def has_references(value: Any) -> bool:
    """Whether a value is a reference, or a list with some: that is part of a plan's structure."""
    if type(value) is str:
        return read_reference(value) is not None
    return type(value) is list and any(type(one) is str and read_reference(one) is not None for one in value)


def rows_referenced(reader: IdReader, key: tuple[Any, ...], read: Callable[[Bindings], Any]) -> Sql:
    """The row ids, instead of a bound value: ids of ours may be among the others.

    `read` gives the argument's value in one request, `key` says which it is.
    """
    cast = "uuid" if reader.is_uuid else "bigint"
    column = "row_uuid" if reader.is_uuid else "row_id"
    known = scoped_table(_NO_CATALOG, EXTERNAL, "known", ScopeShape.GROUP)

    def part(at: int, kind: str) -> Sql:
        def value(bindings: Bindings) -> Sequence[object]:
            asked = read(bindings)
            return [_asked(reader, one)[at] for one in (asked if reader.many else [asked])]

        return bound((*key, "reference", at), f"{kind}[]", value)

    rows = sql(
        """
        SELECT coalesce(
            (SELECT {row} FROM {known}
              WHERE {known.scope} AND {known.system} = asked.system AND {known.id} = asked.id
                AND {known.kind} = {kind}),
            asked.ours)
          FROM unnest({systems}, {ids}, {ours}) AS asked(system, id, ours)
        """,
        known=known, row=known(column), kind=quoted(reader.prefix),
        systems=part(0, "text"), ids=part(1, "text"), ours=part(2, cast),
    )  # fmt: skip
    return sql("{how}({rows})", how=verbatim("ARRAY" if reader.many else ""), rows=rows)


def _asked(reader: IdReader, value: Any) -> tuple[str | None, str | None, object]:
    """System, id there, and which of our rows that may be."""
    text = str(value)
    reference = read_reference(text)
    if reference is None:
        return None, None, reader.one(text)
    ours = None if reader.is_uuid else read_own(reference.system, reader.prefix, reference.id)
    return reference.system, reference.id, ours
