"""Who may erase, what is refused, and what is somebody else's as well."""

import asyncio
import json
from typing import Any

import pytest

from app.auth.principal import Role
from app.importing.queued import Imports
from tests.erasing.conftest import EMAIL, ERASE, EXTERNAL, PHONE, House, mint
from tests.given import campaigns, groups, promos

UPSERT = """
mutation ($input: CustomersUpsertInput!) {
  customersUpsert(input: $input) { customers { id } errors { code message } }
}
"""


@pytest.fixture
async def shop(house: House) -> House:
    """A new group, and her in it."""
    house.group_id = (await groups.group(house.db)).group_id
    house.token = mint(house)
    her = {"externalId": EXTERNAL, "email": EMAIL, "phone": PHONE, "name": "Eva"}
    him = {"externalId": "tom", "phone": PHONE, "name": "Tom", "attributes": {"call": f"{PHONE} or {EMAIL}"}}
    told = await house.ask(UPSERT, input={"customers": [her, him]})
    house.customer, house.bystander = (one["id"] for one in told["customersUpsert"]["customers"])
    return house


async def answer(house: House, token: str, ident: str | None = None) -> Any:
    body = {"query": ERASE, "variables": {"input": {"id": ident or house.customer}}}
    headers = {"Authorization": f"Bearer {token}"}
    return (await house.http.post("/graphql", json=body, headers=headers)).json()


@pytest.mark.parametrize("role", [Role.READ, Role.WRITE, Role.PERSONAL_DATA, Role.MARKETING, Role.MANAGER])
async def test_only_who_administers_may(shop: House, role: Role) -> None:
    told = await answer(shop, mint(shop, role))
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert await shop.value("SELECT count(*) FROM customer WHERE group_id = $1 AND email IS NOT NULL") == 1


async def test_not_who_is_narrowed_to_a_store(shop: House) -> None:
    store = await shop.value("SELECT id FROM store WHERE group_id = $1")
    told = await answer(shop, mint(shop, Role.TENANT_ADMIN, store_id=store))
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_another_tenants_customer_is_not_found(shop: House) -> None:
    other = await groups.group(shop.db)
    for ident in (shop.customer, "cust_999999999", "nonsense"):
        told = await answer(shop, mint(shop, Role.TENANT_ADMIN, group_id=other.group_id), ident)
        assert [error["code"] for error in told["data"]["customerErase"]["errors"]] == ["NOT_FOUND"]
    assert await shop.value("SELECT count(*) FROM customer WHERE group_id = $1 AND email IS NOT NULL") == 1


async def test_what_somebody_else_is_known_by_as_well_is_theirs(shop: House) -> None:
    await shop.erase()
    assert await shop.value("SELECT phone FROM customer WHERE group_id = $1 AND external_id = 'tom'") == PHONE
    kept = await shop.value(
        "SELECT attributes::text FROM customer WHERE group_id = $1 AND external_id = 'tom'"
    )
    assert json.loads(kept) == {"call": f"{PHONE} or "}


async def test_an_import_that_runs_with_her_is_waited_for(shop: House) -> None:
    rows = "".join(f"x{n},X,x{n}@example.org\n" for n in range(20_000))
    ident = await shop.start_import(
        "many.csv", f"external_id,name,email\n{rows}{EXTERNAL},Eva,{EMAIL}\n".encode()
    )
    stop = asyncio.Event()
    task = asyncio.create_task(Imports(shop.db, shop.storage, shop.settings, look_s=0.05).run(stop))
    async with asyncio.timeout(60):
        while await shop.value("SELECT count(*) FROM import_run WHERE group_id = $1 AND state = 'queued'"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    # Again and again: its file is not touched, so nobody forgets why.
    for _ in range(2):
        told = (await answer(shop, shop.token))["data"]["customerErase"]
        assert [(e["code"], ident in e["message"]) for e in told["errors"]] == [("IMPORT_RUNNING", True)]
    cancel = "mutation ($i: ImportCancelInput!) { importCancel(input: $i) { errors { message } } }"
    await shop.ask(cancel, i={"id": ident})
    async with asyncio.timeout(60):
        while await shop.value("SELECT count(*) FROM import_run WHERE group_id = $1 AND finished_at IS NULL"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stop.set()
    await task
    assert (await shop.erase())["erasedId"] == shop.customer


async def test_who_is_erased_is_named_no_more(shop: House) -> None:
    await shop.erase()
    record = "mutation ($input: OrdersRecordInput!) { ordersRecord(input: $input) { errors { code } } }"
    body = {"orders": [{"reference": "late", "amount": "5", "customerId": shop.customer}]}
    answered = await shop.http.post(
        "/graphql", json={"query": record, "variables": {"input": body}}, headers=shop.headers
    )
    assert [e["code"] for e in answered.json()["data"]["ordersRecord"]["errors"]] == ["NOT_FOUND"]
    told = await shop.ask(UPSERT, input={"customers": [{"externalId": EXTERNAL, "name": "Eva again"}]})
    assert told["customersUpsert"]["customers"][0]["id"] != shop.customer
    figures = await shop.ask("{ customerFigures { customers } }")
    assert figures["customerFigures"][0]["customers"] == 3  # She counts as somebody who came.


async def test_nothing_new_is_written_to_who_is_erased(shop: House) -> None:
    campaign = await campaigns.campaign(shop.db, shop.scope, reward_type=1)
    await promos.promo(shop.db, shop.scope, "TEN")
    segment = await shop.ask(
        'mutation { segmentCreate(input: {name: "S", type: STATIC}) { segment { id } errors { code } } }'
    )
    await shop.erase()
    now = "2026-06-15T12:00:00Z"
    for name, kind, body in (
        ("externalIdsRecord", "ExternalIdsRecord", {"entries": [{"row": shop.customer, "system": "crm", "id": "eva"}]}),
        ("segmentMembersAdd", "SegmentMembers",
         {"id": segment["segmentCreate"]["segment"]["id"], "customerIds": [shop.customer]}),
        ("touchesRecord", "TouchesRecord",
         {"touches": [{"customerId": shop.customer, "stage": "INTEREST", "reference": "t"}]}),
        ("rewardProcess", "RewardProcess",
         {"trigger": "REGISTRATION", "customerId": shop.customer, "campaignId": f"camp_{campaign}", "reference": "r",
          "occurredAt": now}),
        ("promoRedeem", "PromoRedeem",
         {"key": "k", "code": "TEN", "basket": {"lines": [{"unitPrice": "9"}]}, "customerId": shop.customer}),
    ):  # fmt: skip
        query = f"mutation ($i: {kind}Input!) {{ {name}(input: $i) {{ errors {{ code }} }} }}"
        sent = {"query": query, "variables": {"i": body}}
        told = (await shop.http.post("/graphql", json=sent, headers=shop.headers)).json()
        assert [e["code"] for e in told["data"][name]["errors"]] in (["NOT_FOUND"], ["ERASED"]), (name, told)
