"""What a request may look like: how large, how deep, how often; and what is said to one that may not."""

import gc
import json
import logging
import time
from dataclasses import replace
from typing import Any

import pytest

from app.errors import INTERNAL_MESSAGE
from app.graph.running.context import Context
from app.graph.running.entry import Operation, answer
from tests.given.asking import Asker
from tests.given.everything import Everything

CPU_S = 0.05
"""What refusing may cost."""
SLACK = 6
"""The tests' machine is shared; a bound that is not kept is off by orders of magnitude."""


@pytest.fixture
def context(asker: Asker, ours: Everything) -> Context:
    """A request of the whole group, in production."""
    return asker.context(ours.scope)


async def refused(operation: Operation, context: Context, *, code: str) -> list[dict[str, Any]]:
    """The errors of a request that is refused quickly, before anything ran."""
    made = await answer(operation, context)
    assert made.execution == "refused", made.body[:500]
    assert set(json.loads(made.body)) == {"errors"}
    assert made.errors[0]["extensions"]["code"] == code, made.errors
    assert all(len(error["message"]) < 1_000 for error in made.errors)
    assert len(made.body) < 20_000
    return made.errors


def nested_fragments(depth: int) -> str:
    """Each fragment spreads the next one twice: 2^depth fields once spread out."""
    parts = ["{ campaigns { nodes { ...F0 } } }"]
    parts += [f"fragment F{n} on Campaign {{ ...F{n + 1} ...F{n + 1} }}" for n in range(depth)]
    return " ".join([*parts, f"fragment F{depth} on Campaign {{ name }}"])


def nested_in_fields(depth: int) -> str:
    """As above, each time one field deeper, under two keys."""
    parts = ["{ campaigns { nodes { ...F0 } } }"]
    parts += [
        f"fragment F{n} on Campaign {{ a: template {{ ...F{n + 1} }} b: template {{ ...F{n + 1} }} }}"
        for n in range(depth)
    ]
    return " ".join([*parts, f"fragment F{depth} on Campaign {{ name }}"])


def overlapping(fields: int) -> str:
    """The same key over and over, each time with selections that have to be compared with all others'."""
    return "{ " + " ".join("campaigns { nodes { name store { name } } }" for _ in range(fields)) + " }"


def chained_fragments(length: int) -> str:
    """Each fragment spreads the next one, once."""
    chain = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(length))
    return f"{{ ...F0 }} {chain} fragment F{length} on Query {{ __typename }}"


def backwards(query: str) -> str:
    """The same definitions, the last one first."""
    return " ".join(
        part if at == 0 else f"fragment{part}" for at, part in reversed([*enumerate(query.split("fragment"))])
    )


