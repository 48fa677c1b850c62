"""JSON Schemas (2020-12) of the La Griffe API's bodies, and examples of them, for the OpenAPI document."""

from typing import Any

BEACON = "3f1d7c52-8a55-4b1e-9a6e-5d2c1f60aa12"


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(
    properties: dict[str, Any], *, description: str = "", optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    return {**made, "description": description} if description else made


def _envelope(data: dict[str, Any]) -> dict[str, Any]:
    return _object({"success": {"const": True}, "data": data})


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


TEXT = {"type": "string"}
ID = {"type": "integer", "minimum": 1}
COUNT = {"type": "integer", "minimum": 0}
AMOUNT = {"type": "number", "minimum": 0}
DAY = {"type": ["string", "null"], "format": "date"}
INSTANT = {"type": "string", "format": "date-time"}

_ROW = {
    "id": ID,
    "external_beacon_key": {**TEXT, "description": "The store's key inside its customer group."},
    "label": TEXT,
    "status": {**TEXT, "description": "draft, scheduled, active, paused or completed."},
    "channels": _list(TEXT),
    "period_type": {"type": ["string", "null"], "description": "As sent, for example `1_month`."},
    "budget_total": {"type": ["number", "null"], "minimum": 0},
    "currency": {**TEXT, "pattern": "^[A-Z]{3}$", "description": "ISO 4217, of all amounts here."},
    "start_date": {**DAY, "description": "The first day."},
    "end_date": {**DAY, "description": "The last day, included."},
    "customer": _ref("LaGriffeCustomer"),
    "created_at": INSTANT,
    "updated_at": INSTANT,
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "LaGriffeCustomer": _object(
        {"id": ID, "name": TEXT, "external_beacon_key": TEXT}, description="A store of the customer group."
    ),
    "LaGriffeFigures": _object(
        {"impressions": COUNT, "clicks": COUNT, "conversions": COUNT, "spend": AMOUNT},
        description="More keys may be added.",
    ),
    "LaGriffeCampaign": _object(_ROW),
    "LaGriffeCampaignDetail": _object(
        {
            **_ROW,
            "customer_group": _object({"id": ID, "name": TEXT}),
            "project": {
                "oneOf": [_object({"id": ID, "name": TEXT}), {"type": "null"}],
                "description": "The internal project made with the campaign.",
            },
            "assets": _list(_ref("LaGriffeAsset")),
            "metrics": _ref("LaGriffeFigures"),
        }
    ),
    "LaGriffeAsset": _object(
        {
            "id": ID,
            "name": TEXT,
            "content_type": TEXT,
            "size": {**COUNT, "description": "Bytes."},
            "url": {**TEXT, "description": "Signed; it expires."},
        }
    ),
    "LaGriffeCustomerGroup": _object({"id": ID, "name": TEXT, "currency": TEXT, "time_zone": TEXT}),
    "LaGriffeMetrics": _object(
        {
            "campaign_id": ID,
            "currency": TEXT,
            "totals": _ref("LaGriffeFigures"),
            "channels": _list(
                _object(
                    {
                        "channel": TEXT,
                        "totals": _ref("LaGriffeFigures"),
                        "series": _list(
                            {
                                "allOf": [
                                    _ref("LaGriffeFigures"),
                                    _object({"date": {"type": "string", "format": "date"}}),
                                ]
                            }
                        ),
                    }
                )
            ),
        }
    ),
    "LaGriffeNewCampaign": _object(
        {
            "external_beacon_key": {**TEXT, "maxLength": 64, "description": "Which store. Compared exactly."},
            "label": {**TEXT, "minLength": 1, "maxLength": 255},
            "channels": {**_list(TEXT), "minItems": 1, "description": "An open set; `google_ads` is one."},
            "period_type": {
                "type": ["string", "null"],
                "description": "`<n>_day`, `_week`, `_month`, `_year` fill in dates; other texts are kept.",
            },
            "budget_total": {
                "oneOf": [AMOUNT, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"}],
                "description": "In the customer group's currency.",
            },
            "start_date": {
                **DAY,
                "description": "Without it: today in the store's time zone, given a period.",
            },
            "end_date": {**DAY, "description": "Included. Without it: the period's last day."},
        },
        optional=("period_type", "start_date", "end_date"),
    ),
    "LaGriffeCampaignsAnswer": _envelope(_list(_ref("LaGriffeCampaign"))),
    "LaGriffeCampaignAnswer": _envelope(_ref("LaGriffeCampaignDetail")),
    "LaGriffeMetricsAnswer": _envelope(_ref("LaGriffeMetrics")),
    "LaGriffeCustomerGroupsAnswer": _envelope(_list(_ref("LaGriffeCustomerGroup"))),
    "LaGriffeError": {**_object({"message": TEXT}), "additionalProperties": False},
}

NEW_CAMPAIGN = {
    "external_beacon_key": BEACON,
    "label": "Google Ads – June",
    "channels": ["google_ads"],
    "period_type": "1_month",
    "budget_total": 1200,
    "start_date": "2025-06-01",
    "end_date": "2025-06-30",
}
ROW = {
    "id": 42,
    **{name: NEW_CAMPAIGN[name] for name in ("external_beacon_key", "label")},
    "status": "active",
    **{name: NEW_CAMPAIGN[name] for name in ("channels", "period_type", "budget_total")},
    "currency": "EUR",
    **{name: NEW_CAMPAIGN[name] for name in ("start_date", "end_date")},
    "customer": {"id": 7, "name": "Lyon Bellecour", "external_beacon_key": BEACON},
    "created_at": "2025-05-20T09:30:00Z",
    "updated_at": "2025-06-01T00:00:05Z",
}
DETAIL = {
    **ROW,
    "customer_group": {"id": 1, "name": "Maison Aurore"},
    "project": {"id": 12, "name": "Google Ads – June"},
    "assets": [
        {
            "id": 5,
            "name": "brief.pdf",
            "content_type": "application/pdf",
            "size": 48213,
            "url": "https://gateway.example/assets/5?expires=1750000000&signature=…",
        }
    ],
    "metrics": {"impressions": 18250, "clicks": 731, "conversions": 42, "spend": 318.4},
}
METRICS = {
    "campaign_id": 42,
    "currency": "EUR",
    "totals": {"impressions": 2100, "clicks": 84, "conversions": 5, "spend": 36.6},
    "channels": [
        {
            "channel": "google_ads",
            "totals": {"impressions": 2100, "clicks": 84, "conversions": 5, "spend": 36.6},
            "series": [
                {"date": "2025-06-01", "impressions": 2100, "clicks": 84, "conversions": 5, "spend": 36.6},
                {"date": "2025-06-02", "impressions": 0, "clicks": 0, "conversions": 0, "spend": 0},
            ],
        }
    ],
}
GROUP = {"id": 1, "name": "Maison Aurore", "currency": "EUR", "time_zone": "Europe/Paris"}
