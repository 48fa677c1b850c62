"""What a report of orders names is looked up, and what it leaves out filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, CUSTOMER_BORDERS, PROMO_BORDERS, borders
from app.domain.groups.finding import currency_of_group, store_to_write
from app.domain.heirs import heirs_of
from app.domain.inputs import Path
from app.domain.metrics.entries import only_channel
from app.domain.orders.entries import OrderEntry
from app.domain.orders.states import Sale, is_whole
from app.domain.orders.storing import Stored
from app.domain.promos.campaigns import lives_of
from app.domain.promos.finding import mistyped
from app.domain.promos.lives import CampaignLife, credited
from app.errors import MAX_TOLD, Conflict, Failure, Invalid, NotFound, Several
from app.values.codes import code_key
from app.values.contacts import email_key_of
from app.values.instants import zone_of

_IN_REACH = f"{CUSTOMER_BORDERS} AND customer.deleted_at IS NULL"
# Whoever was joined with somebody is that one.
_HEIR = "(SELECT coalesce(k.merged_into_id, k.id) FROM customer k WHERE k.group_id = $1 AND k.{by})"
# One branch per way to name a customer, so that each goes through its index.
_CUSTOMERS = f"""
WITH g AS MATERIALIZED (
  SELECT id, external_id, email, place - 1 AS place
    FROM unnest($4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY AS given (id, external_id, email, place))
SELECT g.place, customer.id, customer.store_id
  FROM g JOIN customer ON customer.id = {_HEIR.format(by="id = g.id")} AND {_IN_REACH}
UNION ALL
SELECT g.place, customer.id, customer.store_id
  FROM g JOIN customer ON customer.id = {_HEIR.format(by="external_id = g.external_id")} AND {_IN_REACH}
UNION ALL
SELECT g.place, customer.id, customer.store_id
  FROM g JOIN customer ON customer.id = {_HEIR.format(by="email_key = g.email")} AND {_IN_REACH}
"""
# Those that are named have to be in reach; of those that known orders have, it is only read how they count.
_CAMPAIGNS = f"""
SELECT campaign.id, campaign.currency, campaign.channels,
       {CAMPAIGN_BORDERS} AND campaign.deleted_at IS NULL AS in_reach
  FROM campaign
 WHERE campaign.group_id = $1 AND campaign.id = ANY ($4)
"""
# By its own code, or by one that was generated for it.
_PROMOS = f"""
SELECT promo.id, promo.code_key AS code, NULL::bigint AS code_id FROM promo
 WHERE {PROMO_BORDERS} AND promo.code_key = ANY ($4) AND promo.deleted_at IS NULL
UNION ALL
SELECT promo.id, generated.code, generated.id FROM promo_code generated
  JOIN promo ON promo.id = generated.promo_id AND {PROMO_BORDERS} AND promo.deleted_at IS NULL
 WHERE generated.group_id = $1 AND generated.code = ANY ($4)
"""
# An order's own promo is that one, deleted or not.
_OWN_PROMOS = "SELECT id, code_key FROM promo WHERE group_id = $1 AND id = ANY ($2)"
_STORES = "SELECT id FROM store WHERE group_id = $1 AND id = ANY ($2) AND deleted_at IS NULL"
_ZONES = """
SELECT store.id, coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM store JOIN customer_group ON customer_group.id = store.group_id
 WHERE store.group_id = $1 AND store.id = ANY ($2)
"""


class Settling:
    """What the entries name, looked up once for all of them."""

    def __init__(self, tx: Transaction, entries: Sequence[OrderEntry], now: datetime) -> None:
        self.tx = tx
        self.entries = entries
        self.now = now
        self.customers: dict[int, Any] = {}
        self.promos: dict[str, Any] = {}
        self.own_codes: dict[int, str] = {}
        """Of the promos that known orders have, the code each has now."""
        self.lives: dict[int, list[CampaignLife]] = {}
        self.generated_codes: dict[str, int] = {}
        """By the references of orders that came with one: the last code told."""
        self.campaigns: dict[int, Any] = {}
        self.currency = ""
        self.default_store: int | None = None
        self.zones: dict[int, ZoneInfo] = {}

    async def look_up(self, known: Mapping[str, Stored]) -> None:
        """Find everything; Several where something does not exist, or an order is another store's."""
        tx, entries = self.tx, self.entries
        self.customers = await self._customers()
        codes = sorted({code_key(e.promo_code) for e in entries if e.promo_code})
        rows = await tx.fetch(_PROMOS, *borders(tx.scope), codes) if codes else []
        self.promos = {row["code"]: row for row in rows}
        own = sorted({one.sale.promo_id for one in known.values() if one.sale.promo_id is not None})
        found = await tx.fetch(_OWN_PROMOS, tx.scope.group_id, own) if own else []
        self.own_codes = {row["id"]: row["code_key"] for row in found}
        whose = sorted({row["id"] for row in rows} | set(own))
        self.lives = await lives_of(tx, whose) if whose else {}
        self.generated_codes = {
            e.reference: row["code_id"]
            for e in entries
            if e.promo_code
            and (row := self.promos.get(code_key(e.promo_code)))
            and row["code_id"] is not None
        }
        named = {e.campaign_id for e in entries} | {one.id for lives in self.lives.values() for one in lives}
        named |= {one.sale.campaign_id for one in known.values()}
        ids = sorted(ident for ident in named if ident is not None)
        found = await tx.fetch(_CAMPAIGNS, *borders(tx.scope), ids) if ids else []
        self.campaigns = {row["id"]: row for row in found}
        stores = await self._stores()
        self.currency = await currency_of_group(tx)
        if any(self._own_store(at) is None for at in range(len(entries))):
            self.default_store = (await store_to_write(tx, None)).id
        places = {self._own_store(at) or self.default_store for at in range(len(entries))}
        places |= {one.sale.store_id for one in known.values()}
        rows = await tx.fetch(_ZONES, tx.scope.group_id, sorted(one for one in places if one is not None))
        self.zones = {row["id"]: zone_of(row["zone"]) for row in rows}
        faults: list[Failure] = []
        for at, entry in enumerate(entries):
            try:
                self._check(at, entry, stores, known.get(entry.reference))
            except Failure as failure:
                faults.append(failure)
        if faults:
            raise Several(faults[:MAX_TOLD])

    async def _customers(self) -> dict[int, Any]:
        rows = await self._named_customers()
        ids = {row["id"] for row in rows}
        # Held: somebody who is being joined with another one is that one, once that is done.
        if await heirs_of(self.tx, ids, holds=True) != {one: one for one in ids}:
            rows = await self._named_customers()
        return {row["place"]: row for row in rows}

    async def _named_customers(self) -> Sequence[Any]:
        entries = self.entries
        return await self.tx.fetch(
            _CUSTOMERS,
            *borders(self.tx.scope),
            [e.customer_id for e in entries],
            [e.customer_external_id for e in entries],
            [email_key_of(e.customer_email) for e in entries],
        )

    async def _stores(self) -> set[int]:
        asked = {e.store_id for e in self.entries if e.store_id is not None}
        rows = await self.tx.fetch(_STORES, self.tx.scope.group_id, sorted(asked)) if asked else []
        own = self.tx.scope.store_id
        return {row["id"] for row in rows if own in (None, row["id"])}

    def _check(self, at: int, entry: OrderEntry, stores: set[int], known: Stored | None) -> None:
        if at not in self.customers:
            whom = entry.customer_id or entry.customer_external_id or entry.customer_email
            raise NotFound("customer", whom, path=["orders", at])
        # What it has already may have been deleted since, or renamed.
        has = known.sale if known is not None else None
        own_store, own_campaign = (has.store_id, has.campaign_id) if has is not None else (None, None)
        if entry.store_id not in (None, own_store) and entry.store_id not in stores:
            raise NotFound("store", entry.store_id, path=["orders", at, "storeId"])
        if entry.promo_code and self._promo_id(entry.promo_code, has) is None:
            raise _unknown_code(entry.promo_code, ["orders", at, "promoCode"])
        if entry.campaign_id not in (None, own_campaign) and not self._is_in_reach(entry.campaign_id):
            raise NotFound("campaign", entry.campaign_id, path=["orders", at, "campaignId"])
        if known is not None and self.tx.scope.store_id not in (None, known.sale.store_id):
            raise Conflict(
                f"The reference {entry.reference[:80]} is that of an order of another store.",
                path=["orders", at, "reference"],
                code="REFERENCE_TAKEN",
            )

    def _promo_id(self, code: str, known: Sale | None) -> int | None:
        """The promo of a code: the order's own, where it came with this one; else the promo that has it now."""
        key = code_key(code)
        if known is not None and known.promo_id is not None:
            if key in (known.promo_code, self.own_codes.get(known.promo_id)):
                return known.promo_id
        return self.promos[key]["id"] if key in self.promos else None

    def _led(self, promo_id: int, moment: datetime, known: Sale | None) -> int | None:
        """The campaign that an order of this moment with this promo counts for; its own counts also when deleted."""
        own = known.campaign_id if known is not None else None
        lives = [replace(one, is_deleted=one.is_deleted and one.id != own) for one in self.lives[promo_id]]
        return credited(lives, moment)

    def _is_in_reach(self, campaign_id: int | None) -> bool:
        return campaign_id in self.campaigns and bool(self.campaigns[campaign_id]["in_reach"])

    def _own_store(self, at: int) -> int | None:
        customer = self.customers.get(at)
        own = customer["store_id"] if customer is not None else None
        return self.entries[at].store_id or self.tx.scope.store_id or own

    def told(self, at: int, known: Sale | None) -> Sale:
        """The order that an entry tells, complete."""
        entry = self.entries[at]
        customer_id = self.customers[at]["id"]
        promo_id = self._promo_id(entry.promo_code, known) if entry.promo_code else None
        promo_code = code_key(entry.promo_code) if entry.promo_code else None
        moment = entry.ordered_at or (self.now if known is None else known.ordered_at)
        if known is None or is_whole(entry.version or 0, known):
            led = self._led(promo_id, moment, known) if promo_id is not None else None
            campaign_id = entry.campaign_id or led
            store_id = self._own_store(at) or self.default_store
            assert store_id is not None
            ordered_at = entry.ordered_at or self.now
            counts_in = self.campaigns[campaign_id]["currency"] if campaign_id else self.currency
            currency = entry.currency or counts_in
        else:
            if promo_id is None or promo_id == known.promo_id:
                promo_id, promo_code = known.promo_id, known.promo_code or promo_code
            campaign_id = entry.campaign_id or self._led_now(promo_id, moment, known) or known.campaign_id
            store_id, ordered_at = entry.store_id or known.store_id, entry.ordered_at or known.ordered_at
            currency = entry.currency or known.currency
        return Sale(
            customer_id=customer_id, store_id=store_id, campaign_id=campaign_id, promo_id=promo_id,
            promo_code=promo_code, channel=self._channel(entry, campaign_id, known), currency=currency,
            amount=entry.amount, ordered_at=ordered_at, ordered_on=self._day(store_id, ordered_at, known),
        )  # fmt: skip

    def _led_now(self, promo_id: int | None, moment: datetime, known: Sale) -> int | None:
        """The campaign that a correction moves an order to; None where it leaves it where it is."""
        if promo_id is None:
            return None
        led = self._led(promo_id, moment, known)
        if promo_id != known.promo_id:
            return led
        # Its promo had led it to its campaign: by its new moment it does so again.
        follows = known.campaign_id == self._led(promo_id, known.ordered_at, known)
        return led if follows and moment != known.ordered_at else None

    def _channel(self, entry: OrderEntry, campaign_id: int | None, known: Sale | None) -> str | None:
        if campaign_id is None:
            return None
        if len(self.campaigns[campaign_id]["channels"]) == 1:
            # What led to it is that one, whatever the shop calls it.
            return only_channel(self.campaigns[campaign_id]["channels"])
        if entry.channel is not None:
            return entry.channel
        if known is not None and known.campaign_id == campaign_id and not is_whole(entry.version or 0, known):
            return known.channel
        return only_channel(self.campaigns[campaign_id]["channels"])

    def _day(self, store_id: int, ordered_at: datetime, known: Sale | None) -> date:
        """The day where it was made. A store that has moved to another zone since does not move its orders."""
        if known is not None and (known.store_id, known.ordered_at) == (store_id, ordered_at):
            return known.ordered_on
        return ordered_at.astimezone(self.zones[store_id]).date()


def _unknown_code(code: str, path: Path) -> Failure:
    """What was typed wrong is told from what is not there."""
    if not mistyped(code):
        return NotFound("promo", code, path=path)
    return Invalid(
        f"{code[:40]!r} is mistyped: its last character does not fit.", path=path, code="MISTYPED_CODE"
    )


__all__ = ["Settling"]
