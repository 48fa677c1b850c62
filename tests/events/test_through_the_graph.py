"""Events are sent, looked for in the trash and replayed through the graph."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.events.conftest import OpenShop
from tests.given.events import NOON, Shop

Ask = Callable[..., Awaitable[dict[str, Any]]]

SEND = "mutation($input: EventSendInput!) { eventSend(input: $input) { id errors { code message path } } }"
SEND_NOW = """
mutation($input: EventSendInput!) { eventSendNow(input: $input) {
  id event { id status data userData type { reference } metrics { storageKey value } } errors { code path } } }
"""
REPLAY = """
mutation($input: EventReplayInput!) {
  eventReplay(input: $input) { replayed stillFailing errors { code path } } }
"""
REASONS = "query($project: String!) { trashReasons(project: $project) { code field count } }"
WOULD_PASS = """
query($project: String!, $fields: [EventFieldInput!]) {
  eventsWouldPass(project: $project, eventType: "purchase", fields: $fields) {
    passing failing reasons { code field count } } }
"""


@pytest.fixture
async def ask(db: Database, tmp_path: Path) -> AsyncIterator[Ask]:
    """Run a document as a credential for a shop; the whole answer."""
    services = Services(
        read_settings({"DATA_DIR": str(tmp_path)}),
        db,
        AssetStorage(read_settings({"DATA_DIR": str(tmp_path)})),
    )

    async def run(
        shop: Shop, query: str, *roles: Role, scope: Scope | None = None, **variables: Any
    ) -> dict[str, Any]:
        principal = Principal("test", scope or shop.scope, frozenset(roles or {Role.MARKETING}))
        made = await answer(Operation(query, variables), Context(services, principal, now=NOON))
        found: dict[str, Any] = json.loads(made.body)
        return found

    yield run
    await services.close()


def event(shop: Shop, nonce: str = "n-1", **other: Any) -> dict[str, Any]:
    """An event's input."""
    return {"project": shop.slug, "eventType": "purchase", "nonce": nonce, "data": {"basket": 1}, **other}


async def test_an_event_sent_is_pending_and_its_nonce_is_its_name(shop: OpenShop, ask: Ask) -> None:
    """WM-07, WM-15, WM-20, WM-23."""
    given = await shop()
    first = (await ask(given, SEND, input=event(given)))["data"]["eventSend"]
    again = (await ask(given, SEND, input=event(given)))["data"]["eventSend"]
    now = (await ask(given, SEND_NOW, input=event(given)))["data"]["eventSendNow"]
    assert first["id"] == again["id"] == now["id"] == now["event"]["id"]
    assert first["errors"] == []
    assert now["event"]["status"] == "PROCESSED"
    assert len(await given.rows("SELECT 1 FROM event")) == 1


async def test_one_nonce_is_one_event_on_both_ways_at_the_same_moment(shop: OpenShop, ask: Ask) -> None:
    """WM-20."""
    given = await shop()
    told = await asyncio.gather(
        *(
            ask(
                given,
                SEND_NOW if at % 4 == 0 else SEND,
                input=event(given, data={"basket": 1, "turnover": 5}),
            )
            for at in range(24)
        )
    )
    payloads = [next(iter(one["data"].values())) for one in told]
    assert len({one["id"] for one in payloads}) == 1
    assert {one["event"]["status"] for one in payloads if "event" in one} == {"PROCESSED"}
    await given.process()
    sums = await given.rows("SELECT key, value FROM event_rollup ORDER BY key")
    assert sums == [{"key": "event-count", "value": 1}, {"key": "turnover", "value": 5}]


async def test_a_project_that_is_not_there_is_named_as_the_input_names_it(shop: OpenShop, ask: Ask) -> None:
    given = await shop()
    for document, field, sent in (
        (SEND, "eventSend", event(given, project="nobody")),
        (SEND_NOW, "eventSendNow", event(given, project="nobody")),
        (REPLAY, "eventReplay", {"project": "nobody"}),
    ):
        (error,) = (await ask(given, document, input=sent))["data"][field]["errors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["project"])


async def test_two_replays_at_once_take_each_event_once(shop: OpenShop, ask: Ask) -> None:
    given = await shop()
    for at in range(40):
        await given.send(data={"turnover": at})
    await given.process()
    async with given.db.transaction(given.scope) as tx:
        await tx.execute("UPDATE event_field SET is_required = false")
    done = await asyncio.gather(*(ask(given, REPLAY, input={"project": given.slug}) for _ in range(3)))
    assert sum(one["data"]["eventReplay"]["replayed"] for one in done) == 40
    sums = await given.rows("SELECT key, value FROM event_rollup ORDER BY key")
    assert sums == [{"key": "event-count", "value": 40}, {"key": "turnover", "value": sum(range(40))}]


async def test_an_event_sent_now_is_processed_when_its_id_is_told(shop: OpenShop, ask: Ask) -> None:
    """WM-10."""
    given = await shop()
    data = {"basket": "2", "turnover": 4000, "email": "Ada@example.com"}
    made = await ask(
        given, SEND_NOW, input=event(given, data=data, trackerId="t-1", eventDate="2022-04-01Z05:00:00")
    )
    told = made["data"]["eventSendNow"]
    assert told["errors"] == []
    assert told["event"] == {
        "id": told["id"],
        "status": "PROCESSED",
        "data": {"basket": 2},
        "userData": {"email": "ada@example.com"},
        "type": {"reference": "purchase"},
        "metrics": [{"storageKey": "turnover", "value": "4000"}],
    }


async def test_an_event_that_cannot_be_taken_is_in_the_trash_with_the_reasons_it_is_refused_for(
    shop: OpenShop, ask: Ask
) -> None:
    given = await shop()
    made = (await ask(given, SEND_NOW, input=event(given, data={"turnover": "much"})))["data"]["eventSendNow"]
    assert made["event"] is None
    assert made["errors"] == [
        {"code": "field_required", "path": ["basket"]},
        {"code": "field_invalid", "path": ["turnover"]},
    ]
    (row,) = await given.rows("SELECT id, status FROM event")
    assert (f"event_{row['id']}", row["status"]) == (made["id"], "trashed")


@pytest.mark.parametrize(
    ("sender", "others"),
    [(Role.TRACKER, {Role.TRACKER: False}), (Role.WRITE, {Role.WRITE: False, Role.MARKETING: True})],
)
async def test_a_known_nonce_shows_nobody_what_another_sent_under_it(
    shop: OpenShop, ask: Ask, sender: Role, others: dict[Role, bool]
) -> None:
    """Nonces of strangers and of who has a credential are apart, so each is repeated among its own."""
    given = await shop()
    asked = SEND_NOW.replace(" data userData", "").replace("{ code path }", "{ code message path }")
    sent = event(given, data={"turnover": "ada@example.com"})
    first = (await ask(given, asked, sender, input=sent))["data"]["eventSendNow"]
    assert "ada@example.com" in first["errors"][1]["message"]
    assert (await ask(given, asked, sender, input=sent))["data"]["eventSendNow"] == first
    for role, is_told in others.items():
        told = (await ask(given, asked, role, input=event(given)))["data"]["eventSendNow"]
        assert told["id"] == first["id"]
        assert [one["code"] for one in told["errors"]] == ["field_required", "field_invalid"]
        assert ("ada@example.com" in str(told)) == is_told, role


async def test_what_cannot_be_an_event_is_refused_and_not_kept(shop: OpenShop, ask: Ask) -> None:
    """WM-19, WM-21."""
    given = await shop()
    for wrong, path in (
        ({"nonce": "n" * 256}, ["nonce"]),
        ({"nonce": " "}, ["nonce"]),
        ({"eventType": ""}, ["eventType"]),
        ({"data": [1]}, ["data"]),
        ({"data": None}, ["data"]),
        ({"trackerId": "t" * 256}, ["trackerId"]),
        ({"body": "{"}, ["data"]),
    ):
        told = (await ask(given, SEND, input=event(given, **wrong)))["data"]["eventSend"]
        assert (told["id"], told["errors"][0]["path"]) == (None, path)
    assert await given.rows("SELECT 1 FROM event") == []


async def test_trackers_send_to_their_project_and_can_do_nothing_else(shop: OpenShop, ask: Ask) -> None:
    given, other = await shop(), await shop()
    scope = Scope(given.group_id, project_ids=(given.project_id,))
    sent = await ask(given, SEND, Role.TRACKER, scope=scope, input=event(given))
    assert sent["data"]["eventSend"]["id"]
    # What is about its user is shown to who may see it.
    assert (await ask(given, SEND_NOW, Role.TRACKER, scope=scope, input=event(given, "n-2")))["errors"]
    shown = SEND_NOW.replace(" data userData", "")
    now = await ask(given, shown, Role.TRACKER, scope=scope, input=event(given, "n-2"))
    assert now["data"]["eventSendNow"]["event"]["status"] == "PROCESSED"
    elsewhere = await ask(given, SEND, Role.TRACKER, scope=scope, input=event(other))
    assert elsewhere["data"]["eventSend"]["errors"][0]["code"] == "NOT_FOUND"
    refused = await ask(given, REPLAY, Role.TRACKER, scope=scope, input={"project": given.slug})
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_the_trash_is_told_by_reason_and_replayed_once_its_type_takes_it(
    shop: OpenShop, ask: Ask
) -> None:
    """WM-09, WM-31."""
    given = await shop()
    for at in range(5):
        await given.send(data={"turnover": at} if at < 3 else {"basket": 1, "turnover": "much"})
    await given.process()
    reasons = (await ask(given, REASONS, project=given.slug))["data"]["trashReasons"]
    assert reasons == [
        {"code": "field_required", "field": "basket", "count": 3},
        {"code": "field_invalid", "field": "turnover", "count": 2},
    ]
    none = await ask(given, REPLAY, input={"project": given.slug})
    assert none["data"]["eventReplay"] == {"replayed": 0, "stillFailing": 5, "errors": []}
    fields = [{"storageKey": "basket"}, {"storageKey": "turnover", "kind": "STATISTIC"}]
    would = await ask(given, WOULD_PASS, project=given.slug, fields=fields)
    assert would["data"]["eventsWouldPass"] == {
        "passing": 3, "failing": 2, "reasons": [{"code": "field_invalid", "field": "turnover", "count": 2}],
    }  # fmt: skip
    async with given.db.transaction(given.scope) as tx:
        await tx.execute("UPDATE event_field SET is_required = false")
    asked = {"project": given.slug, "code": "field_required"}
    assert (await ask(given, REPLAY, input=asked))["data"]["eventReplay"]["replayed"] == 3
    assert (await ask(given, REPLAY, input=asked))["data"]["eventReplay"]["replayed"] == 0
    sums = await given.rows("SELECT key, value FROM event_rollup ORDER BY key")
    assert sums == [{"key": "event-count", "value": 3}, {"key": "turnover", "value": 3}]
    assert len(await given.rows("SELECT 1 FROM event_metric")) == 3
    left = await given.rows("SELECT DISTINCT code FROM event_fault")
    assert left == [{"code": "field_invalid"}]