COMPLEX, INVALID, UNREADABLE = "DOCUMENT_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
ABUSE = {
    "25 nested fragments, each used twice": (nested_fragments(25), COMPLEX),
    "25 nested fragments with fields": (nested_in_fields(25), COMPLEX),
    "200 nested fragments": (nested_fragments(200), COMPLEX),
    "500 fragments in a row": (chained_fragments(500), COMPLEX),
    "500 fragments in a row, the last one first": (backwards(chained_fragments(400)), COMPLEX),
    "2,000 aliases": ("{ " + " ".join(f"a{n}: __typename" for n in range(2_000)) + " }", UNREADABLE),
    "1,000 aliases": ("{ " + " ".join(f"a{n}: __typename" for n in range(1_000)) + " }", COMPLEX),
    "2,000 aliases of a list": (
        "{ " + " ".join(f"a{n}: campaigns {{ totalCount }}" for n in range(2_000)) + " }", UNREADABLE,
    ),
    "a literal of 1 MiB": ('{ campaigns(filter: {search: "' + "x" * 2**20 + '"}) { totalCount } }', "TOO_LARGE"),
    "a comment of 1 MiB": ("{ __typename } #" + "x" * 2**20, "TOO_LARGE"),
    "1 MiB of commas": ("{ __typename " + "," * 2**20 + "}", "TOO_LARGE"),
    "5,000 directives": ("{ __typename " + "@skip(if: false) " * 5_000 + "}", UNREADABLE),
    "500 directives": ("{ __typename " + "@skip(if: false) " * 500 + "}", COMPLEX),
    "1,000 unknown directives": ("{ __typename " + "@a " * 1_000 + "}", COMPLEX),
    "1,000 directives on the operation": ("query " + "@a " * 1_000 + "{ __typename }", INVALID),
    "1,000 directives on a fragment": ("{ ...F } fragment F on Query " + "@a " * 1_000 + "{ __typename }", INVALID),
    "1,000 directives on a variable": ("query($a: Int " + "@a " * 1_000 + ") { __typename }", INVALID),
    "40 levels": ("{ campaigns { nodes " + "{ template " * 38 + "{ name }" + "}" * 40, COMPLEX),
    "2,000 levels": ("{ a " * 2_000 + "}" * 2_000, UNREADABLE),
    "2,000 levels without an end": ("{ a " * 2_000, UNREADABLE),
    "a list 2,000 deep": ("{ nodes(ids: " + "[" * 2_000 + "]" * 2_000 + ") { id } }", UNREADABLE),
    "an object 1,000 deep": (
        "{ campaigns(filter: " + "{a: " * 1_000 + "1" + "}" * 1_000 + ") { totalCount } }", UNREADABLE,
    ),
    "a type 2,000 deep": ("query($a: " + "[" * 2_000 + "Int" + "]" * 2_000 + ") { __typename }", UNREADABLE),
    "inline fragments 500 deep": ("{ " + "... { " * 500 + "__typename" + "}" * 500 + " }", UNREADABLE),
    "300 times the same fields": (overlapping(300), COMPLEX),
    "a fragment in itself": ("{ ...A } fragment A on Query { ...A }", INVALID),
    "three fragments in a circle": (
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...C } fragment C on Query { ...A }", INVALID,
    ),
    "700 fragments that nobody uses": (
        "{ __typename } " + " ".join(f"fragment F{n} on Query {{ a }}" for n in range(700)), COMPLEX,
    ),
    "80 operations of 40 fragments": (
        " ".join(f"query Q{n} {{ " + " ".join(f"...F{m}" for m in range(20)) + " }" for n in range(60))
        + " ".join(f" fragment F{m} on Query {{ __typename }}" for m in range(20)), COMPLEX,
    ),
    "1,000 operations": (" ".join(f"query Q{n} {{ a }}" for n in range(1_000)), COMPLEX),
    "1,000 variables": ("query(" + " ".join(f"$v{n}: Nowhere" for n in range(1_000)) + ") { __typename }", COMPLEX),
    "1,000 unknown arguments": (
        "{ campaigns(" + " ".join(f"a{n}: 1" for n in range(1_000)) + ") { totalCount } }", INVALID,
    ),
    "1,000 unknown keys": (
        "{ campaigns(filter: {" + " ".join(f"a{n}: 1" for n in range(1_000)) + "}) { totalCount } }", COMPLEX,
    ),
    "60 unknown keys": (
        "{ campaigns(filter: {" + " ".join(f"a{n}: 1" for n in range(60)) + "}) { totalCount } }", INVALID,
    ),
    "4,000 ids": ("{ nodes(ids: [" + '"a" ' * 4_000 + "]) { id } }", COMPLEX),
    "2,000 unknown fields": ("{ " + " ".join(f"nothing{n}" for n in range(2_000)) + " }", INVALID),
    "nothing": ("", UNREADABLE),
    "only a fragment": ("fragment F on Query { __typename }", INVALID),
    "a type": ("type Query { a: Int }", INVALID),
}  # fmt: skip


@pytest.mark.parametrize("name", ABUSE)
async def test_a_document_that_would_cost_is_refused_and_costs_little(context: Context, name: str) -> None:
    query, code = ABUSE[name]
    await answer(Operation("{ __typename }"), context)  # the first request builds what all others share
    gc.collect()
    gc.freeze()  # what the other tests left behind is not this document's affair
    started = time.process_time()
    errors = await refused(Operation(query), context, code=code)
    spent = time.process_time() - started
    assert spent < CPU_S * SLACK, f"{spent * 1000:.0f} ms"
    assert errors[0]["message"]


