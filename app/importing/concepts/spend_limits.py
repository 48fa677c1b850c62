"""Spend limits of campaigns, as they are in a system; a record has the campaign's ids as its own."""

from collections.abc import Sequence
from datetime import datetime

from app.db.database import Transaction
from app.domain.spend.operations import bring_in_limit
from app.domain.spend.rules import UNCAPPED, Limit
from app.importing.concepts.campaign_metrics import campaign_of
from app.importing.concepts.singly import one_by_one
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, exact, one_of
from app.tables.spend import SpendLimitRenewal, SpendLimitType

_ANY = "SELECT EXISTS (SELECT FROM spend_limit WHERE group_id = $1 AND campaign_id = $2)"


class SpendLimitWriter:
    """Sets the limits of campaigns, one by one."""

    columns = Columns(
        known=("external_id", "type", "renewal", "amount"),
        also={"id": "external_id", "campaign": "external_id", "campaign_id": "external_id"},
        amounts=frozenset({"amount"}),
    )

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    kind = row.take("type", one_of(SpendLimitType))
    renewal = row.take("renewal", one_of(SpendLimitRenewal))
    amount = row.take("amount", exact)
    row.nothing_left(SpendLimitWriter.columns.known)
    if kind is None:
        kind = SpendLimitType.UNCAPPED if amount is None else SpendLimitType.CAPPED
    limit = UNCAPPED
    if kind is SpendLimitType.CAPPED:
        limit = Limit(type=kind, renewal=renewal, amount=amount)
    campaign_id = await campaign_of(tx, record)
    before = await tx.fetchval(_ANY, tx.scope.group_id, campaign_id)
    if not await bring_in_limit(tx, campaign_id, limit, now=now):
        return Verdict.SAME
    return Verdict.CHANGED if before else Verdict.MADE
