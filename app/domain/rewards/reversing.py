"""Taking a reward back, wholly or in part, and giving it again: lines of the ledger undo as much; nothing is deleted.

How much shall be taken back is said counting what was taken back before, so that saying it again changes nothing.
What of the payment has expired already is taken by the line that says so, and nobody pays for it a second time. Then
comes what is left of it, and last what the customer has spent, as the programme says: below zero, or not at all. What
was not there is kept as the difference between what was asked back and what was taken.

What somebody asked back stays taken back. What was taken back since less was left of an order is given again where more
is left of it than that, as far as the campaign's limits have room by then; what of it had expired stays so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.rewards.booking import held_balances, move_balances
from app.domain.rewards.judging import shared
from app.domain.rewards.lots import Account, cancel, fill_again, lessen_pending, move_pending, take_own, use
from app.domain.rewards.programme import Goal, limits_of
from app.errors import Invalid, NotFound
from app.tables.campaigns import NegativeBalance
from app.tables.rewards import RewardEntryKind
from app.values.ids import show_id
from app.values.numbers import MAX_SAFE_INTEGER

# The campaign's row first, like everybody who changes its books.
_LOCK = f"""
SELECT campaign.id FROM campaign
 WHERE {CAMPAIGN_BORDERS}
   AND campaign.id = (SELECT campaign_id FROM reward_evaluation WHERE group_id = $1 AND id = $4)
   FOR NO KEY UPDATE
"""
_PAID = """
SELECT v.customer_id, v.campaign_id, v.amount, v.taken_back, v.asked_back, v.asked_by_hand, v.reversed_at, v.currency,
       v.inputs::jsonb #>> '{transaction,amount}' AS revenue, c.negative_balance
  FROM reward_evaluation v JOIN campaign c ON c.group_id = $1 AND c.id = v.campaign_id
 WHERE v.group_id = $1 AND v.id = $2
"""
# What each line paid, and what of it is left to be taken back. A payment's own step is its evaluation's id.
_LINES = """
SELECT e.position, e.partner_id,
       sign(sum(e.balance_change + e.pending_change) FILTER (WHERE e.step = $2))::int AS sign,
       sum(e.amount)::bigint AS remaining, sum(e.amount) FILTER (WHERE e.step = $2)::bigint AS amount,
       (SELECT l.released_at IS NULL FROM reward_lot l
         WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = e.position) AS is_waiting,
       coalesce((SELECT l.remaining FROM reward_lot l
                  WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = e.position
                    AND l.released_at IS NULL), 0) AS waiting,
       coalesce((SELECT l.remaining FROM reward_lot l
                  WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = e.position
                    AND l.released_at IS NOT NULL AND l.expires_at IS NOT NULL), 0) AS still_there,
       coalesce(sum(-e.balance_change) FILTER (WHERE e.kind = 'expiry'), 0)::bigint AS expired,
       -- What reversals took of that, less what was given of it again.
       coalesce(sum(-e.amount + e.balance_change + e.pending_change)
                  FILTER (WHERE e.kind IN ('reversal', 'restoration')), 0)::bigint AS taken_expired
  FROM reward_entry e WHERE e.group_id = $1 AND e.evaluation_id = $2
 GROUP BY e.position, e.partner_id ORDER BY e.position
"""
_LINE = """
WITH next AS MATERIALIZED (SELECT nextval(pg_get_serial_sequence('reward_evaluation', 'id')) AS step)
INSERT INTO reward_entry
  (group_id, campaign_id, evaluation_id, customer_id, partner_id, kind, step, position, flow, action, amount,
   balance_change, pending_change, currency, created_at)
SELECT e.group_id, e.campaign_id, e.evaluation_id, e.customer_id, e.partner_id, $8::text, next.step, e.position,
       e.flow, e.action, given.amount, given.balance_change, given.pending_change, e.currency, $3
  FROM unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
         AS given (position, amount, balance_change, pending_change)
  JOIN reward_entry e ON e.group_id = $1 AND e.evaluation_id = $2 AND e.position = given.position AND e.step = $2
 CROSS JOIN next
