"""JSON Schemas (2020-12) of the Marketing & CRM API's bodies, and its documented examples, for the OpenAPI document."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

from app.domain.funnels.stages import FunnelType
from app.tables.campaigns import CampaignStatus, CampaignType
from app.tables.funnels import FunnelStage
from app.tables.segments import SegmentType
from app.tables.webhooks import ConnectionStatus, Provider


def ref(name: str) -> dict[str, str]:
    """Another of the schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def obj(
    properties: dict[str, Any], *, description: str = "", optional: tuple[str, ...] = ()
) -> dict[str, Any]:
    """An object; properties are required unless they are optional."""
    made: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }
    return {**made, "description": description} if description else made


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _of(known: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [member.value for member in known]}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


TEXT = {"type": "string"}
ID = {
    **TEXT,
    "description": "The row's id in this system, such as `camp_001`; where it has none, ours (`camp_42`).",
}
COUNT = {"type": "integer", "minimum": 0}
AMOUNT = {"type": "number", "minimum": 0}
PERCENT = {"type": "number", "minimum": 0, "maximum": 100}
# A rate may exceed 100: more may be delivered later than was counted at first.
RATE = {"type": "number", "minimum": 0, "description": "Percent of delivered, one decimal; 0 without any."}
POINTS = {"type": "number", "minimum": -100, "maximum": 100}
INSTANT = {**TEXT, "format": "date-time"}
DAY = {**TEXT, "format": "date"}
ANY_OBJECT = {"type": "object"}

_HEAD = {
    "id": ID,
    "name": TEXT,
    "type": _of(CampaignType),
    "status": _of(CampaignStatus),
    "channels": _list(TEXT),
}
_DATES = {
    "start_date": _or_null(INSTANT),
    "end_date": {**_or_null(INSTANT), "description": "Of a last day its last second."},
}
_CONTENT = obj(
    {"subject": TEXT, "body": TEXT, "cta_text": TEXT, "cta_url": TEXT},
    optional=("subject", "body", "cta_text", "cta_url"),
)
_PROMO = {
    "code": {
        **TEXT,
        "description": "3 to 32 letters, digits, `_` and `-`; kept in capitals, unique in any case.",
    },
    "type": {
        **TEXT,
        "description": "percentage, fixed_amount, free_delivery, free_item; others can be kept only.",
    },
    "value": {**AMOUNT, "description": "Percent (0 to 100), an amount, or units, by type."},
    "min_order_amount": AMOUNT,
    "max_discount": AMOUNT,
    "usage_limit": COUNT,
    "per_customer_limit": COUNT,
    "valid_from": INSTANT,
    "valid_until": INSTANT,
    "applies_to": {**ANY_OBJECT, "description": '`{"all_items": true}`, or `skus`, `categories`, `stores`.'},
    "customer_segment_id": {**TEXT, "description": "Only customers of this segment may use it."},
}
_OPTIONAL = tuple(name for name in _PROMO if name not in ("code", "type", "value"))

