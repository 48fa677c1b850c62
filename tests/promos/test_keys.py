"""A key is one use: the same question is answered again, another one refused; what was given back is judged anew."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.promos.redeeming import release
from app.errors import Conflict, Failure, Several
from app.values.scope import Scope
from tests.given import groups
from tests.given import promos as given
from tests.given.promos import NOON, basket
from tests.promos.conftest import Call

FIFTY = basket(("A1", 1, "50"))


async def back(db: Database, scope: Scope, redemption: int) -> None:
    """Give a use back."""
    async with db.transaction(scope) as tx:
        await release(tx, redemption, now=NOON)


async def test_a_key_that_was_given_back_counts_again(db: Database, call: Call) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1, value=Decimal(10))
    one, two = await given.customers(db, group.group_id, 2)
    first = await given.use(db, group.scope, "WELCOME20", key="k", customer_id=one, what=FIFTY)
    await back(db, group.scope, first)
    assert await given.uses(db, group.scope, promo) == (0, 0, 0)
    again = await given.use(db, group.scope, "WELCOME20", key="k", customer_id=one, what=FIFTY)
    assert again == first
    assert await given.uses(db, group.scope, promo) == (1, 1, 1)
    with pytest.raises(Several) as refused:
        await given.use(db, group.scope, "WELCOME20", key="other", customer_id=two, what=FIFTY)
    assert [one.reason for one in refused.value.failures] == ["USAGE_LIMIT_REACHED"]
    shown = await call(
        group.scope, "{ promos { nodes { redemptions { nodes { counts discount { amount } earlier } } } } }"
    )
    (found,) = shown["data"]["promos"]["nodes"][0]["redemptions"]["nodes"]
    assert (found["counts"], found["discount"]) == (True, {"amount": "5.00"})
    assert found["earlier"] == [
        {"redeemedAt": "2026-06-15T12:00:00Z", "releasedAt": "2026-06-15T12:00:00Z", "discount": "5.00"}
    ]


async def test_a_key_that_was_given_back_is_judged_anew(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1)
    first = await given.use(db, group.scope, "WELCOME20", key="k")
    await back(db, group.scope, first)
    await given.use(db, group.scope, "WELCOME20", key="somebody else's")
    with pytest.raises(Several) as refused:
        await given.use(db, group.scope, "WELCOME20", key="k")
    assert refused.value.failures[0].reason == "USAGE_LIMIT_REACHED"
    assert await given.uses(db, group.scope, promo) == (1, 0, 1)


async def test_a_key_for_something_else_is_refused(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    await given.promo(db, group.scope)
    await given.promo(db, group.scope, "OTHER")
    one, two = await given.customers(db, group.group_id, 2)
    asked: dict[str, Any] = {"key": "k", "customer_id": one, "store_id": group.store_id, "what": FIFTY}
    first = await given.use(db, group.scope, "WELCOME20", **asked)
    assert await given.use(db, group.scope, " welcome20", **asked) == first
    for code, change in (
        ("WELCOME20", {"what": basket(("A1", 1, "900"))}),
        ("WELCOME20", {"what": basket(("A1", 2, "25"))}),
        ("WELCOME20", {"what": basket(("A1", 1, "50"), delivery="1")}),
        ("WELCOME20", {"customer_id": two}),
        ("WELCOME20", {"customer_id": None}),
        ("WELCOME20", {"store_id": second.store_id}),
        ("OTHER", {}),
    ):
        with pytest.raises(Conflict) as refused:
            await given.use(db, group.scope, code, **{**asked, **change})
        assert refused.value.reason == "KEY_REUSED", change


async def test_redeeming_and_giving_back_one_key_at_once_leaves_one_use_or_none(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=1)
    first = await given.use(db, group.scope, "WELCOME20", key="k")

    async def come_and_go(n: int) -> None:
        if n % 2:
            await back(db, group.scope, first)
        else:
            assert await given.use(db, group.scope, "WELCOME20", key="k") == first

    await asyncio.gather(*(come_and_go(n) for n in range(40)))
    used, _, recorded = await given.uses(db, group.scope, promo)
    assert used == recorded <= 1
    await given.use(db, group.scope, "WELCOME20", key="k")
    assert await given.uses(db, group.scope, promo) == (1, 0, 1)


async def test_many_keys_given_back_at_once_get_the_last_use_once(db: Database) -> None:
    group = await groups.group(db)
    promo = await given.promo(db, group.scope, usage_limit=8)
    made = [await given.use(db, group.scope, "WELCOME20", key=f"k{n}") for n in range(8)]
    for one in made:
        await back(db, group.scope, one)
    for n in range(6):
        await given.use(db, group.scope, "WELCOME20", key=f"new{n}")
    ended: Counter[str] = Counter()
    for found in await asyncio.gather(
        *(given.use(db, group.scope, "WELCOME20", key=f"k{n}") for n in range(8)), return_exceptions=True
    ):
        if isinstance(found, Several):
            ended[found.failures[0].reason] += 1
        else:
            ended["used" if isinstance(found, int) else _reason(found)] += 1
    assert ended == {"used": 2, "USAGE_LIMIT_REACHED": 6}
    assert await given.uses(db, group.scope, promo) == (8, 0, 8)


def _reason(found: BaseException) -> str:
    assert isinstance(found, Failure), found
    return found.reason
