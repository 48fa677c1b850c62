"""What can be set on a group, its stores, its partners and their agreements, and its bounds."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.domain import inputs
from app.domain.groups.slugs import checked_slug
from app.domain.inputs import Path
from app.domain.settable import SmallInt, settable
from app.errors import Invalid
from app.tables.groups import MOST_ATTRIBUTION_DAYS, AttributionModel
from app.tables.projects import (
    DEFAULT_CLOCK_AHEAD_S,
    DEFAULT_CLOCK_BEHIND_S,
    DEFAULT_EVENT_BYTES,
    LEAST_CLOCK_S,
    MOST_CLOCK_S,
    MOST_EVENT_BYTES,
)
from app.tables.stores import StoreFeature
from app.values.changes import UNSET, Settable
from app.values.countries import countries

MOST_IDENTITY_FIELDS = 10
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)


def checked_country(value: str, path: Path) -> str:
    """The code of a country; Invalid where there is none of that code."""
    if value not in countries():
        raise Invalid("A country is two capital letters like FR (ISO 3166).", path=path)
    return value


def _features(values: Sequence[StoreFeature], path: Path) -> list[StoreFeature]:
    return sorted(set(values))


def _identity_fields(values: Sequence[str], path: Path) -> list[str]:
    if not 1 <= len(values) <= MOST_IDENTITY_FIELDS:
        raise Invalid(f"`identityFields` are 1 to {MOST_IDENTITY_FIELDS}.", path=path)
    for at, value in enumerate(values):
        if _ATTRIBUTE.fullmatch(value) is None:
            raise Invalid(
                "An identity field has 1 to 64 letters, digits, `_`, `-` and `.`, like email.",
                path=[*path, at],
            )
    return list(dict.fromkeys(values))


_days = inputs.within(1, 36_500)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFields:
    """Every settable field of a group. Its currency cannot change: amounts are counted in it."""

    name: Settable[str] = settable("What the group is called, 1 to 255 characters.", check=inputs.name)
    time_zone: Settable[str] = settable("Its time zone (IANA). Days of campaigns still to run move with it.")
    country: Settable[str | None] = settable(
        "The country (ISO 3166, like FR) of telephone numbers that say none; null: the one its time zone lies in."
        " Numbers that were read before keep their form.",
        check=checked_country,
    )
    attribution_model: Settable[AttributionModel] = settable(
        "Who gets how much of its sales, unless a question says otherwise; CARRIED from the beginning.",
    )
    attribution_window_days: Settable[SmallInt] = settable(
        f"How many days before a sale a touch may lie, to the second: 1 to {MOST_ATTRIBUTION_DAYS:,}; 30 from the"
        " beginning.",
        check=inputs.within(1, MOST_ATTRIBUTION_DAYS),
    )
    attribution_half_life_days: Settable[SmallInt] = settable(
        "For TIME_DECAY: a touch this many days older than another counts half as much; 7 from the beginning.",
        check=inputs.within(1, MOST_ATTRIBUTION_DAYS),
    )
    keep_bodies_days: Settable[SmallInt | None] = settable(
        "How many days the bodies of processed events are kept; null: for good. What was read from them stays.",
        check=_days,
        by_admins=True,
    )
    keep_deliveries_days: Settable[SmallInt | None] = settable(
        "How many days the bodies of webhook deliveries are kept; null: for good.",
        check=_days,
        by_admins=True,
    )
    keep_trash_days: Settable[SmallInt | None] = settable(
        "How many days events stay in the trash; null: for good. After that they are gone.",
        check=_days,
        by_admins=True,
    )
    keep_traces_days: Settable[SmallInt | None] = settable(
        "How many days the traces of reward evaluations are kept; null: for good. What was decided stays, and what it"
        " was based on.",
        check=_days,
        by_admins=True,
    )
    keep_answers_hours: Settable[SmallInt] = settable(
        "How many hours an answer is kept for its Idempotency-Key, 24 at most.",
        check=inputs.within(1, 24),
        by_admins=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFields:
    """Every settable field of a store."""

    name: Settable[str] = settable("What the store is called, 1 to 255 characters.", check=inputs.name)
    # Opaque, compared exactly.
    beacon_key: Settable[str] = settable(
        "Names the store inside its group, 64 characters at most; a random one for a new store.",
        check=inputs.code,
    )
    time_zone: Settable[str | None] = settable("Its own time zone (IANA); null: the group's.")
    country: Settable[str | None] = settable(
        "The country (ISO 3166, like FR) of its customers' telephone numbers that say none; null: the group's.",
        check=checked_country,
    )
    is_default: Settable[bool] = settable("True: campaigns that name no store go here from now on.")
    unavailable_features: Settable[Sequence[StoreFeature]] = settable(
        "All that it is to be without; [] is nothing.", check=_features
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectFields:
    """Every settable field of a project. Its store and its slug stay: credentials and trackers depend on them."""

    name: Settable[str] = settable("What the project is called, 1 to 255 characters.", check=inputs.name)
    slug: Settable[str | None] = settable(
        "Its name in tracking requests, unique over all groups: 3 to 64 small letters, digits and single dashes; made"
        " of the name unless given.",
        check=checked_slug,
        null=UNSET,
    )
    store_id: Settable[int | None] = settable(
        "The store it belongs to; else the credential's, else it is the whole group's.",
        refers=("store", "store"),
    )
    identity_fields: Settable[Sequence[str]] = settable(
        "What its users are known by, surest first: attributes that its events tell of them; email and phone unless"
        " given.",
        check=_identity_fields,
    )
    max_event_bytes: Settable[SmallInt | None] = settable(
        f"How large each of its events may be, in bytes: 1,024 to {MOST_EVENT_BYTES:,}; null: {DEFAULT_EVENT_BYTES:,}.",
        check=inputs.within(1_024, MOST_EVENT_BYTES),
        by_admins=True,
    )
    clock_ahead_s: Settable[SmallInt | None] = settable(
        "How far ahead of coming in its events may be dated before their clock is doubted, in seconds: 60 to"
        f" {MOST_CLOCK_S:,}; null: {DEFAULT_CLOCK_AHEAD_S:,}, an hour.",
        check=inputs.within(LEAST_CLOCK_S, MOST_CLOCK_S),
    )
    clock_behind_s: Settable[SmallInt | None] = settable(
        "The same of strangers' events, behind; null: "
        f"{DEFAULT_CLOCK_BEHIND_S:,}, thirty days. Who has a credential may tell of the past.",
        check=inputs.within(LEAST_CLOCK_S, MOST_CLOCK_S),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFields:
    """Every settable field of a partner."""

    name: Settable[str] = settable("What the partner is called, 1 to 255 characters.", check=inputs.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnershipFields:
    """Every settable field of an agreement. Later only the name can change: campaigns depend on partner and store."""

    name: Settable[str] = settable("What it is called, 1 to 255 characters.", check=inputs.name)
    partner_id: Settable[int] = settable("The partner.", refers=("part", "partner"))
    store_id: Settable[int] = settable(
        "The store; else the credential's, else the group's default store.",
        refers=("store", "store"),
        null=UNSET,
    )
