"""Many limits are changed at once, each for itself; and rehearsed."""

from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from app.auth.principal import Role
from app.domain.spend.operations import Change, change_limits
from app.domain.spend.rules import AskedLimit
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.values.scope import Scope
from tests.given import groups
from tests.given.statements import recorded
from tests.spend.conftest import NOON, UPDATE, Desk, capped
from tests.spend.given import spend

CREATE = """
mutation ($input: AdCampaignCreateInput!) { adCampaignCreate(input: $input) {
  errors { code path } campaign { name status objective store { id } spendLimit { type renewal amount { amount } } } } }
"""


async def codes(desk: Desk, *items: Any, **more: Any) -> list[str | None]:
    """What became of each: None where it is done."""
    done = await desk.update(*items, **more)
    assert done["errors"] == []
    assert [o["index"] for o in done["outcomes"]] == list(range(len(items)))
    assert [o["id"] for o in done["outcomes"]] == [item["id"] for item in items]
    assert all(o["isDone"] is (o["errors"] == []) for o in done["outcomes"])
    return [o["errors"][0]["code"] if o["errors"] else None for o in done["outcomes"]]


async def test_one_that_fails_hurts_no_other(desk: Desk) -> None:
    first, second, uncapped, other = [await desk.campaign() for _ in range(4)]
    await desk.update(capped(first, "DAILY", 5), capped(second, "DAILY", 5), mayBegin=True)

    found = await codes(
        desk, capped(first, "DAILY", 7), capped(uncapped, "DAILY", 7), capped(second, "DAILY", -9000),
        capped(10**12, "DAILY", 7), {"id": "nonsense"}, {"id": f"camp_{other}", "objective": "RETENTION"},
    )  # fmt: skip

    assert found == [None, "SPEND_LIMIT_MISSING", "SPEND_LIMIT_INVALID", "NOT_FOUND", "NOT_FOUND", None]
    assert (await desk.limit(first))["amount"]["amount"] == "7.00"
    assert (await desk.limit(second))["amount"]["amount"] == "5.00"
    assert await desk.limit(uncapped) is None


async def test_a_campaign_named_twice_is_refused_each_time_by_whichever_id(desk: Desk) -> None:
    it, other = await desk.campaign(known_as={"criteo": "99999"}), await desk.campaign()
    await desk.update(capped(it, "DAILY", 5), capped(other, "DAILY", 5), mayBegin=True)

    again = {**capped(it, "DAILY", 9), "id": "criteo:99999"}
    found = await codes(desk, capped(it, "DAILY", 8), capped(other, "DAILY", 6), again)

    assert found == ["SAME_CAMPAIGN_TWICE", None, "SAME_CAMPAIGN_TWICE"]
    assert (await desk.limit(it))["amount"]["amount"] == "5.00"


async def test_a_rehearsal_says_the_same_and_writes_nothing(desk: Desk) -> None:
    capable, uncapped, waiting = [await desk.campaign() for _ in range(3)]
    await desk.update(capped(capable, "DAILY", 5), capped(waiting, "DAILY", 50), mayBegin=True)
    await spend(desk.db, desk.scope, waiting, "40", now=NOON)
    items = [capped(capable, "DAILY", 6), capped(uncapped, "DAILY", 6), capped(waiting, "DAILY", 10)]
    state = (
        "SELECT l.*, c.updated_at, c.xmin::text FROM spend_limit l JOIN campaign c ON c.id = l.campaign_id"
    )

    async def rows() -> list[Any]:
        async with desk.db.transaction(desk.scope) as tx:
            return [tuple(row) for row in await tx.fetch(f"{state} ORDER BY l.id")]

    before = await rows()
    for may_begin in (False, True):
        rehearsed = await desk.update(*items, validateOnly=True, mayBegin=may_begin)
        assert [o["isDone"] for o in rehearsed["outcomes"]] == [True, may_begin, True]
        assert rehearsed["outcomes"][2]["effectiveFrom"] == "2025-06-15T22:00:00Z"
        assert rehearsed["campaigns"][0]["spendLimit"]["amount"]["amount"] == "5.00"
        assert await rows() == before

    done = await desk.update(*items)
    assert done["outcomes"] == [
        *(await desk.update(items[0]))["outcomes"], done["outcomes"][1], done["outcomes"][2]
    ]  # fmt: skip
    assert await rows() != before


