"""The La Griffe API: media campaigns of a customer group, their metrics and assets."""

from starlette.datastructures import Headers

from app.rest.lagriffe import requests, schemas, shapes
from app.rest.lagriffe.failures import EXAMPLES, FAILURES
from app.rest.route import Credentials, Facade, Gives, LegacyRoute, Takes, stored

HERE = __package__ or ""


def credentials(headers: Headers) -> Credentials:
    """The key names the group, the optional beacon key one of its stores."""
    return Credentials(api_key=headers.get("x-api-key"), beacon_key=headers.get("x-beacon-key"))


ROUTES = (
    LegacyRoute(
        method="GET",
        path="/api/campaigns",
        document=stored(HERE, "campaigns"),
        variables=requests.list_variables,
        shape=shapes.campaigns,
        headers=shapes.total_count,
        summary="List the campaigns in scope",
        description=(
            "Newest first. The API key alone shows the customer group's campaigns, with a beacon key those of"
            f" one store. Not paged: at most {requests.LIST_CAP} campaigns."
        ),
        gives=Gives(
            "LaGriffeCampaignsAnswer",
            shapes.success([schemas.ROW]),
            {"X-Total-Count": f"How many campaigns there are, also beyond {requests.LIST_CAP}."},
        ),
    ),
    LegacyRoute(
        method="POST",
        path="/api/campaigns",
        document=stored(HERE, "create"),
        variables=requests.create_variables,
        shape=shapes.created,
        status=201,
        summary="Create a campaign for a store",
        description=(
            "Makes the campaign's internal project too, and stores its files, all or nothing. With a period"
            " that is understood, dates may be left out. At most 20 files of 25 MiB."
        ),
        takes=Takes("LaGriffeNewCampaign", schemas.NEW_CAMPAIGN, form=True, file_fields=("files[]",)),
        gives=Gives("LaGriffeCampaignAnswer", shapes.success(schemas.DETAIL)),
        fails=("MALFORMED_BODY", "CONFLICT", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "INVALID"),
    ),
    LegacyRoute(
        method="GET",
        path="/api/campaigns/{id}",
        document=stored(HERE, "campaign"),
        variables=requests.campaign_id,
        shape=shapes.campaign,
        summary="Show one campaign",
        description="With its store, customer group, internal project, assets and the sums of its metrics.",
        gives=Gives("LaGriffeCampaignAnswer", shapes.success(schemas.DETAIL)),
        fails=("NOT_FOUND",),
    ),
    LegacyRoute(
        method="GET",
        path="/api/campaigns/{id}/metrics",
        document=stored(HERE, "metrics"),
        variables=requests.campaign_id,
        shape=shapes.metrics,
        summary="Show how a campaign performs, per channel and day",
        description="Days in order, without gaps: a day on which nothing happened shows zeros.",
        gives=Gives("LaGriffeMetricsAnswer", shapes.success(schemas.METRICS)),
        fails=("NOT_FOUND",),
    ),
    LegacyRoute(
        method="GET",
        path="/api/customer-groups",
        document=stored(HERE, "customer_groups"),
        shape=shapes.customer_groups,
        summary="List the customer groups of the API key",
        description="Usually one. A key of several groups works in its own, or the one `X-Group-Id` names.",
        gives=Gives("LaGriffeCustomerGroupsAnswer", shapes.success([schemas.GROUP])),
    ),
)

FACADE = Facade(
    name="lagriffe",
    title="La Griffe",
    description="Marketing campaigns, customer groups, client assets and metrics of one or more stores.",
    prefixes=("/api",),
    routes=ROUTES,
    failures=FAILURES,
    failure_example=lambda status: {"message": EXAMPLES[status]},
    failure_schema="LaGriffeError",
    credentials=credentials,
    challenge="ApiKey",
    security={"LaGriffeKey": {"type": "apiKey", "in": "header", "name": "X-API-KEY"}},
    optional_security={"LaGriffeBeacon": {"type": "apiKey", "in": "header", "name": "X-BEACON-KEY"}},
    schemas=schemas.SCHEMAS,
)
