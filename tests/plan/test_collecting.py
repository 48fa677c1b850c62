"""Selections are merged as GraphQL's own executor does: which keys, in which order, with what inside."""

import json
from typing import Any

import pytest

from tests.given.asking import Asker
from tests.given.everything import Everything


async def keys(asker: Asker, ours: Everything, query: str, **variables: Any) -> Any:
    """The answer with key order kept, the same by both executions, from one statement."""
    planned, resolved = await asker.both(ours.scope, query, **variables)
    assert planned.execution == "planned", planned.body
    assert resolved.execution == "resolved", resolved.body
    found = json.loads(planned.body, object_pairs_hook=list)
    assert found == json.loads(resolved.body, object_pairs_hook=list), query
    return json.loads(planned.body)["data"]


CASES = {
    "an alias takes the field's place": "{ a: group { b: name } }",
    "a field under two keys": "{ group { name again: name } }",
    "the same field twice": "{ group { name name id name } }",
    "merged sub-selections": "{ group { name } group { currency name } }",
    "merged under an alias": "{ g: group { name } g: group { id } group { id } }",
    "merged lists": "{ stores { nodes { name } } stores { nodes { id } totalCount } }",
    "merged deep down": (
        "{ campaigns { nodes { store { name } } } campaigns { nodes { store { group { name } id } name } } }"
    ),
    "the first mention decides the place": "{ group { id } viewer { name } group { name } }",
    "inline fragment without a type": "{ ... { group { name } } group { id } }",
    "inline fragment on the interface": "{ stores { nodes { ... on Node { id } name } } }",
    "inline fragment on another type": (
        '{ node(id: "store_1") { ... on Campaign { name } ... on Store { beaconKey } } }'
    ),
    "a fragment twice": "{ group { ...F id ...F } } fragment F on CustomerGroup { name }",
    "a fragment inside a fragment": (
        "{ group { ...F } } fragment F on CustomerGroup { ...G name } fragment G on CustomerGroup { id }"
    ),
    "a fragment on the interface": "{ group { ...F } stores { nodes { ...F } } } fragment F on Node { id }",
    "a field and a fragment with the same": (
        "{ campaigns { nodes { store { id } ...F } } } fragment F on Campaign { store { name } id }"
    ),
    "fields of two interfaces": (
        "{ figures { ...F currency } } fragment F on MetricValues { clicks spend { amount } }"
    ),
    "the interface through a type that is not it": (
        '{ node(id: "store_1") { ... on Node { ... on Campaign { name } id } } }'
    ),
    "skipped": "{ group { name @skip(if: true) id } }",
    "not included": "{ group { name @include(if: false) id } }",
    "skip wins over include": "{ group { name @skip(if: true) @include(if: true) id } }",
    "both let it pass": "{ group { name @skip(if: false) @include(if: true) } }",
    "once skipped, once not": "{ group { name @skip(if: true) id name } }",
    "sub-selection half skipped": "{ stores { nodes @skip(if: true) { name } nodes { id } } }",
    "a fragment skipped once": "{ group { ...F @skip(if: true) id ...F } } fragment F on CustomerGroup { name }",
    "an inline fragment skipped": "{ group { ... @include(if: false) { name } id } }",
    "everything skipped": "{ group { name @skip(if: true) } }",
    "everything at the root skipped": "{ group @skip(if: true) { name } }",
    "everything in a list skipped": "{ stores { nodes { name @skip(if: true) } } }",
    "everything in a connection skipped": "{ stores { nodes @skip(if: true) { name } } }",
    "everything in an edge skipped": "{ stores { edges { cursor @skip(if: true) } } }",
    "everything in pageInfo skipped": "{ stores { pageInfo { endCursor @skip(if: true) } } }",
    "everything in a to-one skipped": "{ campaigns { nodes { project { name @skip(if: true) } } } }",
    "everything in an embedded object skipped": "{ campaigns { nodes { budget { amount @skip(if: true) } } } }",
    "everything in an aggregate skipped": "{ figures { clicks @skip(if: true) } }",
    "everything in a campaign's aggregate skipped": "{ campaigns { nodes { metrics { clicks @skip(if: true) } } } }",
    "everything in node skipped": '{ node(id: "store_1") { id @skip(if: true) } }',
    "__typename alone at the root": "{ __typename }",
    "__typename twice": "{ __typename t: __typename }",
    "__typename alone in a list": "{ stores { nodes { __typename } } }",
    "__typename alone in a connection": "{ stores { __typename } }",
    "__typename alone in edges": "{ stores { edges { __typename } } }",
    "__typename alone in pageInfo": "{ stores { pageInfo { __typename } } }",
    "__typename alone in a to-one": "{ campaigns { nodes { project { __typename } } } }",
    "__typename alone in an aggregate": "{ figures { __typename } days: figures(interval: DAY) { __typename } }",
    "__typename alone in a plain list": "{ campaigns { nodes { flows { __typename actions { __typename } } } } }",
    "__typename in an interface": '{ node(id: "store_1") { __typename } nodes(ids: ["x_1"]) { __typename } }',
    "totalCount alone": "{ campaigns { totalCount } }",
    "totalCount alone inside": "{ stores { nodes { campaigns { totalCount } } } }",
    "totalCount twice": "{ campaigns { totalCount t: totalCount } }",
    "pageInfo alone": "{ campaigns(first: 2) { pageInfo { hasNextPage endCursor } } }",
    "nodes and edges side by side": (
        "{ campaigns(first: 2) { nodes { id } edges { node { name } cursor } n: nodes { name } } }"
    ),
    "the same edge to two places": "{ campaigns { nodes { a: store { id } b: store { name } store { id } } } }",
    "the same list with different arguments": (
        "{ a: campaigns(first: 1) { nodes { id } } b: campaigns(last: 1) { nodes { id } } }"
    ),
    "a list inside itself": (
        "{ campaigns(first: 2) { nodes { store { campaigns(first: 2) { nodes {"
        " store { campaigns { totalCount } } } } } } } }"
    ),
    "an empty list of ids": "{ nodes(ids: []) { id } }",
    "the same id twice": '{ nodes(ids: ["store_1", "store_1", "nothing_1", "camp_1"]) { id __typename } }',
    "a long key": "{ " + "k" * 200 + ": group { " + "x" * 300 + ": name } }",
    "keys that differ late": "{ group { " + "k" * 70 + "a: name " + "k" * 70 + "b: id } }",
    "a key that looks like SQL": "{ group { select: name from: id t1: currency null: timeZone } }",
    "a key that is a column's name": "{ campaigns { nodes { rn: name id: id starts_key: status } } }",
}


