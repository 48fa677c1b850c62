"""Books of another system: what campaigns paid there, balances, lines of its ledger, and whom it rewarded.

A sum comes in as an *opening* entry that says up to when it counts. What is told again, with a later moment and another
sum, is one more opening: of the difference. A line from before that moment is in the sum already, so an opening takes
it out of there again: whichever comes first, a campaign's total and a customer's balance are what the other system
said, and what has happened since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.rewards.booking import held_balances, move_balances
from app.domain.rewards.lots import Account
from app.errors import Conflict, Failure
from app.tables.rewards import RewardEntryKind

_HOLD = (
    "SELECT id, currency FROM campaign WHERE group_id = $1 AND id = ANY ($2) ORDER BY id FOR NO KEY UPDATE"
)
# What came from elsewhere so far: up to the moment asked about, and up to when the newest opening counts.
_PAID_BEFORE = """
SELECT asked.campaign, coalesce(sum(e.amount) FILTER (WHERE coalesce(e.as_of, e.created_at) <= asked.moment), 0)::bigint
         AS known, max(e.as_of) AS opened
  FROM unnest($2::bigint[], $3::timestamptz[]) AS asked (campaign, moment)
  LEFT JOIN reward_entry e ON e.group_id = $1 AND e.campaign_id = asked.campaign AND e.evaluation_id IS NULL
 GROUP BY asked.campaign
"""
_HAD_BEFORE = """
SELECT asked.customer, asked.partner, asked.currency, max(e.as_of) FILTER (WHERE e.balance_change <> 0) AS opened,
       coalesce(sum(e.balance_change) FILTER (WHERE coalesce(e.as_of, e.created_at) <= asked.moment), 0)::bigint
         AS known
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::timestamptz[]) AS asked (customer, partner, currency, moment)
  LEFT JOIN reward_entry e ON e.group_id = $1 AND e.customer_id = asked.customer AND e.partner_id = asked.partner
                          AND e.currency = asked.currency AND e.evaluation_id IS NULL
 GROUP BY asked.customer, asked.partner, asked.currency
"""
_ENTRIES = """
INSERT INTO reward_entry
  (group_id, step, position, kind, campaign_id, customer_id, partner_id, amount, balance_change, currency, as_of,
   created_at, reference)
SELECT $1, nextval(pg_get_serial_sequence('reward_evaluation', 'id')), 0, given.*
  FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[],
              $9::timestamptz[], $10::timestamptz[], $11::text[]) AS given
ON CONFLICT (group_id, reference) DO NOTHING
RETURNING reference
"""
_LINES = """
SELECT reference, kind, campaign_id, customer_id, partner_id, amount, balance_change, currency, created_at
  FROM reward_entry WHERE group_id = $1 AND reference = ANY ($2)
"""
_PAID = """
UPDATE campaign c SET total_rewards = c.total_rewards + given.amount
  FROM unnest($2::bigint[], $3::bigint[]) AS given (campaign, amount)
 WHERE c.group_id = $1 AND c.id = given.campaign
"""
# How often each was rewarded there, in place of what was said of it before.
_REWARDED = """
INSERT INTO reward_participant AS p (group_id, campaign_id, customer_id, rewarded, rewarded_before)
SELECT $1, given.*, given.rewarded FROM unnest($2::bigint[], $3::bigint[], $4::bigint[])
         AS given (campaign, customer, rewarded)
 ORDER BY 2, 3
ON CONFLICT (group_id, campaign_id, customer_id) DO UPDATE
   SET rewarded = p.rewarded + excluded.rewarded_before - p.rewarded_before,
       rewarded_before = excluded.rewarded_before
 WHERE p.rewarded_before <> excluded.rewarded_before
RETURNING campaign_id, customer_id, coalesce(old.rewarded, 0) AS was, new.rewarded AS rewarded
"""
_MORE_PARTICIPANTS = """
UPDATE campaign c
   SET reward_participants = c.reward_participants + given.participants,
       reward_transactions = c.reward_transactions + given.transactions
  FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS given (campaign, participants, transactions)
 WHERE c.group_id = $1 AND c.id = given.campaign
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of another system's ledger."""

    reference: str
    """Its id there, with the system's name."""
    campaign_id: int
    customer_id: int
    partner_id: int
    kind: RewardEntryKind
    amount: int
    """Negative: taken back."""
    balance_change: int
    currency: str
    created_at: datetime

    @property
    def account(self) -> Account:
        """Whose balance it changed."""
        return self.customer_id, self.partner_id, self.currency


