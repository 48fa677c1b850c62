"""Insights are what a plain count over the events says, whatever came late, was changed, or was replayed."""

import json
import os
import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from app.db.database import Database
from app.settings import read_settings
from app.values.instants import show_instant
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.insights.given import Counted, Tracking, replay, tracking, update, write

EVENTS = int(os.environ.get("INSIGHT_EVENTS", "3000"))
INSIGHTS = """
query($project: String!, $metrics: [String!]!, $interval: Interval, $cycle: Cycle, $by: InsightDimension!,
      $since: DateTime, $until: DateTime, $eventTypes: [String!], $timeZone: String!) {
  insights(project: $project, metrics: $metrics, interval: $interval, cycle: $cycle, by: $by, since: $since,
           until: $until, eventTypes: $eventTypes, timeZone: $timeZone) {
    period eventType values { metric value } } }
"""
LINEAR = ["DAY", "WEEK", "MONTH", "QUARTER", "SEMESTER", "YEAR"]
LAST = {
    "DAY_OF_WEEK": 7, "DAY_OF_MONTH": 31, "DAY_OF_YEAR": 366, "WEEK_OF_YEAR": 53, "MONTH_OF_YEAR": 12,
    "QUARTER_OF_YEAR": 4, "SEMESTER_OF_YEAR": 2,
}  # fmt: skip
ZONES = ["UTC", "UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
METRICS = ["event-count", "turnover", "quoted", "converted", "rdv", "nobody-has-this"]


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


async def ask(asker: Asker, scope: Scope, **asked: Any) -> list[dict[str, Any]]:
    """The entries, the same both ways and from one statement; values by metric."""
    asked = {"metrics": ["event-count"], "interval": "DAY", "by": "PROJECT", "timeZone": "UTC"} | asked
    if asked["interval"] in LAST:
        asked |= {"interval": None, "cycle": asked["interval"]}
    planned, resolved = await asker.both(scope, INSIGHTS, **asked)
    assert planned.execution == "planned", planned
    assert planned.body == resolved.body
    entries: list[dict[str, Any]] = json.loads(planned.body)["data"]["insights"]
    for entry in entries:
        assert [v["metric"] for v in entry["values"]] == list(dict.fromkeys(asked["metrics"]))
        entry["values"] = {v["metric"]: Decimal(v["value"]) for v in entry["values"]}
    return entries


# ── a plain count ─────────────────────────────────────────────────────────────


def start_of(local: datetime, interval: str) -> datetime:
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    match interval:
        case "DAY":
            return day
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case "QUARTER":
            return day.replace(day=1, month=day.month - (day.month - 1) % 3)
        case "SEMESTER":
            return day.replace(day=1, month=1 if day.month <= 6 else 7)
        case _:
            return day.replace(day=1, month=1)


def number_of(local: datetime, interval: str) -> int:
    return {
        "DAY_OF_WEEK": local.isoweekday(),
        "DAY_OF_MONTH": local.day,
        "DAY_OF_YEAR": local.timetuple().tm_yday,
        "WEEK_OF_YEAR": local.isocalendar().week,
        "MONTH_OF_YEAR": local.month,
        "QUARTER_OF_YEAR": (local.month - 1) // 3 + 1,
        "SEMESTER_OF_YEAR": 1 if local.month <= 6 else 2,
    }[interval]


def expected(given: Tracking, events: list[Counted], asked: dict[str, Any]) -> list[dict[str, Any]]:
    zone, interval = ZoneInfo(asked["timeZone"]), asked["interval"]
    since, until = (
        None if asked[name] is None else datetime.fromisoformat(asked[name]) for name in ("since", "until")
    )
    by_type = asked["by"] == "EVENT_TYPE"
    types = sorted(given.types)
    if by_type and asked["eventTypes"]:
        types = [one for one in types if one in asked["eventTypes"]]

    def bucket(at: datetime) -> Any:
        local = at.astimezone(zone).replace(tzinfo=None)
        return start_of(local, interval) if interval in LINEAR else number_of(local, interval)

    sums: dict[tuple[Any, str | None, str], Decimal] = defaultdict(Decimal)
    for one in events:
        if not one.processed or (since and one.occurred_at < since) or (until and one.occurred_at > until):
            continue
        if by_type and one.reference not in types:
            continue
        for key, value in {"event-count": Decimal(1), **one.values}.items():
            sums[bucket(one.occurred_at), one.reference if by_type else None, key] += value
    if interval not in LINEAR:
        buckets: list[Any] = list(range(1, LAST[interval] + 1))
    else:
        asked_for = {b for b, _, key in sums if key in asked["metrics"]}
        day = bucket(since) if since else min(asked_for, default=None)
        last = bucket(until) if until else max(asked_for, default=None)
        buckets = []
        if day is not None and last is not None:
            while day <= last:
                if start_of(day, interval) == day:
                    buckets.append(day)
                day += timedelta(days=1)
    return [
        {
            "period": show_instant(one.replace(tzinfo=zone)) if interval in LINEAR else str(one),
            "eventType": reference,
            "values": {key: sums[one, reference, key] for key in asked["metrics"]},
        }
        for one in buckets
        for reference in (types if by_type else [None])
    ]


@pytest.mark.parametrize("seed", range(2))
async def test_they_are_what_a_plain_count_says(db: Database, asker: Asker, seed: int) -> None:
    rng = random.Random(seed)
    given = await tracking(db, f"counting{seed}", types=("lead", "sale", "visit"))
    first = datetime(2025, 1, 1, tzinfo=UTC)

    def moment() -> datetime:
        # Crowded about the hours where clocks change, and else anywhere in two years; some on the hour itself.
        near = rng.choice(
            [None, None, datetime(2025, 3, 30, 1, tzinfo=UTC), datetime(2025, 10, 26, 1, tzinfo=UTC)]
        )
        at = (
            near + timedelta(seconds=rng.randrange(-7200, 7200))
            if near
            else first
            + timedelta(seconds=rng.randrange(0, 730 * 86400), microseconds=rng.choice([0, 999_999]))
        )
        return at.replace(minute=0, second=0, microsecond=0) if rng.random() < 0.1 else at

    def event() -> Counted:
        values = {
            "turnover": Decimal(rng.randrange(-100_000, 1_000_000)) / 100,
            "quoted": Decimal(rng.randrange(10**8)) / 10_000,
            "converted": Decimal(rng.randrange(2)),
            "rdv": Decimal(rng.randrange(2)),
        }
        kept = {key: value for key, value in values.items() if rng.random() < 0.6}
        reference = rng.choice(["lead", "sale", "sale", "visit"])
        return Counted(UUID(int=rng.getrandbits(128)), reference, moment(), rng.random() < 0.9, kept)

    events: list[Counted] = []
    rounds = 6
    for _ in range(rounds):
        # Moments are random, so all but the first round come late.
        new = [event() for _ in range(EVENTS // rounds)]
        await write(db, given, new)
        events += new
        for one in rng.sample(events, min(len(events), EVENTS // 40)):
            if not one.processed:
                await replay(db, given, one)
            elif one.values:
                key = rng.choice(list(one.values))
                state = key in ("converted", "rdv")
                value = Decimal(rng.randrange(2)) if state else Decimal(rng.randrange(-(10**6), 10**6)) / 100
                await update(db, given, one, key, value)

        for _ in range(6):
            since = rng.choice([None, moment(), moment(), datetime(2025, 1, 1, tzinfo=UTC)])
            until = rng.choice([None, moment(), moment(), rng.choice(events).occurred_at])
            asked = {
                "metrics": rng.sample(METRICS, rng.choice([1, 2, 4])),
                "interval": rng.choice(LINEAR + list(LAST)),
                "by": rng.choice(["PROJECT", "EVENT_TYPE"]),
                "eventTypes": rng.choice([None, None, [], ["sale"], ["visit", "lead", "nonsense"]]),
                "timeZone": rng.choice(ZONES),
                "since": None if since is None else since.isoformat(),
                "until": None if until is None else until.isoformat(),
            }
            found = await ask(asker, given.scope, project=given.slug, **asked)
            assert found == expected(given, events, asked), asked


async def test_each_interval_over_a_window_inside_it(db: Database, asker: Asker) -> None:
    """All thirteen, each with one event; the window ends with an event's own instant."""
    given = await tracking(db, "thirteen")
    at = datetime(2025, 8, 14, 22, 30, tzinfo=UTC)
    event = Counted(UUID(int=given.group_id), "sale", at, True, {"turnover": Decimal("4000")})
    await write(db, given, [event])
    window = {"since": "2025-08-14T22:29:00Z", "until": "2025-08-14T22:30:00Z"}
    dates = {}
    for interval in [*LINEAR, *LAST]:
        found = await ask(
            asker, given.scope, project=given.slug, interval=interval, metrics=["turnover"], **window,
            timeZone="Europe/Paris",
        )  # fmt: skip
        assert len(found) == LAST.get(interval, 1)
        (hit,) = [one for one in found if one["values"]["turnover"]]
        assert hit["values"] == {"turnover": 4000}
        dates[interval] = hit["period"]
    # In Paris it is half past midnight, on Friday the 15th.
    assert dates == {
        "DAY": "2025-08-14T22:00:00Z", "WEEK": "2025-08-10T22:00:00Z", "MONTH": "2025-07-31T22:00:00Z",
        "QUARTER": "2025-06-30T22:00:00Z", "SEMESTER": "2025-06-30T22:00:00Z", "YEAR": "2024-12-31T23:00:00Z",
        "DAY_OF_WEEK": "5", "DAY_OF_MONTH": "15", "DAY_OF_YEAR": "227", "WEEK_OF_YEAR": "33",
        "MONTH_OF_YEAR": "8", "QUARTER_OF_YEAR": "3", "SEMESTER_OF_YEAR": "2",
    }  # fmt: skip


async def test_seasons_lay_the_years_over_each_other(db: Database, asker: Asker) -> None:
    given = await tracking(db, "seasons")
    days = [datetime(year, 3, 5, 12, tzinfo=UTC) for year in (2023, 2024, 2025)]
    events = [Counted(UUID(int=given.group_id * 10 + n), "lead", at, True, {}) for n, at in enumerate(days)]
    await write(db, given, events)
    found = await ask(asker, given.scope, project=given.slug, interval="MONTH_OF_YEAR")
    assert [one["values"]["event-count"] for one in found] == [0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert [one["period"] for one in found] == [str(month) for month in range(1, 13)]


async def test_unknown_keys_are_0_and_repeated_ones_come_once(db: Database, asker: Asker) -> None:
    given = await tracking(db, "unknown")
    asked = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-01T23:00:00Z", "project": given.slug}
    (found,) = await ask(asker, given.scope, metrics=["nope", "event-count", "nope", ""], **asked)
    assert found["values"] == {"nope": 0, "event-count": 0, "": 0}
    (found,) = await ask(asker, given.scope, metrics=[], **asked)
    assert found["values"] == {}


async def test_by_event_type_each_has_an_entry_for_each_stretch(db: Database, asker: Asker) -> None:
    given = await tracking(db, "cross")
    at = datetime(2025, 1, 2, 5, tzinfo=UTC)
    await write(db, given, [Counted(UUID(int=given.group_id), "lead", at, True, {})])
    window = {"since": "2025-01-01T00:00:00Z", "until": "2025-01-02T23:59:59.999Z", "by": "EVENT_TYPE"}
    found = await ask(asker, given.scope, project=f"proj_{given.project_id}", **window)
    assert [(one["period"][:10], one["eventType"], one["values"]["event-count"]) for one in found] == [
        ("2025-01-01", "lead", 0), ("2025-01-01", "sale", 0), ("2025-01-02", "lead", 1), ("2025-01-02", "sale", 0),
    ]  # fmt: skip
    everything: tuple[Any, ...] = (None, [])
    for every in everything:
        assert await ask(asker, given.scope, project=given.slug, eventTypes=every, **window) == found
    some = await ask(asker, given.scope, project=given.slug, eventTypes=["sale", "nope"], **window)
    assert [one["eventType"] for one in some] == ["sale", "sale"]
    ignored = await ask(
        asker, given.scope, project=given.slug, eventTypes=["sale"], **window | {"by": "PROJECT"}
    )
    assert [one["values"]["event-count"] for one in ignored] == [0, 1]


async def test_an_archived_event_type_is_shown_where_it_has_events(db: Database, asker: Asker) -> None:
    given = await tracking(db, "archive")
    async with db.transaction(given.scope) as tx:
        await tx.execute("UPDATE event_type SET archived_at = now() WHERE reference = 'lead'")
    await write(
        db, given, [Counted(UUID(int=given.group_id), "lead", datetime(2025, 1, 2, tzinfo=UTC), True, {})]
    )
    asked = {"project": given.slug, "by": "EVENT_TYPE"}
    day = {"since": "2025-01-02T00:00:00Z", "until": "2025-01-02T00:00:00Z"}
    assert [one["eventType"] for one in await ask(asker, given.scope, **asked, **day)] == ["lead", "sale"]
    later = {"since": "2025-01-03T00:00:00Z", "until": "2025-01-03T00:00:00Z"}
    assert [one["eventType"] for one in await ask(asker, given.scope, **asked, **later)] == ["sale"]


async def test_another_scope_has_no_insights_of_it(db: Database, asker: Asker) -> None:
    given, other = await tracking(db, "mine"), await tracking(db, "theirs")
    await write(
        db, given, [Counted(UUID(int=given.group_id), "lead", datetime(2025, 1, 2, tzinfo=UTC), True, {})]
    )
    day = {"since": "2025-01-02T00:00:00Z", "until": "2025-01-02T00:00:00Z"}
    for name in (given.slug, f"proj_{given.project_id}"):
        assert len(await ask(asker, given.scope, project=name, **day)) == 1
        for scope in (
            other.scope,
            Scope(given.group_id, project_ids=(0,)),
            Scope(given.group_id, store_id=0),
        ):
            assert await ask(asker, scope, project=name, **day) == []


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"timeZone": "Mars/Olympus"}, "timeZone"),
        ({"timeZone": ""}, "timeZone"),
        ({"metrics": [str(n) for n in range(101)]}, "metrics"),
        ({"since": "1900-01-01T00:00:00Z"}, "interval"),
        ({"interval": "HOUR"}, "interval"),
        ({"interval": None}, "interval"),
        ({"cycle": "DAY_OF_WEEK"}, "interval"),
        ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}, "interval"),
    ],
)
async def test_what_is_too_much_or_unknown_is_refused(
    db: Database, asker: Asker, wrong: dict[str, Any], argument: str
) -> None:
    given = await tracking(db, "refused")
    asked = {
        "project": given.slug, "metrics": ["a"], "interval": "DAY", "by": "PROJECT", "timeZone": "UTC",
        "until": "2025-01-01T00:00:00Z",
    } | wrong  # fmt: skip
    for made in await asker.both(given.scope, INSIGHTS, **asked):
        (error,) = json.loads(made.body)["errors"]
        assert error["extensions"] == {"code": "INVALID", "argument": argument}


