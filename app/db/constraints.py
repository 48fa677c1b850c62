"""What the database refuses, as failures of ours.

Operations check first and say precisely what is wrong. What slips through (two requests at once, a number
that only overflows when added up) is stopped by a constraint, whose name tells what to answer.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from app.errors import Conflict, Failure, Invalid, NotFound
from app.tables.all import metadata

_CONFLICTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    # constraint: (code, path, message)
    "uq_store_group_id_beacon_key": (
        "BEACON_KEY_EXISTS", ("beaconKey",),
        "Another store of the group has this beacon key already, perhaps a deleted one.",
    ),
    "uq_campaign_group_id_integration_id_slug": (
        "SLUG_EXISTS", ("tracking", "slug"),
        "Another campaign of this integration has this slug already, perhaps a deleted one.",
    ),
    "uq_integration_group_id_wmkt_id": (
        "WMKT_ID_EXISTS", ("wmktId",), "Another integration of the group has this tracking id already.",
    ),
    "pk_project_slug": (
        "SLUG_EXISTS", ("slug",), "Another project has this slug already, here or in another group.",
    ),
    "uq_promo_group_id_code_key": (
        "PROMO_CODE_EXISTS", ("code",), "Another promo of the group has this code already.",
    ),
    "uq_customer_group_id_email_key": (
        "EMAIL_EXISTS", ("email",), "Another customer of the group has this e-mail already.",
    ),
    "uq_customer_group_id_external_id": (
        "EXTERNAL_ID_EXISTS", ("externalId",), "Another customer of the group has this external id already.",
    ),
    "pk_external_id": (
        "EXTERNAL_ID_EXISTS", ("externalIds",), "Another row got this id in this system at the same moment.",
    ),
    "uq_event_type_group_id_project_id_reference": (
        "REFERENCE_EXISTS", ("reference",),
        "Another event type of the project has this reference already, perhaps an archived one.",
    ),
    "uq_reward_attribute_group_id_type_code_attribute": (
        "ATTRIBUTE_EXISTS", ("attribute",), "The group has an attribute of this number already.",
    ),
    "uq_reward_attribute_group_id_type_code_name": (
        "ATTRIBUTE_EXISTS", ("name",), "The group has an attribute of this name already.",
    ),
    "ck_customer_erased_is_empty": (
        "ERASED", (), "This customer was erased at the same moment; nothing was written.",
    ),
    "uq_store_default": (
        "DEFAULT_STORE_EXISTS", (), "The group got another default store at the same moment; try again.",
    ),
}  # fmt: skip

_REFERENCES: dict[str, tuple[str, tuple[str, ...]]] = {
    # foreign key: (kind, path)
    "fk_campaign_group_id_store_id": ("store", ("storeId",)),
    "fk_campaign_group_id_project_id": ("project", ("project",)),
    "fk_campaign_group_id_segment_id": ("segment", ("segmentId",)),
    "fk_campaign_group_id_integration_id": ("integration", ("tracking", "integrationId")),
    "fk_campaign_group_id_partner_id": ("partner", ("rewards", "partnerId")),
    "fk_campaign_group_id_partnership_id": ("partnership", ("rewards", "partnershipId")),
    "fk_campaign_group_id_template_id": ("campaign", ("templateId",)),
    "fk_asset_group_id_store_id": ("store", ("storeId",)),
    "fk_asset_group_id_campaign_id": ("campaign", ("campaignId",)),
    "fk_campaign_metric_group_id_campaign_id": ("campaign", ("campaignId",)),
    "fk_promo_group_id_campaign_id": ("campaign", ("campaignId",)),
    "fk_promo_campaign_group_id_campaign_id": ("campaign", ("campaignId",)),
    "fk_promo_group_id_segment_id": ("segment", ("segmentId",)),
    "fk_event_group_id_customer_id": ("customer", ("customerId",)),
    "fk_promo_redemption_group_id_customer_id": ("customer", ("customerId",)),
    "fk_promo_redemption_group_id_store_id": ("store", ("basket", "storeId")),
    "fk_customer_order_group_id_campaign_id": ("campaign", ("campaignId",)),
    "fk_segment_member_group_id_customer_id": ("customer", ("customerIds",)),
    "fk_spend_entry_group_id_campaign_id": ("campaign", ("campaignId",)),
}

_CHECKS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "ck_reward_balance_balance_within": (
        "TOO_MUCH",
        (),
        "The customer's balance would be more than can be stored.",
    ),
    "ck_campaign_window_order": ("END_BEFORE_START", ("endsOn",), "The campaign must end after it starts."),
    "ck_campaign_name_length": ("INVALID", ("name",), "A name has 1 to 255 characters."),
}
# asyncpg sends the first and the last day and moment of the calendar as infinity, which no column takes.
_YEARS = re.compile(rf"ck_(?:{'|'.join(sorted(metadata.tables, reverse=True))})_(\w+)_years", re.ASCII)
_LONG = re.compile(
    r"ck_(?:campaign_metric|metric_rollup|metric_fact|metric_fact_rollup|order_rollup)_(\w+)_long", re.ASCII
)


@contextmanager
def refusals() -> Iterator[None]:
    """Raise our failure where a statement inside breaks a constraint we know; others pass unchanged."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        failure = _failure_of(error.constraint_name or "")
        if failure is None:
            raise
        raise failure from error
    except asyncpg.NumericValueOutOfRangeError as error:
        raise Invalid("These amounts add up to more than can be stored.", code="TOO_MUCH") from error


def _failure_of(constraint: str) -> Failure | None:
    if constraint in _CONFLICTS:
        code, path, message = _CONFLICTS[constraint]
        return Conflict(message, path=path, code=code)
    if constraint in _REFERENCES:
        kind, path = _REFERENCES[constraint]
        return NotFound(kind, path=path)
    if constraint in _CHECKS:
        code, path, message = _CHECKS[constraint]
        return Invalid(message, path=path, code=code)
    if outside := _YEARS.fullmatch(constraint):
        head, *tail = outside[1].split("_")
        name = head + "".join(part.capitalize() for part in tail)
        return Invalid(
            f"`{name}` must lie between 0001-01-02 and 9999-12-30.", path=[name], code="OUT_OF_CALENDAR"
        )
    if too_long := _LONG.fullmatch(constraint):
        return Invalid(f"The {too_long[1]} would add up to more than 2^53 - 1.", code="TOO_MUCH")
    return None
