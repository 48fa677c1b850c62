"""The closed sets of the domain, with a description of each value. Stored codes are the enum members' values."""

from enum import Enum, StrEnum

import strawberry

from app.domain.contacts.reaching import ReachReason
from app.domain.funnels.stages import FunnelType
from app.domain.interactions.channels import ChannelOrigin
from app.domain.orders.states import Outcome
from app.domain.promos.terms import PromoStatus
from app.graph.declaring.described import enum_type
from app.graph.strawberry_parts import enum_values
from app.tables.campaigns import CampaignStatus, CampaignType, ExpiryPeriod, NegativeBalance, Objective
from app.tables.contacts import ContactChannel, StatementKind
from app.tables.event_types import EventDataType, EventFieldKind, EventOutcome, RewardTrigger
from app.tables.events import EventStatus
from app.tables.flows import RewardPer, RewardRounding
from app.tables.funnels import FunnelStage
from app.tables.groups import AttributionModel
from app.tables.imports import ImportState
from app.tables.interactions import InteractionKind
from app.tables.people import DoubtReason, MergeReason
from app.tables.promos import Stacking
from app.tables.rewards import (
    Reconsidered,
    ReevaluationState,
    RewardAttributeKind,
    RewardEntryKind,
    RewardOutcome,
)
from app.tables.segments import SegmentType
from app.tables.spend import SpendLimitRenewal, SpendLimitType
from app.tables.stores import StoreFeature
from app.tables.webhooks import ConnectionStatus, Provider


def _describe(enum: type[StrEnum], description: str, *, shown_as: str | None = None, **values: str) -> None:
    """Show a table's codes in GraphQL: a line per member, and every member must have one."""
    assert values.keys() == {member.name for member in enum}, f"{enum.__name__} has other members"
    strawberry.enum(enum, name=shown_as, description=description)
    for value in enum_values(enum):
        value.description = values[value.name]


