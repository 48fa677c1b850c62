"""Insights after events came the way they come: late, twice, corrected, trashed and replayed.

`PIPELINE_EVENTS=100000` for as many events as are promised to be right.
"""

import asyncio
import json
import os
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from app.db.database import Database
from app.domain.event_types.operations import EventTypeFields, create_event_type
from app.domain.events.metrics import Telling, tell
from app.domain.events.replaying import replay_events
from app.settings import read_settings
from app.tables.event_types import EventFieldKind
from tests.given.asking import Asker
from tests.given.events import NOON, PURCHASE, Shop, shop

EVENTS = int(os.environ.get("PIPELINE_EVENTS", "1200"))
AT_ONCE = 400
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
METRICS = ["event-count", "turnover", "converted"]
INSIGHTS = """
query($project: String!, $metrics: [String!]!, $since: DateTime, $until: DateTime, $timeZone: String!) {
  insights(project: $project, metrics: $metrics, interval: DAY, by: EVENT_TYPE, since: $since, until: $until,
           timeZone: $timeZone) { period eventType values { metric value } } }
"""
PLAIN = """
SELECT to_char((date_trunc('day', found.at AT TIME ZONE $1) AT TIME ZONE $1), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS date,
       found.event_type, found.key, sum(found.value) AS value
  FROM (SELECT e.occurred_at AS at, e.event_type, 'event-count' AS key, 1::numeric AS value
          FROM event e WHERE e.status = 'processed'
        UNION ALL
        SELECT e.occurred_at, e.event_type, m.storage_key, m.value
          FROM event e JOIN event_metric m ON m.group_id = e.group_id AND m.event_id = e.id
         WHERE e.status = 'processed') found
 WHERE found.at >= $2 AND found.at <= $3
 GROUP BY 1, 2, 3 HAVING sum(found.value) <> 0
"""


async def sent(given: Shop, rng: random.Random, nonces: list[str]) -> list[UUID]:
    """Events of any moment of a year, some of a type that is not there, some sent before; their ids."""
    again = rng.sample(nonces, min(len(nonces), AT_ONCE // 20))
    fresh = [f"n{len(nonces) + n}" for n in range(AT_ONCE)]
    nonces += fresh

    def data() -> dict[str, Any]:
        told: dict[str, Any] = {"basket": 3}
        if rng.random() < 0.1:
            del told["basket"]
        if rng.random() < 0.7:
            told["turnover"] = str(Decimal(rng.randrange(-(10**5), 10**7)) / 100)
        if rng.random() < 0.5:
            told["converted"] = rng.random() < 0.5
        return told

    return await asyncio.gather(
        *(
            given.send(
                nonce,
                event_type="visit" if rng.random() < 0.2 else "purchase",
                event_date=(FIRST + timedelta(milliseconds=rng.randrange(365 * 86_400_000))).isoformat(),
                data=data(),
            )
            for nonce in fresh + again
        )
    )


async def corrected(given: Shop, rng: random.Random, ids: list[UUID]) -> None:
    """Some events are worth something else, or are not converted after all."""
    some = rng.sample(ids, min(len(ids), AT_ONCE // 10))
    rows = await given.rows(
        "SELECT id FROM event WHERE status = 'processed' AND id = ANY ($1) ORDER BY id", some
    )
    for row in rows:
        state = rng.random() < 0.5
        told = Telling(
            kind=EventFieldKind.STATE if state else EventFieldKind.STATISTIC,
            storage_key="converted" if state else "turnover",
            value=Decimal(rng.randrange(2)) if state else Decimal(rng.randrange(10**6)) / 10_000,
            actor="test",
        )
        async with given.db.transaction(given.scope) as tx:
            await tell(tx, row["id"], told, now=NOON)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kolkata"])
async def test_they_are_what_a_plain_aggregate_over_the_events_says(
    db: Database, tmp_path_factory: pytest.TempPathFactory, zone: str
) -> None:
    rng = random.Random(zone)
    asker = Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))
    given = await shop(db)
    nonces: list[str] = []
    ids: list[UUID] = []
    rounds = max(1, EVENTS // AT_ONCE)
    for turn in range(rounds):
        ids += await sent(given, rng, nonces)
        await given.process()
        await corrected(given, rng, ids)
        if turn == rounds // 2:
            async with db.transaction(given.scope) as tx:
                declared = EventTypeFields(name="Visit", fields=list(PURCHASE))
                await create_event_type(tx, given.project_id, declared, reference="visit", now=NOON)
            done = await replay_events(db, given.group_id, given.project_id, now=NOON)
            assert done.replayed
    await given.acceptor.close()
    assert (await given.rows("SELECT count(*) AS n FROM event"))[0]["n"] == len(nonces)

    ends = [FIRST, FIRST + timedelta(days=365)]
    windows = [
        ends,
        *(sorted(FIRST + timedelta(seconds=rng.randrange(365 * 86_400)) for _ in "ab") for _ in range(3)),
    ]
    for since, until in windows:
        made = await asker.planned(
            given.scope, INSIGHTS, project=given.slug, metrics=METRICS, since=since.isoformat(),
            until=until.isoformat(), timeZone=zone,
        )  # fmt: skip
        assert made.execution == "planned"
        found = {
            (entry["period"], entry["eventType"], one["metric"]): Decimal(one["value"])
            for entry in json.loads(made.body)["data"]["insights"]
            for one in entry["values"]
            if Decimal(one["value"])
        }
        rows = await given.rows(PLAIN, zone, since, until)
        assert rows
        assert found == {(row["date"], row["event_type"], row["key"]): row["value"] for row in rows}
