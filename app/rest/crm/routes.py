"""The Marketing & CRM API: message campaigns, segments, webhooks, funnels, promo codes.

Every route exists twice: at its documented base path and through the documented gateway (choice CRM-C1).
"""

from collections.abc import Iterator
from dataclasses import replace

from starlette.datastructures import Headers

from app.auth.credentials import read_bearer
from app.auth.principal import CRM_ROLES
from app.domain.funnels.stages import FunnelType
from app.graph.figures.funnels_sql import DAYS
from app.rest.crm import requests, schemas, shapes
from app.rest.crm.failures import FAILURES, example
from app.rest.crm.paging import LIMIT, MAX_LIMIT, WHOLE
from app.rest.route import Credentials, Facade, Gives, LegacyRoute, Parameter, Takes, stored
from app.tables.campaigns import CampaignStatus, CampaignType
from app.tables.webhooks import Provider

HERE = __package__ or ""
BASE = "/api/v1/marketing"
GATEWAY = "/v1/commerce/marketing"


def credentials(headers: Headers) -> Credentials:
    """A bearer token, and nothing else."""
    return Credentials(bearer=read_bearer(headers.get("authorization")))


PAGE_HEADERS = {
    "X-Total-Count": "How many there are in all.",
    "Link": "Where the first, previous, next and last page are. Following it shows every row once (RFC 8288).",
}


def _page(default: int) -> tuple[Parameter, ...]:
    return (
        Parameter("page", "query", "Which page; 1 unless said.", {"type": "integer", "minimum": 1}),
        Parameter(
            "limit",
            "query",
            f"Rows a page; {default} unless said, {MAX_LIMIT} at most.",
            {"type": "integer", "minimum": 1},
        ),
    )


PROVIDER = Parameter(
    "provider",
    "path",
    "Who delivers.",
    {"type": "string", "enum": [one.value for one in Provider], "examples": ["sendgrid"]},
)
TOKEN = Parameter(
    "token",
    "path",
    "The end of the endpoint's own address, as `webhookEndpoints { url }` shows it.",
    {"type": "string", "examples": ["pL3xkq0bYw2m"]},
)
SIGNED = (
    Parameter(
        "X-Webhook-Signature",
        "header",
        "HMAC-SHA256 over `timestamp.body` with the endpoint's secret, in hex; or the provider's own headers.",
    ),
    Parameter("X-Webhook-Timestamp", "header", "Unix seconds or RFC 3339, at most 300 seconds from now."),
)

