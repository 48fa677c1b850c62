"""A gateway with a person in every table and file of it: made through GraphQL, REST, the pipeline and imports."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.auth.webhooks.sealing import SecretBox
from app.auth.webhooks.signatures import sign
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.importing.queued import Imports
from app.main import running
from app.serving.journal import Journal
from app.settings import Settings, read_settings
from app.values.scope import Scope
from tests.given import crm, events, projects, promos, rewards, webhooks
from tests.given.events import Shop

EMAIL, TYPED = "eva.moreau@example.org", "Eva.Moreau@Example.org"
NAME, PHONE = "Evangeline Moreau", "+33612345959"
TRACKER, EXTERNAL = "tracker-of-eva-77", "kd-900-eva"
ATTRIBUTE = "rue des Lilas 7"
BYSTANDER = "tom.bystander@example.org"

TEXTS: Mapping[str, Sequence[str]] = {
    "email": [
        EMAIL, TYPED, EMAIL.upper(), quote(EMAIL, safe=""), quote(TYPED, safe="").lower(),
        EMAIL.replace("@", "\\u0040"),
    ],
    "name": [NAME, "Evangeline", "Moreau", quote(NAME)],
    "phone": [PHONE, "33612345959", "0612345959", "06 12 34 59 59", "+33 6 12 34 59 59", quote(PHONE, safe="")],
    "tracker": [TRACKER],
    "external": [EXTERNAL],
    "attribute": [ATTRIBUTE, quote(ATTRIBUTE)],
}  # fmt: skip
"""All that says who she is, in the spellings it was sent in."""


@dataclass
class House:
    """The gateway of this module, and somebody who administers a group of it."""

    app: ASGIApp
    settings: Settings
    db: Database
    http: httpx.AsyncClient
    group_id: int = 0
    token: str = ""
    customer: str = ""
    bystander: str = ""
    shop: Shop | None = None
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def scope(self) -> Scope:
        return Scope(self.group_id)

    @property
    def storage(self) -> AssetStorage:
        return AssetStorage(self.settings)

    async def ask(self, query: str, key: str | None = None, **variables: Any) -> Any:
        """The data of an answer without errors; a mutation's only field is told without errors, too."""
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        body = {"query": query, "variables": variables}
        answer = (await self.http.post("/graphql", json=body, headers=headers)).json()
        assert "errors" not in answer, answer
        for told in answer["data"].values():
            assert not (isinstance(told, dict) and told.get("errors")), told
        return answer["data"]

    async def start_import(self, name: str, content: bytes) -> str:
        """An import of customers, which waits."""
        query = "mutation ($input: ImportStartInput!) { importStart(input: $input) { import { id } } }"
        operations = {"query": query, "variables": {"input": {"what": "customers", "file": None}}}
        answer = await self.http.post(
            "/graphql",
            data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.input.file"]})},
            files={"0": (name, content)},
            headers={**self.headers, "GraphQL-Require-Preflight": "1"},
        )
        return str(answer.json()["data"]["importStart"]["import"]["id"])

    async def run_imports(self) -> None:
        """Until nothing waits."""
        stop = asyncio.Event()
        task = asyncio.create_task(Imports(self.db, self.storage, self.settings, look_s=0.05).run(stop))
        async with asyncio.timeout(60):
            waits = "SELECT count(*) FROM import_run WHERE group_id = $1 AND finished_at IS NULL"
            while True:
                if not await self.value(waits):
                    break
                await asyncio.sleep(0.05)
        stop.set()
        await task

    async def value(self, sql: str, *values: object) -> Any:
        async with self.db.transaction(self.scope) as tx:
            return await tx.fetchval(sql, self.group_id, *values)

    async def erase(self, ident: str | None = None, key: str | None = None) -> Any:
        """Erase her; what that came to."""
        told = await self.ask(ERASE, key, input={"id": ident or self.customer})
        return told["customerErase"]


