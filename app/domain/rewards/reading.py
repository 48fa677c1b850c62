"""Reads what judging rewards needs from the database: configurations, the books, customers and partners."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, CUSTOMER_BORDERS, borders
from app.domain.campaigns.history import History, histories_of
from app.domain.rewards import programme as rules
from app.domain.rewards.attributes import (
    FIRST_OWN,
    OWNERS,
    USER,
    ConditionAttributes,
    Facts,
    condition_attributes,
    own_values,
)
from app.domain.rewards.dates import PointDates, dates_of
from app.domain.rewards.judging import Books
from app.domain.rewards.living import closed, moment_of
from app.domain.rewards.programme import Programme
from app.errors import NotFound
from app.values.ids import show_id
from app.values.instants import zone_of
from app.values.json_text import read_json
from app.values.money import digits_of

_CAMPAIGNS = f"""
SELECT campaign.id, reward_version, reward_type, currency, status, is_template, starts_at, ends_at, activated_at, type,
       channels, store_id, partner_id, total_rewards, reward_late_days, reward_participants,
       reward_wait_days, reward_expire_days, reward_expire_period,
       (SELECT coalesce(s.time_zone, g.time_zone) FROM store s JOIN customer_group g ON g.id = s.group_id
         WHERE s.group_id = $1 AND s.id = campaign.store_id) AS zone,
       reward_transactions, reward_revenue
  FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4) AND campaign.deleted_at IS NULL AND reward_type IS NOT NULL
 ORDER BY campaign.id
"""
# Read after the campaigns' rows are locked, by a statement of its own: saving takes that lock, too.
_FLOWS = """
SELECT f.campaign_id, f.id, f.trigger_code, f.custom_trigger_id, f.is_active,
       (SELECT json_agg(json_build_array(c.id, c.type_code, c.attribute, c.operator_code, c.joiner_code,
                                         c.value::text) ORDER BY c.position, c.id)
          FROM flow_condition c WHERE c.group_id = $1 AND c.flow_id = f.id)::text AS conditions,
       (SELECT json_agg(json_build_array(c.id, c.type_code, c.attribute, c.amount::text, c.value::text)
                        ORDER BY c.position, c.id)
          FROM flow_multiplier c WHERE c.group_id = $1 AND c.flow_id = f.id)::text AS multipliers,
       (SELECT json_agg(json_build_array(c.id, c.partner_id, c.base_reward, c.rate::text, c.rounding, c.per)
                        ORDER BY c.position, c.id)
          FROM flow_action c WHERE c.group_id = $1 AND c.flow_id = f.id)::text AS actions
  FROM flow f
 WHERE f.group_id = $1 AND f.campaign_id = ANY ($2) AND f.deleted_at IS NULL
 ORDER BY f.campaign_id, f.position, f.id
"""
_GOALS = """
SELECT campaign_id, id, type_code, operator_code, value
  FROM goal WHERE group_id = $1 AND campaign_id = ANY ($2) ORDER BY campaign_id, position, id
"""
_ASKS_FREELY = f"""
SELECT EXISTS (
  SELECT 1 FROM campaign
    JOIN flow f ON f.group_id = $1 AND f.campaign_id = campaign.id AND f.deleted_at IS NULL
    CROSS JOIN LATERAL (
      SELECT type_code, attribute FROM flow_condition c WHERE c.group_id = $1 AND c.flow_id = f.id
      UNION ALL
      SELECT type_code, attribute FROM flow_multiplier c WHERE c.group_id = $1 AND c.flow_id = f.id) asked
   WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
     AND asked.type_code = $5 AND asked.attribute >= $6)
"""
OWN_ATTRIBUTES = """
SELECT type_code, attribute, name, kind FROM reward_attribute WHERE group_id = $1 ORDER BY type_code, attribute
"""
_CUSTOMERS = f"""
SELECT customer.id, loyalty_tier, order_count, total_spent, email_consent, sms_consent, tags, created_at,
       last_order_at, attributes::text AS attributes,
       (SELECT currency FROM customer_group WHERE customer_group.id = $1) AS currency
  FROM customer WHERE {CUSTOMER_BORDERS} AND customer.id = ANY ($4) AND customer.deleted_at IS NULL
"""
_PARTNERS = """
SELECT id, name, known_as_id[array_position(known_as_system, 'benji')] AS external_id
  FROM partner WHERE group_id = $1 AND id = ANY ($2)
"""
_REWARDED = """
SELECT campaign_id, customer_id, rewarded
  FROM reward_participant WHERE group_id = $1 AND campaign_id = ANY ($2) AND customer_id = ANY ($3)
