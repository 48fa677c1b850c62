"""Clients of every kind, who send again what was not acknowledged, by the same name; and what they saw."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets import ConnectionClosed, InvalidHandshake, InvalidMessage, Subprotocol
from websockets.asyncio.client import connect

AGAIN_S = 0.05
FIRST_LOOK_S = 2.5
"""After this a subscription has begun: what is sent from then on is news to it."""

REDEEM = """
mutation($key: String!) {
  promoRedeem(input: {key: $key, code: "LOAD", basket: {lines: [{unitPrice: "10.00"}]}}) { errors { code } }
}
"""
REWARD = """
mutation($key: String!, $campaign: ID!, $customer: ID!) {
  rewardProcess(input: {campaignId: $campaign, reference: $key, trigger: SPEND, customerId: $customer,
                        transaction: {amount: 5}}) { errors { code } evaluation { id amount } }
}
"""
OUTLAY = """
mutation($key: String!, $campaign: ID!) {
  outlayCreate(input: {campaignId: $campaign, amount: "1.00", startsAt: "2026-01-01T00:00:00Z",
                       endsAt: "2026-01-02T00:00:00Z", country: $key}) { errors { code } outlay { id } }
}
"""
STORE = "mutation($key: String!) { storeCreate(input: {name: $key}) { errors { code } store { id name } } }"
CLICK = """
mutation($campaign: ID!) {
  metricsRecord(input: {mode: ADD, entries: [{campaignId: $campaign, day: "2026-01-01", channel: "email", clicks: 1}]})
  { errors { code } recorded }
}
"""
EVENTS = "subscription { events { id } }"


@dataclass
class Target:
    """Where the clients go, and what they use there."""

    base: str
    api_key: str
    slug: str
    promo_code: str
    reward_campaign: str
    customers: list[str]
    outlay_campaign: str
    clicked_campaign: str


@dataclass
class History:
    """What was acknowledged, by kind and the client's own name; and what should not have been answered."""

    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    sent_at: dict[str, float] = field(default_factory=dict)
    """When each event was sent first."""
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    repeats: int = 0

    def acknowledge(self, kind: str, name: str, answer: Any) -> None:
        known = self.acknowledged.setdefault(kind, {})
        if name in known and known[name] != answer:
            self.wrong.append(f"{kind} {name} was answered {known[name]}, and then {answer}")
        known[name] = answer


