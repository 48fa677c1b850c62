"""Ids of other systems: who has which, and that no facade ever shows two rows alike."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.db.database import Database, Transaction
from app.domain.external_ids.finding import rows_known_as, rows_of_any_kind, rows_with_ids
from app.domain.external_ids.giving import set_ids
from app.domain.external_ids.kinds import EXISTS, NUMBER_TAKEN, RowId
from app.domain.external_ids.room import FIRST_ROOM, MAX_MOVED, MAX_RESERVED, make_room
from app.errors import Conflict, Failure, Invalid, NotFound, Several
from app.values.scope import Scope
from app.values.systems import Reference
from tests.given import campaigns, groups
from tests.given.groups import GivenGroup

INSERT_EVENTS = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, updated_at, status, body)
SELECT $1, id, 'api', id::text, 'order', $3, $3, $3, 'processed', '{}' FROM unnest($2::uuid[]) id
"""
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)


@pytest.fixture
async def group(db: Database) -> GivenGroup:
    return await groups.group(db)


async def partners(db: Database, group: GivenGroup, number: int) -> list[int]:
    return [await campaigns.partner(db, group.group_id) for _ in range(number)]


async def give(
    db: Database, group: GivenGroup, ids: Mapping[RowId, Mapping[str, str | None]], kind: str = "part"
) -> None:
    async with db.transaction(group.scope) as tx:
        await set_ids(tx, kind, ids, paths={row: [at] for at, row in enumerate(ids)})


async def refused(
    db: Database, group: GivenGroup, ids: Mapping[RowId, Mapping[str, str | None]], kind: str = "part"
) -> list[tuple[str, list[Any]]]:
    """Codes and paths; nothing has changed."""
    before = await everything(db, group)
    with pytest.raises(Failure) as told:
        await give(db, group, ids, kind)
    assert await everything(db, group) == before
    failures = told.value.failures if isinstance(told.value, Several) else [told.value]
    return [(one.reason, one.path) for one in failures]


async def everything(db: Database, group: GivenGroup) -> list[tuple[Any, ...]]:
    async with db.transaction(group.scope) as tx:
        rows = await tx.fetch("SELECT system, kind, id, row_id FROM external_id ORDER BY 1, 2, 3")
    return [tuple(row) for row in rows]


async def copy_of(db: Database, group: GivenGroup, row: int, table: str = "partner") -> dict[str, str]:
    """What is printed from the row itself."""
    async with db.transaction(group.scope) as tx:
        found: Any = await tx.fetchrow(f"SELECT known_as_system, known_as_id FROM {table} WHERE id = $1", row)
    return dict(zip(found["known_as_system"], found["known_as_id"], strict=True))


async def who(db: Database, group: GivenGroup, system: str, *ids: str, kind: str = "part") -> dict[str, Any]:
    async with db.transaction(group.scope) as tx:
        return dict(await rows_known_as(tx, kind, system, ids))


async def last(db: Database, table: str = "partner") -> int:
    async with db.transaction(Scope(1)) as tx:
        return int(await tx.fetchval("SELECT pg_sequence_last_value($1::text::regclass)", f"{table}_id_seq"))


async def test_ids_are_set_changed_and_removed(db: Database, group: GivenGroup) -> None:
    a, b = await partners(db, group, 2)
    await give(
        db,
        group,
        {a: {"benji": "70000000", "crm": "Partner of old", "own_system": "é 1"}, b: {"crm": "part_x"}},
    )
    assert await copy_of(db, group, a) == {"benji": "70000000", "crm": "Partner of old", "own_system": "é 1"}
    assert await who(db, group, "benji", "70000000", "5", str(b)) == {"70000000": a, str(b): b}
    # Our own number always goes, whatever the system shows.
    assert await who(db, group, "crm", f"part_{a}", "part_x") == {f"part_{a}": a, "part_x": b}
    assert await who(db, group, "own_system", "é 1", str(a)) == {"é 1": a}
    async with db.transaction(group.scope) as tx:
        assert await rows_with_ids(tx, "part", "benji", ["70000000", str(b)]) == {"70000000": a}
    # Another one instead; the others stay.
    await give(db, group, {a: {"benji": "70000001"}})
    assert (await copy_of(db, group, a))["crm"] == "Partner of old"
    assert await who(db, group, "benji", "70000000", "70000001") == {"70000001": a}
    await give(db, group, {a: {"benji": None, "crm": None, "own_system": None}, b: {"criteo": None}})
    assert await copy_of(db, group, a) == {}
    assert await who(db, group, "benji", "70000001", str(a)) == {str(a): a}
    # The same again changes nothing.
    await give(db, group, {b: {"crm": "part_x"}})
    assert await copy_of(db, group, b) == {"crm": "part_x"}


async def test_ids_of_another_group_kind_or_system_are_others(db: Database, group: GivenGroup) -> None:
    other = await groups.group(db)
    (a,), (b,) = await partners(db, group, 1), await partners(db, other, 1)
    await give(db, group, {a: {"benji": "71000000"}})
    await give(db, other, {b: {"benji": "71000000"}})
    await give(db, group, {group.store_id: {"benji": "71000000"}}, "store")
    assert await who(db, group, "benji", "71000000") == {"71000000": a}
    assert await who(db, other, "benji", "71000000") == {"71000000": b}
    assert await who(db, group, "lagriffe", "71000000") == {}
    assert await who(db, group, "benji", "71000000", kind="store") == {"71000000": group.store_id}
    # Another group's row is not there, for whoever gives it an id and for whoever looks.
    assert await refused(db, group, {b: {"benji": "71000001"}}) == [("NOT_FOUND", [0, "row"])]
    assert await who(db, group, "benji", str(b)) == {}
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM external_id WHERE group_id <> $1", group.group_id) == 0
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await _insert_for(db, group, other.group_id, b)


async def _insert_for(db: Database, group: GivenGroup, other: int, row: int) -> None:
    async with db.transaction(group.scope) as tx:
        await tx.execute(
            "INSERT INTO external_id (group_id, system, id, kind, row_id) VALUES ($1, 'benji', '1', 'part', $2)",
            other, row,
        )  # fmt: skip


async def test_a_store_s_scope_gives_ids_to_rows_of_the_group(db: Database, group: GivenGroup) -> None:
    """Ids know no stores: who may give them is decided before, by roles and by shapes of scope."""
    (a,) = await partners(db, group, 1)
    async with db.transaction(Scope(group.group_id, store_id=group.store_id)) as tx:
        await set_ids(tx, "part", {a: {"benji": "72000000"}})
        assert await rows_known_as(tx, "part", "benji", ["72000000"]) == {"72000000": a}


@pytest.mark.parametrize(
    ("system", "ident"),
    [
        ("benji", "0"), ("benji", "-1"), ("benji", "007"), ("benji", "1.0"), ("benji", "٣"), ("benji", "x"),
        ("benji", "9" * 20), ("lagriffe", ""), ("criteo", " 5"), ("webmarketer", "5f"), ("webmarketer", "A" * 24),
        ("webmarketer", "g" * 24), ("crm", ""), ("crm", "x" * 256), ("crm", "a\nb"), ("Benji", "5"), ("", "5"),
        ("be-nji", "5"), ("9x", "5"), ("a" * 33, "5"), ("benjí", "5"), ("benji", str(MAX_MOVED + 1)),
        ("benji", str(MAX_RESERVED)), ("crm", f"part_{MAX_RESERVED}"), ("webmarketer", f"{MAX_RESERVED:024x}"),
    ],
)  # fmt: skip
async def test_what_the_system_could_not_show_is_refused(
    db: Database, group: GivenGroup, system: str, ident: str
) -> None:
    (a,) = await partners(db, group, 1)
    assert await refused(db, group, {a: {system: ident}}) == [("INVALID", [0, "externalIds", system])]


async def test_numbers_beyond_the_reserved_ones_move_nothing(db: Database, group: GivenGroup) -> None:
    (a,) = await partners(db, group, 1)
    before = await last(db)
    await give(
        db,
        group,
        {a: {"benji": str(MAX_RESERVED + 1), "webmarketer": "5f8d0d55b54764421b7156c3", "own": "5"}},
    )
    assert await last(db) == before
    (b,) = await partners(db, group, 1)
    assert b == before + 1


async def test_two_rows_cannot_have_the_same_id(db: Database, group: GivenGroup) -> None:
    a, b, c = await partners(db, group, 3)
    await give(db, group, {a: {"benji": "73000000"}})
    assert await refused(db, group, {b: {"benji": "73000000"}}) == [(EXISTS, [0, "externalIds", "benji"])]
    assert await refused(db, group, {b: {"own": "x"}, c: {"own": "x"}}) == [
        (EXISTS, [1, "externalIds", "own"])
    ]
    # All that is wrong is said.
    told = await refused(
        db, group, {b: {"own": "y", "benji": "73000000"}, c: {"own": "y", "crm": f"part_{a}"}}
    )
    assert sorted(told) == [
        (EXISTS, [0, "externalIds", "benji"]), (EXISTS, [1, "externalIds", "own"]),
        (NUMBER_TAKEN, [1, "externalIds", "crm"]),
    ]  # fmt: skip


