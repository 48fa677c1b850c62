"""Compares what clients were told with what the database holds."""

from collections.abc import Sequence
from typing import Any

import asyncpg

from tests.faults.load import FIRST_LOOK_S, History, Subscriber

# By kind of effect: each name it has, and how often.
EFFECTS = {
    "event": "SELECT split_part(dedup_key, ':', 2) AS name, count(*) FROM event WHERE source = 'tracker' GROUP BY 1",
    "redemption": "SELECT key AS name, count(*) FROM promo_redemption GROUP BY 1",
    "reward": "SELECT reference AS name, count(*) FROM reward_evaluation GROUP BY 1",
    "outlay": "SELECT country AS name, count(*) FROM outlay WHERE country IS NOT NULL GROUP BY 1",
    "store": "SELECT name, count(*) FROM store WHERE name LIKE '%/store/%' GROUP BY 1",
}
SUMS = """
SELECT (SELECT coalesce(sum(clicks), 0) FROM campaign_metric WHERE channel = 'email') AS clicks,
       (SELECT coalesce(sum(clicks), 0) FROM metric_rollup WHERE channel = 'email') AS rolled_up,
       (SELECT coalesce(sum(used), 0) FROM promo WHERE code = 'LOAD') AS used,
       (SELECT count(*) FROM promo_redemption) AS redeemed,
       (SELECT coalesce(sum(amount), 0) FROM spend_entry WHERE source = 'outlay') AS spent,
       (SELECT coalesce(sum(amount), 0) FROM outlay WHERE deleted_at IS NULL) AS outlays,
       (SELECT count(*) FROM event WHERE status = 'trashed') AS trashed,
       (SELECT count(*) FROM event WHERE status = 'pending') AS pending,
       (SELECT coalesce(sum(value), 0) FROM event_rollup WHERE key = 'event-count') AS counted,
       (SELECT count(*) FROM event WHERE status = 'processed' AND source = 'tracker') AS processed
"""


async def faults_of(
    owner: "asyncpg.Connection[asyncpg.Record]", history: History, subscribers: Sequence[Subscriber]
) -> list[str]:
    """What is not as it was told; to be asked when every client has finished and every event is processed."""
    found = [*history.wrong]
    for kind, sql in EFFECTS.items():
        there = {row["name"]: row["count"] for row in await owner.fetch(sql)}
        acknowledged = history.acknowledged.get(kind, {})
        found += [f"{kind} {name} is lost" for name in acknowledged if name not in there]
        found += [f"{kind} {name} is there {count} times" for name, count in there.items() if count > 1]
        found += [
            f"{kind} {name} was never acknowledged"
            for name in there
            if name not in acknowledged and "/" in name
        ]
    found += _sums(await owner.fetchrow(SUMS), history)
    for subscriber in subscribers:
        found += _told(subscriber, history)
    return found


def _sums(row: Any, history: History) -> list[str]:
    pairs = {
        "clicks": (row["clicks"], len(history.acknowledged.get("click", {}))),
        "clicks in the rollup": (row["rolled_up"], row["clicks"]),
        "uses of the promo": (row["used"], row["redeemed"]),
        "outlays in the ledger": (row["spent"], row["outlays"]),
        "good events in the trash": (row["trashed"], 0),
        "events that wait": (row["pending"], 0),
        "events in the sums": (row["counted"], row["processed"]),
    }
    return [f"{name}: {one}, not {other}" for name, (one, other) in pairs.items() if one != other]


def _told(subscriber: Subscriber, history: History) -> list[str]:
    found = []
    for at, one in enumerate(subscriber.subscriptions):
        twice = len(one.told) - len(set(one.told))
        if twice:
            found.append(f"subscription {at}: {twice} events were told twice")
        if one.ended_s is not None:
            continue
        wanted = {
            _shown(ident)
            for name, ident in history.acknowledged.get("event", {}).items()
            if history.sent_at[name] > one.began_s + FIRST_LOOK_S
        }
        missed = wanted - {_shown(ident) for ident in one.told}
        if missed:
            found.append(f"subscription {at}: {len(missed)} of {len(wanted)} events were not told")
    return found


def _shown(ident: str) -> str:
    return ident.removeprefix("event_").replace("-", "")