@pytest.mark.parametrize("name", CASES)
async def test_selections_merge_alike(asker: Asker, ours: Everything, name: str) -> None:
    await keys(asker, ours, CASES[name])


async def test_merging_is_what_the_specification_says(asker: Asker, ours: Everything) -> None:
    """Not only the same in both, but right: the keys and their order spelled out."""
    found = await keys(
        asker,
        ours,
        "{ group { id } viewer { name } group { name id } ...F } fragment F on Query { x: __typename }",
    )
    assert list(found) == ["group", "viewer", "x"]
    assert list(found["group"]) == ["id", "name"]
    found = await keys(
        asker, ours, "{ group { name @skip(if: true) } stores { totalCount @include(if: false) } }"
    )
    assert found == {"group": {}, "stores": {}}


@pytest.mark.parametrize("yes", [True, False])
async def test_directives_follow_the_request_s_own_variables(
    asker: Asker, ours: Everything, yes: bool
) -> None:
    query = (
        "query($yes: Boolean!, $no: Boolean = false) { group { name @include(if: $yes) id @skip(if: $yes)"
        " currency @include(if: $no) ...F @skip(if: $no) ... @include(if: $yes) { timeZone } } }"
        " fragment F on CustomerGroup { name @skip(if: $yes) }"
    )
    found = await keys(asker, ours, query, yes=yes)
    assert list(found["group"]) == (["name", "timeZone"] if yes else ["id", "name"])
    found = await keys(asker, ours, query, yes=yes, no=True)
    assert "currency" in found["group"]


async def test_null_and_absent_arguments_are_told_apart_from_values(asker: Asker, ours: Everything) -> None:
    """One document, cached plans for each structure of its variables."""
    query = (
        "query($first: Int, $f: CampaignFilter, $o: [CampaignOrder!]) {"
        " campaigns(first: $first, filter: $f, orderBy: $o) { totalCount nodes { id name } } }"
    )
    by_name = [{"field": "NAME"}]
    variants: list[dict[str, Any]] = [
        {}, {"first": None}, {"first": 1}, {"first": 2}, {"f": None}, {"f": {}}, {"f": {"search": None}},
        {"f": {"search": "ours"}}, {"f": {"search": "nothing"}}, {"f": {"status": []}}, {"f": {"status": ["ACTIVE"]}},
        {"f": {"status": ["ACTIVE", "DRAFT"]}}, {"o": None}, {"o": []}, {"o": by_name},
        {"o": [{"field": "NAME", "direction": "DESC"}]}, {"o": [{"field": "NAME", "direction": "ASC"}]},
        {"first": 1, "f": {"search": "ours"}, "o": by_name},
    ]  # fmt: skip
    for _ in range(2):  # and once more, from the cache
        answers = [json.dumps(await keys(asker, ours, query, **one)) for one in variants]
    assert len(set(answers)) >= 7
    assert answers[0] == answers[1] == answers[4] == answers[5] == answers[6] == answers[12] == answers[13]


async def test_defaults_of_variables_and_arguments_count(asker: Asker, ours: Everything) -> None:
    query = (
        "query($n: Int = 2, $i: Interval! = WEEK)"
        " { campaigns(first: $n) { nodes { id } } figures(interval: $i) { period } }"
    )
    assert len((await keys(asker, ours, query))["campaigns"]["nodes"]) == 2
    assert len((await keys(asker, ours, query, n=None))["campaigns"]["nodes"]) > 2
    days = await keys(asker, ours, query, i="DAY")
    assert len(days["figures"]) > len((await keys(asker, ours, query))["figures"])


async def test_ids_of_other_kinds_in_a_variable_get_plans_of_their_own(
    asker: Asker, ours: Everything
) -> None:
    inside = "id __typename ... on Store { name } ... on Campaign { status }"
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ {inside} }} }}"
    store, campaign = f"store_{ours.store_ids[0]}", f"camp_{ours.campaign_ids[0]}"
    for ids in (
        [store],
        [campaign],
        [campaign, store],
        [store, "x", campaign, store],
        [],
        ["store_", "_1", ""],
    ):
        found = await keys(asker, ours, query, ids=ids)
        assert [row and row["id"] for row in found["nodes"]] == [
            i if i in (store, campaign) else None for i in ids
        ]
