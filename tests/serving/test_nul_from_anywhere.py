"""NUL and halves of characters, in every text a client can send: refused as its mistake, never as ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from app.graph.schema import graph
from tests.given.every_input import SAID, USUAL
from tests.serving.conftest import Caller

ROOTS = [
    (kind, name)
    for kind, root in (("query", graph.query_type), ("mutation", graph.mutation_type))
    if root is not None
    for name in root.fields
]
BAD = ["a\0b", "\0"]
TEXTS = {"String", "ID", "JSON", "Decimal", "Date", "DateTime", "Long"}
MAX_DEPTH = 5


def at_every_place(kind: Any, depth: int = 0) -> Iterator[tuple[Any, str]]:
    """Values of a type that are right but for one text, which is BAD; and where that stands."""
    if isinstance(kind, GraphQLNonNull):
        yield from at_every_place(kind.of_type, depth)
    elif isinstance(kind, GraphQLList):
        for value, place in at_every_place(kind.of_type, depth):
            yield [value], f"[{place}]"
    elif isinstance(kind, GraphQLInputObjectType):
        if depth == MAX_DEPTH:
            return
        needed = {n: right(f.type, n) for n, f in kind.fields.items() if isinstance(f.type, GraphQLNonNull)}
        for name, field in kind.fields.items():
            for value, place in at_every_place(field.type, depth + 1):
                yield {**needed, name: value}, f"{name}.{place}"
    elif getattr(kind, "name", "") in TEXTS:
        for bad in BAD if depth < 2 else BAD[:1]:
            yield bad, repr(bad)
        if kind.name == "JSON":
            yield {"a": [bad]}, "{a: [bad]}"
            yield {"all": [{"attribute": bad, "is": bad}]}, "criteria"


def right(kind: Any, name: str) -> Any:
    """A value that is likely to pass."""
    if isinstance(kind, GraphQLNonNull):
        return right(kind.of_type, name)
    if isinstance(kind, GraphQLList):
        return [right(kind.of_type, name)]
    if isinstance(kind, GraphQLInputObjectType):
        return {n: right(f.type, n) for n, f in kind.fields.items() if isinstance(f.type, GraphQLNonNull)}
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    return SAID.get(name, USUAL.get(kind.name))


def literal(value: Any, kind: Any) -> str:
    """A value as it is written in a document."""
    if isinstance(kind, GraphQLNonNull):
        return literal(value, kind.of_type)
    if isinstance(value, list):
        return "[" + ", ".join(literal(one, getattr(kind, "of_type", kind)) for one in value) + "]"
    if isinstance(value, dict):
        fields = getattr(kind, "fields", {})
        return (
            "{"
            + ", ".join(f"{n}: {literal(v, getattr(fields.get(n), 'type', None))}" for n, v in value.items())
            + "}"
        )
    if isinstance(kind, GraphQLEnumType):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\0", "\\u0000").replace('"', '\\"') + '"'
    return (
        {True: "true", False: "false", None: "null"}.get(value, str(value))
        if not isinstance(value, int) or isinstance(value, bool)
        else str(value)
    )


def selection(kind: Any) -> str:
    """The least that can be selected."""
    return "{ __typename }" if isinstance(get_named_type(kind), GraphQLObjectType) else ""


@pytest.mark.parametrize(("kind", "name"), ROOTS)
async def test_every_text_of_every_field(caller: Caller, kind: str, name: str) -> None:
    root = graph.query_type if kind == "query" else graph.mutation_type
    assert root is not None
    field = root.fields[name]
    needed = {n: right(a.type, n) for n, a in field.args.items() if isinstance(a.type, GraphQLNonNull)}
    for argument, declared in field.args.items():
        for value, place in at_every_place(declared.type):
            values = {**needed, argument: value}
            shown = ", ".join(f"{n}: {literal(v, field.args[n].type)}" for n, v in values.items())
            as_literal = f"{kind} {{ {name}({shown}) {selection(field.type)} }}"
            declaring = ", ".join(f"${n}: {field.args[n].type}" for n in values)
            passed = ", ".join(f"{n}: ${n}" for n in values)
            as_variable = f"{kind}({declaring}) {{ {name}({passed}) {selection(field.type)} }}"
            for sent in ({"query": as_literal}, {"query": as_variable, "variables": values}):
                given = await caller.post(sent)
                assert given.status_code == 400, (place, sent, given.text)
                assert "INTERNAL" not in given.text, (place, sent)
                assert "NUL" in given.text, (place, sent, given.text)


NOWHERE = 'mutation { promoRedeem(input: {code: "%s", campaignId: "camp_1"}) { errors { code } } }'


@pytest.mark.parametrize("escape", ["\\u0000", "\\u{0}", "\\u{0000}", "a\\u0000b", "\\\\\\u0000"])
async def test_however_it_is_escaped(caller: Caller, escape: str) -> None:
    given = await caller.post({"query": f'{{ campaigns(filter: {{search: "{escape}"}}) {{ totalCount }} }}'})
    assert given.status_code == 400
    assert given.json()["errors"][0]["extensions"]["code"] == "MALFORMED_BODY"


async def test_what_only_looks_like_it_is_a_text_like_any_other(caller: Caller) -> None:
    for text in ('"\\\\u0000"', '"""\\u0000"""'):
        given = await caller.post({"query": f"{{ campaigns(filter: {{search: {text}}}) {{ totalCount }} }}"})
        assert given.status_code == 200
        assert given.json() == {"data": {"campaigns": {"totalCount": 0}}}, given.text


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\u{d800}", "\\ud800x"])
async def test_half_of_a_character_in_a_literal(caller: Caller, escape: str) -> None:
    given = await caller.post(
        {"query": f'{{ campaigns(filter: {{search: "{escape}"}}) {{ totalCount }} }}'},
        Accept="application/graphql-response+json",
    )
    assert given.status_code == 400
    assert "INTERNAL" not in given.text


async def test_in_a_default_in_a_directive_and_in_a_get(caller: Caller) -> None:
    default = 'query($s: String = "\\u0000") { campaigns(filter: {search: $s}) { totalCount } }'
    directive = '{ viewer { name @include(if: "\\u0000") } }'
    for query in (default, directive):
        assert (await caller.post({"query": query})).status_code == 400
        assert (await caller.get(query=query)).status_code == 400
    assert (await caller.get(query="{ viewer { name } }", variables='{"a": "\\u0000"}')).status_code == 400
    assert (await caller.get(query="{ viewer { name } }", operationName="a\0")).status_code == 400
