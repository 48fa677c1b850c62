"""La Griffe and Criteo both number their campaigns from 1: no row is lost, and each facade finds each by its number."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp

from app.db.database import Database
from app.domain.external_ids.giving import set_ids
from app.importing.concepts.stores import stores_of
from app.rest.lagriffe import schemas
from app.settings import Settings
from app.values.json_text import read_json, write_json
from app.values.scope import Scope
from tests.given import groups
from tests.importing.facades import CRITEO, Brought, Clients, bring_in, clients, data_of, rows_of
from tests.rest.conftest import gateway, settings

__all__ = ["gateway", "settings"]

NOW = datetime.now(UTC)
ROW: dict[str, Any] = schemas.ROW
DETAIL: dict[str, Any] = {
    **schemas.DETAIL,
    "metrics": {"impressions": 2100, "clicks": 84, "conversions": 5, "spend": Decimal("36.6")},
}
METRICS: dict[str, Any] = data_of(write_json({"data": schemas.METRICS}))
SAMPLE = b"""{
"type": "Campaign",
"id": "99999",
"attributes": {
"name": "My Campaign",
"advertiserId": 12345,
"goal": "Retention",
"spendLimit": {
"spendLimitRenewal": "daily",
"spendLimitType": "capped",
"spendLimitAmount": 123.45
}
}
}"""
"""As Criteo's document prints it, with the bracket that is missing there."""


@pytest.fixture
async def shop(db: Database, gateway: ASGIApp, settings: Settings) -> AsyncIterator[Clients]:
    """Clients of a group that has a store and three campaigns of its own."""
    group = await groups.group(db)
    async with clients(gateway, settings, db, group.group_id, now=NOW) as found:
        for name in ("own 1", "own 2", "own 3"):
            order: dict[str, Any] = {
                "external_beacon_key": group.beacon_key,
                "label": name,
                "channels": ["tv"],
                "period_type": "1_day",
            }
            order |= {"budget_total": 1}
            made = await found.http.post("/api/campaigns", headers=dict(found.headers), json=order)
            assert made.status_code == 201, made.text
        yield found


def lagriffe(*numbers: int, **fields: Any) -> bytes:
    """A list of campaigns with these numbers."""
    rows = [{**ROW, "id": number, "label": f"La Griffe {number}", **fields} for number in numbers]
    return write_json({"success": True, "data": rows})


def criteo(*numbers: int, advertiser: int = 12345) -> bytes:
    """A search's answer with campaigns of these numbers."""
    limit = {"spendLimitRenewal": "undefined", "spendLimitType": "uncapped", "spendLimitAmount": None}
    rows = [
        {
            "type": "Campaign",
            "id": str(number),
            "attributes": {
                "name": f"Criteo {number}", "advertiserId": advertiser, "goal": "Retention", "spendLimit": limit,
            },
        }
        for number in numbers
    ]  # fmt: skip
    return write_json({"data": rows, "errors": []})


async def bring(db: Database, shop: Clients, folder: Path, system: str, *answers: bytes) -> Brought:
    return await bring_in(db, shop.group_id, system, answers, folder / system, now=NOW)


async def own(db: Database, shop: Clients) -> list[int]:
    """The numbers of the group's own campaigns."""
    async with db.transaction(Scope(shop.group_id)) as tx:
        rows = await tx.fetch("SELECT id FROM campaign WHERE known_as_id = '{}' ORDER BY id")
    return [row["id"] for row in rows]


async def count(db: Database, shop: Clients, table: str = "campaign") -> int:
    async with db.transaction(Scope(shop.group_id)) as tx:
        return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


@pytest.mark.parametrize("first", ["lagriffe", "criteo"])
async def test_no_row_is_lost_whichever_comes_first(
    db: Database, shop: Clients, tmp_path: Path, first: str
) -> None:
    taken = await own(db, shop)
    free = [n for n in range(1, 13) if n not in taken]
    files = {"lagriffe": lagriffe(*free), "criteo": criteo(*free)}
    for system in (first, *(files.keys() - {first})):
        assert (await bring(db, shop, tmp_path, system, files[system])).refused == []
    assert await count(db, shop) == 3 + 2 * len(free)
    for number in free:
        one = data_of(await shop.get(f"/api/campaigns/{number}"))
        assert one["label"] == f"La Griffe {number}"
        other = data_of(await shop.get(f"{CRITEO}/{number}"))
        assert other["attributes"]["name"] == f"Criteo {number}"
    for shown in (
        [row["id"] for row in rows_of(await shop.get("/api/campaigns"))],
        [row["id"] for row in rows_of(await shop.search(f"{CRITEO}/search", {"filters": {}}))],
    ):
        assert len(set(shown)) == len(shown) == 3 + 2 * len(free)
    # What is made afterwards has a number of its own everywhere.
    for system, answer in files.items():
        again = await bring(db, shop, tmp_path, system, answer)
        assert {verdict for counts in again.verdicts().values() for verdict in counts} == {"same"}


