"""What can be set on a promo, and its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.promos.lives import CampaignLife
from app.domain.promos.terms import HUNDRED, AppliesTo, PromoType, Terms, type_of
from app.domain.settable import path_of, settable
from app.errors import Invalid
from app.tables.promos import Stacking
from app.values.changes import Settable
from app.values.codes import read_code
from app.values.texts import read_text

MAX_DOCUMENT = 65_536
MAX_NAMED = 1_000
"""SKUs, categories or stores that a promo may name."""
_JSON = msgspec.json.Encoder(decimal_format="number")
_LISTS = ("skus", "categories", "stores")
_KEYS = ("all_items", *_LISTS)


def promo_code(text: str, path: Path = ("code",)) -> str:
    """The code as it was typed, trimmed. Source: choice CRM-C10 (the document shows no format)."""
    try:
        read_code(text)
    except ValueError as why:
        raise Invalid(
            f"{text[:40]!r} is not a promo code, it {why}: 3 to 32 letters of any script, digits, `_` and `-`, the"
            " first one a letter or digit.",
            path=path,
            code="INVALID_PROMO_CODE",
        ) from None
    return text.strip()


def _type(text: str, path: Path) -> str:
    return type_of(inputs.code(text, path))


def _document(value: Any, path: Path) -> str:
    if not isinstance(value, dict):
        raise Invalid('`appliesTo` is an object, such as {"all_items": true}.', path=path)
    for key in value:
        if key not in _KEYS:
            known = ", ".join(f"`{one}`" for one in _KEYS)
            raise Invalid(
                f"`appliesTo.{str(key)[:40]}` is not known; what a promo applies to is said by {known}.",
                path=[*path, str(key)[:40]],
            )
    if not isinstance(value.get("all_items", True), bool):
        raise Invalid("`appliesTo.all_items` is true or false.", path=[*path, "all_items"])
    for key in _LISTS:
        names = value.get(key, [])
        if not isinstance(names, list) or not all(isinstance(n, str) and n for n in names):
            raise Invalid(f"`appliesTo.{key}` is a list of texts.", path=[*path, key])
        if len(names) > MAX_NAMED:
            raise Invalid(f"`appliesTo.{key}` names at most {MAX_NAMED}.", path=[*path, key])
    if value.get("stores") == []:
        raise Invalid(
            "`appliesTo.stores` names one at least; left out, the promo holds in all of them.",
            path=[*path, "stores"],
        )
    try:
        text = _JSON.encode(value).decode()
        if "\\u0000" in text:
            raise ValueError("holds the character NUL (U+0000), which cannot be stored")
        return read_text(text, longest=MAX_DOCUMENT)
    except (UnicodeEncodeError, TypeError, RecursionError, ValueError) as why:
        raise Invalid(f"`appliesTo` cannot be kept: {why}.", path=path) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromoFields:
    """Every settable field of a promo."""

    code: Settable[str] = settable(
        "What the customer types: 3 to 32 letters of any script, digits, `_` and `-`; unique in the group, in capitals"
        " or not.",
        check=promo_code,
    )
    type: Settable[str] = settable(
        "What it gives.",
        check=_type,
    )
    value: Settable[Decimal] = settable(
        "Percent (0 to 100), an amount, or units given free, by type; nothing for FREE_DELIVERY.",
        check=inputs.amount,
    )
    min_order_amount: Settable[Decimal | None] = settable(
        "The smallest order it counts for, without delivery.", check=inputs.amount
    )
    max_discount: Settable[Decimal | None] = settable("The most it takes off.", check=inputs.amount)
    usage_limit: Settable[int | None] = settable(
        "How often it can be used in all; null: without limit.", check=inputs.count
    )
    per_customer_limit: Settable[int | None] = settable(
        "How often one customer can use it; null: without limit.", check=inputs.count
    )
    valid_from: Settable[datetime | None] = settable(
        "From when; null: always. A day alone begins where the promo lives: in its campaign's store, else in the group."
    )
    valid_until: Settable[datetime | None] = settable(
        "Until when (exclusive); null: for ever. A day alone is that whole day where the promo lives."
    )
    applies_to: Settable[Any] = settable(
        'What it applies to: {"all_items": true}, or `skus`, `categories` (either will do) and `stores`.',
        check=_document,
    )
    minimum_of_articles: Settable[bool] = settable(
        "Whether the smallest order is asked of the articles it applies to, not of the whole order."
    )
    stacking: Settable[Stacking] = settable(
        "Whether it may be used on a basket with others; alone unless said."
    )
    first_order_only: Settable[bool] = settable(
        "Whether it is for a customer's first order; then each customer can use it once."
    )
    generated_only: Settable[bool] = settable(
        "Whether it is used by the codes generated for it alone, not by its own."
    )
    campaign_id: Settable[int | None] = settable(
        "The campaign it belongs to; in an update it takes the place of the first one.",
        refers=("camp", "campaign"),
    )
    follows_campaign: Settable[bool] = settable(
        "Whether it holds only while one of its campaigns runs, and has their dates where it has none of its own. It"
        " does where it is given a campaign and no dates, unless false is said."
    )
    segment_id: Settable[int | None] = settable(
        "Only customers of this segment may use it.", refers=("seg", "segment")
    )


def check_together(values: Mapping[str, Any]) -> None:
    """Rules between fields, checked on the whole promo as it will be."""
    if values["type"] == PromoType.PERCENTAGE and values["value"] > HUNDRED:
        raise Invalid("A percentage lies between 0 and 100.", path=["value"], code="INVALID_PERCENTAGE")
    if values["type"] == PromoType.FREE_ITEM and values["value"] != values["value"].to_integral_value():
        raise Invalid("`value` of a free item counts units; it is a whole number.", path=["value"])
    start, end = values.get("valid_from"), values.get("valid_until")
    if start is not None and end is not None and end <= start:
        raise Invalid(
            "The promo would end before it starts; `validUntil` must lie after `validFrom`.",
            path=["validUntil"],
            code="END_BEFORE_START",
        )


def check_coins(values: Mapping[str, Any], currency: str) -> None:
    """What of these is money is in whole coins of the promo's currency."""
    for column in ("min_order_amount", "max_discount"):
        if values.get(column) is not None:
            inputs.coins(values[column], currency, path_of(PromoFields, column))
    if values.get("type") == PromoType.FIXED_AMOUNT:
        inputs.coins(values["value"], currency, path_of(PromoFields, "value"))


