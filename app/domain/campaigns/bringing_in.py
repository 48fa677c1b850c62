"""Campaigns of another system, with the past they had there: today's rules start, move and fill in nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from app.db.database import FetchedRow, Transaction
from app.domain import inputs
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.due import tell_worker
from app.domain.campaigns.fields import WINDOW, CampaignFields, check_budget
from app.domain.campaigns.history import note_status
from app.domain.campaigns.operations import check_slug
from app.domain.campaigns.references import KINDS, check_references
from app.domain.campaigns.windows import AskedWindow, CampaignWindow, initial_status, window_of
from app.domain.groups.finding import StoreFacts, store_to_write
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound
from app.tables.campaigns import CampaignStatus
from app.values.changes import UNSET, sent
from app.values.instants import end_of, start_of, zone_of
from app.values.money import is_currency

_LOCK = f"SELECT * FROM campaign WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 FOR NO KEY UPDATE"
_STORE = """
SELECT store.id, coalesce(store.time_zone, customer_group.time_zone) AS zone, customer_group.currency
  FROM store JOIN customer_group ON customer_group.id = store.group_id
 WHERE store.group_id = $1 AND store.id = $2
"""
# What keeps a campaign's store and currency: what was counted under them.
_COUNTED = """
SELECT EXISTS (SELECT FROM campaign_metric WHERE group_id = $1 AND campaign_id = $2)
    OR EXISTS (SELECT FROM spend_limit WHERE group_id = $1 AND campaign_id = $2 AND amount IS NOT NULL)
