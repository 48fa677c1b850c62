"""Which stages a funnel has, and how its numbers follow from counts.

Source: Marketing & CRM API, "Funnel Stages" and "Get Funnel Metrics"; choice CRM-C9 (the document shows the stages of
one funnel type of three).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from app.tables.funnels import FunnelStage


class FunnelType(StrEnum):
    """The documented funnels."""

    ONBOARDING = "onboarding"
    PURCHASE = "purchase"
    RETENTION = "retention"


STAGES: tuple[FunnelStage, ...] = tuple(FunnelStage)
"""In order. A stage's letter in a day's path is its place: `a` is the first."""
LETTERS = {stage: chr(ord("a") + at) for at, stage in enumerate(STAGES)}

STAGES_OF: dict[FunnelType, tuple[FunnelStage, ...]] = {
    FunnelType.ONBOARDING: (
        FunnelStage.AWARENESS,
        FunnelStage.INTEREST,
        FunnelStage.CONSIDERATION,
        FunnelStage.PURCHASE,
        FunnelStage.ACTIVATION,
    ),
    FunnelType.PURCHASE: STAGES[: STAGES.index(FunnelStage.PURCHASE) + 1],
    FunnelType.RETENTION: STAGES[STAGES.index(FunnelStage.PURCHASE) :],
}
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """One stage of a funnel, as it is shown."""

    stage: FunnelStage
    count: int
    percentage: Decimal
    """Of the first stage's count, one decimal; 0 where nobody entered."""
    drop_off: Decimal | None
    """The percentage before less this one, in points; None on the first stage."""


def steps_of(stages: Sequence[FunnelStage], counts: Sequence[int]) -> list[FunnelStep]:
    """The arithmetic of what is printed. Planned reads do the same in SQL; this is it in plain Python."""
    steps: list[FunnelStep] = []
    before: Decimal | None = None
    for stage, count in zip(stages, counts, strict=True):
        percentage = (
            (Decimal(100 * count) / counts[0]).quantize(_TENTH, rounding=ROUND_HALF_UP)
            if counts[0]
            else Decimal(0)
        )
        steps.append(FunnelStep(stage, count, percentage, None if before is None else before - percentage))
        before = percentage
    return steps
