"""What an operator says about hosts and credentials, per system.

`--credential` and `--from` take `VALUE` for every system, or `SYSTEM=VALUE` for one. A credential is a key or token,
`Name: value` for a header of any other name (also beside a key, such as `X-BEACON-KEY: …`), `env:NAME` for the value of
a variable, or `@FILE` for what is in a file: neither is then seen in the list of processes.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from app.errors import Invalid
from app.moving.walks.all import WALKS
from app.moving.walks.steps import Walk

_HEADER = re.compile(r"([A-Za-z][A-Za-z0-9-]*):\s+(.+)", re.DOTALL)


def by_system(given: Sequence[str], systems: Sequence[str], *, option: str) -> dict[str, list[str]]:
    """What was said for each of these systems; what names one comes after what is meant for all."""
    found: dict[str, list[str]] = {system: [] for system in WALKS}
    for one in given:
        name, mark, value = one.partition("=")
        if not (mark and name in found):
            for values in found.values():
                values.append(one)
    for one in given:
        name, mark, value = one.partition("=")
        if mark and name in found:
            found[name].append(value)
    for system in systems:
        if not found[system]:
            raise Invalid(f"Say `{option}` for {system}: `{option} VALUE`, or `{option} {system}=VALUE`.")
    return {system: found[system] for system in systems}


def address_of(values: Sequence[str], *, option: str) -> str:
    """The one address, without a slash at its end; what was said last counts."""
    address = values[-1].rstrip("/")
    if not re.match(r"https?://[^/]", address):
        raise Invalid(f"`{option}` is an address like https://api.example.com, not {address[:80]!r}.")
    if "@" in address.split("/")[2] or "?" in address or "#" in address:
        raise Invalid(
            f"`{option}` is an address alone: credentials have an option of their own, there is no query."
        )
    return address


def headers_of(walk: Walk, values: Sequence[str]) -> dict[str, str]:
    """The headers that show these credentials to a host of this API."""
    headers: dict[str, str] = {}
    for value in map(_read, values):
        if not value:
            raise Invalid(f"The credential for {walk.system} is empty.")
        if found := _HEADER.fullmatch(value):
            headers[found[1]] = found[2].strip()
        elif walk.key_header:
            headers[walk.key_header] = value
        else:
            headers["Authorization"] = value if value.lower().startswith("bearer ") else f"Bearer {value}"
    for name, value in headers.items():
        if not (value.isprintable() and value.isascii()):
            raise Invalid(f"The credential for {walk.system} cannot be sent in the header {name}.")
    return headers


def _read(value: str) -> str:
    if value.startswith("env:"):
        name = value.removeprefix("env:")
        if not os.environ.get(name):
            raise Invalid(f"The variable {name}, which should hold a credential, is empty.")
        return os.environ[name].strip()
    if value.startswith("@"):
        path = Path(value[1:])
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as why:
            raise Invalid(f"The credential in {path} cannot be read: {why}.") from None
    return value.strip()
