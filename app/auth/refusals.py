"""Places that many refused credentials come from are slowed down.

A place is a client's address (of IPv6 its network of 64 bits, which one customer has). It may be refused 30 times a
minute; beyond that, credentials that nobody knows are looked up from there no faster than every other second, and the
rest told to come again. Many people may share an address. So tokens whose signature holds, and keys that held in the
last hour, are looked up as ever, and what is remembered needs no look-up. An honest key that is new here is sent
again, which a guess is not: whoever comes again when it was told to is looked up out of a trickle for those. Per
process, and bounded; this machine's own programs are no such place.
"""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil

from app.values.known import Known, KnownFor

A_MINUTE = 30
PER_SECOND = A_MINUTE / 60
AGAIN_PER_SECOND = 5
"""How many of a place are looked up beside those because they come again."""
AGAIN_WITHIN = timedelta(minutes=5)
MAX_TOLD = 10_000
MAX_PLACES = 10_000
TOO_MANY_REFUSALS = "TOO_MANY_REFUSALS"


class Refusals:
    """A bucket per place: a refusal takes one out, and it fills again with time."""

    def __init__(self) -> None:
        self._buckets: Known[str, tuple[float, float]] = Known(MAX_PLACES)
        """By place: what is in it, and as of when."""
        self._again: Known[str, tuple[float, float]] = Known(MAX_PLACES)
        """The same for those who come again."""
        self._told: KnownFor[bytes, datetime] = KnownFor(MAX_TOLD, life=AGAIN_WITHIN)
        """When they were told to come again, by the names of their credentials."""

    def count(self, address: str, *, now: datetime) -> None:
        """A credential from there was refused."""
        place = place_of(address)
        if place:
            level = _level(self._buckets, place, A_MINUTE, PER_SECOND, now)
            self._buckets.keep(place, (max(0.0, level - 1), now.timestamp()))

    def wait_s(self, address: str, *, now: datetime) -> int:
        """How many seconds until one more may be looked up from there; 0: at once."""
        place = place_of(address)
        level = _level(self._buckets, place, A_MINUTE, PER_SECOND, now) if place else A_MINUTE
        return 0 if level >= 1 else ceil((1 - level) / PER_SECOND)

    def wait_again_s(self, address: str, name: bytes, *, now: datetime) -> int:
        """The same for one that has to wait: 0 if it comes when it was told to and it is its turn, which is over then.

        `name` is what its credential is known by.
        """
        place, wait_s = place_of(address), self.wait_s(address, now=now)
        told = self._told.get(name, now=now)
        if told is None:
            self._told.keep(name, now + timedelta(seconds=wait_s), now=now)
        elif now >= told:
            level = _level(self._again, place, AGAIN_PER_SECOND, AGAIN_PER_SECOND, now)
            if level >= 1:
                self._again.keep(place, (level - 1, now.timestamp()))
                self._told.drop(name)
                return 0
        return wait_s


def _level(
    buckets: Known[str, tuple[float, float]], place: str, most: float, per_s: float, now: datetime
) -> float:
    """What is in a place's bucket now."""
    level, as_of = buckets.get(place) or (float(most), now.timestamp())
    return min(float(most), level + max(0.0, now.timestamp() - as_of) * per_s)


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
