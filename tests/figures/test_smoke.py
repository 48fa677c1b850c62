import json
import pytest
from tests.given.everything import everything, Everything
from app.db.database import Database

@pytest.fixture(scope="module")
async def ours(db: Database) -> Everything:
    return await everything(db, "ours")

QS = [
 '{ figures { clicks spend { amount } plannedSpend { amount } previous { clicks } unconverted { currency } } }',
 '{ figures(interval: DAY, by: [CHANNEL]) { period channel currency clicks spend { amount } plannedSpend { amount } } }',
 '{ figures(by: [CAMPAIGN], orderBy: [{field: SPEND, direction: DESC}], first: 3) { campaign { name } clicks spend { amount } clickThroughRate } }',
 '{ figures(by: [CHANNEL, PARTNER], interval: WEEK, last: "P30D", compare: PREVIOUS_PERIOD, fill: true) { period channel partner { name } clicks previous { clicks spend { amount } openRate } change { clicks spend openRate costPerClick } } }',
 '{ figures(by: [CHANNEL], since: "2025-05-01", until: "2025-06-30", compare: PREVIOUS_YEAR, currency: "USD") { channel currency clicks spend { amount currency } unconverted { currency spend revenue } previous { clicks } } }',
 '{ figures(interval: MONTH, since: "2025-05-01", until: "2025-06-30", fill: true, orderBy: [{field: PERIOD, direction: DESC}]) { period clicks spend { amount currency } } }',
 '{ campaigns(first: 5) { nodes { figures(last: "P1Y", interval: MONTH, fill: true) { period clicks } metrics { clicks spend { amount } plannedSpend { amount } } } } }',
 '{ stores { nodes { figures(by: [CAMPAIGN]) { clicks campaign { name } } } } segments { nodes { figures { clicks } } } promos { nodes { figures { clicks } } } partners { nodes { figures { clicks } } } projects { nodes { figures { clicks } } } group { figures { clicks currency } } }',
]

@pytest.mark.parametrize("at", range(len(QS)))
async def test_it(asker, ours, at):
    for scope in (ours.scope, ours.store_scope, ours.project_scope):
        a, b = await asker.both(scope, QS[at])
        assert a.execution == "planned", a
        assert b.execution == "resolved", b
        if scope is ours.scope: print(a.body.decode()[:1500])
        assert json.loads(a.body) == json.loads(b.body)
        assert b"errors" not in a.body
