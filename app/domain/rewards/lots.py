"""Points with dates: those that wait become usable, and those that expire are taken off, each by a line of the ledger.

A lot is what is left of one payment that waits or expires. What customers use is taken from what expires first; what
is taken back, from its own lot before that. Every change of a lot happens under the lock of its account, and on a
condition in its statement: however many book what is due, and however late, each is booked once.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.rewards.dates import PointDates

Account = tuple[int, int, str]
"""A customer's with a partner, in a currency."""
ACCOUNTS_AT_ONCE = 200

_MAKE = """
INSERT INTO reward_lot
  (group_id, evaluation_id, position, customer_id, partner_id, currency, remaining, available_at, released_at,
   expires_at, created_at)
SELECT $1, given.*, $2
  FROM unnest($3::bigint[], $4::int[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], $9::timestamptz[],
              $10::timestamptz[], $11::timestamptz[]) AS given
"""
_WAIT = """
INSERT INTO reward_balance AS b (group_id, customer_id, partner_id, currency, balance, pending)
SELECT $1, given.customer, given.partner, given.currency, 0, given.amount
  FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::bigint[]) AS given (customer, partner, currency, amount)
 ORDER BY given.customer, given.partner, given.currency
ON CONFLICT (group_id, customer_id, partner_id, currency) DO UPDATE SET pending = b.pending + excluded.pending
"""
_LESSEN = """
UPDATE reward_balance SET pending = pending + $5
 WHERE group_id = $1 AND customer_id = $2 AND partner_id = $3 AND currency = $4
"""
_CANCEL = """
UPDATE reward_lot l SET remaining = l.remaining - given.amount
  FROM unnest($3::int[], $4::bigint[]) AS given (position, amount)
 WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = given.position AND l.released_at IS NULL
"""
_FILL = """
UPDATE reward_lot l SET remaining = l.remaining + given.amount
  FROM unnest($3::int[], $4::bigint[]) AS given (position, amount)
 WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = given.position
"""
_TAKE_OWN = """
UPDATE reward_lot l SET remaining = l.remaining - given.amount
  FROM unnest($3::int[], $4::bigint[]) AS given (position, amount)
 WHERE l.group_id = $1 AND l.evaluation_id = $2 AND l.position = given.position AND l.released_at IS NOT NULL
"""
# What expires first is used first; what no lot is left of does not expire.
_USE = """
WITH open AS (
  SELECT l.id, l.remaining, sum(l.remaining) OVER (ORDER BY l.expires_at, l.id) - l.remaining AS before
    FROM reward_lot l
   WHERE l.group_id = $1 AND l.customer_id = $2 AND l.partner_id = $3 AND l.currency = $4
     AND l.released_at IS NOT NULL AND l.expires_at IS NOT NULL AND l.remaining > 0)
UPDATE reward_lot l SET remaining = l.remaining - least(open.remaining, $5::bigint - open.before)
  FROM open WHERE l.group_id = $1 AND l.id = open.id AND open.before < $5::bigint
"""
_DUE = "(l.released_at IS NULL AND l.available_at <= $2 OR l.released_at IS NOT NULL AND l.expires_at <= $2)"
_ACCOUNTS = f"""
SELECT DISTINCT l.customer_id, l.partner_id, l.currency FROM reward_lot l
 WHERE l.group_id = $1 AND l.remaining > 0 AND {_DUE}
   AND ($3::bigint[] IS NULL OR l.customer_id = ANY ($3))
 ORDER BY l.customer_id, l.partner_id, l.currency LIMIT $4
"""
_HOLD = """
SELECT b.id FROM reward_balance b
  JOIN unnest($2::bigint[], $3::bigint[], $4::text[]) AS a (customer, partner, currency)
    ON b.customer_id = a.customer AND b.partner_id = a.partner AND b.currency = a.currency
 WHERE b.group_id = $1 ORDER BY b.customer_id, b.partner_id, b.currency FOR NO KEY UPDATE OF b
"""
_OF = """
  FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS a (customer, partner, currency)
 WHERE l.group_id = $1 AND l.customer_id = a.customer AND l.partner_id = a.partner AND l.currency = a.currency
"""
_LINE = """
INSERT INTO reward_entry
  (group_id, campaign_id, evaluation_id, customer_id, partner_id, kind, step, position, flow, action, amount,
   balance_change, pending_change, available_at, expires_at, currency, created_at)
SELECT e.group_id, e.campaign_id, e.evaluation_id, e.customer_id, e.partner_id, '{kind}',
       nextval(pg_get_serial_sequence('reward_evaluation', 'id')), e.position, e.flow, e.action, 0, {changes},
       due.available_at, due.expires_at, e.currency, $2
  FROM due JOIN reward_entry e ON e.group_id = $1 AND e.evaluation_id = due.evaluation_id
   AND e.position = due.position AND e.step = e.evaluation_id
 WHERE due.amount > 0
"""
_SUMS = "SELECT customer_id, partner_id, currency, sum(amount)::bigint AS amount FROM due GROUP BY 1, 2, 3"
_RELEASE = f"""
WITH due AS (
  UPDATE reward_lot l SET released_at = l.available_at {_OF}
     AND l.released_at IS NULL AND l.available_at <= $2 AND l.remaining > 0
  RETURNING l.evaluation_id, l.position, l.customer_id, l.partner_id, l.currency, l.remaining AS amount,
            l.available_at, l.expires_at),
lines AS ({_LINE.format(kind="release", changes="due.amount, -due.amount")})
UPDATE reward_balance b SET balance = b.balance + s.amount, pending = b.pending - s.amount
  FROM ({_SUMS}) s
 WHERE b.group_id = $1 AND b.customer_id = s.customer_id AND b.partner_id = s.partner_id AND b.currency = s.currency
"""
_OPEN = """
SELECT l.id, l.customer_id, l.partner_id, l.currency, l.remaining, l.expires_at, b.balance
  FROM unnest($3::bigint[], $4::bigint[], $5::text[]) AS a (customer, partner, currency)
  JOIN reward_lot l ON l.group_id = $1 AND l.customer_id = a.customer AND l.partner_id = a.partner
   AND l.currency = a.currency AND l.released_at IS NOT NULL AND l.expires_at IS NOT NULL AND l.remaining > 0
  JOIN reward_balance b ON b.group_id = $1 AND b.customer_id = a.customer AND b.partner_id = a.partner
   AND b.currency = a.currency
 WHERE $2::timestamptz IS NOT NULL
 ORDER BY l.customer_id, l.partner_id, l.currency, l.expires_at, l.id
"""
_EXPIRE = f"""
WITH due AS (
  UPDATE reward_lot l SET remaining = 0 FROM unnest($3::bigint[], $4::bigint[]) AS given (id, amount)
   WHERE l.group_id = $1 AND l.id = given.id AND l.remaining > 0
  RETURNING l.evaluation_id, l.position, l.customer_id, l.partner_id, l.currency, given.amount, l.available_at,
            l.expires_at),
lines AS ({_LINE.format(kind="expiry", changes="-due.amount, 0")})
UPDATE reward_balance b SET balance = b.balance - s.amount
  FROM ({_SUMS}) s
 WHERE b.group_id = $1 AND b.customer_id = s.customer_id AND b.partner_id = s.partner_id AND b.currency = s.currency
"""