"""
_BALANCES = """
SELECT customer_id, partner_id, currency, balance
  FROM reward_balance WHERE group_id = $1 AND customer_id = ANY ($2)
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A reward campaign as it is now: its configuration, its books, and the facts that conditions can ask about."""

    programme: Programme
    books: Books
    row: Any
    history: History
    """What its status was, and from when."""

    @property
    def partner_id(self) -> int | None:
        """The campaign's own partner."""
        found: int | None = self.row["partner_id"]
        return found

    def dates(self, occurred_at: datetime, *, now: datetime) -> PointDates | None:
        """When what is earned by it can be used, and until when; None: at once and for good."""
        moment = moment_of(occurred_at, told_at=now)
        return dates_of(self.row, moment, zone_of(self.row["zone"]), now=now)

    def facts(self, occurred_at: datetime, *, told_at: datetime) -> dict[str, Any]:
        """What conditions can ask about the campaign when it happened, and, if so, why it pays nothing for it."""
        moment = moment_of(occurred_at, told_at=told_at)
        row = self.row
        since = row["activated_at"]
        return {
            "id": row["id"],
            "type": row["type"],
            "channels": list(row["channels"]),
            "store": row["store_id"],
            "seconds_running": _seconds(since, moment),
            "closed": closed(row, self.history, moment, told_at=told_at),
        }


async def lock_running(tx: Transaction, idents: Collection[int]) -> dict[int, Running]:
    """These campaigns, locked until COMMIT: all at once, in the order of their ids, so that nobody deadlocks."""
    rows = await tx.fetch(f"{_CAMPAIGNS} FOR NO KEY UPDATE OF campaign", *borders(tx.scope), sorted(idents))
    return await _running(tx, rows)


async def read_running(tx: Transaction, idents: Collection[int]) -> dict[int, Running]:
    """These campaigns, without locking them."""
    return await _running(tx, await tx.fetch(_CAMPAIGNS, *borders(tx.scope), sorted(idents)))


async def _running(tx: Transaction, rows: Sequence[Any]) -> dict[int, Running]:
    idents = [row["id"] for row in rows]
    known = await read_attributes(tx)
    flows: dict[int, list[rules.Flow]] = {ident: [] for ident in idents}
    for row in await tx.fetch(_FLOWS, tx.scope.group_id, idents):
        flows[row["campaign_id"]].append(_flow(row, known))
    goals: dict[int, list[rules.Goal]] = {ident: [] for ident in idents}
    for row in await tx.fetch(_GOALS, tx.scope.group_id, idents):
        goals[row["campaign_id"]].append(
            rules.Goal(row["id"], row["type_code"], row["operator_code"], row["value"])
        )
    histories = await histories_of(tx, idents)
    return {
        row["id"]: Running(
            programme_of(row, flows[row["id"]], goals[row["id"]]),
            Books(
                paid=row["total_rewards"],
                participants=row["reward_participants"],
                transactions=row["reward_transactions"],
                revenue=row["reward_revenue"],
            ),
            row,
            histories[row["id"]],
        )
        for row in rows
    }


async def campaign_asks_freely(tx: Transaction, campaign_id: int) -> bool:
    """Whether a flow of this campaign asks about one of the group's own attributes of users (`asks_freely`).

    False also where this scope has no such campaign.
    """
    asks: bool = await tx.fetchval(_ASKS_FREELY, *borders(tx.scope), campaign_id, USER, FIRST_OWN)
    return asks


def programme_of(
    row: Mapping[str, Any], flows: Sequence[rules.Flow], goals: Sequence[rules.Goal]
) -> Programme:
    """The configuration in a campaign's row, with these flows and goals."""
    return Programme(
        row["id"],
        row["reward_version"],
        row["reward_type"],
        row["currency"],
        tuple(flows),
        tuple(goals),
        rules.limits_of(goals),
    )


async def read_attributes(tx: Transaction) -> ConditionAttributes:
    """The attributes that this group's conditions can ask about."""
    rows = await tx.fetch(OWN_ATTRIBUTES, tx.scope.group_id)
    return condition_attributes(
        (row["type_code"], row["attribute"], row["name"], row["kind"]) for row in rows
    )


