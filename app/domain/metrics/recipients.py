"""People, not messages: what became of a campaign's messages is counted once for each address that they went to.

Its figures stand on the day of the first thing that is known of it, so that whoever opened on Tuesday what came on
Monday is of Monday's recipients, and no rate of a day passes 100. A thing told late, or out of order, moves the figures
to where they belong: the same things in any order give the same figures.

What cannot happen without a delivery implies one. Machines that open (mail proxies that fetch pictures) are told apart
and open for nobody: they only show that it arrived.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from app.db.database import Transaction
from app.domain.metrics.operations import Measured, count_measured
from app.tables.metrics import Source

Thing = Literal["tried", "delivered", "opened", "clicked", "unsubscribed"]
_COUNTED = ("delivered", "opened", "clicked", "unsubscribed")
_MOMENTS = (*_COUNTED, "machine_opened")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Something that happened to a campaign's message at a recipient."""

    campaign_id: int
    channel: str
    recipient: str
    """The address, folded; or what stands for one."""
    what: Thing
    """`tried`: it was sent, and bounced."""
    at: datetime
    by_machine: bool = False


async def count_recipients(
    tx: Transaction, things: Sequence[Reached], zones: Mapping[int, ZoneInfo], *, now: datetime
) -> None:
    """Count these; each of them once, whoever calls. The caller holds the campaigns. `zones`: their stores'."""
    if not things:
        return
    moves: dict[tuple[int, date, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in await tx.fetch(_REACH, *_given(tx, things, now)):
        zone = zones[row["campaign_id"]]
        for sign, side in ((-1, "old"), (1, "new")):
            first = row[f"{side}_first_at"]
            if first is not None:
                by = moves[row["campaign_id"], first.astimezone(zone).date(), row["channel"]]
                for name, number in _figures(row, side).items():
                    by[name] += sign * number
    for thing in things:
        by = moves[thing.campaign_id, thing.at.astimezone(zones[thing.campaign_id]).date(), thing.channel]
        if thing.what == "opened":
            by["machine_opens" if thing.by_machine else "opens"] += 1
        elif thing.what == "clicked":
            by["clicks"] += 1
    measured = [
        Measured(
            campaign_id=campaign, day=day, channel=channel, implied=by.pop("implied", 0),
            numbers={name: number for name, number in by.items() if number},
        )
        for (campaign, day, channel), by in moves.items()
        if any(by.values())
    ]  # fmt: skip
    await count_measured(tx, measured, source=Source.DELIVERIES, now=now)


def digest(address: str) -> str:
    """What a recipient is kept as."""
    return hashlib.blake2b(address.encode(), digest_size=20).hexdigest()


def _figures(row: Any, side: str) -> dict[str, int]:
    """What a recipient counts for."""
    happened = {name: row[f"{side}_{name}_at"] is not None for name in _MOMENTS}
    implied = not happened["delivered"] and any(happened.values())
    return {
        "sent": 1,
        **{name: int(happened[name]) for name in _COUNTED},
        "delivered": int(happened["delivered"] or implied),
        "implied": int(implied),
    }


_SIDES = ", ".join(
    f"{side}.{name}_at AS {side}_{name}_at" for side in ("old", "new") for name in ("first", *_MOMENTS)
)
_REACH = f"""
INSERT INTO message_recipient AS m
  (group_id, created_at, campaign_id, channel, recipient, first_at, {", ".join(f"{n}_at" for n in _MOMENTS)})
SELECT $1, $2, given.*
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[],
              $9::timestamptz[], $10::timestamptz[], $11::timestamptz[]) AS given
ON CONFLICT (group_id, campaign_id, channel, recipient) DO UPDATE
   SET {", ".join(f"{n}_at = least(m.{n}_at, excluded.{n}_at)" for n in ("first", *_MOMENTS))}
RETURNING new.campaign_id, new.channel, {_SIDES}
"""


def _given(tx: Transaction, things: Sequence[Reached], now: datetime) -> tuple[Any, ...]:
    """One row for each recipient, in the order of their key, with the first moments told."""
    firsts: dict[tuple[int, str, str], dict[str, datetime]] = defaultdict(dict)
    for thing in things:
        moments = firsts[thing.campaign_id, thing.channel, digest(thing.recipient)]
        told = ["first"]
        if thing.what in _COUNTED:
            told.append("machine_opened" if thing.by_machine and thing.what == "opened" else thing.what)
        for name in told:
            moments[name] = min(moments.get(name, thing.at), thing.at)
    keys = sorted(firsts)
    return (
        tx.scope.group_id,
        now,
        *([key[n] for key in keys] for n in range(3)),
        *([firsts[key].get(name) for key in keys] for name in ("first", *_MOMENTS)),
    )