@dataclass(frozen=True, slots=True)
class NewLot:
    """A line that was paid now, with its dates."""

    evaluation_id: int
    position: int
    account: Account
    amount: int
    dates: PointDates


async def make_lots(tx: Transaction, made: Sequence[NewLot], *, now: datetime) -> None:
    """Keep what waits or expires; what waits is added to the accounts' pending sums."""
    if not made:
        return
    await tx.execute(
        _MAKE, tx.scope.group_id, now, [one.evaluation_id for one in made], [one.position for one in made],
        *_columns([one.account for one in made]), [one.amount for one in made],
        [one.dates.available_at for one in made],
        [now if one.dates.available_at is None else None for one in made], [one.dates.expires_at for one in made],
    )  # fmt: skip
    waits: dict[Account, int] = {}
    for one in made:
        if one.dates.available_at is not None:
            waits[one.account] = waits.get(one.account, 0) + one.amount
    await move_pending(tx, waits)


async def move_pending(tx: Transaction, moved: Mapping[Account, int]) -> None:
    """Add these amounts to what waits on accounts."""
    if moved:
        accounts = sorted(moved)
        await tx.execute(_WAIT, tx.scope.group_id, *_columns(accounts), [moved[one] for one in accounts])


async def lessen_pending(tx: Transaction, by: Mapping[Account, int]) -> None:
    """Subtract what was taken back of what waits; the amounts are negative."""
    for account in sorted(by):
        await tx.execute(_LESSEN, tx.scope.group_id, *account, by[account])