async def test_a_number_that_a_row_made_here_has_is_refused_and_told(
    db: Database, shop: Clients, tmp_path: Path
) -> None:
    (number, *_) = await own(db, shop)
    before = await shop.get(f"/api/campaigns/{number}")
    brought = await bring(db, shop, tmp_path, "lagriffe", lagriffe(number, 9001))
    assert [told.rpartition(":")[0] for told in brought.refused] == [
        f"lagriffe shows camp_{number} as {number} already"
    ]
    assert brought.verdicts()["campaigns"] == {"made": 1, "refused": 1}
    assert await shop.get(f"/api/campaigns/{number}") == before
    assert data_of(await shop.get("/api/campaigns/9001"))["label"] == "La Griffe 9001"


async def test_a_store_has_a_number_in_each_system(db: Database, shop: Clients, tmp_path: Path) -> None:
    async with db.transaction(Scope(shop.group_id)) as tx:
        store = await tx.fetchval("SELECT id FROM store")
        await set_ids(tx, "store", {store: {"lagriffe": "700007", "criteo": "12345"}})
    customer = {**ROW["customer"], "id": 700007}
    row = lagriffe(9001, customer=customer)
    assert (await bring(db, shop, tmp_path, "lagriffe", row)).refused == []
    assert (await bring(db, shop, tmp_path, "criteo", criteo(9001))).refused == []
    assert await count(db, shop, "store") == 1
    detail = data_of(await shop.get("/api/campaigns/9001"))
    assert detail["customer"] == customer
    assert data_of(await shop.get(f"{CRITEO}/9001"))["attributes"]["advertiserId"] == 12345
    found = rows_of(await shop.search(f"{CRITEO}/search", {"filters": {"advertiserIds": ["12345"]}}))
    assert len(found) == 5


async def test_a_store_is_known_by_its_beacon_key_too(db: Database, shop: Clients, tmp_path: Path) -> None:
    async with db.transaction(Scope(shop.group_id)) as tx:
        store, beacon = tuple(await tx.fetchrow("SELECT id, beacon_key FROM store") or ())
    customer = {"id": 700007, "name": "Renamed", "external_beacon_key": beacon}
    brought = await bring(
        db, shop, tmp_path, "lagriffe", lagriffe(9001, customer=customer, external_beacon_key=beacon)
    )
    assert brought.verdicts()["stores"] == {"changed": 1}
    async with db.transaction(Scope(shop.group_id)) as tx:
        assert await tx.fetchval("SELECT name FROM store WHERE id = $1", store) == "Renamed"
    assert data_of(await shop.get("/api/campaigns/9001"))["customer"] == customer


async def test_the_printed_sample_of_criteo_comes_out_as_it_is_printed(
    db: Database, shop: Clients, tmp_path: Path
) -> None:
    made = b'{"data": ' + SAMPLE.replace(b"12345,", b'"12345",') + b', "warnings": [], "errors": []}'
    for answer in (SAMPLE, b'{"data": [' + SAMPLE + b'], "errors": []}', made):
        assert (await bring(db, shop, tmp_path, "criteo", answer)).refused == []
    assert await count(db, shop) == 4
    shown = await shop.get(f"{CRITEO}/99999")
    assert read_json(shown) == {"data": read_json(SAMPLE), "errors": []}
    assert b'"spendLimitAmount":123.45' in shown


