"""Writing decisions: evaluations, the ledger, the campaigns' counts, balances.

No statement here exceeds a limit, whoever else writes at the same moment: their conditions are the whole rule.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.rewards.attributes import Facts
from app.domain.rewards.judging import Decision, balance_sign
from app.domain.rewards.lots import Account, NewLot, make_lots, use
from app.domain.rewards.occurrences import Occurrence
from app.domain.rewards.reading import Running
from app.errors import Conflict
from app.values.json_text import write_json

_STEP = "nextval(pg_get_serial_sequence('reward_evaluation', 'id'))"
# Ids are drawn while the campaigns are locked: their order is the order in which evaluations counted.
_EVALUATED = f"""
INSERT INTO reward_evaluation
  (group_id, id, campaign_id, event_id, customer_id, reference, trigger_code, custom_trigger_id, occurred_at, version,
   inputs, trace, outcome, wanted, amount, currency, revision, reevaluation_id, created_at)
SELECT $1, {_STEP}, given.*, $2
  FROM unnest($3::bigint[], $4::uuid[], $5::bigint[], $6::text[], $7::int[], $8::bigint[], $9::timestamptz[],
              $10::int[], $11::json[], $12::json[], $13::text[], $14::bigint[], $15::bigint[], $16::text[], $17::int[],
              $18::bigint[]) AS given
RETURNING id, event_id, campaign_id
"""
_ENTRIES = """
INSERT INTO reward_entry
  (group_id, campaign_id, evaluation_id, customer_id, partner_id, kind, step, position, flow, action, amount,
   balance_change, pending_change, available_at, expires_at, currency, created_at)
SELECT $1, given.*, $2
  FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::int[],
              $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::timestamptz[],
              $16::timestamptz[], $17::text[]) AS given
"""
# The whole rule once more, on the row itself: the configuration is the one judged, and no limit is exceeded.
_PAID = """
UPDATE campaign
   SET total_rewards = total_rewards + $3, reward_participants = reward_participants + $4,
       reward_transactions = reward_transactions + $5, reward_revenue = reward_revenue + $6
 WHERE group_id = $1 AND id = $2 AND reward_version = $7 AND deleted_at IS NULL
   AND total_rewards + $3 <= $8 AND reward_participants + $4 <= $9
   AND reward_transactions + $5 <= $10 AND reward_revenue + $6 <= $11
"""
_PARTICIPATED = """
INSERT INTO reward_participant AS p (group_id, campaign_id, customer_id, rewarded)
SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (group_id, campaign_id, customer_id) DO UPDATE SET rewarded = p.rewarded + excluded.rewarded
"""
# Everybody locks accounts, and makes missing ones, in the same order.
_HOLD = """
INSERT INTO reward_balance AS b (group_id, customer_id, partner_id, currency, balance)
SELECT $1, given.*, 0 FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS given (customer, partner, currency)
 ORDER BY given.customer, given.partner, given.currency
ON CONFLICT (group_id, customer_id, partner_id, currency) DO UPDATE SET balance = b.balance
RETURNING customer_id, partner_id, currency, balance
"""
_GIVE = """
INSERT INTO reward_balance AS b (group_id, customer_id, partner_id, currency, balance)
SELECT $1, given.*
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) AS given (customer, partner, currency, amount)
 ORDER BY given.customer, given.partner, given.currency
ON CONFLICT (group_id, customer_id, partner_id, currency) DO UPDATE SET balance = b.balance + excluded.balance
"""
# Without `$6`, no balance falls below zero.
_TAKE = """
UPDATE reward_balance SET balance = balance - $5, may_owe = may_owe OR $6
 WHERE group_id = $1 AND customer_id = $2 AND partner_id = $3 AND currency = $4 AND (balance >= $5 OR $6)
