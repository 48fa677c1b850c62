"""Campaigns: a row makes one, or changes the one that has its id."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.campaigns.lifecycle import RULES, Move
from app.domain.campaigns.operations import create_campaign, move_campaign
from app.errors import Conflict, Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.stores import stores_of
from app.importing.knowing import before_made, give_ids, known_row, named_row
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import RowReader, day_or_instant, document, exact, text, texts
from app.tables.campaigns import CampaignStatus, CampaignType, Objective
from app.values.changes import UNSET

_ALIVE = "SELECT id FROM campaign WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_STATUS = "SELECT status FROM campaign WHERE group_id = $1 AND id = $2"
_STATE = "SELECT md5((to_jsonb(c) - 'updated_at')::text) FROM campaign c WHERE group_id = $1 AND id = $2"


class CampaignWriter:
    """Makes or changes campaigns, one by one: a rule that one breaks is no other's."""

    columns = Columns(
        known=(
            "external_id", "name", "description", "type", "objective", "status", "channels", "segment", "store",
            "start_date", "end_date", "budget", "logo_url", "content", "schedule", "subject", "body", "cta_text",
            "cta_url",
        ),
        also={
            "id": "external_id", "segment_id": "segment", "store_id": "store", "goal": "objective",
            "starts_at": "start_date", "starts_on": "start_date", "ends_at": "end_date", "ends_on": "end_date",
            "budget_total": "budget",
        },
        amounts=frozenset({"budget"}),
        moments=frozenset({"start_date", "end_date"}),
        unkept=frozenset({"metrics", "created_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be."""
        return await one_by_one(tx, records, _write, now=now)


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    named = await known_row(tx, "camp", ids)
    store = row.take("store", text)
    segment = row.take("segment", _named)
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
        "objective": row.take("objective", _objective),
        "channels": row.take("channels", texts),
        "budget_total": row.take("budget", exact),
        "logo_url": row.take("logo_url", text),
        **{name: row.take(name, text) for name in ("subject", "body", "cta_text", "cta_url")},
        "segment_id": None
        if segment is None
        else await named_row(tx, "seg", "segment", ids, segment, "segment"),
        "starts_at" if isinstance(start, datetime) else "starts_on": start,
        "ends_at" if isinstance(end, datetime) else "ends_on": end,
    }
    row.nothing_left(CampaignWriter.columns.known)
    fields = CampaignFields(**{name: UNSET if value is None else value for name, value in values.items()})
    known = None if named is None else await tx.fetchval(_ALIVE, tx.scope.group_id, named)
    before = None if known is None else await tx.fetchval(_STATE, tx.scope.group_id, known)
    if known is None:
        store_id = await _store(tx, store)
        await before_made(tx, "camp", ids)
        known = await create_campaign(
            tx, fields, store_id=store_id, draft=status is CampaignStatus.DRAFT, now=now
        )
    else:
        await update_campaign(tx, known, fields, now=now)
    await give_ids(tx, "camp", known, ids)
    if status is not None:
        await _bring_to(tx, known, status, now=now)
    if before is None:
        return Verdict.MADE
    same = before == await tx.fetchval(_STATE, tx.scope.group_id, known)
    return Verdict.SAME if same else Verdict.CHANGED


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


async def _store(tx: Transaction, store: str | None) -> int | None:
    if store is None:
        return None
    found = (await stores_of(tx, [store])).get(store)
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