async def test_a_number_that_one_of_our_rows_shows_is_taken(db: Database, group: GivenGroup) -> None:
    a, b = await partners(db, group, 2)
    for system, ident in (("benji", str(a)), ("crm", f"part_{a}"), ("webmarketer", f"{a:024x}")):
        assert await refused(db, group, {b: {system: ident}}) == [(NUMBER_TAKEN, [0, "externalIds", system])]
    # Its own number is its own; and where it gets another one it is free, in the same call as well.
    await give(db, group, {a: {"benji": str(a)}})
    assert await refused(db, group, {b: {"benji": str(a)}}) == [(EXISTS, [0, "externalIds", "benji"])]
    await give(db, group, {a: {"benji": "74000000"}, b: {"benji": str(a)}})
    assert await who(db, group, "benji", str(a), "74000000") == {str(a): b, "74000000": a}
    # Then it cannot lose the other one.
    assert await refused(db, group, {a: {"benji": None}}) == [(EXISTS, [0, "externalIds", "benji"])]
    await give(db, group, {a: {"benji": None}, b: {"benji": None}})
    assert await who(db, group, "benji", str(a), str(b)) == {str(a): a, str(b): b}
    # Nor get rid of it while another one is given its number.
    await give(db, group, {a: {"benji": "74000000"}})
    told = await refused(db, group, {a: {"benji": None}, b: {"benji": str(a)}})
    assert told == [(NUMBER_TAKEN, [1, "externalIds", "benji"])]
    # No facade shows a group's own names: there nothing is taken.
    await give(db, group, {b: {"own": str(a)}})


@pytest.mark.parametrize("system", ["webmarketer", "crm"])
async def test_a_uuid_that_one_of_our_events_shows_is_taken(
    db: Database, group: GivenGroup, system: str
) -> None:
    a, b = uuid4(), uuid4()
    async with db.transaction(group.scope) as tx:
        await tx.execute(INSERT_EVENTS, group.group_id, [a, b], NOON)
    shown = {row: str(row) if system == "webmarketer" else f"event_{row}" for row in (a, b)}
    [(code, _)] = await refused(db, group, {a: {system: shown[b]}}, "event")
    assert code == NUMBER_TAKEN
    await give(db, group, {a: {system: shown[a]}}, "event")
    await give(db, group, {b: {system: "old"}}, "event")
    await give(db, group, {a: {system: shown[b]}}, "event")
    [(code, _)] = await refused(db, group, {b: {system: None}}, "event")
    assert code == EXISTS
    await give(db, group, {a: {system: None}, b: {system: None}}, "event")


async def test_rows_of_one_call_exchange_their_ids(db: Database, group: GivenGroup) -> None:
    a, b, c = await partners(db, group, 3)
    await give(db, group, {a: {"benji": "75000001"}, b: {"benji": "75000002"}})
    await give(db, group, {a: {"benji": "75000002"}, b: {"benji": "75000001"}})
    assert await who(db, group, "benji", "75000001", "75000002") == {"75000001": b, "75000002": a}
    await give(db, group, {c: {"benji": "75000002"}, a: {"benji": None}})
    assert (await copy_of(db, group, a), await copy_of(db, group, c)) == ({}, {"benji": "75000002"})


async def test_a_deleted_row_s_id_goes_over(db: Database, group: GivenGroup) -> None:
    flows = await _flows(db, group, 4)
    a, b, c, d = flows
    await give(db, group, {a: {"benji": "76000000"}}, "flow")
    await _delete(db, group, a)
    assert await who(db, group, "benji", "76000000", kind="flow") == {"76000000": a}
    await give(db, group, {b: {"benji": "76000000"}}, "flow")
    assert await copy_of(db, group, a, "flow") == {}
    assert await who(db, group, "benji", "76000000", str(a), kind="flow") == {"76000000": b, str(a): a}
    # Not where the deleted one would then be shown like another row.
    await give(db, group, {c: {"benji": "76000001"}}, "flow")
    await give(db, group, {d: {"benji": str(c)}}, "flow")
    await _delete(db, group, c)
    assert await refused(db, group, {a: {"benji": "76000001"}}, "flow") == [
        (EXISTS, [0, "externalIds", "benji"])
    ]
    # Nor where another row of the same call would be given its number.
    await give(db, group, {d: {"benji": None}}, "flow")
    told = await refused(db, group, {a: {"benji": "76000001"}, d: {"benji": str(c)}}, "flow")
    assert told == [(NUMBER_TAKEN, [1, "externalIds", "benji"])]


