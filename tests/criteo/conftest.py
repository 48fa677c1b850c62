"""The whole gateway in this process, and a client of Criteo's API with an advertiser of the printed number."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest

from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.operations import create_campaign
from app.domain.external_ids.giving import set_ids
from app.domain.metrics.entries import MetricEntry
from app.domain.metrics.operations import record_metrics
from app.domain.spend.operations import Change, Changed, change_limits
from app.domain.spend.rules import AskedLimit
from app.tables.campaigns import Objective
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from tests.rest.conftest import Marketer, gateway, marketers, settings

__all__ = ["Buyer", "buyer", "gateway", "marketers", "settings"]

BASE = "/preview/marketing-solutions/campaigns"
PREFIX = "campaign--campaign-update-check--"
ADVERTISER = "12345"


@dataclass(frozen=True, slots=True)
class Buyer:
    """A client with a bearer token of a group; its default store was imported as advertiser 12345."""

    inner: Marketer

    async def call(self, method: str, path: str = "", **more: Any) -> httpx.Response:
        """One call below `/campaigns`."""
        return await self.inner.call(method, path, base=BASE, **more)

    async def create(self, **attributes: Any) -> Any:
        """The `data` of a new campaign: the printed one with these attributes; `...` leaves one out."""
        response = await self.call("POST", json=self.order(**attributes))
        assert response.status_code == 201, response.text
        return response.json()["data"]

    @staticmethod
    def order(**attributes: Any) -> dict[str, Any]:
        """The printed body with these attributes."""
        given = {
            "name": "My Campaign",
            "advertiserId": 12345,
            "goal": "Retention",
            "spendLimit": limit(),
            **attributes,
        }
        kept = {name: value for name, value in given.items() if value is not ...}
        return {"data": {"type": "Campaign", "id": "99999", "attributes": kept}}

    async def patch(self, *items: object) -> Any:
        """What became of these updates: 200, whatever became of them."""
        response = await self.call("PATCH", json={"data": list(items)})
        assert response.status_code == 200, response.text
        body = response.json()
        assert list(body) == ["data", "errors", "warnings"]
        return body

    async def limit_of(self, number: str) -> Any:
        """A campaign's spend limit, as it is read."""
        response = await self.call("GET", f"/{number}")
        assert response.status_code == 200, response.text
        return response.json()["data"]["attributes"]["spendLimit"]

    async def imported(
        self,
        number: str,
        *,
        renewal: str | None = "daily",
        amount: str = "123.45",
        name: str = "My Campaign",
        objective: Objective = Objective.RETENTION,
    ) -> int:
        """A campaign imported with a number, capped unless the renewal is None; its row id."""
        inner, now = self.inner, datetime.now(UTC)
        async with inner.db.transaction(inner.given.scope) as tx:
            fields = CampaignFields(name=name, objective=objective)
            made = await create_campaign(tx, fields, now=now)
            await set_ids(tx, "camp", {made: {"criteo": number}})
            if renewal is not None:
                asked = AskedLimit(
                    type=SpendLimitType.CAPPED, renewal=SpendLimitRenewal(renewal), amount=Decimal(amount)
                )
                (done,) = await change_limits(
                    tx, [Change(campaign=f"camp_{made}", limit=asked)], may_begin=True, now=now
                )
                assert isinstance(done, Changed)
        return made

    async def known_as(self, kind: str, ident: int, number: str) -> None:
        """Give a row its number in Criteo's system."""
        async with self.inner.db.transaction(self.inner.given.scope) as tx:
            await set_ids(tx, kind, {ident: {"criteo": number}})

    async def spend(self, campaign_id: int, amount: str, *, day: date | None = None) -> None:
        """Spend, as it is reported for a day; today unless given."""
        inner, now = self.inner, datetime.now(UTC)
        entry = MetricEntry(
            campaign_id=campaign_id, day=day or now.date(), channel="display", spend=Decimal(amount)
        )
        async with inner.db.transaction(inner.given.scope) as tx:
            await record_metrics(tx, [entry], now=now)

    async def set(self, sql: str, *values: object) -> None:
        """A statement of the test's own, `$1` being the group."""
        async with self.inner.db.transaction(self.inner.given.scope) as tx:
            await tx.execute(sql, self.inner.given.group_id, *values)


def limit(**changes: Any) -> dict[str, Any]:
    """The printed spend limit with these changes; `...` leaves one out."""
    given = {
        "spendLimitRenewal": "daily",
        "spendLimitType": "capped",
        "spendLimitAmount": Decimal("123.45"),
        **{f"spendLimit{name.capitalize()}": value for name, value in changes.items()},
    }
    return {name: value for name, value in given.items() if value is not ...}


def change(number: object, **changes: Any) -> dict[str, Any]:
    """An update of a campaign's spend limit."""
    return {"type": "Campaign", "id": number, "attributes": {"spendLimit": limit(**changes)}}


async def advertiser(made: Marketer, number: str = ADVERTISER, *, zone: str = "UTC") -> Buyer:
    """This client's default store, imported with that number."""
    found = Buyer(made)
    await found.set(
        "UPDATE store SET time_zone = $3 WHERE group_id = $1 AND id = $2", made.given.store_id, zone
    )
    await found.known_as("store", made.given.store_id, number)
    return found


@pytest.fixture
async def buyer(marketers: Callable[..., Any]) -> Buyer:
    """A client of a new group."""
    return await advertiser(await marketers())
