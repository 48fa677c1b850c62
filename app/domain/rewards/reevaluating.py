"""Judging again what a campaign decided: one event, or a stretch of time.

Each evaluation is judged by the flows and goals as they are now, with what was known about the customer and the
purchase when it was first judged. Where that comes to something else, a next revision is written in its place: what the
older one paid is taken back by lines of its own, what the new one pays is another line. Both stay visible.

Nothing is paid twice, however many ask at once or go on after a crash: an evaluation is looked at under the lock of its
campaign, only where nothing has replaced it yet, and (event, campaign, revision) is a unique key. A page, how far the
question is, and what it wrote are one transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.rewards.attributes import Facts
from app.domain.rewards.booking import Judged, held_balances, hold, write_judged
from app.domain.rewards.judging import (
    Decision,
    Due,
    RewardLine,
    Trigger,
    balance_sign,
    due,
    enter,
    settle_due,
    take_back,
)
from app.domain.rewards.living import closed, moment_of
from app.domain.rewards.lots import Account
from app.domain.rewards.occurrences import Occurrence
from app.domain.rewards.of_sales import follow_sales, lessened
from app.domain.rewards.programme import REDEEM, Programme
from app.domain.rewards.reading import Running, fill_books, lock_running, only, revenue_of
from app.domain.rewards.reversing import undo
from app.errors import Conflict, Invalid, NotFound
from app.tables.rewards import Reconsidered, RewardOutcome
from app.values.ids import show_id
from app.values.instants import show_instant
from app.values.json_text import write_json

PAGE = 200
"""Evaluations that are looked at in one transaction, which holds their campaign meanwhile."""
AT_ONCE = 500
"""As many are judged at once, by the request itself; more are the worker's."""
MOST_SHOWN = 100
MOST_PREVIEWED = 1_000
"""A preview is one transaction, which is undone; the campaign's events wait for it."""
_read = msgspec.json.Decoder(float_hook=Decimal).decode


_O = RewardOutcome
OUTCOMES: Mapping[Reconsidered, frozenset[RewardOutcome]] = {
    Reconsidered.CLOCK: frozenset({_O.NOT_LIVE}),
    Reconsidered.PAUSE: frozenset({_O.NOT_LIVE}),
    Reconsidered.CONFIGURATION: frozenset({_O.NO_FLOW, _O.NOT_MET, _O.NOTHING_DUE}),
    Reconsidered.LIMITS: frozenset({_O.LIMIT_REACHED, _O.TRIMMED, _O.NO_BALANCE}),
    Reconsidered.ALL: frozenset(_O),
}

_CAMPAIGN = f"""
SELECT campaign.id FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL AND campaign.reward_type IS NOT NULL
"""
_OF_EVENT = f"""
SELECT DISTINCT campaign.id FROM campaign
  JOIN reward_evaluation v ON v.group_id = $1 AND v.campaign_id = campaign.id AND v.event_id = $4
 WHERE {CAMPAIGN_BORDERS} AND campaign.deleted_at IS NULL AND campaign.reward_type IS NOT NULL
   AND ($5::bigint IS NULL OR campaign.id = $5)
 ORDER BY campaign.id
"""
_WHICH = """
 v.group_id = $1 AND v.campaign_id = $2 AND v.replaced_by_id IS NULL AND v.id > $3 AND v.id < $4
   AND v.outcome = ANY ($5) AND ($6::uuid IS NULL OR v.event_id = $6)
   AND ($7::timestamptz IS NULL OR v.occurred_at >= $7) AND ($8::timestamptz IS NULL OR v.occurred_at < $8)
"""
_COUNT = f"SELECT count(*) FROM (SELECT FROM reward_evaluation v WHERE {_WHICH} LIMIT $9) AS found"
_PAGE = f"""
SELECT v.id, v.event_id, v.customer_id, v.reference, v.trigger_code, v.custom_trigger_id, v.occurred_at, v.revision,
       v.inputs::text AS inputs, v.outcome, v.wanted, v.amount, v.asked_back, v.taken_back, e.received_at AS told_at,
       (SELECT json_agg(json_build_array(p.flow, p.action, p.partner_id, p.amount) ORDER BY p.position)
          FROM reward_entry p WHERE p.group_id = $1 AND p.evaluation_id = v.id AND p.step = v.id)::text AS lines
  FROM reward_evaluation v JOIN event e ON e.group_id = $1 AND e.id = v.event_id
 WHERE {_WHICH}
 ORDER BY v.id LIMIT $9
"""
_ASK = """
INSERT INTO reward_reevaluation (group_id, campaign_id, event_id, since, until, what, is_preview, end_id, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7,
       (SELECT coalesce(max(id), 0) + 1 FROM reward_evaluation WHERE group_id = $1 AND campaign_id = $2), $8
RETURNING id
"""
# After its campaign: whoever goes on with it holds both.
_HELD = """
SELECT * FROM reward_reevaluation WHERE group_id = $1 AND id = $2 AND state = 'waiting' FOR UPDATE
"""
_WHOSE = "SELECT campaign_id FROM reward_reevaluation WHERE group_id = $1 AND id = $2 AND state = 'waiting'"
_NOTE = """
UPDATE reward_reevaluation
   SET last_id = $3, looked_at = $4, differing = $5, skipped = $6, paid_before = $7, paid_after = $8,
       differences = $9::json, state = $10::text, failure = $11,
       finished_at = CASE WHEN $10::text = 'waiting' THEN NULL ELSE $12::timestamptz END
 WHERE group_id = $1 AND id = $2
"""
_REPLACED = """
UPDATE reward_evaluation SET replaced_by_id = $3 WHERE group_id = $1 AND id = $2 AND replaced_by_id IS NULL
"""
_TAKEN_BACK = "SELECT taken_back FROM reward_evaluation WHERE group_id = $1 AND id = $2"
_OPEN = "SELECT id FROM reward_reevaluation WHERE group_id = $1 AND state = 'waiting' ORDER BY id"