async def test_the_ends_of_the_calendar_are_a_window_too(db: Database, asker: Asker) -> None:
    given = await tracking(db, "ends")
    ends = [datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=1), datetime(9999, 12, 30, tzinfo=UTC)]
    events = [Counted(UUID(int=given.group_id * 10 + n), "lead", at, True, {}) for n, at in enumerate(ends)]
    await write(db, given, events)
    for zone in ("UTC", "Europe/Paris", "Asia/Kolkata"):
        for window in ({}, {"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59.999999Z"}):
            found = await ask(
                asker, given.scope, project=given.slug, interval="MONTH_OF_YEAR", timeZone=zone, **window
            )
            assert [one["values"]["event-count"] for one in found] == [1] + [0] * 10 + [1]
        found = await ask(asker, given.scope, project=given.slug, interval="YEAR", timeZone=zone)
        assert [one["period"] for one in found if one["values"]["event-count"]]
        assert len(found) >= 4_000  # and no more empty ones than that


@pytest.mark.parametrize("interval", ["DAY", "MONTH", "DAY_OF_WEEK"])
async def test_a_day_alone_is_a_whole_day_of_the_zone_asked_for(
    db: Database, asker: Asker, interval: str
) -> None:
    given = await tracking(db, f"days-{interval.lower().replace('_', '-')}")
    # A second before and at the edges of 29 December in Paris, and the last second before they close.
    moments = ["2025-12-28T22:59:59+00:00", "2025-12-28T23:00:00+00:00", "2025-12-29T22:59:59.999999+00:00",
               "2025-12-29T23:00:00+00:00"]  # fmt: skip
    events = [
        Counted(UUID(int=given.group_id * 10 + n), "lead", datetime.fromisoformat(at), True, {})
        for n, at in enumerate(moments)
    ]
    await write(db, given, events)
    asked = {"project": given.slug, "interval": interval, "timeZone": "Europe/Paris"}
    instants = {"since": "2025-12-28T23:00:00Z", "until": "2025-12-29T22:59:59.999999Z"}
    day = {"since": "2025-12-29", "until": "2025-12-29"}
    found = await ask(asker, given.scope, **asked, **day)
    assert sum(one["values"]["event-count"] for one in found) == 2
    assert found == await ask(asker, given.scope, **asked, **instants)
    for name in day:
        one, other = {name: day[name]}, {name: instants[name]}
        assert await ask(asker, given.scope, **asked, **one) == await ask(
            asker, given.scope, **asked, **other
        )
