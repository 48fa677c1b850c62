"""What rows of other concepts name: customers, campaigns, promos and stores, a batch at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.db.database import Transaction
from app.errors import NotFound
from app.importing.concepts.stores import stores_of
from app.importing.knowing import named_rows
from app.importing.records import Record
from app.importing.values import text
from app.values.codes import code_key
from app.values.contacts import fold_email

# Through the index on the key, however many customers there are.
_CUSTOMERS = """
SELECT c.* FROM unnest($2::text[]) AS given (key)
 CROSS JOIN LATERAL (SELECT c.id, c.external_id, c.email_key FROM customer c
                      WHERE c.group_id = $1 AND c.{key} = given.key AND c.deleted_at IS NULL LIMIT 1) AS c
"""
_PROMOS = """
SELECT id, code_key FROM promo
 WHERE group_id = $1 AND code_key = ANY ($2) AND deleted_at IS NULL
"""
Found = dict[str, int]


class Named:
    """The rows that a batch of records names, by the names it uses."""

    def __init__(self, tx: Transaction, records: Sequence[Record]) -> None:
        self._tx, self._records = tx, records
        self._found: dict[str, Found] = {}

    async def look_up(self, *columns: str) -> None:
        """Find what these columns name: `customer`, `campaign`, `segment`, `store`, `promo`."""
        for column in columns:
            names = {name for record in self._records if (name := _name(record.values.get(column)))}
            self._found[column] = await self._find(column, sorted(names)) if names else {}

    def take(self, column: str, value: Any) -> int | None:
        """The row that a value of this column names; NotFound where there is none. None where there is no value."""
        name = _name(value)
        if not name:
            return None
        found = self._found[column].get(code_key(name) if column == "promo" else name)
        if found is None:
            raise NotFound(column, name, path=[column])
        return found

    async def _find(self, column: str, names: list[str]) -> Found:
        if column == "customer":
            return await customers_of(self._tx, self._systems(), names)
        if column == "store":
            return await stores_of(self._tx, names, self._systems())
        if column == "promo":
            rows = await self._tx.fetch(_PROMOS, self._tx.scope.group_id, [code_key(name) for name in names])
            return {row["code_key"]: row["id"] for row in rows}
        kind = {"campaign": "camp", "segment": "seg"}[column]
        found = await named_rows(self._tx, kind, self._systems(), names)
        return {name: row for name, row in found.items() if isinstance(row, int)}

    def _systems(self) -> list[str]:
        systems = [system for record in self._records for system in (*record.external_ids, record.system)]
        return list(dict.fromkeys(systems))


async def customers_of(tx: Transaction, systems: Iterable[str], names: Sequence[str]) -> Found:
    """The customers with these external ids, ids in the systems, e-mail addresses, or ids of ours; in this order."""
    found: Found = {}
    for row in await tx.fetch(_CUSTOMERS.format(key="external_id"), tx.scope.group_id, names):
        found[row["external_id"]] = row["id"]
    left = [name for name in names if name not in found]
    others = await named_rows(tx, "cust", systems, left) if left else {}
    addresses = sorted({fold_email(name) for name in left if "@" in name})
    by_address: Found = {}
    if addresses:
        rows = await tx.fetch(_CUSTOMERS.format(key="email_key"), tx.scope.group_id, addresses)
        by_address = {row["email_key"]: row["id"] for row in rows}
    for name in left:
        other = others.get(name)
        if isinstance(other, int):
            found[name] = other
        elif (address := fold_email(name)) in by_address:
            found[name] = by_address[address]
    return found


def _name(value: Any) -> str:
    """An id, or an object that has one."""
    if isinstance(value, dict):
        value = value.get("id")
    return "" if value is None else text(value, "id")
