"""Customers in bulk: known ones are changed, the others made, in the same number of statements however many.

Whoever changes customers locks their rows in the order of ids, before anything of campaigns; so two calls about
the same customers wait for each other and cannot deadlock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.contacts.saying import CONSENT_COLUMN, record, settle
from app.domain.contacts.statements import GRAPH, Said
from app.domain.customers.entries import CustomerEntry, checked_all
from app.domain.customers.totals import check_moments, settle_totals
from app.domain.groups.finding import currency_of_group
from app.domain.groups.regions import regions_of
from app.domain.heirs import who_is
from app.domain.segments.changes import note_audience_change
from app.errors import MAX_TOLD, Conflict, Failure, Forbidden, NotFound, Several
from app.tables.contacts import StatementKind
from app.values.contacts import phone_key_of
from app.values.ids import show_id
from app.values.json_text import write_json

TRIES = 3
"""Retries when another request created the same customers."""

# Whom each entry means: by external id, and by e-mail (ignoring case). One look-up for each (LIMIT keeps it so): of a
# table that has grown since it was last analyzed PostgreSQL believes that a join may as well read all of the group.
_FIND = f"""
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS g (external_id, email, place))
SELECT g.place - 1 AS place, 'external_id' AS by, c.id, c.external_id, c.store_id, c.id <> named.id AS is_heir
  FROM given g CROSS JOIN LATERAL (
       SELECT * FROM customer k WHERE k.group_id = $1 AND k.external_id = g.external_id LIMIT 1) named
       {who_is("named")}
UNION ALL
SELECT g.place - 1, 'email', c.id, c.external_id, c.store_id, c.id <> named.id
  FROM given g CROSS JOIN LATERAL (
       SELECT * FROM customer k WHERE k.group_id = $1 AND k.email_key = g.email LIMIT 1) named
       {who_is("named")}
"""
# Whoever was erased while we waited is nobody any more, and whoever was joined with another one is that one.
_LOCK = """
SELECT id FROM customer WHERE group_id = $1 AND id = ANY ($2) AND erased_at IS NULL AND merged_into_id IS NULL
 ORDER BY id FOR NO KEY UPDATE
"""
_STORES = "SELECT id FROM store WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL"

_READ = {
    "external_id": "d ->> 'external_id'",
    "email": "d ->> 'email'",
    "email_key": "d ->> 'email_key'",
    "name": "d ->> 'name'",
    "phone": "d ->> 'phone'",
    "phone_key": "d ->> 'phone_key'",
    "is_phone_told": "(d ->> 'is_phone_told')::boolean",
    "store_id": "(d ->> 'store_id')::bigint",
    "loyalty_tier": "d ->> 'loyalty_tier'",
    "email_consent": "(d ->> 'email_consent')::boolean",
    "sms_consent": "(d ->> 'sms_consent')::boolean",
    "tags": "ARRAY(SELECT jsonb_array_elements_text(d -> 'tags'))",
    "attributes": "(d ->> 'attributes')::json",
    "order_count": "(d ->> 'order_count')::bigint",
    "total_spent": "(d ->> 'total_spent')::numeric",
    "last_order_at": "(d ->> 'last_order_at')::timestamptz",
    "told_last_order_at": "(d ->> 'told_last_order_at')::timestamptz",
    "totals_as_of": "(d ->> 'totals_as_of')::timestamptz",
}
"""How each column is read from an entry's values."""
_ALWAYS = {
    "email_consent": "false", "sms_consent": "false", "tags": "'{}'", "is_phone_told": "false", "order_count": "0",
    "total_spent": "0",
}  # fmt: skip
_CONSENTS = ("email_consent", "sms_consent")
_TOLD = {
    f"{name}_at": f"CASE WHEN d ?| '{{{name},{name}_at}}' THEN coalesce((d ->> '{name}_at')::timestamptz, $2) END"
    for name in _CONSENTS
}
"""When consent was given, where it is given."""
_GIVEN = "jsonb_array_elements($3::jsonb) AS d"


def _changed(column: str) -> str:
    """The new value of a known customer's column. What was said of consent later than this stays."""
    of = next((name for name in _CONSENTS if column in (name, f"{name}_at")), None)
    later = "" if of is None else f" AND NOT coalesce(c.{of}_at > (d ->> '{of}_at')::timestamptz, false)"
    if column in _TOLD:
        return f"CASE WHEN true{later} THEN coalesce({_TOLD[column]}, c.{column}) ELSE c.{column} END"
    return f"CASE WHEN d ? '{column}'{later} THEN {_READ[column]} ELSE c.{column} END"


