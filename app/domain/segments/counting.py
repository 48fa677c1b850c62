"""Which customers a segment holds now, counted and listed.

Statements name every border themselves, so they can run behind the policies and, for speed, without them: on a reading
connection indexes on amounts and free attributes can be used, and the plan is made for the criteria at hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from app.db.database import Database, Transaction
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.days import zone_where
from app.domain.segments.predicates import Compiled, Predicate, compile_sql
from app.domain.segments.reach import COUNTED, Size
from app.values.instants import zone_of
from app.values.scope import Scope

_FIRST = len(borders(Scope(1))) + 1
"""The first parameter after the scope's."""
_WHO = f"FROM customer WHERE {CUSTOMER_BORDERS} AND customer.deleted_at IS NULL"


_ZONE = "SELECT time_zone FROM customer_group WHERE id = $1"


async def zone_of_group(db: Database, scope: Scope) -> tzinfo:
    """Whose days the customers' are."""
    rows = await db.search(_ZONE, [scope.group_id], scope)
    return zone_of(rows[0][0])


def counting(predicate: Predicate, *, now: datetime, zone: tzinfo) -> Compiled:
    """The statement that counts, and its values after the scope's. `zone`: the group's."""
    made = compile_sql(predicate, now=now, zone=zone, first=_FIRST)
    return Compiled(f"SELECT {COUNTED} {_WHO} AND {made.text}", made.values)


async def count_customers(db: Database, scope: Scope, predicate: Predicate, *, now: datetime) -> int:
    """For how many customers in scope the predicate holds."""
    return (await size_of(db, scope, predicate, now=now)).customers


async def size_of(db: Database, scope: Scope, predicate: Predicate, *, now: datetime) -> Size:
    """The same, and how many of them can be reached."""
    made = counting(predicate, now=now, zone=await zone_of_group(db, scope))
    rows = await db.search(made.text, [*borders(scope), *made.values], scope)
    return Size(*rows[0])


async def size_inside(tx: Transaction, predicate: Predicate, *, now: datetime) -> Size:
    """The same inside a transaction, for what it just wrote."""
    made = counting(predicate, now=now, zone=await zone_where(tx))
    row = await tx.fetchrow(made.text, *borders(tx.scope), *made.values)
    assert row is not None
    return Size(*row)


@dataclass(frozen=True, slots=True)
class IdPage:
    """Which of some rows, in the order of their ids: `size` of those between two ids, from the start or the end."""

    size: int
    after: int | None = None
    before: int | None = None
    backward: bool = False

    def of(self, column: str, first: int) -> str:
        """Its condition, order and limit, with three parameters from `first` on."""
        return (
            f"{column} > ${first}::bigint AND {column} < ${first + 1}::bigint"
            f" ORDER BY {column} {'DESC' if self.backward else 'ASC'} LIMIT ${first + 2}::bigint"
        )

    @property
    def values(self) -> tuple[int, int, int]:
        """Of its parameters."""
        return self.after or 0, _BEYOND if self.before is None else self.before, self.size


_BEYOND = 2**63 - 1


async def find_customers(
    db: Database, scope: Scope, predicate: Predicate, page: IdPage, *, now: datetime
) -> Sequence[int]:
    """Ids of customers for whom the predicate holds, in the order the page is read in."""
    zone = await zone_of_group(db, scope)
    made = compile_sql(predicate, now=now, zone=zone, first=_FIRST + 3)
    rows = await db.search(
        f"SELECT customer.id {_WHO} AND {made.text} AND {page.of('customer.id', _FIRST)}",
        [*borders(scope), *page.values, *made.values],
        scope,
    )
    return [row[0] for row in rows]


_MEMBERS = f"""
 FROM segment_member m JOIN customer ON customer.group_id = m.group_id AND customer.id = m.customer_id
WHERE {CUSTOMER_BORDERS} AND customer.deleted_at IS NULL AND m.group_id = $1 AND m.segment_id = $4
"""


async def count_members(db: Database, scope: Scope, segment_id: int) -> int:
    """How many customers in scope are on the list of a static or imported segment."""
    rows = await db.search(f"SELECT count(*) {_MEMBERS}", [*borders(scope), segment_id], scope)
    return int(rows[0][0])


async def find_members(db: Database, scope: Scope, segment_id: int, page: IdPage) -> Sequence[int]:
    """Ids of customers on the list, in the order the page is read in."""
    rows = await db.search(
        f"SELECT customer.id {_MEMBERS} AND {page.of('m.customer_id', 5)}",
        [*borders(scope), segment_id, *page.values],
        scope,
    )
    return [row[0] for row in rows]
