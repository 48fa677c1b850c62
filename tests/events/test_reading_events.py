"""Events and their metrics as the graph shows them: whole, filtered, ordered, under any scope."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.events.conftest import OpenShop
from tests.given.asking import Asker
from tests.given.events import NOON, Shop

Read = Callable[..., Awaitable[Any]]
Write = Callable[..., Awaitable[Any]]
EVENT = """
query($id: ID!) { event(id: $id) {
  id source eventType status nonce trackerId occurredAt receivedAt sentData data userData isAttributable typeVersion
  customerId type { reference version } customer { id } faults { code field message position }
  metrics { kind storageKey value metricDate createdAt history { value metricDate actor } } } }
"""
EVENTS = "query($f: EventFilter) { events(filter: $f) { totalCount nodes { id } } }"
TRASH = "query($f: EventFilter) { trashedEvents(filter: $f) { totalCount nodes { id } } }"
METRICS = """
query($f: EventMetricFilter, $o: [EventMetricOrder!], $first: Int, $offset: Int) {
  eventMetrics(filter: $f, orderBy: $o, first: $first, offset: $offset) {
    totalCount nodes { storageKey value metricDate event { id } customerId project { slug } } } }
"""
TOLD = (
    "event { updatedAt metrics { storageKey value metricDate history { value actor } } } errors { code path }"
)
WRITES = {
    name: f"mutation($i: EventMetricInput!) {{ {name}(input: $i) {{ {TOLD} }} }}"
    for name in ("eventStateSet", "eventStatisticSet", "eventStateBackdate", "eventStatisticBackdate")
}


@pytest.fixture
def asker(db: Database, tmp_path: Path) -> Asker:
    """Asks this module's database."""
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path)}))


@pytest.fixture
def read(asker: Asker) -> Read:
    """What a query answers, planned and resolved alike."""

    async def run(scope: Scope, query: str, **variables: Any) -> Any:
        planned, resolved = await asker.both(scope, query, **variables)
        assert planned.execution == "planned", planned
        assert json.loads(planned.body) == json.loads(resolved.body)
        (found,) = json.loads(planned.body)["data"].values()
        return found

    return run


@pytest.fixture
def write(asker: Asker) -> Write:
    """What a mutation answers."""

    async def run(scope: Scope, name: str, *roles: Role, **sent: Any) -> Any:
        context = asker.context(scope, roles=frozenset(roles or {Role.MARKETING}))
        made = json.loads((await answer(Operation(WRITES[name], {"i": sent}), context)).body)
        return made["data"][name] if made.get("data") else made

    return run


async def event(shop: Shop, *, at: datetime = NOON, tracker: str | None = None, **data: Any) -> UUID:
    """A processed event, or one in the trash."""
    ident = await shop.send(data={"basket": 1, **data}, tracker_id=tracker, now=at)
    await shop.process(now=at)
    return ident


async def test_an_event_shows_what_was_sent_and_what_was_made_of_it(shop: OpenShop, read: Read) -> None:
    """WM-25, WM-72: unknown fields, order and digits are kept in one, types are parsed in the other."""
    given = await shop()
    sent = '{"z": 1.50, "basket": "12,5", "email": "ADA@example.com", "turnover": 4e3, "converted": true, "z2": [null]}'
    body = f'{{"projectId": "{given.slug}", "eventType": "purchase", "nonce": 123456789, "data": {sent}}}'
    ident = await given.send("123456789", data=json.loads(sent), body=body, tracker_id="t-1")
    await given.process()
    shown = await read(given.scope, EVENT, id=f"event_{ident}")
    customer = shown.pop("customer")
    assert shown.pop("customerId") == customer["id"]
    assert shown == {
        "id": f"event_{ident}", "source": "tracker", "eventType": "purchase", "status": "PROCESSED",
        "nonce": "123456789", "trackerId": "t-1", "occurredAt": "2026-03-01T12:00:00Z",
        "receivedAt": "2026-03-01T12:00:00Z", "sentData": json.loads(sent), "data": {"basket": 12.5},
        "userData": {"email": "ada@example.com"}, "isAttributable": True, "typeVersion": 1,
        "type": {"reference": "purchase", "version": 1}, "faults": [],
        "metrics": [
            {"kind": "STATE", "storageKey": "converted", "value": "1", "metricDate": "2026-03-01T12:00:00Z",
             "createdAt": "2026-03-01T12:00:00Z",
             "history": [{"value": "1", "metricDate": "2026-03-01T12:00:00Z", "actor": None}]},
            {"kind": "STATISTIC", "storageKey": "turnover", "value": "4000", "metricDate": "2026-03-01T12:00:00Z",
             "createdAt": "2026-03-01T12:00:00Z",
             "history": [{"value": "4000", "metricDate": "2026-03-01T12:00:00Z", "actor": None}]},
        ],
    }  # fmt: skip


