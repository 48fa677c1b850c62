"""Places that many refused credentials come from are slowed down.

A place is a client's address (of IPv6 its network of 64 bits, which one customer has). It may be refused 30 times a
minute; beyond that, credentials that nobody knows are looked up from there no faster than every other second, and the
rest told to come again. Many people may share an address, so whoever held in the last hour is looked up as ever, and
what is remembered needs no look-up. Per process, and bounded; this machine's own programs are no such place.
"""

from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from app.values.known import Known

A_MINUTE = 30
PER_SECOND = A_MINUTE / 60
MAX_PLACES = 10_000
TOO_MANY_REFUSALS = "TOO_MANY_REFUSALS"


class Refusals:
    """A bucket per place: a refusal takes one out, and it fills again with time."""

    def __init__(self) -> None:
        self._buckets: Known[str, tuple[float, float]] = Known(MAX_PLACES)
        """By place: what is in it, and as of when."""

    def count(self, address: str, *, now: datetime) -> None:
        """A credential from there was refused."""
        place = place_of(address)
        if place:
            self._buckets.keep(place, (max(0.0, self._level(place, now) - 1), now.timestamp()))

    def wait_s(self, address: str, *, now: datetime) -> int:
        """How many seconds until one more may be looked up from there; 0: at once."""
        place = place_of(address)
        level = self._level(place, now) if place else A_MINUTE
        return 0 if level >= 1 else ceil((1 - level) / PER_SECOND)

    def _level(self, place: str, now: datetime) -> float:
        level, as_of = self._buckets.get(place) or (float(A_MINUTE), now.timestamp())
        return min(float(A_MINUTE), level + max(0.0, now.timestamp() - as_of) * PER_SECOND)


def place_of(address: str) -> str:
    """Where an address counts; empty where it does not."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return "" if found.is_loopback else str(ip_network((found, 64), strict=False))
        found = found.ipv4_mapped
    return "" if found.is_loopback else str(found)