class Clients:
    """Some clients of each kind, until they are told to stop; each finishes what it has begun."""

    def __init__(self, target: Target, history: History, *, prefix: str) -> None:
        self.target = target
        self.history = history
        self.prefix = prefix
        self.healed_s: float | None = None
        """When the last fault was over."""
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin nothing new."""
        self._stop.set()

    async def run(self, *, each: int = 2) -> None:
        """Load of all kinds."""
        kinds: dict[str, Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]] = {
            "event": self._event,
            "redemption": self._graphql(REDEEM),
            "reward": self._graphql(
                REWARD, campaign=self.target.reward_campaign, customer=self.target.customers[0]
            ),
            "outlay": self._graphql(OUTLAY, with_key=True, campaign=self.target.outlay_campaign),
            "store": self._graphql(STORE, with_key=True),
            "click": self._graphql(CLICK, with_key=True, named=False, campaign=self.target.clicked_campaign),
        }
        async with httpx.AsyncClient(base_url=self.target.base, timeout=40) as http:
            await asyncio.gather(
                *(self._client(http, kind, send, n) for kind, send in kinds.items() for n in range(each))
            )

    async def _client(
        self,
        http: httpx.AsyncClient,
        kind: str,
        send: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]],
        number: int,
    ) -> None:
        at = 0
        while not self._stop.is_set():
            at += 1
            name = f"{self.prefix}/{kind}/{number}/{at}"
            await self._until_acknowledged(http, kind, name, send)
            if at % 4 == 0:
                # Whoever has an answer and is not sure of it asks again, and is told the same.
                await self._until_acknowledged(http, kind, name, send)
            await asyncio.sleep(random.uniform(0, 0.03))

    async def _until_acknowledged(
        self,
        http: httpx.AsyncClient,
        kind: str,
        name: str,
        send: Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]],
    ) -> None:
        while True:
            self.history.sent_at.setdefault(name, time.monotonic())
            try:
                response = await send(http, name)
            except httpx.HTTPError as problem:
                self.history.wrong.append(f"{kind}: no answer: {problem!r}")
                response = None
            if response is not None and self._judge(kind, name, response):
                return
            if self.healed_s is not None and time.monotonic() - self.healed_s > 30:
                told = "" if response is None else response.text[:300]
                self.history.wrong.append(f"{kind} {name} is stuck: {told}")
                return
            self.history.repeats += 1
            await asyncio.sleep(AGAIN_S)

    def _judge(self, kind: str, name: str, response: httpx.Response) -> bool:
        """Whether it is done."""
        self.history.statuses[response.status_code] += 1
        if response.status_code == 503:
            if "retry-after" not in response.headers:
                self.history.wrong.append(f"{kind}: 503 without Retry-After: {response.text[:200]}")
            return False
        if response.status_code in (409, 429):
            return False
        if response.status_code != 200:
            self.history.wrong.append(f"{kind}: {response.status_code}: {response.text[:300]}")
            return False
        told = response.json()
        if kind == "event":
            self.history.acknowledge(kind, name, told)
            return True
        if told.get("errors"):
            self.history.wrong.append(f"{kind}: 200 with {response.text[:300]}")
            return False
        (payload,) = told["data"].values()
        if payload["errors"]:
            self.history.wrong.append(f"{kind}: refused: {response.text[:300]}")
            return True
        self.history.acknowledge(kind, name, payload)
        return True

    async def _event(self, http: httpx.AsyncClient, name: str) -> httpx.Response:
        told = {"projectId": self.target.slug, "eventType": "purchase", "nonce": name, "data": {"basket": 1}}
        return await http.post("/api/v1/events", json=told)

    def _graphql(
        self, query: str, *, with_key: bool = False, named: bool = True, **variables: Any
    ) -> Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]:
        async def send(http: httpx.AsyncClient, name: str) -> httpx.Response:
            headers = {"X-API-KEY": self.target.api_key}
            if with_key:
                headers["Idempotency-Key"] = name
            said = {**variables, **({"key": name} if named else {})}
            return await http.post("/graphql", json={"query": query, "variables": said}, headers=headers)

        return send


@dataclass
class Subscription:
    """One subscription, from when it had begun until it ended."""

    began_s: float
    ended_s: float | None = None
    told: list[str] = field(default_factory=list)


class Subscriber:
    """Watches events; subscribes again where the line is ended, and knows nothing of before then."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.subscriptions: list[Subscription] = []

    @property
    def current(self) -> Subscription | None:
        """The one that is open."""
        last = self.subscriptions[-1] if self.subscriptions else None
        return last if last is not None and last.ended_s is None else None

    async def run(self) -> None:
        """Until cancelled."""
        address = self.target.base.replace("http", "ws", 1) + "/graphql"
        while True:
            try:
                async with connect(
                    address, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None
                ) as line:
                    await line.send(
                        json.dumps({"type": "connection_init", "payload": {"X-API-KEY": self.target.api_key}})
                    )
                    while json.loads(await line.recv())["type"] != "connection_ack":
                        pass
                    await line.send(
                        json.dumps({"id": "e", "type": "subscribe", "payload": {"query": EVENTS}})
                    )
                    made = Subscription(time.monotonic())
                    self.subscriptions.append(made)
                    try:
                        async for said in line:
                            message = json.loads(said)
                            if message["type"] != "next":
                                break
                            made.told += [one["id"] for one in message["payload"]["data"]["events"]]
                    finally:
                        made.ended_s = time.monotonic()
            except (OSError, ConnectionClosed, InvalidHandshake, InvalidMessage):
                pass
            with contextlib.suppress(TimeoutError):
                await asyncio.sleep(0.2)
