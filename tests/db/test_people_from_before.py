"""Customers and identities of before get their keys, in groups of any size; where two fall together, nobody is lost."""

import asyncio

import asyncpg
from alembic import command

from app.db import migrating
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate

BEFORE = "0030"
MADE = """
INSERT INTO tenant (id) VALUES (1);
INSERT INTO customer_group (id, name, currency, time_zone) VALUES (1, 'G', 'EUR', 'Europe/Paris');
INSERT INTO project (group_id, id, name, is_internal) VALUES (1, 1, 'P', false);
INSERT INTO customer (group_id, id, name, email, phone) VALUES
  (1, 1, 'elder', 'ΝΙΚΟΣ@x.org', '06 12 34 59 59'), (1, 2, 'younger', 'ΝΙΚΟς@x.org', 'none'),
  (1, 3, 'other', ' Ada@x.org ', '+33 (0)6 12 34 59 60');
INSERT INTO customer_identity (group_id, id, project_id, kind, value, customer_id, is_vouched) VALUES
  (1, 1, 1, 'phone', '0612345960', 3, true), (1, 2, 1, 'phone', '+33612345960', 1, true),
  (1, 3, 1, 'email', 'ada@x.org', 3, true), (1, 4, 1, 'tracker', 't', 3, true);
INSERT INTO customer (group_id, id, name, email)
SELECT 1, n + 10, 'c', 'C' || n || '@x.org' FROM generate_series(1, 12000) n;
"""


async def test_addresses_and_numbers_get_their_keys(server: EmbeddedServer) -> None:
    url = server.dsn("people_from_before")
    await create_database(url)
    await asyncio.to_thread(command.upgrade, migrating.config(url), BEFORE)
    connection = await asyncpg.connect(url)
    await connection.execute(MADE)
    await connection.close()
    await migrate(url)
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT id, email, email_key, phone, phone_key FROM customer WHERE id <= 3 AND name <> 'c' ORDER BY id"
        )
        assert [tuple(row) for row in rows] == [
            (1, "ΝΙΚΟΣ@x.org", "νικοσ@x.org", "06 12 34 59 59", "+33612345959"),
            (2, None, None, "none", None),
            (3, "Ada@x.org", "ada@x.org", "+33 (0)6 12 34 59 60", "+33612345960"),
        ]
        counted = "SELECT count(DISTINCT email_key) FROM customer WHERE name = 'c'"
        assert await connection.fetchval(counted) == 12_000
        doubts = await connection.fetch(
            "SELECT customer_id, other_id, reason, value FROM customer_doubt ORDER BY customer_id"
        )
        assert [tuple(row) for row in doubts] == [
            (1, 3, "keys_fell_together", "+33612345960"), (2, 1, "keys_fell_together", "ΝΙΚΟς@x.org")
        ]  # fmt: skip
        held = await connection.fetch(
            "SELECT id, value, customer_id, said_with FROM customer_identity ORDER BY id"
        )
        assert [tuple(row) for row in held] == [
            (1, "+33612345960", 3, [3]), (3, "ada@x.org", 3, []), (4, "t", 3, [3])
        ]  # fmt: skip
    finally:
        await connection.close()
