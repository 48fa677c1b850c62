"""An installation on which time moves nothing: no groups yet, or none with a campaign that has a window."""

from app.db.database import Database
from app.worker.lifecycle import Lifecycle
from tests.given import groups as given
from tests.given.work import database_now


async def test_the_life_cycle_runs_where_nothing_is_due(db: Database) -> None:
    clock = Lifecycle()
    for _ in range(2):
        now = await database_now(db)
        report = await clock.run(db, now)
        assert report.errors == []
        assert report.next_at is not None
        assert report.next_at > now
        clock.forget()
        await given.group(db)  # the second time there is a group, without campaigns
