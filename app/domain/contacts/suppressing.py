"""What people of the group say about writing to somebody: a customer's consent, an address that is blocked."""

from datetime import datetime

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.contacts.saying import hold, record, say, settle
from app.domain.contacts.statements import GRAPH, MAX_DETAIL, MAX_LIST, Said, address_of
from app.domain.days import edge, zone_where
from app.domain.groups.regions import regions_of
from app.domain.heirs import heir_of
from app.errors import Invalid, NotFound
from app.tables.contacts import ContactChannel, StatementKind
from app.values.instants import DayAlone

_THERE = f"""
SELECT true FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = $4 AND customer.deleted_at IS NULL
"""


async def set_consent(
    tx: Transaction,
    customer_id: int,
    channel: ContactChannel,
    *,
    agrees: bool,
    list: str | None = None,
    at: datetime | None = None,
    reason: str | None = None,
    now: datetime,
) -> int:
    """Note that a customer agreed or refused, at a moment; the id of who it is now. What was said later stands."""
    customer_id = await heir_of(tx, customer_id)
    held = await hold(tx, [customer_id])
    if not held or await tx.fetchval(_THERE, *borders(tx.scope), customer_id) is None:
        raise NotFound("customer", customer_id, path=["customerId"])
    said = Said(
        channel=channel,
        kind=StatementKind.OPTED_IN if agrees else StatementKind.OPTED_OUT,
        source=GRAPH,
        at=await _moment(tx, at, now=now),
        customer_id=customer_id,
        list=_list(list),
        detail=_reason(reason),
    )
    await record(tx, [said], now=now)
    await settle(tx, held, now=now)
    return customer_id


async def set_suppressed(
    tx: Transaction,
    channel: ContactChannel,
    address: str,
    *,
    suppressed: bool,
    list: str | None = None,
    at: datetime | None = None,
    reason: str | None = None,
    now: datetime,
) -> int:
    """Block an address, whoever has it or will, or take back what was said of it; the statement's id.

    Taking back lifts blocks, bounces and the like; what a person said stands.
    """
    try:
        text, regions = inputs.text(address, ["address"], longest=320, blank=False), await regions_of(tx, ())
        key = address_of(channel, text, regions[None])
    except ValueError as why:
        raise Invalid(f"`address` {why}.", path=["address"]) from None
    if channel is not ContactChannel.EMAIL and not key.startswith("+"):
        raise Invalid("`address` must name its country, like +33612345678.", path=["address"])
    said = Said(
        channel=channel,
        kind=StatementKind.BLOCKED if suppressed else StatementKind.UNBLOCKED,
        source=GRAPH,
        at=await _moment(tx, at, now=now),
        address=key,
        list=_list(list),
        detail=_reason(reason),
    )
    return (await say(tx, [said], now=now))[0]


async def _moment(tx: Transaction, at: datetime | None, *, now: datetime) -> datetime:
    """Never later than now. A day alone is its first moment, in the group's zone."""
    if isinstance(at, DayAlone):
        at = edge(at, await zone_where(tx), ["at"], ends=False)
    if at is not None:
        inputs.moment(at, ["at"])
    return now if at is None else min(at, now)


def _list(text: str | None) -> str:
    return "" if text is None else inputs.text(text.strip(), ["list"], longest=MAX_LIST)


def _reason(text: str | None) -> str | None:
    return None if text is None else inputs.text(text, ["reason"], longest=MAX_DETAIL) or None


__all__ = ["set_consent", "set_suppressed"]