async def bring_in_totals(tx: Transaction, totals: Mapping[int, tuple[int, datetime]]) -> dict[int, bool]:
    """What campaigns have paid elsewhere up to a moment: whether that is news."""
    currencies = await _hold(tx, totals)
    asked = {campaign: moment for campaign, (_, moment) in totals.items()}
    news: dict[int, int] = {}
    rows = await tx.fetch(_PAID_BEFORE, tx.scope.group_id, list(asked), list(asked.values()))
    for row in rows:
        campaign = row["campaign"]
        total, moment = totals[campaign]
        # An older answer than the one that is in already tells nothing.
        if (row["opened"] is None or row["opened"] <= moment) and total != row["known"]:
            news[campaign] = total - row["known"]
    await _enter(
        tx,
        [
            ("opening", campaign, None, None, amount, 0, currencies[campaign], asked[campaign], asked[campaign], None)
            for campaign, amount in news.items()
        ],
    )  # fmt: skip
    await _pay(tx, news)
    return {campaign: campaign in news for campaign in totals}


async def bring_in_balances(
    tx: Transaction, balances: Mapping[Account, tuple[int, datetime]]
) -> dict[Account, bool]:
    """What customers have with partners elsewhere at a moment: whether that is news."""
    await _hold_accounts(tx, balances)
    news: dict[Account, int] = {}
    known = await _had(tx, {account: moment for account, (_, moment) in balances.items()})
    for account, (balance, moment) in balances.items():
        before, opened = known[account]
        if (opened is None or opened <= moment) and balance != before:
            news[account] = balance - before
    await _enter(tx, [_opening(account, by, balances[account][1]) for account, by in news.items()])
    await move_balances(tx, news)
    return {account: account in news for account in balances}


async def bring_in_lines(tx: Transaction, lines: Sequence[Line]) -> list[bool | Failure]:
    """Lines of another ledger, each once: whether it is new, or a Conflict where it says something else than before."""
    await _hold(tx, {line.campaign_id for line in lines})
    await _hold_accounts(tx, {line.account for line in lines})
    stored = {
        row["reference"]: tuple(row)
        for row in await tx.fetch(_LINES, tx.scope.group_id, [line.reference for line in lines])
    }
    outcomes: list[bool | Failure] = [_news(line, stored.get(line.reference)) for line in lines]
    new = [line for line, is_new in zip(lines, outcomes, strict=True) if is_new is True]
    await _enter(
        tx,
        [
            (str(line.kind), line.campaign_id, line.customer_id, line.partner_id, line.amount, line.balance_change,
             line.currency, None, line.created_at, line.reference)
            for line in new
        ],
    )  # fmt: skip
    await _pay(tx, await _out_of_totals(tx, new))
    await move_balances(tx, await _out_of_balances(tx, new))
    return outcomes


async def bring_in_participants(
    tx: Transaction, rewarded: Mapping[tuple[int, int], int]
) -> dict[tuple[int, int], bool]:
    """How often campaigns rewarded customers elsewhere, `(campaign, customer)`: whether that is news."""
    await _hold(tx, {campaign for campaign, _ in rewarded})
    with refusals():
        rows = await tx.fetch(
            _REWARDED, tx.scope.group_id, [campaign for campaign, _ in rewarded], [c for _, c in rewarded],
            list(rewarded.values()),
        )  # fmt: skip
    more: dict[int, tuple[int, int]] = {}
    for row in rows:
        participants, transactions = more.get(row["campaign_id"], (0, 0))
        more[row["campaign_id"]] = (
            participants + (row["rewarded"] > 0) - (row["was"] > 0),
            transactions + row["rewarded"] - row["was"],
        )
    with refusals():
        await tx.execute(
            _MORE_PARTICIPANTS, tx.scope.group_id, list(more), [p for p, _ in more.values()],
            [t for _, t in more.values()],
        )  # fmt: skip
    news = {(row["campaign_id"], row["customer_id"]) for row in rows}
    return {key: key in news for key in rewarded}