"""
_TEMPLATE = "SELECT EXISTS (SELECT FROM campaign WHERE group_id = $1 AND id = $2)"
_DEFAULTS: dict[str, Any] = {
    "type": "promotion", "objective": "unspecified", "is_explicit": True, "is_template": False, "channels": [],
    "total_rewards": 0,
}  # fmt: skip
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPast:
    """What became of a campaign elsewhere. None: not known."""

    created_at: datetime | None = None
    updated_at: datetime | None = None
    activated_at: datetime | None = None
    deleted_at: datetime | None = None
    status: CampaignStatus | None = None
    is_active: bool | None = None
    """Where the system shows no more of the status than that."""
    currency: str | None = None
    template_id: int | None = None
    """The campaign it was copied from."""


async def bring_in_campaign(
    tx: Transaction,
    campaign_id: int | None,
    given: CampaignFields,
    past: CampaignPast,
    *,
    store_id: int | None = None,
    now: datetime,
) -> int:
    """Make a campaign as it was elsewhere, or bring one here to what it was there; its id.

    What is not given stays, `updated_at` too. Several systems may know the same campaign: one that shows a day does
    not undo the instant another one shows of it. Nothing is written where it is like that already.
    """
    values = written(given, without=WINDOW)
    row = None
    only_named = False
    if campaign_id is not None:
        row = await tx.fetchrow(_LOCK, *borders(tx.scope), campaign_id)
        if row is None:
            raise NotFound("campaign", campaign_id, path=["id"])
        only_named = row["deleted_at"] == row["created_at"]
        row = None if only_named else row
    store = await _store(tx, store_id if store_id is not None or row is None else row["store_id"])
    check_slug({**({} if row is None else _columns(row, ("slug", "integration_id"))), **values})
    brought = await check_references(
        tx, {name: values.get(name) for name in KINDS if name in values}, store_id=store.id
    )
    if past.template_id is not None and not await tx.fetchval(_TEMPLATE, tx.scope.group_id, past.template_id):
        raise NotFound("campaign", past.template_id, path=["template"])
    for column, implied in (("project_id", brought.project_id), ("partner_id", brought.partner_id)):
        if implied is not None and (row is None or row[column] is None):
            values.setdefault(column, implied)
    values["store_id"] = store.id
    values["currency"] = _currency(past, row, brought.currency, store)
    check_budget(values, values["currency"])
    window = _window(given, row, zone=store.zone, now=now)
    values |= {name: getattr(window, name) for name in ("starts_at", "ends_at", "starts_on", "ends_on")}
    values |= _past(past, row, window, now=now)
    if row is None:
        return await _insert(tx, values, into=campaign_id if only_named else None, now=now)
    changed = {name: value for name, value in values.items() if value != row[name]}
    for column, word in (("currency", "currency"), ("store_id", "store")):
        if column in changed and await tx.fetchval(_COUNTED, tx.scope.group_id, row["id"]):
            raise Conflict(
                f"Its figures are counted under another {word} already; it cannot be changed any more.",
                path=[word],
                code=f"WRONG_{word.upper()}",
            )
    if changed:
        await update_row(tx, "campaign", row["id"], changed)
        if "status" in changed:
            became = {**dict(row), **changed}
            await _note_status(tx, row["id"], became, now=now)
        if not {"status", *WINDOW}.isdisjoint(changed):
            await tell_worker(tx)
    return int(row["id"])


async def bring_in_named(tx: Transaction, name: str, *, now: datetime) -> int:
    """A place for a campaign of which only its id elsewhere is known: nobody sees it, and it is filled in when the
    campaign itself comes in. It is deleted at the instant it was made, as no other is.
    """
    store = await _store(tx, None)
    values = {"name": name, "is_template": True, "status": CampaignStatus.DRAFT, "store_id": store.id}
    return await insert_row(
        tx, "campaign",
        {**_DEFAULTS, **values, "currency": store.currency, "created_at": now, "updated_at": now, "deleted_at": now},
    )  # fmt: skip


async def _insert(tx: Transaction, values: dict[str, Any], *, into: int | None, now: datetime) -> int:
    if not values.get("name"):
        raise Invalid("A campaign needs a name.", path=path_of(CampaignFields, "name"))
    values.setdefault("created_at", now)
    values.setdefault("updated_at", values["created_at"])
    if into is None:
        ident = await insert_row(tx, "campaign", {**_DEFAULTS, **values})
    else:
        ident = into
        await update_row(
            tx, "campaign", into, {**_DEFAULTS, "is_template": False, "deleted_at": None, **values}
        )
    await _note_status(tx, ident, values, now=now)
    await tell_worker(tx)
    return ident


async def _note_status(tx: Transaction, ident: int, values: Mapping[str, Any], *, now: datetime) -> None:
    """Write down the status it comes with. Where that dates from an edge of its window, the clock made it."""
    status, since = CampaignStatus(values["status"]), _since(values, now=now)
    edge = {CampaignStatus.ACTIVE: "starts_at", CampaignStatus.COMPLETED: "ends_at"}.get(status)
    by_clock = status is CampaignStatus.SCHEDULED or (edge is not None and values.get(edge) == since)
    await note_status(tx, ident, status, since=since, by_clock=by_clock, now=now)


def _since(values: Mapping[str, Any], *, now: datetime) -> datetime:
    """From when it has the status it comes with, as far as that is known."""
    if values["status"] == CampaignStatus.ACTIVE:
        known = values.get("activated_at")
    elif values["status"] == CampaignStatus.COMPLETED:
        known = values.get("ends_at")
    else:
        known = values.get("updated_at")
    return min(now, known) if known is not None else now


async def _store(tx: Transaction, store_id: int | None) -> StoreFacts:
    """The one named, a deleted one as well; else the scope's or the default one."""
    if store_id is None or tx.scope.store_id is not None:
        return await store_to_write(tx, store_id)
    row = await tx.fetchrow(_STORE, tx.scope.group_id, store_id)
    if row is None:
        raise NotFound("store", store_id, path=["store"])
    return StoreFacts(row["id"], zone_of(row["zone"]), row["currency"])


def _currency(past: CampaignPast, row: FetchedRow | None, brought: str | None, store: StoreFacts) -> str:
    if past.currency is not None:
        if not is_currency(past.currency):
            raise Invalid("A currency is three capital letters like EUR.", path=["currency"])
        return past.currency
    return str(row["currency"]) if row is not None else brought or store.currency