"""


@dataclass(slots=True)
class Judged:
    """One event in one campaign, decided."""

    running: Running
    given: Occurrence
    event_id: UUID
    facts: Facts
    decision: Decision
    revision: int = 1
    reevaluation_id: int | None = None
    """What made it be judged again."""


async def hold(tx: Transaction, accounts: set[Account], running: Mapping[int, Running]) -> None:
    """Lock these accounts, and read their balances into the books."""
    for (customer, partner, currency), balance in (await held_balances(tx, accounts)).items():
        for one in running.values():
            if one.programme.currency == currency:
                one.books.balances[customer, partner] = balance


async def held_balances(tx: Transaction, accounts: set[Account]) -> dict[Account, int]:
    """Lock these accounts until COMMIT; what is on them."""
    if not accounts:
        return {}
    customers, partners, currencies = (list(column) for column in zip(*accounts, strict=True))
    rows = await tx.fetch(_HOLD, tx.scope.group_id, customers, partners, currencies)
    return {(row["customer_id"], row["partner_id"], row["currency"]): row["balance"] for row in rows}


async def write_judged(
    tx: Transaction,
    judged: Sequence[Judged],
    *,
    now: datetime,
    besides: Mapping[Account, int] | None = None,
    may_owe: bool = False,
) -> dict[tuple[UUID, int], int]:
    """The evaluations' ids by event and campaign. `besides`: what balances are to be moved by as well, by undoing."""
    group = tx.scope.group_id
    rows = await tx.fetch(_EVALUATED, group, now, *_columns([_evaluation(one) for one in judged], 16))
    made = {(row["event_id"], row["campaign_id"]): row["id"] for row in rows}
    entries: list[tuple[Any, ...]] = []
    lots: list[NewLot] = []
    moved: dict[Account, int] = dict(besides or {})
    used: dict[Account, int] = {}
    for one in judged:
        programme, customer = one.running.programme, one.given.customer_id
        ident, sign = made[one.event_id, programme.campaign_id], balance_sign(programme)
        dates = None if sign < 0 else one.running.dates(one.given.occurred_at, now=now)
        kind = "redemption" if sign < 0 else "payment"
        waits = dates is not None and dates.available_at is not None
        for at, line in enumerate(one.decision.lines):
            at_once = 0 if waits else sign * line.amount
            entries.append(
                (programme.campaign_id, ident, customer, line.partner_id, "pending" if waits else kind, ident, at,
                 line.flow_id, line.action_id, line.amount, at_once, line.amount if waits else 0,
                 dates and dates.available_at, dates and dates.expires_at, programme.currency)
            )  # fmt: skip
            account = (customer, line.partner_id, programme.currency)
            moved[account] = moved.get(account, 0) + at_once
            if at_once < 0:
                used.setdefault(account, min(0, -(besides or {}).get(account, 0)))
                used[account] -= at_once
            if dates is not None:
                lots.append(NewLot(ident, at, account, line.amount, dates))
    if entries:
        await tx.execute(_ENTRIES, group, now, *_columns(entries, 15))
        await _count(tx, judged)
    # What undoing takes is off its lots already, and what it gives back is not used a second time.
    await move_balances(tx, moved, may_owe=may_owe, used=used)
    await make_lots(tx, lots, now=now)
    return made


async def _count(tx: Transaction, judged: Sequence[Judged]) -> None:
    """Add what was paid to the campaigns' counts, and who was paid to their participants."""
    paid = [one for one in judged if one.decision.amount]
    for running in {one.running.programme.campaign_id: one.running for one in paid}.values():
        await _add(tx, running)
    took_part = Counter((one.running.programme.campaign_id, one.given.customer_id) for one in paid)
    keys = sorted(took_part)
    await tx.execute(
        _PARTICIPATED,
        tx.scope.group_id,
        [campaign for campaign, _ in keys],
        [customer for _, customer in keys],
        [took_part[key] for key in keys],
    )


async def _add(tx: Transaction, running: Running) -> None:
    """Change the campaign's counts from what was read to what the books say now."""
    programme, books, before = running.programme, running.books, running.row
    limits = programme.limits
    done = await tx.execute(
        _PAID,
        tx.scope.group_id,
        programme.campaign_id,
        books.paid - before["total_rewards"],
        books.participants - before["reward_participants"],
        books.transactions - before["reward_transactions"],
        books.revenue - before["reward_revenue"],
        programme.version,
        limits.rewards,
        limits.participants,
        limits.transactions,
        limits.revenue,
    )
    if not done:
        raise Conflict(
            "The campaign changed at the same moment; try again.",
            path=["campaignId"],
            code="CAMPAIGN_CHANGED",
        )


async def move_balances(
    tx: Transaction,
    moved: Mapping[Account, int],
    *,
    may_owe: bool = False,
    used: Mapping[Account, int] | None = None,
) -> None:
    """Add these amounts to accounts; Conflict where one would fall below zero, unless it may.

    `used`: how much of what is taken comes off their lots; all of it unless said.
    """
    for (customer, partner, currency), amount in sorted(moved.items()):
        if amount >= 0:
            continue
        if await tx.execute(_TAKE, tx.scope.group_id, customer, partner, currency, -amount, may_owe):
            off_lots = -amount if used is None else used.get((customer, partner, currency), 0)
            if off_lots > 0:
                await use(tx, (customer, partner, currency), off_lots)
        else:
            raise Conflict(
                "The customer has less than this would take back; part of it was redeemed.",
                code="BALANCE_SPENT",
            )
    given = sorted((account, amount) for account, amount in moved.items() if amount > 0)
    if given:
        with refusals():
            await tx.execute(
                _GIVE,
                tx.scope.group_id,
                [account[0] for account, _ in given],
                [account[1] for account, _ in given],
                [account[2] for account, _ in given],
                [amount for _, amount in given],
            )


def _evaluation(one: Judged) -> tuple[Any, ...]:
    programme, given, decision = one.running.programme, one.given, one.decision
    return (
        programme.campaign_id, one.event_id, given.customer_id, given.reference, given.trigger_code,
        given.custom_trigger_id, given.occurred_at, programme.version, write_json(one.facts).decode(),
        write_json(decision.trace).decode(), decision.outcome.value, decision.wanted, decision.amount,
        programme.currency, one.revision, one.reevaluation_id,
    )  # fmt: skip


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [[row[n] for row in rows] for n in range(width)]
