"""Events of the past, as another system tells them: what was sent, how it was understood, or why it was not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from app.domain.events.standing import Rank, decided_at
from app.errors import Failure
from app.tables.event_types import EventFieldKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMetric:
    """A state or statistic as it is there."""

    kind: EventFieldKind
    storage_key: str
    value: Decimal
    metric_date: datetime
    created_at: datetime
    updated_at: datetime
    ids: Mapping[str, str] = field(default_factory=dict)
    """Its id there, by system."""
    is_told: bool = True
    """Whether it was told there; else it came with the event."""

    @property
    def decided_at(self) -> datetime | None:
        """The moment that stands in for its date where values are compared."""
        return decided_at(self.metric_date, told_at=max(self.created_at, self.updated_at))

    @property
    def rank(self) -> Rank:
        """What it is compared by."""
        return self.is_told, self.decided_at or self.metric_date, self.value


@dataclass(frozen=True, slots=True)
class KnownMetric:
    """A state or statistic that is stored."""

    id: int
    value: Decimal
    metric_date: datetime
    created_at: datetime
    updated_at: datetime
    ids: Mapping[str, str]
    decided_at: datetime | None = None
    is_told: bool = False

    @property
    def rank(self) -> Rank:
        """What it is compared by."""
        return self.is_told, self.decided_at or self.metric_date, self.value


def differs(told: PastMetric, stored: KnownMetric | None) -> bool:
    """Whether a metric is not what is told, and should be."""
    return stands(told, stored) and (
        stored is None
        or (stored.value, stored.metric_date, stored.created_at, stored.updated_at)
        != (told.value, told.metric_date, told.created_at, told.updated_at)
    )


def stands(told: PastMetric, stored: KnownMetric | None) -> bool:
    """Whether what is told is what the metric is from now on: it is the same, or the later one by its date."""
    return (
        stored is None
        or (stored.value, stored.metric_date) == (told.value, told.metric_date)
        or told.rank > stored.rank
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What an event says, as it was read there."""

    user: tuple[str, str] | None
    """Whose it is: a system, and the user's id there."""
    data: Mapping[str, Any]
    user_data: Mapping[str, Any]
    is_attributable: bool
    metrics: Sequence[PastMetric]
    """All it has."""
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastFault:
    """Why it was put into the trash there; codes are an open set."""

    code: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvent:
    """An event. With neither `understood` nor `faults` it is judged here, as if it had come in when it did."""

    project_id: int
    event_type: str
    occurred_at: datetime
    received_at: datetime
    ids: Mapping[str, str] = field(default_factory=dict)
    """By system. A UUID becomes our own id as well, so that events of one instant keep their order."""
    nonce: str | None = None
    tracker_id: str | None = None
    body: Mapping[str, Any] | None = None
    """What was sent, if that is known."""
    understood: Understood | None = None
    faults: Sequence[PastFault] | None = None

    @property
    def uuid(self) -> UUID | None:
        """Its id there, where that can be one of ours."""
        for ident in self.ids.values():
            if len(ident) == 36:
                try:
                    found = UUID(ident)
                except ValueError:
                    continue
                if str(found) == ident:
                    return found
        return None

    @property
    def keys(self) -> tuple[str, ...]:
        """What it would be stored under, vouched for or not."""
        return (
            ()
            if self.nonce is None
            else (f"{self.project_id}:{self.nonce}", f"~{self.project_id}:{self.nonce}")
        )


class Fate(StrEnum):
    """What bringing an event in did."""

    MADE = "made"
    CHANGED = "changed"
    SAME = "same"


@dataclass(slots=True)
class Brought:
    """What became of an event."""

    fate: Fate = Fate.SAME
    failure: Failure | None = None
    ids_lost: int = 0
    """Metrics whose id there is a number that a metric of ours has."""
