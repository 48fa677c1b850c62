"""What is attributed: orders and events, each sale once, on the day and in the currency it was made in."""

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.attribution.keeping import share_again
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.attribution.given import Market, market, spend
from tests.given import groups
from tests.given import promos as given
from tests.given.asking import NOW, Asker

ROWS = """
query($by: AttributionDimension!, $model: AttributionModel, $since: Date, $until: Date, $currency: String,
      $project: String) {
  attribution(by: $by, model: $model, since: $since, until: $until, currency: $currency, project: $project) {
    campaign { id } channel isUnknown store { id } revenue { amount currency } cost { amount } conversions roas
    unconverted { currency revenue { amount } cost { amount } } } }
"""


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


class Shop:
    """A market with one customer, where one thing after the other happens."""

    def __init__(self, db: Database, asker: Asker, here: Market, customer: int) -> None:
        self.db, self.asker, self.here, self.customer = db, asker, here, customer

    async def touch(self, at: str, campaign: int | None = None, channel: str | None = None) -> None:
        async with self.db.transaction(self.here.scope) as tx:
            await tx.execute(
                "INSERT INTO interaction (group_id, project_id, kind, customer_id, campaign_id, channel, occurred_at,"
                " dedup_key) VALUES ($1, $2, 'online', $3, $4, $5, $6::text::timestamptz, gen_random_uuid()::text)",
                self.here.group_id, self.here.project_id, self.customer, campaign, channel, at,
            )  # fmt: skip

    async def order(
        self, at: str, amount: str, *, campaign: int | None = None, channel: str | None = None,
        reference: str = "o1", currency: str = "EUR", refunded: str = "0", store: int | None = None,
    ) -> None:  # fmt: skip
        async with self.db.transaction(self.here.scope) as tx:
            await tx.execute(
                "INSERT INTO customer_order (group_id, reference, customer_id, store_id, campaign_id, channel, amount,"
                " currency, ordered_at, ordered_on, refunded) VALUES ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8,"
                " $9::text::timestamptz,"
                " (SELECT ($9::text::timestamptz AT TIME ZONE coalesce(s.time_zone, g.time_zone))::date"
                " FROM store s JOIN customer_group g ON g.id = s.group_id WHERE s.group_id = $1 AND s.id = $4),"
                " $10::text::numeric)",
                self.here.group_id, reference, self.customer, store or self.here.store_id, campaign, channel, amount,
                currency, at, refunded,
            )  # fmt: skip

    async def event(
        self, at: str, amount: str, *, currency: str | None = None, told_by: str | None = None,
        campaign: int | None = None,
    ) -> None:  # fmt: skip
        async with self.db.transaction(self.here.scope) as tx:
            ident = await tx.fetchval(
                "INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at,"
                " status, event_type_id, type_version, customer_id, sale_reference, campaign_id)"
                " VALUES ($1, gen_random_uuid(), $2, 'tracker', gen_random_uuid()::text, 'sale',"
                " $3::text::timestamptz, $3::text::timestamptz, 'processed', $4, 1, $5, $6, $7) RETURNING id",
                self.here.group_id, self.here.project_id, at, self.here.event_type_id, self.customer, told_by,
                campaign,
            )  # fmt: skip
            await tx.execute(
                "INSERT INTO event_metric (group_id, event_id, project_id, customer_id, occurred_at, kind, storage_key,"
                " value, currency, metric_date, is_told_by_order) VALUES ($1, $2, $3, $4, $5::text::timestamptz,"
                " 'statistic', 'turnover', $6::text::numeric, $7, $5::text::timestamptz, $8)",
                self.here.group_id, ident, self.here.project_id, self.customer, at, amount, currency,
                told_by is not None,
            )  # fmt: skip

    async def rates(self, *rates: tuple[str, str, str, str]) -> None:
        async with self.db.transaction(self.here.scope) as tx:
            for ours, theirs, day, rate in rates:
                await tx.execute(
                    "INSERT INTO exchange_rate (group_id, from_currency, to_currency, day, rate)"
                    " VALUES ($1, $2, $3, $4::text::date, $5::text::numeric)",
                    self.here.group_id, ours, theirs, day, rate,
                )  # fmt: skip

    async def ask(self, by: str, *, scope: Scope | None = None, **asked: Any) -> list[dict[str, Any]]:
        planned, resolved = await self.asker.both(scope or self.here.scope, ROWS, by=by, **asked)
        assert planned.execution == "planned", planned
        assert planned.body == resolved.body
        found: list[dict[str, Any]] = json.loads(planned.body, parse_float=Decimal)["data"]["attribution"]
        return found

    async def earned(self, by: str, **asked: Any) -> dict[Any, str]:
        """Revenue by what it is broken down by; an unknown channel is '?'."""
        out: dict[Any, str] = {}
        for row in await self.ask(by, **asked):
            one = row[by.lower()]
            out["?" if row["isUnknown"] else one and (one["id"] if by != "CHANNEL" else one)] = row[
                "revenue"
            ]["amount"]
        return out