def applies_to_of(stored: str | None) -> AppliesTo:
    """The stored document as the rules read it: without `all_items`, what it names, everything where that is empty."""
    document = msgspec.json.decode(stored) if stored else None
    if not isinstance(document, dict):
        return AppliesTo()
    named = {key: frozenset(map(str, document.get(key) or ())) for key in _LISTS if _is_list(document, key)}
    # Those from before names were checked may have others: what they meant is not known, so they give nothing away.
    some_lines = any(key not in ("all_items", "stores") for key in document)
    all_items = document.get("all_items")
    return AppliesTo(
        all_items=bool(all_items) if all_items is not None else not some_lines,
        skus=named.get("skus", frozenset()),
        categories=named.get("categories", frozenset()),
        stores=named.get("stores") or None,
    )


def terms_of(row: Any, campaigns: Sequence[CampaignLife], *, own_code: bool = True) -> Terms:
    """A stored promo as the rules read it; `applies_to_text` is the stored document's text."""
    return Terms(
        **{
            name: row[name]
            for name in (
                "type", "value", "currency", "min_order_amount", "max_discount", "usage_limit",
                "per_customer_limit", "valid_from", "valid_until", "stacking", "minimum_of_articles",
                "first_order_only", "generated_only",
            )
        },
        used=row["used"] + row["used_beyond_limit"],
        applies_to=applies_to_of(row["applies_to_text"]),
        has_segment=row["segment_id"] is not None,
        follows=row["follows_campaign"],
        campaigns=tuple(campaigns),
        own_code=own_code,
    )  # fmt: skip


def _is_list(document: dict[str, Any], key: str) -> bool:
    return isinstance(document.get(key), list)
