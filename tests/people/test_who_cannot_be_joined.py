"""Two people turn out to be one, and one of them, or both, have orders: they are kept apart, and somebody is told."""

from typing import Any

import pytest

from app.db.database import Database
from app.domain.identities.identifying import Person, find, load_projects
from tests.given import custom_ads
from tests.given.asking import NOW
from tests.people.asking import Asking

RECORD = """
mutation($orders: [OrderInput!]!) { ordersRecord(input: {orders: $orders}) { recorded errors { code message path } } }
"""
DOUBTS = "{ doubtfulMerges { nodes { reason customer { id } other { id } } } }"


async def say(db: Database, site: Any, **identities: str) -> int:
    async with db.transaction(site.scope) as tx:
        projects = await load_projects(tx, [site.project_id])
        [found] = await find(tx, [Person(site.project_id, None, identities)], projects=projects, now=NOW)
        assert found is not None
        return found.customer_id


@pytest.mark.parametrize("whose", [("account",), ("email",), ("account", "email")])
@pytest.mark.parametrize("by_file", [False, True])
async def test_who_has_orders_is_kept_apart_and_everybody_else_is_served(
    db: Database, tmp_path: Any, whose: tuple[str, ...], by_file: bool
) -> None:
    site = await custom_ads.site(db)
    ask = Asking(db, site.scope, tmp_path)
    async with db.transaction(site.scope) as tx:
        await tx.execute(
            "UPDATE project SET identity_fields = '{account,email,phone}' WHERE group_id = $1",
            tx.scope.group_id,
        )
    one = {"account": await say(db, site, account="a")}
    if by_file:
        one["email"] = int((await ask.upsert({"email": "b@example.com"}))[0].removeprefix("cust_"))
    else:
        one["email"] = await say(db, site, email="b@example.com")
    orders = [{"reference": f"o-{who}", "amount": "5", "customerId": f"cust_{one[who]}"} for who in whose]
    assert (await ask(RECORD, orders=orders))["ordersRecord"] == {"recorded": len(orders), "errors": []}
    both = await say(db, site, account="a", email="b@example.com")
    again = await say(db, site, account="a", email="b@example.com")
    assert both == again
    assert both in one.values()
    for who in whose:
        assert await say(db, site, **{who: {"account": "a", "email": "b@example.com"}[who]}) in one.values()
    async with db.transaction(site.scope) as tx:
        owners = await tx.fetch(
            "SELECT customer_id FROM customer_order WHERE group_id = $1 ORDER BY id", tx.scope.group_id
        )
    assert [row["customer_id"] for row in owners] == [one[who] for who in whose]
    if len(whose) == 2:
        nodes = (await ask(DOUBTS))["doubtfulMerges"]["nodes"]
        told = [node for node in nodes if node["reason"] == "KEPT_APART"]
        assert told
        assert {told[0]["customer"]["id"], told[0]["other"]["id"]} == {
            f"cust_{ident}" for ident in one.values()
        }