@dataclass(slots=True)
class Progress:
    """How far judging again is, and what has come of it."""

    last_id: int = 0
    looked_at: int = 0
    differing: int = 0
    skipped: int = 0
    paid_before: int = 0
    paid_after: int = 0
    differences: list[dict[str, Any]] | None = None


async def ask(
    tx: Transaction,
    *,
    campaign_id: int | None,
    event_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    what: Collection[Reconsidered],
    is_preview: bool,
    now: datetime,
) -> list[int]:
    """Have decisions judged again: an event's, of all campaigns or one, or a campaign's of a stretch of time.

    The questions' ids, one for each campaign. Few are judged at once; others wait for `go_on`.
    """
    if not what:
        raise Invalid("Say what is to be judged again.", path=["what"])
    if event_id is not None:
        if since is not None or until is not None:
            raise Invalid("An event stands for itself; leave out `since` and `until`.", path=["since"])
        rows = await tx.fetch(_OF_EVENT, *borders(tx.scope), event_id, campaign_id)
        if not rows:
            raise NotFound("event that was evaluated", show_id("event", event_id), path=["eventId"])
        campaigns = [row["id"] for row in rows]
    else:
        if campaign_id is None:
            raise Invalid("Name an event or a campaign.", path=["campaignId"])
        if await tx.fetchval(_CAMPAIGN, *borders(tx.scope), campaign_id) is None:
            raise NotFound("reward campaign", show_id("camp", campaign_id), path=["campaignId"])
        if since is None or until is None or until <= since:
            raise Invalid(
                "A campaign is judged again from `since` to `until`, which is later.", path=["until"]
            )
        campaigns = [campaign_id]
    running = await lock_running(tx, campaigns)
    made: list[int] = []
    for campaign in campaigns:
        ident = await tx.fetchval(
            _ASK, tx.scope.group_id, campaign, event_id, since, until, sorted(what), is_preview, now
        )
        made.append(int(ident))
        asked = await tx.fetchrow(_HELD, tx.scope.group_id, ident)
        size = await tx.fetchval(_COUNT, *_which(tx, asked), MOST_PREVIEWED + 1)
        if is_preview and size > MOST_PREVIEWED:
            raise Invalid(
                f"A preview looks at {MOST_PREVIEWED} decisions at most; take a shorter stretch of time.",
                path=["until"],
                code="TOO_MUCH",
            )
        if is_preview or size <= AT_ONCE:
            await _all_at_once(tx, asked, running, now=now)
    return made


async def open_questions(tx: Transaction) -> list[int]:
    """What waits to be gone on with in this group, oldest first."""
    return [row["id"] for row in await tx.fetch(_OPEN, tx.scope.group_id)]