ERASE = """
mutation ($input: CustomerEraseInput!) {
  customerErase(input: $input) {
    erasedId erasedAt rows { table emptied deleted cut } filesRewritten filesRemoved errors { code message path }
  }
}
"""


@pytest.fixture(scope="module")
async def house(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """The gateway without background work."""
    settings = read_settings(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "SECRET_KEY": "s" * 40,
        }
    )
    async with running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test", timeout=60) as http:
            yield House(app, settings, db, http)


def mint(house: House, *roles: Role, group_id: int | None = None, **more: Any) -> str:
    """A token of the group."""
    return Tokens(house.settings).mint(
        subject="user:1", group_id=group_id or house.group_id, roles=list(roles or (Role.TENANT_ADMIN,)),
        now=datetime.now(UTC), life_s=3600, **more,
    )  # fmt: skip


async def person(house: House) -> House:
    """Fill a new group with her, and with somebody beside her who stays."""
    given = await rewards.given(house.db)
    house.group_id = given.group_id
    house.token = mint(house)
    shop = house.shop = await events.shop(house.db, group_id=given.group_id)
    await _customers(house)
    await _sales(house, given)
    await _visits(house, shop)
    await _deliveries(house)
    await _files(house)
    return house


async def _customers(house: House) -> None:
    upsert = (
        "mutation ($input: CustomersUpsertInput!) { customersUpsert(input: $input)"
        " { customers { id name email phone } errors { message } } }"
    )
    her = {
        "externalId": EXTERNAL, "email": TYPED, "name": NAME, "phone": PHONE, "tags": ["vip"], "emailConsent": True,
        "attributes": {"address": ATTRIBUTE},
    }  # fmt: skip
    him = {"externalId": "tom", "email": BYSTANDER, "name": "Tom", "attributes": {"friend": EMAIL}}
    told = await house.ask(upsert, "answer-1", input={"customers": [her, him]})
    house.customer, house.bystander = (one["id"] for one in told["customersUpsert"]["customers"])
    segment = await house.ask(
        'mutation { segmentCreate(input: {name: "VIP", type: STATIC}) { segment { id } errors { message } } }'
    )
    house.ids["segment"] = segment["segmentCreate"]["segment"]["id"]
    await house.ask(
        "mutation ($input: SegmentMembersInput!) { segmentMembersAdd(input: $input) { errors { message } } }",
        input={"id": house.ids["segment"], "customerIds": [house.customer, house.bystander]},
    )


async def _sales(house: House, given: rewards.Given) -> None:
    await promos.promo(house.db, given.scope, "VIP20")
    record = (
        "mutation ($input: OrdersRecordInput!) { ordersRecord(input: $input)"
        " { orders { id customer { name } } errors { message } } }"
    )
    sales = [
        {"reference": "A-1", "amount": "120.50", "customerId": house.customer},
        {"reference": f"web-{EMAIL}-2", "amount": "80", "customerEmail": EMAIL.upper()},
        {"reference": "A-3", "amount": "10", "customerId": house.bystander},
    ]
    await house.ask(record, "answer-2", input={"orders": sales})
    house.ids["record"], house.ids["recorded"] = record, json.dumps({"input": {"orders": sales}})
    await house.ask(
        "mutation ($input: OrderRefundInput!) { orderRefund(input: $input) { errors { message } } }",
        input={"orderReference": "A-1", "amount": "20", "reference": "R-1"},
    )
    campaign = await given.campaign()
    house.ids |= {"campaign": f"camp_{campaign}", "partner": f"part_{given.partner_id}"}
    pay = (
        "mutation ($input: RewardProcessInput!) { rewardProcess(input: $input)"
        " { evaluation { id amount } errors { message } } }"
    )
    for reference, whom in (
        ("buy-1", house.customer),
        (f"buy {EMAIL}", house.customer),
        ("buy-3", house.bystander),
    ):
        transaction = {"amount": 1000, "note": f"for {NAME}" if whom == house.customer else "gift"}
        body = {
            "trigger": "SPEND", "customerId": whom, "campaignId": house.ids["campaign"], "reference": reference,
            "attributes": {
                "transaction": transaction, "user": {"street": ATTRIBUTE if whom == house.customer else "Rue 8"},
            },
            "transaction": {"amount": 1000}, "occurredAt": "2026-06-16T12:00:00Z",
        }  # fmt: skip
        await house.ask(pay, f"pay-{reference[:5]}", input=body)
    redeem = "mutation ($input: PromoRedeemInput!) { promoRedeem(input: $input) { errors { message } } }"
    basket = {"lines": [{"unitPrice": "100"}]}
    for key, whom in ((f"till {PHONE}", house.customer), ("till 2", house.bystander)):
        body = {"key": key, "code": "VIP20", "basket": basket, "customerId": whom}
        await house.ask(redeem, input=body)
    await house.ask(
        "mutation ($input: TouchesRecordInput!) { touchesRecord(input: $input) { errors { message } } }",
        input={
            "touches": [
                {"customerId": house.customer, "stage": "AWARENESS", "reference": f"t {EMAIL}"},
                {"customerId": house.customer, "stage": "PURCHASE", "reference": "t-2"},
            ]
        },
    )


