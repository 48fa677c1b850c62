"""Relay's rules for every connection of the graph, read from the schema: a new one is asked about by itself.

Source: GraphQL Cursor Connections Specification, https://relay.dev/graphql/connections.htm; Global Object
Identification, https://relay.dev/graphql/objectidentification.htm.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
)

from app.graph.schema import catalog
from app.plan.catalog import Many
from tests.given.asking import Asker
from tests.given.everything import Everything
from tests.given.questions import GRAPH, edges
from tests.plan.operations import PREFIXES

CONNECTIONS = [e for e in edges() if isinstance(e.field, Many) and e.field.connection]
RESOLVED = ("Segment.customers",)
"""Those that no plan covers."""
INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
NO_NODES = {"WebhookProvider", "ExternalId"}
"""Things whose `id` is a name: a provider's, and what another system calls a row."""


def objects() -> Iterator[GraphQLObjectType]:
    """Every type of the graph with fields."""
    for name, kind in sorted(GRAPH.type_map.items()):
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            yield kind


# ── what the schema says ──────────────────────────────────────────────────────


def test_connections_are_named_and_built_as_the_specification_says() -> None:
    seen = 0
    for kind in objects():
        if not kind.name.endswith("Connection"):
            assert "edges" not in kind.fields, f"{kind.name} is a connection by another name"
            continue
        seen += 1
        assert set(kind.fields) == {"nodes", "edges", "pageInfo", "totalCount"}, kind.name
        assert str(kind.fields["pageInfo"].type) == "PageInfo!"
        edge = get_named_type(kind.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        assert edge.name == kind.name.removesuffix("Connection") + "Edge"
        assert set(edge.fields) == {"cursor", "node"}
        assert str(edge.fields["cursor"].type) == "String!"
        node = get_named_type(edge.fields["node"].type)
        assert isinstance(node, GraphQLObjectType)
        assert node.name == kind.name.removesuffix("Connection")
        assert GRAPH.type_map["Node"] in node.interfaces
        assert get_named_type(kind.fields["nodes"].type) is node
    assert seen > 20
    info = GRAPH.type_map["PageInfo"]
    assert isinstance(info, GraphQLObjectType)
    assert {name: str(field.type) for name, field in info.fields.items()} == {
        "hasNextPage": "Boolean!", "hasPreviousPage": "Boolean!", "startCursor": "String", "endCursor": "String",
    }  # fmt: skip


def test_every_connection_is_paged_both_ways() -> None:
    for kind in objects():
        for name, field in kind.fields.items():
            if get_named_type(field.type).name.endswith("Connection"):
                where = f"{kind.name}.{name}"
                given = {argument: str(one.type) for argument, one in field.args.items()}
                assert (given.get("first"), given.get("last")) == ("Int", "Int"), where
                assert (given.get("after"), given.get("before")) == ("String", "String"), where
                assert isinstance(field.type, GraphQLNonNull), where


def test_whatever_has_an_id_is_a_node_and_found_by_it() -> None:
    node = GRAPH.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    for kind in objects():
        has_id = "id" in kind.fields and kind.name not in NO_NODES
        is_told = kind.name.endswith(("Payload", "Outcome"))  # mutations tell ids of what they wrote
        if has_id and not is_told:
            assert node in kind.interfaces, kind.name
            assert kind.name in catalog.entities, kind.name
            assert catalog.entities[kind.name].prefix, f"node(id:) cannot find a {kind.name}"


def test_no_mutation_claims_what_it_does_not_keep() -> None:
    """`clientMutationId` is Relay's old way; answers are told apart by `Idempotency-Key`."""
    for name, kind in GRAPH.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            assert "clientMutationId" not in kind.fields, name


# ── what pages say ────────────────────────────────────────────────────────────


MOST_PARENTS = 5
SIDE_BY_SIDE = 4
PREFIXED = {prefix: table for table, prefix in PREFIXES.items()}


class Walk:
    """One connection at several parents: their pages are asked for side by side, by an alias for each."""

    def __init__(self, asker: Asker, world: Everything, owner: str, steps: tuple[str, ...]) -> None:
        self.asker, self.world, self.owner, self.steps = asker, world, owner, steps
        self.name = ".".join((owner, *steps))

    @property
    def parents(self) -> list[str]:
        """Ids of rows that have this connection; the root stands for itself."""
        if self.owner == "Query":
            return [""]
        prefix = catalog.entities[self.owner].prefix
        if prefix == "event":
            return [f"event_{one}" for one in self.world.event_ids]
        if prefix == "group":
            return [f"group_{self.world.group_id}"]
        return [f"{prefix}_{one}" for one in self.world.ids[PREFIXED[prefix]]][:MOST_PARENTS]

    async def pages(self, asked: dict[str, str]) -> dict[str, dict[str, Any]]:
        """By parent, the page that these arguments ask for; the same by both executions."""
        parents, found = list(asked), {}
        for at in range(0, len(parents), SIDE_BY_SIDE):
            some = parents[at : at + SIDE_BY_SIDE]
            texts = [self._text(f"p{n}", parent, asked[parent]) for n, parent in enumerate(some)]
            query = "{ " + " ".join(texts) + " }"
            planned, resolved = await self.asker.both(self.world.scope, query)
            assert not planned.errors, (query, planned)
            assert planned.execution == ("resolved" if self.name in RESOLVED else "planned"), query
            assert json.loads(planned.body) == json.loads(resolved.body), query
            told = json.loads(planned.body)["data"]
            for n, parent in enumerate(some):
                page = told[f"p{n}"]
                for step in self.steps if self.owner != "Query" else self.steps[1:]:
                    page = page and page[step]
                if page is not None:  # a deleted row is not found, and some have nothing of a kind
                    found[parent] = _sound(page)
        return found

    def _text(self, alias: str, parent: str, arguments: str) -> str:
        given = f"({arguments})" if arguments else ""
        text = (
            f"{self.steps[-1]}{given} {{ totalCount {INFO} edges {{ cursor node {{ id }} }} nodes {{ id }} }}"
        )
        for step in reversed(self.steps[:-1]):
            text = f"{step} {{ {text} }}"
        if self.owner == "Query":
            return f"{alias}: {text}"
        return f'{alias}: node(id: "{parent}") {{ ... on {self.owner} {{ {text} }} }}'


def _sound(page: dict[str, Any]) -> dict[str, Any]:
    """The page, of which what holds of each by itself does hold."""
    cursors = [edge["cursor"] for edge in page["edges"]]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    assert page["pageInfo"]["startCursor"] == (cursors[0] if cursors else None)
    assert page["pageInfo"]["endCursor"] == (cursors[-1] if cursors else None)
    assert len(set(cursors)) == len(cursors)
    return page


def rows(page: dict[str, Any]) -> list[str]:
    """The rows of a page."""
    return [row["id"] for row in page["nodes"]]


def ends(page: dict[str, Any]) -> tuple[bool, bool]:
    """Whether there are rows before the page, and after it."""
    return page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["hasNextPage"]


WALKS = [(e.owner, e.steps) for e in CONNECTIONS] + [
    (owner, (field,)) for owner, field in (name.split(".") for name in RESOLVED)
]


@pytest.fixture(params=WALKS, ids=lambda walk: ".".join((walk[0], *walk[1])))
def walk(request: pytest.FixtureRequest, asker: Asker, ours: Everything) -> Walk:
    """Each connection of the graph."""
    return Walk(asker, ours, *request.param)


async def test_forward_is_backward_reversed_and_both_are_the_whole(walk: Walk) -> None:
    whole = {
        one: rows(page) for one, page in (await walk.pages(dict.fromkeys(walk.parents, "first: 200"))).items()
    }
    for parent, every in whole.items():
        assert len(set(every)) == len(every), parent
    for size, after, last in (
        (1, "after", False),
        (2, "after", False),
        (1, "before", True),
        (2, "before", True),
    ):
        seen: dict[str, list[str]] = {parent: [] for parent in whole}
        asked = {parent: f"{'last' if last else 'first'}: {size}" for parent in whole}
        while asked:
            pages, asked_before, asked = await walk.pages(asked), asked, {}
            for parent, page in pages.items():
                begun, (before, behind) = after in asked_before[parent], ends(page)
                assert len(rows(page)) <= size
                assert page["totalCount"] == len(whole[parent])
                seen[parent] = rows(page) + seen[parent] if last else seen[parent] + rows(page)
                assert (behind if last else before) is begun  # the side it came from
                assert (before if last else behind) is (len(seen[parent]) < len(whole[parent]))
                if before if last else behind:
                    cursor = page["pageInfo"]["startCursor" if last else "endCursor"]
                    asked[parent] = f'{"last" if last else "first"}: {size}, {after}: "{cursor}"'
        assert seen == whole


async def test_every_edge_s_cursor_leads_both_ways(walk: Walk) -> None:
    full = await walk.pages(dict.fromkeys(walk.parents, "first: 200"))
    # The longest few say it all.
    parents = sorted(full, key=lambda one: -len(rows(full[one])))[:2]
    most = max((len(rows(full[one])) for one in parents), default=0)
    for at in range(min(most, 4)):
        at_cursor = {one: full[one]["edges"][at]["cursor"] for one in parents if at < len(rows(full[one]))}
        for arguments, expected, previous, following in (
            ('first: 200, after: "{}"', slice(at + 1, None), True, False),
            ('last: 200, before: "{}"', slice(0, at), False, True),
            ('last: 1, after: "{}"', slice(max(at + 1, most - 1), None), None, False),
            ('first: 1, before: "{}"', slice(0, min(at, 1)), False, at > 1),
        ):
            pages = await walk.pages({one: arguments.format(cursor) for one, cursor in at_cursor.items()})
            for one, page in pages.items():
                every = rows(full[one])
                if arguments.startswith("last: 1,"):
                    expected, previous = slice(max(at + 1, len(every) - 1), None), len(every) - at - 1 > 1
                assert rows(page) == every[expected], (one, arguments)
                assert ends(page) == (previous, following), (one, arguments)


async def test_what_the_rules_do_not_allow_is_refused_in_words(walk: Walk) -> None:
    parent, page = next(iter((await walk.pages(dict.fromkeys(walk.parents, "first: 1"))).items()))
    other = base64.urlsafe_b64encode(b'["NONE:ASC,id:ASC","x",1]').decode().rstrip("=")
    for arguments, words in (
        ("first: -1", "first"), ("last: -1", "last"), ("first: 1, last: 1", "first or last, not both"),
        ("first: 100000", "first"), ('after: "nonsense"', "after"), ('before: "%"', "before"),
        (f'after: "{other}"', "another ordering"), (f'before: "{other}"', "another ordering"),
    ):  # fmt: skip
        query = "{ " + walk._text("p0", parent, arguments) + " }"
        planned, resolved = await walk.asker.both(walk.world.scope, query)
        for answer in (planned, resolved):
            [error] = json.loads(answer.body)["errors"]
            assert words in error["message"], (arguments, error)
            assert error["extensions"]["code"] not in ("INTERNAL", "INTERNAL_ERROR"), error
    empty = (await walk.pages({parent: "first: 0"}))[parent]
    assert (rows(empty), ends(empty)) == ([], (False, page["totalCount"] > 0))


async def test_nodes_are_found_by_their_ids_and_unknown_ones_are_null(asker: Asker, ours: Everything) -> None:
    known = {name: one for name, one in catalog.entities.items() if one.prefix and one.prefix in PREFIXED}
    for name, entity in known.items():
        ids = [f"{entity.prefix}_{one}" for one in ours.ids[PREFIXED[entity.prefix]][:2]]
        asked = [*ids, f"{entity.prefix}_{10**15}", "nonsense", f"{entity.prefix}_x"]
        query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
        planned, resolved = await asker.both(ours.scope, query, ids=asked)
        assert planned.body == resolved.body
        found = json.loads(planned.body)["data"]["nodes"]
        assert found[len(ids) :] == [None] * 3, name
        shown = [(one["id"], one["__typename"]) for one in found[: len(ids)] if one is not None]
        assert shown, name  # but for what was deleted
        assert set(shown) <= {(one, name) for one in ids}, name
        single = await asker.planned(ours.scope, "query($id: ID!) { node(id: $id) { id } }", id=asked[2])
        assert json.loads(single.body)["data"] == {"node": None}
