"""A group keeps things as long as it says: texts go, what was read from them stays, and nobody else's is touched."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.domain.groups import retention
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.worker.housekeeping import Housekeeping
from app.worker.retention import Retention
from tests.given import campaigns, groups
from tests.given import events as given_events
from tests.given.groups import GivenGroup
from tests.given.work import database_now

EVENT = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, updated_at, status, body,
                   data)
SELECT $1, gen_random_uuid(), $2, $3 || n, 'order', now() - make_interval(days => $4), now(), now(), $5,
       '{"data": {"a": 1}}', '{"a": 1}'
  FROM generate_series(1, $6) AS n
"""
SET = (
    "mutation($input: GroupUpdateInput!) { groupUpdate(input: $input) { errors { code path } group { retention {\
 bodiesDays deliveriesDays trashDays tracesDays answersHours } } } }"
)


async def put(
    db: Database,
    given: GivenGroup,
    *,
    source: str = "tracker",
    status: str = "processed",
    days: int,
    count: int = 1,
) -> None:
    async with db.transaction(given.scope) as tx:
        await tx.execute(EVENT, given.group_id, source, uuid4().hex, days, status, count)


async def kept(db: Database, given: GivenGroup) -> dict[tuple[str, str], tuple[int, int]]:
    """By source and status: how many events there are, and with a body."""
    async with db.transaction(given.scope) as tx:
        rows = await tx.fetch("SELECT source, status, count(*), count(body) FROM event GROUP BY 1, 2")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


async def say(db: Database, given: GivenGroup, **columns: int) -> None:
    async with db.transaction(given.scope) as tx:
        for column, value in columns.items():
            await tx.execute(f"UPDATE customer_group SET {column} = $2 WHERE id = $1", given.group_id, value)


async def test_nothing_goes_unless_the_group_says_so(db: Database) -> None:
    given = await groups.group(db)
    for status in ("processed", "trashed", "pending"):
        await put(db, given, status=status, days=3_000)
    await put(db, given, source="webhook.sendgrid", days=3_000)
    before = await kept(db, given)
    assert (await Retention().run(db, await database_now(db))).errors == []
    assert await kept(db, given) == before


async def test_bodies_deliveries_and_trash_go_at_their_own_age(db: Database) -> None:
    given, other = await groups.group(db), await groups.group(db)
    for one in (given, other):
        for days in (5, 15, 40):
            await put(db, one, days=days)
            await put(db, one, source="webhook.twilio", days=days)
            await put(db, one, status="trashed", days=days)
            await put(db, one, status="pending", days=days)
            await put(db, one, source="rewards", days=days)
    untouched = await kept(db, other)
    await say(db, given, keep_bodies_days=10, keep_deliveries_days=30, keep_trash_days=20)
    assert (await Retention().run(db, await database_now(db))).errors == []
    assert await kept(db, given) == {
        ("tracker", "processed"): (3, 1),
        ("webhook.twilio", "processed"): (3, 2),
        ("tracker", "trashed"): (2, 2),
        ("tracker", "pending"): (3, 3),
        ("rewards", "processed"): (3, 3),
    }
    assert await kept(db, other) == untouched
    async with db.transaction(given.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM event WHERE data IS NULL") == 0


async def test_many_go_in_batches_and_only_once(db: Database) -> None:
    given = await groups.group(db)
    await put(db, given, days=50, count=retention.BATCH * 2 + 7)  # all of one moment
    await put(db, given, days=40, count=5)
    await say(db, given, keep_bodies_days=10)
    now = await database_now(db)
    gone = await retention.keep_retention(db, given.group_id, now=now)
    assert gone == {"bodies": retention.BATCH * 2 + 12}
    _, with_body = (await kept(db, given))["tracker", "processed"]
    assert with_body == 0
    await retention.start_over(db, given.group_id)
    assert await retention.keep_retention(db, given.group_id, now=now) == {}


async def test_what_is_due_later_is_found_later(db: Database) -> None:
    given = await groups.group(db)
    await say(db, given, keep_bodies_days=10)
    now = await database_now(db)
    job = Retention()
    await put(db, given, days=5)
    await job.run(db, now)
    assert (await kept(db, given))["tracker", "processed"] == (1, 1)
    await job.run(db, now + timedelta(days=6))
    assert (await kept(db, given))["tracker", "processed"] == (1, 0)


async def test_a_group_says_it_in_the_graph(db: Database, tmp_path: object) -> None:
    given = await groups.group(db)
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))
    context = Context(services, Principal("t", given.scope, frozenset(Role)))

    async def said(**input: int | None) -> bytes:
        return (await answer(Operation(SET, {"input": input}), context)).body

    assert (
        b'"retention":{"bodiesDays":30,"deliveriesDays":null,"trashDays":7,"tracesDays":null,"answersHours":12}'
        in await said(keepBodiesDays=30, keepTrashDays=7, keepAnswersHours=12)
    )
    assert b'"bodiesDays":null' in await said(keepBodiesDays=None)
    for wrong in ({"keepBodiesDays": 0}, {"keepTrashDays": 99_999}, {"keepAnswersHours": 25}):
        assert b'"code":"INVALID"' in await said(**wrong)
    await services.close()


