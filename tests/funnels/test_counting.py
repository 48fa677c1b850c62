"""Funnels: the printed arithmetic, and the same answer as a plain reading of the touches."""

import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.db.database import Database
from app.domain.funnels.stages import STAGES, STAGES_OF, FunnelType
from app.domain.funnels.touches import Touch, record_touches
from app.settings import read_settings
from app.tables.funnels import FunnelStage
from app.values.scope import Scope
from tests.funnels.given import moment
from tests.given import groups
from tests.given import promos as given
from tests.given.asking import NOW as ASKED_AT
from tests.given.asking import Asker

NOW = datetime(2026, 4, 1, tzinfo=UTC)
FIRST = date(2026, 1, 1)
STEPS = "stages { stage count percentage dropOff } overallConversion"
FUNNEL = (
    "query($type: FunnelType!, $since: Date!, $until: Date!)"
    f" {{ funnel(type: $type, since: $since, until: $until) {{ type since until {STEPS} }} }}"
)
CUSTOM = (
    "query($stages: [FunnelStage!]!, $since: Date!, $until: Date!, $hours: Int, $by: FunnelDimension)"
    " { funnelCustom(stages: $stages, since: $since, until: $until, withinHours: $hours, by: $by)"
    " { channel campaign { id } segment { id }"
    "   stages { stage count percentage dropOff medianSeconds } overallConversion } }"
)

TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One stage of a funnel, as it should be shown."""

    stage: FunnelStage
    count: int
    percentage: Decimal
    """Of the first stage's count, one decimal; 0 where nobody entered."""
    drop_off: Decimal | None
    """The percentage before less this one, in points; None on the first stage."""


def steps_of(stages: Sequence[FunnelStage], counts: Sequence[int]) -> list[FunnelStep]:
    """The arithmetic of what is printed, which the gateway does in SQL, in plain Python."""
    steps: list[FunnelStep] = []
    before: Decimal | None = None
    for stage, count in zip(stages, counts, strict=True):
        percentage = (
            (Decimal(100 * count) / counts[0]).quantize(TENTH, rounding=ROUND_HALF_UP)
            if counts[0]
            else Decimal(0)
        )
        steps.append(FunnelStep(stage, count, percentage, None if before is None else before - percentage))
        before = percentage
    return steps


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


async def ask(asker: Asker, scope: Scope, query: str, **variables: Any) -> Any:
    """The answer, the same both ways and from one statement."""
    planned, resolved = await asker.both(scope, query, **variables)
    assert planned.execution == "planned", planned
    assert planned.body == resolved.body
    (answer,) = json.loads(planned.body, parse_float=Decimal)["data"].values()
    return answer


async def touch(db: Database, scope: Scope, *touches: Touch, source: str = "test") -> None:
    async with db.transaction(scope) as tx:
        for start in range(0, len(touches), 5000):
            await record_touches(tx, touches[start : start + 5000], source=source, now=NOW)


async def test_the_documents_example_is_reproduced_digit_by_digit(db: Database, asker: Asker) -> None:
    """10000, 6500, 3200, 1200, 980 customers in onboarding; a tenth of each here, the percentages are the same."""
    group = await groups.group(db)
    people = await given.customers(db, group.group_id, 1000)
    stages = STAGES_OF[FunnelType.ONBOARDING]
    counts = [1000, 650, 320, 120, 98]
    touches = [
        Touch(
            customer_id=person,
            stage=stage,
            occurred_at=datetime(2026, 1, 1 + 5 * place, tzinfo=UTC) + timedelta(minutes=n),
            reference=f"{n}/{stage}",
        )
        for place, (stage, count) in enumerate(zip(stages, counts, strict=True))
        for n, person in enumerate(people[:count])
    ]
    await touch(db, group.scope, *touches)
    planned = await asker.planned(
        group.scope, FUNNEL, type="ONBOARDING", since="2026-01-01", until="2026-01-24"
    )
    assert planned.body == (
        b'{"data":{"funnel":{"type":"ONBOARDING","since":"2026-01-01","until":"2026-01-24","stages":['
        b'{"stage":"AWARENESS","count":1000,"percentage":100,"dropOff":null},'
        b'{"stage":"INTEREST","count":650,"percentage":65,"dropOff":35},'
        b'{"stage":"CONSIDERATION","count":320,"percentage":32,"dropOff":33},'
        b'{"stage":"PURCHASE","count":120,"percentage":12,"dropOff":20},'
        b'{"stage":"ACTIVATION","count":98,"percentage":9.8,"dropOff":2.2}],"overallConversion":9.8}}}'
    )
    assert [str(step.percentage.normalize()) for step in steps_of(stages, counts)][-1] == "9.8"