@pytest.fixture
def shop(db: Database, asker: Asker) -> Callable[..., Any]:
    async def made(*channels: list[str], **how: Any) -> tuple[Shop, list[int]]:
        here = await market(db, campaigns=len(channels) or 2, **how)
        async with db.transaction(here.scope) as tx:
            for campaign, one in zip(here.campaigns, channels, strict=False):
                await tx.execute("UPDATE campaign SET channels = $3 WHERE group_id = $1 AND id = $2",
                                 here.group_id, campaign, one)  # fmt: skip
        (customer,) = await given.customers(db, here.group_id, 1)
        return Shop(db, asker, here, customer), here.campaigns

    return made


async def test_a_sale_that_is_told_twice_counts_once(shop: Any) -> None:
    at, (a, b) = await shop()
    await at.touch("2025-03-01T08:00Z", b)
    await at.order("2025-03-01T12:00Z", "100", campaign=a, channel="email", refunded="20")
    await at.event("2025-03-01T12:00Z", "100", told_by="o1")
    await at.event("2025-03-01T13:00Z", "7")
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "80.00", None: "7.00"}
    assert await at.earned("CAMPAIGN", model="LAST_TOUCH") == {f"camp_{b}": "87.00"}
    (row,) = await at.ask("CAMPAIGN", model="LAST_TOUCH")
    assert row["conversions"] == "2"


async def test_a_sale_that_is_dated_ahead_counts_when_its_moment_has_come(shop: Any, db: Database) -> None:
    at, (a, _) = await shop()
    await at.touch("2025-06-14T08:00Z", a)
    await at.event("2025-06-14T09:00Z", "7")
    await at.event("2025-07-01T12:00Z", "55")
    assert await at.earned("CAMPAIGN", model="LAST_TOUCH") == {f"camp_{a}": "7.00"}
    async with db.transaction(at.here.scope) as tx:
        await tx.execute(
            "UPDATE customer_group SET attribution_model = 'last_touch', attribution_window_days = 90 WHERE id = $1",
            at.here.group_id,
        )
    for now, shares, waiting in ((NOW, 1, 1), (NOW + timedelta(days=30), 2, 0)):
        async with db.transaction(at.here.scope) as tx:
            await tx.execute("DELETE FROM sale_change WHERE group_id = $1", at.here.group_id)
            await share_again(tx, [at.customer], now=now)
            assert await tx.fetchval("SELECT count(*) FROM attributed_share") == shares
            count = "SELECT count(*) FROM sale_change WHERE group_id = $1"
            assert await tx.fetchval(count, at.here.group_id) == waiting


async def test_what_is_given_back_takes_the_conversion_along(shop: Any) -> None:
    at, (a, _) = await shop()
    await at.event("2025-03-01T12:00Z", "80", campaign=a)
    await at.event("2025-03-01T12:00Z", "-80", campaign=a)
    await at.order("2025-03-01T12:00Z", "50", campaign=a, channel="email", refunded="50")
    (row,) = await at.ask("CAMPAIGN")
    assert (row["revenue"]["amount"], row["conversions"]) == ("0.00", "1")


async def test_a_campaign_of_several_channels_earns_by_those_of_its_touches(shop: Any) -> None:
    at, (a,) = await shop(["google_ads", "meta_ads"])
    await at.touch("2025-03-01T08:00Z", a, "google_ads")
    await at.touch("2025-03-01T09:00Z", a, "meta_ads")
    await at.touch("2025-03-01T10:00Z", a)
    await at.order("2025-03-01T12:00Z", "1000", campaign=a, channel="unknown")
    await spend(
        at.db, at.here, (a, "2025-03-01", "google_ads", "100", "EUR"), (a, "2025-03-01", "meta_ads", "50", "EUR"),
        (a, "2025-03-01", "unknown", "9", "EUR"),
    )  # fmt: skip
    carried = [(r["channel"], r["isUnknown"], r["revenue"]["amount"], r["cost"]["amount"], r["roas"])
               for r in await at.ask("CHANNEL")]  # fmt: skip
    assert carried == [
        ("meta_ads", False, "1000.00", "50.00", Decimal("20.0000")),
        (None, True, "0.00", "9.00", Decimal("0.0000")),
        ("google_ads", False, "0.00", "100.00", Decimal("0.0000")),
    ]
    linear = {"google_ads": "333.34", "meta_ads": "333.33", "?": "333.33"}
    assert await at.earned("CHANNEL", model="LINEAR") == linear
    assert await at.earned("CAMPAIGN", model="LINEAR") == {f"camp_{a}": "1000.00"}
    # The order's own word counts where touches say nothing.
    await at.order("2025-03-01T12:00Z", "30", campaign=a, channel="google_ads", reference="o2")
    assert (await at.earned("CHANNEL"))["google_ads"] == "30.00"
    assert await at.earned("CHANNEL", model="LAST_TOUCH") == {
        "?": "1000.00", "google_ads": "30.00", "meta_ads": "0.00",
    }  # fmt: skip