_describe(
    CampaignStatus,
    "Where a campaign stands in its life.",
    DRAFT="Being prepared; it has no schedule yet or was never scheduled.",
    SCHEDULED="It starts by itself when its time comes.",
    ACTIVE="Running.",
    PAUSED="Stopped for now; it can be resumed.",
    COMPLETED="Over.",
)
_describe(
    PromoStatus,
    "Where a promo stands: in its window or not, and used up or not.",
    SCHEDULED="Its window begins later.",
    ACTIVE="In its window, and not used up.",
    PAUSED="Its campaign, which it follows, is a draft or paused.",
    USED_UP="In its window, and used as often as it can be.",
    EXPIRED="Its window is over.",
)
_describe(
    Stacking,
    "Whether a promo may be used on a basket with others.",
    shown_as="PromoStacking",
    EXCLUSIVE="On its own alone.",
    WITH_OTHERS="With others that say so, too.",
)
_describe(
    ChannelOrigin,
    "What says by which channel somebody came.",
    OWN="One of the group's own rules.",
    BUILT_IN="A rule that holds for every group.",
    CAMPAIGN="The campaign: its only channel, or one of them that a tag names.",
    INTEGRATION="The kind of the integration.",
)
_describe(
    AttributionModel,
    "Who gets how much of a sale. Touches are those of the customer's journey, in the look-back before it.",
    CARRIED="The campaign that the order carries, by itself or by its promo, or that the event names, gets everything,"
    " whatever the journey; direct where it carries none.",
    FIRST_TOUCH="The first touch gets everything.",
    LAST_TOUCH="The last touch gets everything.",
    LAST_NON_DIRECT="The last touch of a campaign or a known channel gets everything; direct only where there is none.",
    LINEAR="Every touch gets the same.",
    POSITION_BASED="40 % to the first and to the last touch, the rest equally to those between; half each of two.",
    TIME_DECAY="A touch that is a half-life older than another gets half as much.",
)
_describe(
    ImportState,
    "Where an import stands.",
    QUEUED="It waits: one of a group runs at a time.",
    RUNNING="Under way.",
    DONE="Over; whether rows were refused is told beside.",
    FAILED="It could not be done, or not to its end: see its failure. What was in by then stays in.",
    CANCELLED="It was cancelled. What was in by then stays in.",
)
_describe(
    Outcome,
    "What a report of an order did.",
    shown_as="OrderOutcome",
    RECORDED="The order is new.",
    CORRECTED="The order was known, and is now as this report says.",
    REPEATED="It says what was known, or has a version that was known.",
    OUTDATED="A higher version was known.",
)
_describe(
    CampaignType,
    "What a campaign is for.",
    ONBOARDING="New customer welcome series.",
    REENGAGEMENT="Wins back inactive customers.",
    PROMOTION="Promotional offers.",
    NEWSLETTER="A regular newsletter.",
    TRANSACTIONAL="Order confirmations and receipts.",
    LOYALTY="Communications of a loyalty programme.",
)
_describe(
    Objective,
    "The marketing goal of an ad campaign.",
    ACQUISITION="To win new customers.",
    RETENTION="To keep the customers there are.",
    UNSPECIFIED="None was given (older campaigns).",
)
_describe(
    SpendLimitType,
    "Whether a campaign's spend is capped.",
    CAPPED="Spend stops at the amount.",
    UNCAPPED="Spend has no limit.",
)
_describe(
    SpendLimitRenewal,
    "How often a spend limit starts again.",
    DAILY="Every day, in the store's time zone.",
    MONTHLY="Every calendar month, in the store's time zone.",
    LIFETIME="Never: it holds for the campaign's whole life.",
)
_describe(
    StoreFeature,
    "What a store may be without.",
    SPEND_LIMITS="Without it no spend limit can be set, changed or taken away.",
    DAILY_LIMITS="Spend limits that start again daily.",
    MONTHLY_LIMITS="Spend limits that start again monthly.",
    LIFETIME_LIMITS="Spend limits that hold for ever.",
)
_describe(
    SegmentType,
    "How a segment gets its customers.",
    STATIC="A list made by hand.",
    DYNAMIC="Whoever fits the criteria.",
    IMPORTED="A list from another system.",
)
_describe(
    Provider,
    "A provider whose webhooks are understood.",
    shown_as="WebhookProviderName",
    SENDGRID="SendGrid: what became of e-mails.",
    TWILIO="Twilio: what became of text messages.",
    MAILCHIMP="Mailchimp: audiences and campaigns.",
    HUBSPOT="HubSpot: contacts and forms.",
)
_describe(
    ConnectionStatus,
    "Whether a provider's deliveries are taken.",
    shown_as="WebhookStatus",
    CONNECTED="They are.",
    DISCONNECTED="They are refused.",
)
_describe(
    ContactChannel,
    "A way of writing to somebody that needs their agreement.",
    EMAIL="E-mail.",
    SMS="Text messages, with pictures or without.",
    WHATSAPP="WhatsApp.",
)
_SAID = {
    "OPTED_IN": "They agreed: in a form, an import, or as somebody of the group noted.",
    "SUBSCRIBED": "They joined, as a provider tells.",
    "RESUBSCRIBED": "They came back, as a provider tells.",
    "STARTED": "They asked for messages by a text such as START.",
    "OPTED_OUT": "They refused: in a form, an import, or as somebody of the group noted.",
    "UNSUBSCRIBED": "They left, as a provider tells.",
    "STOPPED": "They refused by a text such as STOP.",
    "SPAM_COMPLAINT": "They called it spam.",
    "HARD_BOUNCE": "The address takes no messages.",
    "CLEANED": "The provider took the address off its lists.",
    "INVALID_ADDRESS": "There is no such address or number.",
    "BLOCKED": "Somebody of the group blocked the address.",
    "ERASED": "Whoever had the address was erased.",
}
_describe(
    StatementKind,
    "What can be said about writing to somebody.",
    shown_as="ContactStatementKind",
    UNBLOCKED="What was said of the address itself was taken back; what its owner said stands.",
    MOVED="Its owner has another address now.",
    **_SAID,
)
_describe(
    ReachReason,
    "Why somebody can be written to, or not.",
    NEVER_AGREED="They never agreed.",
    NO_ADDRESS="There is no address to write to.",
    DELETED="The customer was deleted.",
    **_SAID,
)
_describe(
    EventOutcome,
    "What became of an event that came in.",
    APPLIED="It took effect, once.",
    IGNORED="It is kept, but nothing follows from it.",
)
_describe(
    EventStatus,
    "How far an event has come.",
    PENDING="Accepted, and waiting to be processed.",
    PROCESSED="It was processed.",
    TRASHED="It could not be processed; its faults say why.",
    ERASED="It was never processed, and will not be: whom it was about was erased.",
)
_describe(
    EventFieldKind,
    "What a field of an event type is for.",
    FIELD="A value the event carries.",
    STATE="Something that becomes true of an event, such as converted; 0 or 1.",
    STATISTIC="A number the event is worth, such as turnover.",
)
_describe(
    EventDataType,
    "What values a field takes.",
    STRING="Text.",
    NUMBER="A number.",
    INTEGER="A whole number.",
    BOOLEAN="True or false; also 0 or 1.",
    DATE="An instant.",
    EMAIL="An e-mail address.",
    PHONE="A phone number.",
    JSON="Any JSON.",
)
_describe(
    RewardTrigger,
    "What makes flows of reward campaigns look.",
    SPEND="A purchase.",
    REGISTRATION="A customer signs up.",
    REFERRAL="A customer brings another.",
    CUSTOM="An event of the group's own.",
)
_describe(
    FunnelStage,
    "A stage of a customer's way, in this order.",
    AWARENESS="First touchpoint.",
    INTEREST="Browsed menu or website.",
    CONSIDERATION="Added items to cart.",
    INTENT="Started checkout.",
    EVALUATION="Compared options.",
    PURCHASE="Completed order.",
    ONBOARDING="First-time experience.",
    ACTIVATION="Second order.",
    RETENTION="Regular customer.",
    ADVOCACY="Referred others.",
)
_describe(
    InteractionKind,
    "Where a contact with a user happened.",
    ONLINE="On the site: somebody came to it.",
    OFFLINE="Out of the website, such as a call or a visit.",
)
_describe(
    MergeReason,
    "Why two customers were joined.",
    KEY="Something that identifies was said with both.",
    HAND="Somebody said so.",
)
_describe(
    DoubtReason,
    "Why somebody may want to look at who is who.",
    SHARED_TRACKER="Several people signed in on one device.",
    SHARED_PHONE="Several people have one telephone number.",
    SHARED_EMAIL="Several accounts have one e-mail address.",
    SHARED_ID="An id was said with two different ones of a surer kind.",
    KEPT_APART="Two look like one, and were not joined, since one of them has orders, rewards, promos, lists or an id.",
    TWO_STRONG_KEYS="Two with different addresses or ids were joined by hand.",
    KEYS_FELL_TOGETHER="Two had one address or number, written differently.",
)
_describe(
    FunnelType,
    "Which stages a funnel looks at.",
    ONBOARDING="Awareness, interest, consideration, purchase, activation.",
    PURCHASE="Awareness, interest, consideration, intent, evaluation, purchase.",
    RETENTION="Purchase, onboarding, activation, retention, advocacy.",
)


