"""What tests of funnels read off touches."""

from datetime import datetime

from app.domain.funnels.touches import Touch


def moment(touch: Touch) -> datetime:
    """When it happened; touches of tests always say so."""
    assert touch.occurred_at is not None
    return touch.occurred_at