def _news(line: Line, stored: tuple[Any, ...] | None) -> bool | Failure:
    if stored is None:
        return True
    said = (
        line.reference, str(line.kind), line.campaign_id, line.customer_id, line.partner_id, line.amount,
        line.balance_change, line.currency, line.created_at,
    )  # fmt: skip
    if said == stored:
        return False
    return Conflict(
        "The ledger has this line already, and it says something else; lines are never changed.",
        path=["external_id"],
        code="LINE_DIFFERS",
    )


async def _out_of_totals(tx: Transaction, lines: Sequence[Line]) -> dict[int, int]:
    """What the lines add to the campaigns' totals. Those an opening has in it are taken out of openings."""
    asked = {line.campaign_id: line.created_at for line in lines}
    opened: dict[int, datetime | None] = {
        row["campaign"]: row["opened"]
        for row in await tx.fetch(_PAID_BEFORE, tx.scope.group_id, list(asked), list(asked.values()))
    }
    news: dict[int, int] = {}
    inside: dict[int, int] = {}
    for line in lines:
        moment = opened[line.campaign_id]
        kept = news if moment is None or line.created_at > moment else inside
        kept[line.campaign_id] = kept.get(line.campaign_id, 0) + line.amount
    currencies = {line.campaign_id: line.currency for line in lines}
    await _enter(
        tx,
        [
            ("opening", campaign, None, None, -amount, 0, currencies[campaign], opened[campaign], opened[campaign],
             None)
            for campaign, amount in inside.items()
            if amount
        ],
    )  # fmt: skip
    return news


async def _out_of_balances(tx: Transaction, lines: Sequence[Line]) -> dict[Account, int]:
    """The same for balances."""
    known = await _had(tx, {line.account: line.created_at for line in lines})
    news: dict[Account, int] = {}
    inside: dict[Account, int] = {}
    for line in lines:
        opened = known[line.account][1]
        kept = news if opened is None or line.created_at > opened else inside
        kept[line.account] = kept.get(line.account, 0) + line.balance_change
    await _enter(
        tx,
        [
            _opening(account, -by, opened)
            for account, by in inside.items()
            if by and (opened := known[account][1]) is not None
        ],
    )
    return {account: by for account, by in news.items() if by}


def _opening(account: Account, by: int, moment: datetime) -> tuple[Any, ...]:
    customer, partner, currency = account
    return ("opening", None, customer, partner, 0, by, currency, moment, moment, None)


async def _had(
    tx: Transaction, asked: Mapping[Account, datetime]
) -> dict[Account, tuple[int, datetime | None]]:
    """What is known of these accounts from elsewhere up to a moment, and up to when their newest opening counts."""
    rows = await tx.fetch(
        _HAD_BEFORE, tx.scope.group_id, *_accounts(asked), list(asked.values()),
    )  # fmt: skip
    return {(row["customer"], row["partner"], row["currency"]): (row["known"], row["opened"]) for row in rows}


async def _hold(tx: Transaction, campaigns: Iterable[int]) -> dict[int, str]:
    """Hold the campaigns' rows until COMMIT, like everybody who changes their books; their currencies."""
    rows = await tx.fetch(_HOLD, tx.scope.group_id, sorted(set(campaigns)))
    return {row["id"]: row["currency"] for row in rows}


async def _hold_accounts(tx: Transaction, accounts: Iterable[Account]) -> None:
    with refusals():
        await held_balances(tx, set(accounts))


def _accounts(accounts: Iterable[Account]) -> list[list[Any]]:
    listed = list(accounts)
    return [[account[at] for account in listed] for at in range(3)]


async def _pay(tx: Transaction, amounts: Mapping[int, int]) -> None:
    if amounts:
        with refusals():
            await tx.execute(_PAID, tx.scope.group_id, list(amounts), list(amounts.values()))


async def _enter(tx: Transaction, entries: Sequence[tuple[Any, ...]]) -> None:
    if entries:
        with refusals():
            await tx.fetch(
                _ENTRIES, tx.scope.group_id, *(list(column) for column in zip(*entries, strict=True))
            )


__all__ = [
    "Account",
    "Line",
    "bring_in_balances",
    "bring_in_lines",
    "bring_in_participants",
    "bring_in_totals",
]
