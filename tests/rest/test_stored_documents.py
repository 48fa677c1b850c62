"""Every stored document is one the graph understands, within its bounds."""

import pytest
from graphql import OperationDefinitionNode, parse, validate

from app.graph.schema import graph
from app.rest.facades import FACADES
from app.rest.openapi import operation_id
from app.rest.route import LegacyRoute

ROUTES = [(facade, route) for facade in FACADES for route in facade.routes]


@pytest.mark.parametrize(
    "route", [route for _, route in ROUTES], ids=[operation_id(*pair) for pair in ROUTES]
)
def test_the_graph_understands_it(route: LegacyRoute) -> None:
    document = parse(route.document)
    assert validate(graph, document) == []
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert operation.name is not None
    assert operation.name.value == route.name
    assert (operation.operation.value == "mutation") == route.writes
