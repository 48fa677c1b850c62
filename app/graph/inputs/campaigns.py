"""The objects inside the inputs of campaigns, and the moves of a campaign's life."""

from dataclasses import replace
from enum import Enum
from typing import Any

import strawberry

from app.db.database import Transaction
from app.domain.campaigns.fields import CampaignFields
from app.domain.groups.projects import project_named
from app.graph.declaring.described import enum_type
from app.graph.declaring.enums import RewardType
from app.graph.declaring.settable import Coded, Conversion, entry_of, input_for

CODES = {"reward_type": Coded(RewardType)}
FORMS = {"project_id": Conversion(str, lambda named, at: named)}
"""A project is named by slug or id: `campaign_fields` finds it."""


async def campaign_fields(tx: Transaction, given: Any) -> CampaignFields:
    """What was sent of a campaign, its project found."""
    fields = entry_of(CampaignFields, given)
    named: Any = fields.project_id
    if not isinstance(named, str):
        return fields
    return replace(fields, project_id=await project_named(tx, named))


@input_for(CampaignFields, inside="content")
class CampaignContentInput:
    """What a message campaign says. Null instead of the object clears all of it."""


@input_for(CampaignFields, inside="tracking")
class CampaignTrackingInput:
    """How a campaign is recognised in traffic. Null instead of the object ends tracking."""


@input_for(CampaignFields, inside="rewards", codes=CODES)
class CampaignRewardsInput:
    """What makes it a reward campaign. Null instead of the object makes it none."""


OBJECTS = {
    "content": (CampaignContentInput, "What it says."),
    "tracking": (CampaignTrackingInput, "How it is recognised in traffic."),
    "rewards": (CampaignRewardsInput, "What it rewards."),
}


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
