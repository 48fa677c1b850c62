"""Segments and promo codes through the Marketing & CRM API."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domain.customers.entries import CustomerEntry
from app.rest.crm.schemas import NEW_PROMO, NEW_SEGMENT
from tests.given import audience, crm
from tests.given.audience import order
from tests.rest.conftest import Marketer
from tests.rest.test_lagriffe_reading import assert_documented


async def customers(client: Marketer) -> None:
    """Four customers: gold with many orders, gold with one old one, platinum with a large one, none."""
    db, scope = client.db, client.given.scope
    tiers = {"a": "gold", "b": "gold", "c": "platinum", "d": None}
    await audience.customers(
        db, scope, *(CustomerEntry(external_id=who, loyalty_tier=tier) for who, tier in tiers.items())
    )
    now = datetime.now(UTC)
    await audience.orders(
        db,
        scope,
        *(order(f"a{n}", "a", "60", ordered_at=now - timedelta(days=1, hours=n)) for n in range(10)),
        order("b1", "b", "10", ordered_at=now - timedelta(days=40)),
        order("c1", "c", "900", ordered_at=now - timedelta(days=5)),
        now=now,
    )


async def size(client: Marketer, criteria: dict[str, Any]) -> int:
    made = await client.post("/segments", {"name": "S", "type": "dynamic", "criteria": criteria})
    assert made["criteria"] == criteria
    assert made["last_updated"]
    return int(made["size"])


async def test_the_documented_criteria_hold_whom_they_say(marketer: Marketer) -> None:
    await customers(marketer)
    assert await size(marketer, {"loyalty_tier": "gold"}) == 2
    assert await size(marketer, {"loyalty_tier": {"in": ["gold", "platinum"]}}) == 3
    assert await size(marketer, {"total_spent": {"gte": 500}}) == 2
    assert await size(marketer, {"order_count": {"gte": 10}}) == 1
    assert await size(marketer, {"last_order_days_ago": {"gte": 30}}) == 1
    # Several at once must all hold.
    assert await size(marketer, {"loyalty_tier": "gold", "last_order_days_ago": {"gte": 30}}) == 1
    documented: Any = NEW_SEGMENT["criteria"]
    assert await size(marketer, documented) == 1


@pytest.mark.parametrize("kind", ["static", "imported"])
async def test_lists_of_customers_start_empty(marketer: Marketer, kind: str) -> None:
    made = await marketer.post("/segments", {"name": "VIP", "type": kind})
    assert_documented(made, "CrmSegment")
    assert (made["type"], made["size"], made["criteria"]) == (kind, 0, {})


async def test_criteria_are_echoed_with_the_digits_they_came_with(marketer: Marketer) -> None:
    body = b'{"name":"S","type":"dynamic","criteria":{"total_spent":{"gte":499.90},"tags":{"contains":"\\u00e9"}}}'
    response = await marketer.call(
        "POST", "/segments", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 201, response.text
    assert '"criteria":{"total_spent":{"gte":499.90},"tags":{"contains":"é"}}' in response.text
    assert '"gte":499.90' in (await marketer.call("GET", "/segments")).text


@pytest.mark.parametrize(
    ("criteria", "field"),
    [
        (..., "criteria"),
        ({}, "criteria"),
        ([], "criteria"),
        ("gold", "criteria"),
        ({"shoe_size": 42}, "criteria.shoe_size"),
        ({"total_spent": {"gte": "much"}}, "criteria.total_spent.gte"),
        ({"total_spent": {"about": 5}}, "criteria.total_spent.about"),
        ({"total_spent": {}}, "criteria.total_spent"),
        ({"order_count": {"gte": 1.5}}, "criteria.order_count.gte"),
        ({"loyalty_tier": {"in": []}}, "criteria.loyalty_tier.in"),
        ({"loyalty_tier": {"in": "gold"}}, "criteria.loyalty_tier.in"),
        ({"any": []}, "criteria.any"),
        ({"not": {"total_spent": True}}, "criteria.not.total_spent"),
    ],
)
async def test_malformed_criteria_name_the_fault_and_store_nothing(
    marketer: Marketer, criteria: Any, field: str
) -> None:
    body = {"name": "S", "type": "dynamic", "criteria": criteria}
    error = await marketer.refused(
        "POST", "/segments", 400, "invalid_segment_criteria",
        json={name: value for name, value in body.items() if value is not ...},
    )  # fmt: skip
    assert field in [one["field"] for one in error["details"]], error
    assert await marketer.count("segment") == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [({"type": "static"}, "name"), ({"name": "x"}, "type"), ({"name": "x", "type": "fluid"}, "type"),
     ({"name": "", "type": "static"}, "name"), ({"name": ["x"], "type": "static"}, "name")],
)  # fmt: skip
async def test_a_wrong_segment_names_the_field(marketer: Marketer, body: Any, field: str) -> None:
    error = await marketer.refused("POST", "/segments", 400, "validation_error", json=body)
    assert [one["field"] for one in error["details"]] == [field]


async def test_lists_without_documented_pages_have_them_too(marketer: Marketer) -> None:
    for n in range(5):
        await marketer.post("/segments", {"name": f"s{n}", "type": "static"})
        await marketer.post("/promos", {"code": f"CODE{n}", "type": "percentage", "value": n})
    for path, key in (("/segments", "name"), ("/promos", "code")):
        response = await marketer.call("GET", path, params={"limit": 2, "page": 2})
        assert response.headers["x-total-count"] == "5"
        assert 'rel="next"' in response.headers["link"]
        assert [row[key][-1] for row in response.json()["data"]] == ["2", "1"]
        assert len((await marketer.get(path))["data"]) == 5


def promo(**fields: Any) -> dict[str, Any]:
    """The documented promo without its segment, with these changes; a field of `...` is left out."""
    made = {**NEW_PROMO, "customer_segment_id": ..., **fields}
    return {name: value for name, value in made.items() if value is not ...}


async def test_a_promo_shows_what_was_set_and_leaves_out_the_rest(marketer: Marketer) -> None:
    made = await marketer.post("/promos", {"code": "BARE-10", "type": "percentage", "value": 10})
    assert_documented(made, "CrmPromo")
    assert list(made) == ["id", "code", "type", "value", "used", "created_at"]
    assert made["used"] == 0


@pytest.mark.parametrize(
    ("kind", "value"), [("percentage", "12.5"), ("fixed_amount", "5"), ("free_item", "1"), ("bogo", "3")]
)
async def test_types_are_an_open_set(marketer: Marketer, kind: str, value: str) -> None:
    made = await marketer.post("/promos", promo(code=f"C-{kind}"[:32], type=kind, value=Decimal(value)))
    assert (made["type"], Decimal(str(made["value"]))) == (kind, Decimal(value))


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("Percentage", "percentage"), (" FREE_ITEM", "free_item"), ("Fixed Amount", "fixed_amount")],
)
async def test_a_known_type_is_read_however_it_is_written(marketer: Marketer, sent: str, kept: str) -> None:
    assert (await marketer.post("/promos", promo(type=sent, value=3)))["type"] == kept


async def test_a_code_may_have_letters_of_any_script(marketer: Marketer) -> None:
    made = [await marketer.post("/promos", promo(code=code)) for code in ("groß10", "GROSS10", "скидка")]
    assert [one["code"] for one in made] == ["GROß10", "GROSS10", "СКИДКА"]
    await marketer.refused("POST", "/promos", 409, "promo_code_exists", json=promo(code="GROẞ10"))


@pytest.mark.parametrize("kind", ["free_delivery", "free_item"])
async def test_what_is_free_needs_no_value(marketer: Marketer, kind: str) -> None:
    made = await marketer.post("/promos", {"code": f"{kind}-1", "type": kind})
    assert made["value"] == 0


async def test_applies_to_is_echoed(marketer: Marketer) -> None:
    scope = {"skus": ["A-1", "B-2"], "categories": ["pizza"], "stores": ["store_1"]}
    assert (await marketer.post("/promos", promo(applies_to=scope)))["applies_to"] == scope


@pytest.mark.parametrize("code", ["", "AB", "-ABC", "A B", "ÉT\u200bÉ25", "ÉTÉ.25", "A" * 33, "<script>"])
async def test_a_code_of_another_form_is_refused(marketer: Marketer, code: str) -> None:
    error = await marketer.refused("POST", "/promos", 400, "invalid_promo_code", json=promo(code=code))
    assert [one["field"] for one in error["details"]] == ["code"]
    assert await marketer.count("promo") == 0


async def test_a_code_is_taken_in_any_case_also_at_the_same_moment(marketer: Marketer) -> None:
    first = await marketer.post("/promos", promo(code="welcome20"))
    assert first["code"] == "WELCOME20"
    for code in ("WELCOME20", "Welcome20", " welcome20 "):
        await marketer.refused("POST", "/promos", 409, "promo_code_exists", json=promo(code=code))
    answers = await asyncio.gather(
        *(marketer.call("POST", "/promos", json=promo(code="Rush" if n % 2 else "rUSH")) for n in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": ...}, "code"),
        ({"code": 20}, "code"),
        ({"type": ...}, "type"),
        ({"type": ""}, "type"),
        ({"value": ...}, "value"),
        ({"value": 101}, "value"),
        ({"value": -1}, "value"),
        ({"value": "20"}, "value"),
        ({"value": True}, "value"),
        ({"value": Decimal("1e30")}, "value"),
        ({"min_order_amount": -1}, "min_order_amount"),
        ({"min_order_amount": Decimal("1.00001")}, "min_order_amount"),
        ({"max_discount": "50"}, "max_discount"),
        ({"type": "fixed_amount", "value": Decimal("25.005")}, "value"),
        ({"min_order_amount": Decimal("25.005")}, "min_order_amount"),
        ({"max_discount": Decimal("0.001")}, "max_discount"),
        ({"usage_limit": Decimal("1.5")}, "usage_limit"),
        ({"usage_limit": -1}, "usage_limit"),
        ({"usage_limit": 2**60}, "usage_limit"),
        ({"per_customer_limit": "one"}, "per_customer_limit"),
        ({"valid_from": "soon"}, "valid_from"),
        ({"valid_from": 5}, "valid_from"),
        ({"valid_until": "2026-01-01T00:00:00Z"}, "valid_until"),
        ({"applies_to": []}, "applies_to"),
        ({"applies_to": {"all_items": "yes"}}, "applies_to.all_items"),
        ({"applies_to": {"skus": "A"}}, "applies_to.skus"),
        ({"applies_to": {"nonsense": [1]}}, "applies_to.nonsense"),
    ],
)
async def test_a_wrong_promo_names_the_field_and_stores_nothing(
    marketer: Marketer, fields: Any, field: str
) -> None:
    error = await marketer.refused("POST", "/promos", 400, "validation_error", json=promo(**fields))
    assert [one["field"] for one in error["details"]] == [field]
    assert f"`{field}`" in error["message"] or field in ("value", "valid_until", "code"), error
    assert await marketer.count("promo") == 0


async def test_a_promo_for_a_segment_names_it_by_either_id(marketer: Marketer) -> None:
    made = await crm.segment(marketer.db, marketer.given.group_id, external_id="seg_new_customers")
    for code, name in (("OLD", "seg_new_customers"), ("NEW", f"seg_{made}")):
        shown = await marketer.post("/promos", promo(code=code, customer_segment_id=name))
        assert shown["customer_segment_id"] == "seg_new_customers"


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York"])
async def test_a_promo_given_days_holds_through_the_last_one_in_the_group(
    marketer: Marketer, zone: str
) -> None:
    """And prints them as the samples print days."""
    async with marketer.db.transaction(marketer.given.scope) as tx:
        await tx.execute(
            "UPDATE customer_group SET time_zone = $1 WHERE id = $2", zone, marketer.given.group_id
        )
    made = await marketer.post("/promos", promo(valid_from="2026-11-01", valid_until="2026-11-30"))
    assert (made["valid_from"], made["valid_until"]) == ("2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z")
    assert (await marketer.get("/promos"))["data"] == [made]
    async with marketer.db.transaction(marketer.given.scope) as tx:
        ends = await tx.fetchval("SELECT (valid_until AT TIME ZONE $1)::text FROM promo", zone)
    assert ends == "2026-12-01 00:00:00"