ROUTES = (
    LegacyRoute(
        method="GET",
        path="/campaigns",
        document=stored(HERE, "campaigns"),
        variables=requests.campaigns,
        shape=shapes.campaigns,
        headers=shapes.paged("campaigns"),
        summary="List campaigns",
        description="Newest first, those made through other APIs too.",
        parameters=(
            Parameter(
                "status", "query", "Where it stands.", {"type": "string", "enum": [s.value for s in CampaignStatus]}
            ),
            Parameter(
                "type", "query", "What it is for.", {"type": "string", "enum": [t.value for t in CampaignType]}
            ),
            Parameter(
                "start_date", "query", "Starting on this day (UTC) or later.", {"type": "string", "format": "date"}
            ),
            *_page(LIMIT),
        ),
        gives=Gives("CrmCampaigns", {"data": [schemas.CAMPAIGN]}, PAGE_HEADERS),
        fails=("INVALID",),
    ),
    LegacyRoute(
        method="POST",
        path="/campaigns",
        document=stored(HERE, "campaign_create"),
        variables=requests.campaign_create,
        shape=shapes.campaign_created,
        status=201,
        summary="Create a campaign",
        description=(
            "Its schedule says where it stands: without one a draft, else scheduled, active or completed. A new promo"
            " code is made with it."
        ),
        takes=Takes("CrmNewCampaign", schemas.NEW_CAMPAIGN),
        gives=Gives("CrmCampaignDetail", schemas.DETAIL),
        fails=("INVALID", "SEGMENT_NOT_FOUND", "PROMO_CODE_EXISTS", "SEGMENT_TOO_LARGE", "INVALID_PROMO_CODE",
               "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    ),
    LegacyRoute(
        method="GET",
        path="/campaigns/{campaign_id}",
        document=stored(HERE, "campaign"),
        variables=requests.campaign,
        shape=shapes.campaign,
        summary="Show one campaign with its full metrics",
        parameters=(
            Parameter("campaign_id", "path", "Its id.", {"type": "string", "examples": ["camp_001"]}),
        ),
        gives=Gives("CrmCampaignDetail", schemas.DETAIL),
        fails=("CAMPAIGN_NOT_FOUND",),
    ),
    LegacyRoute(
        method="GET",
        path="/segments",
        document=stored(HERE, "segments"),
        variables=requests.whole_list,
        shape=shapes.segments,
        headers=shapes.paged("segments"),
        summary="List customer segments",
        description="Newest first. `size` is as of `last_updated`.",
        parameters=_page(WHOLE),
        gives=Gives("CrmSegments", {"data": schemas.SEGMENTS}, PAGE_HEADERS),
        fails=("INVALID",),
    ),
    LegacyRoute(
        method="POST",
        path="/segments",
        document=stored(HERE, "segment_create"),
        variables=requests.segment_create,
        shape=shapes.segment_created,
        status=201,
        summary="Create a customer segment",
        description="A dynamic one is counted at once.",
        takes=Takes("CrmNewSegment", schemas.NEW_SEGMENT),
        gives=Gives("CrmSegment", schemas.SEGMENTS[0]),
        fails=("INVALID_SEGMENT_CRITERIA", "INVALID", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"),
    ),
    LegacyRoute(
        method="GET",
        path="/webhooks",
        document=stored(HERE, "webhooks"),
        shape=shapes.providers,
        summary="List webhook providers",
        description="Every provider there is; counters are left out while there are none.",
        gives=Gives("CrmProviders", {"providers": schemas.PROVIDERS}),
    ),
    *(
        route
        for path, more in (("/webhooks/{provider}", ()), ("/webhooks/{provider}/{token}", (TOKEN,)))
        for route in (
            LegacyRoute(
                method="POST",
                path=path,
                document=stored(HERE, "webhook_ingest"),
                variables=requests.delivery,
                shape=shapes.received,
                delivery=True,
                summary="Receive a provider's events" + (" at a connection's own address" if more else ""),
                description=(
                    "No bearer token: the delivery is signed, in the documented way or in the provider's own. Each"
                    " event counts once, however often it comes. Every connection has an address of its own, too, which"
                    " ends in its token."
                ),
                parameters=(PROVIDER, *more, *SIGNED),
                takes=Takes("CrmDelivery", schemas.DELIVERY),
                gives=Gives("CrmReceived", {"received": 1, "applied": 1, "ignored": 0, "repeated": 0}),
                fails=("MALFORMED_BODY", "NOT_FOUND", "TOO_LARGE"),
                alias="address" if more else "",
            ),
            LegacyRoute(
                method="GET",
                path=path,
                document=stored(HERE, "webhook_check"),
                shape=shapes.provider,
                delivery=True,
                summary="Answer a provider that checks the address" + (" of a connection" if more else ""),
                description="Mailchimp calls the address, with the secret in its query, before it uses it.",
                parameters=(PROVIDER, *more),
                gives=Gives("CrmProvider", schemas.PROVIDERS[0]),
                fails=("NOT_FOUND",),
                alias="address" if more else "",
            ),
        )
    ),
    LegacyRoute(
        method="GET",
        path="/funnels",
        document=stored(HERE, "funnel"),
        variables=requests.funnel,
        shape=shapes.funnel,
        summary="Show how many customers went through a funnel's stages",
        description=f"Each customer once, stages in their order. Without days: the last {DAYS}.",
        parameters=(
            Parameter(
                "funnel_type",
                "query",
                "Which funnel.",
                {"type": "string", "enum": [t.value for t in FunnelType], "examples": ["onboarding"]},
                required=True,
            ),
            Parameter("start_date", "query", "The first day (UTC).", {"type": "string", "format": "date"}),
            Parameter("end_date", "query", "The last day, included.", {"type": "string", "format": "date"}),
        ),
        gives=Gives("CrmFunnel", schemas.FUNNEL),
        fails=("INVALID",),
    ),
    LegacyRoute(
        method="GET",
        path="/promos",
        document=stored(HERE, "promos"),
        variables=requests.whole_list,
        shape=shapes.promos,
        headers=shapes.paged("promos"),
        summary="List promo codes",
        description="Newest first. What a promo does not restrict is left out.",
        parameters=_page(WHOLE),
        gives=Gives("CrmPromos", {"data": [schemas.PROMO]}, PAGE_HEADERS),
        fails=("INVALID",),
    ),
    LegacyRoute(
        method="POST",
        path="/promos",
        document=stored(HERE, "promo_create"),
        variables=requests.promo_create,
        shape=shapes.promo_created,
        status=201,
        summary="Create a promo code",
        takes=Takes("CrmNewPromo", schemas.NEW_PROMO),
        gives=Gives("CrmPromo", schemas.PROMO),
        fails=("INVALID_PROMO_CODE", "PROMO_CODE_EXISTS", "SEGMENT_NOT_FOUND", "INVALID", "TOO_LARGE",
               "UNSUPPORTED_MEDIA_TYPE"),
    ),
)  # fmt: skip


def mounted() -> Iterator[LegacyRoute]:
    """Every route at its base path, and again through the gateway."""
    for route in ROUTES:
        yield replace(route, path=BASE + route.path)
    for route in ROUTES:
        yield replace(route, path=GATEWAY + route.path, alias=f"{route.alias}-gateway".strip("-"))


FACADE = Facade(
    name="crm",
    title="Marketing & CRM",
    description=(
        "Message campaigns, customer segments, webhooks, funnels and promo codes."
        f" {GATEWAY} answers the same as {BASE}."
    ),
    prefixes=(BASE, GATEWAY),
    routes=tuple(mounted()),
    failures=FAILURES,
    failure_example=example,
    failure_schema="CrmError",
    credentials=credentials,
    roles=CRM_ROLES,
    challenge="Bearer",
    security={"CrmToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    schemas=schemas.SCHEMAS,
)
