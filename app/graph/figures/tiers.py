"""A customer's tier: the highest one whose threshold was earned in its window up to now, by when things happened.

What was taken back was not earned; what waits, was used, or has expired was.
"""

from typing import Any

from app.graph.declaring.described import object_type
from app.graph.declaring.fields import aggregate, column, is_set
from app.graph.declaring.scalars import Long
from app.plan.catalog import AggregateRequest
from app.plan.sql import NOW, Alias, Select, sql


@object_type
class CustomerRewardTier:
    """A tier somebody is in."""

    name: str = column("What it is called.")
    threshold: Long = column("What has to be earned for it.")
    earned: Long = column("What was earned in its window up to now, in the campaigns in sight.")


def reward_tier(description: str) -> Any:
    """The highest tier that is reached."""
    return aggregate(description, _standing, present=is_set("name"), price=200)


def _standing(request: AggregateRequest) -> Select:
    assert request.parent is not None
    customer = request.table("Customer", "c")
    joins = sql(
        """
        JOIN {g} ON {g.scope}
        LEFT JOIN LATERAL (
            SELECT {t.name}, {t.threshold}, worth.earned
            FROM {t}
            CROSS JOIN LATERAL (
                SELECT least(coalesce(sum({v.amount} - {v.taken_back}), 0), 9007199254740991)::bigint AS earned
                FROM {v} JOIN {k} ON {k.scope} AND {k.id} = {v.campaign_id} AND {k.reward_type} = 1
                WHERE {v.scope} AND {v.customer_id} = {c.id} AND {v.amount} > 0 AND {v.currency} = {g.currency}
                  AND {v.occurred_at} > {now} - make_interval(days => {t.window_days})
            ) worth
            WHERE {t.scope} AND worth.earned >= {t.threshold}
            ORDER BY {t.threshold} DESC, {t.id} LIMIT 1
        ) tier ON true
        """,
        c=customer,
        g=request.table("CustomerGroup", "g"),
        t=request.table("RewardTier", "t"),
        v=request.table("RewardEvaluation", "v"),
        k=request.table("Campaign", "k"),
        now=NOW,
    )
    tier = Alias("tier")
    names = {name: tier(name) for name in ("name", "threshold", "earned")}
    return Select(names, customer, [sql("{c.id} = {parent}", c=customer, parent=request.parent)], joins=joins)