SCHEMAS: dict[str, dict[str, Any]] = {
    "CrmCampaign": obj(
        {
            **_HEAD,
            "segment_id": _or_null(TEXT),
            **_DATES,
            "metrics": obj({"sent": COUNT, "opened": COUNT, "clicked": COUNT, "converted": COUNT}),
        }
    ),
    "CrmCampaignDetail": obj(
        {
            **_HEAD,
            "segment": _or_null(obj({"id": ID, "name": TEXT, "size": COUNT})),
            "content": _CONTENT,
            "metrics": obj(
                {
                    "sent": COUNT,
                    "delivered": COUNT,
                    "opened": COUNT,
                    "open_rate": RATE,
                    "clicked": COUNT,
                    "click_rate": RATE,
                    "converted": COUNT,
                    "conversion_rate": RATE,
                    "revenue_attributed": {**AMOUNT, "description": "Two decimals."},
                    "unsubscribed": COUNT,
                }
            ),
            "created_at": INSTANT,
            **_DATES,
        }
    ),
    "CrmNewCampaign": obj(
        {
            "name": {**TEXT, "minLength": 1, "maxLength": 255},
            "type": _of(CampaignType),
            "channels": {**_list(TEXT), "minItems": 1},
            "segment_id": TEXT,
            "content": _CONTENT,
            "schedule": obj(
                {"start_date": TEXT, "end_date": TEXT},
                description="Moments, or days in the store's time zone, the last one included.",
                optional=("start_date", "end_date"),
            ),
            "promo_code": {**TEXT, "description": "A new code is made, one with the same discount linked."},
            "promo_discount_percent": PERCENT,
        },
        optional=("content", "schedule", "promo_code", "promo_discount_percent"),
    ),
    "CrmCampaigns": obj({"data": _list(ref("CrmCampaign"))}),
    "CrmSegment": obj(
        {
            "id": ID,
            "name": TEXT,
            "type": _of(SegmentType),
            "size": COUNT,
            "criteria": {**ANY_OBJECT, "description": "As it was sent; empty for lists of customers."},
            "last_updated": {**INSTANT, "description": "When `size` was counted."},
        },
        optional=("last_updated",),
    ),
    "CrmSegments": obj({"data": _list(ref("CrmSegment"))}),
    "CrmNewSegment": obj(
        {
            "name": TEXT,
            "type": _of(SegmentType),
            "criteria": {
                **ANY_OBJECT,
                "description": "Attributes that all must hold: a value, or `gt gte lt lte eq ne in nin exists contains"
                " between`; groups are `any`, `all`, `not`. Only, and always, for dynamic segments.",
            },
        },
        optional=("criteria",),
    ),
    "CrmProvider": obj(
        {
            "id": _of(Provider),
            "name": TEXT,
            "status": _of(ConnectionStatus),
            "events_received": COUNT,
            "last_event": INSTANT,
        },
        optional=("events_received", "last_event"),
    ),
    "CrmProviders": obj({"providers": _list(ref("CrmProvider"))}),
    "CrmDelivery": {"description": "The provider's own body, JSON or a form; or the documented one."},
    "CrmReceived": obj(
        {
            "received": {**COUNT, "description": "Events in the delivery."},
            "applied": {**COUNT, "description": "Those that took effect now."},
            "ignored": {**COUNT, "description": "Those kept without effect."},
            "repeated": {**COUNT, "description": "Those that were here before."},
            "refused": {**COUNT, "description": "Those that could not be taken; where there are some."},
        },
        optional=("refused",),
    ),
    "CrmFunnel": obj(
        {
            "funnel_type": _of(FunnelType),
            "period": obj({"start": DAY, "end": DAY}),
            "stages": _list(
                obj(
                    {
                        "stage": _of(FunnelStage),
                        "count": COUNT,
                        "percentage": PERCENT,
                        "drop_off": {**POINTS, "description": "Percentage points; not on the first stage."},
                    },
                    optional=("drop_off",),
                )
            ),
            "overall_conversion": PERCENT,
        }
    ),
    "CrmNewPromo": obj(_PROMO, optional=(*_OPTIONAL, "value")),
    "CrmPromo": obj({"id": TEXT, **_PROMO, "used": COUNT, "created_at": INSTANT}, optional=_OPTIONAL),
    "CrmPromos": obj({"data": _list(ref("CrmPromo"))}),
    "CrmError": {
        **obj(
            {
                "error": {
                    **obj(
                        {
                            "code": TEXT,
                            "message": TEXT,
                            "details": _list(obj({"field": TEXT, "message": TEXT})),
                        }
                    ),
                    "additionalProperties": False,
                }
            }
        ),
        "additionalProperties": False,
    },
}