async def test_a_rehearsed_creation_says_the_same_and_makes_nothing(desk: Desk, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)

    async def everything() -> list[Any]:
        tables = await owner.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        counts = {t[0]: await owner.fetchval(f"SELECT count(*) FROM {t[0]}") for t in tables}
        # Numbers that were drawn are not given back; those of what was rehearsed are all that were.
        sequences = await owner.fetch("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        drawn = ("campaign_id_seq", "campaign_status_change_id_seq", "spend_limit_id_seq")
        return [counts, [tuple(row) for row in sequences if row[0] not in drawn]]

    async def made(**more: Any) -> Any:
        store = f"store_{desk.group.store_id}"
        order = {"name": "Ad", "storeId": store, "objective": "RETENTION", **more}
        return (await desk.data(CREATE, input=order))["adCampaignCreate"]

    before = await everything()
    cap = {"type": "CAPPED", "renewal": "DAILY", "amount": "7.5"}
    assert await made(spendLimit=cap, validateOnly=True) == {"errors": [], "campaign": None}
    wrong: list[dict[str, Any]] = [
        {"name": ""}, {"storeId": "12345"}, {"spendLimit": {"type": "CAPPED"}}, {"objective": "UNSPECIFIED"},
    ]  # fmt: skip
    for fault in wrong:
        rehearsed = await made(**fault, validateOnly=True)
        assert rehearsed["errors"]
        assert rehearsed == await made(**fault)
    assert await everything() == before

    assert (await made(spendLimit=cap))["errors"] == []
    assert await everything() != before
    await owner.close()


async def test_ten_changes_cost_as_many_statements_as_one(desk: Desk) -> None:
    made = [await desk.campaign() for _ in range(11)]
    wish = AskedLimit(type=SpendLimitType.CAPPED, renewal=SpendLimitRenewal.DAILY, amount=Decimal(5))

    async def cost(*ids: int) -> int:
        async with desk.db.transaction(desk.scope) as tx:
            with recorded() as statements:
                changes = [Change(campaign=f"camp_{it}", limit=wish) for it in ids]
                await change_limits(tx, changes, may_begin=True, now=NOON)
        return len(statements)

    assert 0 < await cost(made[0]) == await cost(*made[1:])


async def test_narrow_credentials_change_what_is_theirs(desk: Desk) -> None:
    other = await groups.store(desk.db, desk.group.group_id, name="Other")
    mine, theirs = await desk.campaign(), await desk.campaign(store_id=other.store_id)
    narrow = desk.narrowed(Scope(desk.group.group_id, store_id=desk.group.store_id))

    found = await codes(narrow, capped(mine, "DAILY", 5), capped(theirs, "DAILY", 5), mayBegin=True)

    assert found == [None, "NOT_FOUND"]


async def test_reading_credentials_change_nothing(desk: Desk) -> None:
    it = await desk.campaign()
    found = await desk.ask(UPDATE, role=Role.READ, input={"items": [capped(it, "DAILY", 5)]})
    assert [error["extensions"]["code"] for error in found.errors] == ["FORBIDDEN"]


async def test_more_than_a_thousand_are_too_many(desk: Desk) -> None:
    done = await desk.update(*({"id": f"camp_{n}"} for n in range(1, 1002)))
    assert done["errors"] == [{"code": "TOO_LARGE"}]


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({"type": "CAPPED", "renewal": "DAILY", "amount": "7.5"}, ("CAPPED", "DAILY", {"amount": "7.50"})),
        ({"renewal": "MONTHLY", "amount": 7}, ("CAPPED", "MONTHLY", {"amount": "7.00"})),
        ({"type": "UNCAPPED", "renewal": "DAILY", "amount": "-1"}, ("UNCAPPED", None, None)),
        (None, ("UNCAPPED", None, None)),
    ],
)  # fmt: skip
async def test_an_ad_campaign_is_made_with_its_limit(desk: Desk, given: Any, limit: tuple[Any, ...]) -> None:
    order = {
        "name": "Ad",
        "storeId": f"store_{desk.group.store_id}",
        "objective": "RETENTION",
        "spendLimit": given,
    }

    made = (await desk.data(CREATE, input=order))["adCampaignCreate"]

    assert made["errors"] == []
    assert made["campaign"]["store"] == {"id": f"store_{desk.group.store_id}"}
    assert tuple(made["campaign"]["spendLimit"].values()) == limit
    assert (made["campaign"]["status"], made["campaign"]["objective"]) == ("DRAFT", "RETENTION")


async def test_features_are_taken_from_a_store_and_given_back(desk: Desk) -> None:
    store = f"store_{desk.group.store_id}"
    mutation = (
        "mutation ($id: ID!, $without: [StoreFeature!]) { storeUpdate(input: {id: $id, unavailableFeatures: $without})"
        " { errors { code } store { features { spendLimits dailyLimits monthlyLimits lifetimeLimits } } } }"
    )
    it = await desk.campaign()

    taken = await desk.data(mutation, id=store, without=["MONTHLY_LIMITS", "DAILY_LIMITS"])
    assert taken["storeUpdate"]["store"]["features"] == {
        "spendLimits": True, "dailyLimits": False, "monthlyLimits": False, "lifetimeLimits": True,
    }  # fmt: skip
    assert await codes(desk, capped(it, "DAILY", 5), mayBegin=True) == ["FEATURE_UNAVAILABLE"]

    await desk.data(mutation, id=store, without=[])
    assert await codes(desk, capped(it, "DAILY", 5), mayBegin=True) == [None]
