"""What a field does beside printing has a price: many of them in one request are refused before anything runs."""

import json
from dataclasses import replace

import pytest

from app.graph.running.entry import Operation, answer
from app.graph.schema import catalog
from app.plan.cost import MAX_WORK
from tests.given.asking import Asker
from tests.given.everything import Everything

PREVIEW = "segmentPreview(criteria: {order_count: {gte: 1}}) { size }"
SIMULATION = (
    'campaignSimulate(input: {since: "2026-01-01T00:00:00Z", until: "2026-02-01T00:00:00Z", draft: {}})'
    " { events }"
)
ATTRIBUTION = "attribution(by: CAMPAIGN) { revenue { amount } }"
JUDGING = 'eventsWouldPass(project: "p", eventType: "t") { passing }'
GREEDY = {
    "previews": (240, PREVIEW),
    "simulations": (17, SIMULATION),
    "attributions": (40, ATTRIBUTION),
    "trash": (40, JUDGING),
    "sizes": (1, "segments(first: 1000) { nodes { sizeNow } }"),
}


def repeated(number: int, field: str) -> str:
    """The same field under so many aliases."""
    return "{ " + " ".join(f"a{n}: {field}" for n in range(number)) + " }"


@pytest.mark.parametrize("what", GREEDY)
async def test_many_fields_that_do_much_are_refused(asker: Asker, ours: Everything, what: str) -> None:
    made = await asker.planned(ours.scope, repeated(*GREEDY[what]))
    assert made.execution == "refused"
    (error,) = made.errors
    assert error["extensions"]["code"] == "TOO_LARGE", error
    assert f"{MAX_WORK} are the most" in error["message"]


async def test_one_of_each_is_answered(asker: Asker, ours: Everything) -> None:
    made = await asker.planned(ours.scope, "{ " + PREVIEW + " " + ATTRIBUTION + " }")
    assert made.execution == "resolved"
    assert not made.errors


async def test_the_plan_shows_what_is_done_beside_printing(asker: Asker, ours: Everything) -> None:
    asking = replace(asker, settings=replace(asker.settings, development=True))
    query = "{ customers(first: 10) { nodes { segments { id } } } }"
    made = await answer(Operation(query, {}, extensions={"plan": True}), asking.context(ours.scope))
    plan = json.loads(made.body)["extensions"]["plan"]
    assert plan["work"] == 10 * catalog.prices["Customer", "segments"]


def test_every_root_field_in_python_has_a_price() -> None:
    unpriced = {
        field
        for field in catalog.unplanned
        if field.startswith("Query.") and ("Query", field.partition(".")[2]) not in catalog.prices
    }
    assert unpriced == set()
