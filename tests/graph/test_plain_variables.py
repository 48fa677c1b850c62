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
    "StoreCreateInput": ("name", "beaconKey", "timeZone", "isDefault", "unavailableFeatures"),
    "CampaignCreateInput": ("name", "channels", "content", "rewards", "draft", "storeId"),
    "PromoRedeemInput": ("key", "code", "basket", "customerId"),
    "MetricsRecordInput": ("entries", "mode"),
}
VALUES = st.one_of(
    st.text(max_size=5), st.integers(), st.booleans(), st.none(), st.decimals(allow_nan=False), st.floats(),
    st.sampled_from(["PROMOTION", "promotion", "2026-01-01T00:00:00Z", "12.50", "camp_1", Decimal("12.5"), 7]),
    st.lists(st.text(max_size=3), max_size=2), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.lists(st.none() | st.sampled_from(["SPEND_LIMITS", "x"]), max_size=2),
    st.fixed_dictionaries({}, optional={"subject": st.text(max_size=3) | st.none(), "body": st.integers()}),
    st.fixed_dictionaries({}, optional={"type": st.sampled_from(["REWARDS", None, 1]), "ownerId": st.integers()}),
    st.fixed_dictionaries({"lines": st.lists(
        st.fixed_dictionaries({"unitPrice": st.sampled_from(["1.50", 2, None])}, optional={
            "quantity": st.integers(), "sku": st.text(max_size=3) | st.none(),
        }), max_size=2) | st.none(),
    }),
    st.lists(st.fixed_dictionaries({"campaignId": st.just("camp_1"), "day": st.sampled_from(["2026-01-01", "x"]),
        "channel": st.text(max_size=3)}, optional={"clicks": st.integers(), "spend": st.sampled_from(["1", None, "x"]),
        "extra": st.lists(st.fixed_dictionaries({"name": st.text(max_size=3), "value": st.integers()}), max_size=2),
        }) | st.none(), max_size=3),
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
    for changed in ({"nonce": None}, {"nonce": 1}, {"data": 1.5}, {"other": "x"}):
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


def test_reports_and_baskets_are_read_quickly_with_what_is_filled_in() -> None:
    entry = {"campaignId": "camp_1", "day": "2026-01-01", "channel": "email", "spend": "12.50", "extra": []}
    sent: dict[str, Any] = {"input": {"entries": [entry] * 3}}
    node = operation("MetricsRecordInput")
    plain = plain_input(graph, node)
    assert plain is not None
    assert not plain.is_flat
    quick, general = plain.read(sent), get_variable_values(graph, node.variable_definitions or (), sent)
    assert quick is not None
    assert not isinstance(general, list)
    assert quick.coerced == general.coerced
    assert quick.coerced["input"]["mode"] is general.coerced["input"]["mode"]
    # One in place of a list is allowed, and left to the general way.
    assert plain.read({"input": {"entries": entry}}) is None


def test_a_naive_reader_that_fills_nothing_in_would_differ() -> None:
    node = operation("PromoRedeemInput")
    plain = plain_input(graph, node)
    assert plain is not None
    sent = {"input": {"key": "k", "code": "c", "basket": {"lines": [{"unitPrice": "1"}]}}}
    quick = plain.read(sent)
    assert quick is not None
    assert quick.coerced["input"]["basket"]["lines"][0]["quantity"] == 1
