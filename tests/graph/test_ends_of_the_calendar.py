"""The first and the last day and moment of the calendar: fine to ask by, refused in our words to store.

asyncpg sends them as infinity, which no column takes.
"""

import json
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from tests.given import campaigns, groups
from tests.given.asking import Asker
from tests.given.everything import Everything

FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
CREATE = "mutation($i: CampaignCreateInput!) { made: campaignCreate(input: $i) { errors { code path } } }"
KEY = "mutation($i: ApiKeyCreateInput!) { made: apiKeyCreate(input: $i) { errors { code path } } }"
RECORD = "mutation($i: MetricsRecordInput!) { made: metricsRecord(input: $i) { errors { code path } } }"


async def errors_of(asker: Asker, db: Database, query: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    """What a group's administrator is told."""
    group = await groups.group(db)
    if "entries" in given:
        campaign = await campaigns.campaign(db, group.scope)
        given = {"entries": [{"campaignId": f"camp_{campaign}", **one} for one in given["entries"]]}
    context = asker.context(group.scope, roles=frozenset({Role.TENANT_ADMIN}))
    made = json.loads((await answer(Operation(query, {"i": given}), context)).body)
    assert "errors" not in made, made
    found: list[dict[str, Any]] = made["data"]["made"]["errors"]
    return found


@pytest.mark.parametrize(
    ("query", "given", "path"),
    [
        (CREATE, {"name": "x", "startsAt": FIRST}, "startsAt"),
        (CREATE, {"name": "x", "endsAt": LAST}, "endsAt"),
        (CREATE, {"name": "x", "startsOn": "0001-01-01"}, "startsOn"),
        (CREATE, {"name": "x", "endsOn": "9999-12-31"}, "endsOn"),
        (KEY, {"name": "x", "expiresAt": LAST}, "expiresAt"),
        (RECORD, {"entries": [{"day": "0001-01-01", "channel": "x", "clicks": 1}]}, "day"),
        (RECORD, {"entries": [{"day": "0001-01-01", "channel": "x", "spend": "1"}]}, "day"),
    ],
)
async def test_they_are_not_stored(
    asker: Asker, db: Database, query: str, given: dict[str, Any], path: str
) -> None:
    errors = await errors_of(asker, db, query, given)
    assert [error["path"][-1] for error in errors] == [path]


@pytest.mark.parametrize("moment", ["0001-01-02T00:00:00Z", "9999-12-30T23:59:59.999999Z"])
async def test_their_neighbours_are(asker: Asker, db: Database, moment: str) -> None:
    side = "startsAt" if moment.startswith("0") else "endsAt"
    assert await errors_of(asker, db, CREATE, {"name": "x", side: moment}) == []


async def test_asking_by_them_finds_everything_or_nothing(asker: Asker, ours: Everything) -> None:
    query = (
        "query($t: DateTime!, $d: Date!) { after: campaigns(filter: {startsFrom: $t}) { totalCount }"
        " before: campaigns(filter: {runsBefore: $t}) { totalCount }"
        " since: spendEntries(filter: {since: $d}) { totalCount }"
        " until: spendEntries(filter: {until: $d}) { totalCount } }"
    )
    counted = []
    for moment in (FIRST, LAST):
        planned, resolved = await asker.both(ours.scope, query, t=moment, d=moment[:10])
        assert planned.body == resolved.body
        data = json.loads(planned.body)["data"]
        counted.append({name: found["totalCount"] > 0 for name, found in data.items()})
    # A campaign without a start counts as begun.
    assert counted == [
        {"after": True, "before": True, "since": True, "until": False},
        {"after": False, "before": True, "since": False, "until": True},
    ]
