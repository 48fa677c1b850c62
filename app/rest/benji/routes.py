"""Benji: reward campaigns of merchants and partners, with their flows and goals."""

from starlette.datastructures import Headers

from app.auth.credentials import read_bearer
from app.rest.benji import requests, schemas, shapes
from app.rest.benji.failures import FAILURES, example
from app.rest.route import Credentials, Facade, Gives, LegacyRoute, Parameter, stored

HERE = __package__ or ""
_FLAG = {"type": "integer", "enum": [0, 1]}
_NUMBER = {"type": "integer", "minimum": 0}


def credentials(headers: Headers) -> Credentials:
    """A bearer token, and nothing else."""
    return Credentials(bearer=read_bearer(headers.get("authorization")))


ROUTES = (
    LegacyRoute(
        method="GET",
        path="/campaigns",
        document=stored(HERE, "campaigns"),
        variables=requests.campaigns,
        shape=shapes.campaigns,
        headers=shapes.total_count,
        summary="List reward campaigns with their flows and goals",
        description=(
            "Newest first, each one complete; an empty list where none matches. Deleted ones are left out unless"
            f" asked for. At most {requests.LIST_CAP} at a time."
        ),
        parameters=(
            Parameter("merchant_id", "query", "Of this merchant.", _NUMBER),
            Parameter("partner_id", "query", "With this partner.", _NUMBER),
            Parameter("partnership_id", "query", "Of this partnership.", _NUMBER),
            Parameter("campaign_type", "query", "Of this type: 1 earn, 2 redeem, 3 connect only, 4 transfer.", _NUMBER),
            Parameter("is_active", "query", "1: those running now; 0: the others.", _FLAG),
            Parameter("is_template", "query", "1: templates; 0: the others.", _FLAG),
            Parameter("is_deleted", "query", "1: deleted ones instead of living ones.", _FLAG),
            Parameter("limit", "query", f"How many; {requests.LIST_CAP} unless said, and at most.", _NUMBER),
            Parameter("offset", "query", "How many to pass over.", _NUMBER),
        ),
        gives=Gives(
            "BenjiCampaigns",
            {"campaigns": [schemas.CAMPAIGN]},
            {"X-Total-Count": f"How many campaigns match, also beyond {requests.LIST_CAP}."},
        ),
        fails=("INVALID",),
    ),
)  # fmt: skip

FACADE = Facade(
    name="benji",
    title="Benji",
    description="Reward campaigns of merchants and partners: triggers, conditions, multipliers, goals.",
    prefixes=("/campaigns",),
    routes=ROUTES,
    failures=FAILURES,
    failure_example=example,
    failure_schema="BenjiError",
    credentials=credentials,
    challenge="Bearer",
    security={"BenjiToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    schemas=schemas.SCHEMAS,
)
