"""What can be set on a group, its stores, its partners and their agreements, within its bounds."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import settable
from app.tables.stores import StoreFeature
from app.values.changes import UNSET, Settable


def _features(values: Sequence[StoreFeature], path: Path) -> list[StoreFeature]:
    return sorted(set(values))


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFields:
    """Every settable field of a group. Its currency stays: amounts are counted in it."""

    name: Settable[str] = settable("What the group is called, 1 to 255 characters.", check=inputs.name)
    time_zone: Settable[str] = settable("Its time zone (IANA). Days of campaigns still to run move with it.")


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
    is_default: Settable[bool] = settable("True: campaigns that name no store go here from now on.")
    external_id: Settable[str | None] = settable(
        "Its id in the system it was imported from, unique in the group.", check=inputs.code
    )
    unavailable_features: Settable[Sequence[StoreFeature]] = settable(
        "All that it is to be without; [] is nothing.", check=_features
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFields:
    """Every settable field of a partner."""

    name: Settable[str] = settable("What the partner is called, 1 to 255 characters.", check=inputs.name)
    external_id: Settable[str | None] = settable(
        "Its id in the system it was imported from, unique in the group.", check=inputs.code
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnershipFields:
    """Every settable field of an agreement. Once made, only its name is: campaigns rest on its partner and store."""

    name: Settable[str] = settable("What it is called, 1 to 255 characters.", check=inputs.name)
    partner_id: Settable[int] = settable("The partner.", refers=("part", "partner"))
    store_id: Settable[int] = settable(
        "The store; else the credential's, else the group's default store.",
        refers=("store", "store"),
        null=UNSET,
    )
