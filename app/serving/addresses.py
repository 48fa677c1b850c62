"""Where a request comes from: the client's address, as the connection or a proxy that is believed says it."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

UNKNOWN = ""


def address_of(scope: Mapping[str, Any]) -> str:
    """The client's address; the door has put what named proxies say in its place (FORWARDED_ALLOW_IPS)."""
    client = scope.get("client")
    return UNKNOWN if not client else str(client[0])


def is_loopback(address: str) -> bool:
    """Whether it is a program on this machine."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback
