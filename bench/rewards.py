"""Rewards: `python -m bench.rewards`, on a database of its own, thrown away after.

Two simulations without traces over 1,000,000 events each (a draft over events of a mapped type, a replay of a
campaign's own evaluations), bar 60 s each; and `GET /campaigns` for 500 campaigns with three flows each, planned and
on plain resolvers, bar 3 times. Exit status 1 over any bar.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
from starlette.datastructures import Headers, QueryParams

from app.auth.principal import Principal, Role
from app.db.database import Database, connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.assets.storage import AssetStorage
from app.domain.rewards import programme as rules
from app.domain.rewards.attributes import condition_attributes
from app.domain.rewards.simulating import Simulated, draft, replay_evaluations
from app.domain.rewards.windows import RewardWindow
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.rest.benji.routes import ROUTES
from app.rest.route import RequestParts
from app.settings import read_settings
from app.values.json_text import read_json, write_json
from app.values.scope import Scope

EVENTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
CAMPAIGNS = 500
ASKED = 15
BAR_S = 60.0
BAR_TIMES = 3.0
NOW = datetime(2026, 6, 1, tzinfo=UTC)
WINDOW = RewardWindow(datetime(2025, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

_GROUP = "INSERT INTO customer_group (id, name, currency, time_zone) VALUES ($1, 'bench', 'EUR', 'UTC')"
_FILL = (
    "INSERT INTO store (group_id, name, beacon_key, is_default) VALUES ($1, 'S', 'bench', true)",
    "INSERT INTO partner (group_id, name) VALUES ($1, 'Bank')",
    "INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'Site', false)",
    """
    INSERT INTO event_type (group_id, project_id, reference, name, trigger)
    SELECT $1, id, 'purchase', 'Purchase', 'spend' FROM project WHERE group_id = $1
    """,
    """
    INSERT INTO customer (group_id, name, loyalty_tier, order_count, total_spent, email_consent, sms_consent, tags)
    SELECT $1, 'C' || n, (ARRAY['gold', 'silver', NULL])[1 + n % 3], n % 40, 0, true, false, '{}'
      FROM generate_series(1, 20000) n
    """,
    f"""
    INSERT INTO campaign (group_id, name, store_id, currency, status, reward_type, partner_id, starts_at, type,
                          objective, is_explicit, is_template, total_rewards)
    SELECT $1, 'Points ' || n, s.id, 'EUR', 'active', 1, p.id, '2025-01-01', 'loyalty', 'unspecified', true, false, 0
      FROM generate_series(1, {CAMPAIGNS}) n, store s, partner p WHERE s.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow (group_id, campaign_id, position, trigger_code, is_active)
    SELECT $1, c.id, n, n + 1, true FROM campaign c, generate_series(0, 2) n WHERE c.group_id = $1
    """,
    """
    INSERT INTO flow_action (group_id, flow_id, position, action_code, partner_id, base_reward, extra_data)
    SELECT $1, f.id, n, 1, p.id, 100, '{"note": "x"}' FROM flow f, partner p, generate_series(0, 1) n
     WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow_condition (group_id, flow_id, position, partner_id, type_code, operator_code, joiner_code,
                                attribute, value)
    SELECT $1, f.id, n, p.id, 2, 5, 1, 1, '500' FROM flow f, partner p, generate_series(0, 1) n
     WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO flow_multiplier (group_id, flow_id, position, partner_id, type_code, attribute, amount, value)
    SELECT $1, f.id, 0, p.id, 1, 1, 1.5, '"gold"' FROM flow f, partner p WHERE f.group_id = $1 AND p.group_id = $1
    """,
    """
    INSERT INTO goal (group_id, campaign_id, position, partner_id, type_code, value, operator_code)
    SELECT $1, c.id, 0, p.id, 2, 1000000, 2 FROM campaign c, partner p WHERE c.group_id = $1 AND p.group_id = $1
    """,
    f"""
    INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, project_id, customer_id,
                       event_type_id, data)
    SELECT $1, gen_random_uuid(), 'tracker', n::text, 'purchase', t.at, t.at, p.id, c.first + n % 20000, e.id,
           json_build_object('amount', (n % 3000) / 100.0, 'items', json_build_array('A' || n % 50), 'quantity', n % 5)
      FROM generate_series(1, {EVENTS}) n
     CROSS JOIN LATERAL (SELECT '2026-01-01'::timestamptz + n * interval '10 seconds' AS at) t,
           project p, event_type e, (SELECT min(id) AS first FROM customer WHERE group_id = $1) c
     WHERE p.group_id = $1 AND e.group_id = $1
    """,
    """
    INSERT INTO reward_evaluation (group_id, campaign_id, event_id, customer_id, reference, trigger_code, occurred_at,
                                   version, inputs, trace, outcome, wanted, amount, currency, created_at)
    SELECT $1, (SELECT min(id) FROM campaign WHERE group_id = $1), e.id, e.customer_id, e.dedup_key, 1, e.occurred_at,
           1, json_build_object(
             'user', json_build_object('loyalty_tier', 'gold', 'order_count', 3, 'tags', '[]'::json),
             'transaction', json_build_object('amount', e.dedup_key::bigint % 3000, 'items', '["A1"]'::json),
             'partner', json_build_object('id', 1, 'name', 'Bank'),
             'campaign', json_build_object('id', 1, 'closed', NULL)),
           '{}', 'not_met', 0, 0, 'EUR', e.received_at
      FROM event e WHERE e.group_id = $1 ORDER BY e.received_at
    """,
    "ANALYZE",
)


async def main() -> bool:
    """Fill, simulate, list, print; whether every bar was held."""
    with tempfile.TemporaryDirectory(prefix="bench-rewards-") as folder:
        path = Path(folder)
        server = _server(path)
        try:
            url = server.dsn("rewards")
            await create_database(url)
            await migrate(url)
            scope = await _fill(url)
            db = await connect(url, readers=2, writers=2)
            try:
                held = [await _draft(db, scope), await _replay(db, scope), await _list(db, scope, path)]
            finally:
                await db.close()
        finally:
            server.stop()
    return all(held)


def _server(folder: Path) -> EmbeddedServer:
    folder.chmod(0o755)  # PostgreSQL does not run as root; its own user must get in
    return EmbeddedServer(folder / "pg")


async def _fill(url: str) -> Scope:
    owner = await asyncpg.connect(url)
    started = time.perf_counter()
    group_id = await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    await owner.execute(_GROUP, group_id)
    for statement in _FILL:
        await owner.execute(statement, *([group_id] if "$1" in statement else []))
    await owner.close()
    print(
        f"{EVENTS:,} events, as many evaluations, {CAMPAIGNS} campaigns in {time.perf_counter() - started:.0f} s"
    )
    return Scope(group_id)


def _programme(campaign_id: int = 0) -> rules.Programme:
    """Two flows, three conditions, a multiplier, three limits."""
    known = condition_attributes()
    goals = (rules.Goal(1, 2, 2, 30_000_000), rules.Goal(2, 1, 2, 15_000), rules.Goal(3, 3, 1, 10))
    flows = (
        rules.flow(
            1, 1, None, is_active=True, actions=[rules.Action(1, 1, 100)],
            conditions=[rules.condition(known, 1, 2, 1, 5, 2, "500"), rules.condition(known, 2, 1, 2, 3, 1, "10")],
            multipliers=[rules.multiplier(known, 1, 1, 1, Decimal("1.5"), '"gold"')],
        ),
        rules.flow(
            2, 1, None, is_active=True, actions=[rules.Action(2, 1, 30)],
            conditions=[rules.condition(known, 3, 2, 4, 1, 1, '"A7"')], multipliers=[],
        ),
    )  # fmt: skip
    return rules.Programme(campaign_id, 1, 1, "EUR", flows, goals, rules.limits_of(goals))


async def _draft(db: Database, scope: Scope) -> bool:
    async with db.transaction(scope) as tx:
        run = draft(tx, _programme(), WINDOW, campaign={"closed": None}, partner={"id": 1}, store_id=None)
        return await _timed("a draft over events", run)


async def _replay(db: Database, scope: Scope) -> bool:
    async with db.transaction(scope) as tx:
        first = await tx.fetchval("SELECT min(id) FROM campaign WHERE group_id = $1", scope.group_id)
        return await _timed("a replay of evaluations", replay_evaluations(tx, _programme(first), WINDOW))


async def _timed(name: str, run: AsyncIterator[Simulated]) -> bool:
    started, cpu = time.perf_counter(), time.process_time()
    last = Simulated()
    async for state in run:
        last = state
    took, cpu = time.perf_counter() - started, time.process_time() - cpu
    print(
        f"{name}: {last.events:,} events in {took:.1f} s (bar {BAR_S:.0f} s), {cpu:.1f} s of CPU; paid"
        f" {last.paid:,}, {len(last.customers):,} customers, reached {sorted(last.reached)}"
    )
    return took <= BAR_S * EVENTS / 1_000_000 and last.events == EVENTS


async def _list(db: Database, scope: Scope, folder: Path) -> bool:
    """`GET /campaigns` from the bound request to the body's bytes, without HTTP, both ways."""
    (route,) = ROUTES
    parts = RequestParts({}, QueryParams({}), Headers({}), NOW)

    async def body(*, planner: bool) -> tuple[bytes, str]:
        settings = read_settings({"DATA_DIR": str(folder), "PLANNER": "1" if planner else "0"})
        services = Services(settings, db, AssetStorage(settings))
        principal = Principal("bench", scope, frozenset({Role.READ}))
        context = Context(services, principal, request_id="b", base_url="http://b", now=NOW)
        given = await answer(Operation(route.document, route.variables(parts)), context)
        assert given.data is not None, given.errors
        assert callable(route.shape)
        data: Any = read_json(given.data)
        return write_json(route.shape(data, parts)), given.execution

    taken: dict[bool, list[float]] = {True: [], False: []}
    bodies = {}
    for turn in range(ASKED):
        for planner in (True, False):
            started = time.perf_counter()
            bodies[planner], execution = await body(planner=planner)
            if turn:  # The first one compiles.
                taken[planner].append((time.perf_counter() - started) * 1000)
            assert execution == ("planned" if planner else "resolved")
    assert bodies[True] == bodies[False]
    planned, resolved = (statistics.median(taken[planner]) for planner in (True, False))
    print(
        f"GET /campaigns, {CAMPAIGNS} campaigns, {len(bodies[True]):,} bytes: one statement {planned:.0f} ms, plain"
        f" resolvers {resolved:.0f} ms, {resolved / planned:.1f} times (bar {BAR_TIMES:.0f})"
    )
    return resolved >= BAR_TIMES * planned


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
