"""Message campaigns, ordered in one go through the graph, and found by the id they were imported with."""

import json
from typing import Any

import pytest

from app.auth.principal import Role
from app.db.database import Database
from app.graph.running.entry import Operation, answer
from app.graph.schema import graph
from app.values.scope import Scope
from tests.given import crm, groups
from tests.given.asking import NOW, Asker

ORDER = """
mutation($input: MessageCampaignCreateInput!) { messageCampaignCreate(input: $input) {
  campaign { id name type status channels segment { id } content { subject } startsAt endsAt createdAt
    store { id } promos { nodes { code } } }
  promo { code type value validFrom validUntil campaign { id } }
  errors { code message path } } }
"""
FULL = {
    "name": "Flash", "type": "PROMOTION", "channels": ["push", "email"], "segmentId": "crm:seg_old",
    "content": {"subject": "25 % off"}, "startsAt": "2025-06-20T12:00:00Z", "endsAt": "2025-06-21T12:00:00Z",
    "promoCode": "flash25", "promoDiscountPercent": 25,
}  # fmt: skip


async def make(
    asker: Asker, scope: Scope, *roles: Role, planner: bool = True, **fields: Any
) -> tuple[dict[str, Any] | None, dict[str, Any] | None, list[dict[str, Any]]]:
    """Campaign, promo and errors of an order; a field of `...` is left out."""
    given = {name: value for name, value in (FULL | fields).items() if value is not ...}
    context = asker.context(scope, planner=planner, roles=frozenset(roles or {Role.MARKETING}))
    made = json.loads((await answer(Operation(ORDER, {"input": given}), context)).body)
    payload = made["data"]["messageCampaignCreate"]
    return payload["campaign"], payload["promo"], payload["errors"]


@pytest.fixture
async def scope(db: Database) -> Scope:
    """A new group with a segment that was imported."""
    made = await groups.group(db)
    await crm.segment(db, made.group_id, external_id="seg_old")
    return made.scope


@pytest.mark.parametrize("planner", [True, False])
async def test_campaign_and_promo_are_made_and_shown_together(
    asker: Asker, scope: Scope, planner: bool
) -> None:
    campaign, promo, errors = await make(asker, scope, planner=planner)
    assert errors == []
    assert campaign is not None
    assert (campaign["status"], campaign["createdAt"]) == ("SCHEDULED", "2025-06-15T12:00:00Z")
    assert campaign["content"] == {"subject": "25 % off"}
    assert campaign["promos"] == {"nodes": [{"code": "FLASH25"}]}
    assert promo == {
        "code": "FLASH25", "type": "PERCENTAGE", "value": "25", "validFrom": FULL["startsAt"],
        "validUntil": FULL["endsAt"], "campaign": {"id": campaign["id"]},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("starts", "ends", "status"),
    [
        (..., ..., "DRAFT"),
        ("2025-06-15T12:00:01Z", ..., "SCHEDULED"),
        ("2025-06-15T12:00:00Z", ..., "ACTIVE"),
        ("2025-06-15T11:00:00Z", "2025-06-15T12:00:01Z", "ACTIVE"),
        ("2025-06-15T11:00:00Z", "2025-06-15T12:00:00Z", "COMPLETED"),
    ],
)
async def test_the_schedule_says_where_it_stands(
    asker: Asker, scope: Scope, starts: Any, ends: Any, status: str
) -> None:
    """To the second: it is noon."""
    assert f"{NOW:%H:%M:%S}" == "12:00:00"
    campaign, _, errors = await make(
        asker, scope, startsAt=starts, endsAt=ends, promoCode=..., promoDiscountPercent=...
    )
    assert (errors, campaign and campaign["status"]) == ([], status)


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"segmentId": "seg_nobody"}, "NOT_FOUND", ["segmentId"]),
        ({"segmentId": "seg_999999"}, "NOT_FOUND", ["segmentId"]),
        ({"segmentId": "x" * 500}, "NOT_FOUND", ["segmentId"]),
        ({"channels": []}, "INVALID", ["channels"]),
        ({"name": ""}, "INVALID", ["name"]),
        ({"promoCode": ...}, "PROMO_CODE_MISSING", ["promoCode"]),
        ({"promoCode": "?"}, "INVALID_PROMO_CODE", ["promoCode"]),
        ({"promoDiscountPercent": 101}, "INVALID_PERCENTAGE", ["promoDiscountPercent"]),
        ({"endsAt": "2025-06-19T12:00:00Z"}, "END_BEFORE_START", ["endsAt"]),
    ],
)
async def test_what_is_wrong_is_said_and_neither_is_made(
    asker: Asker, scope: Scope, fields: dict[str, Any], code: str, path: list[str]
) -> None:
    campaign, promo, errors = await make(asker, scope, **fields)
    assert campaign is promo is None
    assert [(error["code"], error["path"]) for error in errors] == [(code, path)]
    async with asker.db.transaction(scope) as tx:
        assert await tx.fetchval("SELECT (SELECT count(*) FROM campaign) + (SELECT count(*) FROM promo)") == 0


async def test_reading_is_not_writing(asker: Asker, scope: Scope) -> None:
    context = asker.context(scope, roles=frozenset({Role.READ}))
    made = json.loads((await answer(Operation(ORDER, {"input": FULL}), context)).body)
    assert made["errors"][0]["extensions"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("enum", "words"),
    [
        (
            "CampaignType",
            {
                "ONBOARDING": "new customer", "REENGAGEMENT": "inactive", "PROMOTION": "offers",
                "NEWSLETTER": "newsletter", "TRANSACTIONAL": "receipts", "LOYALTY": "loyalty",
            },
        ),
        (
            "FunnelStage",
            {
                "AWARENESS": "first touch", "INTEREST": "browsed", "CONSIDERATION": "cart", "INTENT": "checkout",
                "EVALUATION": "compared", "PURCHASE": "order", "ONBOARDING": "first", "ACTIVATION": "second",
                "RETENTION": "regular", "ADVOCACY": "referred",
            },
        ),
        ("CampaignStatus", dict.fromkeys(("DRAFT", "SCHEDULED", "ACTIVE", "PAUSED", "COMPLETED"), "")),
        ("FunnelType", dict.fromkeys(("ONBOARDING", "PURCHASE", "RETENTION"), "")),
        ("SegmentType", dict.fromkeys(("STATIC", "DYNAMIC", "IMPORTED"), "")),
    ],
)  # fmt: skip
def test_documented_sets_are_whole_in_order_and_described(enum: str, words: dict[str, str]) -> None:
    values = graph.type_map[enum].values  # type: ignore[attr-defined]  # it is an enum
    assert list(values) == list(words)
    for name, word in words.items():
        assert word in values[name].description.lower()
        assert values[name].description
