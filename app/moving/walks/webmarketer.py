"""Webmarketer: event types, the trash, users with their events, custom campaigns with their outlays, insights.

No documented route lists projects, integrations, users or events: the first two are told to the walk, and users and
events are found in one another and in recorded requests, or counted up where a host numbers its users.
"""

from app.moving.walks.steps import Pages, Step, Walk

_HOME = "/projects/{project:projectId}"
_ADS = _HOME + "/custom-ads/{integration:wmktId}/campaigns"
_OUTLAYS = _ADS + "/{campaign:parentCampaignId}/outlays"
_PAGES = Pages(by="offset", size=500, echo="limit")
_EVENT = {"event": "_id", "user": "userId"}
_INTERVALS = ("month", "week", "dayOfWeek")


def _insights(since: str, **asked: object) -> Step:
    period = {"since": f"{since}T00:00:00.000Z", "until": "{tomorrow}T00:00:00.000Z"}
    return Step(
        method="POST",
        path=_HOME + "/events/insights",
        body={**period, "metrics": ["event-count"], "groupBy": "project", **asked},
    )


WEBMARKETER = Walk(
    system="webmarketer",
    bases=("/api/v1", "/api", ""),
    steps=(
        Step(
            path=_HOME + "/event-types",
            rows="data",
            key="_id",
            gives={"type": "reference", "metric": "fields[].storageKey"},
            pages=_PAGES,
        ),
        Step(
            path=_HOME + "/event-types",
            query={"archived": "true"},
            rows="data",
            key="_id",
            gives={"type": "reference"},
            pages=_PAGES,
        ),
        Step(
            path=_HOME + "/trashed-events",
            query={"since": "{since_last_run}"},
            rows="data",
            key="_id",
            gives={"event": "_id"},
            pages=_PAGES,
        ),
        Step(path=_ADS, rows="data", gives={"campaign": "id", "slug": "campaignSlug"}, pages=_PAGES),
        Step(path=_OUTLAYS, rows="data", key="_id", gives={"outlay": "_id"}, pages=_PAGES),
        Step(path=_HOME + "/users/{user:id}/events", rows="data", key="_id", gives=_EVENT, pages=_PAGES),
        Step(path=_HOME + "/users/{user:id}/metrics", rows="data", key="_id", pages=_PAGES),
        # Nonce, tracker and data as sent are printed here alone; what was sent never changes.
        Step(path=_HOME + "/raw-events/{event:id}", never_changes=True),
        Step(path=_HOME + "/events/{event:id}", gives={"user": "userId"}, unless_below="user"),
        _insights("{year_ago}", interval="month", groupBy="event-type"),
        _insights("{month_ago}", interval="day"),
        # What the lists print completely.
        Step(path=_HOME + "/event-types/{type:reference}", compared_only=True),
        Step(path=_ADS + "/{campaign:id}", compared_only=True),
        Step(path=_OUTLAYS + "/{outlay:outlayId}", compared_only=True),
        Step(path=_HOME + "/event-types", query={"sort": "name,-createdAt"}, compared_only=True),
        Step(path=_HOME + "/event-types", query={"search": "o"}, compared_only=True),
        Step(path=_HOME + "/event-types", query={"storageKey": "{metric}"}, compared_only=True, most=10),
        Step(path=_HOME + "/event-types", query={"reference": "{type}"}, compared_only=True, most=10),
        Step(path=_HOME + "/trashed-events", query={"fieldFormat": "string"}, compared_only=True),
        *(
            Step(path=_ADS, query=query, compared_only=True, most=10)
            for query in (
                {"active": "true"},
                {"explicit": "false"},
                {"campaignId": "{campaign}"},
                {"campaignSlug": "{slug}"},
                {"sort": "name", "order": "DESC"},
            )
        ),
        Step(path=_OUTLAYS, query={"sort": "amount", "order": "DESC"}, compared_only=True),
        Step(path=_HOME + "/users/{user:id}/metrics", query={"type": "state"}, compared_only=True, most=25),
        *(
            Step(
                method="POST",
                path=_HOME + "/events/insights",
                body={
                    "since": "{year_ago}T00:00:00.000Z",
                    "until": "{tomorrow}T00:00:00.000Z",
                    "metrics": ["event-count", "{metric}"],
                    "groupBy": "project",
                    "interval": interval,
                },
                compared_only=True,
                most=10,
            )
            for interval in _INTERVALS
        ),
    ),
)
