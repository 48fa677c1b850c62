"""How large a whole number may be."""

from decimal import ROUND_HALF_UP, Decimal

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that JSON readers keep exactly (RFC 8259, section 6): many know numbers only as doubles."""


def nearest_whole(shown: str) -> int:
    """A count that may be a fraction, where whole ones are printed: halves are rounded up."""
    return int(Decimal(shown).to_integral_value(ROUND_HALF_UP))