def _past(
    past: CampaignPast, row: FetchedRow | None, window: CampaignWindow, *, now: datetime
) -> dict[str, Any]:
    told = {one.name: getattr(past, one.name) for one in fields(past)}
    values = {
        name: inputs.moment(told[name], [name]) if isinstance(told[name], datetime) else told[name]
        for name in ("created_at", "updated_at", "activated_at", "deleted_at", "template_id")
        if told[name] is not None
    }
    was = None if row is None else CampaignStatus(row["status"])
    known_active = values.get("activated_at") or (None if row is None else row["activated_at"])
    status = past.status or _status(past.is_active, was, window, activated=known_active is not None, now=now)
    values["status"] = status
    if status is CampaignStatus.ACTIVE and known_active is None:
        created = values.get("created_at") or (now if row is None else row["created_at"])
        # Nothing was active before it was made, nor before it began.
        values["activated_at"] = min(now, max(created, window.starts_at or created))
    return values


def _status(
    is_active: bool | None,
    was: CampaignStatus | None,
    window: CampaignWindow,
    *,
    activated: bool,
    now: datetime,
) -> CampaignStatus:
    """What it was, as far as it goes with what is known; else what follows from its window."""
    if was is not None and (is_active is None or is_active == (was is CampaignStatus.ACTIVE)):
        return was
    if is_active:
        return CampaignStatus.ACTIVE
    by_window = initial_status(window, now=now)
    if is_active is None or by_window is not CampaignStatus.ACTIVE:
        return by_window
    return CampaignStatus.PAUSED if activated else CampaignStatus.DRAFT


def _window(given: CampaignFields, row: FetchedRow | None, *, zone: tzinfo, now: datetime) -> CampaignWindow:
    """Both edges: what is given, else what is there; of a day and an instant of it the one that says more."""
    there = dict.fromkeys(WINDOW) if row is None else _columns(row, tuple(WINDOW))
    start_day, start = _edge(given.starts_on, given.starts_at, there["starts_on"], there["starts_at"], zone)
    end_day, end = _edge(given.ends_on, given.ends_at, there["ends_on"], there["ends_at"], zone, ends=True)
    if start is not None and start == end and start_day is None and end_day is None:
        return CampaignWindow(starts_at=start, ends_at=end)  # Nobody could make it today: it holds no moment.
    return window_of(
        AskedWindow(starts_on=start_day, starts_at=start, ends_on=end_day, ends_at=end),
        zone=zone,
        now=now,
    )


def _edge(
    asked_day: Any,
    asked: Any,
    day: date | None,
    instant: datetime | None,
    zone: tzinfo,
    *,
    ends: bool = False,
) -> tuple[date | None, datetime | None]:
    """An edge as a day or an instant.

    Systems that print days print an instant's day, others a day's first or last second.
    """
    if asked_day is UNSET and asked is UNSET:
        return (day, None) if day is not None else (None, instant)
    new_day, new = sent(asked_day), sent(asked)
    if new is not None and new_day is None and day is not None and new == _second(day, zone, ends=ends):
        return day, None
    if new_day is not None and new is None and day is None and instant is not None:
        if instant == _second(new_day, zone, ends=ends):
            return new_day, None
        if _day(instant, zone, ends=ends) == new_day:
            return None, instant
    return new_day, new


def _second(day: date, zone: tzinfo, *, ends: bool) -> datetime:
    """The instant that stands for the day."""
    try:
        return end_of(day, zone) - _SECOND if ends else start_of(day, zone)
    except (ValueError, OverflowError):
        raise Invalid("The day must lie between 0001-01-02 and 9999-12-30.", path=["endsOn"]) from None


def _day(instant: datetime, zone: tzinfo, *, ends: bool) -> date:
    """The day that stands for the instant; an end is exclusive."""
    return (instant - timedelta(microseconds=1) if ends else instant).astimezone(zone).date()


def _columns(row: FetchedRow, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
