"""Customers, in bulk through `upsert_customers`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.operations import upsert_customers
from app.errors import Failure, Invalid, NotFound, Several
from app.importing.concepts.stores import stores_of
from app.importing.named import Named
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, document, exact, flag, instant, text, texts, whole
from app.values.changes import UNSET
from app.values.json_text import read_json

_COLUMNS = """
c.id, c.external_id, c.email, c.email_key, c.name, c.phone, c.store_id, c.loyalty_tier, c.email_consent, c.sms_consent,
c.tags, c.attributes::text AS attributes, c.order_count, c.total_spent, c.last_order_at
"""
# What is there already of those a batch names. One look-up for each (LIMIT keeps it so): of a table that has grown
# since it was last analyzed PostgreSQL believes that a join may as well read all of the group's customers.
_STORED = f"""
SELECT {_COLUMNS} FROM unnest($2::text[]) AS g (named) CROSS JOIN LATERAL (
  SELECT * FROM customer k WHERE k.group_id = $1 AND k.external_id = g.named AND k.deleted_at IS NULL LIMIT 1) c
UNION ALL
SELECT {_COLUMNS} FROM unnest($3::text[]) AS g (named) CROSS JOIN LATERAL (
  SELECT * FROM customer k WHERE k.group_id = $1 AND k.email_key = g.named AND k.deleted_at IS NULL LIMIT 1) c
"""


class CustomerWriter:
    """Makes or changes customers, known by external id or e-mail. Columns of no meaning are kept as free attributes."""

    columns = Columns(
        known=(
            "external_id", "email", "name", "phone", "loyalty_tier", "order_count", "total_spent", "last_order_at",
            "email_consent", "sms_consent", "tags", "store", "attributes",
        ),
        also={"id": "external_id", "tier": "loyalty_tier", "store_id": "store"},
        amounts=frozenset({"order_count", "total_spent"}),
        moments=frozenset({"last_order_at"}),
        own_key=True,
        free=True,
    )  # fmt: skip

    def __init__(self) -> None:
        self._named = Named()

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        stores = await stores_of(tx, [record.values.get("store") for record in records])
        faults: dict[int, Failure] = {}
        entries: list[CustomerEntry] = []
        for at, record in enumerate(records):
            try:
                entry = _entry(record, stores)
                self._check_once(record, entry)
                entries.append(entry)
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        stored = await _stored(tx, entries)
        known = [_same_customer(entry, stored) for entry in entries]
        changed = [at for at, entry in enumerate(entries) if not _is_as(entry, known[at])]
        try:
            if changed:
                await upsert_customers(tx, [entries[at] for at in changed], now=now)
        except Several as several:
            raise RefusedTogether({changed[int(f.path[1])]: _told(f) for f in several.failures}) from None
        outcomes = [Outcome(Verdict.SAME)] * len(records)
        for at in changed:
            outcomes[at] = Outcome(Verdict.MADE if known[at] is None else Verdict.CHANGED)
        return outcomes

    def _check_once(self, record: Record, entry: CustomerEntry) -> None:
        """Invalid where another row of the files has the same external id or e-mail."""
        for column, value in (("external_id", entry.external_id), ("email", entry.email)):
            if isinstance(value, str) and value:
                key = value.lower() if column == "email" else value
                if first := self._named.earlier(column, key, record.row):
                    raise Invalid(
                        f"{first} is about the same customer; put them into one.",
                        path=[column],
                        code="REPEATED",
                    )


def _entry(record: Record, stores: Mapping[str, int]) -> CustomerEntry:
    row = RowReader(record.values)
    store = row.take("store", text)
    if store is not None and store not in stores:
        raise NotFound("store", store, path=["store"])
    values: dict[str, Any] = {
        "external_id": row.take("external_id", text),
        "email": row.take("email", text),
        "name": row.take("name", text),
        "phone": row.take("phone", text),
        "loyalty_tier": row.take("loyalty_tier", text),
        "order_count": row.take("order_count", whole),
        "total_spent": row.take("total_spent", exact),
        "last_order_at": row.take("last_order_at", instant),
        "email_consent": row.take("email_consent", flag),
        "sms_consent": row.take("sms_consent", flag),
        "tags": row.take("tags", texts),
        "store_id": None if store is None else stores[store],
    }
    if not values["external_id"] and not values["email"]:
        names = ", ".join(f"`{name}`" for name in list(record.names.values())[:12])
        raise Invalid(
            f"Name the customer by `external_id` or `email`; the columns are {names}."
            ' Say which is which with `--map "NAME=external_id"`.',
            code="CUSTOMER_UNNAMED",
        )
    attributes = row.take("attributes", document) or {}
    if not isinstance(attributes, dict):
        raise Invalid("`attributes` is an object.", path=["attributes"])
    free = {
        name.removeprefix("attributes.") if name.startswith("attributes.") else record.named(name): value
        for name, value in row.rest.items()
    }
    values["attributes"] = {**attributes, **free} or None
    return CustomerEntry(**{name: UNSET if value is None else value for name, value in values.items()})


def _told(failure: Failure) -> Failure:
    """A failure of the whole call, about one row."""
    failure.path = failure.path[2:]
    if failure.reason == "REPEATED":
        failure.message = (
            "Another row is about the same customer: it is known by this one's id and by its e-mail."
        )
    return failure


async def _stored(
    tx: Transaction, entries: Sequence[CustomerEntry]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    ids = [entry.external_id for entry in entries if isinstance(entry.external_id, str)]
    emails = [entry.email.lower() for entry in entries if isinstance(entry.email, str)]
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in await tx.fetch(_STORED, tx.scope.group_id, ids, emails):
        values = dict(row)
        if values["external_id"] is not None:
            found["external_id", values["external_id"]] = values
        if values["email_key"] is not None:
            found["email", values["email_key"]] = values
    return found


def _same_customer(
    entry: CustomerEntry, stored: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    found = stored.get(("external_id", entry.external_id)) if isinstance(entry.external_id, str) else None
    if found is None and isinstance(entry.email, str):
        found = stored.get(("email", entry.email.lower()))
    return found


def _is_as(entry: CustomerEntry, row: Mapping[str, Any] | None) -> bool:
    """Whether nothing of an entry would change the customer."""
    if row is None:
        return False
    for column in CustomerEntry.__dataclass_fields__:
        value = getattr(entry, column)
        if value is UNSET:
            continue
        there = row[column]
        if column == "attributes":
            there = None if there is None else read_json(there.encode(), long_numbers=True)
        elif column == "tags":
            value = list(dict.fromkeys(value))
        elif column == "total_spent":
            value = Decimal(value)
        if value != there:
            return False
    return True
