"""A day alone where an instant can be: as a start its first moment, as an end all of it, where the thing lives."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import audience, campaigns, groups
from tests.given.asking import Asker
from tests.given.groups import GivenGroup


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


async def write(asker: Asker, scope: Scope, query: str, *, now: datetime, **variables: Any) -> Any:
    """The payload of a mutation in which nothing was wrong."""
    context = asker.context(scope, roles=frozenset({Role.TENANT_ADMIN}))
    context.now = now
    made = await answer(Operation(query, variables), context)
    assert not made.errors, made
    (payload,) = json.loads(made.body)["data"].values()
    assert payload["errors"] == [], payload
    return payload


async def ask(asker: Asker, scope: Scope, query: str, **variables: Any) -> Any:
    """The answer, the same both ways."""
    planned, resolved = await asker.both(scope, query, **variables)
    assert planned.execution == "planned", planned
    assert planned.body == resolved.body
    (found,) = json.loads(planned.body, parse_float=Decimal)["data"].values()
    return found


WINDOW = "campaign { id status startsAt endsAt startsOn endsOn } errors { code message path }"


async def test_a_campaign_runs_through_its_last_day_in_its_store(db: Database, asker: Asker) -> None:
    group = await groups.group(db, time_zone="America/New_York")
    late = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)  # 23:30 on the 30th there
    made = await write(
        asker, group.scope, f"mutation($i: CampaignCreateInput!) {{ campaignCreate(input: $i) {{ {WINDOW} }} }}",
        now=late, i={"name": "N", "startsAt": "2026-11-30", "endsAt": "2026-11-30"},
    )  # fmt: skip
    expected = {
        "startsAt": "2026-11-30T05:00:00Z", "endsAt": "2026-12-01T05:00:00Z",
        "startsOn": "2026-11-30", "endsOn": "2026-11-30",
    }  # fmt: skip
    assert made["campaign"] == {"id": made["campaign"]["id"], "status": "ACTIVE", **expected}
    update = f"mutation($i: CampaignUpdateInput!) {{ campaignUpdate(input: $i) {{ {WINDOW} }} }}"
    ident = made["campaign"]["id"]
    changed = await write(asker, group.scope, update, now=late, i={"id": ident, "endsAt": "2026-12-02"})
    assert (changed["campaign"]["endsAt"], changed["campaign"]["endsOn"]) == (
        "2026-12-03T05:00:00Z",
        "2026-12-02",
    )
    changed = await write(
        asker, group.scope, update, now=late, i={"id": ident, "endsAt": "2026-12-02T00:00:00Z"}
    )
    assert (changed["campaign"]["endsAt"], changed["campaign"]["endsOn"]) == ("2026-12-02T00:00:00Z", None)


PROMO = "promo { id validFrom validFromOn validUntil validUntilOn isRedeemable } errors { code message path }"


async def test_a_promo_holds_through_its_last_day_where_it_lives(db: Database, asker: Asker) -> None:
    group = await groups.group(db, time_zone="Europe/Paris")
    far = await groups.store(db, group.group_id, time_zone="Asia/Tokyo")
    here = await campaigns.campaign(db, group.scope, store_id=group.store_id)
    there = await campaigns.campaign(db, group.scope, store_id=far.store_id)
    create = f"mutation($i: PromoCreateInput!) {{ promoCreate(input: $i) {{ {PROMO} }} }}"
    update = f"mutation($i: PromoUpdateInput!) {{ promoUpdate(input: $i) {{ {PROMO} }} }}"
    now = datetime(2026, 11, 30, 20, tzinfo=UTC)

    async def made(code: str, **more: Any) -> Any:
        given = {"code": code, "type": "PERCENTAGE", "value": "5", "validUntil": "2026-11-30", **more}
        return (await write(asker, group.scope, create, now=now, i=given))["promo"]

    free = await made("FREE", validFrom="2026-11-30")
    assert (free["validFrom"], free["validUntil"]) == ("2026-11-29T23:00:00Z", "2026-11-30T23:00:00Z")
    assert (free["validFromOn"], free["validUntilOn"], free["isRedeemable"]) == (
        "2026-11-30",
        "2026-11-30",
        True,
    )
    tokyo = await made("TOKYO", campaignId=f"camp_{there}")
    assert (tokyo["validUntil"], tokyo["isRedeemable"]) == ("2026-11-30T15:00:00Z", False)
    # Its last day stays one where it moves to.
    moved = await write(
        asker, group.scope, update, now=now, i={"id": tokyo["id"], "campaignId": f"camp_{here}"}
    )
    assert moved["promo"]["validUntil"] == "2026-11-30T23:00:00Z"
    zone = "mutation($i: GroupUpdateInput!) { groupUpdate(input: $i) { errors { code message path } } }"
    await write(asker, group.scope, zone, now=now, i={"timeZone": "America/New_York"})
    shown = await ask(
        asker, group.scope, "query($id: ID!) { promo(id: $id) { validFrom validUntil } }", id=free["id"]
    )
    assert shown == {"validFrom": "2026-11-30T05:00:00Z", "validUntil": "2026-12-01T05:00:00Z"}
    at = {"id": free["id"], "validUntil": "2026-12-24T12:00:00Z"}
    moved = (await write(asker, group.scope, update, now=now, i=at))["promo"]
    assert (moved["validUntil"], moved["validUntilOn"]) == ("2026-12-24T12:00:00Z", None)


async def test_a_key_works_through_its_last_day_in_the_group(db: Database, asker: Asker) -> None:
    group = await groups.group(db, time_zone="America/New_York")
    create = """
    mutation($i: ApiKeyCreateInput!) { apiKeyCreate(input: $i) { apiKey { expiresAt } errors { code message path } } }
    """
    now = datetime(2026, 11, 30, 20, tzinfo=UTC)
    made = await write(asker, group.scope, create, now=now, i={"name": "k", "expiresAt": "2026-11-30"})
    assert made["apiKey"]["expiresAt"] == "2026-12-01T05:00:00Z"


@pytest.fixture(scope="module")
async def shop(db: Database) -> GivenGroup:
    """Orders a minute before and at midnight of 30 November and of the day after, in a store of New York."""
    group = await groups.group(db, time_zone="Europe/Paris")
    far = await groups.store(db, group.group_id, time_zone="America/New_York")
    who = await audience.customer(db, group.scope, "ada")
    moments = ["2026-11-30T04:59Z", "2026-11-30T05:00Z", "2026-12-01T04:59Z", "2026-12-01T05:00Z"]
    async with db.transaction(group.scope) as tx:
        for n, moment in enumerate(moments):
            await tx.execute(
                "INSERT INTO customer_order (group_id, customer_id, store_id, reference, amount, currency, ordered_at,"
                " ordered_on) VALUES ($1, $2, $3, $4, 10, 'EUR', $5::timestamptz,"
                " ($5::timestamptz AT TIME ZONE 'America/New_York')::date)",
                group.group_id, who, far.store_id, str(n), datetime.fromisoformat(moment),
            )  # fmt: skip
    return group


ORDERS = "query($f: OrderFilter) { orders(filter: $f) { nodes { reference } } }"


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ({"since": "2026-11-30", "until": "2026-11-30"}, ["2", "1"]),
        ({"until": "2026-11-30"}, ["2", "1", "0"]),
        ({"since": "2026-11-30"}, ["3", "2", "1"]),
        ({"since": "2026-11-30T00:00:00Z", "until": "2026-11-30"}, ["2", "1", "0"]),
        ({"since": "2026-11-30", "until": "2026-12-01T05:00:00Z"}, ["2", "1"]),
        ({"since": "2026-11-30T00:00:00Z", "until": "2026-11-30T05:00:00Z"}, ["0"]),
        ({"since": "0001-01-01", "until": "9999-12-31"}, ["3", "2", "1", "0"]),
    ],
)
async def test_a_list_of_a_day_has_the_stores_day(
    asker: Asker, shop: GivenGroup, window: dict[str, str], found: list[str]
) -> None:
    """In one document, so that days and instants do not share a plan; and written out."""
    there = await ask(asker, shop.scope, ORDERS, f=window)
    assert [one["reference"] for one in there["nodes"]] == found
    literal = ", ".join(f'{name}: "{value}"' for name, value in window.items())
    there = await ask(asker, shop.scope, f"{{ orders(filter: {{{literal}}}) {{ nodes {{ reference }} }} }}")
    assert [one["reference"] for one in there["nodes"]] == found


LISTS = {
    "campaigns": ["startsFrom", "runsAfter", "runsBefore"],
    "events": ["since", "until", "occurredSince", "occurredUntil"],
    "orders": ["since", "until"], "funnelTouches": ["since", "until"], "outlays": ["since", "until"],
    "auditEntries": ["since", "until"], "interactions": ["since", "until"], "eventMetrics": ["since", "until"],
    "rewardEvaluations": ["since", "until"], "rewardEntries": ["since", "until"],
    "promoRedemptions": ["since", "until"],
}  # fmt: skip


@pytest.mark.parametrize(("listed", "keys"), LISTS.items())
async def test_every_list_takes_days_under_every_scope(
    asker: Asker, shop: GivenGroup, listed: str, keys: list[str]
) -> None:
    conditions = ", ".join(f'{key}: "2026-11-30"' for key in keys)
    query = f"{{ {listed}(filter: {{{conditions}}}) {{ totalCount nodes {{ id }} }} }}"
    for scope in (
        shop.scope,
        Scope(shop.group_id, store_id=shop.store_id),
        Scope(shop.group_id, project_ids=(1,)),
    ):
        planned, resolved = await asker.both(scope, query)
        assert planned.execution == "planned", planned
        assert planned.body == resolved.body
        assert not planned.errors


async def test_where_no_end_is_meant_a_day_alone_is_its_first_moment_in_utc(
    db: Database, asker: Asker
) -> None:
    group = await groups.group(db)
    now = datetime(2026, 11, 30, 20, tzinfo=UTC)
    query = """
    mutation($i: CustomersUpsertInput!) {
      customersUpsert(input: $i) { customers { lastOrderAt } errors { code message path } } }
    """
    told = {"customers": [{"externalId": "ada", "name": "Ada", "lastOrderAt": "2026-11-29"}]}
    made = await write(asker, group.scope, query, now=now, i=told)
    assert made["customers"] == [{"lastOrderAt": "2026-11-29T00:00:00Z"}]
    query = """
    mutation($i: TouchesRecordInput!) { touchesRecord(input: $i) { recorded errors { code message path } } }
    """
    async with db.transaction(group.scope) as tx:
        who = await tx.fetchval("SELECT id FROM customer")
    touch = {"customerId": f"cust_{who}", "stage": "INTENT", "reference": "r", "occurredAt": "2026-11-29"}
    await write(asker, group.scope, query, now=now, i={"touches": [touch]})