async def test_nobody_knows_the_channel_of_what_had_no_touch(shop: Any) -> None:
    at, (a, b) = await shop(["google_ads", "meta_ads"], ["email"])
    await at.touch("2025-01-01T08:00Z", a, "google_ads")
    await at.order("2025-03-01T12:00Z", "10", campaign=a)
    await at.order("2025-03-01T12:00Z", "20", campaign=b, reference="o2")
    await at.order("2025-03-01T12:00Z", "5", reference="o3")
    assert await at.earned("CHANNEL") == {"?": "10.00", "email": "20.00", None: "5.00"}


async def test_traffic_that_says_its_channel_is_not_direct(shop: Any) -> None:
    at, (a, _) = await shop()
    await at.touch("2025-03-01T07:00Z", a)
    await at.touch("2025-03-01T08:00Z", None, "google_ads")
    await at.touch("2025-03-01T09:00Z")
    await at.order("2025-03-01T12:00Z", "90")
    assert await at.earned("CHANNEL", model="LINEAR") == {
        "email": "30.00",
        "google_ads": "30.00",
        None: "30.00",
    }
    assert await at.earned("CHANNEL", model="LAST_NON_DIRECT") == {"google_ads": "90.00"}
    assert await at.earned("CAMPAIGN", model="LAST_NON_DIRECT") == {None: "90.00"}


async def test_outlay_click_and_sale_of_one_local_day_stand_on_that_day(db: Database, shop: Any) -> None:
    at, (a, _) = await shop()
    store = (await groups.store(db, at.here.group_id, time_zone="America/New_York")).store_id
    async with db.transaction(at.here.scope) as tx:
        await tx.execute("UPDATE campaign SET store_id = $2 WHERE group_id = $1", at.here.group_id, store)
        await tx.execute("UPDATE project SET store_id = $2 WHERE group_id = $1", at.here.group_id, store)
    await spend(db, at.here, (a, "2025-03-05", "email", "50", "EUR"))
    # 20:00 and 21:00 in New York.
    await at.touch("2025-03-06T01:00Z", a)
    await at.order("2025-03-06T02:00Z", "150", store=store)
    await at.event("2025-03-06T02:00Z", "50")
    (row,) = await at.ask("CAMPAIGN", model="LINEAR", since="2025-03-05", until="2025-03-05")
    assert (row["revenue"]["amount"], row["cost"]["amount"], row["roas"]) == (
        "200.00",
        "50.00",
        Decimal("4.0000"),
    )
    assert await at.ask("CAMPAIGN", model="LINEAR", since="2025-03-06", until="2025-03-06") == []
    # An order of a store without a zone has the group's day.
    await at.order("2025-03-06T02:00Z", "1", reference="o2")
    assert await at.earned("CAMPAIGN", since="2025-03-06", until="2025-03-06") == {None: "1.00"}


async def test_what_a_day_to_come_will_cost_is_not_spent(shop: Any) -> None:
    at, (a, _) = await shop()
    today, tomorrow = NOW.date(), NOW.date().replace(day=NOW.day + 1)
    await spend(
        at.db, at.here, (a, str(today), "email", "5", "EUR"), (a, str(tomorrow), "email", "900", "EUR")
    )
    (row,) = await at.ask("CAMPAIGN")
    assert row["cost"]["amount"] == "5.00"
    assert await at.ask("CAMPAIGN", since=str(tomorrow)) == []


async def test_each_sale_stays_in_its_currency(shop: Any) -> None:
    at, (a, _) = await shop()
    await at.event("2025-03-08T12:00Z", "100", currency="USD", campaign=a)
    await at.event("2025-03-08T12:00Z", "100", currency="EUR", campaign=a)
    await at.event("2025-03-08T12:00Z", "10", campaign=a)
    await at.order("2025-03-08T12:00Z", "1000", currency="JPY", campaign=a, channel="email")
    shown = [r["revenue"] for r in await at.ask("CAMPAIGN")]
    assert shown == [
        {"amount": "110.00", "currency": "EUR"}, {"amount": "1000", "currency": "JPY"},
        {"amount": "100.00", "currency": "USD"},
    ]  # fmt: skip
    # The inverse of the 8th is newer than the direct one of the 7th.
    await at.rates(("USD", "EUR", "2025-03-07", "0.5"), ("EUR", "USD", "2025-03-08", "1.25"))
    (row,) = await at.ask("CAMPAIGN", currency="EUR")
    assert row["revenue"] == {"amount": "190.00", "currency": "EUR"}
    assert row["unconverted"] == [{"currency": "JPY", "revenue": {"amount": "1000"}, "cost": {"amount": "0"}}]
    # Told on one day both ways, the direct one holds.
    await at.rates(("USD", "EUR", "2025-03-08", "0.9"))
    (row,) = await at.ask("CAMPAIGN", currency="EUR")
    assert row["revenue"]["amount"] == "200.00"
    # And the direct one of a later day than the inverse's.
    await at.rates(("USD", "JPY", "2025-03-01", "100"), ("JPY", "USD", "2025-02-01", "5"))
    (row,) = await at.ask("CAMPAIGN", currency="USD")
    assert row["revenue"]["amount"] == "247.50"


