"""Any figures, asked of anything, in any way: planned, resolved and behind the policies alike."""

import json
import random
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, get_named_type

from app.db.database import Database
from app.graph.schema import graph
from tests.given.asking import Asker
from tests.given.everything import Everything, everything
from tests.given.questions import plain

TYPES = ("Query", "Store", "Campaign", "Promo", "Segment", "Customer", "Project", "Partner", "CustomerGroup")
LISTS = {
    "Store": "stores", "Campaign": "campaigns", "Promo": "promos", "Segment": "segments", "Customer": "customers",
    "Project": "projects", "Partner": "partners",
}  # fmt: skip


def asked() -> list[tuple[str, str]]:
    """Every field that answers with figures."""
    return [
        (kind, name)
        for kind in TYPES
        for name, field in graph.type_map[kind].fields.items()  # type: ignore[attr-defined]
        if "compare" in field.args
    ]


def question(kind: str, name: str, rng: random.Random) -> str:
    """A random one, with every number of the answer."""
    owner = graph.type_map[kind]
    assert isinstance(owner, GraphQLObjectType)
    field = owner.fields[name]
    row = get_named_type(field.type)
    assert isinstance(row, GraphQLObjectType)
    args = arguments(field.args, rng)
    edges = " ".join(
        f"{n} {{ id }}"
        for n, f in row.fields.items()
        if "id" in getattr(get_named_type(f.type), "fields", {})
    )
    left = f"unconverted {{ {plain(f'Unconverted{name_of(row)}')} }}" if "unconverted" in row.fields else ""
    body = f"{name}{args} {{ {plain(row.name)} {edges} {left} }}"
    if kind == "Query":
        return f"{{ {body} }}"
    if kind == "CustomerGroup":
        return f"{{ group {{ {body} }} }}"
    return f"{{ {LISTS[kind]}(first: 4) {{ nodes {{ {body} }} }} }}"


def name_of(row: GraphQLObjectType) -> str:
    return str(get_named_type(row.fields["unconverted"].type).name).removeprefix("Unconverted")


def arguments(args: Any, rng: random.Random) -> str:
    given = {}
    values = list(_enum(args["by"]).values)
    if rng.random() < 0.8:
        given["by"] = "[" + ", ".join(rng.sample(values, rng.choice([1, 1, 2]))) + "]"
    if rng.random() < 0.6:
        given["interval"] = rng.choice(["HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"])
    ends = rng.random()
    if ends < 0.4:
        given["last"] = rng.choice(['"P30D"', '"P3M"', '"P1Y"', '"P2W"'])
    elif ends < 0.8:
        given |= {"since": rng.choice(['"2025-05-01"', '"2025-06-02"']), "until": '"2025-06-30"'}
    if ends < 0.8 and rng.random() < 0.5:
        given["compare"] = rng.choice(["PREVIOUS_PERIOD", "PREVIOUS_YEAR"])
    if ends < 0.8 and rng.random() < 0.4:
        given["fill"] = "true"
        if given.get("interval") in ("HOUR", "DAY") and given.get("last") in ('"P1Y"', '"P3M"'):
            given["interval"] = "MONTH"
        if given.get("interval") == "HOUR" and given.get("last") != '"P2W"':
            given["interval"] = "DAY"
    if rng.random() < 0.5:
        figures = list(_enum(get_named_type(args["orderBy"].type).fields["field"]).values)
        keys = [f"{{field: {f}, direction: {rng.choice(['ASC', 'DESC'])}}}" for f in rng.sample(figures, 2)]
        given["orderBy"] = f"[{', '.join(keys)}]"
    if rng.random() < 0.3:
        given["first"] = str(rng.choice([1, 3, 50]))
    if "currency" in args and rng.random() < 0.4:
        given["currency"] = rng.choice(['"USD"', '"EUR"', '"JPY"'])
    return "(" + ", ".join(f"{n}: {v}" for n, v in given.items()) + ")" if given else ""


def _enum(argument: Any) -> GraphQLEnumType:
    found = get_named_type(argument.type)
    assert isinstance(found, GraphQLEnumType)
    return found


@pytest.fixture(scope="module")
async def ours(db: Database) -> Everything:
    return await everything(db, "ours")


@pytest.fixture(scope="module")
async def theirs(db: Database, ours: Everything) -> Everything:
    return await everything(db, "theirs")


@pytest.mark.parametrize(("kind", "name"), asked())
async def test_both_executions_agree(
    asker: Asker, ours: Everything, theirs: Everything, kind: str, name: str
) -> None:
    rng = random.Random(f"{kind}.{name}")
    for at in range(24 if kind == "Query" else 8):
        query = question(kind, name, rng)
        scope = (ours.scope, ours.scope, ours.store_scope, ours.project_scope)[at % 4]
        planned, resolved = await asker.both(scope, query)
        assert planned.execution == ("refused" if planned.errors else "planned"), (query, planned)
        assert json.loads(planned.body) == json.loads(resolved.body), query
        assert b"theirs" not in planned.body
        if planned.errors:
            assert "kept by days" in str(planned.errors) or "stretches are filled" in str(planned.errors), (
                query, planned.errors,
            )  # fmt: skip
