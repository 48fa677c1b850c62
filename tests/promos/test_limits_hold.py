"""Limits hold however many redeem at once; a key is one use; what is given back can be used again."""

import asyncio
from collections import Counter
from decimal import Decimal

import pytest

from app.db.database import Database
from app.domain.promos.fields import PromoFields
from app.domain.promos.operations import delete_promo, update_promo
from app.domain.promos.redeeming import release
from app.errors import Conflict, Failure, NotFound, Several
from app.values.scope import Scope
from tests.given import groups
from tests.given import promos as given

NAIVE = "SELECT used FROM promo WHERE id = $1"


async def outcomes(*uses: asyncio.Task[int]) -> Counter[str]:
    """How each ended: `used`, or the failure's code."""
    found: Counter[str] = Counter()
    for ended in await asyncio.gather(*uses, return_exceptions=True):
        if isinstance(ended, BaseException):
            assert isinstance(ended, Failure), ended
            found[ended.reason] += 1
        else:
            found["used"] += 1
    return found


async def test_two_hundred_at_once_of_fifty_are_fifty(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=50)
    people = await given.customers(db, group.group_id, 200)
    ended = await outcomes(
        *(
            asyncio.create_task(
                given.use(db, group.scope, "welcome20", key=f"order {n}", customer_id=people[n])
            )
            for n in range(200)
        )
    )
    assert ended == {"used": 50, "USAGE_LIMIT_REACHED": 150}
    assert await given.uses(db, group.scope, promo) == (50, 50, 50)


async def test_a_customer_who_hurries_still_gets_one(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=50, per_customer_limit=1)
    people = await given.customers(db, group.group_id, 40)
    ended = await outcomes(
        *(
            asyncio.create_task(
                given.use(db, group.scope, "WELCOME20", key=f"{n}", customer_id=people[n % 40])
            )
            for n in range(200)
        )
    )
    assert ended == {"used": 40, "CUSTOMER_LIMIT_REACHED": 160}
    assert await given.uses(db, group.scope, promo) == (40, 40, 40)
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT max(used) FROM promo_usage WHERE promo_id = $1", promo) == 1


async def test_reading_first_and_writing_after_lets_too_many_through(db: Database) -> None:
    """What the conditional statement is for: the same test on the naive way overshoots."""
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, "NAIVE")
    granted = 0

    async def naive() -> None:
        nonlocal granted
        async with db.transaction(group.scope) as tx:
            used = await tx.fetchval(NAIVE, promo)
            await asyncio.sleep(0.005)
            if used < 5:
                await tx.execute("UPDATE promo SET used = used + 1 WHERE id = $1", promo)
                granted += 1

    await asyncio.gather(*(naive() for _ in range(40)))
    assert granted > 5


async def test_the_same_key_is_the_same_use_also_at_once(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=3)
    made = await asyncio.gather(*(given.use(db, group.scope, "WELCOME20", key="order 1") for _ in range(20)))
    assert len(set(made)) == 1
    assert await given.uses(db, group.scope, promo) == (1, 0, 1)


async def test_the_key_of_the_last_use_still_answers_when_all_are_gone(db: Database) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, usage_limit=1)
    first = await given.use(db, group.scope, "WELCOME20", key="k")
    assert await given.use(db, group.scope, "WELCOME20", key="k") == first


async def test_a_key_of_another_use_is_refused(db: Database) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope)
    await given.promo(db, group.scope, "OTHER")
    await given.use(db, group.scope, "WELCOME20", key="k")
    with pytest.raises(Conflict) as refused:
        await given.use(db, group.scope, "OTHER", key="k")
    assert refused.value.reason == "KEY_REUSED"


async def test_a_use_given_back_can_be_used_again_and_only_once(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1, per_customer_limit=1)
    one, two = await given.customers(db, group.group_id, 2)
    used = await given.use(db, group.scope, "WELCOME20", key="a", customer_id=one)

    async def back() -> None:
        async with db.transaction(group.scope) as tx:
            assert await release(tx, used, now=given.NOON) == used

    await asyncio.gather(*(back() for _ in range(10)))
    assert await given.uses(db, group.scope, promo) == (0, 0, 0)
    await given.use(db, group.scope, "WELCOME20", key="b", customer_id=two)
    with pytest.raises(Several) as refused:
        await given.use(db, group.scope, "WELCOME20", key="c", customer_id=one)
    assert [f.reason for f in refused.value.failures] == ["USAGE_LIMIT_REACHED"]


async def test_uses_and_returns_at_once_leave_the_counters_right(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=10, per_customer_limit=2)
    people = await given.customers(db, group.group_id, 8)

    async def come_and_go(n: int) -> None:
        try:
            used = await given.use(
                db, group.scope, "WELCOME20", key=f"k{n}", customer_id=people[n % len(people)]
            )
        except (Several, Conflict):
            return
        if n % 2:
            async with db.transaction(group.scope) as tx:
                await release(tx, used, now=given.NOON)

    await asyncio.gather(*(come_and_go(n) for n in range(100)))
    used, counted, recorded = await given.uses(db, group.scope, promo)
    assert used == counted == recorded <= 10


async def test_a_limit_of_none_lets_nobody_through(db: Database) -> None:
    group = await groups.group(db)
    await given.promo(db, group.scope, "NOBODY", usage_limit=0, per_customer_limit=0)
    (one,) = await given.customers(db, group.group_id, 1)
    with pytest.raises(Several) as refused:
        await given.use(db, group.scope, "NOBODY", key="k", customer_id=one)
    assert [f.reason for f in refused.value.failures] == ["USAGE_LIMIT_REACHED", "CUSTOMER_LIMIT_REACHED"]


async def test_a_limit_cannot_fall_below_what_was_used(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=5)
    for n in range(3):
        await given.use(db, group.scope, "WELCOME20", key=f"{n}")
    with pytest.raises(Conflict) as refused:
        async with db.transaction(group.scope) as tx:
            await update_promo(tx, promo, PromoFields(usage_limit=2), now=given.NOON)
    assert refused.value.reason == "LIMIT_BELOW_USED"


async def test_a_deleted_promo_cannot_be_used_and_frees_its_code(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope)
    await given.use(db, group.scope, "WELCOME20", key="k")
    async with db.transaction(group.scope) as tx:
        await delete_promo(tx, promo, now=given.NOON)
    with pytest.raises(Failure) as refused:
        await given.use(db, group.scope, "WELCOME20", key="l")
    assert refused.value.reason == "UNKNOWN_CODE"
    again = await given.promo(db, group.scope, value=Decimal(5))
    assert again != promo
    assert (await given.uses(db, group.scope, promo))[2] == 1


async def test_a_foreign_use_cannot_be_given_back(db: Database) -> None:
    group, other = await groups.group(db), await groups.group(db)
    promo = await given.promo(db, group.scope)
    used = await given.use(db, group.scope, "WELCOME20", key="k", store_id=group.store_id)
    second = await groups.store(db, group.group_id)
    for scope in (other.scope, Scope(group.group_id, store_id=second.store_id)):
        with pytest.raises(NotFound):
            async with db.transaction(scope) as tx:
                await release(tx, used, now=given.NOON)
    assert await given.uses(db, group.scope, promo) == (1, 0, 1)