async def _visits(house: House, shop: Shop) -> None:
    await projects.integration(house.db, house.group_id, shop.project_id, wmkt_id="ads-1")
    visit = "mutation ($input: InteractionRecordInput!) { interactionRecord(input: $input) { errors { message } } }"
    for tracker in (TRACKER, "tracker-of-tom-1"):
        url = (
            f"https://shop.example/?wmktid=ads-1&mail={quote(EMAIL, safe='') if tracker == TRACKER else 'x'}"
        )
        await house.ask(
            visit,
            input={
                "project": shop.slug, "trackerId": tracker, "landingUrl": url,
                "referrer": f"https://mail.example/{quote(NAME)}" if tracker == TRACKER else None,
            },
        )  # fmt: skip
    offline = (
        "mutation ($input: InteractionRecordOfflineInput!)"
        " { interactionRecordOffline(input: $input) { errors { message } } }"
    )
    await house.ask(
        offline,
        input={
            "project": shop.slug, "nodeData": {"wmktId": "ads-1", "note": f"called {PHONE}"},
            "userData": {"email": TYPED},
        },
    )  # fmt: skip
    home = f"/api/v1/projects/{shop.slug}/events"
    good = {"basket": 12, "turnover": "99.50", "converted": 1, "currency": "USD"}
    said: list[tuple[dict[str, Any], str | None]] = [
        ({**good, "email": TYPED, "phone": "+33 6 12 34 59 59", "name": NAME, "label": ATTRIBUTE}, TRACKER),
        ({**good, "email": EMAIL, "label": "again"}, None),
        ({"basket": f"no number, {NAME}", "email": EMAIL, "name": NAME}, TRACKER),
        ({"basket": "nor this", "label": f"for {EMAIL}"}, None),
        ({**good, "email": BYSTANDER, "label": f"a friend of {EMAIL}, {PHONE}"}, "tracker-of-tom-1"),
    ]
    for at, (data, whose) in enumerate(said):
        await shop.send(f"n{at}", data=data, tracker_id=whose)
    await shop.process()
    # Accepted, and not processed yet; one of a stranger, and one by REST.
    await shop.send("n8", data={**good, "email": EMAIL, "name": NAME}, tracker_id=TRACKER)
    await shop.send("n9", data={**good, "phone": 33612345959, "label": NAME}, is_vouched=False)
    body = {"eventType": "purchase", "trackerId": TRACKER, "nonce": "n10", "data": {**good, "email": EMAIL}}
    sent = await house.http.post(home, json=body, headers=house.headers)
    assert sent.status_code < 500, sent.text


