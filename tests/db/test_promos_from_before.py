"""Promos of before: those with no dates but their campaign's follow it, codes get their normal form, and back again."""

import asyncio

import asyncpg
import pytest
from alembic import command

from app.db import migrating
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate

pytestmark = pytest.mark.slow
BEFORE = "0030"
GIVEN = """
INSERT INTO tenant DEFAULT VALUES;
INSERT INTO customer_group (id, name, currency, time_zone) SELECT id, 'g', 'EUR', 'Europe/Paris' FROM tenant;
INSERT INTO store (group_id, name, beacon_key, is_default) SELECT id, 's', 'beacon', true FROM customer_group;
INSERT INTO campaign (group_id, store_id, name, type, objective, status, channels, currency, is_explicit, is_template,
                      total_rewards, starts_at, ends_at)
SELECT group_id, id, 'c', 'promotion', 'unspecified', 'active', '{email}', 'EUR', true, false, 0, '2026-06-01Z',
       '2026-07-01Z' FROM store;
INSERT INTO promo (group_id, code, type, value, currency, used, campaign_id, valid_from, valid_until)
SELECT c.group_id, g.code, g.type, 10, 'EUR', 0, CASE WHEN g.bound THEN c.id END, g.start, g.until
  FROM campaign c, (VALUES
    ('COPIED', 'percentage', true, '2026-06-01Z'::timestamptz, '2026-07-01Z'::timestamptz),
    ('BARE', 'Percentage', true, NULL, NULL), ('OWN', 'cashback', true, '2026-06-02Z', NULL),
    ('LOOSE', 'Free-Item', false, NULL, NULL), ('groß', 'percentage', false, NULL, NULL)
  ) AS g (code, type, bound, start, until);
INSERT INTO promo_redemption (group_id, promo_id, key, basket_total, discount, currency, redeemed_at)
SELECT group_id, id, code, 10, 1, 'EUR', '2026-06-03Z' FROM promo WHERE code = 'COPIED';
"""


async def test_promos_of_before_follow_their_campaigns_and_have_keys(server: EmbeddedServer) -> None:
    url = server.dsn("before_promos")
    await create_database(url)
    await asyncio.to_thread(command.upgrade, migrating.config(url), BEFORE)
    owner = await asyncpg.connect(url)
    await owner.execute(GIVEN)
    await owner.close()
    await migrate(url)
    owner = await asyncpg.connect(url)
    promos = await owner.fetch(
        "SELECT code_key, type, follows_campaign, valid_from IS NOT NULL AS has_start, stacking,"
        " (SELECT count(*) FROM promo_campaign l WHERE l.promo_id = p.id AND l.campaign_id = p.campaign_id) AS links"
        " FROM promo p ORDER BY id"
    )
    assert [tuple(row) for row in promos] == [
        ("COPIED", "percentage", True, False, "exclusive", 1),
        ("BARE", "percentage", True, False, "exclusive", 1),
        ("OWN", "cashback", False, True, "exclusive", 1),
        ("LOOSE", "free_item", False, False, "exclusive", 0),
        ("GROß", "percentage", False, False, "exclusive", 0),
    ]
    assert await owner.fetchval("SELECT place FROM promo_redemption") == 0
    await owner.close()
    await asyncio.to_thread(command.downgrade, migrating.config(url), BEFORE)
    owner = await asyncpg.connect(url)
    windows = await owner.fetch(
        "SELECT code, valid_from IS NOT NULL, valid_until IS NOT NULL FROM promo ORDER BY id"
    )
    assert [tuple(row) for row in windows][:3] == [
        ("COPIED", True, True),
        ("BARE", True, True),
        ("OWN", True, False),
    ]
    await owner.close()
