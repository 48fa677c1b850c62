"""Goes on with judging again what campaigns decided, page by page, where there was too much to do it at once."""

import logging
from datetime import datetime, timedelta

from app.db.database import Database
from app.domain.rewards.reevaluating import go_on, open_questions
from app.values.scope import Scope
from app.worker.tidying import Tidying

log = logging.getLogger(__name__)

PAGES = 50
"""Of one question in one round; others have their turn in between."""


class Reevaluations(Tidying):
    """A transaction for each page: whatever ends it, what was judged is judged, and the next round goes on there."""

    def __init__(self) -> None:
        super().__init__("reward reevaluations", every_s=5, more_every=timedelta(hours=1))

    async def tidy(self, db: Database, group_id: int, *, now: datetime, more: bool) -> None:
        """Go on with every question of the group."""
        scope = Scope(group_id)
        async with db.transaction(scope) as tx:
            asked = await open_questions(tx)
        for ident in asked:
            for _ in range(PAGES):
                async with db.transaction(scope) as tx:
                    if not await go_on(tx, ident, now=now):
                        log.info("group %s: reevaluation %s is over", group_id, ident)
                        break
