"""Rows of campaigns: each makes a campaign, or changes the one that has its external id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.lifecycle import RULES, Move
from app.domain.campaigns.operations import create_campaign, move_campaign
from app.domain.external_ids import make_room, rows_known_as, set_ids
from app.errors import Conflict, Invalid, NotFound
from app.importing.customers import stores_of
from app.importing.reading import FileLine
from app.importing.values import RowReader, day_or_instant, document, exact, text, texts
from app.tables.campaigns import CampaignStatus, CampaignType, Objective
from app.values.changes import UNSET
from app.values.systems import CRM

COLUMNS = (
    "external_id", "name", "description", "type", "objective", "status", "channels", "segment", "store",
    "start_date", "end_date", "budget", "logo_url", "content", "subject", "body", "cta_text", "cta_url",
)  # fmt: skip
_ALIVE = "SELECT id FROM campaign WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_STATUS = "SELECT status FROM campaign WHERE group_id = $1 AND id = $2"


async def write(tx: Transaction, line: FileLine, *, now: datetime) -> None:
    """Make or change one campaign."""
    row = RowReader(line.values)
    external_id = row.take("external_id", text, "id")
    if not external_id:
        raise Invalid(
            "`external_id` names the campaign, as the system it comes from knows it.", path=["external_id"]
        )
    store = row.take("store", text, "store_id")
    segment = row.take("segment", _named, "segment_id")
    status = row.take("status", _status)
    content = row.take("content", document) or {}
    schedule = row.take("schedule", document) or {}
    if not isinstance(content, dict) or not isinstance(schedule, dict):
        raise Invalid("`content` and `schedule` are objects.", path=["content"])
    row.rest |= {name: value for name, value in {**content, **schedule}.items() if name not in row.rest}
    start = row.take("start_date", day_or_instant, "starts_at", "starts_on")
    end = row.take("end_date", day_or_instant, "ends_at", "ends_on")
    values: dict[str, Any] = {
        "name": row.take("name", text),
        "description": row.take("description", text),
        "type": row.take("type", _kind),
        "objective": row.take("objective", _objective, "goal"),
        "channels": row.take("channels", texts),
        "budget_total": row.take("budget", exact, "budget_total"),
        "logo_url": row.take("logo_url", text),
        **{name: row.take(name, text) for name in ("subject", "body", "cta_text", "cta_url")},
        "segment_id": None if segment is None else await _segment(tx, segment),
        "starts_at" if isinstance(start, datetime) else "starts_on": start,
        "ends_at" if isinstance(end, datetime) else "ends_on": end,
    }
    for ignored in ("metrics", "created_at"):  # legacy lists print these; here they are counted
        row.rest.pop(ignored, None)
    row.nothing_left(COLUMNS)
    fields = CampaignFields(**{name: UNSET if value is None else value for name, value in values.items()})
    named = (await rows_known_as(tx, "camp", CRM, [external_id])).get(external_id)
    known = None if named is None else await tx.fetchval(_ALIVE, tx.scope.group_id, named)
    if known is None:
        await make_room(tx, "camp", CRM, [external_id])
        store_id = await _store(tx, line, store)
        known = await create_campaign(
            tx, fields, store_id=store_id, draft=status is CampaignStatus.DRAFT, now=now
        )
        await set_ids(tx, "camp", {known: {CRM: external_id}})
    else:
        await update_campaign(tx, known, fields, now=now)
    if status is not None:
        await _bring_to(tx, known, status, now=now)


async def _bring_to(tx: Transaction, campaign_id: int, status: CampaignStatus, *, now: datetime) -> None:
    """Bring the campaign to the status it had, by the transitions anybody can make."""
    for _ in range(3):
        current = CampaignStatus(await tx.fetchval(_STATUS, tx.scope.group_id, campaign_id))
        if current is status:
            return
        steps = [move for move, rule in RULES.items() if current in rule.origins and rule.target is status]
        if not steps and status in (CampaignStatus.PAUSED, CampaignStatus.COMPLETED):
            steps = [Move.ACTIVATE]
        if not steps:
            break
        await move_campaign(tx, campaign_id, steps[0], now=now)
    raise Conflict(f"A campaign that is {current} by its dates cannot be {status}.", path=["status"])


async def _segment(tx: Transaction, name: str) -> int:
    found = (await rows_known_as(tx, "seg", CRM, [name])).get(name)
    if not isinstance(found, int):
        raise NotFound("segment", name, path=["segment"])
    return found


async def _store(tx: Transaction, line: FileLine, store: str | None) -> int | None:
    if store is None:
        return None
    found = (await stores_of(tx, [line])).get(store)
    if found is None:
        raise NotFound("store", store, path=["store"])
    return found


def _named(value: Any, name: str) -> str:
    """An id, or an object that has one."""
    return text(value.get("id") if isinstance(value, dict) else value, name)


def _status(value: Any, name: str) -> CampaignStatus:
    return CampaignStatus(_one_of(list(CampaignStatus), value, name))


def _kind(value: Any, name: str) -> CampaignType:
    return CampaignType(_one_of(list(CampaignType), value, name))


def _objective(value: Any, name: str) -> Objective:
    return Objective(_one_of(list(Objective), value, name))


def _one_of(codes: Sequence[str], value: Any, name: str) -> str:
    word = text(value, name).lower()
    if word not in codes:
        raise Invalid(f"`{name}` is one of {', '.join(codes)}.", path=[name])
    return word
