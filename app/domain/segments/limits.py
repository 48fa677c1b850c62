"""How many customers a campaign may speak to, by channel. Source: Marketing & CRM API, `segment_too_large`; the
document leaves the numbers open, so these are ours: what the channel's providers take in one batch.
"""

from collections.abc import Collection

from app.errors import Conflict

MAX_SEGMENT = {
    "email": 1_000_000,
    "push": 1_000_000,
    "in_app": 1_000_000,
    "sms": 100_000,
    "whatsapp": 100_000,
    "mail": 50_000,
}
"""Channels that are not here have no limit: advertising is not sent to individuals."""
TOO_LARGE = "SEGMENT_TOO_LARGE"


def check_size(size: int, channels: Collection[str]) -> None:
    """Conflict (`SEGMENT_TOO_LARGE`) where a segment of this size exceeds a channel's limit."""
    bounded = [(MAX_SEGMENT[name], name) for name in channels if name in MAX_SEGMENT]
    if not bounded:
        return
    most, channel = min(bounded)
    if size > most:
        raise Conflict(
            f"The segment has {size} customers; a campaign by {channel} may have at most {most}.",
            path=["segmentId"],
            code=TOO_LARGE,
        )