async def test_the_id_of_a_row_that_is_gone_goes_over(db: Database, group: GivenGroup) -> None:
    (flow,) = await _flows(db, group, 1)
    async with db.transaction(group.scope) as tx:
        goal = [
            await tx.fetchval(
                "INSERT INTO goal (group_id, campaign_id, position, partner_id, type_code, value, operator_code)"
                " SELECT $1, campaign_id, 0, (SELECT min(id) FROM partner WHERE group_id = $1), 1, 1, 1 FROM flow"
                " WHERE group_id = $1 AND id = $2 RETURNING id", group.group_id, flow,
            )
            for _ in range(2)
        ]  # fmt: skip
    await give(db, group, {goal[0]: {"benji": "77000000"}}, "goal")
    async with db.transaction(group.scope) as tx:
        await tx.execute("DELETE FROM goal WHERE id = $1", goal[0])
    await give(db, group, {goal[1]: {"benji": "77000000"}}, "goal")
    assert await who(db, group, "benji", "77000000", kind="goal") == {"77000000": goal[1]}


async def test_our_numbers_go_on_past_what_comes_in_and_never_back(db: Database, group: GivenGroup) -> None:
    (a,) = await partners(db, group, 1)
    for ident, least in (("5", FIRST_ROOM), ("500000", 10**8), ("12", 10**8), ("600000000", 10**9)):
        before = await last(db)
        async with db.transaction(group.scope) as tx:
            await make_room(tx, "part", "benji", [ident])
        after = await last(db)
        assert after >= before
        assert after >= least
    (b,) = await partners(db, group, 1)
    assert b > 600_000_000
    # What is moved stays moved, even if the transaction is not committed: numbers may be passed over.
    async with db.transaction(group.scope) as tx, tx.savepoint(keep=False):
        await make_room(tx, "part", "crm", [f"part_{10**10}"])
    assert await last(db) > 10**10
    assert await refused(db, group, {a: {"benji": str(MAX_MOVED + 1)}})


async def test_of_two_transactions_one_gets_the_id(db: Database, group: GivenGroup) -> None:
    a, b = await partners(db, group, 2)

    async def claim(row: int) -> str:
        try:
            await give(db, group, {row: {"own": "contested"}})
        except Conflict as conflict:
            return conflict.reason
        return "done"

    assert sorted(await asyncio.gather(claim(a), claim(b))) == [EXISTS, "done"]
    assert len(await who(db, group, "own", "contested")) == 1


async def test_an_id_given_away_since_is_not_taken_back(db: Database, group: GivenGroup) -> None:
    flows = await _flows(db, group, 3)
    a, b, c = flows
    await give(db, group, {a: {"own": "z"}}, "flow")
    await _delete(db, group, a)
    done: list[str] = []

    async def second() -> None:
        try:
            await give(db, group, {c: {"own": "z"}}, "flow")
            done.append("second")
        except Conflict as conflict:
            done.append(conflict.reason)

    async with db.transaction(group.scope) as tx:
        await set_ids(tx, "flow", {b: {"own": "z"}})
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.3)
    await waiting
    assert done == [EXISTS]
    assert await who(db, group, "own", "z", kind="flow") == {"z": b}


async def test_a_number_is_not_taken_while_its_row_goes_back_to_it(db: Database, group: GivenGroup) -> None:
    for first_loses in (True, False):
        a, b = await partners(db, group, 2)
        await give(db, group, {a: {"benji": "79500001" if first_loses else "79500002"}})
        changes: list[Mapping[RowId, Mapping[str, str | None]]] = [
            {a: {"benji": None}},
            {b: {"benji": str(a)}},
        ]
        if not first_loses:
            changes.reverse()
        told: list[str] = []

        async def second(change: Mapping[RowId, Mapping[str, str | None]], told: list[str] = told) -> None:
            try:
                await give(db, group, change)
            except Conflict as conflict:
                told.append(conflict.reason)

        async with db.transaction(group.scope) as tx:
            await set_ids(tx, "part", changes[0])
            waiting = asyncio.create_task(second(changes[1]))
            await asyncio.sleep(0.3)
        await waiting
        assert told == [NUMBER_TAKEN if first_loses else EXISTS]
        assert len(await _shown(db, group, str(a))) == 1


