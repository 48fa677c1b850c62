"""Orders, in bulk: each reference is one order, with the moment it was made and what became of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import Ids, RowId
from app.domain.orders.entries import OrderEntry
from app.domain.orders.operations import record_orders
from app.domain.orders.states import Outcome as Told
from app.errors import Failure, Invalid, Several
from app.importing.concepts.whom import Named
from app.importing.knowing import before_many_made
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, exact, flag, instant, text, whole

_STORED = "SELECT id, reference FROM customer_order WHERE group_id = $1 AND reference = ANY ($2)"

_VERDICTS = {
    Told.RECORDED: Verdict.MADE,
    Told.CORRECTED: Verdict.CHANGED,
    Told.REPEATED: Verdict.SAME,
    Told.OUTDATED: Verdict.SAME,
}


class OrderWriter:
    """Records orders. What a customer's or a campaign's totals have already does not add to them again.

    A known reference is corrected, where it has no later version already.
    """

    columns = Columns(
        known=(
            "external_id", "reference", "customer", "amount", "currency", "ordered_at", "store", "campaign",
            "promo_code", "channel", "refunded", "cancelled", "version",
        ),
        also={
            "id": "external_id", "order_id": "reference", "order_number": "reference", "customer_id": "customer",
            "customer_external_id": "customer", "customer_email": "customer", "email": "customer", "total": "amount",
            "store_id": "store", "campaign_id": "campaign", "promo": "promo_code", "code": "promo_code",
            "is_cancelled": "cancelled", "refunded_amount": "refunded",
        },
        amounts=frozenset({"amount", "refunded"}),
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
            done = await record_orders(tx, entries, now=now)
        except Several as several:
            raise RefusedTogether({int(f.path[1]): _told(f) for f in several.failures}) from None
        ids_of: dict[RowId, Ids] = {
            done.of_entries[at]: records[at].external_ids for at in reversed(new) if records[at].external_ids
        }
        if ids_of:
            await set_ids(tx, "order", ids_of)
        return [Outcome(_VERDICTS[outcome]) for outcome in done.outcomes]


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
        version=row.take("version", whole),
        refunded=row.take("refunded", exact),
        is_cancelled=row.take("cancelled", flag),
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
        "isCancelled": "cancelled",
    }
    failure.path = [names.get(str(step), step) for step in failure.path[2:]]
    return failure


async def _stored(tx: Transaction, entries: Sequence[OrderEntry]) -> dict[str, int]:
    references = [entry.reference for entry in entries]
    return {row["reference"]: row["id"] for row in await tx.fetch(_STORED, tx.scope.group_id, references)}
