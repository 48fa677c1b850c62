"""A group with rows in every table, full of values that are easy to print wrongly, each text marked."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from app.db.database import Database
from app.domain.orders.sums import REBUILD_SUMS
from app.tables.access import ApiKey, OAuthClient
from app.tables.assets import Asset
from app.tables.attribution import AttributedShare
from app.tables.audit import AuditEntry
from app.tables.campaigns import Campaign
from app.tables.channels import ChannelRule
from app.tables.contacts import ContactStatement
from app.tables.customers import Customer
from app.tables.event_metrics import EventMetric, EventMetricChange
from app.tables.event_types import EventField, EventType
from app.tables.events import Event, EventFault
from app.tables.exchange_rates import ExchangeRate
from app.tables.flows import Flow, FlowAction, FlowCondition, FlowMultiplier
from app.tables.funnels import FunnelDay, FunnelTouch
from app.tables.goals import Goal
from app.tables.groups import CustomerGroup
from app.tables.idempotency import IdempotentAnswer
from app.tables.identities import CustomerIdentity
from app.tables.imports import ImportRun
from app.tables.integrations import Integration
from app.tables.interactions import Interaction
from app.tables.metrics import (
    CampaignMetric,
    MessageRecipient,
    MetricFact,
    MetricFactRollup,
    MetricRollup,
    Source,
)
from app.tables.orders import CustomerOrder, OrderRefund
from app.tables.outlays import Outlay
from app.tables.partners import Partner, Partnership
from app.tables.people import CustomerDoubt, CustomerMerge
from app.tables.projects import Project
from app.tables.promos import Promo, PromoCampaign, PromoCode, PromoRedemption, Stacking
from app.tables.rewards import (
    RewardAttribute,
    RewardBalance,
    RewardEntry,
    RewardEvaluation,
    RewardParticipant,
    RewardReevaluation,
    RewardTier,
)
from app.tables.segments import Segment, SegmentMember, SegmentSize
from app.tables.spend import SpendEntry, SpendLimit
from app.tables.stores import Store
from app.tables.webhooks import WebhookConnection, WebhookProvider, WebhookRefusal
from app.values.scope import Scope
from tests.given.inserting import insert

WEIRD = [
    "plain",
    'quote " backslash \\ slash /',
    "line\nfeed\ttab\rreturn \b\f \x01 \x1f \x7f",
    "Ünïcödé – “typographic” 漢字 🎉 é",
    "%_like_%",
    "   ",
    "'); DROP TABLE campaign; --",
]
BIG = 2**53 - 1


@dataclass(frozen=True)
class Everything:
    """What was made, to ask for it."""

    group_id: int
    store_ids: list[int]
    project_ids: list[int]
    campaign_ids: list[int]
    event_ids: list[UUID]
    ids: dict[str, list[int]]
    """By table name."""

    @property
    def scope(self) -> Scope:
        """The whole group."""
        return Scope(self.group_id)

    @property
    def store_scope(self) -> Scope:
        """Its first store."""
        return Scope(self.group_id, store_id=self.store_ids[0])

    @property
    def project_scope(self) -> Scope:
        """Its first project."""
        return Scope(self.group_id, project_ids=(self.project_ids[0],))


async def everything(db: Database, mark: str, *, currency: str = "EUR", campaigns: int = 7) -> Everything:
    """Fill a new group. `mark` is in every text of it, so that it shows where it leaks.

    Texts of what belongs to one store or project say so: `ours.s0` (store 0), `ours.s0.p0` (and project 0), with `-`
    for none. Some rows point into another store or project, where a narrower scope must not follow.
    """
    async with db.directory() as directory:
        group_id = await directory.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id")
    start = datetime(2025, 6, 1, 8, 0, 0, 120_000, tzinfo=UTC)
    ids: dict[str, list[int]] = {}
    async with db.transaction(Scope(group_id)) as tx:

        async def add(*rows: SQLModel) -> list[int]:
            made = await insert(tx, *rows)
            ids.setdefault(str(rows[0].__tablename__), []).extend(made)
            return made

        g = {"group_id": group_id}
        await add(
            CustomerGroup(id=group_id, name=f"{mark} group", currency=currency, time_zone="Europe/Paris")
        )
        stores = await add(
            *(
                Store(
                    **g,
                    name=f"{mark}.s{at} {text}",
                    beacon_key=f"{mark}.s{at}-b",
                    is_default=at == 0,
                    time_zone=[None, "America/St_Johns", "Pacific/Kiritimati"][at],
                    unavailable_features=["daily_limits", "spend_limits"] if at == 1 else [],
                    created_at=start,
                )
                for at, text in enumerate(WEIRD[:3])
            )
        )
        projects = await add(
            Project(**g, name=f"{mark}.s0.p0", slug=f"{mark}.s0.p0-slug", store_id=stores[0]),
            Project(**g, name=f"{mark}.s1.p1", is_internal=True, store_id=stores[1]),
            Project(**g, name=f"{mark}.s-.p2"),
        )
        partners = await add(*(Partner(**g, name=f"{mark} {text}") for text in WEIRD[:2]))
        pships = await add(
            *(
                Partnership(**g, name=f"{mark}.s{n} ship", partner_id=partners[0], store_id=s)
                for n, s in enumerate(stores)
            )
        )
        integrations = await add(
            Integration(
                **g,
                name=f"{mark}.s0.p0 i",
                project_id=projects[0],
                wmkt_id=f"{mark}.s0.p0",
                currency=currency,
            ),
            Integration(
                **g, name=f"{mark}.s-.p2 i", project_id=projects[2], wmkt_id=f"{mark}.s-.p2", currency="JPY"
            ),
            Integration(
                **g, name=f"{mark}.s1.p1 i", project_id=projects[1], wmkt_id=f"{mark}.s1.p1", currency="BHD"
            ),
        )
        segments = await add(
            Segment(
                **g, name=f"{mark} s0", type="dynamic", criteria={"tier": f"{mark} gold", "n": 1.5}, size=BIG
            ),
            Segment(**g, name=f"{mark} s1", type="static", sized_at=start, deleted_at=start),
        )
        for n, segment in enumerate(segments):
            await add(SegmentSize(**g, segment_id=segment, day=start.date() + timedelta(days=n), size=BIG))
        customers = await add(
            *(
                Customer(
                    **g,
                    name=f"{mark}.s{n} c",
                    email=f"{mark}.s{n}@example.org",
                    email_key=f"{mark}.s{n}@example.org".lower(),
                    phone=f"{mark}.s{n}+33",
                    store_id=store,
                    external_id=f"{mark}.s{n}-ext" if n else None,
                    loyalty_tier=f"{mark}.s{n} tier" if n else None,
                    order_count=BIG if n == 1 else n,
                    total_spent=Decimal(["0", "99999999999999.9999", "12.3400"][n]),
                    last_order_at=start + timedelta(days=n) if n else None,
                    totals_as_of=start + timedelta(days=n, microseconds=120_000) if n else None,
                    email_consent=n == 1,
                    tags=[f'{mark}.s{n} "tag", é', ""][: n + 1],
                    attributes={"shoe": 42.50, "note": f"{mark}.s{n} {WEIRD[2]}"} if n else None,
                )
                for n, store in enumerate(stores)
            ),
            Customer(**g, name=f"{mark}.s- c", store_id=None),
        )
        marks = [f"{mark}.s{at % 3}.p{'-' if at == 1 else at % 3}" for at in range(campaigns)]
        made: list[int] = []
        for at in range(campaigns):
            bare, own = at == 1, marks[at]
            made += await add(
                Campaign(
                    **g,
                    name=f"{own} {WEIRD[at % len(WEIRD)]}",
                    description=None if bare else f"{own} {WEIRD[-1 - at % len(WEIRD)]}",
                    logo_url=None if bare else f"https://{own}.example.org/logo.png",
                    status=["draft", "scheduled", "active", "paused", "completed"][at % 5],
                    objective=["acquisition", "retention", "unspecified"][at % 3],
                    type="loyalty" if at % 2 else "promotion",
                    channels=[] if bare else ["google_ads", f'{own} "odd", channel', "é"][: at % 4],
                    store_id=stores[at % 3],
                    project_id=None if bare else projects[at % 3],
                    segment_id=None if bare else segments[at % 2],
                    starts_at=None if bare else start + timedelta(days=at, microseconds=at),
                    ends_at=None if at % 3 == 1 else start + timedelta(days=at + 30),
                    starts_on=None if bare else date(2025, 6, 1),
                    ends_on=date(2025, 6, 30) if at % 2 else None,
                    period_type=None if bare else f"{own}_month",
                    budget_total=None
                    if bare
                    else Decimal(["0", "1200", "0.1", "99999999999999.9999"][at % 4]),
                    currency=["EUR", "JPY", "BHD"][at % 3],
                    subject=f"{own} subject" if at % 2 else None,
                    cta_url=f"https://{own}.example.org" if at % 4 == 0 else None,
                    integration_id=integrations[at // 3] if at in (0, 3) else None,
                    slug=f"{own}-slug" if at in (0, 3) else None,
                    reward_type=None if bare else [1, 2, 3, 4, 9, 0, -1][at % 7],
                    reward_expire_period=[None, "month", "year"][at % 3],
                    partner_id=None if bare else partners[at % 2],
                    partnership_id=None if bare else pships[0],
                    owner_id=BIG if at % 2 else None,
                    total_rewards=BIG if at == 2 else at,
                    is_template=at == 3,
                    template_id=made[at - 2] if at in (2, 3, 5) else None,
                    known_as_system=["crm", "own"][: at % 3],
                    known_as_id=[f"{own}_{at}", f'{own} "id", é'][: at % 3],
                    activated_at=start if at % 2 else None,
                    created_at=start + timedelta(days=at // 2),
                    updated_at=datetime(1, 1, 2, tzinfo=UTC)
                    if at == 4
                    else datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
                    deleted_at=start if at == 6 else None,
                )
            )
        for at, campaign in enumerate(made):
            c, own = {**g, "campaign_id": campaign}, marks[at]
            if at % 2 == 0:
                amount = Decimal("123.45") if at else None
                renewal = ["lifetime", "daily", "monthly"][at // 2 % 3]
                limit: dict[str, Any] = {"type": "capped", "renewal": renewal} if at else {"type": "uncapped"}
                if at == 4:
                    limit |= {"pending_amount": Decimal("0.1000"), "pending_renewal": "daily"}
                    limit |= {"effective_from": start}
                await add(SpendLimit(**c, **limit, amount=amount, currency="EUR"))
            for n in range(at % 3):
                await add(
                    Goal(
                        **c,
                        position=n,
                        partner_id=partners[n % 2],
                        type_code=n + 3,
                        value=BIG,
                        operator_code=n + 2,
                    )
                )
                flow = await add(
                    Flow(
                        **c,
                        position=n,
                        trigger_code=n + 4,
                        custom_trigger_id=n or None,
                        deleted_at=start if n else None,
                    )
                )
                f = {**g, "flow_id": flow[0], "partner_id": partners[0]}
                await add(
                    FlowAction(
                        **f,
                        position=1,
                        action_code=1,
                        base_reward=BIG,
                        rate=Decimal("1.05"),
                        rounding="half_up",
                        per="quantity",
                        extra_data={"k": f"{own} extra", "n": 1e30},
                    ),
                    FlowAction(**f, position=0, action_code=9, base_reward=0),
                )
                await add(
                    FlowCondition(
                        **f, type_code=1, operator_code=5, joiner_code=2, attribute=123, value=f"{own} v"
                    ),
                    FlowCondition(
                        **f,
                        type_code=7,
                        operator_code=9,
                        joiner_code=0,
                        attribute=0,
                        value=[1, None, {"a": "b"}],
                    ),
                )
                await add(FlowMultiplier(**f, type_code=4, attribute=BIG, amount=Decimal("1.5"), value=123))
            (promo,) = await add(
                Promo(**g, code=f"{own}-{at}", code_key=f"{own}-{at}", type="percentage", value=Decimal("20"),
                      currency="EUR", follows_campaign=at > 1, stacking=Stacking.WITH_OTHERS if at % 2 else
                      Stacking.EXCLUSIVE, used_beyond_limit=at,
                      min_order_amount=Decimal("25") if at else None, max_discount=Decimal("50.5") if at % 2 else None,
                      usage_limit=at or None, used=at, used_as_of=start if at % 2 else None,
                      valid_from=start if at % 2 else None,
                      valid_until=start + timedelta(days=9000) if at % 3 else None,
                      applies_to={"all_items": True, "note": own},
                      campaign_id=campaign if at else None, segment_id=segments[0] if at == 2 else None),
            )  # fmt: skip
            for other in [c for c, whose in zip(made, marks, strict=True) if whose == own] if at else ():
                await add(PromoCampaign(**g, promo_id=promo, campaign_id=other))
            for n in range(at):
                (code,) = await add(
                    PromoCode(**g, promo_id=promo, code=f"{own}-{at}.{n}", redeemed_at=start if n == 1 else None,
                              disabled_at=start if n == 2 else None),
                )  # fmt: skip
                if n == 1:
                    await add(
                        PromoRedemption(**g, promo_id=promo, code_id=code, key=f"{own}/code {at}", currency="EUR",
                                        basket_total=Decimal("10"), discount=Decimal("1"), redeemed_at=start),
                    )  # fmt: skip
            for n in range(at % 4):
                outlay = Outlay(
                    **c, amount=Decimal("0.0001") * (10**n), currency="EUR", starts_at=start + timedelta(days=n // 2),
                    ends_at=start + timedelta(days=40), country=f"{own} FR" if n else None,
                    region=own if n == 2 else None,
                    integration_id=integrations[0] if n else None, deleted_at=start if n == 2 else None,
                )  # fmt: skip
                await add(outlay)
                day = date(2025, 6, 1) + timedelta(days=n)
                await add(SpendEntry(**c, source="outlay", source_ref=f"{own}/{at}/{n}", day=day, channel=f"{own}-ch",
                                     amount=Decimal("12.3400"), currency="EUR"))  # fmt: skip
                counts: dict[str, Any] = {
                    "impressions": BIG if n == 2 else 1000 * n,
                    "clicks": 7 * n,
                    "delivered": 3 * n,
                    "opened": 2 * n,
                }
                money = {"spend": Decimal("10.005"), "revenue": Decimal("0.3333") * n}
                row: dict[str, Any] = {
                    **g,
                    "day": day,
                    "channel": f"{own}-ch{n % 2}",
                    "currency": ["EUR", "JPY", "BHD"][at % 3],
                    **money,
                }
                await add(CampaignMetric(campaign_id=campaign, **row, **counts, extra={"reach": mark}))
                reported: dict[str, Any] = {"source": f"reported:{own} {WEIRD[n]}", **counts, **row}
                measured: dict[str, Any] = {
                    **row,
                    "source": ["orders", "deliveries", "attributed"][n],
                    "conversions": Decimal("0.5") + n,
                    "sent": 5 + n,
                    "spend": Decimal("0.0001"),
                }
                await add(
                    MetricFact(campaign_id=campaign, **reported, extra={"reach": mark}),
                    MetricFact(campaign_id=campaign, **measured, implied=n),
                )
                if at == 3:
                    there = {"store_id": stores[n % 3], "channel": f"{mark}.s{n % 3}-ch{n % 2}"}
                    reported["source"] = f"reported:{mark}.s{n % 3} {WEIRD[n]}"
                    await add(MetricRollup(**{**row, **there}, **counts))
                    await add(
                        MetricFactRollup(**{**reported, **there}), MetricFactRollup(**{**measured, **there})
                    )
                await add(
                    MessageRecipient(**c, channel=f"{own}-ch", recipient=f"{own} {n}", first_at=start,
                                     delivered_at=start, opened_at=start + timedelta(days=n) if n else None),
                )  # fmt: skip
            if at % 2:
                await add(
                    Asset(**g, store_id=stores[at % 3], campaign_id=campaign if at % 4 == 1 else None,
                          name=f"{own} {WEIRD[at % 4]}.pdf", content_type="application/pdf", size=BIG, sha256="00" * 32,
                          storage_key=f"{group_id}/{own}/{at}"),
                )  # fmt: skip
        customers = ids["customer"]
        for n, customer in enumerate(customers):
            await add(SegmentMember(**g, segment_id=segments[n % 2], customer_id=customer, created_at=start))
            for at in range(n + 1):
                store = n if n < 3 else 1
                (order,) = await add(
                    CustomerOrder(**g, reference=f"{mark}.s{store}/{n}/{at} {WEIRD[n]}", customer_id=customer,
                                  store_id=stores[store], campaign_id=made[at] if at else None,
                                  promo_id=ids["promo"][at] if at == 2 else None,
                                  channel=f"{mark}.s{store} ch" if at else None,
                                  amount=Decimal(["0", "12.3", "99999999999999.9999", "1200"][at]),
                                  currency=["EUR", "JPY", "BHD", "EUR"][at],
                                  refunded=Decimal(["0", "0.3", "99999999999999.9999", "0"][at]),
                                  cancelled_at=start if at == n == 3 else None, version=BIG if at == 1 else 0,
                                  ordered_at=start + timedelta(days=at // 2),
                                  ordered_on=(start + timedelta(days=at // 2)).date()),
                )  # fmt: skip
                if at:
                    await add(
                        AttributedShare(**g, source=Source.ATTRIBUTED, customer_id=customer, order_id=order,
                                        campaign_id=made[at], day=start.date(), channel=f"{mark}.s{store} ch",
                                        currency="EUR", amount=Decimal("0.0400")),
                    )  # fmt: skip
                    await add(
                        OrderRefund(**g, order_id=order, reference=f"{mark}.s{store}/{n}/{at} back {WEIRD[n]}",
                                    amount=Decimal("0.3"), currency=["EUR", "JPY", "BHD", "EUR"][at],
                                    refunded_at=start + timedelta(days=n)),
                    )  # fmt: skip
        for statement in REBUILD_SUMS:
            await tx.execute(statement, group_id)
        for n in range(4):
            place, own = (stores[n], f"{mark}.s{n}") if n < 3 else (None, f"{mark}.s-")
            for at, promo in enumerate(ids["promo"][:2]):
                await add(
                    PromoRedemption(**g, promo_id=promo, customer_id=None if at and n == 1 else customers[n],
                                    store_id=place, key=f"{own}/{at} {WEIRD[n]}",
                                    currency=["EUR", "JPY", "BHD", "EUR"][n],
                                    basket_total=Decimal("99999999999999.9999"), discount=Decimal("12.3400") * at,
                                    redeemed_at=start + timedelta(days=n), released_at=start if at else None),
                )  # fmt: skip
            for at, stage in enumerate(
                ["awareness", "interest", "purchase", "awareness", "activation"][: n + 2]
            ):
                touched = start + timedelta(days=at // 2, hours=at)
                await add(
                    FunnelTouch(**g, customer_id=customers[n], stage=stage, occurred_at=touched,
                                channel=None if at == 1 else f"{own} ch{at % 2}",
                                campaign_id=made[n % 3] if at % 2 else None,
                                source="test", source_ref=f"{own}/{at}"),
                )  # fmt: skip
            for at, path in enumerate(["ab", "fa", "h"][: (n + 3) // 2]):
                await add(
                    FunnelDay(**g, customer_id=customers[n], day=date(2025, 6, 1) + timedelta(days=at),
                              path=path if n + 2 > at * 2 + 1 else path[0]),
                )  # fmt: skip
        event_marks = [f"{mark}.s0.p0", f"{mark}.s1.p1", f"{mark}.s-.p2", mark]
        for n, (project, own) in enumerate(zip(projects, event_marks, strict=False)):
            for at in range(2):
                (event_type,) = await add(
                    EventType(**g, project_id=project, reference=f"{own}-type{at}", name=f"{own} {WEIRD[n + at]}",
                              version=2, details={"k": f"{own} {WEIRD[2]}", "n": 1e30} if n else None,
                              expiration_policy={"from": f"{own} type"} if at else None,
                              phone_parsing=[f"{own} FR"] if n == 1 else None,
                              funnel_stage="purchase" if at else None, trigger=None if at else "spend",
                              archived_at=start if at and n != 1 else None, created_at=start,
                              updated_at=start + timedelta(days=n)),
                )  # fmt: skip
                if at and n != 1:
                    continue
                for version, place in [(2, 0), (2, 1), (2, 2), (1, 0)][: 3 if at or n else 4]:
                    await add(
                        EventField(**g, event_type_id=event_type, version=version, is_current=version == 2,
                                   position=place, kind=["field", "state", "statistic"][place],
                                   storage_key=f"{own}-key{place}",
                                   ingestion_key=f"{own} {WEIRD[place]}", name=f"{own} {WEIRD[-1 - place]}",
                                   data_type=["string", "boolean", "number"][place], is_required=place == 0,
                                   identity=f"{own}-email" if place == 0 and version == 2 else None,
                                   sent={"label": f"{own} x"} if place else None),
                    )  # fmt: skip
        for n, (project, own) in enumerate(zip(projects, event_marks, strict=False)):
            for at in range(3):
                await add(
                    Interaction(**g, project_id=project, kind="offline" if at == 2 else "online",
                                tracker_id=f"{own} {WEIRD[at]}" if at < 2 else None,
                                customer_id=customers[n] if at else None,
                                integration_id=integrations[(0, 2, 1)[n]] if at else None,
                                campaign_id=made[n] if at else None,
                                channel=(None, "email", f"{own} {WEIRD[1]}"[:60])[n],
                                occurred_at=start + timedelta(days=at // 2),
                                landing_url=f"https://{own}.example.org/{WEIRD[n]}" if at < 2 else None,
                                referrer=f"{own} {WEIRD[-1 - at]}" if at == 1 else None,
                                user_data={"email": f"{own} {WEIRD[1]}"} if at == 2 else None,
                                node_data={"wmktId": f"{own} {WEIRD[2]}", "n": 1e30} if at else None,
                                dedup_key=f"{own}/{at}"),
                )  # fmt: skip
        events = [UUID(int=group_id * 1000 + n) for n in range(4)]
        await insert(
            tx,
            *(
                Event(**g, id=event, project_id=projects[n] if n < 3 else None,
                      source=f"{own}-source" if n else "tracker",
                      dedup_key=f"{mark}{n}" if n else f"{projects[0]}:{own}:{WEIRD[1]}",
                      event_type=f"{own} purchase", received_at=start,
                      occurred_at=start + timedelta(seconds=n),
                      event_type_id=ids["event_type"][2 * n] if n < 3 else None, type_version=n + 1 if n < 3 else None,
                      kind="opened" if n else None, channel=f"{own}-ch" if n else None,
                      outcome=[None, "applied", "ignored", "applied"][n],
                      campaign_id=made[n] if n else None, customer_id=customers[n] if n < 3 else None,
                      status=["processed", "trashed", "pending", "processed"][n], is_attributable=n == 1,
                      is_clock_doubtful=n == 2,
                      tracker_id=f"{own} {WEIRD[2]}" if n else None,
                      data={"amount": 1.50, "note": f"{own} data"} if n else None,
                      user_data={"email": f"{own} user {WEIRD[1]}"} if n != 1 else None,
                      updated_at=start + timedelta(days=n),
                      body={"amount": 1.10, "note": f"{own} body", "data": {"n": 1e30, "k": f"{own} x"}} if n else None)
                for n, (event, own) in enumerate(zip(events, event_marks, strict=True))
            ),
        )  # fmt: skip
        for n, (event, own) in enumerate(zip(events, event_marks[:3], strict=False)):
            for at in range(n + 1):
                await add(
                    EventFault(**g, event_id=event, position=at, code=["field_required", f"{own}-code"][at % 2],
                               field=f"{own} {WEIRD[at]}" if at else None, message=f"{own} {WEIRD[-1 - at]}"),
                )  # fmt: skip
            await add(
                EventMetric(**g, event_id=event, project_id=projects[n], customer_id=customers[n] if n < 2 else None,
                            kind="statistic", occurred_at=start + timedelta(seconds=n), storage_key="turnover",
                            value=Decimal("100.01"), metric_date=start, created_at=start, updated_at=start),
            )  # fmt: skip
            for at, kind in enumerate(["state", "statistic", "statistic"][: n + 1]):
                when = start + timedelta(days=at, microseconds=n)
                (metric,) = await add(
                    EventMetric(**g, event_id=event, project_id=projects[n],
                                customer_id=customers[n] if n < 2 else None, kind=kind,
                                occurred_at=start + timedelta(seconds=n), storage_key=f"{own}-key{at}",
                                value=Decimal(["1", "-99999999999999.9999", "12.3400"][at]), metric_date=when,
                                created_at=start + timedelta(days=at // 2), updated_at=when),
                )  # fmt: skip
                for change in range(at + 1):
                    await add(
                        EventMetricChange(**g, metric_id=metric, value=Decimal("0.5000") * change, metric_date=when,
                                          actor=f"{own} {WEIRD[change]}" if change else None, created_at=start),
                    )  # fmt: skip
            for at in range(n + 1):
                await add(
                    CustomerIdentity(**g, project_id=projects[n], kind=["tracker", "email", f"{own}-kind"][at],
                                     value=f"{own} {WEIRD[at]}", customer_id=customers[n], created_at=start),
                )  # fmt: skip
        await add(
            CustomerMerge(**g, from_id=customers[1], into_id=customers[0], reason="hand", actor=f"{mark} {WEIRD[1]}",
                          undone_at=start, undone_by=f"{mark} {WEIRD[2]}", moved={"event": []}, created_at=start),
            CustomerMerge(**g, from_id=customers[0], into_id=customers[2], reason="key", moved={}, created_at=start),
        )  # fmt: skip
        await add(
            CustomerDoubt(**g, customer_id=customers[0], other_id=customers[1], reason="shared_phone", kind="phone",
                          value=f"{mark} {WEIRD[1]}", created_at=start),
            CustomerDoubt(**g, customer_id=customers[2], reason="two_strong_keys", created_at=start),
        )  # fmt: skip
        await add(
            ChannelRule(**g, position=1, source=f"{mark} {WEIRD[1]}", channel=f"{mark} radio"),
            ChannelRule(**g, position=2, medium="*", click_id="a|b", referrer="*.example", campaign=WEIRD[0],
                        integration="custom_*"),
        )  # fmt: skip
        await add(
            ExchangeRate(**g, from_currency="JPY", to_currency="EUR", day=date(2025, 6, 1), rate=Decimal("0.0061")),
            ExchangeRate(**g, from_currency="EUR", to_currency="BHD", day=date(2025, 6, 2),
                         rate=Decimal("9999999999.1")),
        )  # fmt: skip
        await insert(tx, IdempotentAnswer(**g, key=f"{mark} key", request_hash=b"", answer=mark.encode()))
        await add(
            RewardAttribute(**g, type_code=1, attribute=1000, name=f"{mark} shoe", kind="number"),
            RewardAttribute(**g, type_code=2, attribute=BIG, name=f"{mark} gift", kind="flag"),
        )
        await add(
            RewardTier(**g, name=f"{mark} bronze", threshold=0, window_days=1),
            RewardTier(**g, name=f"{mark} gold", threshold=BIG - 3, window_days=3650),
        )
        for n in range(4):
            own, campaign = marks[n], made[n]
            person: dict[str, Any] = {
                "customer_id": customers[n % 3],
                "currency": ["EUR", "JPY", "BHD", "USD"][n],
            }
            asked = await add(
                RewardReevaluation(
                    **g, campaign_id=campaign, what=["clock", "pause"][: n % 3],
                    state=["waiting", "done", "failed"][n % 3], since=start if n else None,
                    until=start + timedelta(days=n + 1) if n else None,
                    is_preview=n == 1, end_id=BIG, looked_at=n, paid_after=BIG, differences=[{"reference": own}],
                    failure=f"{own} {WEIRD[n]}" if n == 2 else None, finished_at=start if n % 3 else None,
                    created_at=start + timedelta(days=n // 2),
                ),
            )  # fmt: skip
            evaluated = await add(
                RewardEvaluation(
                    **g, **person, campaign_id=campaign, event_id=events[n % 3], reference=f"{own}/{n} {WEIRD[n]}",
                    trigger_code=[1, 4, 9, 2][n], custom_trigger_id=BIG if n == 1 else None, occurred_at=start,
                    version=n + 1, inputs={"user": {"note": own, "n": 1.50}}, trace={"flows": [own, None]},
                    outcome=["paid", "trimmed", "not_met", "paid"][n], wanted=BIG, amount=[BIG, 7, 0, 30][n],
                    reversed_at=start if n == 3 else None, created_at=start + timedelta(days=n // 2),
                    taken_back=[0, 3, 0, 30][n], asked_back=[0, 5, 0, 30][n], revision=n + 1,
                    reevaluation_id=asked[0] if n else None,
                ),
            )  # fmt: skip
            for at, paid in enumerate([[BIG], [3, 4], [], [30, -30]][n]):
                await add(
                    RewardEntry(
                        **g, **person, campaign_id=campaign, evaluation_id=evaluated[0], partner_id=partners[at],
                        kind="reversal" if paid < 0 else "redemption" if n == 1 else "payment", step=n + at,
                        position=at, flow=1, action=1, amount=paid, balance_change=-paid if n == 1 else paid,
                        created_at=start + timedelta(days=at),
                    ),
                )  # fmt: skip
            for at in range(1 + n % 2):
                await add(
                    RewardBalance(
                        **g,
                        **person,
                        partner_id=partners[at],
                        balance=BIG * at - 7 * (n == 2),
                        may_owe=n == 2,
                        pending=[0, 5, BIG, 0][n],
                    )
                )
            await add(RewardParticipant(**g, campaign_id=campaign, customer_id=customers[n % 3], rewarded=n))
        await tx.execute(
            "UPDATE reward_evaluation SET replaced_by_id = id WHERE group_id = $1 AND revision = 2", group_id
        )
        await add(
            AuditEntry(**g, actor=f"{mark} actor", action="test", detail=json.dumps(mark)),
            AuditEntry(
                **g, actor=WEIRD[1], address="203.0.113.7", action="store.update", subject=f"store_{stores[0]}",
                before=json.dumps({"name": WEIRD[2], "amount": 1}), after=json.dumps({"name": f"{mark} after"}),
            ),
        )  # fmt: skip
        await add(
            ApiKey(
                **g,
                name=f"{mark} key",
                hint=f"{mark}h",
                hash=bytes([group_id % 256]) * 32,
                access="read",
                store_id=stores[0],
                last_used_at=start,
                rotated_at=start,
                personal_data=True,
            ),
            ApiKey(
                **g,
                name=f"{mark} old",
                hint=f"{mark}o",
                hash=bytes([group_id % 256, 255]) * 16,
                access="write",
                revoked_at=start,
                previous_hash=bytes([group_id % 256, 1]) * 16,
                previous_until=start,
            ),
        )
        sent: dict[str, Any] = {"what": f"{mark} customers", "asked_by": f"{mark} somebody", "file_size": BIG}
        await add(
            ImportRun(**g, **sent, told={"mapping": {WEIRD[1]: "name"}, "n": 1e30}, file_name=f"{mark} {WEIRD[3]}",
                      file_key=f"{group_id}/{mark}-sent", created_at=start),
            ImportRun(**g, **sent, told={}, system="own", is_dry=True, file_name=f"{mark}.csv", state="done", rows=BIG,
                      refused=2, total=BIG, made=BIG, changed=3, same=4, lost=5, begun=2, report={"what": f"{mark} x"},
                      refused_name=f"{mark}.refused.csv", refused_key=f"{group_id}/{mark}-refused", refused_size=1,
                      reasons_key=f"{group_id}/{mark}-reasons", reasons_size=2, created_at=start, started_at=start,
                      finished_at=start),
            ImportRun(**g, **sent, told={}, file_name=f"{mark}.json", state="failed", failure_code="INVALID",
                      failure_message=f"{mark} {WEIRD[2]}", created_at=start + timedelta(days=1), cancel_at=start,
                      started_at=start, finished_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        )  # fmt: skip
        hooks = await add(
            WebhookConnection(
                **g, provider="sendgrid", token=f"{mark}-token", sealed=b"", previous_sealed=b"", previous_until=start,
                rotated_at=start,
            ),
            WebhookConnection(
                **g, provider="twilio", token=f"{mark}-ended", sealed=b"", status="disconnected", disconnected_at=start,
            ),
        )  # fmt: skip
        await add(
            WebhookProvider(
                **g, provider="sendgrid", connections=1, events_received=BIG, events_ignored=group_id,
                last_event_at=start,
            ),
            WebhookProvider(**g, provider="twilio", events_received=group_id, last_event_at=start),
            WebhookProvider(**g, provider="hubspot", connections=2),
        )  # fmt: skip
        await add(
            WebhookRefusal(
                **g, provider="sendgrid", connection_id=hooks[0], fingerprint=f"{mark} 1", reason="UNREADABLE",
                message=f"{mark} {WEIRD[1]}", body=f"{mark} {WEIRD[3]}", size=BIG, is_whole=True, times=BIG,
                received_at=start, last_received_at=start + timedelta(days=1), created_at=start,
            ),
            WebhookRefusal(
                **g, provider="twilio", fingerprint=f"{mark} 2", reason="TOO_LARGE", message=f"{mark} too large",
                size=0, is_whole=False, received_at=start, last_received_at=start, taken_at=start, created_at=start,
            ),
        )  # fmt: skip
        for n, customer in enumerate(customers[:3]):
            for kind in ("opted_in", "spam_complaint", "unblocked")[: n + 1]:
                await add(
                    ContactStatement(
                        **g, channel=["email", "sms", "whatsapp"][n], kind=kind, allows=kind == "opted_in",
                        of_address=kind == "unblocked", subject=f"{mark}.s{n}@example.org", customer_id=customer,
                        address_key=f"{mark}.s{n}@example.org" if n else None, source="graph",
                        list=f"{mark}.s{n} {WEIRD[n]}" if n else "", recorded_at=start, created_at=start,
                        first_said_at=datetime(1970, 1, 1, tzinfo=UTC), said_at=start + timedelta(microseconds=n * 10),
                        detail=f"{mark}.s{n} {WEIRD[2]}" if n else None,
                    )
                )  # fmt: skip
        await add(
            OAuthClient(
                **g,
                client_id=f"{mark}-client",
                secret_hash=b"x",
                name=f"{mark} client",
                roles=["marketing"],
                store_id=stores[0],
            )
        )
    return Everything(group_id, stores, projects, made, events, ids)
