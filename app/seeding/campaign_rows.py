"""Rows of a demonstration group's campaigns, and of their offers, flows, spend and numbers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from app.domain.metrics.facts import REBUILD
from app.seeding.numbers import CENT, numbers_of, reported_of
from app.seeding.stories import CampaignKind, CampaignPlan, FlowPlan
from app.seeding.writing import Writer, Written
from app.tables.metrics import REPORTED
from app.values.codes import code_key, generated_code

GENERATED = 20
"""Codes generated for each promo."""


@dataclass(frozen=True, slots=True)
class CampaignWriter:
    """Writes the campaigns of one group."""

    writer: Writer
    known: Written
    ids: dict[str, int] = field(default_factory=dict)

    async def write(self) -> dict[str, int]:
        """All campaigns of the plan with what belongs to them, and the rollup of their metrics; returns ids by name."""
        # Templates first: their clones refer to them.
        for plan in sorted(self.writer.plan.campaigns, key=lambda c: not c.is_template):
            self.ids[plan.name] = await self._campaign(plan)
        for statement in REBUILD:
            await self.writer.connection.execute(statement, self.writer.group_id)
        return self.ids

    async def _campaign(self, plan: CampaignPlan) -> int:
        known = self.known
        tracked = plan.kind == CampaignKind.TRACKED
        project = known.project if tracked else None
        created = self.writer.at((plan.start if plan.start is not None and plan.start < 0 else -3) - 10, 9)
        if plan.kind == CampaignKind.MEDIA:
            [project] = await self.writer.rows(
                "project",
                [
                    {
                        "name": plan.name,
                        "is_internal": True,
                        "store_id": known.stores[plan.store],
                        "created_at": created,
                    }
                ],
            )
        starts_at = None if plan.start is None else self.writer.at(plan.start)
        ends_at = None if plan.end is None else self.writer.at(plan.end)
        status = plan.status or self._status(starts_at, ends_at)
        reward = plan.reward
        [campaign] = await self.writer.rows(
            "campaign",
            [
                {
                    "name": plan.name, "description": plan.description, "status": status, "type": plan.type,
                    "logo_url": f"{self.writer.plan.site}/logo.svg" if reward else None,
                    "objective": plan.objective, "channels": plan.channels,
                    "store_id": known.stores[plan.store], "project_id": project,
                    "segment_id": None if plan.segment is None else known.segments[plan.segment],
                    "starts_at": starts_at, "ends_at": ends_at,
                    "starts_on": self.writer.today + timedelta(days=plan.start) if plan.start is not None else None,
                    "ends_on": self.writer.today + timedelta(days=plan.end - 1) if plan.end is not None else None,
                    "period_type": plan.period_type, "budget_total": plan.budget,
                    "currency": self.writer.plan.currency, "subject": plan.subject, "body": plan.body,
                    "cta_text": plan.cta[0] if plan.cta else None,
                    "cta_url": plan.cta[1] if plan.cta else None,
                    "integration_id": known.integration if tracked else None, "slug": plan.slug,
                    "is_explicit": plan.is_explicit, "reward_type": reward.type_code if reward else None,
                    "partner_id": known.partners[reward.partner] if reward else None,
                    "partnership_id": known.partnerships[reward.partner] if reward else None,
                    "owner_id": 1 if reward else None, "total_rewards": 0,
                    "is_template": plan.is_template, "template_id": self.ids.get(plan.template or ""),
                    "activated_at": starts_at if status in ("active", "paused", "completed") else None,
                    "created_at": created, "updated_at": created,
                    "deleted_at": self.writer.at(-1, 17) if plan.is_deleted else None,
                }
            ],
        )  # fmt: skip
        await self._extras(plan, campaign)
        if reward:
            partner = known.partners[reward.partner]
            for place, flow in enumerate(reward.flows):
                await self._flow(flow, place, campaign=campaign, partner=partner)
            await self.writer.rows(
                "goal",
                [
                    {"campaign_id": campaign, "position": n, "partner_id": partner, "type_code": g.type_code,
                     "value": g.value, "operator_code": g.operator_code}
                    for n, g in enumerate(reward.goals)
                ],
            )  # fmt: skip
        await self._spend_and_metrics(plan, campaign)
        return campaign

    def _status(self, starts_at: datetime | None, ends_at: datetime | None) -> str:
        if starts_at is None:
            return "draft"
        if starts_at > self.writer.now:
            return "scheduled"
        return "completed" if ends_at is not None and ends_at <= self.writer.now else "active"

    async def _extras(self, plan: CampaignPlan, campaign: int) -> None:
        known = self.known
        currency = self.writer.plan.currency
        if plan.promo:
            promo = plan.promo
            follows = plan.start is not None
            [made] = await self.writer.rows(
                "promo",
                [
                    {
                        "code": promo.code, "code_key": code_key(promo.code),
                        "type": promo.type, "value": promo.value, "currency": currency,
                        "usage_limit": promo.usage_limit, "per_customer_limit": 1, "used": promo.used,
                        "used_as_of": self.writer.now, "min_order_amount": promo.min_order,
                        "follows_campaign": follows, "valid_from": None if follows else self.writer.now,
                        "applies_to": {"all_items": True}, "campaign_id": campaign,
                        "segment_id": None if plan.segment is None else known.segments[plan.segment],
                    }
                ],
            )  # fmt: skip
            await self.writer.rows("promo_campaign", [{"promo_id": made, "campaign_id": campaign}])
            chance = Random(promo.code)  # noqa: S311 - made-up codes
            codes = [generated_code(code_key(promo.code), 10, choose=chance.choice) for _ in range(GENERATED)]
            await self.writer.rows("promo_code", [{"promo_id": made, "code": code} for code in codes])
        if plan.limit:
            await self.writer.rows(
                "spend_limit",
                [{"campaign_id": campaign, "type": "capped" if plan.limit.amount else "uncapped",
                  "renewal": plan.limit.renewal, "amount": plan.limit.amount, "currency": currency}],
            )  # fmt: skip

    async def _flow(self, plan: FlowPlan, place: int, *, campaign: int, partner: int) -> None:
        [flow] = await self.writer.rows(
            "flow",
            [{"campaign_id": campaign, "position": place, "trigger_code": plan.trigger,
              "custom_trigger_id": plan.custom_trigger_id, "is_active": plan.is_active}],
        )  # fmt: skip
        in_flow = {"flow_id": flow, "partner_id": partner}
        await self.writer.rows(
            "flow_action",
            [
                {**in_flow, "position": n, "action_code": a.code, "base_reward": a.base_reward,
                 "extra_data": {"note": a.note}}
                for n, a in enumerate(plan.actions)
            ],
        )  # fmt: skip
        await self.writer.rows(
            "flow_condition",
            [
                {**in_flow, "position": n, "type_code": c.type_code, "operator_code": c.operator_code,
                 "joiner_code": c.joiner_code, "attribute": c.attribute, "value": c.value}
                for n, c in enumerate(plan.conditions)
            ],
        )  # fmt: skip
        await self.writer.rows(
            "flow_multiplier",
            [
                {**in_flow, "position": n, "type_code": m.type_code, "attribute": m.attribute,
                 "amount": m.amount, "value": m.value}
                for n, m in enumerate(plan.multipliers)
            ],
        )  # fmt: skip

    async def _spend_and_metrics(self, plan: CampaignPlan, campaign: int) -> None:
        currency = self.writer.plan.currency
        facts: list[dict[str, Any]] = []
        booked: list[dict[str, Any]] = []
        cap = Decimal(plan.limit.amount) if plan.limit and plan.limit.amount else None
        daily_cap = cap if plan.limit and plan.limit.renewal == "daily" else None
        for numbers in numbers_of(
            plan, group=self.writer.plan.slug, basket=self.writer.plan.basket, today=self.writer.today
        ):
            spend = Decimal()
            if plan.kind in (CampaignKind.MEDIA, CampaignKind.AD):
                spend = (numbers.counts["clicks"] * numbers.cost_per_click).quantize(CENT)
                spend = spend if daily_cap is None else min(spend, daily_cap)
                booked.append(
                    {"campaign_id": campaign, "source": REPORTED + numbers.channel,
                     "source_ref": f"{campaign}/{numbers.day}/{numbers.channel}", "day": numbers.day,
                     "channel": numbers.channel, "amount": spend, "currency": currency}
                )  # fmt: skip
            facts.append(
                {"campaign_id": campaign, "day": numbers.day, "channel": numbers.channel,
                 "source": REPORTED + numbers.channel, "currency": currency,
                 **reported_of(plan, numbers, today=self.writer.today), "spend": spend, "extra": {}}
            )  # fmt: skip
        await self.writer.rows("spend_entry", booked)
        await self.writer.rows("metric_fact", facts)