CAMPAIGN = {
    "id": "camp_001",
    "name": "Summer Promo 2026",
    "type": "promotion",
    "status": "active",
    "channels": ["email", "push", "sms"],
    "segment_id": "seg_loyalty_gold",
    "start_date": "2026-06-01T00:00:00Z",
    "end_date": "2026-08-31T23:59:59Z",
    "metrics": {"sent": 5420, "opened": 2180, "clicked": 845, "converted": 156},
}
NEW_CAMPAIGN = {
    "name": "Flash Sale Friday",
    "type": "promotion",
    "channels": ["push", "email"],
    "segment_id": "seg_all_customers",
    "content": {
        "subject": "Flash Sale - 25% Off Today Only!",
        "body": "Don't miss our biggest sale of the season...",
        "cta_text": "Shop Now",
        "cta_url": "https://order.example.com?promo=FLASH25",
    },
    "schedule": {"start_date": "2026-01-31T12:00:00Z", "end_date": "2026-01-31T23:59:59Z"},
    "promo_code": "FLASH25",
    "promo_discount_percent": 25,
}
DETAIL = {
    "id": "camp_001",
    "name": "Flash Sale Friday",
    "type": "promotion",
    "status": "completed",
    "channels": ["push", "email"],
    "segment": {"id": "seg_all_customers", "name": "All Customers", "size": 5420},
    "content": NEW_CAMPAIGN["content"],
    "metrics": {
        "sent": 5420,
        "delivered": 5380,
        "opened": 2180,
        "open_rate": Decimal("40.5"),
        "clicked": 845,
        "click_rate": Decimal("15.7"),
        "converted": 156,
        "conversion_rate": Decimal("2.9"),
        "revenue_attributed": Decimal("4680.00"),
        "unsubscribed": 12,
    },
    "created_at": "2026-01-25T10:00:00Z",
    "start_date": "2026-01-31T12:00:00Z",
    "end_date": "2026-01-31T23:59:59Z",
}
SEGMENTS = [
    {
        "id": "seg_loyalty_gold",
        "name": "Gold Loyalty Members",
        "type": "dynamic",
        "size": 1250,
        "criteria": {"loyalty_tier": "gold"},
        "last_updated": "2026-01-24T00:00:00Z",
    },
    {
        "id": "seg_inactive_30",
        "name": "Inactive 30+ Days",
        "type": "dynamic",
        "size": 890,
        "criteria": {"last_order_days_ago": {"gte": 30}},
    },
]
NEW_SEGMENT = {
    "name": "High Value Customers",
    "type": "dynamic",
    "criteria": {
        "total_spent": {"gte": 500},
        "order_count": {"gte": 10},
        "loyalty_tier": {"in": ["gold", "platinum"]},
    },
}
PROVIDERS = [
    {
        "id": "sendgrid",
        "name": "SendGrid",
        "status": "connected",
        "events_received": 15420,
        "last_event": "2026-01-24T18:30:00Z",
    },
    {"id": "twilio", "name": "Twilio", "status": "connected", "events_received": 8920},
    {"id": "mailchimp", "name": "Mailchimp", "status": "disconnected"},
]
DELIVERY = {
    "event_type": "email.opened",
    "email": "customer@example.com",
    "campaign_id": "camp_001",
    "timestamp": "2026-01-24T18:30:00Z",
}
FUNNEL = {
    "funnel_type": "onboarding",
    "period": {"start": "2026-01-01", "end": "2026-01-24"},
    "stages": [
        {"stage": "awareness", "count": 10000, "percentage": 100},
        {"stage": "interest", "count": 6500, "percentage": 65, "drop_off": 35},
        {"stage": "consideration", "count": 3200, "percentage": 32, "drop_off": 33},
        {"stage": "purchase", "count": 1200, "percentage": 12, "drop_off": 20},
        {"stage": "activation", "count": 980, "percentage": Decimal("9.8"), "drop_off": Decimal("2.2")},
    ],
    "overall_conversion": Decimal("9.8"),
}
NEW_PROMO = {
    "code": "WELCOME20",
    "type": "percentage",
    "value": 20,
    "min_order_amount": Decimal("25.00"),
    "max_discount": Decimal("50.00"),
    "usage_limit": 1000,
    "per_customer_limit": 1,
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2026-12-31T23:59:59Z",
    "applies_to": {"all_items": True},
    "customer_segment_id": "seg_new_customers",
}
PROMO = {"id": "promo_7", **NEW_PROMO, "used": 0, "created_at": "2025-12-20T09:00:00Z"}
