"""A connection to the database that ends at whichever message of a request is an outage: asked again, it goes well.

Each kind of request is made again and again; the first time the connection ends at the first message to the database,
the next time at the second one, until a request gets through whole.
"""

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.auth.clients import create_client
from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.webhooks.sealing import SecretBox
from app.auth.webhooks.signatures import sign
from app.db.database import Database
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.faults.proxy import Cut, Proxy
from tests.given import events, groups, projects, webhooks

pytestmark = pytest.mark.slow

SECRET = "s" * 40
ENDS = (Cut.UNSENT, Cut.GOODBYE, Cut.UNANSWERED)
MOST = 80
"""No request speaks to the database more often than this."""
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


@dataclass
class Caller:
    """Calls a gateway whose database can be cut off. What it needs is made beside that way, anew for each request."""

    http: httpx.AsyncClient
    db: Database
    proxy: Proxy
    group: groups.GivenGroup
    number: int = 0

    async def key(self) -> dict[str, str]:
        """One that nobody has looked up yet."""
        made = await create_api_key(
            self.db, group_id=self.group.group_id, name="k", now=datetime.now(UTC), access="write"
        )
        return {"X-API-KEY": made.secret}

    async def graphql(self, query: str, **variables: Any) -> Callable[[], Awaitable[httpx.Response]]:
        body, headers = {"query": query, "variables": variables}, await self.key()
        return lambda: self.http.post("/graphql", json=body, headers=headers)


Prepared = Callable[[], Awaitable[httpx.Response]]


async def planned(caller: Caller) -> Prepared:
    return await caller.graphql("{ campaigns(first: 2) { totalCount nodes { name store { name } } } }")


async def resolved(caller: Caller) -> Prepared:
    return await caller.graphql(
        "query ($criteria: JSON!) { segmentPreview(criteria: $criteria) { size } stores { nodes { name } } }",
        criteria={"order_count": {"gte": 1}},
    )


async def mutation(caller: Caller) -> Prepared:
    return await caller.graphql(
        "mutation ($name: String!) { storeCreate(input: {name: $name}) { store { id name } errors { code } } }",
        name=f"Shop {caller.number}",
    )


async def order_with_a_file(caller: Caller) -> Prepared:
    headers = await caller.key()
    form = {
        "label": "Spring", "channels[]": "display", "external_beacon_key": caller.group.beacon_key,
        "start_date": "2030-01-01", "end_date": "2030-02-01", "budget_total": "1200",
    }  # fmt: skip
    files = [("assets[]", ("brief.pdf", PDF, "application/pdf"))]
    return lambda: caller.http.post("/api/campaigns", data=form, files=files, headers=headers)


async def list_of_old(caller: Caller) -> Prepared:
    headers = await caller.key()
    return lambda: caller.http.get("/api/campaigns", headers=headers)


async def token(caller: Caller) -> Prepared:
    made = await create_client(
        caller.db, group_id=caller.group.group_id, name="c", roles=[Role.MARKETING], now=datetime.now(UTC)
    )
    form = {
        "grant_type": "client_credentials", "client_id": made.client.client_id, "client_secret": made.secret,
    }  # fmt: skip
    return lambda: caller.http.post("/oauth2/token", data=form)


async def event(caller: Caller) -> Prepared:
    slug = f"shop-{caller.group.group_id}-{caller.number}"
    await projects.tracking(caller.db, caller.group.group_id, slug=slug)
    body = {"projectId": slug, "eventType": "visit", "nonce": "n", "data": {}}
    return lambda: caller.http.post("/api/v1/events", json=body)


async def event_at_once(caller: Caller) -> Prepared:
    shop = await events.shop(caller.db, group_id=caller.group.group_id)
    data = {"basket": 3, "turnover": 12.5, "email": "ana@example.com"}
    body = {"projectId": shop.slug, "eventType": "purchase", "nonce": "n", "data": data}
    return lambda: caller.http.post("/api/v1/events/sync", json=body)


async def delivery(caller: Caller) -> Prepared:
    # A group has only so many connections.
    group = await groups.group(caller.db)
    connected = await webhooks.connection(
        caller.db, group.group_id, sealed_by=SecretBox(SECRET), now=datetime.now(UTC)
    )
    raw = json.dumps({"event": "delivered", "id": f"e-{caller.number}"}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Timestamp": stamp,
        "X-Webhook-Signature": sign(connected.secret, stamp, raw),
    }
    return lambda: caller.http.post(connected.path, content=raw, headers=headers)


@pytest.fixture
async def caller(database_url: str, db: Database, tmp_path: Path) -> AsyncIterator[Caller]:
    """A gateway behind a proxy, and a group in its database."""
    async with Proxy(database_url) as proxy:
        settings = read_settings(
            {"DATA_DIR": str(tmp_path), "DATABASE_URL": proxy.url, "WORKER_INLINE": "0", "SECRET_KEY": SECRET}
        )
        async with running(settings, journal=Journal()) as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://g") as http:
                yield Caller(http, db, proxy, await groups.group(db))


@pytest.mark.parametrize("how", ENDS, ids=lambda how: how.name.lower())
@pytest.mark.parametrize(
    "kind",
    [planned, resolved, mutation, order_with_a_file, list_of_old, token, event, event_at_once, delivery],
    ids=lambda kind: kind.__name__,
)
async def test_it_is_an_outage_and_soon_over(
    caller: Caller, kind: Callable[[Caller], Awaitable[Prepared]], how: Cut
) -> None:
    for after in range(MOST):
        caller.number = after
        call = await kind(caller)
        caller.proxy.cut_after(after, how)
        made = await call()
        was_cut = caller.proxy.was_cut()
        where = f"{how.name} after {after} messages: {made.status_code} {made.text[:300]}"
        assert "INTERNAL" not in made.text, where
        if made.status_code == 503:
            assert was_cut, where
            assert "retry-after" in made.headers, where
        else:
            assert made.status_code < 300, where
            assert was_cut or "UNAVAILABLE" not in made.text, where
        again = await call()
        assert again.status_code < 300, f"{where}; again: {again.status_code} {again.text[:300]}"
        assert 'errors": [{' not in again.text, where
        if not was_cut:
            break
    else:
        pytest.fail("the request speaks to the database too often")
    assert after > 0, "it never spoke to the database"
