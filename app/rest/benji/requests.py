"""From Benji's requests to the graph's variables.

Source: Benji, "GET /campaigns": "matching the query criteria", which it does not name. The filters are choice BJ-C3.
"""

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid
from app.plan.checking import MAX_OFFSET
from app.rest.route import RequestParts
from app.tables.campaigns import CampaignStatus
from app.values.numbers import MAX_SAFE_INTEGER
from app.values.systems import BENJI

LIST_CAP = 500
"""The document knows no pages: this many campaigns at most; `X-Total-Count` says how many match."""
MAX_CODE = 2**31 - 1
_OFF = [status.name for status in CampaignStatus if status is not CampaignStatus.ACTIVE]


def campaigns(parts: RequestParts) -> dict[str, Any]:
    """The filters that were sent, and which part of the list. Unknown keys are ignored."""
    limit, offset = _whole(parts, "limit"), _whole(parts, "offset", most=MAX_OFFSET)
    return {
        "first": LIST_CAP if limit is None else min(limit, LIST_CAP),
        "offset": offset or 0,
        "filter": _filter(parts),
    }


def _filter(parts: RequestParts) -> Mapping[str, Any]:
    filters: dict[str, Any] = {"hasRewards": True}
    for name, key in (
        ("merchant_id", "storeIds"),
        ("partner_id", "partnerIds"),
        ("partnership_id", "partnershipIds"),
    ):
        ident = _whole(parts, name)
        if ident is not None:
            filters[key] = [f"{BENJI}:{ident}"]
    kind = _whole(parts, "campaign_type", most=MAX_CODE)
    if kind is not None:
        filters["rewardTypeCodes"] = [kind]
    active = _flag(parts, "is_active")
    if active is not None:
        filters["status"] = [CampaignStatus.ACTIVE.name] if active else _OFF
    template = _flag(parts, "is_template")
    if template is not None:
        filters["isTemplate"] = template
    if _flag(parts, "is_deleted"):
        filters["deleted"] = True
    return filters


def _flag(parts: RequestParts, name: str) -> bool | None:
    text = (parts.query.get(name) or "").strip()
    if text not in ("", "0", "1"):
        raise Invalid(f"`{name}` must be 0 or 1, not {text[:40]!r}.", path=[name])
    return None if not text else text == "1"


def _whole(parts: RequestParts, name: str, *, most: int = MAX_SAFE_INTEGER) -> int | None:
    text = (parts.query.get(name) or "").strip()
    if not text:
        return None
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else -1
    if not 0 <= value <= most:
        raise Invalid(f"`{name}` must be a whole number from 0 to {most}, not {text[:40]!r}.", path=[name])
    return value
