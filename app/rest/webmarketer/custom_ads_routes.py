"""Custom ads campaigns, their outlays, and offline interactions.

Source: Webmarketer API 1.0.0, "Custom Ads" and "Interactions".
"""

from dataclasses import replace

from app.rest.route import Gives, LegacyRoute, Parameter, Takes, stored
from app.rest.webmarketer import custom_ads_requests as requests
from app.rest.webmarketer import custom_ads_shapes as shapes
from app.rest.webmarketer import examples, parameters, schemas
from app.rest.webmarketer.route_parts import PAGE, PROJECT_ID, STRETCH, WMKT_ID, id_parameter, sorting

HERE = __package__ or ""
CAMPAIGNS = "/projects/{projectId}/custom-ads/{wmktId}/campaigns"
OUTLAYS = CAMPAIGNS + "/{parentCampaignId}/outlays"
_ID = id_parameter("id", "The campaign's id, which is not its slug.")
_PARENT = id_parameter("parentCampaignId", "The campaign's id, which is not its slug.")
_OUTLAY = id_parameter("outlayId", "The outlay's id.")
_FLAG = {"type": "boolean"}
_WRITES = ("INVALID", "NOT_FOUND", "CONFLICT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE")

UPDATE = LegacyRoute(
    method="PATCH",
    path=CAMPAIGNS + "/{id}",
    document=stored(HERE, "campaign_update"),
    project=parameters.project,
    variables=requests.campaign_update,
    shape=shapes.campaign_updated,
    summary="Change a custom campaign's name, or whether it is active",
    description="Its slug stays. `modifiedCount` is 0 where nothing is another than before.",
    parameters=(PROJECT_ID, WMKT_ID, _ID),
    takes=Takes("WmCampaignChange", {"name": "Spring", "active": True}),
    gives=Gives("WmModified", examples.MODIFIED),
    fails=_WRITES,
)

CUSTOM_ADS: tuple[LegacyRoute, ...] = (
    LegacyRoute(
        method="GET",
        path=CAMPAIGNS,
        document=stored(HERE, "campaigns"),
        project=parameters.project,
        variables=requests.campaigns,
        shape=shapes.campaigns,
        summary="List the custom campaigns of an integration",
        description="Newest first, unless `sort` says otherwise. All filters that are given must hold.",
        parameters=(
            PROJECT_ID,
            WMKT_ID,
            Parameter("active", "query", "Whether they run.", _FLAG),
            Parameter("campaignId", "query", "With this id.", schemas.OBJECT_ID),
            Parameter("campaignSlug", "query", "With this slug."),
            Parameter("nameLike", "query", "With this in the name, upper or lower case."),
            Parameter("explicit", "query", "true: made by a person; false: by the system.", _FLAG),
            *sorting(requests.CAMPAIGN_SORTS),
            *PAGE,
        ),
        gives=Gives("WmCampaigns", examples.CAMPAIGNS),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="POST",
        path=CAMPAIGNS,
        document=stored(HERE, "campaign_create"),
        project=parameters.project,
        variables=requests.campaign_create,
        shape=shapes.campaign_created,
        status=201,
        summary="Create a custom campaign",
        description="It is explicit, and its slug is new in the integration.",
        parameters=(PROJECT_ID, WMKT_ID),
        takes=Takes("WmNewCampaign", examples.NEW_CAMPAIGN),
        gives=Gives("WmId", examples.NEW_ID),
        fails=_WRITES,
    ),
    LegacyRoute(
        method="GET",
        path=CAMPAIGNS + "/{id}",
        document=stored(HERE, "campaign"),
        project=parameters.project,
        variables=requests.campaign,
        shape=shapes.campaign,
        summary="Show a custom campaign",
        description="Perhaps the implicit one, which the system made for traffic without a slug.",
        parameters=(PROJECT_ID, WMKT_ID, _ID),
        gives=Gives("WmCampaign", examples.CAMPAIGN),
        fails=("INVALID", "NOT_FOUND"),
    ),
    UPDATE,
    # As in the document: with the campaign's id as the only parameter (choice WM-C11).
    replace(UPDATE, path="/custom-ads/campaigns/{id}", project=None, parameters=(_ID,), alias="short"),
    LegacyRoute(
        method="GET",
        path=OUTLAYS,
        document=stored(HERE, "outlays"),
        project=parameters.project,
        variables=requests.outlays,
        shape=shapes.outlays,
        summary="List the outlays of a custom campaign",
        description="By start, unless `sort` says otherwise; those of which any part lies in the stretch of time.",
        parameters=(PROJECT_ID, WMKT_ID, _PARENT, *sorting(requests.OUTLAY_SORTS), *STRETCH, *PAGE),
        gives=Gives("WmOutlays", examples.OUTLAYS),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="POST",
        path=OUTLAYS,
        document=stored(HERE, "outlay_create"),
        project=parameters.project,
        variables=requests.outlay_create,
        shape=shapes.outlay_created,
        status=201,
        summary="Create an outlay",
        description="In the currency of the integration. It is spread over its days as spend of the campaign.",
        parameters=(PROJECT_ID, WMKT_ID, _PARENT),
        takes=Takes("WmNewOutlay", examples.NEW_OUTLAY),
        gives=Gives("WmId", examples.NEW_ID),
        fails=_WRITES,
    ),
    LegacyRoute(
        method="GET",
        path=OUTLAYS + "/{outlayId}",
        document=stored(HERE, "outlay"),
        project=parameters.project,
        variables=requests.outlay,
        shape=shapes.outlay,
        summary="Show an outlay",
        parameters=(PROJECT_ID, WMKT_ID, _PARENT, _OUTLAY),
        gives=Gives("WmOutlay", examples.OUTLAY),
        fails=("INVALID", "NOT_FOUND"),
    ),
    LegacyRoute(
        method="PATCH",
        path=OUTLAYS + "/{outlayId}",
        document=stored(HERE, "outlay_update"),
        project=parameters.project,
        variables=requests.outlay_update,
        shape=shapes.outlay_updated,
        summary="Change an outlay",
        description=(
            "What is left out stays. `campaignId` moves it to another campaign of the same integration."
            " `modifiedCount` is 0 where nothing is another than before."
        ),
        parameters=(PROJECT_ID, WMKT_ID, _PARENT, _OUTLAY),
        takes=Takes("WmOutlayChange", examples.OUTLAY_CHANGE),
        gives=Gives("WmModified", examples.MODIFIED),
        fails=_WRITES,
    ),
)

INTERACTIONS: tuple[LegacyRoute, ...] = (
    LegacyRoute(
        method="POST",
        path="/projects/{projectId}/interactions/offline",
        document=stored(HERE, "offline_interaction"),
        project=parameters.project,
        variables=requests.offline_interaction,
        shape=shapes.offline_interaction,
        status=201,
        summary="Record an offline interaction",
        description="Of a user who is told by identity fields, through a custom integration.",
        parameters=(PROJECT_ID,),
        takes=Takes("WmNewInteraction", examples.NEW_INTERACTION),
        gives=Gives("WmId", examples.NEW_ID),
        fails=("INVALID", "NOT_FOUND", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    ),
)
