"""Event types through the Webmarketer API: made, found, listed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.webmarketer.conftest import Analyst

KEYS = [
    "_id", "createdAt", "updatedAt", "archivedAt", "projectId", "reference", "name", "fields", "metadata",
    "phoneParsingConfig", "expirationPolicy",
]  # fmt: skip
INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
FIELDS: list[dict[str, Any]] = [
    {"label": "Subject", "entity": "event-type", "type": "string", "ingestionKey": "topic",
     "storageKey": "subject", "optional": False, "isPii": False, "metadata": {"from": "form"}},
    {"label": "Mail", "entity": "user", "type": "email", "ingestionKey": "mail", "storageKey": "email",
     "optional": True, "discriminant": True},
    {"label": "Converted", "entity": "state", "type": "boolean", "storageKey": "converted"},
    {"label": "Turnover", "entity": "statistic", "type": "currency", "storageKey": "turnover"},
]  # fmt: skip


def event_type(reference: str = "contact-form", **more: Any) -> dict[str, Any]:
    """The printed body, its elided fields filled in."""
    return {
        "reference": reference,
        "name": "Contact Form",
        "fields": FIELDS,
        "metadata": {},
        "expirationPolicy": {"from": "event-type", "retentionDurationInDays": 30},
        **more,
    }


async def test_one_is_made_shown_and_kept_as_it_was_declared(analyst: Analyst) -> None:
    made = await analyst.ok("POST", "event-types", status=201, json=event_type(metadata={"b": 1.50, "a": []}))
    assert list(made) == KEYS
    assert len(made["_id"]) == 24
    assert (made["reference"], made["name"], made["projectId"]) == (
        "contact-form",
        "Contact Form",
        analyst.project,
    )
    assert made["archivedAt"] is None
    assert (made["metadata"], made["phoneParsingConfig"]) == ({"b": 1.5, "a": []}, [])
    assert made["expirationPolicy"] == {"from": "event-type", "retentionDurationInDays": 30}
    for declared, shown in zip(FIELDS, made["fields"], strict=True):
        assert {name: shown[name] for name in declared} == declared
    assert made["fields"][2]["ingestionKey"] == "converted"
    assert await analyst.get("event-types/contact-form") == made
    assert (await analyst.get("event-types"))["data"] == [made]


async def test_the_same_in_the_graphs_words(analyst: Analyst) -> None:
    await analyst.ok("POST", "event-types", status=201, json=event_type())
    asked = (
        "{ eventTypes { nodes { fields { kind storageKey ingestionKey dataType isRequired identity } } } }"
    )
    answer = await analyst.call("POST", "/graphql", json={"query": asked})
    assert [tuple(one.values()) for one in answer.json()["data"]["eventTypes"]["nodes"][0]["fields"]] == [
        ("FIELD", "subject", "topic", "STRING", True, None),
        ("FIELD", "email", "mail", "EMAIL", False, "email"),
        ("STATE", "converted", "converted", "BOOLEAN", False, None),
        ("STATISTIC", "turnover", "turnover", "NUMBER", False, None),
    ]


async def test_an_unknown_reference_is_not_found(analyst: Analyst) -> None:
    assert await analyst.refused("GET", "event-types/nothing", 404) == "There is no event type nothing here."
    await analyst.refused("GET", "event-types/%00", 404)


async def test_a_reference_is_unique_in_its_project_alone(analysts: Callable[..., Any]) -> None:
    one = await analysts()
    two = await analysts(given=one.given)
    await one.ok("POST", "event-types", status=201, json=event_type())
    await two.ok("POST", "event-types", status=201, json=event_type())
    await one.refused("POST", "event-types", 409, json=event_type())
    assert (await one.get("event-types"))["total"] == (await two.get("event-types"))["total"] == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": "No reference"}, "`reference` is required"),
        ({"reference": "x", "fields": {}}, "`fields` must be a list"),
        ({"reference": "x", "fields": ["email"]}, "`fields.0` must be an object"),
        ({"reference": "x", "fields": [{"label": "A"}]}, "`fields.0.storageKey` is required"),
        ({"reference": "x", "fields": [{"storageKey": "", "ingestionKey": "a"}]}, "is not a storage key"),
        ({"reference": "x", "fields": [{"storageKey": "a", "entity": "thing"}]}, "`fields.0.entity` must be one of"),
        ({"reference": "x", "fields": [{"storageKey": "a", "type": "colour"}]}, "`fields.0.type` must be one of"),
        ({"reference": "x", "metadata": 7}, "`metadata` must be an object"),
        ({"reference": 7}, "`reference` must be a text"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(analyst: Analyst, body: dict[str, Any], says: str) -> None:
    assert says in await analyst.refused("POST", "event-types", 400, json=body)
    assert await analyst.count("event_type") == 0


async def test_the_list_has_pages(analyst: Analyst) -> None:
    for number in range(5):
        await analyst.ok("POST", "event-types", status=201, json=event_type(f"type-{number}"))
    page = await analyst.get("event-types", offset=1, limit=2)
    assert list(page) == ["total", "count", "data", "offset", "limit"]
    assert [page[name] for name in ("total", "count", "offset", "limit")] == [5, 2, 1, 2]
    assert [row["reference"] for row in page["data"]] == ["type-1", "type-2"]
    assert (await analyst.get("event-types", offset=5))["data"] == []
    assert (await analyst.get("event-types"))["limit"] == 50
    for wrong in ("-1", "1.5", "many", "1001"):
        assert "`limit` must be a whole number" in await analyst.refused(
            "GET", f"event-types?limit={wrong}", 400
        )
    assert "`offset` must be" in await analyst.refused("GET", "event-types?offset=-1", 400)


async def test_the_list_is_searched_and_sorted(analyst: Analyst) -> None:
    for reference, name in (("order", "Zebra"), ("Reorder", "Apple"), ("quote", "Apple")):
        await analyst.ok("POST", "event-types", status=201, json=event_type(reference, name=name, fields=[]))
    await analyst.ok("POST", "event-types", status=201, json=event_type("contact"))

    async def found(**query: Any) -> list[str]:
        return [row["reference"] for row in (await analyst.get("event-types", **query))["data"]]

    assert await found(search="ORDER") == ["order", "Reorder"]
    assert await found(search="appl") == ["Reorder", "quote"]
    assert await found(search="%") == []
    assert await found(reference="order") == ["order"]
    assert await found(storageKey="turnover") == ["contact"]
    assert await found(storageKey="topic") == []
    assert await found(sort="name,-createdAt") == ["quote", "Reorder", "contact", "order"]
    assert await found(sort="-name,reference") == ["order", "contact", "Reorder", "quote"]
    assert "`sort` must be one of" in await analyst.refused("GET", "event-types?sort=colour", 400)


async def test_archived_ones_are_shown_when_asked_for(analyst: Analyst) -> None:
    kept = await analyst.ok("POST", "event-types", status=201, json=event_type("kept"))
    gone = await analyst.ok("POST", "event-types", status=201, json=event_type("gone"))
    archive = "mutation ($id: ID!) { eventTypeArchive(input: {id: $id}) { errors { message } } }"
    ident = f"evtype_{int(gone['_id'], 16)}"
    await analyst.call("POST", "/graphql", json={"query": archive, "variables": {"id": ident}})
    for query in ({}, {"archived": "0"}, {"archived": "false"}, {"archived": ""}):
        assert (await analyst.get("event-types", **query))["data"] == [kept]
    for yes in ("true", "1"):
        [shown] = (await analyst.get("event-types", archived=yes))["data"]
        assert shown["reference"] == "gone"
        assert shown["archivedAt"] is not None
    assert (await analyst.get("event-types/gone"))["archivedAt"] is not None
    assert "`archived` must be true or false" in await analyst.refused(
        "GET", "event-types?archived=perhaps", 400
    )