async def _deliveries(house: House) -> None:
    now = datetime.now(UTC)
    await crm.campaign(house.db, house.scope, now=now, name="Mailing", external_id="camp_mail")
    at = int(time.time()) - 60
    stamp = datetime.fromtimestamp(at, UTC)
    sent: dict[str, tuple[Any, str]] = {
        "sendgrid": (
            [
                {"event": kind, "email": address, "timestamp": at, "sg_event_id": f"{kind}-{address[:3]}",
                 "campaign_id": "camp_mail", "useragent": f"{NAME}'s phone" if address == TYPED else "Mozilla"}
                for kind in ("delivered", "open", "unknown_thing")
                for address in (TYPED, "stranger@example.org")
            ], "application/json",
        ),
        "twilio": (
            f"MessageSid=SM1&MessageStatus=delivered&To={quote(PHONE, safe='')}&campaign_id=camp_mail".encode(),
            "application/x-www-form-urlencoded",
        ),
        "mailchimp": (
            f"type=unsubscribe&fired_at={stamp:%Y-%m-%d+%H:%M:%S}&data[email]={quote(EMAIL, safe='')}"
            f"&data[merges][FNAME]={quote(NAME)}&data[id]=7".encode(),
            "application/x-www-form-urlencoded",
        ),
        "hubspot": (
            [{"eventId": 9, "subscriptionType": "contact.propertyChange", "occurredAt": at * 1000,
              "propertyName": "email", "propertyValue": EMAIL, "objectId": 5}],
            "application/json",
        ),
    }  # fmt: skip
    for provider, (body, kind) in sent.items():
        connected = await webhooks.connection(
            house.db, house.group_id, provider, sealed_by=SecretBox(house.settings.secret_key), now=now
        )
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        clock = str(int(time.time()))
        headers = {
            "X-Webhook-Timestamp": clock, "X-Webhook-Signature": sign(connected.secret, clock, raw),
            "Content-Type": kind,
        }  # fmt: skip
        path = f"/api/v1/marketing/webhooks/{provider}/{connected.token}"
        answer = await house.http.post(path, content=raw, headers=headers)
        assert answer.status_code == 200, answer.text


async def _files(house: House) -> None:
    """One that went in, with her row refused; and two that still wait."""
    rows = f"external_id,name,email,phone\n{EXTERNAL},{NAME},no address {EMAIL},{PHONE}\nben,Ben,ben@example.org,\n"
    await house.start_import("customers.csv", rows.encode())
    await house.run_imports()
    waiting = f'external_id,name,email\n{EXTERNAL},"{NAME}\n(she)",{EMAIL}\nzoe,Zoe,zoe@example.org\n'
    house.ids["csv"] = await house.start_import("waiting.csv", waiting.encode())
    listed = [{"external_id": EXTERNAL, "name": NAME, "email": EMAIL}, {"external_id": "abe", "name": "Abe"}]
    house.ids["json"] = await house.start_import(f"{EMAIL}.json", json.dumps(listed, indent=1).encode())


def spellings() -> Iterator[tuple[str, str]]:
    """Each of her texts, with what it is."""
    for what, texts in TEXTS.items():
        for text in texts:
            yield what, text


async def found_in(house: House, owner: Any) -> set[tuple[str, str]]:
    """Where her texts stand: table and column, or a file, with what it is. All columns are read as text."""
    found: set[tuple[str, str]] = set()
    columns = await owner.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public' ORDER BY 1, 2"
    )
    for table, column, kind in columns:
        read = f"encode({column}, 'escape')" if kind == "bytea" else f"{column}::text"
        for what, text in spellings():
            if await owner.fetchval(
                f"SELECT EXISTS (SELECT FROM {table} WHERE {read} ILIKE $1)", f"%{_like(text)}%"
            ):
                found.add((f"{table}.{column}", what))
    for file in await asyncio.to_thread(lambda: [*Path(house.settings.data_dir).rglob("*")]):
        if file.is_file() and "/pg/" not in str(file):
            content = file.read_bytes().lower()
            found |= {
                (f"file {file.parent.name}", w) for w, text in spellings() if text.lower().encode() in content
            }
    return found


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
