"""A delivery's body taken apart: each element stands for itself.

Only a body that is not JSON at all, or no readable form, is refused as a whole. An element that cannot be read is told
beside the others, with its text.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from app.errors import Invalid, TooLarge
from app.tables.projects import DEFAULT_EVENT_BYTES
from app.values.json_text import kind_of, read_json
from app.values.texts import read_text

MAX_EVENTS = 5_000
MAX_PARAMETERS = 1_000
MALFORMED = "MALFORMED_BODY"
NOT_AN_OBJECT = "NOT_AN_OBJECT"
TOO_LARGE = "TOO_LARGE"
UNREADABLE = "UNREADABLE"
INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Refused:
    """An element that could not be taken, and why."""

    text: str
    reason: str
    message: str
    path: tuple[str, ...] = ("body",)


@dataclass(frozen=True, slots=True)
class Element:
    """An element that can be read."""

    value: dict[str, Any]
    text: str
    """As sent."""


def elements(body: str) -> tuple[list[Element | Refused], bool]:
    """The elements of a JSON body in their order, and whether it is a list. Invalid where it is not JSON at all."""
    try:
        raw = body.encode()
        is_list = raw.lstrip().startswith(b"[")
        texts = _texts(raw) if is_list else [raw]
    except (ValueError, UnicodeEncodeError) as why:
        raise Invalid(str(why), path=["body"], code=MALFORMED) from None
    if len(texts) > MAX_EVENTS:
        raise TooLarge(
            f"There are {len(texts)} events; at most {MAX_EVENTS} are taken at once.", path=["body"]
        )
    return [_element(text) for text in texts], is_list


def fields(text: str) -> dict[str, Any]:
    """A form's fields; one that repeats is a list. Invalid where it cannot be read."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS)
        found: dict[str, Any] = {}
        for name, value in pairs:
            read_text(name), read_text(value, longest=2**20)
            before = found.get(name)
            found[name] = (
                value if before is None else [*(before if isinstance(before, list) else [before]), value]
            )
    except ValueError as why:
        raise Invalid(f"The form cannot be read: {why}.", path=["body"], code=MALFORMED) from None
    return found


def _texts(raw: bytes) -> list[bytes]:
    """The elements of a list, each as sent."""
    whole = raw
    try:
        parts = msgspec.json.decode(whole, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        # Half of a character ends all for the decoder, though it is one element's trouble alone.
        whole = _ESCAPES.sub(_no_half, raw)
        try:
            parts = msgspec.json.decode(whole, type=list[msgspec.Raw])
        except (msgspec.MsgspecError, RecursionError):
            read_json(raw)  # Says what is wrong.
            raise ValueError("The body is not JSON.") from None
    found, at = [], 0
    for part in parts:  # What stands in for a half is as long as that, so places are the same.
        text = bytes(part)
        at = whole.index(text, at)
        found.append(raw[at : at + len(text)])
        at += len(text)
    return found


_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


def _no_half(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found[1] else found[0]


def _element(raw: bytes) -> Element | Refused:
    text = raw.decode()
    if len(raw) > DEFAULT_EVENT_BYTES:
        return Refused(text, TOO_LARGE, f"The event has more than {DEFAULT_EVENT_BYTES} bytes.")
    try:
        value = read_json(raw)
    except ValueError as why:
        return Refused(text, UNREADABLE, str(why))
    if not isinstance(value, dict):
        return Refused(text, NOT_AN_OBJECT, f"An event must be a JSON object, not {kind_of(value)}.")
    return Element(value, text)