def _flow(row: Any, known: ConditionAttributes) -> rules.Flow:
    return rules.flow(
        row["id"],
        row["trigger_code"],
        row["custom_trigger_id"],
        is_active=row["is_active"],
        conditions=[rules.condition(known, *child) for child in _children(row["conditions"])],
        multipliers=[
            rules.multiplier(known, ident, code, attribute, Decimal(amount), value)
            for ident, code, attribute, amount, value in _children(row["multipliers"])
        ],
        actions=[rules.action(*child) for child in _children(row["actions"])],
    )


def _children(text: str | None) -> list[list[Any]]:
    return [] if text is None else msgspec.json.decode(text, type=list[list[Any]])


# ── what is known ─────────────────────────────────────────────────────────────


async def user_facts(tx: Transaction, idents: Collection[int], *, now: datetime) -> dict[int, dict[str, Any]]:
    """What conditions can ask about these customers; those out of scope are left out."""
    rows = await tx.fetch(_CUSTOMERS, *borders(tx.scope), sorted(idents))
    return {row["id"]: _user(row, now=now) for row in rows}


async def partner_facts(tx: Transaction, idents: Collection[int]) -> dict[int, dict[str, Any]]:
    """What conditions can ask about these partners."""
    rows = await tx.fetch(_PARTNERS, tx.scope.group_id, sorted(idents))
    return {row["id"]: dict(row) for row in rows}


def _user(row: Any, *, now: datetime) -> dict[str, Any]:
    own = None if row["attributes"] is None else read_json(row["attributes"].encode())
    return {
        **own_values("user", own if isinstance(own, dict) else {}),
        "loyalty_tier": row["loyalty_tier"],
        "order_count": row["order_count"],
        "total_spent": smallest(row["total_spent"], row["currency"]),
        "email_consent": row["email_consent"],
        "sms_consent": row["sms_consent"],
        "tags": list(row["tags"]),
        "seconds_known": _seconds(row["created_at"], now),
        "seconds_since_order": _seconds(row["last_order_at"], now),
    }


def facts_for(
    running: Running,
    *,
    user: Mapping[str, Any],
    partner: Mapping[str, Any],
    transaction: Mapping[str, Any],
    further: Mapping[str, Mapping[str, Any]],
    occurred_at: datetime,
    told_at: datetime,
) -> Facts:
    """Everything that is known, by owner. What came with the trigger adds to it, and replaces nothing."""
    paid = dict(transaction)
    if paid.get("currency") not in (None, running.programme.currency):
        paid["amount"] = None  # Amounts of two currencies cannot be compared.
    known = {
        "user": user,
        "transaction": paid,
        "partner": partner,
        "campaign": running.facts(occurred_at, told_at=told_at),
    }
    return {owner: {**own_values(owner, further.get(owner, {})), **known[owner]} for owner in OWNERS.values()}


def revenue_of(facts: Facts) -> int:
    """What the transaction adds to the campaign's revenue, in the smallest unit."""
    amount = facts["transaction"].get("amount")
    return amount if isinstance(amount, int) and not isinstance(amount, bool) and amount > 0 else 0


def smallest(amount: Decimal, currency: str) -> int:
    """An amount in the smallest unit of its currency; anything smaller is cut off."""
    return int(amount.scaleb(digits_of(currency)))


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(0, int((now - since.astimezone(UTC)).total_seconds()))


# ── the books ─────────────────────────────────────────────────────────────────


async def fill_books(tx: Transaction, running: Mapping[int, Running], customers: Collection[int]) -> None:
    """Add to the campaigns' books which of these customers were rewarded, and what they have in its currency."""
    wanted = sorted(customers)
    for row in await tx.fetch(_REWARDED, tx.scope.group_id, sorted(running), wanted):
        running[row["campaign_id"]].books.rewarded[row["customer_id"]] = row["rewarded"]
    # One dictionary per currency for all campaigns: what one pays, another can take.
    balances = await balances_of(tx, wanted)
    for one in running.values():
        one.books.balances = balances.setdefault(one.programme.currency, {})


async def balances_of(tx: Transaction, customers: Collection[int]) -> dict[str, dict[tuple[int, int], int]]:
    """What customers have, by currency; then by customer and partner."""
    found: dict[str, dict[tuple[int, int], int]] = {}
    for row in await tx.fetch(_BALANCES, tx.scope.group_id, sorted(customers)):
        found.setdefault(row["currency"], {})[row["customer_id"], row["partner_id"]] = row["balance"]
    return found


def only(running: Mapping[int, Running], campaign_id: int) -> Running:
    """This campaign; NotFound where it is out of scope or no reward campaign."""
    if campaign_id not in running:
        raise NotFound("reward campaign", show_id("camp", campaign_id), path=["campaignId"])
    return running[campaign_id]
