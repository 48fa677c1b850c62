"""Campaigns: a row makes one, or changes the one that has its id.

What a record may say, beside every column of `CampaignFields` by its name (`reward_type`, `is_template`, `slug` …):

    store segment project integration partner partnership template
                     others' rows, by what the record's systems call them, or an object that has that as its `id`
    starts_at starts_on ends_at ends_on, or start_date end_date
                     a day or an instant, whichever it is
    content schedule objects of further columns (`subject`, `cta_url` …)
    currency
    status           as it was; or is_active, where a system shows no more than that
    created_at updated_at activated_at
    deleted          the instant, or true

A record that a system printed, or a row that tells one of the last, goes in as it was: no date is filled in, no
move is made, and `updated_at` stays where it says none. Other rows are written as anybody would write them today.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain.campaigns.bringing_in import CampaignPast, bring_in_campaign, bring_in_named
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import WINDOW, CampaignFields
from app.domain.campaigns.lifecycle import RULES, Move
from app.domain.campaigns.operations import create_campaign, move_campaign
from app.domain.settable import settable_fields
from app.errors import Conflict, Failure, Invalid, NotFound
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.stores import some_store, store_named
from app.importing.knowing import before_made, give_ids, known_row, named_row, named_rows
from app.importing.records import Columns, Outcome, Record, Verdict
from app.importing.values import (
    RowReader,
    day_or_instant,
    document,
    exact,
    flag,
    instant,
    one_of,
    text,
    texts,
    whole,
)
from app.tables.campaigns import CampaignStatus, CampaignType, Objective
from app.values.changes import UNSET
from app.values.ids import read_id
from app.values.systems import read_own

# One that is deleted since it was made only holds a place (`bring_in_named`).
_ALIVE = """
SELECT id FROM campaign
 WHERE group_id = $1 AND id = $2 AND ($3 OR deleted_at IS NULL OR deleted_at = created_at)
