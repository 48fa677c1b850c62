"""Reward campaigns, and what happens to their customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.db.database import Database, Transaction
from app.domain.customers.entries import CustomerEntry
from app.domain.flows.fields import ActionFields, ConditionFields, FlowFields, GoalFields, MultiplierFields
from app.domain.flows.saving import save_flows, save_goals
from app.domain.rewards.occurrences import Occurrence
from app.domain.rewards.processing import process
from app.values.scope import Scope
from tests.given import audience, campaigns, groups
from tests.given.campaigns import NOON

CAP = (2, 2)
"""A goal's type and operator: the limit on rewards."""


@dataclass(frozen=True)
class Given:
    """A group with a partner, customers and reward campaigns."""

    db: Database
    group_id: int
    store_id: int
    partner_id: int
    customers: list[int]

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)

    def action(self, base: int = 100, **more: Any) -> ActionFields:
        """What a flow pays."""
        return ActionFields(**{"action_code": 1, "partner_id": self.partner_id, "base_reward": base, **more})

    def condition(
        self, type_code: int, attribute: int, value: Any = None, *, operator: int = 1, joiner: int = 1
    ) -> ConditionFields:
        """What must hold."""
        return ConditionFields(
            partner_id=self.partner_id, type_code=type_code, operator_code=operator, joiner_code=joiner,
            attribute=attribute, value=value,
        )  # fmt: skip

    def multiplier(self, type_code: int, attribute: int, amount: str, value: Any = None) -> MultiplierFields:
        """What raises the reward."""
        return MultiplierFields(
            partner_id=self.partner_id, type_code=type_code, attribute=attribute, amount=Decimal(amount),
            value=value,
        )  # fmt: skip

    def flow(
        self,
        base: int = 100,
        *,
        trigger: int = 1,
        conditions: Sequence[ConditionFields] = (),
        multipliers: Sequence[MultiplierFields] = (),
        **more: Any,
    ) -> FlowFields:
        """A flow with one action."""
        return FlowFields(
            **{
                "trigger_code": trigger, "actions": [self.action(base)], "conditions": conditions,
                "multipliers": multipliers, **more,
            }
        )  # fmt: skip

    async def campaign(
        self,
        *flows: FlowFields,
        goals: Sequence[tuple[int, int, int]] = (),
        reward_type: int = 1,
        **more: Any,
    ) -> int:
        """A live campaign with these flows (one that pays 100 unless said) and goals `(type, operator, value)`."""
        said = {"reward_type": reward_type, "partner_id": self.partner_id, "starts_at": NOON, **more}
        made = await campaigns.campaign(self.db, self.scope, **said)
        async with self.db.transaction(self.scope) as tx:
            await save_flows(tx, made, flows or [self.flow()], now=NOON)
            if goals:
                fields = [
                    GoalFields(partner_id=self.partner_id, type_code=t, operator_code=o, value=v)
                    for t, o, v in goals
                ]
                await save_goals(tx, made, fields, now=NOON)
        return made

    def spend(self, reference: str, customer: int = 0, *, amount: int = 1000, **more: Any) -> Occurrence:
        """A purchase of the group's customer number so and so."""
        said = {"trigger_code": 1, "occurred_at": NOON, "transaction": {"amount": amount}, **more}
        return Occurrence(reference=reference, customer_id=self.customers[customer], **said)

    async def pay(self, campaign: int, *occurrences: Occurrence) -> list[dict[str, Any]]:
        """The evaluations of these occurrences."""
        async with self.db.transaction(self.scope) as tx:
            ids = await process(tx, [(campaign, one) for one in occurrences], now=NOON)
            return await evaluations(tx, ids)

    async def purchases(self, number: int) -> None:
        """So many processed events of a type that is mapped to a trigger, a second apart from NOON on."""
        async with self.db.transaction(self.scope) as tx:
            await tx.execute(_PURCHASE_TYPE, self.group_id)
            await tx.execute(_PURCHASES, self.group_id, NOON, number, self.customers)

    async def row(self, query: str, *values: object) -> Any:
        """One row; `$1` is the group."""
        async with self.db.transaction(self.scope) as tx:
            return await tx.fetchrow(query, self.group_id, *values)

    async def total(self, campaign: int) -> int:
        """The campaign's `total_rewards`, after its ledger and counts were found to agree with it."""
        await self.check()
        row = await self.row("SELECT total_rewards FROM campaign WHERE group_id = $1 AND id = $2", campaign)
        return int(row[0])

    async def balance(self, customer: int = 0) -> int:
        """What a customer has, with whichever partner."""
        row = await self.row(
            "SELECT coalesce(sum(balance), 0) FROM reward_balance WHERE group_id = $1 AND customer_id = $2",
            self.customers[customer],
        )
        return int(row[0])

    async def check(self) -> None:
        """Everything that is counted is the sum of what it counts."""
        async with self.db.transaction(self.scope) as tx:
            assert await broken(tx) == []


