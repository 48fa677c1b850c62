"""Customers, in bulk through `tell_customers`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.contacts.statements import IMPORT
from app.domain.customers.entries import CustomerEntry
from app.domain.customers.totals import TOTALS, settle_totals
from app.domain.external_ids.finding import rows_with_ids
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.identities.telling import tell_customers
from app.errors import Failure, Invalid, NotFound, Several
from app.importing.concepts.stores import stores_of
from app.importing.knowing import before_many_made
from app.importing.named import Named
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, document, exact, flag, instant, text, texts, whole
from app.values.changes import UNSET
from app.values.contacts import fold_email
from app.values.json_text import read_json

_TOTALS = (*TOTALS, "last_order_at", "totals_as_of")
CHANNELS = {"email_consent": "email", "sms_consent": "sms"}
"""Consent, and a channel whose providers tell it too."""
# What is there already of those a batch names. Looked up one by one through the index on the key: a join would read all
# customers of the group, each time, while a large import goes on and nothing has been analyzed.
_STORED = """
SELECT c.* FROM unnest($2::text[]) AS given (key)
 CROSS JOIN LATERAL (
       SELECT c.id, c.external_id, c.email, c.email_key, c.name, c.phone, c.store_id, c.loyalty_tier, c.email_consent,
              c.sms_consent, c.tags, c.attributes::text AS attributes, c.order_count, c.total_spent, c.last_order_at,
              c.told_last_order_at, c.totals_as_of, c.email_consent_at, c.sms_consent_at, c.created_at,
              c.known_as_system, c.known_as_id
         FROM customer c WHERE c.group_id = $1 AND c.{key} = given.key AND c.deleted_at IS NULL LIMIT 1) AS c
"""


class CustomerWriter:
    """Makes or changes customers, known by external id or e-mail. Columns of no meaning are kept as free attributes."""

    columns = Columns(
        known=(
            "external_id", "email", "name", "phone", "loyalty_tier", "order_count", "total_spent", "last_order_at",
            "totals_as_of", "email_consent", "email_consent_at", "sms_consent", "sms_consent_at", "tags", "store",
            "attributes", "created_at",
        ),
        also={"id": "external_id", "tier": "loyalty_tier", "store_id": "store"},
        amounts=frozenset({"order_count", "total_spent"}),
        moments=frozenset(
            {"last_order_at", "totals_as_of", "email_consent_at", "sms_consent_at", "created_at"}
        ),
        own_key=True,
        free=True,
    )  # fmt: skip

    def __init__(self) -> None:
        self._named = Named()

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        stores = await stores_of(
            tx,
            [record.values.get("store") for record in records],
            {system for record in records for system in (*record.external_ids, record.system)},
        )
        faults: dict[int, Failure] = {}
        entries: list[CustomerEntry] = []
        for at, record in enumerate(records):
            try:
                entry = _entry(record, stores, now=now)
                self._check_once(record, entry)
                entries.append(entry)
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        ids = {at: record.external_ids for at, record in enumerate(records) if record.external_ids}
        if ids:
            entries = await _with_keys(tx, entries, ids)
        stored = await _stored(tx, entries)
        known = [_same_customer(entry, stored) for entry in entries]
        differing = await _differing(tx, entries, known)
        changed = [
            at for at in range(len(entries)) if at in differing or _has_new_ids(ids.get(at), known[at])
        ]
        if ids:
            await before_many_made(tx, "cust", [ids[at] for at in changed if at in ids])
        try:
            if changed:
                done = await tell_customers(tx, [entries[at] for at in changed], now=now, source=IMPORT)
                rows = dict(zip(changed, done.ids, strict=True))
                await _give_ids(tx, rows, ids)
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
                key = fold_email(value) if column == "email" else value
                if first := self._named.earlier(column, key, record.row):
                    raise Invalid(
                        f"{first} is about the same customer; put them into one.",
                        path=[column],
                        code="REPEATED",
                    )


_STORES_ARE_NAMED = (
    "; rows name stores as `store_5`, by the beacon key, or by the id that another system has for them"
)


def _entry(record: Record, stores: Mapping[str, int], *, now: datetime) -> CustomerEntry:
    row = RowReader(record.values)
    store = row.take("store", text)
    if store is not None and store not in stores:
        raise NotFound("store", store, path=["store"], more=_STORES_ARE_NAMED)
    values: dict[str, Any] = {
        "external_id": row.take("external_id", text),
        "email": row.take("email", text),
        "name": row.take("name", text),
        "phone": row.take("phone", text),
        "loyalty_tier": row.take("loyalty_tier", text),
        "order_count": row.take("order_count", whole),
        "total_spent": row.take("total_spent", exact),
        "last_order_at": row.take("last_order_at", instant),
        "totals_as_of": row.take("totals_as_of", instant),
        "email_consent": row.take("email_consent", flag),
        "email_consent_at": row.take("email_consent_at", instant),
        "sms_consent": row.take("sms_consent", flag),
        "sms_consent_at": row.take("sms_consent_at", instant),
        "created_at": row.take("created_at", instant),
        "tags": row.take("tags", texts),
        "store_id": None if store is None else stores[store],
    }
    if not any(values[name] is not None for name in TOTALS):
        values["totals_as_of"] = None  # there are none
    elif values["totals_as_of"] is None:
        values["totals_as_of"] = now
    for name in ("email_consent_at", "sms_consent_at", "created_at"):
        if values[name] is not None:
            inputs.past(values[name], [name], now=now)
    if not values["external_id"] and not values["email"] and not record.external_ids:
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


_PLACE = re.compile(r"`customers\.\d+\.")
"""Where in the call: the row's own place is told beside the message."""


