"""Variables that are read quickly are what graphql-core makes of them; whatever is not plain or wrong is left to it."""

from decimal import Decimal
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.graph.documents.variables import plain_input
from app.graph.schema import graph

INPUTS = {
    "EventSendInput": (
        "project",
        "eventType",
        "nonce",
        "trackerId",
        "eventDate",
        "landingUrl",
        "body",
        "data",
        "x",
    ),
    "CampaignUpdateInput": (
        "id",
        "name",
        "channels",
        "budgetTotal",
        "startsAt",
        "type",
        "isTemplate",
        "rewards",
    ),
    "StoreCreateInput": ("name", "beaconKey", "timeZone", "isDefault", "externalId"),
}
VALUES = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.decimals(allow_nan=False), st.floats(),
    st.sampled_from(["PROMOTION", "promotion", "2026-01-01T00:00:00Z", "12.50", "camp_1", Decimal("12.5"), 7]),
    st.lists(st.text(max_size=3), max_size=2), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
)  # fmt: skip


def operation(kind: str) -> OperationDefinitionNode:
    (definition,) = parse(f"mutation ($input: {kind}!) {{ x(input: $input) {{ y }} }}").definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


@pytest.mark.parametrize("kind", INPUTS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_they_are_what_the_general_way_makes_of_them(kind: str, data: Any) -> None:
    node = operation(kind)
    plain = plain_input(graph, node)
    assert plain is not None
    sent = {"input": data.draw(st.dictionaries(st.sampled_from(INPUTS[kind]), VALUES, max_size=6))}
    quick = plain.read(sent)
    if quick is not None:
        general = get_variable_values(graph, node.variable_definitions or (), sent)
        assert not isinstance(general, list), general
        assert quick.coerced == general.coerced
        assert {name: one.value for name, one in quick.sources.items()} == {
            name: one.value for name, one in general.sources.items()
        }


def test_an_event_is_read_quickly_and_its_faults_are_not() -> None:
    plain = plain_input(graph, operation("EventSendInput"))
    assert plain is not None
    event = {"project": "p", "eventType": "t", "nonce": "n", "body": "{}"}
    assert plain.read({"input": event}) is not None
    for changed in ({"nonce": None}, {"nonce": 1}, {"data": {"a": 1}}, {"other": "x"}):
        assert plain.read({"input": {**event, **changed}}) is None
    assert plain.read({"input": {"project": "p"}}) is None
    assert plain.read({"input": None}) is plain.read({}) is plain.read({"input": event, "more": 1}) is None


@pytest.mark.parametrize(
    "declared",
    [
        "$a: Int",
        "$a: EventSendInput!, $b: Int",
        "$a: [EventSendInput!]",
        '$a: StoreCreateInput = {name: "x"}',
    ],
)
def test_other_operations_have_no_plain_input(declared: str) -> None:
    (node,) = parse(f"mutation ({declared}) {{ x }}").definitions
    assert isinstance(node, OperationDefinitionNode)
    assert plain_input(graph, node) is None