_PURCHASE_TYPE = """
WITH site AS (
    INSERT INTO project (group_id, name, is_internal) VALUES ($1, 'Site', false) RETURNING id
)
INSERT INTO event_type (group_id, project_id, reference, name, trigger)
SELECT $1, id, 'purchase', 'Purchase', 'spend' FROM site
"""
_PURCHASES = """
INSERT INTO event (group_id, id, source, dedup_key, event_type, received_at, occurred_at, project_id, customer_id,
                   event_type_id, is_vouched, data)
SELECT $1, gen_random_uuid(), 'tracker', n::text, 'purchase', t.at, t.at, e.project_id,
       ($4::bigint[])[1 + n % array_length($4, 1)], e.id, true, json_build_object('amount', (n % 3000) / 100.0)
  FROM generate_series(1, $3::int) n
 CROSS JOIN LATERAL (SELECT $2::timestamptz + n * interval '1 second' AS at) t
  JOIN event_type e ON e.group_id = $1 AND e.reference = 'purchase'
"""

BROKEN = """
SELECT 'total of campaign ' || c.id FROM campaign c
 WHERE c.group_id = $1
   AND c.total_rewards <> (SELECT coalesce(sum(amount), 0) FROM reward_entry e
                            WHERE e.group_id = $1 AND e.campaign_id = c.id)
UNION ALL
SELECT 'participants of campaign ' || c.id FROM campaign c
 WHERE c.group_id = $1
   AND (c.reward_participants, c.reward_transactions, c.reward_revenue) IS DISTINCT FROM
       (SELECT ((SELECT count(*)
                   FROM (SELECT customer_id FROM reward_evaluation
                          WHERE group_id = $1 AND campaign_id = c.id AND amount > 0 AND reversed_at IS NULL
                         UNION
                         SELECT customer_id FROM reward_participant
                          WHERE group_id = $1 AND campaign_id = c.id AND rewarded_before > 0) somebody),
                count(v.id) + (SELECT coalesce(sum(rewarded_before), 0)::bigint FROM reward_participant
                                WHERE group_id = $1 AND campaign_id = c.id),
                coalesce(sum((v.inputs::jsonb #>> '{transaction,amount}')::bigint), 0)::bigint)
          FROM reward_evaluation v
         WHERE v.group_id = $1 AND v.campaign_id = c.id AND v.amount > 0 AND v.reversed_at IS NULL)
UNION ALL
SELECT 'balance of customer ' || coalesce(b.customer_id, s.customer_id)
  FROM (SELECT * FROM reward_balance WHERE group_id = $1) b
  FULL JOIN (SELECT customer_id, partner_id, currency, sum(balance_change) AS balance FROM reward_entry
              WHERE group_id = $1 AND customer_id IS NOT NULL GROUP BY 1, 2, 3) s
       USING (customer_id, partner_id, currency)
 WHERE coalesce(b.balance, 0) <> coalesce(s.balance, 0)
UNION ALL
SELECT 'pending of customer ' || coalesce(b.customer_id, s.customer_id)
  FROM (SELECT * FROM reward_balance WHERE group_id = $1) b
  FULL JOIN (SELECT customer_id, partner_id, currency, sum(pending_change) AS pending FROM reward_entry
              WHERE group_id = $1 AND customer_id IS NOT NULL GROUP BY 1, 2, 3) s
       USING (customer_id, partner_id, currency)
  FULL JOIN (SELECT customer_id, partner_id, currency, sum(remaining) AS waiting FROM reward_lot
              WHERE group_id = $1 AND released_at IS NULL GROUP BY 1, 2, 3) l
       USING (customer_id, partner_id, currency)
 WHERE NOT (coalesce(b.pending, 0) = coalesce(s.pending, 0) AND coalesce(b.pending, 0) = coalesce(l.waiting, 0))
UNION ALL
SELECT 'paid by evaluation ' || v.id FROM reward_evaluation v
 WHERE v.group_id = $1
   AND v.amount - v.taken_back <>
       (SELECT coalesce(sum(amount), 0) FROM reward_entry e WHERE e.group_id = $1 AND e.evaluation_id = v.id)
UNION ALL
SELECT 'participant ' || p.customer_id FROM reward_participant p
 WHERE p.group_id = $1
   AND p.rewarded <> p.rewarded_before + (SELECT count(*) FROM reward_evaluation v
                       WHERE v.group_id = $1 AND v.campaign_id = p.campaign_id AND v.customer_id = p.customer_id
                         AND v.amount > 0 AND v.reversed_at IS NULL)
"""
"""A line for each number that is not the sum of what it counts."""


async def broken(tx: Transaction) -> list[str]:
    """What does not add up in this group; nothing."""
    return [row[0] for row in await tx.fetch(BROKEN, tx.scope.group_id)]


async def evaluations(tx: Transaction, ids: Sequence[int]) -> list[dict[str, Any]]:
    """Rows of evaluations, in the order of the ids."""
    rows = await tx.fetch(
        "SELECT *, trace::text AS trace_text FROM reward_evaluation WHERE group_id = $1 AND id = ANY ($2)",
        tx.scope.group_id, list(ids),
    )  # fmt: skip
    found = {row["id"]: dict(row) for row in rows}
    return [found[ident] for ident in ids]


async def given(db: Database, *, customers: int = 3, currency: str = "EUR") -> Given:
    """A new group with so many customers."""
    group = await groups.group(db, currency=currency)
    partner = await campaigns.partner(db, group.group_id)
    made = await audience.customers(
        db, group.scope, *(CustomerEntry(external_id=f"c{n}", loyalty_tier="gold") for n in range(customers))
    )
    return Given(db, group.group_id, group.store_id, partner, list(made.ids))
