"""What can be set on customers in bulk, and the bounds of each field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.domain import inputs
from app.domain.inputs import MAX_CODE, Path
from app.domain.settable import path_of, settable, written
from app.errors import Failure, Invalid, TooLarge
from app.values.changes import UNSET, Settable
from app.values.contacts import email_key_of
from app.values.json_text import read_json, write_json

MAX_CUSTOMERS = 5_000
MAX_NAME = 255
MAX_EMAIL = 254
MAX_TAGS = 100
MAX_ATTRIBUTES = 16_384
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def _name(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_NAME, blank=False)


def _code(value: str, path: Path) -> str:
    return inputs.text(value, path, longest=MAX_CODE, blank=False)


def _email(value: str, path: Path) -> str:
    value = inputs.text(value.strip(), path, longest=MAX_EMAIL)
    if _EMAIL.fullmatch(value) is None:
        raise Invalid(f"`{value[:80]}` is no e-mail address like ada@example.com.", path=path)
    return value


def _phone(value: str, path: Path) -> str:
    return _code(value.strip(), path)


def _tags(values: Sequence[str], path: Path) -> list[str]:
    if len(values) > MAX_TAGS:
        raise Invalid(f"There are {len(values)} tags; at most {MAX_TAGS} are allowed.", path=path)
    return list(dict.fromkeys(_code(value, [*path, at]) for at, value in enumerate(values)))


def _attributes(value: object, path: Path) -> str:
    """The JSON text that is stored."""
    if not isinstance(value, Mapping):
        raise Invalid("`attributes` takes an object.", path=path)
    try:
        text = write_json(value)
        read_json(text)  # what is stored can be read again: no NUL, no endless number
    except (UnicodeEncodeError, TypeError, ValueError, RecursionError) as why:
        raise Invalid(f"`attributes` cannot be stored: {why}", path=path) from None
    if len(text) > MAX_ATTRIBUTES:
        raise Invalid(f"`attributes` has {len(text)} bytes; at most {MAX_ATTRIBUTES} are allowed.", path=path)
    return text.decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerEntry:
    """One customer, known by external id or e-mail. UNSET stays as it is, None clears."""

    external_id: Settable[str | None] = settable(
        "Its id in your own system, unique in the group.", check=_code
    )
    email: Settable[str | None] = settable(
        "The e-mail address, unique in the group, upper or lower case.", check=_email
    )
    name: Settable[str | None] = settable(
        "The name; the e-mail or id of a new customer unless given.", check=_name
    )
    phone: Settable[str | None] = settable(
        "The phone number, kept as it is written. It is found by its digits with the country's code; one that says no"
        " country is of the store's, else the group's.",
        check=_phone,
    )
    store_id: Settable[int | None] = settable(
        "The store it belongs to; the credential's for a new one.", refers=("store", "store")
    )
    loyalty_tier: Settable[str | None] = settable("The loyalty tier, such as gold.", check=_code)
    email_consent: Settable[bool | None] = settable("Whether e-mail may be sent; null means no.", null=False)
    sms_consent: Settable[bool | None] = settable(
        "Whether text messages may be sent; null means no.", null=False
    )
    tags: Settable[Sequence[str] | None] = settable("All its tags, 100 at most.", check=_tags, null=())
    attributes: Settable[Any] = settable(
        "An object of whatever else is known; it replaces the one there.", check=_attributes
    )
    order_count: Settable[int | None] = settable(
        "How many orders there were, where another system counted them.", check=inputs.count, null=0
    )
    total_spent: Settable[Decimal | None] = settable(
        "What they came to, in the group's currency.", check=inputs.amount, null=Decimal(0)
    )
    last_order_at: Settable[datetime | None] = settable("When the last one was.")
    totals_as_of: Settable[datetime | None] = settable(
        "Up to when these totals count: orders until then are in them and do not add to them, later ones do. The same"
        " totals again change nothing, and older ones neither. Without it they replace what is there, and every order"
        " recorded afterwards adds to them."
    )
    email_consent_at: Settable[datetime | None] = settable(
        "When the consent to e-mail was said; now unless given. What was said later stays.", null=UNSET
    )
    sms_consent_at: Settable[datetime | None] = settable(
        "When the consent to text messages was said; now unless given. What was said later stays.", null=UNSET
    )
    created_at: Settable[datetime | None] = UNSET
    """Since when it has been known, where it was known elsewhere before. For imports alone."""


def checked_all(entries: Sequence[CustomerEntry]) -> tuple[list[dict[str, Any]], list[Failure]]:
    """The values that were sent, by column, for each entry; and all faults, first to last."""
    if len(entries) > MAX_CUSTOMERS:
        raise TooLarge(
            f"There are {len(entries)} customers; at most {MAX_CUSTOMERS} are taken at once.",
            path=["customers"],
        )
    found: list[dict[str, Any]] = []
    faults: list[Failure] = []
    seen: dict[tuple[str, str], int] = {}
    for index, entry in enumerate(entries):
        at = ("customers", index)
        try:
            values = _checked(entry, at)
            _once(values, at, seen)
        except Failure as failure:
            faults.append(failure)
            values = {}
        found.append(values)
    return found, faults


def _checked(entry: CustomerEntry, at: Path) -> dict[str, Any]:
    found = written(entry, at)
    if not found.get("external_id") and not found.get("email"):
        raise Invalid("Name the customer by `externalId` or `email`.", path=at, code="CUSTOMER_UNNAMED")
    if "email" in found:
        found["email_key"] = email_key_of(found["email"])
    if "last_order_at" in found:
        found["told_last_order_at"] = found["last_order_at"]
    if entry.created_at not in (UNSET, None):
        found["created_at"] = entry.created_at
    if found.get("name", "") is None:
        # Cleared: then its name is its address or id, like that of a new one without a name.
        found["name"] = found.get("email") or found["external_id"]
    return found


def _once(values: Mapping[str, Any], at: Path, seen: dict[tuple[str, str], int]) -> None:
    for column in ("external_id", "email"):
        value = values.get(column)
        if value is None:
            continue
        key = (column, values["email_key"] if column == "email" else value)
        first = seen.setdefault(key, int(at[1]))
        if first != at[1]:
            raise Invalid(
                f"Entry {first} is about the same customer; send one entry for both.",
                path=[*at, *path_of(CustomerEntry, column)],
                code="REPEATED",
            )
