"""Channels of what was recorded, told anew after the rules changed: some interactions at a time, the latest first.

What is told by is what is kept: the addresses, and what was said of the advertiser's side. Where retention has dropped
all of it, the channel stays.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.interactions.campaigns import Led
from app.domain.interactions.channel_rules import rules_of
from app.domain.interactions.signs import signs_of
from app.values.numbers import MAX_SAFE_INTEGER

BATCH = 1_000
"""In one transaction."""


@dataclass(frozen=True, slots=True)
class Retold:
    """What a turn came to."""

    looked_at: int
    changed: int
    left: int
    """How many have not been looked at yet."""


_DUE = "SELECT channels_due, channels_again_at FROM customer_group WHERE id = $1 FOR NO KEY UPDATE"
_LOOK = """
SELECT i.id, i.channel, i.landing_url, i.referrer, i.node_data::text AS node_data, i.integration_id, i.campaign_id,
       integration.kind, campaign.channels
  FROM (SELECT * FROM interaction WHERE group_id = $1 AND id <= $2 ORDER BY id DESC LIMIT $3) i
  LEFT JOIN integration ON integration.group_id = $1 AND integration.id = i.integration_id
  LEFT JOIN campaign ON campaign.group_id = $1 AND campaign.id = i.campaign_id
 ORDER BY i.id DESC
"""
_CHANGE = """
UPDATE interaction i SET channel = given.channel
  FROM unnest($2::bigint[], $3::text[]) AS given (id, channel)
 WHERE i.group_id = $1 AND i.id = given.id AND i.channel IS DISTINCT FROM given.channel
"""
_SETTLE = "UPDATE customer_group SET channels_due = $2, channels_again_at = $3 WHERE id = $1"
_LEFT = "SELECT count(*) FROM interaction WHERE group_id = $1 AND id <= $2"


async def retell_channels(
    tx: Transaction, *, now: datetime, first: int = BATCH, counts: bool = False
) -> Retold:
    """Take the next `first` interactions that are due, if any are. `counts`: say how many are left; else whether."""
    group = tx.scope.group_id
    row = await tx.fetchrow(_DUE, group)
    due, again_at = (None, None) if row is None else (row["channels_due"], row["channels_again_at"])
    if due is None:
        if again_at is None or now < again_at:
            return Retold(0, 0, 0)
        due, again_at = MAX_SAFE_INTEGER, None
    rules = await rules_of(tx)
    rows: list[Any] = await tx.fetch(_LOOK, group, due, first)
    told: list[tuple[int, str | None]] = []
    for one in rows:
        if one["landing_url"] is None and one["referrer"] is None and one["node_data"] is None:
            continue
        signs = signs_of(one["landing_url"], one["referrer"], _object(one["node_data"]))
        led = Led(one["integration_id"], one["campaign_id"], one["kind"], tuple(one["channels"] or ()))
        channel = rules.tell(signs, kind=led.kind, channels=led.channels).channel
        if channel != one["channel"]:
            told.append((one["id"], channel))
    changed = 0
    if told:
        told.sort()
        changed = await tx.execute(_CHANGE, group, [ident for ident, _ in told], [name for _, name in told])
    below = rows[-1]["id"] - 1 if len(rows) == first else None
    await tx.execute(_SETTLE, group, below, again_at)
    left = 0 if below is None else await tx.fetchval(_LEFT, group, below) if counts else 1
    return Retold(len(rows), changed, left)


def _object(text: str | None) -> dict[str, object] | None:
    value = None if text is None else json.loads(text)
    return value if isinstance(value, dict) else None