"""
_NOTED = """
UPDATE reward_evaluation
   SET taken_back = taken_back + $3, asked_back = $4,
       reversed_at = CASE WHEN $4 = amount THEN coalesce(reversed_at, $5) ELSE reversed_at END
 WHERE group_id = $1 AND id = $2 AND asked_back <= $4
RETURNING old.reversed_at IS NULL AND new.reversed_at IS NOT NULL AS is_whole
"""
_ASKED_BY_HAND = """
UPDATE reward_evaluation SET asked_by_hand = greatest(asked_by_hand, least($3, amount)) WHERE group_id = $1 AND id = $2
"""
_NOTED_AGAIN = """
UPDATE reward_evaluation
   SET taken_back = taken_back - $3, asked_back = greatest($4, taken_back - $3),
       reversed_at = CASE WHEN greatest($4, taken_back - $3) < amount THEN NULL ELSE reversed_at END
 WHERE group_id = $1 AND id = $2
RETURNING old.reversed_at IS NOT NULL AND new.reversed_at IS NULL AS counts_again
"""
# What room the campaign's limits have. Whether the customer takes part anyhow.
_ROOM = """
SELECT c.total_rewards, c.reward_participants, c.reward_transactions, c.reward_revenue,
       coalesce((SELECT p.rewarded > 0 FROM reward_participant p
                  WHERE p.group_id = $1 AND p.campaign_id = $2 AND p.customer_id = $3), false) AS takes_part,
       (SELECT json_agg(json_build_array(g.id, g.type_code, g.operator_code, g.value)) FROM goal g
         WHERE g.group_id = $1 AND g.campaign_id = $2)::text AS goals
  FROM campaign c WHERE c.group_id = $1 AND c.id = $2
"""
_OFTENER = """
UPDATE reward_participant SET rewarded = rewarded + 1
 WHERE group_id = $1 AND campaign_id = $2 AND customer_id = $3
RETURNING rewarded
"""
_LESS_OFTEN = """
UPDATE reward_participant SET rewarded = rewarded - 1
 WHERE group_id = $1 AND campaign_id = $2 AND customer_id = $3
RETURNING rewarded
"""
_LESS = """
UPDATE campaign
   SET total_rewards = total_rewards - $3, reward_participants = reward_participants - $4,
       reward_transactions = reward_transactions - $5, reward_revenue = reward_revenue - $6
 WHERE group_id = $1 AND id = $2