async def test_an_order_is_of_the_project_that_its_campaign_is_of(db: Database, shop: Any) -> None:
    at, (a, b) = await shop()
    async with db.transaction(at.here.scope) as tx:
        await tx.execute(
            "UPDATE campaign SET project_id = NULL WHERE group_id = $1 AND id = $2", at.here.group_id, b
        )
    await at.order("2025-03-01T12:00Z", "100", campaign=a, channel="email")
    await at.event("2025-03-01T12:00Z", "99", told_by="o1")
    await at.order("2025-03-01T12:00Z", "10", campaign=b, channel="email", reference="o2")
    await at.event("2025-03-01T12:00Z", "9", told_by="o2")
    await at.event("2025-03-01T12:00Z", "1")
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "100.00", f"camp_{b}": "10.00", None: "1.00"}
    # Of the second sale the project knows only its event.
    asked = {"project": f"proj_{at.here.project_id}"}
    assert await at.earned("CAMPAIGN", **asked) == {f"camp_{a}": "100.00", None: "10.00"}
    # A credential for projects sees no orders.
    narrow = Scope(at.here.group_id, project_ids=(at.here.project_id,))
    assert await at.earned("CAMPAIGN", scope=narrow) == {None: "109.00"}


async def test_a_store_sees_its_own_orders(db: Database, shop: Any) -> None:
    at, (a, _) = await shop()
    other = (await groups.store(db, at.here.group_id)).store_id
    await at.order("2025-03-01T12:00Z", "100", campaign=a, channel="email")
    await at.order("2025-03-01T12:00Z", "5", reference="o2", store=other)
    await at.event("2025-03-01T12:00Z", "5", told_by="o2")
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "100.00", None: "5.00"}
    # The event is of the store's project; the order that tells the same is out of sight.
    own = Scope(at.here.group_id, store_id=at.here.store_id)
    assert await at.earned("CAMPAIGN", scope=own) == {f"camp_{a}": "100.00", None: "5.00"}
    assert await at.earned("CAMPAIGN", scope=Scope(at.here.group_id, store_id=other)) == {None: "5.00"}


async def test_the_group_chooses_how_its_sales_are_attributed(
    db: Database, shop: Any, tmp_path: Path
) -> None:
    at, (a, b) = await shop()
    await at.touch("2025-02-10T08:00Z", b)
    await at.touch("2025-02-28T08:00Z", a)
    await at.order("2025-03-01T08:00Z", "100")
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def choose(**chosen: Any) -> Any:
        principal = Principal("test", at.here.scope, frozenset({Role.MARKETING}))
        made = await answer(
            Operation(
                "mutation($input: GroupUpdateInput!) { groupUpdate(input: $input) { errors { path message }"
                " group { attribution { model windowDays halfLifeDays } } } }", {"input": chosen},
            ),
            Context(services, principal, now=NOW),
        )  # fmt: skip
        return json.loads(made.body)["data"]["groupUpdate"]

    made = await choose(name="Same")
    assert made["group"]["attribution"] == {"model": "CARRIED", "windowDays": 30, "halfLifeDays": 7}
    assert await at.earned("CAMPAIGN") == {None: "100.00"}
    await choose(attributionModel="LINEAR")
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "50.00", f"camp_{b}": "50.00"}
    await choose(attributionWindowDays=7)
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "100.00"}
    made = await choose(attributionModel="TIME_DECAY", attributionWindowDays=30, attributionHalfLifeDays=18)
    assert made["group"]["attribution"] == {"model": "TIME_DECAY", "windowDays": 30, "halfLifeDays": 18}
    assert await at.earned("CAMPAIGN") == {f"camp_{a}": "66.67", f"camp_{b}": "33.33"}
    assert await at.earned("CAMPAIGN", model="FIRST_TOUCH") == {f"camp_{b}": "100.00"}
    refused = await choose(attributionWindowDays=0)
    assert refused["errors"][0]["path"] == ["attributionWindowDays"]
