"""Segments: dynamic ones hold whoever fits, the others whoever is on their list; seen from both sides."""

import json
from typing import Any

from app.auth.principal import Role
from app.db.database import Database
from app.values.scope import Scope
from tests.given import audience as given
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup
from tests.segments.conftest import Ask

FIELDS = "segment { id name type size sizedAt sizeNow criteria source } errors { code message path }"
CREATE = f"mutation($input: SegmentCreateInput!) {{ segmentCreate(input: $input) {{ {FIELDS} }} }}"
UPDATE = f"mutation($input: SegmentUpdateInput!) {{ segmentUpdate(input: $input) {{ {FIELDS} }} }}"
ADD = f"mutation($input: SegmentMembersInput!) {{ segmentMembersAdd(input: $input) {{ changed {FIELDS} }} }}"
REMOVE = (
    f"mutation($input: SegmentMembersInput!) {{ segmentMembersRemove(input: $input) {{ changed {FIELDS} }} }}"
)
DELETE = "mutation($input: SegmentDeleteInput!) { segmentDelete(input: $input) { deletedId errors { code path } } }"
HOLDS = """
query($id: ID!, $first: Int!, $after: String) { segment(id: $id) {
  sizeNow customers(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } nodes { externalId segments { name } } } } }
"""
DOCUMENTED = {
    "total_spent": {"gte": 500},
    "order_count": {"gte": 10},
    "loyalty_tier": {"in": ["gold", "platinum"]},
}


async def create(ask: Ask, scope: Scope, **values: Any) -> dict[str, Any]:
    made = await ask(scope, CREATE, input={"name": "S", **values})
    assert "errors" not in made, made
    return dict(made["data"]["segmentCreate"])


async def held(ask: Ask, scope: Scope, segment: str, first: int = 50) -> list[str]:
    made = await ask(scope, HOLDS, id=segment, first=first)
    return [one["externalId"] for one in made["data"]["segment"]["customers"]["nodes"]]


async def test_a_dynamic_segment_is_counted_when_it_is_made_and_keeps_its_criteria_as_sent(
    ask: Ask, shop: GivenGroup
) -> None:
    made = await create(ask, shop.scope, name="High Value Customers", type="DYNAMIC", criteria=DOCUMENTED)
    segment = made["segment"]
    assert made["errors"] == []
    assert (segment["size"], segment["sizeNow"], segment["sizedAt"]) == (0, 0, "2025-06-15T12:00:00Z")
    assert segment["criteria"] == DOCUMENTED
    assert list(segment["criteria"]) == list(DOCUMENTED)
    changed = await ask(
        shop.scope, UPDATE, input={"id": segment["id"], "criteria": {**DOCUMENTED, "order_count": {"gte": 8}}}
    )
    # c08 is gold, c09 is platinum; c10 is silver.
    assert changed["data"]["segmentUpdate"]["segment"]["size"] == 2
    assert await held(ask, shop.scope, segment["id"]) == ["c08", "c09"]


async def test_numbers_in_criteria_keep_their_digits(ask: Ask, shop: GivenGroup) -> None:
    literal = (
        'mutation { segmentCreate(input: {name: "S", type: DYNAMIC,'
        " criteria: {total_spent: {gte: 0.10000000000000000001, lt: 1e2}}}) { segment { criteria size } } }"
    )
    made = await ask(shop.scope, literal)
    assert made["data"]["segmentCreate"]["segment"]["size"] == 0
    plain = await ask(shop.scope, '{ segments(filter: {search: "S"}) { nodes { criteria } } }')
    text = json.dumps(plain["data"]["segments"]["nodes"])
    assert "0.1" in text


async def test_documented_criteria_by_days_since_the_last_order(ask: Ask, shop: GivenGroup) -> None:
    made = await create(ask, shop.scope, type="DYNAMIC", criteria={"last_order_days_ago": {"gte": 9}})
    assert made["segment"]["size"] == 3
    assert await held(ask, shop.scope, made["segment"]["id"]) == ["c09", "c10", "c11"]
    made = await create(ask, shop.scope, type="DYNAMIC", criteria={"loyalty_tier": "gold"})
    assert await held(ask, shop.scope, made["segment"]["id"]) == ["c00", "c04", "c08"]


