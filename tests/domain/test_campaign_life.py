"""Campaigns move through their life: each move from where it may start, each due move exactly once."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from itertools import chain, product
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.domain.campaigns.lifecycle import RULES, Move, move_refusal
from app.domain.campaigns.operations import (
    ADVANCE,
    Advanced,
    advance_due_campaigns,
    delete_campaign,
    move_campaign,
)
from app.errors import Conflict, NotFound
from app.tables.campaigns import CampaignStatus
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON
HOUR = timedelta(hours=1)


async def status_of(db: Database, scope: Scope, campaign_id: int) -> tuple[str, datetime | None]:
    async with db.transaction(scope) as tx:
        row = await tx.fetchrow("SELECT status, activated_at FROM campaign WHERE id = $1", campaign_id)
        assert row is not None
        return row["status"], row["activated_at"]


async def move(db: Database, scope: Scope, campaign_id: int, name: str, *, now: datetime = NOW) -> None:
    async with db.transaction(scope) as tx:
        await move_campaign(tx, campaign_id, Move(name), now=now)


async def advance(db: Database, scope: Scope, now: datetime) -> list[Advanced]:
    async with db.transaction(scope) as tx:
        return await advance_due_campaigns(tx, now)


async def test_the_whole_round(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, starts_at=NOW + HOUR, ends_at=NOW + 9 * HOUR, draft=True)
    for name, status in [
        ("schedule", "scheduled"), ("unschedule", "draft"), ("activate", "active"), ("pause", "paused"),
        ("resume", "active"), ("complete", "completed"), ("reopen", "draft"), ("activate", "active"),
    ]:  # fmt: skip
        await move(db, scope, camp, name, now=NOW + HOUR / 60)
        assert (await status_of(db, scope, camp))[0] == status
    assert (await status_of(db, scope, camp))[1] == NOW + HOUR / 60


async def test_the_statement_and_the_rule_refuse_the_same(db: Database) -> None:
    scope = (await groups.group(db)).scope
    times = [None, NOW - HOUR, NOW, NOW + HOUR]
    windows = [(s, e) for s, e in product(times, times) if not (s and e and e <= s)]
    camp = await given.campaign(db, scope)
    moves = 0
    async with db.transaction(scope) as tx:
        for status, (starts, ends), template, name in product(CampaignStatus, windows, [False, True], Move):
            await tx.execute(
                "UPDATE campaign SET status = $2, starts_at = $3, ends_at = $4, is_template = $5"
                " WHERE id = $1", camp, status, starts, ends, template,
            )  # fmt: skip
            why = move_refusal(
                name, status=status, starts_at=starts, ends_at=ends, is_template=template, now=NOW
            )
            if why is None:
                moves += await move_campaign(tx, camp, name, now=NOW) == camp
            else:
                with pytest.raises(Conflict, match=re.escape(why.message)):
                    await move_campaign(tx, camp, name, now=NOW)
    assert moves > len(RULES)


async def test_of_many_moves_at_once_one_is_made(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, draft=True)
    outcomes = await asyncio.gather(
        *(move(db, scope, camp, "activate") for _ in range(8)), return_exceptions=True
    )
    assert [o for o in outcomes if o is None] == [None]
    assert all(isinstance(o, Conflict) for o in outcomes if o is not None)


async def test_due_campaigns_start_and_end_once_however_many_look(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    assert await status_of(db, scope, camp) == ("scheduled", None)
    assert await advance(db, scope, NOW + HOUR - timedelta(microseconds=1)) == []
    started = await asyncio.gather(*(advance(db, scope, NOW + HOUR) for _ in range(6)))
    assert [*chain(*started)] == [(camp, "scheduled", "active")]
    assert await status_of(db, scope, camp) == ("active", NOW + HOUR)
    ended = await asyncio.gather(*(advance(db, scope, NOW + 2 * HOUR) for _ in range(6)))
    assert [*chain(*ended)] == [(camp, "active", "completed")]
    assert await status_of(db, scope, camp) == ("completed", NOW + HOUR)


async def test_after_downtime_a_whole_window_is_caught_up_in_one_move(db: Database) -> None:
    scope = (await groups.group(db)).scope
    camp = await given.campaign(db, scope, starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    assert await advance(db, scope, NOW + 99 * HOUR) == [(camp, "scheduled", "completed")]
    assert await advance(db, scope, NOW + 99 * HOUR) == []


async def test_paused_campaigns_end_but_drafts_and_deleted_ones_do_not_move(db: Database) -> None:
    scope = (await groups.group(db)).scope
    window: dict[str, Any] = {"starts_at": NOW - HOUR, "ends_at": NOW + HOUR}
    paused = await given.campaign(db, scope, **window)
    await move(db, scope, paused, "pause")
    await given.campaign(db, scope, draft=True, **window)
    await given.campaign(db, scope, is_template=True, **window)
    gone = await given.campaign(db, scope, **window)
    async with db.transaction(scope) as tx:
        await delete_campaign(tx, gone, now=NOW)
    assert await advance(db, scope, NOW + 2 * HOUR) == [(paused, "paused", "completed")]


async def test_due_moves_stay_in_their_group(db: Database) -> None:
    mine, other = (await groups.group(db)).scope, (await groups.group(db)).scope
    theirs = await given.campaign(db, other, starts_at=NOW + HOUR)
    assert await advance(db, mine, NOW + 2 * HOUR) == []
    assert (await status_of(db, other, theirs))[0] == "scheduled"


async def test_a_campaign_outside_the_scope_cannot_be_moved(db: Database) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    camp = await given.campaign(db, group.scope, store_id=second.store_id, draft=True)
    for scope in [
        (await groups.group(db)).scope,
        Scope(group.group_id, store_id=group.store_id),
        Scope(group.group_id, project_ids=(1,)),
    ]:
        with pytest.raises(NotFound):
            await move(db, scope, camp, "activate")
    await move(db, Scope(group.group_id, store_id=second.store_id), camp, "activate")
    assert (await status_of(db, group.scope, camp))[0] == "active"


async def test_looking_for_due_campaigns_reads_the_two_partial_indexes(
    db: Database, database_url: str
) -> None:
    group = await groups.group(db)
    async with db.transaction(group.scope) as tx:
        await tx.execute(
            "INSERT INTO campaign (group_id, name, store_id, status, type, objective, currency, is_explicit,"
            " is_template, total_rewards, starts_at, ends_at)"
            " SELECT $1, n::text, $2, 'completed', 'promotion', 'unspecified', 'EUR', true, false, 0,"
            " now() - interval '9 days', now() FROM generate_series(1, 5000) n",
            group.group_id, group.store_id,
        )  # fmt: skip
    owner = await asyncpg.connect(database_url)
    await owner.execute("ANALYZE campaign")
    await owner.close()
    async with db.transaction(group.scope) as tx:
        plan = await tx.fetch(f"EXPLAIN {ADVANCE}", group.group_id, NOW)
    text = "\n".join(row[0] for row in plan)
    assert "ix_campaign_due_start" in text
    assert "ix_campaign_due_end" in text


def test_moves_are_refused_with_what_would_be_right() -> None:
    facts: dict[str, Any] = {
        "starts_at": None,
        "ends_at": None,
        "is_template": False,
        "now": datetime(2025, 1, 1, tzinfo=UTC),
    }
    why = move_refusal(Move.PAUSE, status=CampaignStatus.DRAFT, **facts)
    assert why is not None
    assert why.message == "A campaign that is draft cannot pause; it would have to be active."
