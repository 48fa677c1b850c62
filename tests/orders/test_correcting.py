"""Orders are corrected, refunded and called off; what hangs on them follows, once."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.customers.entries import CustomerEntry
from app.domain.orders.refunding import cancel_order
from app.domain.promos.redeeming import release
from app.errors import Conflict, Failure, Invalid, NotFound, Several
from app.values.scope import Scope
from tests.given import audience, groups
from tests.given import promos as given
from tests.orders.shops import NOON, Shop, shop

DAY = NOON.date()


@pytest.fixture
async def made(db: Database) -> Shop:
    return await shop(db)


async def facts(made: Shop, who: str = "ada") -> tuple[Any, ...]:
    return tuple((await made.found())["facts"][who])


async def test_a_smaller_amount_takes_the_difference_back(made: Shop) -> None:
    june = made.campaigns[0]
    await made.report(made.order("A-1", "50", campaign_id=june))
    done = await made.report(made.order("A-1", "30", campaign_id=june))
    assert [one.value for one in done.outcomes] == ["corrected"]
    found = await made.found()
    assert found["facts"]["ada"] == (1, Decimal(30), NOON)
    assert found["metrics"] == {(june, DAY): (1, Decimal(30))}
    assert found["rollup"] == (1, Decimal(30))
    again = await made.report(made.order("A-1", "30", campaign_id=june))
    assert [one.value for one in again.outcomes] == ["repeated"]
    assert again.ids == ()
    assert await made.found() == found


async def test_an_order_moves_to_another_customer_campaign_and_day(made: Shop) -> None:
    june, july = made.campaigns
    earlier = NOON - timedelta(days=2)
    await made.report(made.order("A-1", "50", campaign_id=june), made.order("A-2", "5", campaign_id=june))
    await made.report(
        made.order("A-1", "50", customer_external_id="bo", campaign_id=july, ordered_at=earlier)
    )
    found = await made.found()
    assert found["facts"] == {"ada": (1, Decimal(5), NOON), "bo": (1, Decimal(50), earlier)}
    assert found["metrics"] == {
        (june, DAY): (1, Decimal(5)), (july, earlier.date()): (1, Decimal(50))
    }  # fmt: skip


async def test_what_a_report_leaves_out_stays_without_a_version_and_goes_with_one(made: Shop) -> None:
    june = made.campaigns[0]
    await made.report(made.order("A-1", "50", campaign_id=june, refunded=Decimal(5)))
    await made.report(made.order("A-1", "60", ordered_at=None), now=NOON + timedelta(hours=1))
    found = await made.found()
    assert found["orders"]["A-1"][:3] == (60, 5, 55)
    assert found["metrics"] == {(june, DAY): (1, Decimal(55))}
    assert found["facts"]["ada"] == (1, Decimal(55), NOON)
    await made.report(made.order("A-1", "60", version=7))
    found = await made.found()
    assert found["orders"]["A-1"][:3] == (60, 0, 60)
    assert found["metrics"] == {}


async def test_versions_that_are_known_change_nothing(made: Shop) -> None:
    await made.report(made.order("A-1", "50", version=2))
    done = await made.report(
        made.order("A-1", "40", version=2), made.order("A-1", "30", version=1), made.order("A-1", "20")
    )
    assert [one.value for one in done.outcomes] == ["repeated", "outdated", "outdated"]
    assert await facts(made) == (1, Decimal(50), NOON)


async def test_a_version_says_when_the_order_was_made(made: Shop) -> None:
    with pytest.raises(Several) as refused:
        await made.report(made.order("A-1", version=1, ordered_at=None))
    assert refused.value.reason == "MOMENT_MISSING"


async def test_what_was_given_back_is_said_whole_and_never_added(made: Shop) -> None:
    june = made.campaigns[0]
    for _ in range(2):
        await made.report(made.order("A-1", "50", campaign_id=june, refunded=Decimal("12.50")))
    found = await made.found()
    assert found["facts"]["ada"] == (1, Decimal("37.50"), NOON)
    assert found["metrics"] == {(june, DAY): (1, Decimal("37.50"))}
    # Given back as a whole it is an order still, and no conversion any more.
    await made.report(made.order("A-1", "50", campaign_id=june, refunded=Decimal(50)))
    found = await made.found()
    assert found["facts"]["ada"] == (1, Decimal(0), NOON)
    assert (found["metrics"], found["rollup"]) == ({}, (0, 0))


async def test_refunds_count_once_by_their_reference(made: Shop) -> None:
    await made.report(made.order("A-1", "50"), made.order("A-2", "50"))
    for _ in range(2):
        await made.refund("A-1", "r1", "20")
    assert await facts(made) == (2, Decimal(80), NOON)
    with pytest.raises(Conflict) as refused:
        await made.refund("A-1", "r2", "30.01")
    assert refused.value.reason == "REFUND_TOO_LARGE"
    for wrong in (("A-2", "r1", "20"), ("A-1", "r1", "10")):
        with pytest.raises(Conflict) as refused:
            await made.refund(*wrong)
        assert refused.value.reason == "REFERENCE_TAKEN"
    for _ in range(2):
        await made.refund("A-1", "r2")
    assert (await made.found())["orders"]["A-1"][:3] == (50, 50, 0)
    with pytest.raises(Conflict) as refused:
        await made.refund("A-1", "r3")
    assert refused.value.reason == "NOTHING_LEFT"
    assert await facts(made) == (2, Decimal(50), NOON)
    # A later report that does not speak of it leaves it; one that says less has not heard of it.
    await made.report(made.order("A-1", "60", refunded=Decimal(10)))
    assert (await made.found())["orders"]["A-1"][:3] == (60, 50, 10)
    # Of an order that came to less than its refunds nothing is left.
    await made.report(made.order("A-1", "40"))
    assert (await made.found())["orders"]["A-1"][:3] == (40, 40, 0)
    with pytest.raises(Conflict) as refused:
        await made.refund("A-1", "r4")
    assert refused.value.reason == "NOTHING_LEFT"


async def test_a_cancelled_order_counts_nowhere_until_it_holds_again(made: Shop) -> None:
    june = made.campaigns[0]
    earlier = NOON - timedelta(days=3)
    await made.report(made.order("A-2", "5", ordered_at=earlier), made.order("A-1", "50", campaign_id=june))
    before = await made.found()
    for _ in range(2):
        await made.cancel("A-1")
    found = await made.found()
    assert found["facts"]["ada"] == (1, Decimal(5), earlier)
    assert (found["metrics"], found["rollup"], found["used"]) == ({}, (0, 0), (1, 1))
    # A report that does not speak of it leaves it so, even a newer version.
    await made.report(made.order("A-1", "50", campaign_id=june, version=1))
    assert (await made.found())["facts"] == found["facts"]
    await made.report(made.order("A-1", "50", campaign_id=june, version=2, is_cancelled=False))
    again = await made.found()
    assert {**again, "orders": 0} == {**before, "orders": 0}


async def test_negative_amounts_name_refunds(made: Shop) -> None:
    with pytest.raises(Several) as refused:
        await made.report(made.order("A-1", "-40"), made.order("A-2", "40", refunded=Decimal("40.01")))
    first, second = refused.value.failures
    assert "orderRefund" in first.message
    assert (second.reason, list(second.path)) == ("REFUNDED_TOO_MUCH", ["orders", 1, "refunded"])
    with pytest.raises(Invalid):
        await made.refund("A-1", "r1", "-5")
    with pytest.raises(Invalid):
        await made.refund("A-1", "r1", "0")


async def test_what_is_given_back_has_the_digits_of_its_currency(made: Shop) -> None:
    await made.report(made.order("A-1", "60"))
    with pytest.raises(Invalid) as refused:
        await made.refund("A-1", "r1", "10.005")
    assert (refused.value.reason, list(refused.value.path)) == ("TOO_MANY_DIGITS", ["amount"])


async def test_an_order_in_another_currency_is_a_conversion_and_no_revenue(made: Shop) -> None:
    june = made.campaigns[0]
    await made.report(made.order("A-1", "50", campaign_id=june, currency="USD"))
    found = await made.found()
    assert found["metrics"] == {(june, DAY): (1, Decimal(0))}
    assert found["facts"]["ada"] == (1, Decimal(0), NOON)
    await made.report(made.order("A-1", "45", campaign_id=june, currency="EUR"))
    found = await made.found()
    assert found["metrics"] == {(june, DAY): (1, Decimal(45))}
    assert found["facts"]["ada"] == (1, Decimal(45), NOON)


async def test_totals_that_were_told_keep_what_they_counted(db: Database, made: Shop) -> None:
    told = CustomerEntry(
        external_id="ada", order_count=3, total_spent=Decimal(99), totals_as_of=NOON,
        last_order_at=NOON - timedelta(hours=1),
    )  # fmt: skip
    await audience.customers(db, made.scope, told)
    later = NOON + timedelta(hours=1)
    await made.report(made.order("A-1", "33"), made.order("A-2", "10", ordered_at=later), now=later)
    assert await facts(made) == (4, Decimal(109), later)
    # What it counted is in the totals, cancelled or not; what came later is ours.
    await made.cancel("A-1")
    assert await facts(made) == (4, Decimal(109), later)
    await made.refund("A-2", "r1", "4")
    assert await facts(made) == (4, Decimal(105), later)
    await audience.customers(db, made.scope, told, now=later)
    assert await facts(made) == (4, Decimal(105), later)
    await made.cancel("A-2")
    assert await facts(made) == (3, Decimal(99), NOON - timedelta(hours=1))
    await audience.customers(db, made.scope, told, now=later)
    assert await facts(made) == (3, Decimal(99), NOON - timedelta(hours=1))


async def test_a_use_that_somebody_gave_back_is_not_taken_again(db: Database, made: Shop) -> None:
    june = made.promo
    await made.report(made.order("A-1", promo_code="june"), made.order("A-2"))
    async with db.transaction(made.scope) as tx:
        uses = await tx.fetch("SELECT id FROM promo_redemption WHERE key = 'A-1'")
        await release(tx, uses[0]["id"], now=NOON)
    await made.report(made.order("A-1", "9"))
    assert (await made.found())["used"] == (1, 1)
    # The last use went to somebody else meanwhile.
    await made.cancel("A-2")
    async with db.transaction(made.scope) as tx:
        await tx.execute("UPDATE promo SET usage_limit = 1 WHERE id = $1", june)
    await given.use(db, made.scope, "JUNE", key="other", customer_id=made.customers["bo"], now=NOON)
    await made.report(made.order("A-2", is_cancelled=False))
    assert (await made.found())["used"] == (1, 2)


async def test_a_report_that_replaced_the_days_numbers_is_not_taken_below_nothing(made: Shop) -> None:
    june = made.campaigns[0]
    await made.report(made.order("A-1", "50", campaign_id=june))
    async with made.db.transaction(made.scope) as tx:
        for table in ("campaign_metric", "metric_rollup"):
            await tx.execute(f"UPDATE {table} SET conversions = 0, revenue = 20")
    await made.cancel("A-1")
    found = await made.found()
    assert (found["metrics"], found["rollup"]) == ({}, (0, 0))


async def test_another_stores_order_is_out_of_reach(db: Database, made: Shop) -> None:
    other = await groups.store(db, made.scope.group_id)
    narrow = replace(made, scope=Scope(made.scope.group_id, other.store_id))
    await audience.customer(db, narrow.scope, "own")
    await made.report(made.order("A-1", "50"))
    with pytest.raises(Several) as refused:
        await narrow.report(narrow.order("A-1", "1", customer_external_id="own"))
    assert refused.value.reason == "REFERENCE_TAKEN"
    for call in (narrow.cancel("A-1"), narrow.refund("A-1", "r1")):
        with pytest.raises(NotFound):
            await call
    assert await facts(made) == (1, Decimal(50), NOON)


async def test_an_order_is_named_in_one_way(made: Shop) -> None:
    for named in ({"order_id": None, "order": None}, {"order_id": 1, "order": "A-1"}):
        with pytest.raises(Failure) as refused:
            async with made.db.transaction(made.scope) as tx:
                await cancel_order(tx, **named, now=NOON)
        assert refused.value.reason == "ORDER_UNNAMED"
