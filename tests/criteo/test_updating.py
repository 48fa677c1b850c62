"""Updates, each for itself: every documented error and warning, and the rule behind it."""

import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.domain.spend.operations import apply_due_limits
from app.serving.journal import JsonFormatter
from tests.criteo.conftest import PREFIX, Buyer, change, limit
from tests.criteo.test_creating import WRONG
from tests.given import campaigns

KEYS = ["traceIdentifier", "type", "code", "instance", "title", "detail"]
MISSING = "spend-limit-does-not-exist"
WAITS = "new-spend-limit-amount-will-take-place-at-the-next-period-start"


def told(entries: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Code and place of each error or warning, all of which have the printed keys."""
    for entry in entries:
        assert list(entry) == KEYS
        assert entry["type"] == "validation"
        assert str(UUID(entry["traceIdentifier"])) == entry["traceIdentifier"]
        assert entry["title"]
        assert entry["detail"]
    return [(entry["code"].removeprefix(PREFIX), entry["instance"]) for entry in entries]


async def test_one_failure_hurts_no_other(buyer: Buyer) -> None:
    for number in ("1", "2", "3"):
        await buyer.imported(number)

    found = await buyer.patch(change("1", amount=1), change("2", amount=0), change("3", amount=3))

    assert found["data"] == [{"type": "Campaign", "id": "1"}, {"type": "Campaign", "id": "3"}]
    assert told(found["errors"]) == [("validation-failed-on-spend-limit", "@data/1")]
    assert found["warnings"] == []
    assert [(await buyer.limit_of(n))["spendLimitAmount"] for n in ("1", "2", "3")] == [1, 123.45, 3]


async def test_all_may_fail_and_none_may_be_asked(buyer: Buyer) -> None:
    found = await buyer.patch(change("1"), change("2"))
    assert found["data"] == []
    assert told(found["errors"]) == [(MISSING, "@data/0"), (MISSING, "@data/1")]
    assert await buyer.patch() == {"data": [], "errors": [], "warnings": []}


async def test_campaigns_and_advertisers_are_named_alike_everywhere(buyer: Buyer) -> None:
    ours = await buyer.imported("99")
    store = buyer.inner.given.store_id
    for name, found in ((f"camp_{ours}", False), (str(ours), True), ("99", True)):
        assert (await buyer.call("GET", f"/{name}")).status_code == (200 if found else 404)
        some = await buyer.call("POST", "/search", json={"filters": {"campaignIds": [name]}})
        done = [{"type": "Campaign", "id": "99"}] if found else []
        assert [row["id"] for row in some.json()["data"]] == [row["id"] for row in done]
        made = await buyer.patch(change(name, amount=5))
        assert (made["data"], told(made["errors"])) == (done, [] if found else [(MISSING, "@data/0")])
    advertisers: list[tuple[str | int, int]] = [(f"store_{store}", 400), (str(store), 201), (12345, 201)]
    for advertiser, status in advertisers:
        response = await buyer.call("POST", json=buyer.order(advertiserId=advertiser))
        assert response.status_code == status, response.text


@pytest.mark.parametrize("number", ["1", 1])
@pytest.mark.parametrize("amount", [5, {"value": 5}])
async def test_ids_and_amounts_come_as_the_sdks_send_them(
    buyer: Buyer, number: object, amount: object
) -> None:
    await buyer.imported("1")
    found = await buyer.patch(change(number, amount=amount))
    assert found["data"] == [{"type": "Campaign", "id": "1"}]
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 5


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"spendLimitAmount": 5}, ("daily", 5)),
        ({"spendLimitRenewal": "monthly"}, ("monthly", 123.45)),
        ({"spendLimitType": "capped"}, ("daily", 123.45)),
        ({}, ("daily", 123.45)),
        (None, ("daily", 123.45)),
    ],
)
async def test_what_is_not_sent_stays(buyer: Buyer, sent: object, kept: tuple[str, float]) -> None:
    await buyer.imported("1")
    found = await buyer.patch({"id": "1", "type": "Campaign", "attributes": {"spendLimit": sent}})
    assert found["errors"] == []
    after = await buyer.limit_of("1")
    assert (after["spendLimitRenewal"], after["spendLimitAmount"]) == kept


async def test_a_whole_campaign_may_be_sent_back(buyer: Buyer) -> None:
    for renewal, number in (("daily", "1"), (None, "2")):
        await buyer.imported(number, renewal=renewal)
        response = await buyer.call("GET", f"/{number}")
        whole = json.loads(response.text, parse_float=Decimal)["data"]
        assert await buyer.patch(whole) == {
            "data": [{"type": "Campaign", "id": number}], "errors": [], "warnings": [],
        }  # fmt: skip
        assert (await buyer.call("GET", f"/{number}")).text == response.text


async def test_read_only_fields_are_ignored_and_told_where_they_differ(buyer: Buyer) -> None:
    await buyer.imported("1")
    before = (await buyer.call("GET", "/1")).text
    sent = {"name": "Other", "advertiserId": 999, "goal": "Retention"}

    found = await buyer.patch({"type": "Campaign", "id": "1", "attributes": sent})

    assert found["data"] == [{"type": "Campaign", "id": "1"}]
    assert told(found["warnings"]) == [("read-only-field-ignored", "@data/0")] * 2
    assert (await buyer.call("GET", "/1")).text == before


async def test_the_goal_can_be_changed_though_not_taken_away(buyer: Buyer) -> None:
    await buyer.imported("1")

    found = await buyer.patch({"id": "1", "attributes": {"goal": "Acquisition"}})
    assert (found["errors"], found["warnings"]) == ([], [])
    found = await buyer.patch({"id": "1", "attributes": {"goal": "Unspecified"}})
    assert told(found["warnings"]) == [("read-only-field-ignored", "@data/0")]
    assert (await buyer.call("GET", "/1")).json()["data"]["attributes"]["goal"] == "Acquisition"


async def test_what_is_uncapped_has_no_limit_to_update(buyer: Buyer) -> None:
    await buyer.imported("1", renewal=None)
    made = await buyer.create(spendLimit=limit(type="uncapped"))

    found = await buyer.patch(change("1"), change(made["id"]), {"id": "3", "attributes": {}})

    assert told(found["errors"]) == [(MISSING, f"@data/{n}") for n in range(3)]


async def test_a_limit_can_be_taken_away(buyer: Buyer) -> None:
    await buyer.imported("1")
    found = await buyer.patch(change("1", type="uncapped"))
    assert found["errors"] == []
    assert await buyer.limit_of("1") == {
        "spendLimitRenewal": "undefined", "spendLimitType": "uncapped", "spendLimitAmount": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "sent", [one for one in WRONG if {"spendLimitAmount", "spendLimitRenewal"} <= one.keys()]
)
async def test_a_wrong_limit_changes_nothing(buyer: Buyer, sent: dict[str, Any]) -> None:
    await buyer.imported("1")
    found = await buyer.patch({"type": "Campaign", "id": "1", "attributes": {"spendLimit": sent}})
    assert found["data"] == []
    assert told(found["errors"]) == [("validation-failed-on-spend-limit", "@data/0")]
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 123.45


async def test_a_lifetime_limit_is_not_lowered_below_what_is_spent(buyer: Buyer) -> None:
    it = await buyer.imported("1", renewal="lifetime", amount="500")
    await buyer.spend(it, "100.25")
    wish = {"renewal": "lifetime"}

    found = await buyer.patch(change("1", amount=Decimal("100.24"), **wish))
    code = "cannot-decrease-lifetime-spend-limit-below-what-is-already-spent"
    assert told(found["errors"]) == [(code, "@data/0")]
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 500

    found = await buyer.patch(change("1", amount=Decimal("100.25"), **wish))
    assert (found["errors"], found["warnings"]) == ([], [])
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 100.25


@pytest.mark.parametrize("twin", ["1", 1, "ours"])
async def test_a_campaign_that_is_there_twice_fails_each_time(buyer: Buyer, twin: object) -> None:
    it = await buyer.imported("1")
    await buyer.imported("2")
    again = str(it) if twin == "ours" else twin

    found = await buyer.patch(change("1", amount=1), change("2", amount=2), change(again, amount="x"))
    found = (
        found
        if twin != "ours"
        else await buyer.patch(change("1", amount=1), change("2", amount=2), change(again))
    )

    code = "cannot-update-same-campaign-multiple-times"
    assert found["data"] == [{"type": "Campaign", "id": "2"}]
    assert told(found["errors"]) == [(code, "@data/0"), (code, "@data/2")]
    assert (await buyer.limit_of("2"))["spendLimitAmount"] == 2


async def test_an_advertiser_may_be_without_a_feature(buyer: Buyer) -> None:
    await buyer.imported("1")
    await buyer.set("UPDATE store SET unavailable_features = '{monthly_limits}' WHERE group_id = $1")

    found = await buyer.patch(change("1", renewal="monthly"))
    assert told(found["errors"]) == [("unavailable-feature-for-this-advertiser", "@data/0")]
    assert (await buyer.patch(change("1", amount=5)))["errors"] == []


@pytest.mark.parametrize("renewal", ["daily", "monthly"])
async def test_less_than_is_spent_waits_for_the_next_period(buyer: Buyer, renewal: str) -> None:
    it = await buyer.imported("1", renewal=renewal, amount="500")
    await buyer.spend(it, "100")

    found = await buyer.patch(change("1", renewal=renewal, amount=99))

    assert found["data"] == [{"type": "Campaign", "id": "1"}]
    assert found["errors"] == []
    assert told(found["warnings"]) == [(WAITS, "@data/0")]
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 500
    async with buyer.inner.db.transaction(buyer.inner.given.scope) as tx:
        await apply_due_limits(tx, datetime.now(UTC) + timedelta(days=32))
    assert (await buyer.limit_of("1"))["spendLimitAmount"] == 99


async def test_a_new_renewal_is_judged_by_its_own_spend(buyer: Buyer) -> None:
    it = await buyer.imported("1", renewal="lifetime", amount="500")
    await buyer.spend(it, "300", day=datetime.now(UTC).date() - timedelta(days=40))
    await buyer.spend(it, "20")

    at_once = await buyer.patch(change("1", renewal="daily", amount=20))
    assert (at_once["errors"], at_once["warnings"]) == ([], [])
    waiting = await buyer.patch(change("1", renewal="monthly", amount=10))
    assert told(waiting["warnings"]) == [(WAITS, "@data/0")]


@pytest.mark.parametrize(
    "item",
    [
        5, None, {}, {"id": None}, {"id": True}, {"id": "1", "type": "AdSet"}, {"id": "1", "attributes": []},
        {"id": "1", "attributes": {"spendLimit": []}},
    ],
)  # fmt: skip
async def test_an_item_that_cannot_be_read_fails_alone(buyer: Buyer, item: object) -> None:
    await buyer.imported("1")
    await buyer.imported("2")
    found = await buyer.patch(item, change("2", amount=2))
    assert found["data"] == [{"type": "Campaign", "id": "2"}]
    assert [place for _, place in told(found["errors"])] == ["@data/0"]


async def test_three_names_for_one_campaign_are_one_campaign(buyer: Buyer) -> None:
    row = await buyer.imported("99999")
    names = ["99999", "99999", str(row)]

    found = await buyer.patch(*(change(name, amount=at) for at, name in enumerate(names, start=5)))
    mixed = await buyer.patch(change("99999", amount="much"), change(str(row), amount=9))

    code = "cannot-update-same-campaign-multiple-times"
    assert found["data"] == mixed["data"] == []
    assert told(found["errors"]) == [(code, "@data/0"), (code, "@data/1"), (code, "@data/2")]
    assert told(mixed["errors"]) == [(code, "@data/0"), (code, "@data/1")]
    assert (await buyer.limit_of("99999"))["spendLimitAmount"] == 123.45


@pytest.mark.parametrize("value", [[], {}, ["Acquisition"], {"a": []}, True, 1.5, "x" * 300])
async def test_read_only_fields_of_any_kind_are_ignored_with_a_warning(buyer: Buyer, value: object) -> None:
    await buyer.imported("1")
    for name in ("name", "advertiserId", "goal"):
        found = await buyer.patch({"id": "1", "attributes": {name: value}})
        assert found["data"] == [{"type": "Campaign", "id": "1"}]
        assert told(found["warnings"]) == [("read-only-field-ignored", "@data/0")]


@pytest.mark.parametrize("item", [{}, 1, {"id": "1", "attributes": []}, {"id": "1"}])
async def test_more_than_a_thousand_are_too_many_readable_or_not(buyer: Buyer, item: object) -> None:
    response = await buyer.call("PATCH", json={"data": [item] * 1001})
    assert response.status_code == 413
    (error,) = response.json()["errors"]
    assert (error["code"], error["instance"]) == ("too-large", "@data")


@pytest.mark.parametrize("body", [{}, [], "text", None, {"data": {}}, {"data": None}, {"data": "1"}])
async def test_what_is_no_list_of_updates_is_malformed(buyer: Buyer, body: object) -> None:
    content = json.dumps(body)
    response = await buyer.call("PATCH", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["code"] == "malformed-body"


async def test_trace_identifiers_are_in_the_log(buyer: Buyer, caplog: pytest.LogCaptureFixture) -> None:
    await campaigns.campaign(buyer.inner.db, buyer.inner.given.scope, known_as={"criteo": "1"})
    with caplog.at_level(logging.INFO, logger="app.rest.criteo"):
        found = await buyer.patch(change("1"), {"id": "1x"}, {"id": "2", "attributes": {}})
        general = (await buyer.call("GET", "/4")).json()
    for entry in [*found["errors"], *general["errors"]]:
        assert entry["traceIdentifier"] in caplog.text
        assert entry["code"] in caplog.text


async def test_the_log_leads_from_a_trace_identifier_to_the_request(
    buyer: Buyer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="app.rest.criteo"):
        answers = [
            await buyer.call("PATCH", json={"data": [{"id": "1x"}, {"id": "2x"}]}),
            await buyer.call("GET", "/4"),
            await buyer.call("PUT"),
        ]
    records = [record for record in caplog.records if record.name == "app.rest.criteo.failures"]
    assert len(records) == 4
    for response in answers:
        for entry in response.json()["errors"]:
            (record,) = [r for r in records if entry["traceIdentifier"] in r.getMessage()]
            line = json.loads(JsonFormatter().format(record))
            assert line["id"] == response.headers["X-Request-Id"]
