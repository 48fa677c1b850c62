"""What can be kept, written and read of a thing is said in three places that know one another only by a column's name.

Whoever adds a column, a field or an input in one of them alone is told here what is missing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type
from sqlmodel import SQLModel

from app.domain.campaigns.fields import CampaignFields
from app.domain.event_types.operations import EventTypeFields
from app.domain.groups.fields import GroupFields, PartnerFields, PartnershipFields, ProjectFields, StoreFields
from app.domain.integrations.fields import IntegrationFields
from app.domain.outlays.fields import OutlayFields
from app.domain.promos.fields import PromoFields
from app.domain.segments.fields import SegmentFields
from app.domain.settable import settable_fields
from app.graph.schema import catalog, schema
from app.plan.catalog import Column, Embed, Entity, Field, Many, ToOne
from app.plan.scoping import Tables
from app.plan.sql import Sql, sql
from app.values.scope import ScopeShape

ROW = {
    "group_id": "the tenant",
    "id": "the row's own",
    "created_at": "kept by us",
    "known_as_system": "set by recording external ids",
    "known_as_id": "set by recording external ids",
}
"""What every table has and nobody sets."""
CHANGED = {"updated_at": "kept by us"}
DELETED = {"deleted_at": "set by deleting"}
ARCHIVED = {"archived_at": "set by archiving"}


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A table, what can be set on its rows, and the type that shows them."""

    table: str
    fields: type
    shown: str
    kept: Mapping[str, str] = field(default_factory=dict)
    """Columns that nobody sets by a field: how they get their value instead."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Settable fields that are no columns: where they are kept instead."""
    unshown: Mapping[str, str] = field(default_factory=dict)
    """Settable columns that no field shows: why."""

    @property
    def columns(self) -> set[str]:
        return columns_of(self.table)

    @property
    def settable(self) -> set[str]:
        return {one.column for one in settable_fields(self.fields)}

    @property
    def readable(self) -> set[str]:
        plans = catalog.entities[self.shown].fields.values()
        return {column for plan in plans for column in shown_by(plan)}


THINGS = (
    Thing(
        table="campaign", fields=CampaignFields, shown="Campaign",
        kept=ROW | CHANGED | DELETED | {
            "store_id": "chosen when it is made",
            "currency": "its integration's or the group's",
            "status": "changed by moves and by time",
            "activated_at": "set by its first move to active",
            "template_id": "set by cloning",
            "total_rewards": "counted",
            "reward_version": "counted",
            "reward_participants": "counted",
            "reward_transactions": "counted",
            "reward_revenue": "counted",
            "opening": "set by imports",
            "starts_key": "generated",
            "budget_key": "generated",
        },
    ),
    Thing(
        table="customer_group", fields=GroupFields, shown="CustomerGroup",
        kept={
            "id": "the tenant",
            "created_at": "kept by us",
            "currency": "chosen when it is made",
            "files": "counted",
            "file_bytes": "counted",
            "events": "counted",
            "event_bytes": "counted",
            "file_quota": "set by operators",
            "event_quota": "set by operators",
            "channels_due": "set by setting rules of channels",
            "channels_again_at": "set by setting rules of channels",
        },
    ),
    Thing(
        table="event_type", fields=EventTypeFields, shown="EventType",
        kept=ROW | CHANGED | {
            "project_id": "chosen when it is made",
            "reference": "chosen when it is made",
            "version": "counted",
            "archived_at": "set by archiving",
        },
        elsewhere={"fields": "rows of event_field"},
    ),
    Thing(
        table="integration", fields=IntegrationFields, shown="Integration",
        kept=ROW | ARCHIVED | {"project_id": "chosen when it is made"},
    ),
    Thing(
        table="outlay", fields=OutlayFields, shown="Outlay",
        kept=ROW | CHANGED | DELETED | {
            "integration_id": "its campaign's",
            "country_key": "generated",
            "region_key": "generated",
        },
    ),
    Thing(table="partner", fields=PartnerFields, shown="Partner", kept=ROW | ARCHIVED),
    Thing(table="partnership", fields=PartnershipFields, shown="Partnership", kept=ROW | ARCHIVED),
    Thing(
        table="project", fields=ProjectFields, shown="Project",
        kept=ROW | ARCHIVED | {"is_internal": "set when it is made"},
    ),
    Thing(
        table="promo", fields=PromoFields, shown="Promo",
        kept=ROW | CHANGED | DELETED | {
            "currency": "its campaign's or the group's",
            "used": "counted",
            "code_key": "of its code",
            "used_beyond_limit": "counted",
            "used_as_of": "set by imports",
            "valid_from_key": "generated",
            "valid_until_key": "generated",
            "valid_from_on": "of validFrom, where that is a day alone",
            "valid_until_on": "of validUntil, where that is a day alone",
        },
        unshown={"valid_from": "shown with its campaign's", "valid_until": "shown with its campaign's"},
    ),
    Thing(
        table="segment", fields=SegmentFields, shown="Segment",
        kept=ROW | CHANGED | DELETED | {
            "type": "chosen when it is made",
            "size": "counted",
            "sized_at": "kept by us",
            "reach_email": "counted",
            "reach_sms": "counted",
            "reached_at": "kept by us",
        },
    ),
    Thing(table="store", fields=StoreFields, shown="Store", kept=ROW | CHANGED | DELETED),
)  # fmt: skip
things = pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.table)


