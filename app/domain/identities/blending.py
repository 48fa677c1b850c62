"""What a customer's own columns say after another one turned out to be the same. Pure."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.domain.customers.entries import MAX_TAGS

KEYS = (("email", "email_key"), ("external_id",))
"""Columns that are unique in the group: where they go over, the other one gives them away."""
SIMPLE = ("phone", "loyalty_tier", "store_id")
BLENDED = (
    "name", "email", "email_key", "external_id", "phone", "phone_key", "is_phone_told", "loyalty_tier", "store_id",
    "attributes", "tags", "email_consent", "email_consent_at", "sms_consent", "sms_consent_at", "order_count",
    "total_spent", "last_order_at", "told_last_order_at", "totals_as_of", "created_at",
)  # fmt: skip
"""All columns that may change."""


_NEVER = datetime.min.replace(tzinfo=UTC)


def blended(into: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changes of `into`, and of the other one, which gives away what is unique.

    What `into` says itself stays; what it lacks it takes over. Of consent the latest saying counts, as everywhere; what
    else was said of it, by lists and providers, `settle` adds.
    """
    new: dict[str, Any] = {}
    given: dict[str, Any] = {}
    if not into["name"] and other["name"]:
        new["name"] = other["name"]
    for names in KEYS:
        if into[names[0]] is None and other[names[0]] is not None:
            new |= {name: other[name] for name in names}
            given |= dict.fromkeys(names)
    for name in SIMPLE:
        if into[name] is None and other[name] is not None:
            new[name] = other[name]
    if "phone" in new:
        new |= {name: other[name] for name in ("phone_key", "is_phone_told")}
    elif into["phone_key"] is not None and into["phone_key"] == other["phone_key"]:
        new["is_phone_told"] = into["is_phone_told"] or other["is_phone_told"]
    if other["attributes"] is not None:
        mine = {} if into["attributes"] is None else json.loads(into["attributes"])
        more = {name: value for name, value in json.loads(other["attributes"]).items() if name not in mine}
        if into["attributes"] is None:
            new["attributes"] = other["attributes"]
        elif more:
            new["attributes"] = json.dumps({**mine, **more}, ensure_ascii=False)
    tags = list(dict.fromkeys([*into["tags"], *other["tags"]]))[:MAX_TAGS]
    if tags != list(into["tags"]):
        new["tags"] = tags
    for channel in ("email", "sms"):
        agrees, at = latest(
            (into[f"{channel}_consent"], into[f"{channel}_consent_at"]),
            (other[f"{channel}_consent"], other[f"{channel}_consent_at"]),
        )
        new |= {f"{channel}_consent": agrees, f"{channel}_consent_at": at}
    new["order_count"] = into["order_count"] + other["order_count"]
    new["total_spent"] = into["total_spent"] + other["total_spent"]
    for name in ("last_order_at", "told_last_order_at", "totals_as_of"):
        new[name] = max(filter(None, (into[name], other[name])), default=None)
    new["created_at"] = min(into["created_at"], other["created_at"])
    return {name: value for name, value in new.items() if value != into[name]}, given


def latest(
    one: tuple[bool, datetime | None], other: tuple[bool, datetime | None]
) -> tuple[bool, datetime | None]:
    """Whether they agree, since when. Who said nothing counts for nothing; at the same moment no outweighs yes."""
    said = [saying for saying in (one, other) if saying[0] or saying[1] is not None]
    return max(said, key=lambda saying: (saying[1] or _NEVER, not saying[0]), default=one)


__all__ = ["BLENDED", "blended", "latest"]
