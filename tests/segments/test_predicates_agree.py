"""The same criteria pick the same customers in SQL and in memory."""

import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain.segments.attributes import CUSTOMER, FACT_COLUMNS, CustomerFacts, customer_criteria, facts_of
from app.domain.segments.counting import count_customers, size_inside
from app.domain.segments.fields import SegmentFields
from app.domain.segments.membership import segments_of
from app.domain.segments.operations import create_segment
from app.domain.segments.predicates import compile_sql, evaluate
from app.errors import Invalid
from app.tables.segments import SegmentType
from app.values.instants import zone_of
from app.values.json_text import read_json
from tests.given import audience
from tests.given.groups import GivenGroup, group

NOW = datetime(2025, 6, 15, 12, 34, 56, tzinfo=UTC)
TIERS = [None, "gold", "silver", "Gold", "", "platinum é", "漢"]
TAGS = ["vip", "new", "a%b", "", "漢"]
VALUES: list[Any] = [
    None, "gold", "go", "", "3", 3, 3.5, 1.0, 1, 0, -2, 10**18, 1e20, True, False, ["gold", 3], [], [["gold"]],
    [None, True, 1], {"gold": 1}, "漢字",
]  # fmt: skip
NUMBERS: list[int | Decimal] = [0, 1, 2, 3, Decimal("3.5"), Decimal("0.0001"), 500, Decimal("1E+3")]
DAYS = [0, 1, 2, 29, 30, 31, 36_500]


def customer(rng: random.Random) -> dict[str, Any]:
    last = rng.choice(
        [
            None,
            *(NOW - timedelta(days=n, seconds=s) for n in DAYS[:-1] for s in (0, 45_295, 45_296, 45_297)),
            NOW + timedelta(hours=13),
            datetime(1, 1, 2, tzinfo=UTC),
        ]
    )
    email, phone = (
        rng.choice([None, f"{rng.getrandbits(60)}@example.com"]),
        rng.choice([None, "+33612345678"]),
    )
    attributes = {key: rng.choice(VALUES) for key in "abc" if rng.random() < 0.7}
    return {
        "loyalty_tier": rng.choice(TIERS),
        "order_count": rng.choice([0, 1, 2, 3, 10, 2**53 - 1]),
        "total_spent": rng.choice([Decimal(n).quantize(Decimal("0.0001")) for n in NUMBERS]),
        "last_order_at": last,
        "email": email,
        "email_key": email,
        "phone": phone,
        "phone_key": phone,
        "email_consent": rng.random() < 0.5,
        "sms_consent": rng.random() < 0.5,
        "tags": rng.sample(TAGS, rng.randrange(4)),
        "attributes": rng.choice([None, json.dumps(attributes), json.dumps(attributes)]),
        "created_at": NOW - timedelta(days=rng.choice(DAYS), hours=rng.randrange(24)),
    }