@things
def test_every_settable_field_is_a_column(thing: Thing) -> None:
    assert thing.settable - thing.columns == set(thing.elsewhere), (
        f"a column of {thing.table} is missing in app/tables, or a reason in `elsewhere` here"
    )


@things
def test_every_column_is_settable_or_kept_by_us(thing: Thing) -> None:
    assert thing.columns - thing.settable == set(thing.kept), (
        f"a line is missing in {thing.fields.__name__}, or a reason in `kept` here"
    )


@things
def test_whatever_is_settable_can_be_read(thing: Thing) -> None:
    assert thing.settable - thing.readable - set(thing.elsewhere) == set(thing.unshown), (
        f"a field is missing in {thing.shown} (app/graph/types), or a reason in `unshown` here"
    )


ENTITIES = [entity for entity in catalog.entities.values() if entity.table]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_declared_fields_name_columns_that_are_there(entity: Entity) -> None:
    named = {
        (table, column, name)
        for name, plan in entity.fields.items()
        for table, column in named_by(entity, name, plan)
    }
    assert {
        (table, column, name) for table, column, name in named if column not in columns_of(table)
    } == set()


def columns_of(table: str) -> set[str]:
    return set(SQLModel.metadata.tables[table].columns.keys())


def shown_by(field: Field) -> set[str]:
    """The columns whose value a field shows as it is; an expression over several shows none of them."""
    if isinstance(field, Column):
        found = read_by(field)
        return found if len(found) == 1 else set()
    if isinstance(field, ToOne):
        return set() if field.reverse else {field.key}
    if isinstance(field, Embed):
        # An amount is shown with its currency, so what an object says of itself may take two.
        own = {column for one in field.columns.values() for column in read_by(one)}
        fields = catalog.entities[field.target].fields.values()
        return own | {column for one in fields for column in shown_by(one)}
    return set()


def named_by(entity: Entity, name: str, field: Field) -> Iterator[tuple[str, str]]:
    """The columns that a field's SQL takes, with their tables."""
    if isinstance(field, Column):
        yield from ((entity.table, column) for column in read_by(field))
    elif isinstance(field, Embed):
        inner = [*field.columns.values(), *catalog.entities[field.target].fields.values()]
        for one in inner:
            yield from named_by(entity, name, one)
        if field.present is not None:
            yield from ((entity.table, column) for column in asked_of(field.present))
    elif isinstance(field, ToOne):
        yield entity.table, field.own_key
        if field.reverse:
            yield target_of(entity, name).table, field.key
    elif isinstance(field, Many) and field.key:
        children = target_of(entity, name).table
        yield entity.table, "id"
        if field.through is None:
            yield children, field.key
        else:
            links = catalog.entities[field.through.entity].table
            yield links, field.key
            yield links, field.through.key
        yield from ((children, key.column) for key in field.orders.values())


def target_of(entity: Entity, name: str) -> Entity:
    """The entity that a field leads to, through a connection or not."""
    kind: Any = schema._schema.type_map[entity.name]
    found: Any = get_named_type(kind.fields[name].type)
    assert isinstance(found, GraphQLObjectType)
    if found.name.endswith("Connection"):
        found = get_named_type(found.fields["nodes"].type)
    return catalog.entities[found.name]


def read_by(field: Column) -> set[str]:
    if field.beside is not None:
        beside = field.beside
        return asked_of(lambda row: beside(row, Tables(catalog, ScopeShape.GROUP)))
    return {column for expression in field.expressions for column in asked_of(expression)}


def asked_of(expression: Any) -> set[str]:
    asked: set[str] = set()

    def row(column: str) -> Sql:
        asked.add(column)
        return sql(column)

    expression(row)
    return asked
