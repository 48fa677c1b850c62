"""Two gateways are compared by everything the five documented APIs can read."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import pytest

from app.moving.comparing import Comparison, compare_walk
from app.moving.differing import Kind
from app.moving.hosts import Refused, Unreachable
from app.moving.reporting import lines
from app.moving.walks.all import WALKS
from tests.moving.conftest import Side, Twist

Change = Callable[[Any], object]


async def compared(system: str, old: Side, new: Side, today: date, twist: Twist | None = None) -> Comparison:
    """The walk of one system over both."""
    found = Comparison()
    starts: list[dict[str, str]] = []
    if system == "webmarketer":
        project = {"project": old.group.project}
        starts = [project, {**project, "integration": old.group.integration}]
        starts += [{**project, "user": f"{number:024x}"} for number in range(1, 30)]
    async with old.host(system) as left, new.host(system, twist=twist) as right:
        await compare_walk(WALKS[system], left, right, found, today=today, starts=starts)
    return found


@pytest.mark.parametrize("system", WALKS)
async def test_the_same_data_shows_no_difference(system: str, old: Side, new: Side, today: date) -> None:
    found = await compared(system, old, new, today)
    assert found.differs == 0, "\n".join(lines(found))
    assert found.asked.total() == found.equal.total() or system == "crm"
    routes = {
        step for walk in WALKS.values() for step in map(walk.route, walk.steps) if walk.system == system
    }
    assert {route for _, route in found.asked} == routes


def twisting(pattern: str, change: Change) -> Twist:
    """Changes the decoded body of calls whose method and path match."""

    def twist(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        if not re.fullmatch(pattern, f"{request.method} {request.url.raw_path.decode()}"):
            return None
        body = json.loads(text)
        changed = change(body)
        answer = changed if isinstance(changed, str) else json.dumps(body if changed is None else changed)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return response.status_code, headers, answer

    return twist


CAMPAIGNS = "GET /api/campaigns"
DIFFERENCES: list[tuple[str, str, Change, Kind, str]] = [
    ("lagriffe", CAMPAIGNS, lambda body: body["data"].reverse(), Kind.ORDER, "data[]"),
    ("lagriffe", CAMPAIGNS, lambda body: body["data"].__delitem__(0), Kind.ROW_MISSING, "data[]"),
    ("lagriffe", CAMPAIGNS, lambda body: body["data"].append({"id": 10**6}), Kind.ROW_ADDED, "data[]"),
    (
        "lagriffe",
        CAMPAIGNS,
        lambda body: body["data"][0].update(id=str(body["data"][0]["id"])),
        Kind.TYPE,
        "data[].id",
    ),
    ("lagriffe", CAMPAIGNS, lambda body: body["data"][0].update(label="Other"), Kind.VALUE, "data[].label"),
    ("lagriffe", CAMPAIGNS, lambda body: body["data"][0].__delitem__("label"), Kind.MISSING, "data[].label"),
    ("lagriffe", CAMPAIGNS, lambda body: body["data"][0].update(colour="red"), Kind.ADDED, "data[].colour"),
    ("lagriffe", CAMPAIGNS, lambda body: {"data": body["data"], "success": True}, Kind.KEY_ORDER, ""),
    ("lagriffe", CAMPAIGNS, lambda body: "<html>", Kind.NOT_JSON, ""),
]


@pytest.mark.parametrize(("system", "pattern", "change", "kind", "key"), DIFFERENCES)
async def test_each_kind_of_difference_is_found_and_named(
    system: str, pattern: str, change: Change, kind: Kind, key: str, old: Side, new: Side, today: date
) -> None:
    found = await compared(system, old, new, today, twisting(pattern, change))
    named = {(group.kind, group.key) for group in found.found if not group.expected}
    assert (kind, key) in named, "\n".join(lines(found))
    assert found.differs > 0


async def test_a_number_is_compared_by_its_digits(old: Side, new: Side, today: date) -> None:
    def twist(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        changed = re.sub(r'"budget_total":(\d+)([,}])', r'"budget_total":\1.00\2', text)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return response.status_code, headers, changed

    found = await compared("lagriffe", old, new, today, twist)
    groups = [group for group in found.found if not group.expected]
    assert {(group.kind, group.key) for group in groups} == {
        (Kind.DIGITS, "data[].budget_total"),
        (Kind.DIGITS, "data.budget_total"),
    }
    assert all(group.reason is not None and group.reason.name == "digits" for group in groups)
    assert all(1 <= len(group.examples) <= 3 for group in groups)
    assert groups[0].examples[0].new == groups[0].examples[0].old + ".00"


async def test_statuses_and_headers_are_compared(old: Side, new: Side, today: date) -> None:
    def twist(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        if request.url.path.endswith("/segments"):
            return 404, {"content-type": "text/plain"}, text
        return None

    found = await compared("crm", old, new, today, twist)
    named = {(group.kind, group.key) for group in found.found if group.route.endswith("/segments")}
    assert named == {(Kind.STATUS, "")}

    def untyped(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        return 200, {"content-type": "text/plain"}, text

    found = await compared("crm", old, new, today, untyped)
    named = {(group.kind, group.key) for group in found.found if group.route.endswith("/segments")}
    assert named == {(Kind.HEADER, name) for name in ("content-type", "x-total-count", "link")}


async def test_what_was_changed_in_one_database_is_found_on_every_api_that_shows_it(
    old: Side, new: Side, today: date
) -> None:
    rewarded = "WHERE id = (SELECT max(id) FROM campaign WHERE reward_type IS NOT NULL)"
    await new.change(f"UPDATE campaign SET name = name || ' 2' {rewarded}")
    try:
        found = {system: await compared(system, old, new, today) for system in WALKS}
    finally:
        await new.change(f"UPDATE campaign SET name = left(name, -2) {rewarded}")
    keys = {system: {group.key for group in one.found if not group.expected} for system, one in found.items()}
    assert keys["lagriffe"] == {"data[].label", "data.label"}
    assert keys["crm"] == {"data[].name", "name"}
    assert keys["benji"] == {"campaigns[].name"}
    assert keys["criteo"] == {"data[].attributes.name", "data.attributes.name"}


async def test_a_refused_credential_ends_it_and_names_the_host(old: Side, new: Side, today: date) -> None:
    def twist(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        return 401, {}, "{}"

    with pytest.raises(Refused, match=r"new\.test"):
        await compared("benji", old, new, today, twist)


async def test_a_question_without_an_answer_is_a_difference_and_a_silent_host_ends_it(
    old: Side, new: Side, today: date
) -> None:
    silent = "/webhooks"

    def twist(
        request: httpx.Request, response: httpx.Response, text: str
    ) -> tuple[int, dict[str, str], str] | None:
        if silent in str(request.url):
            raise httpx.ReadTimeout("too slow", request=request)
        return None

    found = await compared("crm", old, new, today, twist)
    assert [(group.kind, group.count) for group in found.found if not group.expected] == [
        (Kind.UNANSWERED, 1)
    ]
    silent = "/"
    with pytest.raises(Unreachable, match="too slow"):
        await compared("crm", old, new, today, twist)
