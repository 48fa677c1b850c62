"""The OpenAPI document and the docs page say what the route table says."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.types import ASGIApp

from app.rest import docs, openapi
from app.rest.facades import FACADES
from app.rest.route import Facade, LegacyRoute
from app.values.json_text import write_json

ROUTES = [(facade, route) for facade in FACADES for route in facade.routes]
IDS = [openapi.operation_id(*pair) for pair in ROUTES]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made = msgspec.json.decode(write_json(openapi.document(FACADES)))
    assert isinstance(made, dict)
    return made


def test_it_keeps_the_specification(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()


@pytest.mark.parametrize(("facade", "route"), ROUTES, ids=IDS)
def test_every_route_is_there_with_its_document(
    document: dict[str, Any], facade: Facade, route: LegacyRoute
) -> None:
    operation = document["paths"][route.path][route.method.lower()]
    assert operation["x-graphql"] == route.document
    assert operation["summary"]
    assert operation["operationId"] == openapi.operation_id(facade, route)
    assert str(route.status) in operation["responses"]
    assert "401" in operation["responses"]


@pytest.mark.parametrize(("facade", "route"), ROUTES, ids=IDS)
def test_examples_are_of_the_documented_shape(
    document: dict[str, Any], facade: Facade, route: LegacyRoute
) -> None:
    operation = document["paths"][route.path][route.method.lower()]
    contents = [response["content"] for response in operation["responses"].values()]
    if "requestBody" in operation:
        contents.append(operation["requestBody"]["content"])
    for content in contents:
        said = content["application/json"]
        schema = {**said["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(said["example"])


@pytest.mark.parametrize(("facade", "route"), ROUTES, ids=IDS)
def test_the_page_opens_each_document_in_graphiql(facade: Facade, route: LegacyRoute) -> None:
    asked = parse_qs(urlsplit(docs.graphiql_url(route)).query)
    assert asked["query"] == [route.document.rstrip("\n") + "\n"]
    variables = docs.example_variables(route)
    assert msgspec.json.decode(asked.get("variables", ["{}"])[0]) == variables


def test_the_page_asks_no_other_host_and_runs_no_script() -> None:
    page = docs.page(FACADES)
    assert "<script" not in page
    assert "<link" not in page
    assert "src=" not in page
    assert "{{" not in page
    for _, route in ROUTES:
        assert route.name in page


async def test_both_are_served_to_anybody(gateway: ASGIApp, document: dict[str, Any]) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway), base_url="http://gateway.test"
    ) as http:
        described = await http.get("/openapi.json")
        page = await http.get("/docs")
    assert described.json() == document
    assert page.headers["content-type"].startswith("text/html")
    assert "La Griffe" in page.text