async def go_on(tx: Transaction, ident: int, *, now: datetime) -> bool:
    """Judge the next page of this question; whether there is more. For a transaction of its own."""
    campaign = await tx.fetchval(_WHOSE, tx.scope.group_id, ident)
    if campaign is None:
        return False
    running = await lock_running(tx, [campaign])
    asked = await tx.fetchrow(_HELD, tx.scope.group_id, ident)
    if asked is None:
        return False
    state = _state_of(asked)
    if campaign not in running:
        await _note(tx, ident, state, "failed", now=now, failure="The campaign is deleted.")
        return False
    more = await _page(tx, asked, state, only(running, campaign), now=now)
    await _note(tx, ident, state, "waiting" if more else "done", now=now)
    return more


async def _all_at_once(tx: Transaction, asked: Any, running: Mapping[int, Running], *, now: datetime) -> None:
    state = _state_of(asked)
    # A preview is the very same, undone.
    async with tx.savepoint(keep=not asked["is_preview"]):
        one = only(running, asked["campaign_id"])
        while await _page(tx, asked, state, one, now=now):
            one = (await lock_running(tx, [asked["campaign_id"]]))[asked["campaign_id"]]
    await _note(tx, asked["id"], state, "done", now=now)


def _which(tx: Transaction, asked: Any, *, after: int = 0) -> list[Any]:
    outcomes = {one for name in asked["what"] for one in OUTCOMES[Reconsidered(name)]}
    return [
        tx.scope.group_id, asked["campaign_id"], after, asked["end_id"], sorted(outcomes), asked["event_id"],
        asked["since"], asked["until"],
    ]  # fmt: skip


def _state_of(asked: Any) -> Progress:
    return Progress(
        asked["last_id"], asked["looked_at"], asked["differing"], asked["skipped"], asked["paid_before"],
        asked["paid_after"], list(asked["differences"] or []) if not isinstance(asked["differences"], str)
        else msgspec.json.decode(asked["differences"]),
    )  # fmt: skip


async def _note(
    tx: Transaction, ident: int, state: Progress, name: str, *, now: datetime, failure: str | None = None
) -> None:
    await tx.execute(
        _NOTE, tx.scope.group_id, ident, state.last_id, state.looked_at, state.differing, state.skipped,
        state.paid_before, state.paid_after, write_json(state.differences or []).decode(), name, failure, now,
    )  # fmt: skip


# ── a page ────────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Old:
    """A decision that is looked at."""

    row: Any
    lines: Sequence[RewardLine]
    facts: Facts
    """Everything that is known, and whether the campaign was live by its own date."""
    asked: Due | None = None

    def due(self, programme: Programme) -> Due:
        """What it is worth now, without limits."""
        if self.asked is None:
            row = self.row
            trigger = Trigger(row["trigger_code"], row["custom_trigger_id"], row["occurred_at"])
            self.asked = due(programme, trigger, self.facts)
        return self.asked

    @property
    def decision(self) -> Decision:
        return Decision(RewardOutcome(self.row["outcome"]), self.row["wanted"], list(self.lines), None)


async def _page(tx: Transaction, asked: Any, state: Progress, one: Running, *, now: datetime) -> bool:
    """Judge the next decisions; whether there are more."""
    rows = await tx.fetch(_PAGE, *_which(tx, asked, after=state.last_id), PAGE)
    await fill_books(tx, {one.programme.campaign_id: one}, {row["customer_id"] for row in rows})
    lifts = Reconsidered.PAUSE in asked["what"]
    olds = [_old(row, one, lifts_pauses=lifts) for row in rows]
    sales = await lessened(tx, {row["event_id"] for row in rows})
    # All at once, so that nobody who holds several of them waits for one another.
    await held_balances(
        tx,
        {account for old in olds if not old.row["asked_back"] for account in _accounts(old, one.programme)},
    )
    for old in olds:
        row = old.row
        state.last_id = row["id"]
        state.looked_at += 1
        state.paid_before += row["amount"] - row["taken_back"]
        if row["asked_back"]:
            # What was taken back, as a whole or in part, is somebody's decision of its own.
            state.skipped += 1
            state.paid_after += row["amount"] - row["taken_back"]
            continue
        one = await _again(tx, asked["id"], old, one, state, sale=sales.get(row["event_id"]), now=now)
    return len(rows) == PAGE


def _old(row: Any, one: Running, *, lifts_pauses: bool) -> _Old:
    facts: Facts = _read(row["inputs"])
    # A pause that was lifted once stays lifted.
    was_lifted = row["revision"] > 1 and facts["campaign"].get("closed") is None
    moment = moment_of(row["occurred_at"], told_at=row["told_at"])
    why = closed(
        one.row, one.history, moment, told_at=row["told_at"], lifts_pauses=lifts_pauses or was_lifted
    )
    known = {**facts, "campaign": {**facts["campaign"], "closed": why}}
    lines = [] if row["lines"] is None else [RewardLine(*line) for line in _read(row["lines"])]
    return _Old(row, lines, known)


