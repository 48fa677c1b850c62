"""JSON Schemas (2020-12) of Benji's bodies, and the printed example, for the OpenAPI document."""

from typing import Any


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


TEXT = {"type": "string"}
ID = {"type": "integer", "minimum": 1}
COUNT = {"type": "integer", "minimum": 0}
FLAG = {"type": "integer", "enum": [0, 1]}
CODE = {"type": "integer", "description": "Codes without a documented name keep their number."}
INSTANT = {"type": "string", "format": "date-time"}
ANYTHING: dict[str, Any] = {"description": "As it was sent."}

SCHEMAS: dict[str, dict[str, Any]] = {
    "BenjiAction": _object(
        {
            "action_type": CODE,
            "partner_id": ID,
            "base_reward": {**COUNT, "description": "In the smallest currency unit, before multipliers."},
            "id": ID,
            "extra_data": ANYTHING,
        }
    ),
    "BenjiCondition": _object(
        {
            "partner_id": ID,
            "campaign_condition_type": CODE,
            "condition_operator": CODE,
            "or_and_operator": {**CODE, "description": "Ties it to the next one; AND binds tighter than OR."},
            "id": ID,
            "condition_attribute": COUNT,
            "condition_value": ANYTHING,
        }
    ),
    "BenjiMultiplier": _object(
        {
            "partner_id": ID,
            "multiplier_attribute_type": CODE,
            "multiplier_attribute": COUNT,
            "multiplier_amount": {"type": "number", "minimum": 0},
            "id": ID,
            "multiplier_value": ANYTHING,
        }
    ),
    "BenjiGoal": _object(
        {"partner_id": ID, "goal_type": CODE, "goal_value": COUNT, "goal_operator": CODE, "id": ID}
    ),
    "BenjiFlow": _object(
        {
            "id": ID,
            "campaign_id": ID,
            "trigger_type": CODE,
            "is_active": FLAG,
            "is_deleted": FLAG,
            "created_date": INSTANT,
            "custom_trigger_id": _or_null(COUNT),
            "actions": _list("BenjiAction"),
            "conditions": _list("BenjiCondition"),
            "multipliers": _list("BenjiMultiplier"),
        }
    ),
    "BenjiCampaign": _object(
        {
            "id": ID,
            "name": {**TEXT, "minLength": 1, "maxLength": 255},
            "campaign_type": CODE,
            "created_date": INSTANT,
            "description": _or_null(TEXT),
            "campaign_logo": _or_null(TEXT),
            "merchant_id": ID,
            "partner_id": _or_null(ID),
            "partnership_id": _or_null(ID),
            "is_active": FLAG,
            "is_deleted": FLAG,
            "start_date": _or_null(INSTANT),
            "end_date": _or_null(INSTANT),
            "activation_date": _or_null(INSTANT),
            "owner_id": _or_null(COUNT),
            "is_template": FLAG,
            "template_id": _or_null(ID),
            "total_rewards": {**COUNT, "description": "Paid so far, in the smallest currency unit."},
            "campaign_flows": _list("BenjiFlow"),
            "goals": _list("BenjiGoal"),
        }
    ),
    "BenjiCampaigns": _object({"campaigns": _list("BenjiCampaign")}),
    "BenjiError": _object({"error": _object({"code": TEXT, "message": TEXT})}),
}

CAMPAIGN: dict[str, Any] = {
    "id": 1,
    "name": "Coffee points",
    "campaign_type": 1,
    "created_date": "2023-11-07T05:31:56Z",
    "description": "One cent back on every euro.",
    "campaign_logo": "https://partner.example/logo.png",
    "merchant_id": 2,
    "partner_id": 2,
    "partnership_id": 2,
    "is_active": 0,
    "is_deleted": 0,
    "start_date": "2023-11-07T05:31:56Z",
    "end_date": "2023-12-07T05:31:56Z",
    "activation_date": "2023-11-07T05:31:56Z",
    "owner_id": 1,
    "is_template": 0,
    "template_id": 123,
    "total_rewards": 1,
    "campaign_flows": [
        {
            "id": 1,
            "campaign_id": 1,
            "trigger_type": 1,
            "is_active": 0,
            "is_deleted": 0,
            "created_date": "2023-11-07T05:31:56Z",
            "custom_trigger_id": 123,
            "actions": [{"action_type": 1, "partner_id": 2, "base_reward": 1, "id": 1, "extra_data": {}}],
            "conditions": [
                {
                    "partner_id": 2,
                    "campaign_condition_type": 1,
                    "condition_operator": 1,
                    "or_and_operator": 1,
                    "id": 1,
                    "condition_attribute": 123,
                    "condition_value": "gold",
                }
            ],
            "multipliers": [
                {
                    "partner_id": 2,
                    "multiplier_attribute_type": 1,
                    "multiplier_attribute": 123,
                    "multiplier_amount": 1,
                    "id": 1,
                    "multiplier_value": 123,
                }
            ],
        }
    ],
    "goals": [{"partner_id": 2, "goal_type": 1, "goal_value": 1, "goal_operator": 1, "id": 1}],
}
