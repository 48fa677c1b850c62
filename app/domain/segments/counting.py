"""Which customers a segment holds now, counted and listed.

Statements name every border themselves, so they can run behind the policies and, for speed, without them: on a reading
connection indexes on amounts and free attributes can be used, and the plan is made for the criteria at hand.
"""

from collections.abc import Sequence
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


async def find_customers(
    db: Database,
    scope: Scope,
    predicate: Predicate,
    *,
    first: int,
    after: int | None = None,
    now: datetime,
) -> Sequence[int]:
    """Ids of customers for whom the predicate holds, ascending, after `after`."""
    zone = await zone_of_group(db, scope)
    made = compile_sql(predicate, now=now, zone=zone, first=_FIRST + 2)
    rows = await db.search(
        f"SELECT customer.id {_WHO} AND customer.id > ${_FIRST}::bigint AND {made.text}"
        f" ORDER BY customer.id LIMIT ${_FIRST + 1}::bigint",
        [*borders(scope), after or 0, first, *made.values],
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


async def find_members(
    db: Database, scope: Scope, segment_id: int, *, first: int, after: int | None = None
) -> Sequence[int]:
    """Ids of customers on the list, ascending, after `after`."""
    rows = await db.search(
        f"SELECT customer.id {_MEMBERS} AND m.customer_id > $5 ORDER BY m.customer_id LIMIT $6",
        [*borders(scope), segment_id, after or 0, first],
        scope,
    )
    return [row[0] for row in rows]