async def _again(
    tx: Transaction,
    ident: int,
    old: _Old,
    one: Running,
    state: Progress,
    *,
    sale: str | None,
    now: datetime,
) -> Running:
    """Judge one decision again; the campaign with its books as they are then.

    `sale`: the order it is for, where that does not stand as a whole.
    """
    row, programme, books = old.row, one.programme, one.books
    customer, revenue = row["customer_id"], revenue_of(old.facts)
    asked = old.due(programme)
    if programme.reward_type == REDEEM or row["amount"]:
        await hold(tx, _accounts(old, programme), {programme.campaign_id: one})
    if row["amount"]:
        take_back(old.lines, books, customer_id=customer, revenue=revenue, sign=balance_sign(programme))
    without = _as_booked(one)
    decision = settle_due(programme, asked, books, customer_id=customer, revenue=revenue)
    if _same(old.decision, decision):
        enter(programme, old.decision, books, customer_id=customer, revenue=revenue)
        state.paid_after += row["amount"]
        return one
    state.differing += 1
    try:
        async with tx.savepoint():
            moved, may_owe = await undo(tx, row["id"], programme.campaign_id, whole=True, now=now)
            enter(programme, decision, books, customer_id=customer, revenue=revenue)
            given = Occurrence(
                reference=row["reference"], trigger_code=row["trigger_code"],
                custom_trigger_id=row["custom_trigger_id"], customer_id=customer, occurred_at=row["occurred_at"],
            )  # fmt: skip
            judged = Judged(without, given, row["event_id"], old.facts, decision, row["revision"] + 1, ident)
            made = await write_judged(tx, [judged], now=now, besides=moved, may_owe=may_owe)
            new = made[row["event_id"], programme.campaign_id]
            if not await tx.execute(_REPLACED, tx.scope.group_id, row["id"], new):
                raise Conflict("It was judged again at the same moment.", code="CAMPAIGN_CHANGED")
    except Conflict as conflict:
        if conflict.reason != "BALANCE_SPENT":
            raise
        # Less than before cannot be paid: the customer has spent it.
        state.skipped += 1
        state.differing -= 1
        state.paid_after += row["amount"]
        return await _fresh(tx, one, customer)
    paid = decision.amount
    if sale is not None and paid:
        # The order was cancelled, or given back in part, before.
        await follow_sales(tx, [sale], [programme.campaign_id], evaluations=[new], now=now)
        paid -= await tx.fetchval(_TAKEN_BACK, tx.scope.group_id, new)
    state.paid_after += paid
    _show(state, old, decision, paid)
    return _as_booked(without) if paid == decision.amount else await _fresh(tx, one, customer)


async def _fresh(tx: Transaction, one: Running, customer: int) -> Running:
    """The campaign with its books as they are now."""
    campaign = one.programme.campaign_id
    fresh = (await lock_running(tx, [campaign]))[campaign]
    await fill_books(tx, {campaign: fresh}, set(one.books.rewarded) | {customer})
    return fresh


def _accounts(old: _Old, programme: Programme) -> set[Account]:
    """The balances that judging it again may move."""
    lines = (*old.due(programme).lines, *old.lines)
    return {(old.row["customer_id"], line.partner_id, programme.currency) for line in lines}


def _as_booked(one: Running) -> Running:
    """The campaign as its books say: what was written since it was read is in its row."""
    books = one.books
    counts = {
        "total_rewards": books.paid,
        "reward_participants": books.participants,
        "reward_transactions": books.transactions,
        "reward_revenue": books.revenue,
    }
    return replace(one, row={**dict(one.row), **counts})


def _same(old: Decision, new: Decision) -> bool:
    return (old.outcome, old.lines) == (new.outcome, new.lines)


def _show(state: Progress, old: _Old, decision: Decision, paid: int) -> None:
    state.differences = state.differences or []
    if len(state.differences) < MOST_SHOWN:
        state.differences.append(
            {
                "evaluation": show_id("reward", old.row["id"]),
                "reference": old.row["reference"],
                "occurredAt": show_instant(old.row["occurred_at"]),
                # As the graph writes them elsewhere.
                "outcomeBefore": RewardOutcome(old.row["outcome"]).name,
                "outcomeAfter": decision.outcome.name,
                "paidBefore": old.row["amount"],
                "paidAfter": paid,
            }
        )