async def test_static_and_imported_segments_have_lists(ask: Ask, shop: GivenGroup) -> None:
    made = await create(ask, shop.scope, type="IMPORTED", source="old crm", name="Gold")
    segment = made["segment"]
    assert (segment["size"], segment["source"], segment["criteria"]) == (0, "old crm", None)
    found = await ask(
        shop.scope, '{ customers(filter: {externalIds: ["c01", "c02", "c03"]}) { nodes { id externalId } } }'
    )
    ids = {one["externalId"]: one["id"] for one in found["data"]["customers"]["nodes"]}
    both = {"id": segment["id"], "customerIds": [ids["c01"], ids["c02"], ids["c01"]]}
    for changed in (2, 0):
        added = (await ask(shop.scope, ADD, input=both))["data"]["segmentMembersAdd"]
        assert (added["changed"], added["segment"]["size"], added["segment"]["sizeNow"]) == (changed, 2, 2)
    assert await held(ask, shop.scope, segment["id"]) == ["c01", "c02"]
    planned = await ask(
        shop.scope,
        f'{{ segments(filter: {{ids: ["{segment["id"]}"]}}) {{ nodes {{'
        " members { totalCount nodes { customer { externalId memberships { nodes { segment { name } } } } } } } } }",
    )
    listed = planned["data"]["segments"]["nodes"][0]["members"]
    assert listed["totalCount"] == 2
    assert listed["nodes"][0]["customer"]["memberships"]["nodes"] == [{"segment": {"name": "Gold"}}]
    gone = {"id": segment["id"], "customerIds": [ids["c02"], ids["c03"]]}
    removed = (await ask(shop.scope, REMOVE, input=gone))["data"]["segmentMembersRemove"]
    assert (removed["changed"], removed["segment"]["size"]) == (1, 1)
    refused = await ask(
        shop.scope, ADD, input={"id": segment["id"], "customerIds": [ids["c03"], "cust_999999"]}
    )
    assert refused["data"]["segmentMembersAdd"]["errors"][0] | {"message": ""} == {
        "code": "NOT_FOUND", "message": "", "path": ["customerIds", "1"],
    }  # fmt: skip
    assert await held(ask, shop.scope, segment["id"]) == ["c01"]


async def test_a_customer_knows_its_segments_of_every_type(ask: Ask, shop: GivenGroup) -> None:
    await create(ask, shop.scope, name="Gold", type="DYNAMIC", criteria={"loyalty_tier": "gold"})
    await create(ask, shop.scope, name="Even", type="DYNAMIC", criteria={"tags": "even"})
    await create(
        ask, shop.scope, name="Sized", type="DYNAMIC", criteria={"attributes.size": {"between": [4, 5]}}
    )
    listed = await create(ask, shop.scope, name="List", type="STATIC")
    found = await ask(shop.scope, '{ customers(filter: {externalIds: ["c04"]}) { nodes { id } } }')
    c4 = found["data"]["customers"]["nodes"][0]["id"]
    await ask(shop.scope, ADD, input={"id": listed["segment"]["id"], "customerIds": [c4]})
    made = await ask(shop.scope, "{ customers { nodes { externalId segments { name } } } }")
    names = {
        one["externalId"]: [segment["name"] for segment in one["segments"]]
        for one in made["data"]["customers"]["nodes"]
    }
    assert names["c04"] == ["Even", "Gold", "List", "Sized"]
    assert (names["c05"], names["c01"]) == (["Sized"], [])


async def test_whom_a_segment_holds_comes_page_by_page(ask: Ask, shop: GivenGroup) -> None:
    made = await create(ask, shop.scope, type="DYNAMIC", criteria={"order_count": {"gte": 0}})
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = await ask(shop.scope, HOLDS, id=made["segment"]["id"], first=5, after=after)
        customers = page["data"]["segment"]["customers"]
        assert customers["totalCount"] == 12
        seen += [one["externalId"] for one in customers["nodes"]]
        after = customers["pageInfo"]["endCursor"]
    assert seen == [f"c{n:02}" for n in range(12)]
    assert customers["pageInfo"]["hasNextPage"] is False
    for faulty in ({"first": 201}, {"first": 1, "after": "x"}):
        refused = await ask(shop.scope, HOLDS, id=made["segment"]["id"], **faulty)
        assert refused["errors"][0]["extensions"]["code"] == "INVALID"


PREVIEW = "query($c: JSON!) { segmentPreview(criteria: $c) { size sample { externalId } sql parameters } }"


async def test_criteria_can_be_looked_at_before_they_are_saved(ask: Ask, shop: GivenGroup) -> None:
    made = await ask(shop.scope, PREVIEW, c={"any": [{"order_count": {"lt": 2}}, {"tags": "even"}]})
    shown = made["data"]["segmentPreview"]
    assert (shown["size"], [one["externalId"] for one in shown["sample"]]) == (
        7,
        ["c00", "c01", "c02", "c04", "c06"],
    )
    assert (shown["sql"], shown["parameters"]) == (None, None)
    made = await ask(shop.scope, PREVIEW, Role.SUPER_ADMIN, c={"order_count": {"lt": 2}})
    assert "customer.order_count < $4::bigint" in made["data"]["segmentPreview"]["sql"]
    assert made["data"]["segmentPreview"]["parameters"] == ["2"]
    refused = await ask(shop.scope, PREVIEW, c={"any": [{"order_count": {"less": 2}}]})
    (error,) = refused["errors"]
    assert error["extensions"]["code"] == "INVALID_SEGMENT_CRITERIA"
    assert error["message"].startswith("`criteria.any.0.order_count.less` ")


