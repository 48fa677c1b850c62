"""Events that reward: events from the pipeline, as triggers of the campaigns that listen for them.

An event type says which trigger its events are (`event_type.trigger`). Custom ones are told apart by the number in the
event type's id, which a flow has as its `customTriggerId`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.db.database import Transaction
from app.domain.rewards.living import closed, moment_of
from app.domain.rewards.occurrences import CODES, Occurrence
from app.domain.rewards.processing import process
from app.domain.rewards.reading import Running, lock_running, smallest, user_facts
from app.tables.event_types import RewardTrigger
from app.values.numbers import MAX_SAFE_INTEGER

AMOUNTS = ("amount", "turnover")
"""The event's values that can be a transaction's amount, in whole units of the currency."""
CUSTOM_CODE = CODES[RewardTrigger.CUSTOM]

# Campaigns that have begun and are not long over, and have a live flow with one of these triggers, and the projects
# they listen to: those of their own store, and the group's.
_LISTENING = """
SELECT DISTINCT campaign.id, campaign.currency, flow.trigger_code, flow.custom_trigger_id, project.id AS project_id
  FROM campaign
  JOIN flow ON flow.group_id = $1 AND flow.campaign_id = campaign.id AND flow.deleted_at IS NULL AND flow.is_active
  JOIN project ON project.group_id = $1 AND project.id = ANY ($3)
   AND (project.store_id IS NULL OR project.store_id = campaign.store_id)
 WHERE campaign.group_id = $1 AND (campaign.status <> 'draft' OR campaign.activated_at IS NOT NULL)
   AND (campaign.starts_at IS NULL OR campaign.starts_at <= $4)
   AND (campaign.ends_at IS NULL OR campaign.ends_at + campaign.reward_late_days * interval '1 day' > $4)
   AND campaign.deleted_at IS NULL AND NOT campaign.is_template AND campaign.reward_type IN (1, 2)
   AND flow.trigger_code = ANY ($2)
 ORDER BY campaign.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeringEvent:
    """A processed event whose type is mapped to a trigger."""

    id: UUID
    project_id: int
    event_type_id: int
    trigger: str
    customer_id: int | None
    occurred_at: datetime
    data: Mapping[str, Any]
    """Its fields, states and statistics, by storage key."""


async def process_event_triggers(tx: Transaction, events: Sequence[TriggeringEvent], *, now: datetime) -> int:
    """Reward what these events trigger, once per event and campaign; returns the number of evaluations.

    Events without a customer reward nobody. Locks campaigns by id, then balances: call it after what locks customers.
    """
    known = [event for event in events if event.customer_id is not None]
    if not known:
        return 0
    codes = sorted({CODES[RewardTrigger(event.trigger)] for event in known})
    projects = sorted({event.project_id for event in known})
    rows = await tx.fetch(_LISTENING, tx.scope.group_id, codes, projects, now)
    if not rows:
        return 0
    running = await lock_running(tx, {row["id"] for row in rows})
    alive = await user_facts(tx, {event.customer_id for event in known if event.customer_id}, now=now)
    asked: dict[tuple[int, UUID], tuple[int, Occurrence]] = {}
    for row in rows:
        for event in known:
            code, custom = trigger_of(event.trigger, event.event_type_id)
            heard = (row["project_id"], row["trigger_code"]) == (event.project_id, code) and (
                code != CUSTOM_CODE or row["custom_trigger_id"] == custom
            )
            if (
                heard
                and event.customer_id in alive
                and row["id"] in running
                and _is_kept(running[row["id"]], event, now=now)
            ):
                asked[row["id"], event.id] = (row["id"], occurrence_of_event(event, currency=row["currency"]))
    made = await process(tx, list(asked.values()), now=now) if asked else []
    return len(made)


def _is_kept(one: Running, event: TriggeringEvent, *, now: datetime) -> bool:
    """Whether the event is worth evaluating: the campaign was live then, or would have been but for a pause or its
    window.

    What those refuse is kept, so that it can be judged again where a pause was a mistake, or an edge is moved. Of what
    lies outside the window as much as may be told late: a campaign does not collect what happened long before or after.
    """
    moment = moment_of(event.occurred_at, told_at=now)
    if closed(one.row, one.history, moment, told_at=now, lifts_pauses=True) is None:
        return True
    start, end, late = one.row["starts_at"], one.row["ends_at"], timedelta(days=one.row["reward_late_days"])
    if start is not None and moment < start:
        return bool(moment + late >= start)
    return end is not None and moment >= end


def trigger_of(trigger: str, event_type_id: int) -> tuple[int, int | None]:
    """The code of an event type's trigger, and for a custom one its number."""
    code = CODES[RewardTrigger(trigger)]
    return code, event_type_id if code == CUSTOM_CODE else None


def occurrence_of_event(event: TriggeringEvent, *, currency: str) -> Occurrence:
    """The event as rewards see it, for a campaign that counts in this currency."""
    code, custom = trigger_of(event.trigger, event.event_type_id)
    assert event.customer_id is not None
    return Occurrence(
        reference=str(event.id),
        trigger_code=code,
        custom_trigger_id=custom,
        customer_id=event.customer_id,
        occurred_at=event.occurred_at,
        transaction=transaction_of(event.data, currency=currency),
        further={"transaction": event.data},
        event_id=event.id,
    )


def transaction_of(data: Mapping[str, Any], *, currency: str) -> dict[str, Any]:
    """The transaction in an event's values, its amount in the smallest unit."""
    transaction: dict[str, Any] = {
        name: data[name]
        for name in ("currency", "channel", "items", "quantity")
        if data.get(name) is not None
    }
    for name in AMOUNTS:
        value = data.get(name)
        if (
            isinstance(value, int | Decimal)
            and not isinstance(value, bool)
            and 0 <= value <= MAX_SAFE_INTEGER // 1000
        ):
            transaction["amount"] = smallest(Decimal(value), currency)
            break
    return transaction
