"""A look at what is new reads what is new, however many events there are."""

from pathlib import Path

import asyncpg

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.checking import check
from app.graph.running.context import Context, Services
from app.graph.running.operations import Operation
from app.plan.news import NewsHead, SeenNews, Snapshot
from tests.given import groups
from tests.live.conftest import settings_of

MANY = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at)
SELECT $1, uuidv7(), 'crowd', n::text, 'many', clock_timestamp(), now() FROM generate_series(1, 20000) n
"""


async def test_it_goes_by_the_index_of_transactions(db: Database, database_url: str, tmp_path: Path) -> None:
    given = await groups.group(db)
    owner = await asyncpg.connect(database_url)
    await owner.execute(MANY, given.group_id)
    await owner.execute("ANALYZE event")
    here = Snapshot.read(await owner.fetchval("SELECT pg_current_snapshot()::text"))
    await owner.close()
    seen = SeenNews()
    seen.add(NewsHead(here), is_all=True)
    services = Services(
        settings_of(database_url, tmp_path), db, AssetStorage(settings_of(database_url, tmp_path))
    )
    principal = Principal("test", given.scope, frozenset({Role.READ}))
    for query in (
        "subscription { events { id status } }",
        'subscription { events(filter: {status: [PROCESSED], eventType: "many"}) { id } }',
    ):
        context = Context(services, principal, window=seen.window())
        checked = check(Operation(query, {}, None), context, live=True)
        assert checked.plan.statement is not None
        values = checked.plan.statement.values(checked.bound(context))
        plan = await db.explain(checked.plan.statement.text, values, analyze=True)
        assert "ix_event_group_id_moved_by" in plan, plan
        assert "Rows Removed by Filter" not in plan, plan
    await services.close()
