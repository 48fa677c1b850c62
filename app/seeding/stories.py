"""What a demonstration group is made of, before it is rows. Days count from today: -30 is a month ago."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.tables.groups import AttributionModel


class CampaignKind(StrEnum):
    """What sort of campaign it is, which decides the numbers it has."""

    MEDIA = "media"
    MESSAGE = "message"
    TRACKED = "tracked"
    REWARD = "reward"
    AD = "ad"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlan:
    """A reward in the smallest currency unit."""

    code: int
    base_reward: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionPlan:
    """Type, operator and joiner are Benji's codes."""

    type_code: int
    operator_code: int
    attribute: int
    value: object
    joiner_code: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplierPlan:
    """What raises a flow's reward."""

    type_code: int
    attribute: int
    amount: str
    value: object = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """One path to a reward."""

    trigger: int
    actions: tuple[ActionPlan, ...]
    conditions: tuple[ConditionPlan, ...] = ()
    multipliers: tuple[MultiplierPlan, ...] = ()
    custom_trigger_id: int | None = None
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalPlan:
    """A target or a cap."""

    type_code: int
    value: int
    operator_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RewardPlan:
    """The reward side of a campaign."""

    type_code: int
    partner: int
    flows: tuple[FlowPlan, ...]
    goals: tuple[GoalPlan, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlayPlan:
    """`amount` over `days` from the day `start`."""

    start: int
    days: int
    amount: str
    country: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitPlan:
    """A spend limit; no amount means uncapped."""

    amount: str | None = None
    renewal: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoPlan:
    """A promo code that belongs to a campaign."""

    code: str
    type: str
    value: str
    usage_limit: int | None = None
    used: int = 0
    min_order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPlan:
    """A campaign; `start` and `end` in days from today, `end` exclusive."""

    name: str
    kind: CampaignKind
    channels: tuple[str, ...]
    start: int | None
    end: int | None = None
    store: int = 0
    type: str = "promotion"
    objective: str = "unspecified"
    description: str | None = None
    status: str | None = None
    """Set where it does not follow from the window."""
    budget: str | None = None
    period_type: str | None = None
    subject: str | None = None
    body: str | None = None
    cta: tuple[str, str] | None = None
    segment: int | None = None
    promo: PromoPlan | None = None
    slug: str | None = None
    is_explicit: bool = True
    outlays: tuple[OutlayPlan, ...] = ()
    limit: LimitPlan | None = None
    reward: RewardPlan | None = None
    is_template: bool = False
    template: str | None = None
    """The name of the campaign it was cloned from."""
    is_deleted: bool = False
    daily: int = 0
    """About how many people it reaches per day and channel; 0: it has no numbers."""
    files: tuple[str, ...] = ()
    """Of `brief.pdf`, `banner.png`, `photo.jpg`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """A set of customers."""

    name: str
    type: str
    size: int = 0
    """For lists; dynamic segments are counted."""
    criteria: object = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """A customer group; the first store is its default."""

    name: str
    slug: str
    """Of its tracking project. It is unique over all groups, so it also shows whether the group exists."""
    currency: str
    time_zone: str
    stores: tuple[str, ...]
    partners: tuple[str, ...]
    integration: str
    wmkt_id: str
    segments: tuple[SegmentPlan, ...]
    customers: tuple[str, ...]
    mail_domain: str
    language: str
    site: str
    basket: Decimal
    """What an order is worth on average."""
    attribution: AttributionModel
    colours: tuple[tuple[int, int, int], tuple[int, int, int]]
    campaigns: tuple[CampaignPlan, ...]
