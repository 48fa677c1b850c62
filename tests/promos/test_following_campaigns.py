"""A promo follows its campaigns, read when it is judged; it may belong to several, and each covers its own time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db.database import Database
from app.domain.promos.lives import CampaignLife, Phase, credited, foremost
from app.values.scope import Scope
from tests.given import audience, campaigns, groups
from tests.given import promos as given
from tests.given.promos import NOON
from tests.promos.conftest import Call

MADE = """
mutation($i: MessageCampaignCreateInput!) { messageCampaignCreate(input: $i) {
  campaign { id status promos { nodes { id code } } }
  promo { id status isRedeemable validFrom validUntil validUntilOn followsCampaign campaigns { nodes { id } } }
  errors { code path } } }
"""
SEEN = """
query($code: String!) {
  promos(filter: {search: $code}) { nodes {
    code status isRedeemable validFrom validUntil validUntilOn campaigns { totalCount nodes { id } } } }
  promoValidate(code: $code, basket: {lines: [{unitPrice: "100"}]}) {
    valid discount { amount } reasons { code message } } }
"""
MOVE = "mutation($i: CampaignMoveInput!) { campaignMove(input: $i) { campaign { status } errors { code message } } }"
UPDATE = "mutation($i: CampaignUpdateInput!) { campaignUpdate(input: $i) { campaign { id } errors { code message } } }"
PROMO_UPDATE = """
mutation($i: PromoUpdateInput!) { promoUpdate(input: $i) { promo { followsCampaign } errors { code path } } }
"""
ADD = """
mutation($i: PromoCampaignInput!) { promoCampaignAdd(input: $i) {
  promo { campaigns { nodes { id } } campaign { id } } errors { code path } } }