async def test_our_printed_samples_of_la_griffe_come_out_as_they_are_printed(
    db: Database, shop: Clients, tmp_path: Path
) -> None:
    detail = {**DETAIL, "id": 600042, "customer": {**DETAIL["customer"], "id": 600007}}
    detail |= {"project": {**DETAIL["project"], "id": 600012}}
    answers = [{**METRICS, "campaign_id": 600042}, detail]
    brought = await bring(
        db, shop, tmp_path, "lagriffe", *(write_json({"success": True, "data": one}) for one in answers)
    )
    assert brought.refused == []
    assert brought.lost() == {"assets: assets.url"}
    shown = data_of(await shop.get("/api/campaigns/600042"))
    changed = {"customer_group", "assets"}
    assert {n: v for n, v in shown.items() if n not in changed} == {
        n: v for n, v in detail.items() if n not in changed
    }
    figures = data_of(await shop.get("/api/campaigns/600042/metrics"))
    assert figures["totals"] == METRICS["totals"]
    assert figures["channels"][0]["series"][:2] == METRICS["channels"][0]["series"]


@pytest.mark.parametrize(
    ("system", "answer", "why"),
    [
        ("lagriffe", {"message": "Unauthorized"}, "This is nothing La Griffe prints"),
        ("lagriffe", {"label": "Google Ads", "channels": ["google_ads"]}, "The campaign has no `id`"),
        ("lagriffe", {**ROW, "customer": 7}, "`customer` is an object"),
        ("lagriffe", {**ROW, "id": True}, "`id` is a number"),
        ("lagriffe", {**ROW, "id": 9001, "start_date": "2025-02-30"}, "`starts_on`: "),
        ("lagriffe", {"campaign_id": 5, "channels": {}}, "`channels` is a list"),
        ("criteo", {"errors": [{"code": "x"}]}, "This is nothing Criteo prints"),
        ("criteo", {"type": "Campaign", "id": "1"}, "The campaign has no `attributes`"),
        (
            "criteo",
            {"data": {"type": "Campaign", "id": "x", "attributes": {"name": "n"}}},
            "An id in criteo is",
        ),
    ],
)
async def test_what_is_none_of_it_is_refused_by_name(
    db: Database, shop: Clients, tmp_path: Path, system: str, answer: dict[str, Any], why: str
) -> None:
    brought = await bring(db, shop, tmp_path, system, write_json(answer))
    assert [told[: len(why)] for told in brought.refused] == [why]
    assert await count(db, shop) == 3


async def test_an_empty_answer_says_nothing(db: Database, shop: Clients, tmp_path: Path) -> None:
    for answer in (b'{"success": true, "data": {}}', b'{"success": true, "data": []}'):
        assert (await bring(db, shop, tmp_path, "lagriffe", answer)).refused == []


async def test_a_list_of_la_griffe_cut_to_its_rows_goes_in_too(
    db: Database, shop: Clients, tmp_path: Path
) -> None:
    rows = rows_of(lagriffe(9001, 9002))
    assert (await bring(db, shop, tmp_path, "lagriffe", write_json(rows))).verdicts()["campaigns"] == {
        "made": 2
    }
    lines = b"\n".join(write_json(row) for row in rows)
    assert (await bring(db, shop, tmp_path, "lagriffe", lines)).verdicts()["campaigns"] == {"same": 2}
    told = {**rows[0], "label": "Renamed", "updated_at": "2026-01-01T00:00:00Z", "mood": "good"}
    changed = await bring(db, shop, tmp_path, "lagriffe", write_json(told))
    assert (changed.verdicts()["campaigns"], changed.lost()) == ({"changed": 1}, {"campaigns: mood"})
    shown = rows_of(await shop.get("/api/campaigns"))
    assert next(row for row in shown if row["id"] == 9001)["updated_at"] == "2026-01-01T00:00:00Z"


async def test_a_number_of_two_stores_is_the_one_of_the_rows_own_system(db: Database) -> None:
    group = await groups.group(db)
    merchant, advertiser = [await groups.store(db, group.group_id, name=name) for name in ("M", "A")]
    async with db.transaction(group.scope) as tx:
        await set_ids(tx, "store", {merchant.store_id: {"benji": "7", "lagriffe": "8"}})
        await set_ids(tx, "store", {advertiser.store_id: {"criteo": "7"}})
        assert (await stores_of(tx, ["7"], {"benji"}))["7"] == merchant.store_id
        assert (await stores_of(tx, ["7"], {"criteo"}))["7"] == advertiser.store_id
        # Of another system's rows only what is clear: 7 is two stores.
        found = await stores_of(tx, ["7", "8"], {"crm"})
    assert "7" not in found
    assert found["8"] == merchant.store_id
