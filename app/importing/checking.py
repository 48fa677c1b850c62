"""What is sent over HTTP to be imported: whether it can be, and how the file is written."""

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid
from app.importing.reading.told import Told, read_told
from app.importing.running import names
from app.values.systems import CRM, SYSTEM


def check_import(what: str, told: Mapping[str, Any], system: str | None) -> None:
    """Invalid where this cannot be imported, whatever the file."""
    if what not in names():
        raise Invalid(f"There are no {what:.80} to import; there are {', '.join(names())}.", path=["what"])
    told_of(told, system)


def told_of(told: Mapping[str, Any], system: str | None) -> Told:
    """How a file is written, as it was sent. `mapping` is a column's name in the file → ours."""
    if system is not None and not SYSTEM.fullmatch(system):
        raise Invalid(
            f"A system is named by small letters, digits and _, 32 at most, not {system!r:.50}.",
            path=["system"],
        )
    mapping = told.get("mapping") or {}
    for theirs, ours in mapping.items():
        if not isinstance(ours, str):
            raise Invalid(f"`mapping`: {theirs[:80]!r} is mapped to what is no name.", path=["mapping"])
    try:
        return read_told(
            separator=told.get("separator"),
            encoding=told.get("encoding"),
            decimal=told.get("decimal"),
            dates=told.get("dates"),
            maps=[f"{theirs}={ours}" for theirs, ours in mapping.items()],
            ignored=told.get("ignored") or (),
            system=system or CRM,
        )
    except Invalid as wrong:
        # It speaks of options of the command.
        path = ["mapping"] if wrong.path == ["map"] else wrong.path
        raise Invalid(wrong.message.replace("`--", "`"), path=path, code=wrong.reason) from None
