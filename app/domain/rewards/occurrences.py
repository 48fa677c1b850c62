"""Something happened that may be rewarded: it is checked, and kept as an event."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.flows.fields import CUSTOM, document
from app.domain.inputs import Path
from app.domain.rewards.attributes import OWNERS
from app.errors import Conflict, Invalid
from app.tables.event_types import RewardTrigger
from app.values.json_text import kind_of, write_json
from app.values.money import is_currency

SOURCE = "rewards"
"""The source of events that are made here because somebody asked for a reward."""
MAX_REFERENCE = 255
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
TRIGGERS = {
    1: RewardTrigger.SPEND,
    2: RewardTrigger.REGISTRATION,
    3: RewardTrigger.REFERRAL,
    4: RewardTrigger.CUSTOM,
}
"""Source: Benji, `trigger_type`."""
CODES = {trigger: code for code, trigger in TRIGGERS.items()}

_STORE = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, customer_id, body, outcome,
                   updated_at, is_vouched)
SELECT $1, uuidv7(), $2, given.key, given.kind, $3, given.at, given.customer, given.body::json, 'applied', $3, true
  FROM unnest($4::text[], $5::text[], $6::timestamptz[], $7::bigint[], $8::text[])
       AS given (key, kind, at, customer, body)
 ORDER BY given.key
ON CONFLICT (group_id, source, dedup_key) DO NOTHING
"""
_STORED = """
SELECT dedup_key, id, event_type, customer_id, body::text AS body
  FROM event WHERE group_id = $1 AND source = $2 AND dedup_key = ANY ($3)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened to a customer. The same `reference` means the same thing."""

    reference: str
    trigger_code: int
    custom_trigger_id: int | None = None
    customer_id: int
    partner_id: int | None = None
    """Through whom; by default the campaign's own partner."""
    occurred_at: datetime
    transaction: Mapping[str, Any] = field(default_factory=dict)
    """`amount` in the smallest unit, `currency`, `channel`, `items`, `quantity`."""
    further: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values of the group's own attributes, by owner."""
    event_id: UUID | None = None
    """The event it comes from, where that is stored already."""


def check(given: Occurrence, path: Path = (), *, now: datetime) -> None:
    """Refuse what cannot be judged or kept."""
    inputs.text(given.reference, [*path, "reference"], longest=MAX_REFERENCE, blank=False)
    if given.trigger_code not in TRIGGERS:
        raise Invalid("`trigger` is SPEND, REGISTRATION, REFERRAL or CUSTOM.", path=[*path, "trigger"])
    if (given.trigger_code == CUSTOM) != (given.custom_trigger_id is not None):
        raise Invalid(
            "`customTriggerId` goes with the trigger CUSTOM, and with no other.",
            path=[*path, "customTriggerId"],
        )
    inputs.past(given.occurred_at, [*path, "occurredAt"], now=now)
    for name in ("amount", "quantity"):
        value = given.transaction.get(name)
        if value is not None:
            inputs.count(value, [*path, "transaction", name])
    currency = given.transaction.get("currency")
    if currency is not None and not is_currency(currency):
        # "eur" would count as another currency than the campaign's, and its amount not at all.
        raise Invalid(
            "A currency is three capital letters like EUR.", path=[*path, "transaction", "currency"]
        )
    for owner, values in given.further.items():
        if owner not in OWNERS.values() or not isinstance(values, dict):
            known = ", ".join(OWNERS.values())
            raise Invalid(
                f"`attributes` holds objects under {known}; {owner[:40]!r} is {kind_of(values)}.",
                path=[*path, "attributes"],
            )
    document({"transaction": given.transaction, "attributes": given.further}, [*path, "attributes"])


async def keep(tx: Transaction, given: Sequence[Occurrence], *, now: datetime) -> list[UUID]:
    """The event of each, made where it is missing. Conflict where a reference stands for something else.

    The reference of an ingested event is its id: naming the id means that event.
    """
    ingested = await _ingested(tx, [one for one in given if one.event_id is None])
    fresh = {one.reference: one for one in given if one.event_id is None and one.reference not in ingested}
    if not fresh:
        return [one.event_id or ingested[one.reference] for one in given]
    ordered = list(fresh.values())
    with refusals():
        await tx.execute(
            _STORE,
            tx.scope.group_id,
            SOURCE,
            now,
            list(fresh),
            [TRIGGERS[one.trigger_code].value for one in ordered],
            [one.occurred_at for one in ordered],
            [one.customer_id for one in ordered],
            [_body(one) for one in ordered],
        )
    kept = {row["dedup_key"]: row for row in await tx.fetch(_STORED, tx.scope.group_id, SOURCE, list(fresh))}
    for one in given:
        if one.reference in fresh and one.event_id is None and not _same(kept[one.reference], one):
            raise _reused(one.reference)
    return [one.event_id or ingested.get(one.reference) or kept[one.reference]["id"] for one in given]


_INGESTED = "SELECT id, customer_id FROM event WHERE group_id = $1 AND id = ANY ($2) AND source <> $3"


async def _ingested(tx: Transaction, given: Sequence[Occurrence]) -> dict[str, UUID]:
    """The ingested events by reference. Conflict where one is another customer's."""
    named = {one.reference: ident for one in given if (ident := event_id_of(one.reference)) is not None}
    if not named:
        return {}
    rows = await tx.fetch(_INGESTED, tx.scope.group_id, list(named.values()), SOURCE)
    whose = {row["id"]: row["customer_id"] for row in rows}
    for one in given:
        if whose.get(named.get(one.reference)) not in (None, one.customer_id):
            raise _reused(one.reference)
    return {reference: ident for reference, ident in named.items() if ident in whose}


def event_id_of(reference: str) -> UUID | None:
    """The id, where a reference is written like an event's id."""
    return UUID(reference) if _UUID.fullmatch(reference) else None


def _reused(reference: str) -> Conflict:
    return Conflict(
        f"The reference {reference!r} stands for something else already.",
        path=["reference"],
        code="REFERENCE_REUSED",
    )


def _same(row: Any, one: Occurrence) -> bool:
    kind = TRIGGERS[one.trigger_code].value
    return (row["event_type"], row["customer_id"], row["body"]) == (kind, one.customer_id, _body(one))


def _body(one: Occurrence) -> str:
    said = {
        "customTriggerId": one.custom_trigger_id,
        "partnerId": one.partner_id,
        "transaction": one.transaction,
        "attributes": one.further,
    }
    return write_json(said).decode()