async def test_nobody_gives_zeros(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    for kind in FunnelType:
        made = await ask(asker, group.scope, FUNNEL, type=kind.name, since="2026-01-01", until="2025-01-01")
        assert [s["stage"] for s in made["stages"]] == [s.name for s in STAGES_OF[kind]]
        assert {(s["count"], s["percentage"]) for s in made["stages"]} == {(0, 0)}
        assert [s["dropOff"] for s in made["stages"]] == [None] + [0] * (len(made["stages"]) - 1)
        assert made["overallConversion"] == 0
    (made,) = await ask(
        asker, group.scope, CUSTOM, stages=["PURCHASE", "INTEREST"], since="2026-01-01", until="2026-01-02"
    )
    assert made["stages"][1] == {
        "stage": "INTEREST", "count": 0, "percentage": 0, "dropOff": 0, "medianSeconds": None,
    }  # fmt: skip
    assert await ask(asker, group.scope, CUSTOM, stages=[], since="2026-01-01", until="2026-01-02") == [
        {"channel": None, "campaign": None, "segment": None, "stages": [], "overallConversion": 0}
    ]


def furthest(
    touches: Sequence[Touch],
    stages: Sequence[FunnelStage],
    within: timedelta | None,
    enters: Callable[[datetime], bool],
) -> list[datetime | None]:
    """When a customer first reached each stage; every way that begins when `enters` says is tried."""
    reached: list[datetime | None] = [None] * len(stages)
    # Ways that lead to the stage before: (the moment it was reached, the moment the way began).
    ways = [(moment(t), moment(t)) for t in touches if t.stage == stages[0] and enters(moment(t))]
    for place, stage in enumerate(stages):
        if place:
            ways = [
                (moment(t), began)
                for t in touches
                if t.stage == stage
                for at, began in ways
                if at <= moment(t) and (within is None or moment(t) - began <= within)
            ]
        if not ways:
            break
        reached[place] = min(at for at, _ in ways)
    return reached


def expected(
    ways: Sequence[Sequence[datetime | None]], stages: Sequence[FunnelStage], *, timed: bool
) -> dict[str, Any]:
    counts = [sum(1 for way in ways if way[place]) for place in range(len(stages))]
    steps = []
    for place, step in enumerate(steps_of(stages, counts)):
        shown: dict[str, Any] = {
            "stage": step.stage.name, "count": step.count, "percentage": step.percentage, "dropOff": step.drop_off,
        }  # fmt: skip
        if timed:
            moments = [(way[place - 1], way[place]) for way in ways if place]
            took = [end - begin for begin, end in moments if begin and end]
            median = statistics.median(Decimal(int(t.total_seconds())) for t in took) if took else None
            shown["medianSeconds"] = median and int(Decimal(median).quantize(Decimal(1), ROUND_HALF_UP))
            if took and not median:
                shown["medianSeconds"] = 0
        steps.append(shown)
    return {"stages": steps, "overallConversion": steps[-1]["percentage"]}


@pytest.mark.parametrize("seed", range(10))
async def test_it_is_what_a_plain_reading_of_the_touches_says(db: Database, asker: Asker, seed: int) -> None:
    rng = random.Random(seed)
    # Customers of stores on both sides of the date line, of one that has the group's zone, and of none.
    zones = rng.sample(
        ["Pacific/Kiritimati", "America/New_York", "Pacific/Pago_Pago", "Asia/Kolkata"], seed % 4
    )
    own = rng.choice(["UTC", "Europe/Paris", "America/Los_Angeles"])
    group = await groups.group(db, time_zone=own)
    zone_of_person: dict[int, str] = {}
    for zone in [None, "", *zones]:
        store = group.store_id
        if zone:
            store = (await groups.store(db, group.group_id, time_zone=zone)).store_id
        for person in await given.customers(db, group.group_id, 12, store_id=None if zone is None else store):
            zone_of_person[person] = zone or own
    people = list(zone_of_person)
    made: dict[int, list[Touch]] = {person: [] for person in people}
    step = rng.choice([1, 60, 3600, 20_000])
    for n in range(400):
        person = rng.choice(people)
        made[person].append(
            Touch(
                customer_id=person,
                stage=rng.choice(STAGES),
                occurred_at=datetime(2026, 1, 1, tzinfo=UTC)
                + timedelta(seconds=rng.randrange(0, 200) * step),
                reference=f"{n}",
                channel=rng.choice([None, "email", "sms"]),
            )
        )
    everything = [t for touches in made.values() for t in touches]
    rng.shuffle(everything)
    # In several calls, in no order, and once more: paths do not depend on how touches came in.
    for start in range(0, 400, 37):
        await touch(db, group.scope, *everything[start : start + 37])
    await touch(db, group.scope, *everything[:100])

    for since, until in [(0, 60), (0, 0), (1, 2), (rng.randrange(20), rng.randrange(40))]:
        first, last = FIRST + timedelta(days=since), FIRST + timedelta(days=until)

        def enters(person: int, first: date = first, last: date = last) -> Callable[[datetime], bool]:
            zone = ZoneInfo(zone_of_person[person])
            return lambda at: first <= at.astimezone(zone).date() <= last

        window = {"since": first.isoformat(), "until": last.isoformat()}
        for kind in FunnelType:
            stages = STAGES_OF[kind]
            ways = [furthest(touches, stages, None, enters(person)) for person, touches in made.items()]
            found = await ask(asker, group.scope, FUNNEL, type=kind.name, **window)
            assert found == {"type": kind.name, **window, **expected(ways, stages, timed=False)}

        stages = tuple(rng.sample(STAGES, rng.choice([1, 2, 3, 5])))
        hours = rng.choice([None, 0, 1, 5, 48])
        within = None if hours is None else timedelta(hours=hours)
        ways = [furthest(touches, stages, within, enters(person)) for person, touches in made.items()]
        (found,) = await ask(
            asker, group.scope, CUSTOM, stages=[s.name for s in stages], hours=hours, **window
        )
        kept = {"stages": found["stages"], "overallConversion": found["overallConversion"]}
        assert kept == expected(ways, stages, timed=True), (seed, stages, hours)


async def test_a_customer_counts_in_the_channel_and_segment_it_began_in(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    one, two, three = await given.customers(db, group.group_id, 3)
    gold = await given.segment(db, group.group_id, members=[one, two])
    day = datetime(2026, 1, 5, tzinfo=UTC)

    def way(person: int, *touches: tuple[FunnelStage, str | None]) -> list[Touch]:
        return [
            Touch(customer_id=person, stage=stage, channel=channel, occurred_at=day + timedelta(hours=n),
                  reference=f"{person}/{n}")
            for n, (stage, channel) in enumerate(touches)
        ]  # fmt: skip

    a, b = FunnelStage.AWARENESS, FunnelStage.PURCHASE
    await touch(db, group.scope, *way(one, (a, "email"), (b, "sms")), *way(two, (a, "email")),
                *way(three, (b, "sms"), (a, None), (b, "web")))  # fmt: skip
    window = {"stages": ["AWARENESS", "PURCHASE"], "since": "2026-01-05", "until": "2026-01-05"}
    found = await ask(asker, group.scope, CUSTOM, by="CHANNEL", **window)
    assert [(f["channel"], [s["count"] for s in f["stages"]]) for f in found] == [
        ("email", [2, 1]),
        (None, [1, 1]),
    ]
    # Whoever never began has no channel to begin in, and is no row.
    later = {**window, "stages": ["AWARENESS", "INTENT"]}
    await touch(db, group.scope, Touch(customer_id=(await given.customers(db, group.group_id, 1))[0],
                stage=FunnelStage.INTENT, channel="web", occurred_at=day, reference="late"))  # fmt: skip
    found = await ask(asker, group.scope, CUSTOM, by="CHANNEL", **later)
    assert [(f["channel"], [s["count"] for s in f["stages"]]) for f in found] == [
        ("email", [2, 0]), (None, [1, 0]),
    ]  # fmt: skip
    found = await ask(asker, group.scope, CUSTOM, by="SEGMENT", **window)
    assert [(f["segment"], [s["count"] for s in f["stages"]]) for f in found] == [
        ({"id": f"seg_{gold}"}, [2, 1])
    ]


async def test_a_segment_of_any_kind_has_its_funnel(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    people = await given.customers(db, group.group_id, 4)
    listed = await given.segment(db, group.group_id, members=people[:3])
    gold = await given.segment(
        db,
        group.group_id,
        kind="dynamic",
        criteria='{"loyalty_tier": {"in": ["gold", "platinum"]}, "order_count": {"gte": 1}}',
    )
    broken = await given.segment(db, group.group_id, kind="dynamic", criteria='{"nonsense": 1}')
    async with db.transaction(group.scope) as tx:
        await tx.execute(
            "UPDATE customer SET loyalty_tier = 'gold', order_count = 1 WHERE id = ANY ($1)", people[2:]
        )
    day = datetime(2026, 1, 5, tzinfo=UTC)
    await touch(
        db,
        group.scope,
        *(
            Touch(customer_id=p, stage=FunnelStage.AWARENESS, occurred_at=day, reference=f"a{p}")
            for p in people
        ),
        *(
            Touch(customer_id=p, stage=FunnelStage.PURCHASE, occurred_at=day, reference=f"b{p}")
            for p in people[3:]
        ),
    )
    query = (
        "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Segment { funnel(stages: [AWARENESS, PURCHASE],"
        ' since: "2026-01-05", until: "2026-01-05", withinHours: 1) { stages { count } overallConversion } } } }'
    )
    made = await asker.planned(group.scope, query, ids=[f"seg_{one}" for one in (listed, gold, broken)])
    assert not made.errors
    found = json.loads(made.body)["data"]["nodes"]
    counts = [[step["count"] for step in one["funnel"]["stages"]] for one in found]
    assert counts == [[3, 0], [2, 1], [0, 0]]
    assert [one["funnel"]["overallConversion"] for one in found] == [0, 50, 0]


async def test_a_store_sees_the_ways_of_its_own_customers(db: Database, asker: Asker) -> None:
    group = await groups.group(db)
    mine = await given.customers(db, group.group_id, 2, store_id=group.store_id)
    others = await given.customers(db, group.group_id, 3)
    day = datetime(2026, 1, 1, tzinfo=UTC)
    touches = [
        Touch(customer_id=p, stage=FunnelStage.AWARENESS, occurred_at=day, reference=str(p))
        for p in mine + others
    ]
    await touch(db, group.scope, *touches)
    counts = []
    for scope in (
        group.scope,
        Scope(group.group_id, store_id=group.store_id),
        Scope(group.group_id, project_ids=(1,)),
    ):
        made = await ask(asker, scope, FUNNEL, type="PURCHASE", since="2026-01-01", until="2026-01-01")
        counts.append(made["stages"][0]["count"])
    assert counts == [5, 2, 0]


async def test_dates_say_who_enters_and_later_stages_may_come_after_them(db: Database, asker: Asker) -> None:
    """INTENT on the last day at 20:00, PURCHASE six hours later: one entered, one bought."""
    group = await groups.group(db, time_zone="America/New_York")
    (person,) = await given.customers(db, group.group_id, 1)
    at = datetime(2026, 1, 6, 1, tzinfo=UTC)  # 5 January, 20:00 there
    await touch(
        db, group.scope,
        Touch(customer_id=person, stage=FunnelStage.PURCHASE, occurred_at=at + timedelta(hours=6), reference="p"),
        Touch(customer_id=person, stage=FunnelStage.INTENT, occurred_at=at, reference="i"),
        Touch(customer_id=person, stage=FunnelStage.ONBOARDING, occurred_at=at + timedelta(days=9), reference="o"),
    )  # fmt: skip

    async def counts(day: str, hours: int | None = None) -> list[int]:
        (made,) = await ask(
            asker, group.scope, CUSTOM, stages=["INTENT", "PURCHASE"], since=day, until=day, hours=hours
        )
        return [step["count"] for step in made["stages"]]

    assert await counts("2026-01-05", 24) == [1, 1]
    assert await counts("2026-01-05", 6) == [1, 1]
    assert await counts("2026-01-05", 5) == [1, 0]
    assert await counts("2026-01-05") == [1, 1]
    assert await counts("2026-01-06", 24) == [0, 0]
    for day, entered in [("2026-01-05", 0), ("2026-01-06", 1)]:
        made = await ask(asker, group.scope, FUNNEL, type="RETENTION", since=day, until=day)
        # It bought on the 6th, and was onboarded nine days later.
        assert [s["count"] for s in made["stages"]] == [entered, entered, 0, 0, 0]


async def test_without_dates_it_is_the_last_thirty_days_of_the_group(db: Database, asker: Asker) -> None:
    group = await groups.group(db, time_zone="Pacific/Kiritimati")
    today = ASKED_AT.astimezone(ZoneInfo("Pacific/Kiritimati")).date()
    query = "query($since: Date, $until: Date) { funnel(type: PURCHASE, since: $since, until: $until) { since until } }"

    async def window(**given: str) -> tuple[str, str]:
        planned, resolved = await asker.both(group.scope, query, **given)
        assert planned.body == resolved.body
        found = json.loads(planned.body)["data"]["funnel"]
        return found["since"], found["until"]

    assert await window() == (str(today - timedelta(days=29)), str(today))
    assert await window(until="2026-01-30") == ("2026-01-01", "2026-01-30")
    assert await window(since="2025-01-02") == ("2025-01-02", str(today))
    assert await window(since="9999-12-31") == ("9999-12-31", "9999-12-31")
    assert await window(until="0001-01-01") == ("0001-01-01", "0001-01-01")
