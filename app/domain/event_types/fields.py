"""What can be declared of an event type, and its bounds. Source: Webmarketer API 1.0.0, "Create an event-type"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from app.domain import inputs
from app.domain.inputs import Path
from app.domain.settable import needed, optional, written
from app.errors import MAX_TOLD, Conflict, Failure, Invalid, Several, TooLarge
from app.tables.event_metrics import EVENT_COUNT
from app.tables.event_types import EventDataType, EventFieldKind
from app.values.texts import read_text

KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", re.ASCII)
"""Storage keys, identities and references: they are used in paths."""
MAX_FIELDS = 200
MAX_DOCUMENT = 65_536
MAX_NAME = 255
NUMBERS = frozenset({EventDataType.NUMBER, EventDataType.INTEGER})
_JSON = msgspec.json.Encoder(decimal_format="number")


def reference_of(text: str) -> str:
    """An event type's reference, by which events name it."""
    return _key(text, ["reference"], "a reference")


def name_of(text: str, path: Path) -> str:
    """What people call it."""
    return inputs.text(text, path, longest=MAX_NAME, blank=False)


def document(value: Any, path: Path) -> str | None:
    """A JSON document as text, kept as it was sent; None for null."""
    if value is None:
        return None
    try:
        text = _JSON.encode(value).decode()
        if "\\u0000" in text:
            raise ValueError("holds the character NUL (U+0000), which cannot be stored")
        return read_text(text, longest=MAX_DOCUMENT)
    except (UnicodeEncodeError, TypeError, RecursionError, ValueError) as why:
        raise Invalid(f"`{path[0]}` cannot be kept: {why}.", path=path) from None


def _key(text: str, path: Path, what: str) -> str:
    if KEY.fullmatch(text) is None:
        raise Invalid(
            f"{text[:40]!r} is not {what}: 1 to 64 letters, digits, `_`, `-` and `.`, not beginning with `-` or `.`.",
            path=path,
        )
    return text


def _storage_key(text: str, path: Path) -> str:
    key = _key(text, path, "a storage key")
    if key == EVENT_COUNT:
        raise Invalid(f"`{EVENT_COUNT}` is the built-in metric; choose another storage key.", path=path)
    return key


def _ingestion_key(text: str, path: Path) -> str:
    return inputs.text(text, path, longest=inputs.MAX_CODE, blank=False)


def _identity(text: str, path: Path) -> str:
    return _key(text, path, "an identity")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEntry:
    """A field, state or statistic as declared."""

    storage_key: str = needed(
        "What its value is kept under: 1 to 64 letters, digits, `_`, `-` and `.`, unique in the event type.",
        check=_storage_key,
    )
    kind: EventFieldKind = optional(
        "What it is for; FIELD unless said. The same all over the project.",
        default=EventFieldKind.FIELD,
        null=EventFieldKind.FIELD,
    )
    ingestion_key: str | None = optional(
        "What its value is called in the data of an event; the storage key unless said.", check=_ingestion_key
    )
    name: str | None = optional("What people call it; the storage key unless said.", check=name_of)
    data_type: EventDataType | None = optional(
        "What values it takes; STRING unless said. States are BOOLEAN, statistics NUMBER or INTEGER."
    )
    is_required: bool = optional(
        "Whether an event without it is refused; it is not unless said.", default=False, null=False
    )
    identity: str | None = optional(
        "Which of the user's attributes the value is: email, phone, name, or one of the project's own.",
        check=_identity,
    )
    """Only for fields."""
    sent: Any = optional("Its declaration in another interface's words, kept beside it.", check=document)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A field as it is stored."""

    kind: EventFieldKind
    storage_key: str
    ingestion_key: str
    name: str
    data_type: EventDataType
    is_required: bool
    identity: str | None
    sent: str | None
    """JSON text."""


def checked_fields(entries: Sequence[FieldEntry]) -> list[FieldRow]:
    """The fields in their order, or every fault by index."""
    if len(entries) > MAX_FIELDS:
        raise TooLarge(f"There are {len(entries)} fields; at most {MAX_FIELDS} are allowed.", path=["fields"])
    rows: list[FieldRow] = []
    faults: list[Failure] = []
    taken: set[str] = set()
    for at, entry in enumerate(entries):
        try:
            row = _checked(entry, ["fields", at])
            if row.storage_key in taken:
                raise Conflict(
                    f"The storage key {row.storage_key} is there twice; each field needs its own.",
                    path=["fields", at, "storageKey"],
                    code="STORAGE_KEY_EXISTS",
                )
            taken.add(row.storage_key)
            rows.append(row)
        except Failure as fault:
            faults.append(fault)
    if faults:
        raise Several(faults[:MAX_TOLD])
    return rows


def check_kinds(rows: Sequence[FieldRow], known: Mapping[str, str]) -> None:
    """A key that is a statistic in one event type and a state in another would have no meaning in sums.

    `known` are the kinds of states and statistics anywhere in the project, by storage key.
    """
    for at, row in enumerate(rows):
        other = known.get(row.storage_key)
        if row.kind != EventFieldKind.FIELD and other not in (None, row.kind):
            raise Conflict(
                f"{row.storage_key} is a {other} elsewhere in the project, so it cannot be a {row.kind} here.",
                path=["fields", at, "kind"],
                code="KIND_DIFFERS",
            )


def _checked(entry: FieldEntry, path: Path) -> FieldRow:
    values = written(entry, path)
    if entry.identity is not None and entry.kind != EventFieldKind.FIELD:
        raise Invalid("Only a field can be one of the user's attributes.", path=[*path, "identity"])
    key = values["storage_key"]
    called = {name: key for name in ("ingestion_key", "name") if values[name] is None}
    return FieldRow(**{**values, **called, "data_type": _data_type(entry, path)})


def _data_type(entry: FieldEntry, path: Path) -> EventDataType:
    asked = entry.data_type
    if entry.kind == EventFieldKind.STATE:
        # The vendor's states are 0 or 1, so clients may declare a number; it is stored as what it is.
        if asked not in (None, EventDataType.BOOLEAN, *NUMBERS):
            raise Invalid("A state is a boolean.", path=[*path, "dataType"])
        return EventDataType.BOOLEAN
    if entry.kind == EventFieldKind.STATISTIC:
        if asked not in (None, *NUMBERS):
            raise Invalid("A statistic is a number.", path=[*path, "dataType"])
        return asked or EventDataType.NUMBER
    return asked or EventDataType.STRING


__all__ = [
    "FieldEntry",
    "FieldRow",
    "check_kinds",
    "checked_fields",
    "document",
    "name_of",
    "reference_of",
]