async def test_answers_go_as_the_group_says(db: Database) -> None:
    given = await groups.group(db)
    await say(db, given, keep_answers_hours=2)
    now = await database_now(db)
    async with db.transaction(given.scope) as tx:
        for key, hours in (("old", 3), ("young", 1)):
            await tx.execute(
                "INSERT INTO idempotent_answer (group_id, key, request_hash, created_at) VALUES ($1, $2, 'x', $3)",
                given.group_id, key, now - timedelta(hours=hours),
            )  # fmt: skip
    await Housekeeping().run(db, now)
    async with db.transaction(given.scope) as tx:
        assert [row["key"] for row in await tx.fetch("SELECT key FROM idempotent_answer")] == ["young"]


async def test_what_events_take_is_counted_once_and_taken_back(db: Database) -> None:
    given = await groups.group(db)
    await put(db, given, days=20, count=30)
    await put(db, given, status="trashed", days=20, count=10)
    now = await database_now(db)

    async def usage() -> tuple[int, int]:
        async with db.transaction(given.scope) as tx:
            row = await tx.fetchrow(
                "SELECT events, event_bytes FROM customer_group WHERE id = $1", given.group_id
            )
        assert row is not None
        return row["events"], row["event_bytes"]

    for _ in range(3):
        await retention.count_events(db, given.group_id, now=now)
    events, size = await usage()
    assert events == 40
    assert size > 40 * 20
    await say(db, given, keep_bodies_days=1, keep_trash_days=1)
    await retention.keep_retention(db, given.group_id, now=now)
    events, less = await usage()
    assert events == 30
    assert 0 < less < size


async def test_counting_goes_in_batches(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    given = await groups.group(db)
    for days in (9, 7, 5, 3):
        await put(db, given, days=days, count=3)
    monkeypatch.setattr(retention, "COUNT_BATCH", 2)
    await retention.count_events(db, given.group_id, now=await database_now(db))
    async with db.transaction(given.scope) as tx:
        assert await tx.fetchval("SELECT events FROM customer_group WHERE id = $1", given.group_id) == 12


async def test_a_group_that_is_full_takes_no_more_events(db: Database, tmp_path: object) -> None:
    shop = await given_events.shop(db)
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))
    send = "mutation($input: EventSendInput!) { eventSend(input: $input) { id errors { code } } }"

    async def sent() -> bytes:
        fresh = Context(Services(settings, db, services.assets), Principal("t", shop.scope, frozenset(Role)))
        given = {"project": shop.slug, "eventType": "purchase", "nonce": uuid4().hex, "data": {}}
        made = await answer(Operation(send, {"input": given}), fresh)
        await fresh.services.close()
        return made.body

    assert b'"errors":[]' in await sent()
    async with db.transaction(shop.scope) as tx:
        await tx.execute(
            "UPDATE customer_group SET event_quota = 1000, event_bytes = 1000 WHERE id = $1", shop.group_id
        )
    assert b'"code":"QUOTA_EXCEEDED"' in await sent()
    await shop.acceptor.close()
    await services.close()


async def test_traces_go_and_what_was_decided_stays(db: Database) -> None:
    given = await groups.group(db)
    camp = await campaigns.campaign(db, given.scope)
    await put(db, given, source="rewards", days=1, count=3)
    async with db.transaction(given.scope) as tx:
        customer = await tx.fetchval(
            "INSERT INTO customer (group_id, name, email, email_key)"
            " VALUES ($1, 'A', 'a@example.org', 'a@example.org') RETURNING id",
            given.group_id,
        )
        events = [row["id"] for row in await tx.fetch("SELECT id FROM event")]
        steps = '{"steps": [1]}'
        traces = ('{"steps": [1], "balances": {"1": 2}}', steps, steps)
        for event, days, trace in zip(events, (40, 40, 5), traces, strict=True):
            await tx.execute(
                "INSERT INTO reward_evaluation (group_id, campaign_id, event_id, customer_id, reference, trigger_code,"
                " occurred_at, version, inputs, trace, outcome, wanted, amount, currency, created_at) VALUES"
                " ($1, $2, $3, $4, 'r', 1, now(), 1, '{\"user\": {}}', $5, 'paid', 5, 5, 'EUR',"
                " now() - make_interval(days => $6))",
                given.group_id, camp, event, customer, trace, days,
            )  # fmt: skip
    await say(db, given, keep_traces_days=30)
    assert (await Retention().run(db, await database_now(db))).errors == []
    async with db.transaction(given.scope) as tx:
        rows = await tx.fetch(
            "SELECT trace::text AS trace, inputs::text AS inputs FROM reward_evaluation ORDER BY id"
        )
    assert [row["inputs"] for row in rows] == ['{"user": {}}'] * 3
    assert [row["trace"].replace(" ", "") for row in rows] == ['{"balances":{"1":2}}', "{}", '{"steps":[1]}']