"""
REMOVE = ADD.replace("promoCampaignAdd", "promoCampaignRemove")
DAY = timedelta(days=1)


async def made(call: Call, scope: Scope, segment: int, code: str = "SPRING20", **more: Any) -> dict[str, Any]:
    """A message campaign with a promo of 20 %, running from the day before for ten days."""
    asked = {
        "name": f"Spring {code}", "type": "PROMOTION", "channels": ["email"], "segmentId": f"seg_{segment}",
        "startsOn": "2026-06-14", "endsOn": "2026-06-24", "promoCode": code, "promoDiscountPercent": 20, **more,
    }  # fmt: skip
    found = (await call(scope, MADE, i=asked))["data"]["messageCampaignCreate"]
    assert found["errors"] == []
    return dict(found)


async def seen(call: Call, scope: Scope, code: str = "SPRING20") -> tuple[str, bool, list[str]]:
    """How it stands, whether it could be used, and every reason why not."""
    data = (await call(scope, SEEN, code=code))["data"]
    (promo,) = data["promos"]["nodes"]
    reasons = [one["code"] for one in data["promoValidate"]["reasons"]]
    assert promo["isRedeemable"] == data["promoValidate"]["valid"]
    return promo["status"], promo["isRedeemable"], reasons


@pytest.mark.parametrize(
    ("change", "status", "reason", "words"),
    [
        ("status = 'paused'", "PAUSED", "CAMPAIGN_NOT_ACTIVE", "is paused"),
        ("status = 'draft'", "PAUSED", "CAMPAIGN_NOT_ACTIVE", "is a draft"),
        ("status = 'completed'", "EXPIRED", "EXPIRED", "is completed"),
        ("deleted_at = now()", "EXPIRED", "CAMPAIGN_NOT_ACTIVE", "was deleted"),
        ("ends_at = '2026-06-15 11:59:59+00', ends_on = NULL", "EXPIRED", "EXPIRED", "ended at 2026-06-15"),
        (
            "status = 'scheduled', starts_at = '2026-06-16 00:00:00+00', starts_on = NULL",
            "SCHEDULED", "NOT_STARTED", "starts at 2026-06-16",
        ),
    ],
)  # fmt: skip
async def test_it_holds_only_while_its_campaign_runs(
    db: Database, call: Call, change: str, status: str, reason: str, words: str
) -> None:
    group = await groups.group(db)
    await made(call, group.scope, await given.segment(db, group.group_id))
    assert await seen(call, group.scope) == ("ACTIVE", True, [])
    async with db.transaction(group.scope) as tx:
        await tx.execute(f"UPDATE campaign SET {change}")
    assert await seen(call, group.scope) == (status, False, [reason])
    told = (await call(group.scope, SEEN, code="SPRING20"))["data"]["promoValidate"]["reasons"][0]["message"]
    assert words in told
    assert "'Spring SPRING20'" in told
    with pytest.raises(Exception, match="Spring SPRING20"):
        await given.use(db, group.scope, "SPRING20", key="k")


async def test_a_campaign_that_is_due_counts_as_started_before_anybody_moved_it_on(
    db: Database, call: Call
) -> None:
    group = await groups.group(db)
    await made(call, group.scope, await given.segment(db, group.group_id))
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE campaign SET status = 'scheduled', starts_at = $1, starts_on = NULL", NOON)
    assert await seen(call, group.scope) == ("ACTIVE", True, [])


async def test_a_pause_stops_it_and_resuming_lets_it_go_on(db: Database, call: Call) -> None:
    group = await groups.group(db)
    campaign = (await made(call, group.scope, await given.segment(db, group.group_id)))["campaign"]["id"]
    for move, expected in (("PAUSE", False), ("RESUME", True), ("COMPLETE", False)):
        done = (await call(group.scope, MOVE, i={"id": campaign, "move": move}))["data"]["campaignMove"]
        assert done["errors"] == []
        assert (await seen(call, group.scope))[1] is expected


async def test_its_window_is_its_campaigns_wherever_that_moves(db: Database, call: Call) -> None:
    group = await groups.group(db)
    found = await made(call, group.scope, await given.segment(db, group.group_id))
    assert found["promo"]["validUntilOn"] == "2026-06-24"
    changed = await call(
        group.scope, UPDATE, i={"id": found["campaign"]["id"], "endsOn": "2026-06-30"}
    )  # fmt: skip
    assert changed["data"]["campaignUpdate"]["errors"] == []
    shown = (await call(group.scope, SEEN, code="SPRING20"))["data"]["promos"]["nodes"][0]
    assert shown["validUntilOn"] == "2026-06-30"
    zone = "mutation($i: StoreUpdateInput!) { storeUpdate(input: $i) { errors { code } } }"
    moved = await call(
        group.scope, zone, i={"id": f"store_{group.store_id}", "timeZone": "America/New_York"}
    )  # fmt: skip
    assert moved["data"]["storeUpdate"]["errors"] == []
    shown = (await call(group.scope, SEEN, code="SPRING20"))["data"]["promos"]["nodes"][0]
    assert (shown["validFrom"], shown["validUntil"]) == ("2026-06-14T04:00:00Z", "2026-07-01T04:00:00Z")


async def test_one_that_was_made_free_does_not_follow(db: Database, call: Call) -> None:
    group = await groups.group(db)
    draft = await campaigns.campaign(db, group.scope)
    await given.promo(db, group.scope, "FREE", campaign_id=draft, follows_campaign=False)
    bound = await given.promo(db, group.scope, "BOUND", campaign_id=draft)
    dated = {"valid_from": NOON - DAY, "valid_until": NOON + DAY}
    await given.promo(db, group.scope, "DATED", campaign_id=draft, **dated)
    await given.promo(db, group.scope, "BOTH", campaign_id=draft, follows_campaign=True, **dated)
    assert [(await seen(call, group.scope, code))[1] for code in ("FREE", "BOUND", "DATED", "BOTH")] == [
        True, False, True, False,
    ]  # fmt: skip
    for change, error in (
        ({"followsCampaign": False}, []),
        ({"campaignId": None}, []),
        ({"followsCampaign": True}, ["CAMPAIGN_MISSING"]),
    ):
        told = await call(group.scope, PROMO_UPDATE, i={"id": f"promo_{bound}", **change})
        assert [one["code"] for one in told["data"]["promoUpdate"]["errors"]] == error
    assert (await seen(call, group.scope, "BOUND"))[1]


async def test_a_code_may_belong_to_several_campaigns_and_each_covers_its_time(
    db: Database, call: Call
) -> None:
    group = await groups.group(db)
    segment = await given.segment(db, group.group_id)
    old = await made(
        call, group.scope, segment, "WEEKLY25", startsOn="2026-06-01", endsOn="2026-06-07"
    )  # fmt: skip
    assert await seen(call, group.scope, "WEEKLY25") == ("EXPIRED", False, ["EXPIRED"])
    new = await made(
        call, group.scope, segment, "weekly25", startsOn="2026-06-15", endsOn="2026-06-21"
    )  # fmt: skip
    assert [one["code"] for one in new["campaign"]["promos"]["nodes"]] == ["WEEKLY25"]
    assert [one["id"] for one in new["promo"]["campaigns"]["nodes"]] == [
        new["campaign"]["id"],
        old["campaign"]["id"],
    ]
    assert await seen(call, group.scope, "WEEKLY25") == ("ACTIVE", True, [])
    for query in (
        "{ campaigns { nodes { id promos { totalCount nodes { code } } } } }",
        "query($c: [ID!]) { promos(filter: {campaignIds: $c}) { nodes { code } } }",
    ):
        shown = await call(group.scope, query, **({"c": [old["campaign"]["id"]]} if "$c" in query else {}))
        assert "WEEKLY25" in str(shown["data"])
    await audience.customer(db, group.scope, "ada")
    before = datetime(2026, 6, 3, 12, tzinfo=UTC)
    recorded = await audience.orders(
        db, group.scope,
        audience.order("o1", "ada", promo_code="WEEKLY25", ordered_at=NOON),
        audience.order("o2", "ada", promo_code="Weekly25", ordered_at=before),
        audience.order("o3", "ada", promo_code="weekly25", ordered_at=before + 7 * DAY),
        now=NOON + DAY,
    )  # fmt: skip
    assert len(recorded.ids) == 3
    orders = await call(group.scope, "{ orders { nodes { reference campaign { id } } } }")
    assert {one["reference"]: one["campaign"]["id"] for one in orders["data"]["orders"]["nodes"]} == {
        "o1": new["campaign"]["id"], "o2": old["campaign"]["id"], "o3": old["campaign"]["id"],
    }  # fmt: skip


async def test_campaigns_are_added_and_taken_away(db: Database, call: Call) -> None:
    group = await groups.group(db)
    first, second = [await campaigns.campaign(db, group.scope) for _ in range(2)]
    promo = await given.promo(db, group.scope, campaign_id=first)
    asked = {"promoId": f"promo_{promo}", "campaignId": f"camp_{second}"}
    for _ in range(2):
        told = (await call(group.scope, ADD, i=asked))["data"]["promoCampaignAdd"]
        assert [one["id"] for one in told["promo"]["campaigns"]["nodes"]] == [
            f"camp_{second}",
            f"camp_{first}",
        ]
    told = await call(group.scope, REMOVE, i={**asked, "campaignId": f"camp_{first}"})
    assert told["data"]["promoCampaignRemove"]["promo"]["campaign"] == {"id": f"camp_{second}"}
    told = await call(group.scope, REMOVE, i=asked)
    assert told["data"]["promoCampaignRemove"]["errors"][0]["code"] == "CAMPAIGN_MISSING"


async def test_a_store_sees_a_shared_promo_and_does_not_change_it(db: Database, call: Call) -> None:
    group = await groups.group(db)
    other = await groups.store(db, group.group_id)
    own = Scope(group.group_id, store_id=other.store_id)
    here = await campaigns.campaign(db, group.scope, store_id=group.store_id)
    there = await campaigns.campaign(db, group.scope, store_id=other.store_id)
    promo = await given.promo(db, group.scope, campaign_id=here, follows_campaign=False)
    listed = "{ promos { nodes { code campaigns { nodes { id } } } } }"
    assert (await call(own, listed))["data"]["promos"]["nodes"] == []
    await call(group.scope, ADD, i={"promoId": f"promo_{promo}", "campaignId": f"camp_{there}"})
    assert (await call(own, listed))["data"]["promos"]["nodes"] == [
        {"code": "WELCOME20", "campaigns": {"nodes": [{"id": f"camp_{there}"}]}}
    ]
    told = await call(own, PROMO_UPDATE, i={"id": f"promo_{promo}", "value": 90})
    (error,) = told["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert "campaigns elsewhere" in error["message"]


def life(ident: int, start: int | None, end: int | None, status: str = "active", **more: Any) -> CampaignLife:
    """A campaign from one day to another, counted from noon."""

    def day(n: int | None) -> datetime | None:
        return None if n is None else NOON + n * DAY

    return CampaignLife(id=ident, name="C", status=status, starts_at=day(start), ends_at=day(end), **more)


def test_the_latest_started_counts_where_several_hold() -> None:
    spring, sale, gone = life(1, -30, 30), life(2, -3, 3), life(3, -1, 1, is_deleted=True)
    assert credited([spring, sale, gone], NOON) == 2
    assert credited([spring, sale, gone], NOON + 5 * DAY) == 1
    assert credited([spring, sale], NOON + 40 * DAY) == 2
    assert credited([spring, sale], NOON - 40 * DAY) == 1
    assert credited([gone], NOON) is None
    assert foremost([spring, sale, gone], now=NOON) == sale
    ahead = life(4, 1, None, "scheduled")
    assert foremost([life(1, -9, -1), ahead, life(5, -2, None, "paused")], now=NOON) == ahead
    assert [one.phase(NOON) for one in (spring, ahead, life(1, 0, 0), life(2, None, None, "scheduled"))] == [
        Phase.LIVE, Phase.AHEAD, Phase.OVER, Phase.HALTED,
    ]  # fmt: skip
