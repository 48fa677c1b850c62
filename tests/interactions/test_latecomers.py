"""A visit and its tracker's identification at the same moment: neither sees the other, and still they meet."""

import asyncio
from datetime import timedelta

from app.db.database import Database
from app.domain.identities.identifying import Person, identify, load_projects
from app.domain.interactions.recording import Visit, record_online
from app.worker.journeys import Journeys
from tests.given import custom_ads
from tests.given.custom_ads import Site
from tests.given.work import database_now


async def owner(db: Database, site: Site) -> int | None:
    async with db.transaction(site.scope) as tx:
        found: int | None = await tx.fetchval("SELECT customer_id FROM interaction")
    return found


async def test_who_met_unseen_is_brought_together(db: Database) -> None:
    site, now = await custom_ads.site(db), await database_now(db)
    both_wrote = asyncio.Barrier(2)

    async def come() -> None:
        async with db.transaction(site.scope) as tx:
            visit = Visit(
                project_id=site.project_id, tracker_id="t1", landing_url=None, occurred_at=now, dedup_key="1"
            )
            await record_online(tx, [visit], now=now)
            await both_wrote.wait()

    async def become_known() -> int | None:
        async with db.transaction(site.scope) as tx:
            projects = await load_projects(tx, [site.project_id])
            [found] = await identify(tx, [Person(site.project_id, "t1")], projects=projects, now=now)
            await both_wrote.wait()
            return found

    _, customer = await asyncio.gather(come(), become_known())
    assert await owner(db, site) is None  # the visit is nobody's, though its tracker is known
    assert (await Journeys().run(db, now + timedelta(seconds=60))).errors == []
    assert await owner(db, site) == customer
