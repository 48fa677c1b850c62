"""Which stages a funnel has.

Source: Marketing & CRM API, "Funnel Stages" and "Get Funnel Metrics"; choice CRM-C9 (the document shows the stages of
one funnel type of three).
"""

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