async def test_the_data_as_sent_keeps_its_text(shop: OpenShop, asker: Asker) -> None:
    given = await shop()
    body = '{"nonce":1,"data": {"b" : 1.50,  "a":"\\u00e9", "b2":1E2}}'
    ident = await given.send("1", data={}, body=body)
    made = await asker.planned(
        given.scope, "query($id: ID!) { event(id: $id) { sentData } }", id=f"event_{ident}"
    )
    assert b'"sentData":{"b" : 1.50,  "a":"\\u00e9", "b2":1E2}' in made.body


async def test_the_trash_is_listed_with_its_reasons(shop: OpenShop, read: Read) -> None:
    """WM-31, WM-33: by the moment they came in, both ends included."""
    given = await shop()
    idents = [await event(given, at=NOON + timedelta(hours=n), basket="much") for n in range(3)]
    await event(given)

    async def found(**condition: Any) -> list[str]:
        page = await read(given.scope, TRASH, f={"project": given.slug, **condition})
        assert page == await read(given.scope, EVENTS, f={"status": ["TRASHED"], **condition})
        return [node["id"] for node in page["nodes"]]

    newest_first = [f"event_{one}" for one in reversed(idents)]
    assert await found() == newest_first
    assert await found(since="2026-03-01T13:00:00Z", until="2026-03-01T14:00:00.000Z") == newest_first[:2]
    assert await found(until="2026-03-01T12:59:59.999Z") == newest_first[2:]
    assert await found(faultCode="field_invalid") == newest_first
    assert await found(faultCode="field_required") == []
    shown = await read(given.scope, EVENT, id=newest_first[0])
    assert shown["faults"] == [
        {"code": "field_invalid", "field": "basket", "position": 0, "message": shown["faults"][0]["message"]}
    ]
    assert shown["status"] == "TRASHED"
    assert shown["sentData"] == {"basket": "much"}


async def test_events_are_found_by_project_user_tracker_and_date(shop: OpenShop, read: Read) -> None:
    given = await shop()
    ada = await event(given, tracker="t-1", email="ada@example.com")
    bob = await event(given, at=NOON + timedelta(days=1), email="bob@example.com")
    (row,) = await given.rows("SELECT customer_id FROM event WHERE id = $1", ada)
    whom = f"cust_{row['customer_id']}"

    async def found(**condition: Any) -> list[str]:
        return [node["id"] for node in (await read(given.scope, EVENTS, f=condition))["nodes"]]

    assert await found(customerId=whom) == [f"event_{ada}"]
    assert await found(customerId="cust_999999999") == await found(customerId="nonsense") == []
    assert await found(trackerId="t-1") == [f"event_{ada}"]
    assert await found(project=f"proj_{given.project_id}") == [f"event_{bob}", f"event_{ada}"]
    assert await found(project="no-such") == []
    assert await found(occurredSince="2026-03-02T12:00:00Z") == [f"event_{bob}"]
    assert await found(occurredUntil="2026-03-02T12:00:00Z", eventType="purchase", status=["PROCESSED"]) == [
        f"event_{bob}", f"event_{ada}",
    ]  # fmt: skip
    assert await found(status=["PENDING"]) == []


async def test_a_users_metrics_are_filtered_paged_and_ordered(
    shop: OpenShop, read: Read, write: Write
) -> None:
    """Kinds; `metricDate` with both ends included; three dates to sort by, either way."""
    given = await shop()
    first = await event(given, email="ada@example.com", turnover=10)
    await event(given, at=NOON + timedelta(days=1), email="ada@example.com", turnover=20, converted=1)
    await event(given, email="bob@example.com", turnover=30)
    # Told in 2025 by the clock of the questions, so updated before it was made; dated later than both.
    done = await write(
        given.scope, "eventStatisticSet", id=f"event_{first}", storageKey="turnover", value=15,
        date="2026-03-09T00:00:00Z",
    )  # fmt: skip
    assert done["errors"] == []
    (row,) = await given.rows("SELECT customer_id FROM event WHERE id = $1", first)
    whom = {"customerId": f"cust_{row['customer_id']}", "project": given.slug}

    async def found(*order: dict[str, str], first: int = 50, offset: int = 0, **condition: Any) -> list[str]:
        page = await read(
            given.scope, METRICS, f={**whom, **condition}, o=list(order), first=first, offset=offset
        )
        return [node["value"] for node in page["nodes"]]

    by_date = {"field": "METRIC_DATE"}
    assert sorted((await found(by_date))[:2]) == ["1", "20"]
    assert await found({"field": "METRIC_DATE", "direction": "DESC"}, first=1) == ["15"]
    assert await found(by_date, first=1, offset=2) == ["15"]
    assert await found({"field": "CREATED_AT"}, first=1) == ["15"]
    assert await found({"field": "UPDATED_AT", "direction": "DESC"}, offset=2) == ["15"]
    assert await found(kinds=["STATE"]) == ["1"]
    assert sorted(await found(kinds=["STATISTIC"])) == ["15", "20"]
    assert await found(storageKey="turnover", since="2026-03-09T00:00:00Z") == ["15"]
    assert await found(storageKey="turnover", until="2026-03-02T12:00:00.000Z") == ["20"]
    assert await found(since="2026-03-09T00:00:00.001Z") == []
    nested = "eventMetrics { totalCount } events { totalCount } identities { kind }"
    nested = f"query($id: ID!) {{ customer(id: $id) {{ {nested} }} }}"
    assert await read(given.scope, nested, id=whom["customerId"]) == {
        "eventMetrics": {"totalCount": 3}, "events": {"totalCount": 2}, "identities": [{"kind": "email"}],
    }  # fmt: skip


