"""Rows of customers → entries of `upsert_customers`."""

from collections.abc import Sequence
from typing import Any

from app.db.database import Transaction
from app.domain.customers.entries import CustomerEntry
from app.errors import Invalid, NotFound
from app.importing.reading import FileLine
from app.importing.values import RowReader, document, exact, flag, instant, text, texts, whole
from app.values.changes import UNSET
from app.values.ids import read_id

# A store by the graph's id, by the id it was imported with, or by its beacon key.
_STORES = """
SELECT id, known_as_id, beacon_key FROM store WHERE group_id = $1 AND deleted_at IS NULL
   AND (id = ANY ($2) OR known_as_id && $3::text[] OR beacon_key = ANY ($3))
"""


def entry_of(line: FileLine, stores: dict[str, int]) -> CustomerEntry:
    """A row as an entry. Columns without a meaning of their own become free attributes, called as in the file."""
    row = RowReader(line.values)
    store = row.take("store", text, "store_id")
    if store is not None and store not in stores:
        raise NotFound("store", store, path=["store"])
    values: dict[str, Any] = {
        "external_id": row.take("external_id", text, "id"),
        "email": row.take("email", text),
        "name": row.take("name", text),
        "phone": row.take("phone", text),
        "loyalty_tier": row.take("loyalty_tier", text, "tier"),
        "order_count": row.take("order_count", whole),
        "total_spent": row.take("total_spent", exact),
        "last_order_at": row.take("last_order_at", instant),
        "email_consent": row.take("email_consent", flag),
        "sms_consent": row.take("sms_consent", flag),
        "tags": row.take("tags", texts),
        "store_id": None if store is None else stores[store],
    }
    attributes = row.take("attributes", document) or {}
    if not isinstance(attributes, dict):
        raise Invalid("`attributes` is an object.", path=["attributes"])
    free = {line.names.get(name, name).removeprefix("attributes."): value for name, value in row.rest.items()}
    values["attributes"] = {**attributes, **free} or None
    return CustomerEntry(**{name: UNSET if value is None else value for name, value in values.items()})


class NamedCustomers:
    """Which customers the file has named so far, and where. A second row about one is refused, however far away."""

    def __init__(self) -> None:
        # Hashes of the names: files may be long.
        self._lines: dict[int, int] = {}

    def check(self, line: FileLine, entry: CustomerEntry) -> None:
        """Invalid where another line has the same external id or e-mail."""
        for column, value in (("external_id", entry.external_id), ("email", entry.email)):
            if isinstance(value, str) and value:
                key = hash((column, value.lower() if column == "email" else value))
                first = self._lines.setdefault(key, line.number)
                if first != line.number:
                    raise Invalid(
                        f"Line {first} is about the same customer; put them into one.",
                        path=[column],
                        code="REPEATED",
                    )


async def stores_of(tx: Transaction, lines: Sequence[FileLine]) -> dict[str, int]:
    """The names that rows give their stores → ids."""
    named = {str(v) for line in lines for k, v in line.values.items() if k in ("store", "store_id") and v}
    if not named:
        return {}
    ids = [ident for name in named if (ident := read_id("store", name)) is not None]
    own = tx.scope.store_id
    by_name: dict[str, int] = {}
    for row in await tx.fetch(_STORES, tx.scope.group_id, ids, list(named)):
        if own in (None, row["id"]):
            by_name |= {f"store_{row['id']}": row["id"], row["beacon_key"]: row["id"]}
            by_name |= dict.fromkeys(row["known_as_id"], row["id"])
    return by_name