CAMPAIGNS = """
query($f: CampaignFilter, $ids: [ID!] = []) { campaigns(filter: $f) { totalCount } nodes(ids: $ids) { id } }
"""
BAD_VARIABLES: dict[str, tuple[Any, str]] = {
    "a list of 300,000": ({"ids": ["x"] * 300_000}, "TOO_LARGE"),
    "6,000 in one list": ({"ids": ["x"] * 6_000}, "TOO_LARGE"),
    "200,000 values in short lists": ({"f": {"ids": [["x"] * 400] * 500}}, "TOO_LARGE"),
    "200,000 keys": ({"f": {f"k{n}": 1 for n in range(200_000)}}, "TOO_LARGE"),
    "50,000 unknown keys": ({"f": {f"k{n}": 1 for n in range(50_000)}}, "BAD_USER_INPUT"),
    "4,000 wrong ids": ({"ids": [{}] * 4_000}, "BAD_USER_INPUT"),
    "an enum value of 1 MiB": ({"f": {"status": "A" * 2**20}}, "BAD_USER_INPUT"),
    "1,001 ids": ({"f": {"ids": ["camp_1"] * 1_001}}, "INVALID"),
    "101 nodes": ({"ids": ["camp_1"] * 101}, "INVALID"),
    "a number for a list of enums": ({"f": {"status": 7}}, "BAD_USER_INPUT"),
    "an unknown enum value": ({"f": {"status": "GONE"}}, "BAD_USER_INPUT"),
    "no date": ({"f": {"startsFrom": "tomorrow"}}, "BAD_USER_INPUT"),
    "NUL": ({"f": {"search": "a\0b"}}, "INVALID"),
    "NUL in a list": ({"f": {"channels": ["a", "\0"]}}, "INVALID"),
    "half a surrogate pair": ({"f": {"search": "\ud800"}}, "INVALID"),
    "half a surrogate pair in an id": ({"ids": ["camp_\udfff"]}, "INVALID"),
}


@pytest.mark.parametrize("name", BAD_VARIABLES)
async def test_variables_that_do_not_fit_are_refused_and_cost_little(context: Context, name: str) -> None:
    variables, code = BAD_VARIABLES[name]
    await answer(Operation(CAMPAIGNS), context)
    gc.collect()
    gc.freeze()
    started = time.process_time()
    await refused(Operation(CAMPAIGNS, variables), context, code=code)
    assert time.process_time() - started < CPU_S * SLACK


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800"], ids=["NUL", "half a surrogate pair"])
async def test_a_literal_that_cannot_be_stored_is_refused(context: Context, text: str) -> None:
    query = f'{{ campaigns(filter: {{search: "a{text}"}}) {{ totalCount }} }}'
    made = await answer(Operation(query), context)
    assert made.execution == "refused"
    assert made.errors[0]["extensions"]["code"] in {"INVALID", "GRAPHQL_PARSE_FAILED"}


async def test_a_whole_surrogate_pair_is_a_character(context: Context) -> None:
    made = await answer(Operation(CAMPAIGNS, {"f": {"search": "\U0001f389"}}), context)
    assert (made.execution, made.errors) == ("planned", [])


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ("first: -1", "first"),
        ("first: 1001", "first"),
        ("last: -1", "last"),
        ("last: 1001", "last"),
        ("first: 1, last: 1", "last"),
        ("offset: -1", "offset"),
        ("offset: 100001", "offset"),
        ('offset: 1, after: "x"', "offset"),
        ('after: "x"', "after"),
        ('before: "é"', "before"),
        ('after: ""', "after"),
        (f"orderBy: [{'{field: NAME} ' * 6}]", "orderBy"),
    ],
)  # fmt: skip
async def test_a_wrong_page_is_refused_before_anything_runs(
    asker: Asker, ours: Everything, arguments: str, argument: str
) -> None:
    query = f"{{ stores {{ totalCount }} mine: campaigns({arguments}) {{ totalCount }} }}"
    planned, resolved = await asker.both(ours.scope, query)
    assert planned.execution == resolved.execution == "refused"
    assert planned.body == resolved.body
    error = planned.errors[0]
    assert error["path"] == ["mine"]
    assert error["extensions"] == {"code": "INVALID", "argument": argument}


# ── cost ──────────────────────────────────────────────────────────────────────


async def test_an_answer_that_could_hold_too_much_is_refused(context: Context) -> None:
    query = "{ campaigns(first: 1000) { nodes { name outlays(first: 1000) { nodes { id } } } } }"
    errors = await refused(Operation(query), context, code="TOO_LARGE")
    assert "ask for fewer rows" in errors[0]["message"]


async def test_the_cost_follows_the_request_s_own_variables(context: Context) -> None:
    query = "query($n: Int) { campaigns(first: 1000) { nodes { name outlays(first: $n) { nodes { id } } } } }"
    for size, execution in ((2, "planned"), (1000, "refused"), (2, "planned")):
        assert (await answer(Operation(query, {"n": size}), context)).execution == execution


async def test_a_fragment_costs_wherever_it_is_spread(context: Context) -> None:
    inner = "outlays(first: 300) { nodes { id campaign { id } } }"
    spread = " ".join(f"c{n}: campaigns(first: 300) {{ nodes {{ ...F }} }}" for n in range(6))
    await refused(
        Operation(f"{{ {spread} }} fragment F on Campaign {{ {inner} }}"), context, code="TOO_LARGE"
    )


# ── which operation, and by which method ──────────────────────────────────────

