"""JSON Schemas (2020-12) of the Criteo API's bodies, and its printed examples, for the OpenAPI document."""

from decimal import Decimal
from typing import Any

from app.rest.criteo.failures import TRACE, UPDATES


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(
    properties: dict[str, Any], *, optional: tuple[str, ...] = (), description: str = ""
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    return {**made, "description": description} if description else made


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


TEXT = {"type": "string"}
NUMBER = {"type": ["string", "integer"], "description": "A number, as a text or as a number."}
GOAL = {"type": "string", "enum": ["Acquisition", "Retention"]}
RENEWALS = ["daily", "monthly", "lifetime", "undefined"]
SENT_AMOUNT = {
    "anyOf": [
        {"type": ["number", "null"]},
        _object({"value": {"type": ["number", "null"]}}),
    ],
    "description": "More than 0, with no more decimals than the advertiser's currency has: two of most.",
}
_SENT_LIMIT = _object(
    {
        "spendLimitRenewal": {"type": ["string", "null"], "enum": [*RENEWALS, None]},
        "spendLimitType": {"type": ["string", "null"], "enum": ["capped", "uncapped", None]},
        "spendLimitAmount": SENT_AMOUNT,
    },
    optional=("spendLimitRenewal", "spendLimitType", "spendLimitAmount"),
    description="Renewal and amount only count where it is capped.",
)
_LIMIT = _object(
    {
        "spendLimitRenewal": {"type": "string", "enum": RENEWALS},
        "spendLimitType": {"type": "string", "enum": ["capped", "uncapped"]},
        "spendLimitAmount": {"type": ["number", "null"], "description": "null: uncapped."},
    }
)


def _campaign(advertiser: dict[str, Any]) -> dict[str, Any]:
    attributes = {
        "name": TEXT,
        "advertiserId": advertiser,
        "goal": {"type": "string", "enum": ["Acquisition", "Retention", "Unspecified"]},
        "spendLimit": _ref("CriteoSpendLimit"),
    }
    return _object({"type": {"const": "Campaign"}, "id": TEXT, "attributes": _object(attributes)})


SCHEMAS: dict[str, dict[str, Any]] = {
    "CriteoSpendLimit": _LIMIT,
    "CriteoCampaign": _campaign({"type": "integer"}),
    "CriteoProblem": _object(
        {
            "traceIdentifier": {**TEXT, "format": "uuid", "description": "The log has it too."},
            "type": TEXT,
            "code": TEXT,
            "instance": {**TEXT, "description": "`@data/1`: the second update of the request."},
            "title": TEXT,
            "detail": TEXT,
        }
    ),
    "CriteoError": _object(
        {"errors": _list(_ref("CriteoProblem")), "warnings": _list(_ref("CriteoProblem"))}
    ),
    "CriteoNewCampaign": _object(
        {
            "data": _object(
                {
                    "type": {"const": "Campaign"},
                    "id": {**NUMBER, "description": "Not looked at: the server assigns one."},
                    "attributes": _object(
                        {"name": TEXT, "advertiserId": NUMBER, "goal": GOAL, "spendLimit": _SENT_LIMIT},
                        optional=("spendLimit",),
                    ),
                },
                optional=("id",),
            )
        }
    ),
    "CriteoCreated": _object(
        {
            "data": _campaign({**TEXT, "description": "A text here, a number in reads."}),
            "warnings": _list(_ref("CriteoProblem")),
            "errors": _list(_ref("CriteoProblem")),
        }
    ),
    "CriteoSearch": _object(
        {
            "filters": _object(
                {"advertiserIds": _list(NUMBER), "campaignIds": _list(NUMBER)},
                optional=("advertiserIds", "campaignIds"),
            )
        },
        optional=("filters",),
    ),
    "CriteoCampaigns": _object(
        {"data": _list(_ref("CriteoCampaign")), "errors": _list(_ref("CriteoProblem"))}
    ),
    "CriteoOne": _object({"data": _ref("CriteoCampaign"), "errors": _list(_ref("CriteoProblem"))}),
    "CriteoUpdates": _object(
        {
            "data": _list(
                _object(
                    {
                        "type": {"const": "Campaign"},
                        "id": NUMBER,
                        "attributes": _object(
                            {"name": TEXT, "advertiserId": NUMBER, "goal": TEXT, "spendLimit": _SENT_LIMIT},
                            optional=("name", "advertiserId", "goal", "spendLimit"),
                        ),
                    },
                    optional=("type",),
                )
            )
        }
    ),
    "CriteoUpdated": _object(
        {
            "data": _list(_object({"type": {"const": "Campaign"}, "id": TEXT})),
            "errors": _list(_ref("CriteoProblem")),
            "warnings": _list(_ref("CriteoProblem")),
        }
    ),
}

ATTRIBUTES = {
    "name": "My Campaign",
    "advertiserId": 12345,
    "goal": "Retention",
    "spendLimit": {
        "spendLimitRenewal": "daily",
        "spendLimitType": "capped",
        "spendLimitAmount": Decimal("123.45"),
    },
}
CAMPAIGN = {"type": "Campaign", "id": "99999", "attributes": ATTRIBUTES}
CREATED = {
    "data": {
        "id": "99999",
        "type": "Campaign",
        "attributes": {
            "name": "My Campaign",
            "advertiserId": "12345",
            "spendLimit": {
                "spendLimitType": "capped",
                "spendLimitRenewal": "daily",
                "spendLimitAmount": Decimal("123.45"),
            },
            "goal": "Retention",
        },
    },
    "warnings": [],
    "errors": [],
}


def _update(number: str, amount: Decimal) -> dict[str, Any]:
    limit = {"spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": amount}
    return {"type": "Campaign", "id": number, "attributes": {"spendLimit": limit}}


UPDATES_OF_TWO = {"data": [_update("99999", Decimal("123.5")), _update("88888", Decimal(-9000))]}
_CODE, _TITLE, _DETAIL = UPDATES["SPEND_LIMIT_INVALID"]
ONE_OF_TWO = {
    "data": [{"type": "Campaign", "id": "99999"}],
    "errors": [
        {
            "traceIdentifier": TRACE,
            "type": "validation",
            "code": f"campaign--campaign-update-check--{_CODE}",
            "instance": "@data/1",
            "title": _TITLE,
            "detail": _DETAIL,
        }
    ],
    "warnings": [],
}