_SINCE = "(d ->> 'created_at')::timestamptz"
_CHANGE = f"""
UPDATE customer c
   SET {", ".join(f"{name} = {_changed(name)}" for name in (*_READ, *_TOLD))},
       created_at = coalesce({_SINCE}, c.created_at), updated_at = $2, deleted_at = NULL
  FROM {_GIVEN} WHERE c.group_id = $1 AND c.id = (d ->> 'id')::bigint
"""
_MAKE = f"""
INSERT INTO customer (group_id, created_at, updated_at, {", ".join((*_READ, *_TOLD))})
SELECT $1, coalesce({_SINCE}, $2), $2,
       {", ".join(f"coalesce({r}, {_ALWAYS[n]})" if n in _ALWAYS else r for n, r in _READ.items())},
       {", ".join(_TOLD.values())}
  FROM {_GIVEN}
 ORDER BY d ->> 'external_id', d ->> 'email_key'
ON CONFLICT DO NOTHING
RETURNING id, external_id, email_key AS email
"""


@dataclass(frozen=True, slots=True)
class Upserted:
    """What a call changed."""

    ids: tuple[int, ...]
    """In the order of the entries."""
    created: int
    updated: int


async def upsert_customers(
    tx: Transaction, entries: Sequence[CustomerEntry], *, now: datetime, source: str = GRAPH
) -> Upserted:
    """Make or change all of them, or none. Several has every fault, by entry. `source`: who says what they agree to.

    An entry means the customer with its external id, else the one with its e-mail. What it leaves out stays;
    new customers belong to the store named, else the scope's.
    """
    whole_audience(tx)
    values, faults = checked_all(entries)
    faults += check_moments(values, now=now)
    faults += _consents_said_by_now(values, now=now)
    faults += await _unknown_stores(tx, values)
    faults += await _broken_coins(tx, values)
    known = await _known(tx, values, faults)
    if faults:
        raise Several(sorted(faults, key=lambda f: int(f.path[1]))[:MAX_TOLD])
    if not entries:
        return Upserted((), 0, 0)
    for row in values:
        if tx.scope.store_id is not None:
            row["store_id"] = tx.scope.store_id
    await _read_phones(tx, values, known)
    created = 0
    ids: dict[int, int] = {}
    with refusals():
        for _ in range(TRIES):
            await settle_totals(tx, values, known)
            await _change(tx, values, known, now=now)
            ids |= known
            left = [place for place in range(len(values)) if place not in ids]
            made = await _make(tx, values, left, now=now)
            ids |= made
            created += len(made)
            left = [place for place in left if place not in ids]
            if not left:
                break
            # Another request created them at the same moment: now they can be found.
            some = [values[place] for place in left]
            faults = []
            again = await _known(tx, some, faults)
            if faults:
                raise Several(faults[:MAX_TOLD])
            known = {left[at]: ident for at, ident in again.items()}
        else:
            raise Conflict("Some of these customers are being written by somebody else; try again.")
    await record(tx, _consents(values, ids, source=source, now=now), now=now)
    await settle(tx, ids.values(), now=now)
    await note_audience_change(tx)
    return Upserted(tuple(ids[place] for place in range(len(values))), created, len(values) - created)


def _consents_said_by_now(values: Sequence[dict[str, Any]], *, now: datetime) -> list[Failure]:
    """A moment ahead counts as its arrival, else it would beat whatever is said until then."""
    faults: list[Failure] = []
    for at, row in enumerate(values):
        for name in (f"{one}_at" for one in _CONSENTS):
            if isinstance(row.get(name), datetime):
                try:
                    row[name] = min(inputs.moment(row[name], ["customers", str(at), name]), now)
                except Failure as fault:
                    faults.append(fault)
    return faults


def _consents(
    values: Sequence[Mapping[str, Any]], ids: Mapping[int, int], *, source: str, now: datetime
) -> list[Said]:
    """What the entries say of writing to these customers."""
    return [
        Said(
            channel=channel,
            kind=StatementKind.OPTED_IN if values[place][column] else StatementKind.OPTED_OUT,
            source=source,
            at=min(values[place].get(f"{column}_at") or now, now),
            customer_id=ident,
        )
        for place, ident in ids.items()
        for channel, column in CONSENT_COLUMN.items()
        if column in values[place]
    ]


def whole_audience(tx: Transaction) -> None:
    """Customers belong to stores, not to projects."""
    if tx.scope.project_ids is not None:
        raise Forbidden("This credential is for projects; customers need one for the group or a store.")


async def _unknown_stores(tx: Transaction, values: Sequence[Mapping[str, Any]]) -> list[Failure]:
    asked = {row["store_id"] for row in values if row.get("store_id") is not None}
    own = tx.scope.store_id
    stores = (
        {row["id"] for row in await tx.fetch(_STORES, tx.scope.group_id, list(asked))} if asked else set()
    )
    return [
        NotFound("store", row["store_id"], path=["customers", at, "storeId"])
        for at, row in enumerate(values)
        if row.get("store_id") is not None
        and (row["store_id"] not in stores or own not in (None, row["store_id"]))
    ]


