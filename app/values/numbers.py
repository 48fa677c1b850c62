"""How large a whole number may be."""

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest whole number that JSON readers keep exactly (RFC 8259, section 6): many know numbers only as doubles."""
