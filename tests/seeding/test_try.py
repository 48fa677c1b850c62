import pytest, time
from datetime import UTC, datetime
from app.seeding import demo as d, sales
from app.seeding.demo import seed_demo
import asyncpg


async def test_it(db, database_url):
    def timed(mod, name):
        f = getattr(mod, name)

        async def g(*a, **k):
            t = time.time()
            r = await f(*a, **k)
            print(name, round(time.time() - t, 2))
            return r

        setattr(mod, name, g)

    for n in ("write_sales", "write_traffic", "write_journeys", "write_rewards", "write_customers"):
        timed(d, n)
    for n in ("_redeem", "record_orders", "_settle", "write_recipients", "_share", "share_again", "_shop"):
        timed(sales, n)
    t = time.time()
    await seed_demo(db, now=datetime(2025, 6, 18, 10, 30, tzinfo=UTC))
    print("all", time.time() - t)
    c = await asyncpg.connect(database_url)
    for q in (
        "select group_id, count(*), count(campaign_id), count(promo_id), count(*) filter (where channel='unknown') from customer_order group by 1",
        "select group_id, source, count(*) from attributed_share group by 1,2",
        "select group_id, count(*) from message_recipient group by 1",
        "select group_id, count(*) from segment_size group by 1",
        "select group_id, count(*) from promo_redemption group by 1",
        "select group_id, count(*) from interaction group by 1",
        "select code, used, usage_limit from promo",
        "select group_id,name,size from segment",
        "select c.group_id, c.name, sum(m.spend) spend, sum(m.revenue) rev, sum(m.conversions), round(sum(m.revenue)/nullif(sum(m.spend),0),2) roas,sum(m.delivered),sum(m.opened) from campaign_metric m join campaign c on c.id=m.campaign_id group by 1,2 order by 1,2",
    ):
        print(q)
        for r in await c.fetch(q):
            print("   ", *r)
    await c.close()