async def _broken_coins(tx: Transaction, values: Sequence[Mapping[str, Any]]) -> list[Failure]:
    """What was spent is in whole coins of the group's currency."""
    told = {at: row["total_spent"] for at, row in enumerate(values) if row.get("total_spent")}
    currency = await currency_of_group(tx) if told else ""
    return inputs.broken_coins(
        (spent, currency, ["customers", at, "totalSpent"]) for at, spent in told.items()
    )


_THEIR_STORES = "SELECT id, store_id FROM customer WHERE group_id = $1 AND id = ANY ($2)"


async def _read_phones(tx: Transaction, values: Sequence[dict[str, Any]], known: Mapping[int, int]) -> None:
    """Read telephone numbers in the countries of the stores that the customers belong to afterwards."""
    told = [place for place, row in enumerate(values) if row.get("phone") is not None]
    for row in values:
        if "phone" in row:
            row["phone_key"], row["is_phone_told"] = None, row["phone"] is not None
    if not told:
        return
    staying = [known[place] for place in told if place in known and "store_id" not in values[place]]
    rows = await tx.fetch(_THEIR_STORES, tx.scope.group_id, staying) if staying else []
    stores = {row["id"]: row["store_id"] for row in rows}
    of = {place: values[place].get("store_id", stores.get(known.get(place))) for place in told}
    regions = await regions_of(tx, of.values())
    for place, store in of.items():
        values[place]["phone_key"] = phone_key_of(values[place]["phone"], regions[store])


async def _known(tx: Transaction, values: Sequence[dict[str, Any]], faults: list[Failure]) -> dict[int, int]:
    """Index of an entry → id of the customer it means, if there is one; locks the rows."""
    rows = await tx.fetch(
        _FIND,
        tx.scope.group_id,
        [row.get("external_id") for row in values],
        [row.get("email_key") for row in values],
    )
    by: dict[str, dict[int, Any]] = {"external_id": {}, "email": {}}
    for row in rows:
        by[row["by"]][row["place"]] = row
    known: dict[int, int] = {}
    taken: dict[int, int] = {}
    for place in range(len(values)):
        named, addressed = by["external_id"].get(place), by["email"].get(place)
        customer = named or addressed
        if customer is None:
            continue
        path: list[str | int] = ["customers", place]
        if (named and addressed and named["id"] != addressed["id"]) or (
            named is None and values[place].get("external_id") and customer["external_id"] is not None
        ):
            faults.append(
                Conflict(
                    f"Another customer has this e-mail already{_named(tx, addressed or customer)}.",
                    path=[*path, "email"],
                    code="EMAIL_EXISTS",
                )
            )
        elif tx.scope.store_id not in (None, customer["store_id"]):
            faults.append(
                Conflict("This customer is another store's.", path=path, code="CUSTOMER_OF_ANOTHER_STORE")
            )
        elif (first := taken.setdefault(customer["id"], place)) != place:
            faults.append(Conflict(f"Entry {first} is about the same customer.", path=path, code="REPEATED"))
        else:
            known[place] = customer["id"]
            for name, found in (("external_id", named), ("email", addressed)):
                if found is not None and found["is_heir"]:
                    # Somebody who was joined with this one is meant: what this one is called itself stays.
                    values[place].pop(name)
                    values[place].pop(f"{name}_key", None)
    if known:
        held = {row["id"] for row in await tx.fetch(_LOCK, tx.scope.group_id, sorted(known.values()))}
        known = {place: ident for place, ident in known.items() if ident in held}
    return known


def _named(tx: Transaction, customer: Any) -> str:
    """Who it is, for whoever may know."""
    may_know = tx.scope.store_id in (None, customer["store_id"])
    return f": {show_id('cust', customer['id'])}" if may_know else ""


async def _change(
    tx: Transaction, values: Sequence[Mapping[str, Any]], known: Mapping[int, int], *, now: datetime
) -> None:
    if known:
        rows = [{**values[place], "id": ident} for place, ident in known.items()]
        await tx.execute(_CHANGE, tx.scope.group_id, now, write_json(rows).decode())


async def _make(
    tx: Transaction, values: Sequence[Mapping[str, Any]], places: Sequence[int], *, now: datetime
) -> dict[int, int]:
    if not places:
        return {}
    rows = []
    for place in places:
        row = values[place]
        rows.append({"name": row.get("email") or row.get("external_id"), **row})
    stored = await tx.fetch(_MAKE, tx.scope.group_id, now, write_json(rows).decode())
    by_external = {row["external_id"]: row["id"] for row in stored if row["external_id"] is not None}
    by_email = {row["email"]: row["id"] for row in stored if row["external_id"] is None}
    made: dict[int, int] = {}
    for place in places:
        row = values[place]
        ident = (
            by_external.get(row["external_id"])
            if row.get("external_id") is not None
            else by_email.get(row["email_key"])
        )
        if ident is not None:
            made[place] = ident
    return made
