"""Recording orders in bulk: what is new, what corrects, and what is known; everything that hangs on them follows.

Whoever writes an order holds its reference, so two reports of it are taken one after the other.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.customers.operations import whole_audience
from app.domain.inputs import broken_coins
from app.domain.orders.entries import OrderEntry, check_orders
from app.domain.orders.following import Move, follow
from app.domain.orders.settling import Settling
from app.domain.orders.states import Outcome, Said, Sale, outcome_of, standing
from app.domain.orders.storing import held_orders, insert_orders, update_orders
from app.errors import MAX_TOLD, Several


@dataclass(frozen=True, slots=True)
class OrdersRecorded:
    """What a call changed."""

    outcomes: tuple[Outcome, ...]
    """Of each entry."""
    of_entries: tuple[int, ...]
    """The order of each entry."""
    beyond_limit: tuple[str, ...] = ()
    """References of orders that came with a promo whose limits were used up."""

    @property
    def ids(self) -> tuple[int, ...]:
        """The orders that are new or changed, in the order of the entries, each once."""
        told = zip(self.of_entries, self.outcomes, strict=True)
        return tuple(
            dict.fromkeys(one for one, outcome in told if outcome in (Outcome.RECORDED, Outcome.CORRECTED))
        )

    def count(self, outcome: Outcome) -> int:
        """How many entries came to this."""
        return Counter(self.outcomes)[outcome]

    @property
    def repeated(self) -> int:
        """Entries that say what is known."""
        return self.count(Outcome.REPEATED)


async def record_orders(tx: Transaction, entries: Sequence[OrderEntry], *, now: datetime) -> OrdersRecorded:
    """Store all orders or none, in the same number of statements however many there are.

    A known reference is a correction, unless its version is known already. An order of a campaign, or of a promo of
    one, counts as a conversion while it is worth something, and its worth in the campaign's metrics of that day and
    channel. Several has every fault, by entry.
    """
    whole_audience(tx)
    faults = check_orders(entries, now=now)
    if faults:
        raise Several(faults[:MAX_TOLD])
    if not entries:
        return OrdersRecorded((), ())
    known = await held_orders(tx, sorted({entry.reference for entry in entries}))
    settling = Settling(tx, entries, now)
    await settling.look_up(known)
    sales: dict[str, Sale] = {reference: one.sale for reference, one in known.items()}
    outcomes: list[Outcome] = []
    currencies: list[str] = []
    for at, entry in enumerate(entries):
        outcome, sale = _taken(settling, at, entry, sales.get(entry.reference), now=now)
        sales[entry.reference] = sale
        outcomes.append(outcome)
        currencies.append(sale.currency)
    faults = broken_coins(
        (amount, currencies[at], ["orders", at, name])
        for at, entry in enumerate(entries)
        # What is outdated changes nothing, and was in a currency that may have been corrected since.
        if outcomes[at] in (Outcome.RECORDED, Outcome.CORRECTED)
        for name, amount in (("amount", entry.amount), ("refunded", entry.refunded))
    )
    if faults:
        raise Several(faults[:MAX_TOLD])
    with refusals():
        fresh = {reference: sale for reference, sale in sales.items() if reference not in known}
        changed = {
            reference: sales[reference] for reference, one in known.items() if one.sale != sales[reference]
        }
        made = await insert_orders(tx, fresh, now=now)
        await update_orders(tx, changed, now=now)
        codes = settling.generated_codes
        moves = [
            Move(reference, None, sale, codes.get(reference)) for reference, sale in sorted(fresh.items())
        ]
        moves += [
            Move(reference, known[reference].sale, sale, codes.get(reference))
            for reference, sale in sorted(changed.items())
        ]
        beyond = await follow(tx, moves, now=now)
    ids = {reference: one.id for reference, one in known.items()} | made
    return OrdersRecorded(tuple(outcomes), tuple(ids[entry.reference] for entry in entries), tuple(beyond))


def _taken(
    settling: Settling, at: int, entry: OrderEntry, known: Sale | None, *, now: datetime
) -> tuple[Outcome, Sale]:
    """What an entry does, and the order after it."""
    version = entry.version or 0
    if known is not None:
        outcome = outcome_of(version, known)
        if outcome is not None:
            return outcome, known
    said = Said(version=version, refunded=entry.refunded, is_cancelled=entry.is_cancelled)
    sale = standing(settling.told(at, known), said, known, now=now)
    if known is None:
        return Outcome.RECORDED, sale
    if sale == replace(known, version=version):
        return Outcome.REPEATED, sale
    return Outcome.CORRECTED, sale


__all__ = ["OrdersRecorded", "record_orders"]
