"""What mutations take for campaigns, and how it becomes the fields of the domain."""

from enum import Enum
from typing import Any

import strawberry

from app.domain.campaigns.fields import CampaignFields
from app.errors import Invalid
from app.graph.declaring.described import enum_type, input_type
from app.graph.declaring.enums import CampaignType, Objective, RewardType
from app.graph.declaring.scalars import Date, DateTime, Decimal, Long
from app.graph.declaring.writing import optional, reference, settable
from app.values.changes import UNSET


@input_type
class CampaignContentInput:
    """What a message campaign says. Null instead of the object clears all of it."""

    subject: str | None = optional("The subject line.")
    body: str | None = optional("The text.")
    cta_text: str | None = optional("What the button says.")
    cta_url: str | None = optional("Where the button leads (http or https).")


@input_type
class CampaignTrackingInput:
    """How a campaign is recognised in traffic. Null instead of the object ends tracking."""

    integration_id: strawberry.ID | None = optional(
        "The integration that tracks it; it decides the currency."
    )
    slug: str | None = optional("Its name in landing page addresses, unique in the integration.")
    is_explicit: bool | None = optional("False: it was made by the system when traffic came without a slug.")


@input_type
class CampaignRewardsInput:
    """What makes it a reward campaign. Null instead of the object makes it none."""

    type: RewardType | None = optional("What the campaign does.")
    partner_id: strawberry.ID | None = optional("The partner; with a partnership, its partner.")
    partnership_id: strawberry.ID | None = optional("The agreement it belongs to, with the same store.")
    owner_id: Long | None = optional("The user who owns it in the rewards service.")


@input_type
class CampaignFieldsInput:
    """Fields of a campaign.

    What every input about a campaign has; the schema shows those inputs, not this one.
    """

    name: str | None = optional("What the campaign is called, 1 to 255 characters.")
    description: str | None = optional("What it is about.")
    logo_url: str | None = optional("Where its logo is (http or https).")
    type: CampaignType | None = optional("What it is for; PROMOTION for a new one.")
    objective: Objective | None = optional("Its marketing goal; UNSPECIFIED for a new one.")
    channels: list[str] | None = optional("Where it runs, 50 at most, such as google_ads or email.")
    project_id: strawberry.ID | None = optional("The project it belongs to; the integration's for a new one.")
    segment_id: strawberry.ID | None = optional("Whom it speaks to.")
    starts_on: Date | None = optional("Its first day in the store's time zone; instead of startsAt.")
    starts_at: DateTime | None = optional("From when; instead of startsOn.")
    ends_on: Date | None = optional("Its last day, inclusive; instead of endsAt.")
    ends_at: DateTime | None = optional("Until when, exclusive; instead of endsOn.")
    period_type: str | None = optional(
        "`<n>_day`, `_week`, `_month` or `_year` fills in the dates that are not given, from today on;"
        " any other text is only kept."
    )
    budget_total: Decimal | None = optional("What it may cost, in the campaign's currency.")
    content: CampaignContentInput | None = optional("What it says.")
    tracking: CampaignTrackingInput | None = optional("How it is recognised in traffic.")
    rewards: CampaignRewardsInput | None = optional("What it rewards.")
    is_template: bool | None = optional("Templates are there to be cloned and never run.")
    external_id: str | None = optional("Its id in the system it was imported from, unique in the group.")


@enum_type
class CampaignMove(Enum):
    """What somebody can do with a campaign.

    The values are the domain's.
    """

    SCHEDULE = strawberry.enum_value("schedule", description="A draft waits for its start, which lies ahead.")
    UNSCHEDULE = strawberry.enum_value(
        "unschedule", description="A scheduled campaign becomes a draft again."
    )
    ACTIVATE = strawberry.enum_value("activate", description="A draft or scheduled campaign starts now.")
    PAUSE = strawberry.enum_value("pause", description="An active campaign stops for now.")
    RESUME = strawberry.enum_value("resume", description="A paused campaign goes on.")
    COMPLETE = strawberry.enum_value("complete", description="An active or paused campaign is over.")
    REOPEN = strawberry.enum_value("reopen", description="A completed campaign becomes a draft again.")


def fields_of(given: CampaignFieldsInput) -> CampaignFields:
    """The same in the domain's words. Ids are read here: an unreadable one is not found."""
    return CampaignFields(
        name=settable(given.name),
        description=settable(given.description),
        logo_url=settable(given.logo_url),
        type=settable(given.type),
        objective=settable(given.objective),
        channels=settable(given.channels),
        project_id=reference(given.project_id, "proj", "project", "projectId"),
        segment_id=reference(given.segment_id, "seg", "segment", "segmentId"),
        starts_on=settable(given.starts_on),
        starts_at=settable(given.starts_at),
        ends_on=settable(given.ends_on),
        ends_at=settable(given.ends_at),
        period_type=settable(given.period_type),
        budget_total=settable(given.budget_total),
        is_template=settable(given.is_template),
        external_id=settable(given.external_id),
        **_content(given.content),
        **_tracking(given.tracking),
        **_rewards(given.rewards),
    )


def _content(given: CampaignContentInput | None) -> dict[str, Any]:
    columns = ("subject", "body", "cta_text", "cta_url")
    if given is strawberry.UNSET:
        return {}
    return {name: None if given is None else settable(getattr(given, name)) for name in columns}


def _tracking(given: CampaignTrackingInput | None) -> dict[str, Any]:
    if given is strawberry.UNSET:
        return {}
    if given is None:
        return {"integration_id": None, "slug": None}
    return {
        "integration_id": reference(given.integration_id, "intg", "integration", "tracking", "integrationId"),
        "slug": settable(given.slug),
        "is_explicit": settable(given.is_explicit),
    }


def _rewards(given: CampaignRewardsInput | None) -> dict[str, Any]:
    if given is strawberry.UNSET:
        return {}
    if given is None:
        return {"reward_type": None, "partner_id": None, "partnership_id": None, "owner_id": None}
    if given.type is RewardType.UNRECOGNIZED:
        raise Invalid("`rewards.type` cannot be UNRECOGNIZED; that only describes.", path=["rewards", "type"])
    kind = settable(given.type)
    return {
        "reward_type": kind if kind is UNSET or kind is None else kind.value,
        "partner_id": reference(given.partner_id, "part", "partner", "rewards", "partnerId"),
        "partnership_id": reference(given.partnership_id, "pship", "partnership", "rewards", "partnershipId"),
        "owner_id": settable(given.owner_id),
    }
