"""Erasing takes as many statements for somebody with many events as for somebody with one."""

from datetime import UTC, datetime

from app.db.auditing import OPERATOR
from app.db.database import Database
from app.domain.erasing.operations import Cleaned, erase_customer
from tests.given import events
from tests.given.statements import recorded

NOW = datetime(2026, 3, 2, tzinfo=UTC)
COPIES = """
INSERT INTO event (group_id, id, project_id, source, dedup_key, event_type, received_at, occurred_at, customer_id, body,
                   data, user_data, tracker_id, event_type_id)
SELECT group_id, gen_random_uuid(), project_id, source, 'copy ' || n, event_type, received_at, occurred_at, customer_id,
       body, data, user_data, tracker_id, event_type_id
  FROM event, generate_series(1, $2::int) n WHERE group_id = $1
"""


async def statements(db: Database, copies: int) -> list[str]:
    """What erasing somebody with one event and so many copies of it takes."""
    shop = await events.shop(db)
    await shop.send(data={"basket": 1, "email": "ann@example.org"}, tracker_id="tracker-a")
    await shop.process()
    await shop.acceptor.close()
    async with db.transaction(shop.scope) as tx:
        customer = await tx.fetchval("SELECT id FROM customer WHERE group_id = $1", shop.group_id)
        await tx.execute(COPIES, shop.group_id, copies)
    with recorded() as said:
        async with db.transaction(shop.scope) as tx:
            done = await erase_customer(tx, customer, cleaned=Cleaned(), by=OPERATOR, now=NOW)
    assert done.emptied["event"] == copies + 1
    return said


async def test_as_many_statements_however_many_events(db: Database) -> None:
    assert len(await statements(db, 0)) == len(await statements(db, 2_000))
