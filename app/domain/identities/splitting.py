"""A key goes to somebody of its own, by hand, with what came with it. It stays there whatever is said later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.attribution.keeping import note_sales
from app.domain.borders import CUSTOMER_BORDERS, borders
from app.domain.contacts.saying import settle
from app.domain.customers.operations import whole_audience
from app.domain.identities.counting import COUNTERS, move_sums
from app.domain.identities.holding import giving_way, hold_all
from app.domain.identities.identifying import load_projects
from app.domain.identities.moving import make_paths_again, move_by_keys, move_said
from app.domain.identities.people import EVERYWHERE
from app.domain.identities.values import identity_of
from app.domain.inputs import Path
from app.domain.segments.changes import note_audience_change
from app.errors import Conflict, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class KeyNamed:
    """A key, as somebody names it."""

    project_id: int
    kind: str
    value: str


_BY_ID = (
    "SELECT id, kind, value, project_id, customer_id FROM customer_identity WHERE group_id = $1 AND id = $2"
)
_BY_KEY = """
SELECT id, kind, value, project_id, customer_id FROM customer_identity
 WHERE group_id = $1 AND project_id = $2 AND kind = $3 AND value = $4
"""
_LOCK = f"""
SELECT customer.id, customer.store_id, customer.email, customer.email_key, customer.external_id, customer.phone,
       customer.phone_key, customer.is_phone_told
  FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = $4 AND customer.deleted_at IS NULL FOR UPDATE
"""
_ALL = """
SELECT id, project_id, kind, value, said_with FROM customer_identity
 WHERE group_id = $1 AND customer_id = $2 ORDER BY id FOR UPDATE
"""
_MAKE = """
INSERT INTO customer (group_id, created_at, updated_at, store_id, name, email, email_key, phone, phone_key,
                      is_phone_told)
VALUES ($1, $2, $2, $3, '', $4, $5, $6, $7, $8) RETURNING id
"""
_WITHOUT_EMAIL = (
    "UPDATE customer SET email = NULL, email_key = NULL, updated_at = $3 WHERE group_id = $1 AND id = $2"
)
_WITHOUT_PHONE = """
UPDATE customer SET phone = NULL, phone_key = NULL, is_phone_told = false, updated_at = $3
 WHERE group_id = $1 AND id = $2
"""
_GO = """
UPDATE customer_identity
   SET customer_id = $3, is_pinned = is_pinned OR id = ANY ($4), is_shared = is_shared AND id <> ALL ($4)
 WHERE group_id = $1 AND id = ANY ($2)
"""
_EVALUATIONS = """
UPDATE reward_evaluation SET customer_id = $3
 WHERE group_id = $1 AND event_id = ANY ($2) AND customer_id = $4
RETURNING id, campaign_id, amount > 0 AND reversed_at IS NULL AS is_rewarded
"""
_ENTRIES = """
UPDATE reward_entry SET customer_id = $3
 WHERE group_id = $1 AND evaluation_id = ANY ($2) AND customer_id = $4
RETURNING partner_id, currency, balance_change
"""
_LOTS = """
UPDATE reward_lot SET customer_id = $3
 WHERE group_id = $1 AND evaluation_id = ANY ($2) AND customer_id = $4