"""


@dataclass(slots=True)
class _Line:
    position: int
    account: Account
    sign: int
    amount: int
    """What it paid."""
    remaining: int
    """That, less what was taken back."""
    waiting: int
    """How much of that cannot be used yet."""
    waits: bool
    """What is given again cannot be used yet, either."""
    still_there: int
    """How much of it can be used and will expire."""
    expired: int
    """How much of it has expired and was not taken back."""
    taken_expired: int
    """How much of what was taken back had expired."""


async def reverse(tx: Transaction, evaluation_id: int, *, in_all: int | None = None, now: datetime) -> int:
    """Take back what an evaluation paid, or of it as much as `in_all`; its id. Twice is once.

    Where the programme forbids balances below zero, no more than the customer has: asking again later takes what there
    is by then.
    """
    campaign = await tx.fetchval(_LOCK, *borders(tx.scope), evaluation_id)
    if campaign is None:
        raise NotFound("evaluation", show_id("reward", evaluation_id), path=["id"])
    if in_all is not None:
        inputs.count(in_all, ["inAll"])
        paid = await tx.fetchval(
            "SELECT amount FROM reward_evaluation WHERE group_id = $1 AND id = $2",
            tx.scope.group_id, evaluation_id,
        )  # fmt: skip
        if in_all > paid:
            raise Invalid(f"It paid {paid}; more cannot be taken back.", path=["inAll"], code="TOO_MUCH")
    moved, may_owe = await undo(tx, evaluation_id, campaign, in_all=in_all, now=now)
    await move_balances(tx, moved, may_owe=may_owe, used={})
    await tx.execute(
        _ASKED_BY_HAND, tx.scope.group_id, evaluation_id, MAX_SAFE_INTEGER if in_all is None else in_all
    )
    return evaluation_id


async def follow_sale(
    tx: Transaction, evaluation_id: int, campaign: int, *, in_all: int, now: datetime
) -> None:
    """So much is to be taken back in all, by what is left of the sale: take it back, or give again what is too much.

    For somebody who holds the campaign and may.
    """
    row: Any = await tx.fetchrow(_PAID, tx.scope.group_id, evaluation_id)
    asked = max(in_all, row["asked_by_hand"])
    if asked < row["asked_back"]:
        await _give_again(tx, evaluation_id, campaign, row, asked, now=now)
        return
    moved, may_owe = await undo(tx, evaluation_id, campaign, in_all=asked, now=now)
    await move_balances(tx, moved, may_owe=may_owe, used={})


async def undo(
    tx: Transaction,
    evaluation_id: int,
    campaign: int,
    *,
    in_all: int | None = None,
    whole: bool = False,
    now: datetime,
) -> tuple[dict[Account, int], bool]:
    """The same without moving balances: by how much they are to be moved, and whether they may fall below zero.

    The lots are settled here: its own first, then those that expire first.

    `whole`: all of it, also where the customer has less; whoever asks gives something in its place.
    """
    group = tx.scope.group_id
    moved: dict[Account, int] = {}
    row: Any = await tx.fetchrow(_PAID, group, evaluation_id)
    if row is None or row["amount"] == 0:
        return moved, False
    may_owe = row["negative_balance"] == NegativeBalance.ALLOWED
    # Less than was asked back is not given again here.
    asked = max(row["amount"] if in_all is None else min(in_all, row["amount"]), row["asked_back"])
    if asked == row["taken_back"] and asked == row["asked_back"]:
        return moved, may_owe
    lines = [line for line in await _lines(tx, evaluation_id, row) if line.remaining > 0]
    has = await held_balances(tx, {line.account for line in lines if line.sign > 0})
    if any(line.waiting or line.still_there for line in lines):
        # Some of it may have been released, used or expired until they were held.
        lines = [line for line in await _lines(tx, evaluation_id, row) if line.remaining > 0]
    shares = shared(asked - row["taken_back"], [line.remaining for line in lines])
    taken = list(shares) if may_owe or whole else _within(lines, shares, has)
    # What waits is taken first: the customer never had it.
    waited = [min(amount, line.waiting) for line, amount in zip(lines, taken, strict=True)]
    pending: dict[Account, int] = {}
    # What has expired is not there any more, and is not taken from what is.
    had = [
        amount - part - min(amount - part, line.expired)
        for line, amount, part in zip(lines, taken, waited, strict=True)
    ]
    own: dict[int, int] = {}
    others: dict[Account, int] = {}
    for line, amount, part in zip(lines, had, waited, strict=True):
        if amount:
            moved[line.account] = moved.get(line.account, 0) - line.sign * amount
        if part:
            pending[line.account] = pending.get(line.account, 0) - part
        if line.sign > 0:
            own[line.position] = min(amount, line.still_there)
            others[line.account] = others.get(line.account, 0) + amount - own[line.position]
    await take_own(tx, evaluation_id, {position: n for position, n in own.items() if n})
    for account in sorted(others):
        if others[account]:
            await use(tx, account, others[account])
    await cancel(tx, evaluation_id, {line.position: n for line, n in zip(lines, waited, strict=True) if n})
    await lessen_pending(tx, pending)
    booked = [one for one in zip(lines, taken, had, waited, strict=True) if one[1]]
    await tx.execute(
        _LINE, group, evaluation_id, now, [line.position for line, _, _, _ in booked],
        [-n for _, n, _, _ in booked], [-line.sign * amount for line, _, amount, _ in booked],
        [-part for _, _, _, part in booked], RewardEntryKind.REVERSAL.value,
    )  # fmt: skip
    is_whole = await tx.fetchval(_NOTED, group, evaluation_id, sum(taken), asked, now)
    left: int | None = None
    revenue = 0
    if is_whole:
        left = await tx.fetchval(_LESS_OFTEN, group, campaign, row["customer_id"])
        revenue = int(row["revenue"]) if (row["revenue"] or "").isdigit() else 0
    await tx.execute(_LESS, group, campaign, sum(taken), int(left == 0), int(is_whole or 0), revenue)
    return moved, may_owe


async def _give_again(
    tx: Transaction, evaluation_id: int, campaign: int, row: Any, asked: int, *, now: datetime
) -> None:
    """Of what was taken back, only `asked` is to be: give the rest again."""
    group, customer = tx.scope.group_id, row["customer_id"]
    revenue = int(row["revenue"]) if (row["revenue"] or "").isdigit() else 0
    room = await _room(tx, campaign, row, revenue=revenue)
    if room < 0:
        return
    lines = await _lines(tx, evaluation_id, row)
    has = await held_balances(tx, {line.account for line in lines})
    lines = await _lines(tx, evaluation_id, row)  # As they are while nobody can release them.
    due = min(max(0, row["taken_back"] - asked), room)
    given = shared(due, [line.amount - line.remaining for line in lines])
    for at, line in enumerate(lines):
        if line.sign < 0:  # A redemption again, as far as there is something.
            given[at] = min(given[at], max(0, has[line.account]))
            has[line.account] -= given[at]
    moved: dict[Account, int] = {}
    pending: dict[Account, int] = {}
    # First what was really taken, then what had expired by then, and comes back to nobody.
    booked = [
        (line, n, min(n, line.amount - line.remaining - (line.taken_expired if line.sign > 0 else 0)))
        for line, n in zip(lines, given, strict=True)
        if n
    ]
    for line, _, back in booked:
        side = pending if line.waits else moved
        side[line.account] = side.get(line.account, 0) + line.sign * back
    await fill_again(tx, evaluation_id, {line.position: back for line, _, back in booked if back})
    await move_pending(tx, pending)
    await move_balances(tx, moved)
    await tx.execute(
        _LINE, group, evaluation_id, now, [line.position for line, _, _ in booked],
        [n for _, n, _ in booked], [0 if line.waits else line.sign * back for line, _, back in booked],
        [back if line.waits else 0 for line, _, back in booked], RewardEntryKind.RESTORATION.value,
    )  # fmt: skip
    counts_again = await tx.fetchval(_NOTED_AGAIN, group, evaluation_id, sum(given), asked)
    times = await tx.fetchval(_OFTENER, group, campaign, customer) if counts_again else 0
    await tx.execute(
        _LESS, group, campaign, -sum(given), -int(times == 1), -int(counts_again),
        -revenue if counts_again else 0,
    )  # fmt: skip


async def _room(tx: Transaction, campaign: int, row: Any, *, revenue: int) -> int:
    """How much the campaign can still pay; negative: it cannot count this one again."""
    now: Any = await tx.fetchrow(_ROOM, tx.scope.group_id, campaign, row["customer_id"])
    limits = limits_of([Goal(*goal) for goal in msgspec.json.decode(now["goals"] or "[]")])
    if row["reversed_at"] is not None and (
        now["reward_transactions"] + 1 > limits.transactions
        or now["reward_revenue"] + revenue > limits.revenue
        or (not now["takes_part"] and now["reward_participants"] + 1 > limits.participants)
    ):
        return -1
    return max(0, limits.rewards - int(now["total_rewards"]))


async def _lines(tx: Transaction, evaluation_id: int, row: Any) -> list[_Line]:
    rows = await tx.fetch(_LINES, tx.scope.group_id, evaluation_id)
    return [
        _Line(
            line["position"],
            (row["customer_id"], line["partner_id"], row["currency"]),
            line["sign"],
            line["amount"],
            line["remaining"],
            line["waiting"],
            bool(line["is_waiting"]),
            line["still_there"],
            max(0, line["expired"] - line["taken_expired"]),
            line["taken_expired"],
        )
        for line in rows
    ]


def _within(lines: Sequence[_Line], shares: Sequence[int], has: dict[Account, int]) -> list[int]:
    """What of the shares can be taken: what was redeemed is always given back, what was earned may be spent."""
    taken: list[int] = []
    for line, share in zip(lines, shares, strict=True):
        amount = share
        if line.sign > 0:
            free = line.waiting + line.expired
            amount = min(share, free + max(0, has[line.account]))
            has[line.account] -= max(0, amount - free)
        taken.append(amount)
    return taken
