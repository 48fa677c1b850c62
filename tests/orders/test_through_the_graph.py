"""Orders recorded, corrected, refunded, cancelled and read through the graph and from files."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.importing.reading.sources import find_sources
from app.importing.reading.told import read_told
from app.importing.records import Verdict
from app.importing.running import import_files
from app.settings import read_settings
from tests.given import audience as given
from tests.given import groups
from tests.given.groups import GivenGroup

SHOWN = """
reference amount { amount currency } refunded { amount currency } worth { amount } cancelledAt version updatedAt
refunds { totalCount nodes { reference amount { amount currency } refundedAt order { reference } } }
customer { orderCount totalSpent lastOrderAt }
"""
RECORD = f"""
mutation($orders: [OrderInput!]!) {{ ordersRecord(input: {{orders: $orders}}) {{
  recorded corrected repeated outdated outcomes orders {{ {SHOWN} }} errors {{ code message path }} }} }}
"""
REFUND = f"""
mutation($input: OrderRefundInput!) {{ orderRefund(input: $input) {{
  order {{ {SHOWN} }} errors {{ code message path }} }} }}
"""
CANCEL = f"""
mutation($input: OrderCancelInput!) {{ orderCancel(input: $input) {{
  order {{ {SHOWN} }} errors {{ code message path }} }} }}
"""
EARLIER = "2025-06-14T10:00:00Z"


class Asking:
    """Somebody of one group who may write."""

    def __init__(self, db: Database, group: GivenGroup, folder: Path) -> None:
        settings = read_settings({"DATA_DIR": str(folder)})
        self.services = Services(settings, db, AssetStorage(settings))
        self.group = group

    async def __call__(self, query: str, **variables: Any) -> Any:
        principal = Principal("test", self.group.scope, frozenset({Role.WRITE, Role.PERSONAL_DATA}))
        context = Context(self.services, principal, now=given.NOON)
        return json.loads((await answer(Operation(query, variables), context)).body)["data"]


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> Asking:
    made = await groups.group(db)
    await given.customer(db, made.scope, "ada")
    return Asking(db, made, tmp_path)


def order(reference: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "reference": reference,
        "amount": amount,
        "customerExternalId": "ada",
        "orderedAt": EARLIER,
        **more,
    }


async def test_what_each_entry_did_is_told(ask: Asking) -> None:
    await ask(RECORD, orders=[order("o1", "50", version=2), order("o2", "20")])
    said = (await ask(
        RECORD,
        orders=[
            order("o1", "45", version=3), order("o1", "1", version=1), order("o2", "20"),
            order("o3", "7"), order("o3", "6", refunded="1", isCancelled=True),
        ],
    ))["ordersRecord"]  # fmt: skip
    assert said["outcomes"] == ["CORRECTED", "OUTDATED", "REPEATED", "RECORDED", "CORRECTED"]
    assert (said["recorded"], said["corrected"], said["repeated"], said["outdated"]) == (1, 2, 1, 1)
    assert [one["reference"] for one in said["orders"]] == ["o1", "o3"]
    first, third = said["orders"]
    assert (first["version"], first["cancelledAt"], first["worth"]) == (3, None, {"amount": "45.00"})
    assert (third["refunded"]["amount"], third["worth"]["amount"]) == ("1.00", "0.00")
    assert third["cancelledAt"] == "2025-06-15T12:00:00Z"
    assert first["customer"] == {"orderCount": 2, "totalSpent": "65", "lastOrderAt": EARLIER}


async def test_refunds_and_cancellations_show_the_order_as_it_is(ask: Asking) -> None:
    await ask(RECORD, orders=[order("o1", "50", currency="USD")])
    asked = {"orderReference": "o1", "amount": "20", "reference": "r1"}
    for _ in range(2):
        said = (await ask(REFUND, input=asked))["orderRefund"]
        assert said["errors"] == []
        assert said["order"]["worth"] == {"amount": "30.00"}
        assert said["order"]["refunds"] == {
            "totalCount": 1,
            "nodes": [
                {"reference": "r1", "amount": {"amount": "20.00", "currency": "USD"},
                 "refundedAt": "2025-06-15T12:00:00Z", "order": {"reference": "o1"}}
            ],
        }  # fmt: skip
    found = (await ask('{ orders(filter: {reference: "o1"}) { nodes { id } } }'))["orders"]["nodes"]
    said = (await ask(REFUND, input={"orderId": found[0]["id"], "reference": "r2"}))["orderRefund"]
    assert said["order"]["refunded"] == {"amount": "50.00", "currency": "USD"}
    # Refunds are in the order's currency.
    said = (await ask(RECORD, orders=[order("o1", "50", currency="EUR")]))["ordersRecord"]
    amounts = [one["amount"]["currency"] for one in said["orders"][0]["refunds"]["nodes"]]
    assert amounts == ["EUR", "EUR"]
    said = (await ask(CANCEL, input={"orderReference": "o1"}))["orderCancel"]
    assert said["order"]["customer"] == {"orderCount": 0, "totalSpent": "0", "lastOrderAt": None}
    for asked, code in (
        ({"orderReference": "o9"}, "NOT_FOUND"), ({"orderId": "order_999999"}, "NOT_FOUND"),
        ({"orderId": "nonsense"}, "NOT_FOUND"), ({}, "ORDER_UNNAMED"),
    ):  # fmt: skip
        said = (await ask(CANCEL, input=asked))["orderCancel"]
        assert (said["order"], said["errors"][0]["code"]) == (None, code)


async def test_files_say_refunds_cancellations_and_versions(
    db: Database, ask: Asking, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"

    async def bring(*lines: str) -> dict[Verdict, int]:
        head = "reference,customer,amount,ordered_at,refunded,cancelled,version"
        file.write_text("\n".join([head, *lines]) + "\n")
        report = await import_files(
            db, ask.group.scope, "orders", find_sources(str(file)), told=read_told(), now=given.NOON
        )
        assert report.refused == 0, report.lines()
        return {verdict: count for verdict, count in report.concepts["orders"].items() if count}

    assert await bring(f"o1,ada,50.00,{EARLIER},10.00,no,2", f"o2,ada,20.00,{EARLIER},,,") == {
        Verdict.MADE: 2
    }
    assert await bring(f"o1,ada,50.00,{EARLIER},,yes,1", f"o2,ada,20.00,{EARLIER},,yes,") == {
        Verdict.SAME: 1, Verdict.CHANGED: 1
    }  # fmt: skip
    said = await ask(
        "{ orders(orderBy: [{field: AMOUNT}]) { nodes { reference worth { amount } cancelledAt } } }"
    )
    assert [(one["reference"], one["worth"]["amount"]) for one in said["orders"]["nodes"]] == [
        ("o2", "0.00"), ("o1", "40.00"),
    ]  # fmt: skip