RETURNING partner_id, currency, CASE WHEN released_at IS NULL THEN remaining ELSE 0 END AS waits
"""
_EVENTS = "SELECT id FROM event WHERE group_id = $1 AND customer_id = $2 AND identity_id = ANY ($3)"


async def split_key(tx: Transaction, key: KeyNamed | int, *, path: Path, now: datetime) -> tuple[int, int]:
    """The key, or the identity of that id, goes to a new customer: that one, and whose it was.

    With it go the events and interactions that were known by it, and by what was said with nothing surer; with those
    events all that hangs on them, rewards too. Orders, uses of promos and places on lists stay. Conflict where the
    customer is known by nothing else, or what was paid has been used.
    """
    whole_audience(tx)
    return await giving_way(tx, lambda: _split(tx, key, path=path, now=now))


async def _split(tx: Transaction, key: KeyNamed | int, *, path: Path, now: datetime) -> tuple[int, int]:
    named = await _named(tx, key, path)
    await hold_all(tx, [named["customer_id"]])
    customer = await tx.fetchrow(_LOCK, *borders(tx.scope), named["customer_id"])
    if customer is None:
        raise NotFound("identity", named["id"], path=list(path))
    rows = await tx.fetch(_ALL, tx.scope.group_id, customer["id"])
    mine = [row["id"] for row in rows if _is_same(row, named)]
    if not mine:
        raise Conflict("It has gone to another customer meanwhile; try again.", path=list(path))
    going = _with_it(rows, mine)
    has_email = named["kind"] == "email" and customer["email_key"] == named["value"]
    stays = [row for row in rows if row["id"] not in going]
    if not stays and customer["external_id"] is None and (has_email or customer["email_key"] is None):
        raise Conflict(
            "The customer is known by nothing else.", path=list(path), code="KNOWN_BY_NOTHING_ELSE"
        )
    has_phone = named["kind"] == "phone" and customer["phone_key"] == named["value"]
    for loses, statement in ((has_email, _WITHOUT_EMAIL), (has_phone, _WITHOUT_PHONE)):
        if loses:
            await tx.execute(statement, tx.scope.group_id, customer["id"], now)
    with refusals():
        made: int = await tx.fetchval(
            _MAKE, tx.scope.group_id, now, customer["store_id"],
            customer["email"] if has_email else None, customer["email_key"] if has_email else None,
            customer["phone"] if has_phone else None, customer["phone_key"] if has_phone else None,
            has_phone and customer["is_phone_told"],
        )  # fmt: skip
    await tx.execute(_GO, tx.scope.group_id, sorted(going), made, mine)
    await _move(tx, sorted(going), customer["id"], made, path=path, now=now)
    await move_said(tx, [(customer["id"], made, named["value"])])
    await settle(tx, (customer["id"], made), now=now)
    await note_audience_change(tx)
    await note_sales(tx, (customer["id"], made))
    return made, customer["id"]


async def _named(tx: Transaction, key: KeyNamed | int, path: Path) -> Any:
    if isinstance(key, int):
        found = await tx.fetchrow(_BY_ID, tx.scope.group_id, key)
        if found is None:
            raise NotFound("identity", key, path=list(path))
        return found
    project = (await load_projects(tx, [key.project_id])).get(key.project_id)
    try:
        value = identity_of(key.kind, key.value, project.region if project else None)
    except ValueError as why:
        raise Invalid(f"`value` {why}.", path=[*path, "value"]) from None
    found = await tx.fetchrow(_BY_KEY, tx.scope.group_id, key.project_id, key.kind, value)
    if found is None:
        raise NotFound(key.kind, key.value, path=[*path, "value"])
    return found


def _is_same(row: Any, named: Any) -> bool:
    if (row["kind"], row["value"]) != (named["kind"], named["value"]):
        return False
    return named["kind"] in EVERYWHERE or row["project_id"] == named["project_id"]


def _with_it(rows: Sequence[Any], mine: Sequence[int]) -> set[int]:
    """What was said with nothing else than what goes, goes too."""
    going = set(mine)
    while True:
        more = {row["id"] for row in rows if row["said_with"] and set(row["said_with"]) <= going} - going
        if not more:
            return going
        going |= more


async def _move(
    tx: Transaction, ids: Sequence[int], gone: int, into: int, *, path: Path, now: datetime
) -> None:
    events = [row["id"] for row in await tx.fetch(_EVENTS, tx.scope.group_id, gone, ids)]
    evaluations = await tx.fetch(_EVALUATIONS, tx.scope.group_id, events, into, gone) if events else []
    await move_by_keys(tx, [(ident, gone, into) for ident in ids], now=now)
    await make_paths_again(tx, [gone, into], now=now)
    if not evaluations:
        return
    rewarded: dict[int, int] = {}
    for row in evaluations:
        if row["is_rewarded"]:
            rewarded[row["campaign_id"]] = rewarded.get(row["campaign_id"], 0) + 1
    entries = await tx.fetch(_ENTRIES, tx.scope.group_id, [row["id"] for row in evaluations], into, gone)
    lots = await tx.fetch(_LOTS, tx.scope.group_id, [row["id"] for row in evaluations], into, gone)
    balances: dict[tuple[int, str], int] = {}
    pending: dict[tuple[int, str], int] = {}
    for row in entries:
        key = (row["partner_id"], row["currency"])
        balances[key] = balances.get(key, 0) + row["balance_change"]
    for row in lots:
        key = (row["partner_id"], row["currency"])
        pending[key] = pending.get(key, 0) + row["waits"]
    by_table = {counter.table: counter for counter in COUNTERS}
    told = [{"campaign_id": one, "rewarded": n, "rewarded_before": 0} for one, n in sorted(rewarded.items())]
    await move_sums(tx, by_table["reward_participant"], told, gone, into, path=path)
    owed = [
        {
            "partner_id": partner,
            "currency": currency,
            "balance": max(balances.get((partner, currency), 0), 0),
            "pending": pending.get((partner, currency), 0),
        }
        for partner, currency in sorted({*balances, *pending})
        if balances.get((partner, currency), 0) > 0 or pending.get((partner, currency), 0)
    ]
    await move_sums(tx, by_table["reward_balance"], owed, gone, into, path=path)


__all__ = ["KeyNamed", "split_key"]