async def cancel(tx: Transaction, evaluation_id: int, taken: Mapping[int, int]) -> None:
    """Take these amounts, by position, off what waits of an evaluation."""
    if taken:
        await tx.execute(_CANCEL, tx.scope.group_id, evaluation_id, list(taken), list(taken.values()))


async def fill_again(tx: Transaction, evaluation_id: int, given: Mapping[int, int]) -> None:
    """Add these amounts, by position, to what is left of an evaluation: they wait and expire as they did."""
    if given:
        await tx.execute(_FILL, tx.scope.group_id, evaluation_id, list(given), list(given.values()))


async def take_own(tx: Transaction, evaluation_id: int, taken: Mapping[int, int]) -> None:
    """Take these amounts, by position, off what can be used of an evaluation; whoever asks holds the accounts."""
    if taken:
        await tx.execute(_TAKE_OWN, tx.scope.group_id, evaluation_id, list(taken), list(taken.values()))


async def use(tx: Transaction, account: Account, amount: int) -> None:
    """So much of this account was used; whoever asks holds it."""
    await tx.execute(_USE, tx.scope.group_id, *account, amount)


async def book_due(tx: Transaction, *, now: datetime, customers: Collection[int] | None = None) -> int:
    """Book what has become usable and what has expired, of these customers or of all; on how many accounts."""
    asked = None if customers is None else sorted(customers)
    limit = ACCOUNTS_AT_ONCE if asked is None else None
    rows = await tx.fetch(_ACCOUNTS, tx.scope.group_id, now, asked, limit)
    if not rows:
        return 0
    accounts: list[Account] = [(row["customer_id"], row["partner_id"], row["currency"]) for row in rows]
    columns = _columns(accounts)
    await tx.fetch(_HOLD, tx.scope.group_id, *columns)
    await tx.execute(_RELEASE, tx.scope.group_id, now, *columns)
    open_ = await tx.fetch(_OPEN, tx.scope.group_id, now, *columns)
    later: dict[Account, int] = {}
    has: dict[Account, int] = {}
    for row in open_:
        account = (row["customer_id"], row["partner_id"], row["currency"])
        later[account] = later.get(account, 0) + row["remaining"]
        has[account] = row["balance"]
    gone: dict[int, int] = {}
    for row in open_:
        account = (row["customer_id"], row["partner_id"], row["currency"])
        if row["expires_at"] > now:
            continue
        # What made up for a balance below zero is spent, though its lot knows nothing of it.
        later[account] -= row["remaining"]
        gone[row["id"]] = min(row["remaining"], max(0, has[account] - later[account]))
        has[account] -= gone[row["id"]]
    await tx.execute(_EXPIRE, tx.scope.group_id, now, list(gone), list(gone.values()))
    return len(accounts)


def _columns(accounts: Sequence[Account]) -> list[list[object]]:
    return [[account[at] for account in accounts] for at in range(3)]
