"""Customers and orders written and read through the graph, in one operation each."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, answer
from app.settings import read_settings
from tests.given import audience as given
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup

UPSERT = """
mutation($customers: [CustomerInput!]!) { customersUpsert(input: {customers: $customers}) {
  created updated customers { externalId name email totalSpent orderCount tags attributes store { id } }
  errors { code message path } } }
"""
ORDERS = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) {
  recorded repeated orders { reference amount { amount currency } channel
    customer { externalId orderCount totalSpent lastOrderAt } campaign { metrics { conversions revenue { amount } } } }
  errors { code message path } } }
"""


class Asking:
    """One credential of one group."""

    def __init__(self, db: Database, group: GivenGroup, folder: Path) -> None:
        settings = read_settings({"DATA_DIR": str(folder)})
        self.services = Services(settings, db, AssetStorage(settings))
        self.group = group

    async def __call__(self, query: str, **variables: Any) -> Any:
        return json.loads((await self.answer(query, **variables)).body)["data"]

    async def answer(self, query: str, **variables: Any) -> Answer:
        principal = Principal("test", self.group.scope, frozenset({Role.WRITE, Role.PERSONAL_DATA}))
        return await answer(Operation(query, variables), Context(self.services, principal, now=given.NOON))


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> Asking:
    return Asking(db, await groups.group(db), tmp_path)


async def test_customers_then_orders_then_the_numbers(db: Database, ask: Asking) -> None:
    campaign = await campaigns.campaign(db, ask.group.scope, channels=["email"])
    sent = [
        {"externalId": "ada", "email": "ada@example.org", "tags": ["vip"], "attributes": {"a": [1, "x"]},
         "storeId": f"store_{ask.group.store_id}"},
        {"email": "bo@example.org"},
    ]  # fmt: skip
    made = (await ask(UPSERT, customers=sent))["customersUpsert"]
    assert (made["created"], made["updated"], made["errors"]) == (2, 0, [])
    assert made["customers"] == [
        {"externalId": "ada", "name": "ada@example.org", "email": "ada@example.org", "totalSpent": "0",
         "orderCount": 0, "tags": ["vip"], "attributes": {"a": [1, "x"]},
         "store": {"id": f"store_{ask.group.store_id}"}},
        {"externalId": None, "name": "bo@example.org", "email": "bo@example.org", "totalSpent": "0", "orderCount": 0,
         "tags": [], "attributes": None, "store": None},
    ]  # fmt: skip
    orders = [
        {"reference": "o1", "amount": "12.50", "customerExternalId": "ada", "campaignId": f"camp_{campaign}"},
        {
            "reference": "o2",
            "amount": 7,
            "customerEmail": "ADA@example.org",
            "campaignId": f"camp_{campaign}",
        },
    ]
    done = (await ask(ORDERS, orders=orders))["ordersRecord"]
    assert (done["recorded"], done["repeated"], done["errors"]) == (2, 0, [])
    assert done["orders"][0] == {
        "reference": "o1", "amount": {"amount": "12.50", "currency": "EUR"}, "channel": "email",
        "customer": {"externalId": "ada", "orderCount": 2, "totalSpent": "19.5",
                     "lastOrderAt": "2025-06-15T12:00:00Z"},
        "campaign": {"metrics": {"conversions": "2", "revenue": {"amount": "19.50"}}},
    }  # fmt: skip
    again = (await ask(ORDERS, orders=orders))["ordersRecord"]
    assert (again["recorded"], again["repeated"], again["orders"]) == (0, 2, [])


async def test_faults_name_the_entry(ask: Asking) -> None:
    made = (await ask(UPSERT, customers=[{"email": "a@b"}, {"name": "nobody"}]))["customersUpsert"]
    assert made["customers"] is None
    assert [(e["code"], e["path"]) for e in made["errors"]] == [("CUSTOMER_UNNAMED", ["customers", "1"])]
    order = {"reference": "o", "amount": 1, "customerEmail": "a@b"}
    done = (await ask(ORDERS, orders=[order, {**order, "campaignId": "camp_x"}]))["ordersRecord"]
    assert [(e["code"], e["path"]) for e in done["errors"]] == [("NOT_FOUND", ["orders", "1", "campaignId"])]


async def test_customers_and_orders_are_read_by_one_statement(ask: Asking) -> None:
    made = await ask.answer(
        '{ customers(filter: {emails: ["A@b"], tags: ["x"], loyaltyTiers: ["gold"]},'
        " orderBy: {field: TOTAL_SPENT, direction: DESC}) { totalCount nodes { totalSpent"
        " orders(orderBy: {field: AMOUNT}) { nodes { amount { amount } store { orders { totalCount } } } } } } }"
    )
    assert (made.execution, made.errors) == ("planned", [])
