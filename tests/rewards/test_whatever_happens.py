"""Whatever is earned, redeemed, taken back, waited for and expires, in whatever order, while the clock goes on: the
ledger adds up, and it says what a model of a page says.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.database import Database
from app.domain.rewards.lots import book_due
from app.domain.rewards.processing import process
from app.domain.rewards.reevaluating import ask as ask_again
from app.domain.rewards.reversing import reverse
from app.tables.rewards import Reconsidered
from tests.given import rewards
from tests.given.campaigns import NOON
from tests.given.rewards import Given

DAY = timedelta(days=1)
PROGRAMMES: list[dict[str, Any]] = [
    {},
    {"reward_wait_days": 3},
    {"reward_expire_days": 5},
    {"reward_wait_days": 2, "reward_expire_days": 4},
]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("earn"), st.integers(0, len(PROGRAMMES) - 1), st.integers(0, 3)),
        st.tuples(st.just("earn"), st.sampled_from([2, 3]), st.integers(0, 3)),
        st.tuples(st.just("redeem"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("take back"), st.integers(0, 9), st.integers(0, 100)),
        st.tuples(st.just("wait"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("judge again"), st.integers(0, len(PROGRAMMES) - 1), st.just(0)),
    ),
    min_size=8,
    max_size=18,
)


@dataclass
class Lot:
    """What was earned at once: what is left of it, and its dates."""

    left: int
    usable: datetime
    expires: datetime | None
    expired: int = 0
    """What of it has expired and was not taken back."""


@dataclass
class Model:
    """What one customer has, reckoned by hand."""

    lots: list[Lot] = field(default_factory=list)

    def usable(self, now: datetime) -> list[Lot]:
        """Soonest-expiring first; what never expires last."""
        for lot in self.lots:
            if lot.expires is not None and lot.expires <= now:
                lot.expired += lot.left
                lot.left = 0
        found = [lot for lot in self.lots if lot.usable <= now and lot.left]
        return sorted(found, key=lambda lot: (lot.expires is None, lot.expires or now))

    def use(self, amount: int, now: datetime) -> int:
        """So much is used, or as much as there is; how much that is."""
        used = 0
        for lot in self.usable(now):
            part = min(lot.left, amount - used)
            lot.left -= part
            used += part
        return used

    def has(self, now: datetime) -> tuple[int, int]:
        """What can be used, and what waits."""
        return sum(lot.left for lot in self.usable(now)), sum(
            lot.left for lot in self.lots if lot.usable > now
        )


async def balances(world: Given) -> tuple[int, int]:
    row = await world.row(
        "SELECT coalesce(sum(balance), 0)::int, coalesce(sum(pending), 0)::int FROM reward_balance WHERE group_id = $1"
    )
    return row[0], row[1]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_the_ledger_says_what_was_done(db: Database, steps: list[tuple[str, int, int]]) -> None:
    world = await rewards.given(db, customers=1)
    earning = [await world.campaign(**more) for more in PROGRAMMES]
    redeeming = [await world.campaign(world.flow(cost), reward_type=2) for cost in (60, 130)]
    model, now = Model(), NOON
    paid: list[tuple[int, Lot, int]] = []
    taken: dict[int, int] = {}
    asked_back: dict[int, int] = {}
    for at, (what, which, how) in enumerate(steps):
        async with db.transaction(world.scope) as tx:
            if what == "earn":
                happened = max(NOON, now - how * DAY)
                (made,) = await process(
                    tx, [(earning[which], world.spend(f"{at}", occurred_at=happened))], now=now
                )
                said = PROGRAMMES[which]
                usable = happened + said.get("reward_wait_days", 0) * DAY
                days = said.get("reward_expire_days")
                lot = Lot(100, usable, None if days is None else usable + days * DAY)
                model.lots.append(lot)
                paid.append((made, lot, 100))
            elif what == "redeem":
                cost = (60, 130)[which]
                (made,) = await process(tx, [(redeeming[which], world.spend(f"{at}"))], now=now)
                if model.has(now)[0] >= cost:
                    model.use(cost, now)
            elif what == "take back" and paid:
                ident, lot, _ = paid[which % len(paid)]
                await book_due(tx, now=now)
                await reverse(tx, ident, in_all=how, now=now)
                # What was asked back once stays asked back, and is taken when it is there.
                asked_back[ident] = max(asked_back.get(ident, 0), how)
                more = asked_back[ident] - taken.get(ident, 0)
                if lot.usable > now:
                    part = min(more, lot.left)
                    lot.left -= part
                    taken[ident] = taken.get(ident, 0) + part
                else:
                    model.usable(now)
                    # What has expired is nobody's any more; then its own lot; then what expires first.
                    gone = min(more, lot.expired)
                    lot.expired -= gone
                    own = 0 if lot.expires is None else min(more - gone, lot.left)
                    lot.left -= own
                    taken[ident] = taken.get(ident, 0) + gone + own + model.use(more - gone - own, now)
            elif what == "wait":
                now += which * DAY
            elif what == "judge again":
                (asked,) = await ask_again(
                    tx, campaign_id=earning[which], since=NOON, until=now + DAY, what=[Reconsidered.ALL],
                    is_preview=False, now=now,
                )  # fmt: skip
                differing = await tx.fetchval(
                    "SELECT differing FROM reward_reevaluation WHERE group_id = $1 AND id = $2",
                    world.group_id,
                    asked,
                )
                assert differing == 0, "nothing changed"
        async with db.transaction(world.scope) as tx:
            await book_due(tx, now=now)
        await world.check()
        assert await balances(world) == model.has(now), (at, what)
