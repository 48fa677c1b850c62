"""Every relation between two types of the graph can be followed in both directions, by an index.

Read from the tables' foreign keys and the built schema, so a new table or type is asked about by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphql import GraphQLObjectType, get_named_type
from sqlmodel import SQLModel

import app.tables.all
from app.graph.schema import catalog, graph
from app.plan.catalog import Embed, Field, Many, ToOne

assert app.tables.all is not None  # declares the tables

ONE_WAY: Mapping[tuple[str, str], str] = {}
"""Relations that are followed in one direction, by type and column, each with its reason."""
NO_INDEX: Mapping[tuple[str, str], str] = {
    (
        "Customer",
        "eventMetrics",
    ): "a user's are few to sort, and every index slows down each event that comes in",
    ("Promo", "campaigns"): "it goes through its links, by their index",
    ("EventType", "events"): "one by the moment they happened serves figures; a second slows down each event",
}
"""Connections whose own order no index serves, each with its reason."""


@dataclass(frozen=True)
class Relation:
    """A foreign key from a row of one type to a row of another."""

    child: str
    column: str
    parent: str


def relations() -> Iterator[Relation]:
    """Those between two types that the graph shows."""
    shown = {
        entity.table: name for name, entity in catalog.entities.items() if entity.table and entity.prefix
    }
    for table in SQLModel.metadata.tables.values():
        for key in table.foreign_key_constraints:
            child, parent = shown.get(table.name), shown.get(key.referred_table.name)
            columns = [column.name for column in key.columns if column.name != "group_id"] or ["group_id"]
            if child is not None and parent is not None and len(columns) == 1:
                yield Relation(child, columns[0], parent)


def fields_of(kind: str) -> Iterator[tuple[str, Field, str]]:
    """The fields of a type, with those of the objects it embeds, and what each leads to."""
    for name, field in catalog.entities[kind].fields.items():
        if isinstance(field, Embed):
            yield from fields_of(field.target)
            continue
        owner = graph.type_map[kind]
        assert isinstance(owner, GraphQLObjectType)
        target = get_named_type(owner.fields[name].type)
        if isinstance(target, GraphQLObjectType) and target.name.endswith("Connection"):
            target = get_named_type(target.fields["nodes"].type)
        yield name, field, target.name


def leads_up(relation: Relation) -> bool:
    """Whether the child shows its parent."""
    return any(
        isinstance(field, ToOne)
        and not field.reverse
        and field.key == relation.column
        and target == relation.parent
        for _, field, target in fields_of(relation.child)
    )


def leads_down(relation: Relation) -> bool:
    """Whether the parent shows its children, or its one child."""
    return any(
        target == relation.child
        and (
            (isinstance(field, Many) and field.key == relation.column)
            or (isinstance(field, ToOne) and field.reverse and field.key == relation.column)
        )
        for _, field, target in fields_of(relation.parent)
    )


def test_every_relation_is_followed_both_ways() -> None:
    seen, missing = set(), []
    for relation in relations():
        if relation.column == "group_id":
            continue
        seen.add((relation.child, relation.column))
        if (relation.child, relation.column) in ONE_WAY:
            continue
        if not leads_up(relation):
            missing.append(f"{relation.child} shows no {relation.parent} by {relation.column}")
        if not leads_down(relation):
            missing.append(f"{relation.parent} shows no {relation.child} by {relation.column}")
    assert not missing, missing
    assert set(ONE_WAY) <= seen, "an exception that nothing needs"
    assert len(seen) > 60


def test_what_the_group_shows_shows_the_group() -> None:
    """All else is of the group the request acts in: `group`, and the lists at the root, are its edges."""
    halves = [
        (relation.child, leads_up(relation), leads_down(relation))
        for relation in relations()
        if relation.column == "group_id"
    ]
    assert {child for child, up, down in halves if up and down} >= {"Store", "Campaign"}
    assert [half for half in halves if half[1] != half[2]] == []


def test_every_connection_has_an_index_in_its_order() -> None:
    """`(group_id, <parent>, <order>, id)`, so that a nested page reads as many rows as it shows."""
    lacking = {}
    for kind, entity in catalog.entities.items():
        if not entity.prefix:
            continue
        for name, field, target in fields_of(kind):
            if not isinstance(field, Many) or not field.connection or not field.key:
                continue
            table = SQLModel.metadata.tables[catalog.entities[target].table]
            order = [field.orders[key].column for key, _ in field.order if key != "id"]
            wanted = [*dict.fromkeys(["group_id", field.key]), *order, "id"]
            indexes = [[column.name for column in index.columns] for index in table.indexes]
            if wanted not in indexes:
                lacking[kind, name] = (table.name, wanted)
    assert {at: found for at, found in lacking.items() if at not in NO_INDEX} == {}
    assert set(NO_INDEX) <= set(lacking), "an exception that nothing needs"
