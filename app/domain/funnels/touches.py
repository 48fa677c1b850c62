"""Recording touches, and keeping each customer's path through a day up to date.

Whoever adds touches of a customer holds the customer's row, locked in the order of ids, so that a path is always made
from all its touches, in whatever order they come in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.borders import CAMPAIGN_BORDERS, CUSTOMER_BORDERS, borders
from app.domain.funnels.stages import LETTERS
from app.domain.inputs import Path
from app.domain.settable import needed, optional, written
from app.errors import MAX_TOLD, Failure, Invalid, NotFound, Several, TooLarge
from app.tables.funnels import FunnelStage

MAX_TOUCHES = 5_000
MAX_REFERENCE = 255
AHEAD = timedelta(days=1)
"""How far a sender's clock may be ahead of ours."""


def _reference(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_REFERENCE, blank=False)


def _channel(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=inputs.MAX_CODE, blank=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """A customer reached a stage. `reference` is its name in its source: the same reference is the same touch."""

    customer_id: int = needed("Who.", refers=("cust", "customer"))
    stage: FunnelStage = needed("The stage.")
    reference: str = needed(
        "Your own name for it, 255 characters at most: the same one again is the same touch.",
        check=_reference,
    )
    occurred_at: datetime | None = optional("When; now unless said. Not more than a day ahead.")
    channel: str | None = optional("Through which channel, such as email.", check=_channel)
    campaign_id: int | None = optional("Because of which campaign.", refers=("camp", "campaign"))


@dataclass(frozen=True, slots=True)
class RecordedTouches:
    """What a call did."""

    new: int
    repeated: int
    """Touches that had been stored before, or were twice in the call."""


_CUSTOMERS = f"""
SELECT customer.id FROM customer
 WHERE {CUSTOMER_BORDERS} AND customer.id = ANY ($4) AND customer.deleted_at IS NULL
 ORDER BY customer.id FOR NO KEY UPDATE
"""
_CAMPAIGNS = f"SELECT campaign.id FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4)"
_INSERT = """
INSERT INTO funnel_touch
  (group_id, created_at, source, customer_id, stage, occurred_at, channel, campaign_id, source_ref)
SELECT $1, $2, $3, given.*
  FROM unnest($4::bigint[], $5::text[], $6::timestamptz[], $7::text[], $8::bigint[], $9::text[]) AS given
ON CONFLICT (group_id, source, source_ref) DO NOTHING
RETURNING customer_id, (occurred_at AT TIME ZONE 'UTC')::date AS day
"""
_LETTER = "CASE stage " + " ".join(f"WHEN '{s}' THEN '{letter}'" for s, letter in LETTERS.items()) + " END"
# Makes the paths of these days again: a letter per touch, in order of time (at the same instant in order of stages),
# without letters that repeat the one before.
PATHS = f"""
INSERT INTO funnel_day (group_id, created_at, customer_id, day, path)
SELECT $1, $2, customer_id, day, string_agg(letter, '' ORDER BY occurred_at, letter)
  FROM (SELECT touched.*, lag(letter) OVER (PARTITION BY customer_id, day ORDER BY occurred_at, letter) AS before
          FROM (SELECT t.customer_id, asked.day, t.occurred_at, {_LETTER} AS letter
                  FROM unnest($3::bigint[], $4::date[]) AS asked (customer_id, day)
                  JOIN funnel_touch t
                    ON t.group_id = $1 AND t.customer_id = asked.customer_id
                   AND t.occurred_at >= asked.day::timestamp AT TIME ZONE 'UTC'
                   AND t.occurred_at < (asked.day + 1)::timestamp AT TIME ZONE 'UTC') AS touched) AS ordered
 WHERE letter IS DISTINCT FROM before
 GROUP BY customer_id, day
ON CONFLICT (group_id, customer_id, day) DO UPDATE SET path = excluded.path
"""


async def record_touches(
    tx: Transaction, touches: Sequence[Touch], *, source: str, now: datetime
) -> RecordedTouches:
    """Store those of these touches that are new, in the same number of statements however many there are.

    Where something is wrong, Several has every fault, by index, and nothing is stored.
    """
    _check(touches, now=now)
    if not touches:
        return RecordedTouches(0, 0)
    await _check_known(tx, touches)
    with refusals():
        rows = await tx.fetch(
            _INSERT,
            tx.scope.group_id,
            now,
            source,
            [t.customer_id for t in touches],
            [t.stage.value for t in touches],
            [t.occurred_at or now for t in touches],
            [t.channel for t in touches],
            [t.campaign_id for t in touches],
            [t.reference for t in touches],
        )
    days = sorted({(row["customer_id"], row["day"]) for row in rows})
    if days:
        await tx.execute(PATHS, tx.scope.group_id, now, [c for c, _ in days], [day for _, day in days])
    return RecordedTouches(len(rows), len(touches) - len(rows))


def _check(touches: Sequence[Touch], *, now: datetime) -> None:
    if len(touches) > MAX_TOUCHES:
        raise TooLarge(
            f"There are {len(touches)} touches; at most {MAX_TOUCHES} are taken at once.", path=["touches"]
        )
    faults: list[Failure] = []
    for at, touch in enumerate(touches):
        path: list[str | int] = ["touches", at]
        try:
            written(touch, path)
            if touch.occurred_at is not None and touch.occurred_at > now + AHEAD:
                raise Invalid(
                    f"The moment {touch.occurred_at:%Y-%m-%d %H:%M} UTC is still to come.",
                    path=[*path, "occurredAt"],
                    code="STILL_TO_COME",
                )
        except Failure as fault:
            faults.append(fault)
    if faults:
        raise Several(faults[:MAX_TOLD])


async def _check_known(tx: Transaction, touches: Sequence[Touch]) -> None:
    """Lock the customers. Refuse customers and campaigns out of scope."""
    asked = sorted({t.customer_id for t in touches})
    customers = {row["id"] for row in await tx.fetch(_CUSTOMERS, *borders(tx.scope), asked)}
    named = sorted({t.campaign_id for t in touches if t.campaign_id is not None})
    campaigns = (
        {row["id"] for row in await tx.fetch(_CAMPAIGNS, *borders(tx.scope), named)} if named else set()
    )
    faults: list[Failure] = []
    for at, touch in enumerate(touches):
        if touch.customer_id not in customers:
            faults.append(NotFound("customer", touch.customer_id, path=["touches", at, "customerId"]))
        if touch.campaign_id is not None and touch.campaign_id not in campaigns:
            faults.append(NotFound("campaign", touch.campaign_id, path=["touches", at, "campaignId"]))
    if faults:
        raise Several(faults[:MAX_TOLD])
