"""Why somebody can be written to or not, in words for programs."""

from enum import StrEnum


class ReachReason(StrEnum):
    """Why somebody can be written to, or not."""

    OPTED_IN = "opted_in"
    SUBSCRIBED = "subscribed"
    RESUBSCRIBED = "resubscribed"
    STARTED = "started"
    OPTED_OUT = "opted_out"
    UNSUBSCRIBED = "unsubscribed"
    STOPPED = "stopped"
    SPAM_COMPLAINT = "spam_complaint"
    HARD_BOUNCE = "hard_bounce"
    CLEANED = "cleaned"
    INVALID_ADDRESS = "invalid_address"
    BLOCKED = "blocked"
    ERASED = "erased"
    NEVER_AGREED = "never_agreed"
    NO_ADDRESS = "no_address"
    DELETED = "deleted"
