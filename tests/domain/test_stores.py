"""Stores and the group: keys stay unique, one store is the default, days follow the time zone."""

import asyncio
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from app.db.database import Database
from app.domain.groups.fields import GroupFields, StoreFields
from app.domain.groups.operations import create_group, create_store, update_group, update_store
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON


async def make(db: Database, scope: Scope, **fields: Any) -> int:
    async with db.transaction(scope) as tx:
        return await create_store(tx, StoreFields(**fields), now=NOW)


async def change(db: Database, scope: Scope, store_id: int, **fields: Any) -> int:
    async with db.transaction(scope) as tx:
        return await update_store(tx, store_id, StoreFields(**fields), now=NOW)


async def rows(db: Database, scope: Scope) -> dict[int, dict[str, Any]]:
    async with db.transaction(Scope(scope.group_id)) as tx:
        return {row["id"]: dict(row) for row in await tx.fetch("SELECT * FROM store")}


async def test_a_store_gets_a_random_key_unless_one_is_given(db: Database) -> None:
    group = await groups.group(db)
    given_key = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxxxxx"
    first = await make(db, group.scope, name="Lille")
    second = await make(db, group.scope, name="Lyon", beacon_key=given_key, time_zone="Asia/Tokyo")
    stored = await rows(db, group.scope)
    assert UUID(stored[first]["beacon_key"]).version == 4
    assert (stored[second]["beacon_key"], stored[second]["time_zone"]) == (given_key, "Asia/Tokyo")
    with pytest.raises(Conflict) as taken:
        await make(db, group.scope, name="Nice", beacon_key=given_key)
    assert (taken.value.reason, taken.value.path) == ("BEACON_KEY_EXISTS", ["beaconKey"])
    other = await groups.group(db)
    await make(db, other.scope, name="Elsewhere", beacon_key=given_key)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, ["name"]),
        ({"name": " "}, ["name"]),
        ({"name": "x" * 256}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "a", "beacon_key": ""}, ["beaconKey"]),
        ({"name": "a", "beacon_key": "x" * 65}, ["beaconKey"]),
        ({"name": "a", "time_zone": "Mars/Olympus"}, ["timeZone"]),
        ({"name": "a", "time_zone": "europe/paris"}, ["timeZone"]),
        ({"name": "a", "time_zone": "../etc/passwd"}, ["timeZone"]),
        ({"name": "a", "time_zone": "\0"}, ["timeZone"]),
    ],
)
async def test_wrong_values_are_refused_by_name(
    db: Database, fields: dict[str, Any], path: list[str]
) -> None:
    group = await groups.group(db)
    with pytest.raises(Invalid) as wrong:
        await make(db, group.scope, **fields)
    assert wrong.value.path == path
    assert len(await rows(db, group.scope)) == 1


async def test_there_is_always_one_default_store(db: Database) -> None:
    group = await groups.group(db)

    async def defaults() -> list[int]:
        return [id_ for id_, row in (await rows(db, group.scope)).items() if row["is_default"]]

    second = await make(db, group.scope, name="Second")
    assert await defaults() == [group.store_id]
    await change(db, group.scope, second, is_default=True)
    assert await defaults() == [second]
    with pytest.raises(Conflict):
        await change(db, group.scope, second, is_default=False)
    third = await make(db, group.scope, name="Third", is_default=True)
    assert await defaults() == [third]
    await asyncio.gather(*(change(db, group.scope, s, is_default=True) for s in (second, group.store_id)))
    assert len(await defaults()) == 1


async def test_the_first_stores_of_a_group_agree_on_a_default(db: Database) -> None:
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        await tx.execute("DELETE FROM store")
    await asyncio.gather(*(make(db, group.scope, name=f"S{n}") for n in range(5)))
    assert sum(row["is_default"] for row in (await rows(db, group.scope)).values()) == 1


async def test_an_update_changes_what_was_sent(db: Database) -> None:
    group = await groups.group(db)
    store = await make(db, group.scope, name="Lille", time_zone="Asia/Tokyo")
    await change(db, group.scope, store, name="Lille 2", time_zone=None)
    row = (await rows(db, group.scope))[store]
    assert (row["name"], row["time_zone"]) == ("Lille 2", None)
    with pytest.raises(Conflict):
        await change(db, group.scope, store, beacon_key=group.beacon_key)


