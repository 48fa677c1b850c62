"""A budget per principal: counted, told or enforced, on every surface in its own words."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.auth.keys import create_api_key
from app.db.database import Database
from app.main import running
from app.serving import metrics
from app.serving.journal import Journal
from app.settings import read_settings
from app.values.budgets import Budgets
from tests.given import groups

QUERY = {"query": "{ stores { nodes { name } } }"}


@asynccontextmanager
async def asking(url: str, db: Database, folder: Path, **more: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a key of its own, at a gateway of these settings."""
    group = await groups.group(db)
    key = await create_api_key(db, group_id=group.group_id, name="t", now=datetime.now(UTC), access="write")
    settings = {"DATA_DIR": str(folder), "DATABASE_URL": url, "WORKER_INLINE": "0", **more}
    async with running(read_settings(settings), journal=Journal()) as app:
        headers = {"X-API-KEY": key.secret}
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://g", headers=headers
        ) as http:
            yield http


SMALL = {"BUDGET_PER_S": "1", "BUDGET_BURST": "100"}


async def test_who_has_spent_all_waits_on_every_surface(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    async with asking(database_url, db, tmp_path, BUDGET="enforce", **SMALL) as http:
        first = await http.post("/graphql", json=QUERY)
        assert first.status_code == 200
        assert int(first.headers["ratelimit-remaining"]) < 100
        await http.post("/graphql", json=QUERY)
        refused = await http.post("/graphql", json=QUERY)
        legacy = await http.get("/api/campaigns")
    assert (refused.status_code, legacy.status_code) == (429, 429)
    assert refused.json()["errors"][0]["extensions"]["code"] == "BUDGET_EXCEEDED"
    assert refused.headers["ratelimit-remaining"] == "0"
    assert list(legacy.json()) == ["message"]
    for answer in (refused, legacy):
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["ratelimit-remaining"] == "0"


@pytest.mark.parametrize("budget", ["warn", "enforce"])
async def test_legacy_routes_tell_what_is_left(
    database_url: str, db: Database, tmp_path: Path, budget: str
) -> None:
    async with asking(database_url, db, tmp_path, BUDGET=budget, BUDGET_PER_S="1") as http:
        stores = await http.post("/graphql", json={"query": "{ stores { nodes { beaconKey } } }"})
        left = [int(stores.headers["ratelimit-remaining"])]
        order = {
            "external_beacon_key": stores.json()["data"]["stores"]["nodes"][0]["beaconKey"],
            "label": "Told",
            "channels": ["google_ads"],
            "period_type": "1_month",
            "budget_total": 1200,
            "start_date": "2025-06-01",
            "end_date": "2025-06-30",
        }
        # Planned, known again, written, written under a key; a refusal costs as well.
        for method, path, more in (
            ("GET", "/api/campaigns", {}),
            ("GET", "/api/campaigns", {}),
            ("HEAD", "/api/campaigns", {}),
            ("POST", "/api/campaigns", {"json": order}),
            ("POST", "/api/campaigns", {"json": order, "headers": {"Idempotency-Key": "a"}}),
            ("GET", "/api/campaigns/999999", {}),
        ):
            answer = await http.request(method, path, **more)  # type: ignore[arg-type]
            left.append(int(answer.headers["ratelimit-remaining"]))
        # What is answered from what was kept costs nothing, and says nothing.
        again = await http.post("/api/campaigns", json=order, headers={"Idempotency-Key": "a"})
    assert "ratelimit-remaining" not in again.headers
    assert left == sorted(left, reverse=True)
    assert left[0] > left[-1]


async def test_what_is_left_is_told_where_it_is_asked(
    database_url: str, db: Database, tmp_path: Path
) -> None:
    async with asking(database_url, db, tmp_path, BUDGET="warn", **SMALL) as http:
        told = await http.post("/graphql", json={**QUERY, "extensions": {"budget": True}})
        answers = [await http.post("/graphql", json=QUERY) for _ in range(4)]
    left = told.json()["extensions"]["budget"]["left"]
    assert left == int(told.headers["ratelimit-remaining"]) < 100
    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[-1].headers["ratelimit-remaining"] == "0"
    assert "extensions" not in answers[-1].json()


def counted() -> float:
    """How many operations were over their budget."""
    text = metrics.exposition()[0].decode()
    return float(text.partition("\ngateway_operations_over_budget_total ")[2].partition("\n")[0])


@pytest.mark.parametrize("budget", ["measure", "off", ""])
async def test_by_default_it_is_only_counted(
    database_url: str, db: Database, tmp_path: Path, budget: str
) -> None:
    before = counted()
    async with asking(database_url, db, tmp_path, BUDGET=budget, **SMALL) as http:
        answers = [await http.post("/graphql", json=QUERY) for _ in range(5)]
        answers.append(await http.get("/api/campaigns"))
    assert all(a.status_code == 200 and "ratelimit-remaining" not in a.headers for a in answers)
    assert (counted() > before) == (budget != "off")


@given(steps=st.lists(st.tuples(st.integers(0, 20), st.integers(0, 300)), max_size=60))
def test_nobody_spends_faster_than_the_rate(steps: list[tuple[int, int]]) -> None:
    budgets, now_s, spent, largest = Budgets(per_s=10, burst=100), 0.0, 0, 0
    for waits_s, amount in steps:
        now_s += waits_s
        if not budgets.left("a", now_s=now_s).wait_s:
            budgets.spend("a", amount, now_s=now_s)
            spent, largest = spent + amount, max(largest, amount)
        assert spent <= 100 + 10 * now_s + largest
