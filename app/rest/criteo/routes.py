"""The Criteo API: ad campaigns of the advertisers in a portfolio, and their spend limits."""

from starlette.datastructures import Headers

from app.auth.credentials import read_bearer
from app.rest.criteo import requests, schemas, shapes
from app.rest.criteo.failures import FAILURES, example
from app.rest.route import Credentials, Facade, Gives, LegacyRoute, Parameter, Takes, stored

HERE = __package__ or ""
BASE = "/preview/marketing-solutions"


def credentials(headers: Headers) -> Credentials:
    """A bearer token, and nothing else."""
    return Credentials(bearer=read_bearer(headers.get("authorization")))


READABLE = ("MALFORMED_BODY", "TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "INVALID")

ROUTES = (
    LegacyRoute(
        method="POST",
        path=BASE + "/campaigns",
        document=stored(HERE, "create"),
        variables=requests.create,
        shape=shapes.created,
        status=201,
        summary="Create a campaign for an advertiser",
        description="A draft, until somebody activates it. Without a spend limit it is uncapped.",
        takes=Takes("CriteoNewCampaign", {"data": schemas.CAMPAIGN}),
        gives=Gives("CriteoCreated", schemas.CREATED),
        fails=READABLE,
    ),
    LegacyRoute(
        method="PATCH",
        path=BASE + "/campaigns",
        document=stored(HERE, "update"),
        variables=requests.update,
        shape=shapes.updated,
        summary="Update campaigns, each for itself",
        description=(
            "200 also where updates fail, even all of them: what was done is in `data`, what was not in `errors`."
            " Only `spendLimit` and `goal` can be changed. At most 1000 at once."
        ),
        takes=Takes("CriteoUpdates", schemas.UPDATES_OF_TWO),
        gives=Gives("CriteoUpdated", schemas.ONE_OF_TWO),
        fails=READABLE,
    ),
    LegacyRoute(
        method="POST",
        path=BASE + "/campaigns/search",
        document=stored(HERE, "search"),
        variables=requests.search,
        shape=shapes.search,
        headers=shapes.total_count,
        summary="Search the campaigns of the portfolio",
        description=(
            "Newest first. Filters combine; without any, the whole portfolio. Not paged: at most"
            f" {requests.LIST_CAP} campaigns, and as many ids in a filter."
        ),
        takes=Takes("CriteoSearch", {"filters": {"advertiserIds": ["12345"]}}),
        gives=Gives(
            "CriteoCampaigns",
            {"data": [schemas.CAMPAIGN], "errors": []},
            {"X-Total-Count": f"How many there are, also beyond {requests.LIST_CAP}."},
        ),
        fails=READABLE,
    ),
    LegacyRoute(
        method="GET",
        path=BASE + "/campaigns/{campaign_id}",
        document=stored(HERE, "campaign"),
        variables=requests.campaign,
        shape=shapes.campaign,
        summary="Show one campaign",
        parameters=(Parameter("campaign_id", "path", "Its id.", {"type": "string", "examples": ["99999"]}),),
        gives=Gives("CriteoOne", {"data": schemas.CAMPAIGN, "errors": []}),
        fails=("NOT_FOUND",),
    ),
)

FACADE = Facade(
    name="criteo",
    title="Criteo",
    description="Ad campaigns of the advertisers in a portfolio, and their spend limits.",
    prefixes=(BASE,),
    routes=ROUTES,
    failures=FAILURES,
    failure_example=example,
    failure_schema="CriteoError",
    credentials=credentials,
    challenge="Bearer",
    security={"CriteoToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    schemas=schemas.SCHEMAS,
)