TWO = """
query A { a: __typename }
query B { b: __typename }
mutation C { storeUpdate(input: {id: "store_1", name: "x"}) { errors { code } } }
"""


async def test_the_same_fields_under_many_aliases_are_no_repetition(context: Context) -> None:
    inner = (
        "id name status type objective channels startsAt endsAt store { id name } budget { amount currency }"
    )

    def aliases(number: int, fields: str) -> str:
        return " ".join(f'a{n}: campaign(id: "camp_{n}") {{ {fields} }}' for n in range(number))

    assert (await answer(Operation(f"{{ {aliases(40, inner)} }}"), context)).errors == []
    spread = f"{{ {aliases(100, '...F id')} }} fragment F on Campaign {{ {inner} }}"
    assert (await answer(Operation(spread), context)).errors == []


async def test_a_fault_below_the_root_says_where_it_stands(context: Context) -> None:
    (error,) = (
        await answer(Operation("{ campaigns {\n nodes { orders(first: -1) { totalCount } } } }"), context)
    ).errors
    assert error["locations"] == [{"line": 2, "column": 10}]
    assert "path" not in error


@pytest.mark.parametrize("query", ["{}", "query A{}", "{ campaigns {} }", "{ ...F } fragment F on Query {}"])
async def test_empty_braces_are_no_selection(context: Context, query: str) -> None:
    (error,) = (await answer(Operation(query), context)).errors
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


async def test_of_several_operations_one_must_be_named(context: Context) -> None:
    assert json.loads((await answer(Operation(TWO, name="B"), context)).body) == {"data": {"b": "Query"}}
    for name in (None, "", "D", "a"):
        errors = await refused(Operation(TWO, name=name), context, code="INVALID")
        assert "operation" in errors[0]["message"]


async def test_a_single_operation_needs_no_name_but_a_wrong_one_is_wrong(context: Context) -> None:
    assert (await answer(Operation("query A { __typename }"), context)).errors == []
    assert (await answer(Operation("query A { __typename }", name="A"), context)).errors == []
    await refused(Operation("query A { __typename }", name="B"), context, code="INVALID")


async def test_a_get_only_queries(context: Context) -> None:
    assert (await answer(Operation(TWO, name="A", read_only=True), context)).errors == []
    await refused(Operation(TWO, name="C", read_only=True), context, code="METHOD_NOT_ALLOWED")


async def test_there_are_no_subscriptions_here(context: Context) -> None:
    made = await answer(Operation("subscription { __typename }"), context)
    assert made.execution == "refused"


async def test_missing_and_wrong_variables_are_told_by_name(context: Context) -> None:
    query = "query($id: ID!) { campaign(id: $id) { name } }"
    wrong: list[dict[str, Any]] = [{}, {"id": None}, {"id": {}}, {"id": True}]
    for variables in wrong:
        errors = await refused(Operation(query, variables), context, code="BAD_USER_INPUT")
        assert "$id" in errors[0]["message"]
    made = await answer(Operation(query, {"id": "camp_1", "unused": 1}), context)
    assert made.errors == []


# ── what errors tell ──────────────────────────────────────────────────────────

TYPOS = [
    "{ campaings { totalCount } }",
    "{ campaigns { totalCont } }",
    "{ campaigns(frist: 1) { totalCount } }",
    '{ campaigns(filter: {serch: "x"}) { totalCount } }',
    "{ campaigns(filter: {status: [ACTIV]}) { totalCount } }",
    "query($f: CampaingFilter) { campaigns(filter: $f) { totalCount } }",
    '{ node(id: "x") { ... on Campain { name } } }',
    '{ node(id: "x") { name } }',
]


@pytest.mark.parametrize("query", [*TYPOS, "{ campaigns }"])
async def test_the_schema_is_not_spelled_out_in_production(context: Context, query: str) -> None:
    errors = await refused(Operation(query), context, code="GRAPHQL_VALIDATION_FAILED")
    assert not [e for e in errors if "Did you mean" in e["message"]]
    assert all(e["locations"] for e in errors)


@pytest.mark.parametrize("query", TYPOS)
async def test_in_development_errors_suggest(asker: Asker, ours: Everything, query: str) -> None:
    developing = Asker(asker.db, replace(asker.settings, development=True))
    errors = await refused(Operation(query), developing.context(ours.scope), code="GRAPHQL_VALIDATION_FAILED")
    assert "Did you mean" in errors[0]["message"]


