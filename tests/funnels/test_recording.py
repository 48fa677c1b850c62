"""Touches: recorded once by their reference, all or none, inside the scope; paths right also under concurrency."""

import asyncio
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.funnels.stages import LETTERS, STAGES
from app.domain.funnels.touches import RecordedTouches, Touch, record_touches
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.tables.funnels import FunnelStage
from app.values.scope import Scope
from tests.funnels.given import moment
from tests.given import campaigns, groups
from tests.given import promos as given

Call = Callable[..., Any]
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
RECORD = """
mutation($touches: [TouchInput!]!) { touchesRecord(input: {touches: $touches}) {
  recorded repeated errors { code path } } }
"""


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Call:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *roles: Role, **variables: Any) -> Any:
        principal = Principal("test", scope, frozenset(roles or {Role.MARKETING}))
        made = await answer(Operation(query, variables), Context(services, principal, now=NOW))
        return json.loads(made.body)

    return run


async def paths(db: Database, scope: Scope, customer_id: int) -> list[str]:
    async with db.transaction(scope) as tx:
        rows = await tx.fetch("SELECT path FROM funnel_day WHERE customer_id = $1 ORDER BY day", customer_id)
        return [row["path"] for row in rows]


async def test_a_touch_sent_twice_counts_once(db: Database, call: Call) -> None:
    group = await groups.group(db)
    (one,) = await given.customers(db, group.group_id, 1)
    campaign = await campaigns.campaign(db, group.scope)
    sent = [
        {"customerId": f"cust_{one}", "stage": "AWARENESS", "reference": "a", "campaignId": f"camp_{campaign}"},
        {"customerId": f"cust_{one}", "stage": "PURCHASE", "reference": "b", "channel": "email",
         "occurredAt": "2026-06-14T23:59:59.999999Z"},
    ]  # fmt: skip
    first = await call(group.scope, RECORD, touches=sent)
    assert first["data"]["touchesRecord"] == {"recorded": 2, "repeated": 0, "errors": []}
    again = await call(group.scope, RECORD, touches=[*sent, {**sent[0], "reference": "c"}])
    assert again["data"]["touchesRecord"] == {"recorded": 1, "repeated": 2, "errors": []}
    assert await paths(db, group.scope, one) == ["f", "a"]
    shown = await call(
        group.scope,
        "query($id: ID!) { customer(id: $id) { funnelTouches(orderBy: [{field: OCCURRED_AT}], first: 1) {"
        " totalCount nodes { stage channel source reference campaign { id } } } } }",
        id=f"cust_{one}",
    )
    assert shown["data"]["customer"]["funnelTouches"] == {
        "totalCount": 3,
        "nodes": [{"stage": "PURCHASE", "channel": "email", "source": "api", "reference": "b", "campaign": None}],
    }  # fmt: skip


async def test_every_fault_is_told_and_nothing_is_stored(db: Database, call: Call) -> None:
    group, other = await groups.group(db), await groups.group(db)
    (one,) = await given.customers(db, group.group_id, 1)
    (foreign,) = await given.customers(db, other.group_id, 1)
    good = {"customerId": f"cust_{one}", "stage": "AWARENESS", "reference": "a"}
    cases = [
        ([{**good, "customerId": f"cust_{foreign}"}, good], [("NOT_FOUND", ["touches", "0", "customerId"])]),
        ([good, {**good, "campaignId": "camp_999999"}], [("NOT_FOUND", ["touches", "1", "campaignId"])]),
        ([{**good, "customerId": "nonsense"}], [("NOT_FOUND", ["touches", "0", "customerId"])]),
        ([{**good, "reference": " "}], [("INVALID", ["touches", "0", "reference"])]),
        ([{**good, "occurredAt": "2026-06-17T00:00:00Z"}], [("STILL_TO_COME", ["touches", "0", "occurredAt"])]),
    ]  # fmt: skip
    for touches, expected in cases:
        told = (await call(group.scope, RECORD, touches=touches))["data"]["touchesRecord"]
        assert told["recorded"] == 0
        assert [(e["code"], e["path"]) for e in told["errors"]] == expected
    assert await paths(db, group.scope, one) == []
    assert (await call(group.scope, RECORD, Role.READ, touches=[good]))["errors"][0]["extensions"][
        "code"
    ] == ("FORBIDDEN")


async def test_a_store_records_for_its_own_customers_alone(db: Database, call: Call) -> None:
    group = await groups.group(db)
    (mine,) = await given.customers(db, group.group_id, 1, store_id=group.store_id)
    (wide,) = await given.customers(db, group.group_id, 1)
    own = Scope(group.group_id, store_id=group.store_id)
    for customer, recorded in ((mine, 1), (wide, 0)):
        touches = [{"customerId": f"cust_{customer}", "stage": "AWARENESS", "reference": f"{customer}"}]
        assert (await call(own, RECORD, touches=touches))["data"]["touchesRecord"]["recorded"] == recorded


async def test_paths_are_right_however_many_write_at_once(db: Database) -> None:
    rng = random.Random(1)
    group = await groups.group(db)
    people = await given.customers(db, group.group_id, 5)
    start = datetime(2026, 6, 1, tzinfo=UTC)
    touches = [
        Touch(customer_id=rng.choice(people), stage=rng.choice(STAGES), reference=str(n),
              occurred_at=start + timedelta(minutes=rng.randrange(0, 3 * 24 * 60, 30)))
        for n in range(300)
    ]  # fmt: skip

    async def send(part: list[Touch]) -> RecordedTouches:
        async with db.transaction(group.scope) as tx:
            return await record_touches(tx, part, source="test", now=NOW)

    sent = [touches[n : n + 20] for n in range(0, 300, 10)]  # each touch is sent twice
    done = await asyncio.gather(*(send(part) for part in sent))
    assert sum(one.new for one in done) == 300
    for person in people:
        days: dict[Any, str] = {}
        own = [t for t in touches if t.customer_id == person]
        for one in sorted(own, key=lambda t: (moment(t), LETTERS[t.stage])):
            letter, path = LETTERS[one.stage], days.get(moment(one).date(), "")
            days[moment(one).date()] = path if path.endswith(letter) else path + letter
        assert await paths(db, group.scope, person) == [days[day] for day in sorted(days)]


def test_the_stages_are_the_ten_in_order() -> None:
    """Marketing & CRM API, "Funnel Stages"."""
    assert [stage.value for stage in FunnelStage] == [
        "awareness", "interest", "consideration", "intent", "evaluation", "purchase", "onboarding", "activation",
        "retention", "advocacy",
    ]  # fmt: skip
