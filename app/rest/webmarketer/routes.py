"""The Webmarketer API: events, event types, custom ads, offline interactions.

The document names almost no path (choice WM-C5). Those that its public client calls are as in that client, the others
are ours. Every route exists three times: below `/api/v1`, below `/api` and at the root.
"""

from collections.abc import Iterator
from dataclasses import replace

from starlette.datastructures import Headers

from app.auth.credentials import read_bearer
from app.rest.route import Credentials, Facade, LegacyRoute
from app.rest.webmarketer import schemas
from app.rest.webmarketer.custom_ads_routes import CUSTOM_ADS, INTERACTIONS
from app.rest.webmarketer.event_routes import EVENTS, USERS
from app.rest.webmarketer.event_type_routes import EVENT_TYPES
from app.rest.webmarketer.failures import FAILURES, example

BASE = "/api/v1"
ALIASES = {"/api": "api", "": "root"}


def credentials(headers: Headers) -> Credentials:
    """A bearer token, and nothing else."""
    return Credentials(bearer=read_bearer(headers.get("authorization")))


ROUTES = (*EVENTS, *USERS, *EVENT_TYPES, *CUSTOM_ADS, *INTERACTIONS)


def mounted() -> Iterator[LegacyRoute]:
    """Every route at its three addresses."""
    for route in ROUTES:
        yield replace(route, path=BASE + route.path)
    for prefix, word in ALIASES.items():
        for route in ROUTES:
            yield replace(route, path=prefix + route.path, alias=f"{route.alias}-{word}".strip("-"))


FACADE = Facade(
    name="webmarketer",
    title="Webmarketer",
    description=(
        "Events and their types, custom ads campaigns and their outlays, offline interactions. The same routes are"
        " there without `/v1`, and without `/api/v1`."
    ),
    prefixes=(BASE, "/api/events", "/api/projects", "/api/custom-ads", "/events", "/projects", "/custom-ads"),
    routes=tuple(mounted()),
    failures=FAILURES,
    failure_example=example,
    failure_schema="WmError",
    credentials=credentials,
    challenge="Bearer",
    security={"WmToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    schemas=schemas.SCHEMAS,
)
