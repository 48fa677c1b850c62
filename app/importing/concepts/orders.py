"""Orders, in bulk: each reference once, with the moment it was made."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.errors import Failure, Invalid, Several
from app.importing.concepts.whom import Named
from app.importing.knowing import before_many_made
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, exact, instant, text

_STORED = "SELECT id, reference FROM customer_order WHERE group_id = $1 AND reference = ANY ($2)"


class OrderWriter:
    """Records orders. What a customer's or a campaign's totals have already does not add to them again.

    A known reference stays as it is.
    """

    columns = Columns(
        known=(
            "external_id", "reference", "customer", "amount", "currency", "ordered_at", "store", "campaign",
            "promo_code", "channel",
        ),
        also={
            "id": "external_id", "order_id": "reference", "order_number": "reference", "customer_id": "customer",
            "customer_external_id": "customer", "customer_email": "customer", "email": "customer", "total": "amount",
            "store_id": "store", "campaign_id": "campaign", "promo": "promo_code", "code": "promo_code",
        },
        amounts=frozenset({"amount"}),
        moments=frozenset({"ordered_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        named = Named(tx, records)
        await named.look_up("customer", "store", "campaign")
        faults: dict[int, Failure] = {}
        entries: list[OrderEntry] = []
        for at, record in enumerate(records):
            try:
                entries.append(_entry(record, named))
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        known = await _stored(tx, entries)
        new = [at for at, entry in enumerate(entries) if entry.reference not in known]
        await before_many_made(tx, "order", [records[at].external_ids for at in new])
        try:
            await record_orders(tx, [entries[at] for at in new], now=now)
        except Several as several:
            raise RefusedTogether({new[int(f.path[1])]: _told(f) for f in several.failures}) from None
        if any(records[at].external_ids for at in new):
            made = await _stored(tx, [entries[at] for at in new])
            ids_of: dict[RowId, Ids] = {
                made[entries[at].reference]: records[at].external_ids for at in reversed(new)
            }
            await set_ids(tx, "order", ids_of)
        first = {entries[at].reference: at for at in reversed(new)}
        return [
            Outcome(Verdict.MADE if first.get(entry.reference) == at else Verdict.SAME)
            for at, entry in enumerate(entries)
        ]


def _entry(record: Record, named: Named) -> OrderEntry:
    row = RowReader(record.values)
    customer = named.take("customer", row.take("customer", _any))
    if customer is None:
        raise Invalid("`customer` says who ordered.", path=["customer"])
    amount = row.take("amount", exact)
    if amount is None:
        raise Invalid("`amount` says what it came to.", path=["amount"])
    ordered_at = row.take("ordered_at", instant)
    if ordered_at is None:
        raise Invalid("`ordered_at` says when it was made.", path=["ordered_at"])
    reference = row.take("reference", text) or next(iter(record.external_ids.values()), None)
    if reference is None:
        raise Invalid("`reference` is its number in the system it was made in.", path=["reference"])
    entry = OrderEntry(
        reference=reference,
        customer_id=customer,
        amount=amount,
        ordered_at=ordered_at,
        currency=row.take("currency", text),
        store_id=named.take("store", row.take("store", _any)),
        campaign_id=named.take("campaign", row.take("campaign", _any)),
        promo_code=row.take("promo_code", text),
        channel=row.take("channel", text),
    )
    row.nothing_left(OrderWriter.columns.known)
    return entry


def _any(value: Any, name: str) -> Any:
    return value


def _told(failure: Failure) -> Failure:
    """A failure of the whole call, about one row."""
    names = {
        "orderedAt": "ordered_at",
        "promoCode": "promo_code",
        "campaignId": "campaign",
        "storeId": "store",
    }
    failure.path = [names.get(str(step), step) for step in failure.path[2:]]
    return failure


async def _stored(tx: Transaction, entries: Sequence[OrderEntry]) -> dict[str, int]:
    references = [entry.reference for entry in entries]
    return {row["reference"]: row["id"] for row in await tx.fetch(_STORED, tx.scope.group_id, references)}