def _told(failure: Failure) -> Failure:
    """A failure of the whole call, about one row."""
    failure.path = failure.path[2:]
    failure.message = _PLACE.sub("`", failure.message)
    if failure.reason == "REPEATED":
        failure.message = (
            "Another row is about the same customer: it is known by this one's id and by its e-mail."
        )
    return failure


async def _stored(
    tx: Transaction, entries: Sequence[CustomerEntry]
) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """By external id; those that are not found so by e-mail."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    ids = [entry.external_id for entry in entries if isinstance(entry.external_id, str)]
    for row in await tx.fetch(_STORED.format(key="external_id"), tx.scope.group_id, ids):
        found["external_id", row["external_id"]] = dict(row)
    emails = [
        fold_email(entry.email)
        for entry in entries
        if isinstance(entry.email, str) and ("external_id", str(entry.external_id)) not in found
    ]
    if emails:
        for row in await tx.fetch(_STORED.format(key="email_key"), tx.scope.group_id, emails):
            found["email", row["email_key"]] = dict(row)
    return found


def _same_customer(
    entry: CustomerEntry, stored: Mapping[tuple[str, str], Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    found = stored.get(("external_id", entry.external_id)) if isinstance(entry.external_id, str) else None
    if found is None and isinstance(entry.email, str):
        found = stored.get(("email", fold_email(entry.email)))
    return found


async def _differing(
    tx: Transaction, entries: Sequence[CustomerEntry], known: Sequence[Mapping[str, Any] | None]
) -> set[int]:
    """Which entries would make a customer, or change one."""
    found: set[int] = set()
    totals: list[dict[str, Any]] = []
    rows: dict[int, int] = {}
    for at, entry in enumerate(entries):
        row = known[at]
        told = {name: value for name in _TOTALS if (value := getattr(entry, name)) is not UNSET}
        totals.append(told)
        if row is None or not _is_as(entry, row):
            found.add(at)
        elif told:
            rows[at] = row["id"]
    await settle_totals(tx, totals, rows)
    for at in rows:
        row = known[at]
        assert row is not None
        if any(value != row[name] for name, value in totals[at].items()):
            found.add(at)
    return found


def _is_as(entry: CustomerEntry, row: Mapping[str, Any]) -> bool:
    """Whether nothing of an entry but its totals would change the customer."""
    for column in CustomerEntry.__dataclass_fields__:
        value = getattr(entry, column)
        if value is UNSET or column in _TOTALS or _was_said_later(entry, column, row):
            continue
        there = row[column]
        if column == "attributes":
            there = None if there is None else read_json(there.encode(), long_numbers=True)
        elif column == "tags":
            value = list(dict.fromkeys(value))
        if value != there:
            return False
    return True


def _was_said_later(entry: CustomerEntry, column: str, row: Mapping[str, Any]) -> bool:
    """Whether the customer has a later word on that consent."""
    consent = column.removesuffix("_at")
    if consent not in CHANNELS:
        return False
    at, there = getattr(entry, f"{consent}_at"), row[f"{consent}_at"]
    return at is not UNSET and there is not None and there > at


def _has_new_ids(ids: Mapping[str, str] | None, row: Mapping[str, Any] | None) -> bool:
    there = {} if row is None else dict(zip(row["known_as_system"], row["known_as_id"], strict=True))
    return ids is not None and any(there.get(system) != ident for system, ident in ids.items())


async def _with_keys(
    tx: Transaction, entries: Sequence[CustomerEntry], ids: Mapping[int, Mapping[str, str]]
) -> list[CustomerEntry]:
    """Entries without a key of their own get the one of the customer with their ids; a new one its first id."""
    settled = list(entries)
    unnamed = [at for at in ids if not entries[at].external_id and not entries[at].email]
    by_system: dict[str, list[str]] = {}
    for at in unnamed:
        for system, ident in ids[at].items():
            by_system.setdefault(system, []).append(ident)
    rows = {system: await rows_with_ids(tx, "cust", system, names) for system, names in by_system.items()}
    keys = {
        row["id"]: row
        for row in await tx.fetch(
            "SELECT id, external_id, email FROM customer WHERE group_id = $1 AND id = ANY ($2)",
            tx.scope.group_id, [row for found in rows.values() for row in found.values()],
        )
    }  # fmt: skip
    for at in unnamed:
        row = next((row for s, i in ids[at].items() if (row := rows[s].get(i)) is not None), None)
        there = keys.get(row)
        if there is None:
            settled[at] = replace(entries[at], external_id=next(iter(ids[at].values())))
        elif there["external_id"] is not None:
            settled[at] = replace(entries[at], external_id=there["external_id"])
        else:
            settled[at] = replace(entries[at], email=there["email"])
    return settled


async def _give_ids(tx: Transaction, rows: Mapping[int, int], ids: Mapping[int, Mapping[str, str]]) -> None:
    given: dict[RowId, Ids] = {row: ids[at] for at, row in rows.items() if at in ids}
    if given:
        paths: dict[RowId, list[str | int]] = {
            row: ["customers", place] for place, row in enumerate(rows.values())
        }
        await set_ids(tx, "cust", given, paths=paths)
