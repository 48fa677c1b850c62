"""Promos, with how often they were used up to a moment; and single uses of theirs, with their customers."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.db.database import Transaction
from app.domain import inputs
from app.domain.promos.bringing_in import Use, bring_in_creation, bring_in_used, bring_in_uses
from app.domain.promos.fields import PromoFields
from app.domain.promos.operations import create_promo, update_promo
from app.domain.promos.redeeming import MAX_KEY
from app.errors import Failure, Invalid
from app.importing.concepts.singly import one_by_one
from app.importing.concepts.whom import Named
from app.importing.knowing import before_made, give_ids, known_row, named_row
from app.importing.records import Columns, Outcome, Record, RefusedTogether, Verdict
from app.importing.values import RowReader, document, exact, instant, text, whole
from app.values.changes import UNSET
from app.values.codes import code_key
from app.values.instants import show_instant

_BY_ID = "SELECT id FROM promo WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL"
_BY_CODE = "SELECT id FROM promo WHERE group_id = $1 AND code_key = $2 AND deleted_at IS NULL"
_CURRENCIES = "SELECT id, currency FROM promo WHERE group_id = $1 AND id = ANY ($2)"
_STATE = "SELECT md5((to_jsonb(p) - 'updated_at')::text) FROM promo p WHERE group_id = $1 AND id = $2"


class PromoWriter:
    """Makes or changes promos, known by their id or their code."""

    columns = Columns(
        known=(
            "external_id", "code", "type", "value", "min_order_amount", "max_discount", "usage_limit",
            "per_customer_limit", "valid_from", "valid_until", "applies_to", "segment", "campaign", "used",
            "totals_as_of", "created_at",
        ),
        also={
            "id": "external_id", "customer_segment_id": "segment", "segment_id": "segment", "campaign_id": "campaign",
        },
        amounts=frozenset({"value", "min_order_amount", "max_discount", "usage_limit", "per_customer_limit", "used"}),
        moments=frozenset({"valid_from", "valid_until", "totals_as_of", "created_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """Each as far as it can be; the last first: lists are newest first, also where two were made at once."""
        outcomes = await one_by_one(tx, list(reversed(records)), _write, now=now)
        return list(reversed(outcomes))


async def _write(tx: Transaction, record: Record, *, now: datetime) -> Verdict:
    row = RowReader(record.values)
    ids = record.external_ids
    systems = (*ids, record.system)
    segment = row.take("segment", _named)
    campaign = row.take("campaign", _named)
    values: dict[str, Any] = {
        **{name: row.take(name, text) for name in ("code", "type")},
        **{name: row.take(name, exact) for name in ("value", "min_order_amount", "max_discount")},
        **{name: row.take(name, whole) for name in ("usage_limit", "per_customer_limit")},
        **{name: row.take(name, instant) for name in ("valid_from", "valid_until")},
        "applies_to": row.take("applies_to", document),
        "segment_id": None
        if segment is None
        else await named_row(tx, "seg", "segment", systems, segment, "segment"),
        "campaign_id": None
        if campaign is None
        else await named_row(tx, "camp", "campaign", systems, campaign, "campaign"),
    }
    used = row.take("used", whole)
    as_of = row.take("totals_as_of", instant) or now
    created_at = row.take("created_at", instant)
    row.nothing_left(PromoWriter.columns.known)
    if used is not None:
        inputs.count(used, ["used"])
    fields = PromoFields(**{name: UNSET if value is None else value for name, value in values.items()})
    known = await _known(tx, ids, values["code"])
    before = None if known is None else await tx.fetchval(_STATE, tx.scope.group_id, known)
    if known is None:
        await before_made(tx, "promo", ids)
        known = await create_promo(tx, fields, now=now)
    else:
        await update_promo(tx, known, fields, now=now)
    if ids:
        await give_ids(tx, "promo", known, ids)
    if created_at is not None:
        await bring_in_creation(tx, known, created_at)
    if used is not None:
        await bring_in_used(tx, known, used, as_of=as_of, now=now)
    if before is None:
        return Verdict.MADE
    return Verdict.SAME if before == await tx.fetchval(_STATE, tx.scope.group_id, known) else Verdict.CHANGED


async def _known(tx: Transaction, ids: Any, code: str | None) -> int | None:
    named = await known_row(tx, "promo", ids) if ids or code is None else None
    found = None if named is None else await tx.fetchval(_BY_ID, tx.scope.group_id, named)
    if found is None and code is not None:
        found = await tx.fetchval(_BY_CODE, tx.scope.group_id, code_key(code))
    return None if found is None else int(found)


class PromoRedemptionWriter:
    """Records single uses of promos, in bulk: each reference once."""

    columns = Columns(
        known=("reference", "promo", "customer", "amount", "discount", "redeemed_at", "released_at", "store"),
        also={
            "id": "reference", "external_id": "reference", "key": "reference", "order_id": "reference",
            "order_reference": "reference", "code": "promo", "promo_code": "promo", "customer_id": "customer",
            "customer_external_id": "customer", "customer_email": "customer", "email": "customer",
            "basket_total": "amount", "at": "redeemed_at", "store_id": "store",
        },
        amounts=frozenset({"amount", "discount"}),
        moments=frozenset({"redeemed_at", "released_at"}),
    )  # fmt: skip

    async def write(self, tx: Transaction, records: Sequence[Record], *, now: datetime) -> Sequence[Outcome]:
        """All of them, or those that prevent it."""
        named = Named(tx, records)
        await named.look_up("customer", "store", "promo")
        faults: dict[int, Failure] = {}
        uses: list[Use] = []
        for at, record in enumerate(records):
            try:
                uses.append(_use(record, named, now=now))
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        currencies = await tx.fetch(_CURRENCIES, tx.scope.group_id, sorted({use.promo_id for use in uses}))
        counted = {row["id"]: row["currency"] for row in currencies}
        for at, use in enumerate(uses):
            try:
                for name, amount in (("amount", use.basket_total), ("discount", use.discount)):
                    inputs.coins(amount, counted.get(use.promo_id, ""), [name])
            except Failure as failure:
                faults[at] = failure
        if faults:
            raise RefusedTogether(faults)
        new = await bring_in_uses(tx, uses, now=now)
        outcomes: list[Outcome] = []
        for use in uses:
            outcomes.append(Outcome(Verdict.MADE if use.key in new else Verdict.SAME))
            new.discard(use.key)
        return outcomes


def _use(record: Record, named: Named, *, now: datetime) -> Use:
    row = RowReader(record.values)
    promo = named.take("promo", row.take("promo", _any))
    if promo is None:
        raise Invalid("`code` says which promo was used.", path=["promo"])
    customer = named.take("customer", row.take("customer", _any))
    at = row.take("redeemed_at", instant)
    if at is None:
        raise Invalid("`at` says when it was used.", path=["redeemed_at"])
    key = row.take("reference", text) or f"{promo}/{customer}/{show_instant(at)}"
    discount = row.take("discount", exact) or Decimal(0)
    amount = row.take("amount", exact)
    if amount is not None and discount > amount:
        raise Invalid("More was taken off than the order came to.", path=["discount"])
    use = Use(
        promo_id=promo,
        customer_id=customer,
        store_id=named.take("store", row.take("store", _any)),
        key=inputs.text(key, ["reference"], longest=MAX_KEY, blank=False),
        basket_total=inputs.amount(discount if amount is None else amount, ["amount"]),
        discount=inputs.amount(discount, ["discount"]),
        redeemed_at=inputs.past(at, ["redeemed_at"], now=now),
        released_at=row.take("released_at", instant),
    )
    row.nothing_left(PromoRedemptionWriter.columns.known)
    return use


def _any(value: Any, name: str) -> Any:
    return value


def _named(value: Any, name: str) -> str:
    """An id, or an object that has one."""
    return text(value.get("id") if isinstance(value, dict) else value, name)