async def test_a_projects_credential_sees_its_events_and_whose_they_are_by_id(
    shop: OpenShop, read: Read
) -> None:
    given = await shop()
    ident = await event(given, email="ada@example.com", turnover=1)
    inside = Scope(given.group_id, project_ids=(given.project_id,))
    outside = Scope(given.group_id, project_ids=(given.project_id + 1,))
    shown = await read(inside, EVENT, id=f"event_{ident}")
    assert shown["customer"] is None
    assert shown["customerId"].startswith("cust_")
    page = await read(inside, METRICS, f={"customerId": shown["customerId"]})
    assert page["nodes"][0]["project"] == {"slug": given.slug}
    assert await read(outside, EVENT, id=f"event_{ident}") is None
    assert await read(outside, METRICS, f={"customerId": shown["customerId"]}) == {
        "totalCount": 0,
        "nodes": [],
    }
    assert (await read(outside, EVENTS, f={"project": given.slug}))["nodes"] == []


async def test_a_state_and_a_statistic_are_told_through_the_graph(shop: OpenShop, write: Write) -> None:
    """The document's samples: `{"value": 1, "date": …}` and `{"value": 4000, "date": …}`."""
    given = await shop()
    ident = f"event_{await event(given)}"
    date = "2023-05-04T12:00:00.000Z"
    state = await write(given.scope, "eventStateSet", id=ident, storageKey="converted", value=1, date=date)
    assert state == {
        "event": {
            "updatedAt": "2025-06-15T12:00:00Z",
            "metrics": [
                {"storageKey": "converted", "value": "1", "metricDate": "2023-05-04T12:00:00Z",
                 "history": [{"value": "1", "actor": "key:1"}]},
            ],
        },
        "errors": [],
    }  # fmt: skip
    statistic = await write(
        given.scope, "eventStatisticSet", id=ident, storageKey="turnover", value=4000, date=date
    )
    assert [one["value"] for one in statistic["event"]["metrics"]] == ["1", "4000"]
    faults = [
        ({"storageKey": "convertd", "value": 1}, "NO_STORAGE_KEY", ["storageKey"]),
        ({"storageKey": "converted", "value": 2}, "INVALID", ["value"]),
        (
            {"storageKey": "converted", "value": 1, "date": "9999-12-31T00:00:00Z"},
            "OUT_OF_CALENDAR",
            ["date"],
        ),
        ({"storageKey": "converted", "value": 1, "id": "event_0"}, "NOT_FOUND", ["id"]),
        ({"storageKey": "converted", "value": 1, "id": f"event_{UUID(int=1)}"}, "NOT_FOUND", ["id"]),
    ]
    for change, code, path in faults:
        refused = await write(given.scope, "eventStateSet", **{"id": ident, **change})
        assert refused["event"] is None
        assert [(error["code"], error["path"]) for error in refused["errors"]] == [(code, path)]


async def test_backdating_is_for_admins(shop: OpenShop, write: Write) -> None:
    given = await shop()
    ident = f"event_{await event(given)}"
    for name, key in (("eventStateBackdate", "converted"), ("eventStatisticBackdate", "turnover")):
        sent = {"id": ident, "storageKey": key, "value": 1}
        for role in (Role.MARKETING, Role.WRITE, Role.MANAGER):
            refused = await write(given.scope, name, role, **sent)
            assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert (await write(given.scope, name, Role.TENANT_ADMIN, **sent))["errors"] == []
    assert len(await given.rows("SELECT 1 FROM event_metric")) == 2