async def test_variables_suggest_in_development_alone(asker: Asker, ours: Everything) -> None:
    wrong = Operation(CAMPAIGNS, {"f": {"serch": "x"}})
    developing = Asker(asker.db, replace(asker.settings, development=True))
    for one, suggests in ((asker, False), (developing, True)):
        errors = await refused(wrong, one.context(ours.scope), code="BAD_USER_INPUT")
        assert ("Did you mean" in errors[0]["message"]) is suggests


class _Broken:
    """A database whose every statement fails, as one with a bug of ours would."""

    async def read(self, *_: Any, **__: Any) -> bytes:
        raise RuntimeError("relation campaign_secret does not exist: SELECT secret FROM campaign_secret")

    def transaction(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("relation campaign_secret does not exist: SELECT secret FROM campaign_secret")


async def test_what_goes_wrong_inside_is_logged_and_not_told(
    asker: Asker, ours: Everything, caplog: pytest.LogCaptureFixture
) -> None:
    context = Asker(_Broken(), asker.settings).context(ours.scope, planner=False)  # type: ignore[arg-type]  # it is no real one
    with caplog.at_level(logging.ERROR):
        made = await answer(Operation("{ campaigns { totalCount } }"), context)
    assert b"secret" not in made.body
    assert made.errors[0]["message"] == INTERNAL_MESSAGE
    assert made.errors[0]["extensions"] == {"code": "INTERNAL", "requestId": "r-1"}
    assert "campaign_secret" in caplog.text


# ── introspection ─────────────────────────────────────────────────────────────


async def test_introspection_answers_and_is_remembered(context: Context) -> None:
    query = "query Look { __schema { types { name fields { name } } } }"
    first = await answer(Operation(query), context)
    again = await answer(Operation(query), context)
    assert first.errors == []
    assert again is first
    assert "Campaign" in {kind["name"] for kind in json.loads(first.body)["data"]["__schema"]["types"]}


async def test_introspection_beside_data_is_not_remembered(
    asker: Asker, ours: Everything, theirs: Everything
) -> None:
    query = '{ __type(name: "Store") { name } stores { nodes { name } } }'
    for world, other in ((ours, b"theirs"), (theirs, b"ours")):
        made = await answer(Operation(query), asker.context(world.scope))
        assert made.errors == []
        assert other not in made.body


async def test_introspection_by_variables_is_remembered_by_them(context: Context) -> None:
    query = "query($of: String!) { __type(name: $of) { name } }"
    for kind in ("Store", "Campaign", "Store"):
        made = await answer(Operation(query, {"of": kind}), context)
        assert json.loads(made.body) == {"data": {"__type": {"name": kind}}}


async def test_introspection_hidden_in_a_fragment_answers(context: Context) -> None:
    made = await answer(
        Operation('{ ...F } fragment F on Query { ... { __type(name: "Store") { name } } }'), context
    )
    assert json.loads(made.body) == {"data": {"__type": {"name": "Store"}}}


# ── scalars ───────────────────────────────────────────────────────────────────

LONG = """
mutation($v: Long) { campaignCreate(input: {name: "x", rewards: {type: EARN, ownerId: $v}}) { errors { code } } }
"""


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**63, 1.5, True, "٣", "1e3", "", " 1", "9" * 30])
async def test_a_long_beyond_53_bits_is_refused(context: Context, value: Any) -> None:
    await refused(Operation(LONG, {"v": value}), context, code="BAD_USER_INPUT")


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        "NaN",
        "-Infinity",
        "1" * 50,
        "1e100",
        "x",
        True,
        "",
        [],
        "1_000",
        "5_",
        "٣",
        "１２",
        "\t5\n",
        " 5",
        "5.",
        ".5",
        "1e9999999",
    ],
)
async def test_a_decimal_is_finite_and_of_forty_digits(context: Context, value: Any) -> None:
    query = (
        'mutation($v: Decimal) { campaignCreate(input: {name: "x", budgetTotal: $v}) { errors { code } } }'
    )
    await refused(Operation(query, {"v": value}), context, code="BAD_USER_INPUT")


@pytest.mark.parametrize(
    "literal", ["1e999", '"NaN"', "99999999999999999999999999999999999999999", "{}", "[1, 2]", "A"]
)
async def test_a_decimal_literal_likewise(context: Context, literal: str) -> None:
    query = (
        f'mutation {{ campaignCreate(input: {{name: "x", budgetTotal: {literal}}}) {{ errors {{ code }} }} }}'
    )
    await refused(Operation(query), context, code="GRAPHQL_VALIDATION_FAILED")


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, "1", True])
async def test_an_int_has_32_bits(context: Context, value: Any) -> None:
    query = "query($n: Int) { campaigns(first: $n) { totalCount } }"
    await refused(Operation(query, {"n": value}), context, code="BAD_USER_INPUT")