async def _shown(db: Database, group: GivenGroup, number: str) -> list[int]:
    """The partners that Benji shows like this."""
    async with db.transaction(group.scope) as tx:
        rows = await tx.fetch(
            "SELECT id FROM partner"
            " WHERE coalesce(known_as_id[array_position(known_as_system, 'benji')], id::text) = $1",
            number,
        )
    return [row["id"] for row in rows]


async def test_references_are_found_in_each_kind(db: Database, group: GivenGroup) -> None:
    a, b = await partners(db, group, 2)
    await give(db, group, {a: {"benji": "79000000"}})
    await give(db, group, {group.store_id: {"benji": "79000000"}}, "store")
    async with db.transaction(group.scope) as tx:
        found = await rows_of_any_kind(
            tx, [Reference("benji", "79000000"), Reference("benji", str(a)), Reference("own", "79000000")]
        )
    assert found[Reference("benji", "79000000")]["part"] == a
    assert found[Reference("benji", "79000000")]["store"] == group.store_id
    assert found[Reference("benji", str(a))]["part"] == a
    assert found[Reference("own", "79000000")] == {}
    assert b


async def test_nobody_asks_for_nothing(db: Database, group: GivenGroup) -> None:
    await give(db, group, {})
    async with db.transaction(group.scope) as tx:
        assert await rows_known_as(tx, "part", "benji", []) == {}
        assert await rows_of_any_kind(tx, []) == {}
        await make_room(tx, "part", "benji", [])
        with pytest.raises(NotFound):
            await set_ids(tx, "part", {2**62: {}})
        with pytest.raises(Invalid):
            await set_ids(tx, "part", {2**62: {"X": "1"}})


async def _flows(db: Database, group: GivenGroup, number: int) -> list[int]:
    campaign = await campaigns.campaign(db, group.scope, reward_type=1)
    await campaigns.partner(db, group.group_id)
    async with db.transaction(group.scope) as tx:
        return [await _flow(tx, group, campaign) for _ in range(number)]


async def _flow(tx: Transaction, group: GivenGroup, campaign: int) -> int:
    return int(
        await tx.fetchval(
            "INSERT INTO flow (group_id, campaign_id, position, trigger_code, is_active) VALUES ($1, $2, 0, 1, true)"
            " RETURNING id", group.group_id, campaign,
        )
    )  # fmt: skip


async def _delete(db: Database, group: GivenGroup, flow: int) -> None:
    async with db.transaction(group.scope) as tx:
        await tx.execute("UPDATE flow SET deleted_at = $2 WHERE id = $1", flow, NOON)


async def test_a_number_that_is_being_drawn_is_waited_for(db: Database, group: GivenGroup) -> None:
    """Seen before it is committed by nobody, the row would be shown like the one that is given its number."""
    async with db.transaction(group.scope) as tx:
        # As on a new installation, whose numbers have not been moved yet.
        await tx.fetchval("SELECT setval('partner_id_seq', 1000)")
    [first] = await partners(db, group, 1)

    async def claim(number: int) -> None:
        async with db.transaction(group.scope) as tx:
            await set_ids(tx, "part", {first: {"benji": str(number)}})

    async with db.transaction(group.scope) as drawing:
        drawn = await drawing.fetchval(
            "INSERT INTO partner (group_id, name) VALUES ($1, 'New') RETURNING id", group.group_id
        )
        claiming = asyncio.create_task(claim(drawn))
        await asyncio.sleep(0.2)
        assert not claiming.done()
    with pytest.raises(Conflict) as told:
        await claiming
    assert told.value.reason == NUMBER_TAKEN


async def test_a_row_is_known_in_fifty_systems_at_most(db: Database, group: GivenGroup) -> None:
    [one] = await partners(db, group, 1)
    await give(db, group, {one: {f"s{n}": "x" for n in range(50)}})
    assert await refused(db, group, {one: {"s50": "x"}}) == [("INVALID", ["externalIds"])]
    await give(db, group, {one: {"s0": None, "s50": "x"}})