def criteria(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(rng.choice([1, 1, 2, 3])):
        if depth < 3 and rng.random() < 0.35:
            key = rng.choice(["any", "all", "not"])
            some = [criteria(rng, depth + 1) for _ in range(rng.choice([1, 2, 3]))]
            found[key] = some[0] if key == "not" else some
        else:
            name = rng.choice([*CUSTOMER.attributes, "attributes.a", "attributes.b"])
            found[name] = condition(rng, name)
    return found


def condition(rng: random.Random, name: str) -> Any:
    if rng.random() < 0.15:
        return value_of(rng, name)
    operators: dict[str, Any] = {"exists": rng.random() < 0.5}
    attribute = CUSTOMER.find(name)
    assert attribute is not None
    known = [*attribute.kind.operators, *{"ne"}, *({"nin"} if "in" in attribute.kind.operators else ())]
    for operator in rng.sample(known, rng.choice([1, 1, 2]) if len(known) > 1 else 1):
        if operator in {"in", "nin"}:
            operators[operator] = [value_of(rng, name) for _ in range(rng.choice([1, 2, 3]))]
        elif operator == "between":
            operators[operator] = sorted(
                [one := value_of(rng, name, ordered=True), same_kind(rng, name, one)]
            )
        else:
            ordered = operator in {"gt", "gte", "lt", "lte"}
            operators[operator] = value_of(rng, name, ordered=ordered)
    if len(operators) > 1 and rng.random() < 0.7:
        del operators["exists"]
    return operators


def same_kind(rng: random.Random, name: str, other: Any) -> Any:
    while True:
        found = value_of(rng, name, ordered=True)
        if isinstance(found, str) == isinstance(other, str):
            return found


def value_of(rng: random.Random, name: str, *, ordered: bool = False) -> Any:
    if name.startswith("attributes."):
        scalars = [
            v for v in VALUES if isinstance(v, str | int | float) and not (ordered and isinstance(v, bool))
        ]
        found = rng.choice(scalars)
        return Decimal(str(found)) if isinstance(found, float) else found
    choices: dict[str, list[Any]] = {
        "loyalty_tier": [t for t in TIERS if t is not None], "order_count": [0, 1, 2, 3, 10, Decimal("3.0")],
        "total_spent": NUMBERS, "last_order_days_ago": DAYS, "created_days_ago": DAYS,
        "email_consent": [True, False], "sms_consent": [True, False], "tags": TAGS,
        "reachable": ["email", "sms"],
    }  # fmt: skip
    return rng.choice(choices[name])


@pytest.fixture(scope="module")
async def customers(db: Database) -> tuple[GivenGroup, dict[int, CustomerFacts]]:
    rng = random.Random(7)
    here, there = await group(db), await group(db, name="B")
    for one in (here, there):
        async with db.transaction(one.scope) as tx:
            for n in range(200):
                row = customer(rng)
                places = ", ".join(f"${at}" for at in range(3, len(row) + 3))
                await tx.execute(
                    f"INSERT INTO customer (group_id, name, {', '.join(row)}) VALUES ($1, $2, {places})",
                    one.group_id, f"c{n}", *row.values(),
                )  # fmt: skip
    async with db.transaction(here.scope) as tx:
        rows = await tx.fetch(f"SELECT id, {FACT_COLUMNS} FROM customer WHERE group_id = $1", here.group_id)
    return here, {row["id"]: facts_of(row) for row in rows}


async def test_sql_and_memory_pick_the_same_customers(
    db: Database, customers: tuple[GivenGroup, dict[int, CustomerFacts]]
) -> None:
    here, facts = customers
    picked_some = 0
    rng = random.Random(2025)
    async with db.transaction(here.scope) as tx:
        for _ in range(600):
            given = criteria(rng)
            predicate = customer_criteria(given)
            zone = zone_of(rng.choice(["UTC", "America/New_York", "Pacific/Kiritimati"]))
            made = compile_sql(predicate, now=NOW, zone=zone, first=2)
            rows = await tx.fetch(
                f"SELECT id FROM customer WHERE group_id = $1 AND {made.text}", here.group_id, *made.values
            )
            in_memory = {
                ident for ident, one in facts.items() if evaluate(predicate, one, now=NOW, zone=zone)
            }
            assert {row["id"] for row in rows} == in_memory, given
            picked_some += 0 < len(in_memory) < len(facts)
    assert picked_some > 200


CASES: list[tuple[str, str]] = [
    ("[]", "criteria"),
    ("null", "criteria"),
    ("{}", "criteria"),
    ('{"shoe_size": 42}', "criteria.shoe_size"),
    ('{"loyalty_tier": null}', "criteria.loyalty_tier"),
    ('{"loyalty_tier": ["gold"]}', "criteria.loyalty_tier"),
    ('{"loyalty_tier": {}}', "criteria.loyalty_tier"),
    ('{"loyalty_tier": {"is": "gold"}}', "criteria.loyalty_tier.is"),
    ('{"loyalty_tier": {"in": []}}', "criteria.loyalty_tier.in"),
    ('{"loyalty_tier": {"in": ["gold", 3]}}', "criteria.loyalty_tier.in"),
    ('{"order_count": {"gte": "10"}}', "criteria.order_count.gte"),
    ('{"order_count": {"gte": 2.5}}', "criteria.order_count.gte"),
    ('{"order_count": {"gte": true}}', "criteria.order_count.gte"),
    ('{"total_spent": {"between": [5]}}', "criteria.total_spent.between"),
    ('{"total_spent": {"between": [5, 4]}}', "criteria.total_spent.between"),
    ('{"total_spent": {"gte": 1e300}}', "criteria.total_spent.gte"),
    ('{"last_order_days_ago": -1}', "criteria.last_order_days_ago"),
    ('{"email_consent": {"gt": false}}', "criteria.email_consent.gt"),
    ('{"email_consent": "yes"}', "criteria.email_consent"),
    ('{"tags": {"gt": "a"}}', "criteria.tags.gt"),
    ('{"tags": {"exists": 1}}', "criteria.tags.exists"),
    ('{"attributes.": 1}', "criteria.attributes."),
    ('{"attributes.a": {"gt": true}}', "criteria.attributes.a.gt"),
    ('{"attributes.a": {"between": ["a", 1]}}', "criteria.attributes.a.between"),
    ('{"any": {"tags": "vip"}}', "criteria.any"),
    ('{"any": [{"tags": "vip"}, {}]}', "criteria.any.1"),
    ('{"not": []}', "criteria.not"),
    ('{"all": [{"not": {"any": [{"nothing": 1}]}}]}', "criteria.all.0.not.any.0.nothing"),
    ("{" + '"not": {' * 9 + '"tags": "vip"' + "}" * 10, "criteria." + ".".join(["not"] * 8)),
    ('{"all": [' + ",".join(['{"tags": "vip"}'] * 201) + "]}", "criteria.all.200.tags"),
]


@pytest.mark.parametrize(("given", "path"), CASES, ids=[path for _, path in CASES])
def test_malformed_criteria_are_refused_with_the_path_of_the_fault(given: str, path: str) -> None:
    with pytest.raises(Invalid) as refused:
        customer_criteria(read_json(given.encode()))
    assert refused.value.reason == "INVALID_SEGMENT_CRITERIA"
    assert ".".join(str(part) for part in refused.value.path) == path
    assert refused.value.message.startswith(f"`{path}` ")


@pytest.mark.parametrize(
    ("given", "fits"),
    [
        ('{"loyalty_tier": "gold"}', True),
        ('{"last_order_days_ago": {"gte": 30}}', True),
        ('{"last_order_days_ago": {"gte": 31}}', False),
        ('{"total_spent": {"gte": 500}, "order_count": {"gte": 10}, "loyalty_tier": {"in": ["gold", "platinum"]}}',
         True),
        ('{"total_spent": {"gte": 500}, "order_count": {"gte": 11}}', False),
    ],
)  # fmt: skip
def test_the_documented_criteria(given: str, fits: bool) -> None:
    facts = CustomerFacts(
        loyalty_tier="gold", order_count=10, total_spent=Decimal(500), last_order_at=NOW - timedelta(days=30),
        email_consent=True, sms_consent=False, tags=(), attributes={}, created_at=NOW,
    )  # fmt: skip
    assert evaluate(customer_criteria(read_json(given.encode())), facts, now=NOW) is fits


@pytest.mark.parametrize(
    ("zone", "now", "ordered", "days"),
    [
        # An hour ago is today, also where UTC's day has changed meanwhile.
        ("America/New_York", "2026-11-30T00:30:00Z", "2026-11-29T23:30:00Z", 0),
        ("America/New_York", "2026-11-30T05:30:00Z", "2026-11-30T04:30:00Z", 1),
        ("Pacific/Kiritimati", "2026-11-30T10:30:00Z", "2026-11-30T09:30:00Z", 1),
        ("Pacific/Kiritimati", "2026-11-30T09:30:00Z", "2026-11-28T10:30:00Z", 1),
    ],
)
async def test_days_ago_are_days_of_the_group(
    db: Database, zone: str, now: str, ordered: str, days: int
) -> None:
    here = await group(db, time_zone=zone)
    at = datetime.fromisoformat(now)
    await audience.customer(db, here.scope, "ada", last_order_at=datetime.fromisoformat(ordered))
    predicate = customer_criteria({"last_order_days_ago": days})
    assert await count_customers(db, here.scope, predicate, now=at) == 1
    assert (
        await count_customers(db, here.scope, customer_criteria({"last_order_days_ago": days + 1}), now=at)
        == 0
    )
    async with db.transaction(here.scope) as tx:
        assert (await size_inside(tx, predicate, now=at)).customers == 1
        made = SegmentFields(name="S", criteria={"last_order_days_ago": days})
        segment = await create_segment(tx, SegmentType.DYNAMIC, made, now=at)
        (who,) = [row["id"] for row in await tx.fetch("SELECT id FROM customer")]
    assert await segments_of(db, here.scope, [who], now=at) == {who: [segment]}