async def test_a_narrowed_credential_changes_its_own_store_and_nothing_else(db: Database) -> None:
    group = await groups.group(db)
    second = await make(db, group.scope, name="Second")
    narrowed = Scope(group.group_id, store_id=second)
    await change(db, narrowed, second, name="Mine")
    for foreign in (group.store_id, (await groups.group(db)).store_id, 2**60):
        with pytest.raises(NotFound):
            await change(db, narrowed, foreign, name="Not mine")
        if foreign != group.store_id:
            with pytest.raises(NotFound):
                await change(db, group.scope, foreign, is_default=True)
    with pytest.raises(Forbidden):
        await make(db, narrowed, name="New")
    with pytest.raises(Forbidden):
        await change(db, narrowed, second, is_default=True)


async def test_days_follow_the_zone_of_the_store_and_of_the_group(db: Database) -> None:
    group = await groups.group(db)
    second = await make(db, group.scope, name="Second")
    days: dict[str, Any] = {"starts_on": date(2025, 7, 1), "ends_on": date(2025, 7, 2)}
    here = await given.campaign(db, group.scope, name="here", store_id=None, **days)
    there = await given.campaign(db, group.scope, name="there", store_id=second, **days)
    instant = datetime(2025, 7, 5, tzinfo=UTC)
    fixed = await given.campaign(db, group.scope, name="fixed", store_id=second, starts_at=instant)
    await change(db, group.scope, second, time_zone="Asia/Tokyo")

    async def windows() -> dict[int, tuple[datetime, datetime | None]]:
        async with db.transaction(group.scope) as tx:
            found = await tx.fetch("SELECT id, starts_at, ends_at FROM campaign")
            return {row["id"]: (row["starts_at"], row["ends_at"]) for row in found}

    tokyo = (datetime(2025, 6, 30, 15, tzinfo=UTC), datetime(2025, 7, 2, 15, tzinfo=UTC))
    paris = (datetime(2025, 6, 30, 22, tzinfo=UTC), datetime(2025, 7, 2, 22, tzinfo=UTC))
    assert await windows() == {here: paris, there: tokyo, fixed: (instant, None)}
    async with db.transaction(group.scope) as tx:
        await update_group(tx, GroupFields(name="B", time_zone="UTC"), now=NOW)
    utc = (datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 7, 3, tzinfo=UTC))
    assert await windows() == {here: utc, there: tokyo, fixed: (instant, None)}


async def test_the_group_is_renamed_by_whoever_holds_all_of_it(db: Database) -> None:
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        assert await update_group(tx, GroupFields(name="New name"), now=NOW) == group.group_id
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT name FROM customer_group") == "New name"
    with pytest.raises(Invalid):
        async with db.transaction(group.scope) as tx:
            await update_group(tx, GroupFields(time_zone=None), now=NOW)  # type: ignore[arg-type]  # as clients may
    with pytest.raises(Forbidden):
        async with db.transaction(Scope(group.group_id, group.store_id)) as tx:
            await update_group(tx, GroupFields(name="x"), now=NOW)


async def test_an_operator_makes_a_group_and_its_first_store_is_the_default(db: Database) -> None:
    made = await create_group(db, name="Été", currency="JPY", time_zone="Asia/Tokyo", now=NOW)
    scope = Scope(made)
    first = await make(db, scope, name="Ginza")
    assert (await rows(db, scope))[first]["is_default"] is True
    async with db.transaction(scope) as tx:
        found = dict(await tx.fetchrow("SELECT * FROM customer_group WHERE id = $1", made) or {})
    kept = {
        "keep_bodies_days",
        "keep_deliveries_days",
        "keep_trash_days",
        "keep_traces_days",
        "keep_answers_hours",
    }
    chosen = {
        "attribution_model": "carried", "attribution_window_days": 30, "attribution_half_life_days": 7,
        "channels_due": None, "channels_again_at": None,
    }  # fmt: skip
    assert {name: found.pop(name) for name in chosen} == chosen
    taken = {"files", "file_bytes", "file_quota", "events", "event_bytes", "event_quota"}
    assert {name: found.pop(name) for name in kept | taken} == {
        **dict.fromkeys(kept), **dict.fromkeys(taken, 0), "keep_answers_hours": 24, "file_quota": None,
        "event_quota": None,
    }  # fmt: skip
    assert found == {
        "id": made, "name": "Été", "currency": "JPY", "time_zone": "Asia/Tokyo", "country": None, "created_at": NOW
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"currency": "yen"}, {"time_zone": "Tokyo"}, {"time_zone": "x" * 80}]
)
async def test_a_group_that_would_not_work_is_not_made(db: Database, wrong: dict[str, str]) -> None:
    async with db.directory() as directory:
        before = await directory.fetchval("SELECT count(*) FROM tenant")
    with pytest.raises(Invalid):
        await create_group(
            db, **{"name": "A", "currency": "EUR", "time_zone": "Europe/Paris", **wrong}, now=NOW
        )
    async with db.directory() as directory:
        assert await directory.fetchval("SELECT count(*) FROM tenant") == before
