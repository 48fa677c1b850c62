"""Uses = orders + redemptions - releases - refunds, of the promo and of each customer, whatever happens in which order,
and however many do it at once; none is beyond the limits while there is a place for it.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as over
from hypothesis import strategies as st

from app.db.database import Database, Transaction
from app.domain.orders.refunding import cancel_order, refund_order
from app.domain.promos.redeeming import release
from app.errors import Conflict, NotFound, Several
from app.values.scope import Scope
from tests.given import audience, groups
from tests.given import promos as given
from tests.given.promos import NOON

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LIMIT, EACH = 3, 2
CUSTOMERS = ("ada", "bo")
KEYS = st.sampled_from(["k0", "k1", "k2", "k3", "k4"])
STEPS = st.one_of(
    st.tuples(st.just("redeem"), KEYS, st.sampled_from(CUSTOMERS)),
    st.tuples(st.just("release"), KEYS, st.just("")),
    st.tuples(st.just("order"), KEYS, st.sampled_from(CUSTOMERS)),
    st.tuples(st.just("cancel"), KEYS, st.just("")),
    st.tuples(st.just("refund"), KEYS, st.just("")),
    st.tuples(st.just("stand again"), KEYS, st.sampled_from(CUSTOMERS)),
)
Step = tuple[str, str, str]


@dataclass
class Shop:
    """A promo that is used."""

    db: Database
    scope: Scope
    promo: int
    customers: dict[str, int]
    refunds: int = 0

    async def do(self, step: Step) -> bool:
        """Do it; whether it was done. What says no changes nothing."""
        what, key, whom = step
        try:
            if what == "redeem":
                await given.use(self.db, self.scope, "WELCOME20", key=key, customer_id=self.customers[whom])
            elif what in ("order", "stand again"):
                more = {"is_cancelled": False} if what == "stand again" else {}
                entry = audience.order(key, whom, "80", promo_code="welcome20", **more)
                await audience.orders(self.db, self.scope, entry, now=NOON)
            else:
                async with self.db.transaction(self.scope) as tx:
                    await self._undo(tx, what, key)
        except (Conflict, NotFound, Several):
            return False
        return True

    async def _undo(self, tx: Transaction, what: str, key: str) -> None:
        if what == "release":
            found = await tx.fetchval("SELECT id FROM promo_redemption WHERE key = $1", key)
            await release(tx, found or 0, now=NOON)
        elif what == "cancel":
            await cancel_order(tx, order_id=None, order=key, now=NOON)
        else:
            self.refunds += 1
            await refund_order(
                tx, order_id=None, order=key, amount=None, reference=f"r{self.refunds}", now=NOON
            )

    async def counted(self) -> set[str]:
        """Keys that count. What is counted is what is on record, and within the limits but for what is told beyond."""
        async with self.db.transaction(self.scope) as tx:
            promo = await tx.fetchrow("SELECT used, used_beyond_limit FROM promo WHERE id = $1", self.promo)
            rows = await tx.fetch(
                "SELECT key, customer_id, is_beyond_limit FROM promo_redemption WHERE released_at IS NULL"
            )
            usage = await tx.fetch("SELECT customer_id, used FROM promo_usage WHERE used <> 0")
        assert promo is not None
        within = [row for row in rows if not row["is_beyond_limit"]]
        have = Counter(row["customer_id"] for row in within)
        assert (promo["used"], promo["used_beyond_limit"]) == (len(within), len(rows) - len(within))
        assert {row["customer_id"]: row["used"] for row in usage} == Counter(r["customer_id"] for r in rows)
        assert promo["used"] <= LIMIT
        assert all(count <= EACH for count in have.values())
        assert promo["used"] == LIMIT or all(
            have[row["customer_id"]] == EACH for row in rows if row["is_beyond_limit"]
        )
        keys = [row["key"] for row in rows]
        assert len(keys) == len(set(keys))
        return set(keys)


async def shop(db: Database) -> Shop:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=LIMIT, per_customer_limit=EACH)
    who = {name: await audience.customer(db, group.scope, name) for name in CUSTOMERS}
    return Shop(db, group.scope, promo, who)


@dataclass
class Book:
    """What should count, by what was done."""

    counting: set[str] = field(default_factory=set)
    given_back_by_order: set[str] = field(default_factory=set)
    standing: dict[str, bool] = field(default_factory=dict)
    called_off: set[str] = field(default_factory=set)
    refunded: set[str] = field(default_factory=set)

    def note(self, step: Step) -> None:
        what, key, _ = step
        if what == "redeem":
            self.counting.add(key)
            self.given_back_by_order.discard(key)
        elif what == "release":
            # What an order gave back stays that way.
            self.counting.discard(key)
        else:
            if what == "cancel":
                self.called_off.add(key)
            elif what == "refund":
                self.refunded.add(key)
            elif what == "stand again":
                self.called_off.discard(key)
            self._settle(key)

    def _settle(self, key: str) -> None:
        before, after = self.standing.get(key), key not in self.called_off | self.refunded
        self.standing[key] = after
        if after and not before:
            self.counting.add(key)
        elif before and not after and key in self.counting:
            self.counting.discard(key)
            self.given_back_by_order.add(key)


@SLOW
@over(steps=st.lists(STEPS, max_size=14))
async def test_uses_are_orders_and_redemptions_less_what_was_given_back(
    db: Database, steps: list[Step]
) -> None:
    made, book = await shop(db), Book()
    for step in steps:
        if await made.do(step):
            book.note(step)
        assert await made.counted() == book.counting, step


async def test_sixty_four_clients_at_once_leave_a_book_that_adds_up(db: Database) -> None:
    made = await shop(db)
    whats = ["redeem", "release", "order", "cancel", "refund", "stand again"]

    async def client(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(6):
            await made.do((chance.choice(whats), f"k{chance.randrange(12)}", chance.choice(CUSTOMERS)))

    await asyncio.gather(*(client(seed) for seed in range(64)))
    counting = await made.counted()
    async with db.transaction(made.scope) as tx:
        fallen = await tx.fetch(
            "SELECT reference FROM customer_order WHERE cancelled_at IS NOT NULL OR refunded = amount"
        )
    # Whoever redeems after the order fell has another use of this key: that is the only way to count then.
    async with db.transaction(made.scope) as tx:
        told = await tx.fetch("SELECT key FROM promo_redemption WHERE place IS NOT NULL")
    assert counting & {row["reference"] for row in fallen} <= {row["key"] for row in told}


async def test_reading_first_and_writing_after_does_not_add_up(db: Database) -> None:
    """What the locks are for: the same clients, counting the naive way, leave a book that the same look refuses."""
    made = await shop(db)
    group_id = made.scope.group_id

    async def naive(n: int) -> None:
        async with db.transaction(made.scope) as tx:
            used = await tx.fetchval("SELECT used FROM promo WHERE id = $1", made.promo)
            await asyncio.sleep(0.005)
            if used >= LIMIT:
                return
            await tx.execute(
                "INSERT INTO promo_redemption (group_id, promo_id, customer_id, key, basket_total, discount, currency,"
                " redeemed_at) VALUES ($1, $2, $3, $4, 80, 0, 'EUR', $5)",
                group_id, made.promo, made.customers["ada"], f"k{n}", NOON,
            )  # fmt: skip
            await tx.execute("UPDATE promo SET used = $2 WHERE id = $1", made.promo, used + 1)

    await asyncio.gather(*(naive(n) for n in range(64)))
    with pytest.raises(AssertionError):
        await made.counted()