@enum_type
class FunnelDimension(Enum):
    """What a funnel is broken down by."""

    CHANNEL = strawberry.enum_value(
        "channel", description="The channel of the first touch of the first stage."
    )
    CAMPAIGN = strawberry.enum_value("campaign", description="The campaign of that touch.")
    SEGMENT = strawberry.enum_value(
        "segment",
        description="Segments that are lists (static, imported); a customer counts in each it is in. For dynamic ones"
        " see `Segment.funnel`.",
    )


_describe(
    RewardOutcome,
    "What an evaluation of a reward came to.",
    PAID="It paid all it was worth.",
    TRIMMED="It paid as much as the limit on rewards, or the customer's balance, had room for.",
    NOT_LIVE="The campaign was not live when it happened, or it was told too late.",
    NO_FLOW="No live flow of the campaign has this trigger.",
    NOT_MET="Of no flow the conditions hold.",
    NOTHING_DUE="Conditions hold, and what is paid for it is nothing.",
    LIMIT_REACHED="A limit of the campaign is reached, or the customer's balance is as large as can be counted.",
    NO_BALANCE="The customer has less than would be redeemed.",
)
_describe(
    NegativeBalance,
    "Whether what is taken back may bring a customer's balance below zero.",
    FORBIDDEN="No more is taken than there is.",
    ALLOWED="All of it is taken; what is earned next makes up for it.",
)
_describe(
    ExpiryPeriod,
    "A calendar period with which points expire.",
    MONTH="A month.",
    QUARTER="A quarter.",
    YEAR="A year.",
)
_describe(
    RewardRounding,
    "How a share is made a whole number.",
    DOWN="What is left of a unit is not paid.",
    HALF_UP="The nearest whole number; a half is one more.",
    UP="What is begun of a unit is paid as one.",
)
_describe(
    RewardPer,
    "What a share is of.",
    AMOUNT="What was paid: for each unit of the campaign's currency, such as a euro.",
    QUANTITY="The articles: `quantity`, else how many `items` were named.",
)
_describe(
    Reconsidered,
    "Which decisions are judged again.",
    shown_as="RewardReconsidered",
    CLOCK="What was refused since the campaign was not live: again by when it happened.",
    PAUSE="The same, as though the campaign had not been paused.",
    CONFIGURATION="What no flow paid for: NO_FLOW, NOT_MET and NOTHING_DUE.",
    LIMITS="What a limit or a balance refused or trimmed: LIMIT_REACHED, TRIMMED and NO_BALANCE.",
    ALL="Everything, what was paid as well; less than before is paid, too.",
)
_describe(
    ReevaluationState,
    "Where judging again stands.",
    WAITING="It goes on by itself.",
    DONE="It is over.",
    FAILED="It could not go on.",
)
_describe(
    RewardEntryKind,
    "Why a line is in the reward ledger.",
    PAYMENT="The customer earned it.",
    REDEMPTION="The customer redeemed it.",
    REVERSAL="An earlier line was taken back.",
    PENDING="The customer earned it, and cannot use it yet.",
    RELEASE="What waited can be used now.",
    EXPIRY="It was not used in time.",
    RESTORATION="What was taken back is given again, since the order stands again.",
    OPENING="It comes from another system as a sum: what a campaign paid there, or a balance.",
)
_describe(
    RewardAttributeKind,
    "What values an attribute has.",
    TEXT="A text.",
    NUMBER="A number.",
    FLAG="True or false.",
    TEXTS="A list of texts; EQUALS asks for one of them.",
)