"""
_STATUS = "SELECT status FROM campaign WHERE group_id = $1 AND id = $2"
_STATE = "SELECT md5(to_jsonb(c)::text) FROM campaign c WHERE group_id = $1 AND id = $2"
_WAS = f"{_STATE} AND deleted_at IS DISTINCT FROM created_at"
_STATE_BUT_WHEN = (
    "SELECT md5((to_jsonb(c) - 'updated_at')::text) FROM campaign c WHERE group_id = $1 AND id = $2"
)
_REFERENCES = {
    "segment": ("seg", "segment"),
    "project": ("proj", "project"),
    "integration": ("intg", "integration"),
    "partner": ("part", "partner"),
    "partnership": ("pship", "partnership"),
}
"""What a record calls it → its kind, and its name for people. The column ends in `_id`."""
_HISTORY = frozenset({"created_at", "updated_at", "activated_at", "deleted", "is_active"})


class CampaignWriter:
    """Makes or changes campaigns, one by one: a rule that one breaks is no other's."""

    columns = Columns(
        known=(
            "external_id", "name", "description", "type", "objective", "status", "channels", "segment", "store",
            "start_date", "end_date", "budget", "logo_url", "content", "schedule", "subject", "body", "cta_text",
            "cta_url", "period_type", "currency", "project", "integration", "partner", "partnership", "template",
            "slug", "is_explicit", "reward_type", "owner_id", "is_template", "is_active", "created_at", "updated_at",
            "activated_at", "deleted",
        ),
        also={
            "id": "external_id", "segment_id": "segment", "store_id": "store", "goal": "objective",
            "starts_at": "start_date", "starts_on": "start_date", "ends_at": "end_date", "ends_on": "end_date",
            "budget_total": "budget", "project_id": "project", "integration_id": "integration",
            "partner_id": "partner", "partnership_id": "partnership", "template_id": "template",
            "deleted_at": "deleted",
        },
        amounts=frozenset({"budget"}),
        moments=frozenset({"start_date", "end_date", "created_at", "updated_at", "activated_at", "deleted"}),
        history=_HISTORY,
        parts={"metrics": "campaign_totals"},
    )  # fmt: skip

    def __init__(self) -> None:
        self._undated = 0

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be. The oldest goes first."""
        order = sorted(range(len(records)), key=lambda at: _age(records[at], at))
        outcomes: list[Outcome | None] = [None] * len(records)
        # Lists are printed newest first. Where they print no instants, their order is all that tells it; and of
        # campaigns that are no list their numbers.
        newest = [at for at in range(len(records)) if records[at].row.inside]
        newest += [at for at in reversed(order) if not records[at].row.inside]
        for at in order:
            undated = now - timedelta(microseconds=self._undated + newest.index(at))

            async def write(
                tx: Transaction, record: Record, *, now: datetime, made: datetime = undated
            ) -> Verdict:
                return await _write(tx, record, made=made, now=now)

            (outcomes[at],) = await one_by_one(tx, [records[at]], write, now=now)
        self._undated += len(records)
        return [outcome for outcome in outcomes if outcome is not None]


def _age(record: Record, at: int) -> tuple[str, int]:
    """Of two that were made at the same instant the one with the larger number comes later, as in the system itself."""
    numbers = [
        number if number is not None else int(ident)
        for system, ident in record.external_ids.items()
        if (number := read_own(system, "camp", ident)) is not None or (ident.isascii() and ident.isdigit())
    ]
    return str(record.values.get("created_at") or "~"), numbers[0] if numbers else -at


async def _write(tx: Transaction, record: Record, *, made: datetime, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    past, deleted = await _past(tx, row, ids, now=now if record.as_it_was else None)
    named = await known_row(tx, "camp", ids)
    if deleted is not None:
        past["deleted_at"] = deleted if isinstance(deleted, datetime) else now
    store = row.take("store", _named)
    store_id = None if store is None else await store_named(tx, ids, store)
    fields = await _fields(tx, row, ids)
    known = None
    if named is not None:
        known = await tx.fetchval(_ALIVE, tx.scope.group_id, named, deleted is not None)
    if known is None and store is None:
        await some_store(tx, now=now)
    if not record.as_it_was:
        return await _as_today(
            tx,
            known,
            fields,
            ids,
            store_id=store_id,
            status=past["status"],
            currency=past["currency"],
            now=now,
        )
    if deleted is True and known is not None:
        past["deleted_at"] = await tx.fetchval(
            "SELECT coalesce(deleted_at, $3) FROM campaign WHERE group_id = $1 AND id = $2",
            tx.scope.group_id, known, now,
        )  # fmt: skip
    before = None if known is None else await tx.fetchval(_WAS, tx.scope.group_id, known)
    if known is None:
        await before_made(tx, "camp", ids)
    ident = await bring_in_campaign(
        tx, known, fields, CampaignPast(**past), store_id=store_id, now=made if known is None else now
    )
    await give_ids(tx, "camp", ident, ids)
    if before is None:
        return Verdict.MADE
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, ident) else Verdict.CHANGED


async def _as_today(
    tx: Transaction,
    known: int | None,
    fields: CampaignFields,
    ids: Any,
    *,
    store_id: int | None,
    status: CampaignStatus | None,
    currency: str | None,
    now: datetime,
) -> Verdict:
    """Write a row as anybody would write it here, by the moves anybody can make."""
    before = None if known is None else await tx.fetchval(_STATE_BUT_WHEN, tx.scope.group_id, known)
    if known is None:
        await before_made(tx, "camp", ids)
        known = await create_campaign(
            tx, fields, store_id=store_id, draft=status is CampaignStatus.DRAFT, now=now
        )
    else:
        await update_campaign(tx, known, fields, now=now)
    await give_ids(tx, "camp", known, ids)
    if currency is not None:
        await bring_in_campaign(tx, known, CampaignFields(), CampaignPast(currency=currency), now=now)
    if status is not None:
        await _bring_to(tx, known, status, now=now)
    if before is None:
        return Verdict.MADE
    same = before == await tx.fetchval(_STATE_BUT_WHEN, tx.scope.group_id, known)
    return Verdict.SAME if same else Verdict.CHANGED


async def _past(
    tx: Transaction, row: RowReader, ids: Any, *, now: datetime | None
) -> tuple[dict[str, Any], datetime | bool | None]:
    """What it says of its past, and whether it is deleted. With `now` its template may be still to come."""
    template = row.take("template", _named, "template_id")
    past: dict[str, Any] = {
        "status": row.take("status", one_of(CampaignStatus)),
        "is_active": row.take("is_active", flag),
        "currency": row.take("currency", text),
        "created_at": row.take("created_at", instant),
        "updated_at": row.take("updated_at", instant),
        "activated_at": row.take("activated_at", instant),
        "template_id": None if template is None else await _template(tx, ids, template, now=now),
    }
    return past, row.take("deleted", _deleted) or None


async def _template(tx: Transaction, ids: Mapping[str, str], name: str, *, now: datetime | None) -> int:
    """The campaign it was copied from. One that has not come in yet gets a place, which it will fill."""
    found = (await named_rows(tx, "camp", ids, [name])).get(name)
    if isinstance(found, int):
        return found
    if now is None or read_id("camp", name) is not None or ":" in name:
        raise NotFound("campaign", name, path=["template"])
    place = {next(iter(ids)): name}
    await before_made(tx, "camp", place)
    made = await bring_in_named(tx, f"Campaign {name}", now=now)
    await give_ids(tx, "camp", made, place)
    return made


async def _fields(tx: Transaction, row: RowReader, ids: Any) -> CampaignFields:
    content = row.take("content", document) or {}
    schedule = row.take("schedule", document) or {}
    if not isinstance(content, dict) or not isinstance(schedule, dict):
        raise Invalid("`content` and `schedule` are objects.", path=["content"])
    row.rest |= {name: value for name, value in {**content, **schedule}.items() if name not in row.rest}
    start = row.take("start_date", day_or_instant, "starts_at", "starts_on")
    end = row.take("end_date", day_or_instant, "ends_at", "ends_on")
    values: dict[str, Any] = {
        "starts_at" if isinstance(start, datetime) else "starts_on": start,
        "ends_at" if isinstance(end, datetime) else "ends_on": end,
        "budget_total": row.take("budget", exact, "budget_total"),
        "type": row.take("type", one_of(CampaignType)),
        "objective": row.take("objective", one_of(Objective)),
        "channels": row.take("channels", texts),
    }
    for name, (kind, what) in _REFERENCES.items():
        reference = row.take(name, _named, f"{name}_id")
        if reference is not None:
            values[f"{name}_id"] = await named_row(tx, kind, what, ids, reference, name)
    for one in settable_fields(CampaignFields):
        if one.column not in values and one.column not in WINDOW:
            values[one.column] = row.take(one.column, _READ.get(one.kind, text))
    row.nothing_left(CampaignWriter.columns.known)
    return CampaignFields(**{name: UNSET if value is None else value for name, value in values.items()})


_READ: dict[Any, Any] = {bool: flag, int: whole, Decimal: exact}


async def _bring_to(tx: Transaction, campaign_id: int, status: CampaignStatus, *, now: datetime) -> None:
    """Bring the campaign to a status by the transitions anybody can make."""
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


def _named(value: Any, name: str) -> str:
    """An id, or an object that has one."""
    return text(value.get("id") if isinstance(value, dict) else value, name)


def _deleted(value: Any, name: str) -> datetime | bool:
    """When, or whether."""
    try:
        return flag(value, name)
    except Failure:
        return instant(value, name)
