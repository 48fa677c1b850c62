"""How a walk reads lists, without a host."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from app.moving.requests import Answer, Request
from app.moving.walking import Visit, Walker, run_names
from app.moving.walks.all import WALKS
from app.moving.walks.steps import Walk

NOW = datetime(2026, 11, 30, tzinfo=UTC)


async def walked(
    walk: Walk, answers: Any, *, starts: tuple[dict[str, str], ...] = (), pulling: bool = True
) -> tuple[list[str], list[str]]:
    """What was asked, and which lists came short. `answers` makes a body, or a body and a total, of a request."""
    asked: list[str] = []

    async def ask(_: Visit, request: Request) -> Answer | None:
        asked.append(str(request))
        said = answers(request)
        body, total = said if isinstance(said, tuple) else (said, None)
        if body is None:
            return Answer(404, {}, b"{}", NOW)
        headers = {} if total is None else {"x-total-count": str(total)}
        return Answer(200, headers, json.dumps(body).encode(), NOW)

    walker = Walker(walk, ask, run_names=run_names(date(2026, 11, 30)), pulling=pulling, at_once=1)
    await walker.run(starts)
    return asked, walker.shortfalls


async def test_a_list_without_pages_that_was_cut_is_completed_by_its_stores() -> None:
    rows = [{"id": n, "external_beacon_key": f"b{n % 2}"} for n in range(4)]

    def answers(request: Request) -> Any:
        if request.path != "/api/campaigns":
            return {"data": []}
        beacon = request.headers.get("X-BEACON-KEY")
        if beacon is None:
            return {"data": rows[:3]}, 4
        return {"data": [row for row in rows if row["external_beacon_key"] == beacon]}, 2

    asked, shortfalls = await walked(WALKS["lagriffe"], answers)
    assert "GET /api/campaigns/3" in asked
    assert shortfalls == []
    rows.append({"id": 9, "external_beacon_key": "never printed"})

    def cut(request: Request) -> Any:
        said = answers(request)
        return (said[0], 5) if isinstance(said, tuple) and not request.headers else said

    _, shortfalls = await walked(WALKS["lagriffe"], cut)
    assert shortfalls == ["GET /api/campaigns says 5, and 4 were printed, also narrowed."]


async def test_users_lead_to_events_and_events_to_users() -> None:
    lists = {"u1": ["e1", "e2"], "u2": ["e2", "e3"], "u3": []}
    owners = {"e1": "u1", "e2": "u2", "e3": "u3"}

    def answers(request: Request) -> Any:
        path = request.path.partition("?")[0].split("/")
        if path[-1] == "events" and path[-3] == "users":
            data = [{"_id": event, "userId": owners[event]} for event in lists[path[-2]]]
            return {"data": data, "total": len(data), "limit": 500}
        return {"data": [], "total": 0, "limit": 500}

    asked, _ = await walked(WALKS["webmarketer"], answers, starts=({"project": "shop", "user": "u1"},))
    home = "GET /api/v1/projects/shop"
    for event in owners:
        assert asked.count(f"{home}/raw-events/{event}") == 1
        assert f"{home}/events/{event}" not in asked
    assert [one for one in asked if "/users/" in one and one.split("?")[0].endswith("/events")] == [
        f"{home}/users/{user}/events?offset=0&limit=500" for user in ("u1", "u2", "u3")
    ]


async def test_ids_are_escaped_in_paths_and_queries() -> None:
    def answers(request: Request) -> Any:
        return (
            {"data": [{"id": "a/b ?&#é"}]}
            if request.path.startswith("/api/v1/marketing/campaigns?")
            else {"data": []}
        )

    asked, _ = await walked(WALKS["crm"], answers)
    assert "GET /api/v1/marketing/campaigns/a%2Fb%20%3F%26%23%C3%A9" in asked


async def test_what_is_no_id_leads_nowhere() -> None:
    odd: list[Any] = [{"id": None}, {"id": True}, {"id": {}}, {"id": ""}, {}, "x", 7, None]

    def answers(request: Request) -> Any:
        return {"data": odd} if request.path.startswith("/api/v1/marketing/campaigns?") else {"data": []}

    asked, _ = await walked(WALKS["crm"], answers)
    assert not [one for one in asked if "/campaigns/" in one]


def always(body: Any) -> Callable[[Request], Any]:
    """Answers every request with this."""
    return lambda _: body


async def test_answers_of_any_form_are_borne() -> None:
    bodies: list[Any] = [None, [], "x", 7, {"data": None}, {"data": {}}, {"data": "x"}, {"data": [[]]}]
    for body in bodies:
        for walk in WALKS.values():
            asked, _ = await walked(walk, always(body), starts=({"project": "shop"},), pulling=False)
            assert asked


async def test_a_step_is_taken_for_so_many_values_at_most() -> None:
    rows = [{"id": n, "merchant_id": n, "campaign_type": 1} for n in range(100)]
    asked, _ = await walked(WALKS["benji"], lambda _: {"campaigns": rows}, pulling=False)
    assert len([one for one in asked if "merchant_id=" in one]) == 25
    assert len([one for one in asked if "campaign_type=" in one]) == 1


async def test_ids_that_no_path_can_hold_lead_nowhere() -> None:
    ids = ["..", ".", "\ud800", "a\x00b", "", "x" * 100_000, True, None, ["1"], "a/../b", "é?#"]

    def answers(request: Request) -> Any:
        return {"data": [{"id": one} for one in ids]} if request.path == "/api/campaigns" else {"data": []}

    asked, _ = await walked(WALKS["lagriffe"], answers)
    below = [one for one in asked if one.startswith("GET /api/campaigns/") and not one.endswith("/metrics")]
    assert below == ["GET /api/campaigns/a%2F..%2Fb", "GET /api/campaigns/%C3%A9%3F%23"]
