"""Cursors of keyset pages: the ordering's name, the row's sort keys as printed, and its id.

`base64url(["CREATED_AT:DESC","2025-06-01T08:00:00Z",42])` without padding. Opaque to clients.
"""

import base64
import binascii

import msgspec


def show_cursor(text: str) -> str:
    """Wrap a cursor's JSON text."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str, ordering: str, keys: int) -> list[object]:
    """The sort keys and id of a cursor made for this ordering; ValueError says why it is not one."""
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        parts = msgspec.json.decode(raw)
    except (binascii.Error, UnicodeEncodeError, UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise ValueError("this is not a cursor of ours") from None
    if not isinstance(parts, list) or len(parts) != keys + 2:
        raise ValueError("this is not a cursor of this list")
    if parts[0] != ordering:
        raise ValueError(f"this cursor belongs to another ordering than {ordering}")
    return parts[1:]