@enum_type
class RewardType(Enum):
    """What a reward campaign does.

    Source: Benji, `campaign_type`.
    """

    EARN = strawberry.enum_value(1, description="Customers earn rewards.")
    REDEEM = strawberry.enum_value(2, description="Customers redeem rewards.")
    CONNECT_ONLY = strawberry.enum_value(3, description="It connects partners and pays nothing.")
    TRANSFER = strawberry.enum_value(4, description="Rewards move between programmes.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class FlowTrigger(Enum):
    """What sets a flow off.

    Source: Benji, `trigger_type`.
    """

    SPEND = strawberry.enum_value(1, description="A purchase.")
    REGISTRATION = strawberry.enum_value(2, description="A customer signs up.")
    REFERRAL = strawberry.enum_value(3, description="A customer brings another.")
    CUSTOM = strawberry.enum_value(4, description="An event of the group's own; see `customTriggerId`.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class AttributeOwner(Enum):
    """Whose attribute is looked at.

    Source: Benji, `campaign_condition_type` and `multiplier_attribute_type`.
    """

    USER = strawberry.enum_value(1, description="The customer's.")
    TRANSACTION = strawberry.enum_value(2, description="The transaction's.")
    PARTNER = strawberry.enum_value(3, description="The partner's.")
    CAMPAIGN = strawberry.enum_value(4, description="The campaign's.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class Comparison(Enum):
    """How a condition compares.

    Source: Benji, `condition_operator`.
    """

    EQUALS = strawberry.enum_value(1, description="The same value.")
    LESS_THAN = strawberry.enum_value(2, description="Less than the value.")
    GREATER_THAN = strawberry.enum_value(3, description="More than the value.")
    LESS_THAN_OR_EQUAL = strawberry.enum_value(4, description="The value or less.")
    GREATER_THAN_OR_EQUAL = strawberry.enum_value(5, description="The value or more.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class Joiner(Enum):
    """How a condition is tied to the next one.

    Source: Benji, `or_and_operator`.
    """

    AND = strawberry.enum_value(1, description="Both must hold.")
    OR = strawberry.enum_value(2, description="Either may hold.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class GoalType(Enum):
    """What a goal counts.

    Source: Benji, `goal_type`.
    """

    PARTICIPATION = strawberry.enum_value(1, description="Participants.")
    REWARD_AMOUNT = strawberry.enum_value(2, description="Rewards paid, in the smallest currency unit.")
    TRANSACTION_COUNT = strawberry.enum_value(3, description="Transactions.")
    REVENUE = strawberry.enum_value(4, description="Revenue, in the smallest currency unit.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class GoalOperator(Enum):
    """How a goal's value is meant.

    Source: Benji, `goal_operator`.
    """

    EQUALS = strawberry.enum_value(1, description="An exact target.")
    LESS_THAN = strawberry.enum_value(2, description="A limit that is not passed.")
    GREATER_THAN = strawberry.enum_value(3, description="A threshold to reach.")
    UNRECOGNIZED = strawberry.enum_value(0, description="A code without a documented name; see the code.")


@enum_type
class KeyAccess(Enum):
    """What an API key may do."""

    READ = strawberry.enum_value("read", description="Read.")
    WRITE = strawberry.enum_value("write", description="Read and write.")


@enum_type
class DecimalMark(Enum):
    """What stands before the fraction of a number."""

    COMMA = strawberry.enum_value("comma", description="1.234,50.")
    POINT = strawberry.enum_value("point", description="1,234.50.")


@enum_type
class PromoType(Enum):
    """What a promo gives. The set is open: others are kept by their code, and cannot be redeemed.

    Source: Marketing & CRM API, "Create Promo".
    """

    PERCENTAGE = strawberry.enum_value("percentage", description="`value` percent of what it applies to.")
    FIXED_AMOUNT = strawberry.enum_value(
        "fixed_amount", description="`value` of the promo's currency, never more than what it applies to."
    )
    FREE_DELIVERY = strawberry.enum_value(
        "free_delivery", description="The delivery fee; `value` says nothing."
    )
    FREE_ITEM = strawberry.enum_value(
        "free_item", description="The cheapest `value` units of what it applies to; 0 counts as one."
    )
    UNRECOGNIZED = strawberry.enum_value("", description="A type of the group's own; see the code.")


@enum_type
class DateOrder(Enum):
    """How days are written."""

    DAY_FIRST = strawberry.enum_value("day-first", description="31.12.2025; 2025-12-31 as well.")
    ISO = strawberry.enum_value("iso", description="2025-12-31.")


@enum_type
class Interval(Enum):
    """How long the stretches of a series are. They follow one another."""

    HOUR = strawberry.enum_value("hour", description="Hours of each day, by the clock of its zone.")
    DAY = strawberry.enum_value("day", description="Days.")
    WEEK = strawberry.enum_value("week", description="ISO weeks, from Monday.")
    MONTH = strawberry.enum_value("month", description="Calendar months.")
    QUARTER = strawberry.enum_value("quarter", description="Calendar quarters.")
    SEMESTER = strawberry.enum_value("semester", description="Half years, from January and from July.")
    YEAR = strawberry.enum_value("year", description="Calendar years.")


@enum_type
class Cycle(Enum):
    """How years, months or weeks are laid over each other.

    No values of Interval: their stretches are numbers, not days, so nothing that has a first day can have them.
    """

    DAY_OF_WEEK = strawberry.enum_value("day_of_week", description="1 (Monday) to 7.")
    DAY_OF_MONTH = strawberry.enum_value("day_of_month", description="1 to 31.")
    DAY_OF_YEAR = strawberry.enum_value("day_of_year", description="1 to 366.")
    WEEK_OF_YEAR = strawberry.enum_value("week_of_year", description="ISO weeks, 1 to 53.")
    MONTH_OF_YEAR = strawberry.enum_value("month_of_year", description="1 to 12.")
    QUARTER_OF_YEAR = strawberry.enum_value("quarter_of_year", description="1 to 4.")
    SEMESTER_OF_YEAR = strawberry.enum_value("semester_of_year", description="1 and 2.")


__all__ = [
    "AttributeOwner",
    "AttributionModel",
    "CampaignStatus",
    "CampaignType",
    "ChannelOrigin",
    "Comparison",
    "ConnectionStatus",
    "ContactChannel",
    "Cycle",
    "DateOrder",
    "DecimalMark",
    "DoubtReason",
    "EventDataType",
    "EventFieldKind",
    "EventOutcome",
    "EventStatus",
    "ExpiryPeriod",
    "FlowTrigger",
    "FunnelDimension",
    "FunnelStage",
    "FunnelType",
    "GoalOperator",
    "GoalType",
    "ImportState",
    "InteractionKind",
    "Interval",
    "Joiner",
    "KeyAccess",
    "MergeReason",
    "NegativeBalance",
    "Objective",
    "PromoStatus",
    "PromoType",
    "Provider",
    "ReachReason",
    "Reconsidered",
    "ReevaluationState",
    "RewardAttributeKind",
    "RewardEntryKind",
    "RewardOutcome",
    "RewardPer",
    "RewardRounding",
    "RewardTrigger",
    "RewardType",
    "SegmentType",
    "SpendLimitRenewal",
    "SpendLimitType",
    "StatementKind",
    "StoreFeature",
]