async def test_malformed_criteria_are_not_saved(ask: Ask, shop: GivenGroup) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"type": "DYNAMIC"}, ["criteria"]),
        ({"type": "DYNAMIC", "criteria": {}}, ["criteria"]),
        (
            {"type": "DYNAMIC", "criteria": {"total_spent": {"gte": "much"}}},
            ["criteria", "total_spent", "gte"],
        ),
        ({"type": "STATIC", "criteria": {"loyalty_tier": "gold"}}, ["criteria"]),
    ]
    for values, path in cases:
        made = await create(ask, shop.scope, **values)
        assert made["segment"] is None
        assert [(e["code"], e["path"]) for e in made["errors"]] == [("INVALID_SEGMENT_CRITERIA", path)]
    assert (await ask(shop.scope, "{ segments { totalCount } }"))["data"]["segments"]["totalCount"] == 0


async def test_a_segment_in_use_is_not_deleted(ask: Ask, db: Database, shop: GivenGroup) -> None:
    made = await create(ask, shop.scope, type="STATIC")
    ident = made["segment"]["id"]
    campaign = await campaigns.campaign(
        db, shop.scope, segment_id=int(ident.removeprefix("seg_")), starts_at=given.NOON
    )
    refused = await ask(shop.scope, DELETE, input={"id": ident})
    assert refused["data"]["segmentDelete"]["errors"][0]["code"] == "SEGMENT_IN_USE"
    async with db.transaction(shop.scope) as tx:
        await tx.execute("UPDATE campaign SET status = 'completed' WHERE id = $1", campaign)
    assert (await ask(shop.scope, DELETE, input={"id": ident}))["data"]["segmentDelete"]["deletedId"] == ident
    again = await ask(shop.scope, DELETE, input={"id": ident})
    assert again["data"]["segmentDelete"]["errors"][0]["code"] == "NOT_FOUND"


async def test_a_segment_too_large_for_a_channel_is_refused(ask: Ask, db: Database, shop: GivenGroup) -> None:
    ident = (await create(ask, shop.scope, type="STATIC"))["segment"]["id"]
    async with db.transaction(shop.scope) as tx:
        await tx.execute("UPDATE segment SET size = 100001")
    create_one = (
        'mutation($channels: [String!], $id: ID) { campaignCreate(input: {name: "C", channels: $channels,'
        " segmentId: $id}) { campaign { id } errors { code message path } } }"
    )
    refused = await ask(shop.scope, create_one, channels=["email", "sms"], id=ident)
    (error,) = refused["data"]["campaignCreate"]["errors"]
    assert (error["code"], error["path"]) == ("SEGMENT_TOO_LARGE", ["segmentId"])
    assert "100001 customers" in error["message"]
    made = await ask(shop.scope, create_one, channels=["email", "google_ads"], id=ident)
    campaign = made["data"]["campaignCreate"]["campaign"]["id"]
    change = 'mutation($id: ID!) { campaignUpdate(input: {id: $id, channels: ["sms"]}) { errors { code } } }'
    refused = await ask(shop.scope, change, id=campaign)
    assert refused["data"]["campaignUpdate"]["errors"] == [{"code": "SEGMENT_TOO_LARGE"}]


async def test_a_store_sees_its_own_customers_in_segments_and_changes_none(
    ask: Ask, db: Database, shop: GivenGroup
) -> None:
    made = await create(ask, shop.scope, type="DYNAMIC", criteria={"order_count": {"gte": 6}})
    ident = made["segment"]["id"]
    store = Scope(shop.group_id, shop.store_id)
    assert made["segment"]["sizeNow"] == 6
    assert await held(ask, store, ident) == ["c07", "c09", "c11"]
    refused = await ask(store, UPDATE, input={"id": ident, "name": "Mine"})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    refused = await ask(shop.scope, UPDATE, Role.READ, input={"id": ident, "name": "Mine"})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    other = await groups.group(db, name="B")
    foreign = await ask(other.scope, HOLDS, id=ident, first=5)
    assert foreign["data"]["segment"] is None
    preview = await ask(other.scope, PREVIEW, c={"order_count": {"gte": 0}})
    assert preview["data"]["segmentPreview"]["size"] == 0
