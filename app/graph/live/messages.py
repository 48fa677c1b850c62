"""The messages of graphql-transport-ws, the protocol of the library graphql-ws ("GraphQL over WebSocket")."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from app.errors import Invalid
from app.graph.running.operations import from_json
from app.values.json_text import kind_of, read_json, write_json

PROTOCOL = "graphql-transport-ws"
MAX_ID = 256
"""Characters; clients use UUIDs or numbers."""
MAX_REASON_BYTES = 123
"""What a close frame has room for (RFC 6455, section 5.5)."""


class Close(IntEnum):
    """Why a socket is closed."""

    GOING_AWAY = 1001
    INTERNAL = 1011
    TRY_AGAIN = 1013
    BAD_REQUEST = 4400
    UNAUTHORIZED = 4401
    """An operation was sent before the connection was acknowledged."""
    FORBIDDEN = 4403
    """The credential is not valid."""
    NO_SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE_ID = 4409
    INIT_TWICE = 4429


@dataclass(frozen=True, slots=True)
class Message:
    """A client's message."""

    type: str
    id: str = ""
    payload: dict[str, Any] | None = None


_KNOWN = frozenset({"connection_init", "ping", "pong", "subscribe", "complete"})


def read_message(text: str | None) -> Message:
    """A client's message. Invalid where it is none of the protocol's."""
    if text is None:
        raise Invalid("Messages are texts, not bytes.")
    try:
        value = read_json(text.encode())
    except ValueError as error:
        raise Invalid(str(error).replace("body", "message")) from None
    if not isinstance(value, dict):
        raise Invalid(f"A message is a JSON object, not {kind_of(value)}.")
    kind, ident, payload = value.get("type"), value.get("id"), value.get("payload")
    if not isinstance(kind, str) or kind not in _KNOWN:
        raise Invalid(f"{kind!s:.40} is no type of message: {', '.join(sorted(_KNOWN))}.")
    if kind in ("subscribe", "complete") and not (isinstance(ident, str) and 0 < len(ident) <= MAX_ID):
        raise Invalid(f"{kind} needs an id: a text of 1 to {MAX_ID} characters.")
    if payload is not None and not isinstance(payload, dict):
        raise Invalid(f"payload must be an object, not {kind_of(payload)}.")
    if kind == "subscribe":
        if payload is None:
            raise Invalid("subscribe needs a payload: the GraphQL request.")
        from_json(payload)
    return Message(kind, ident if isinstance(ident, str) else "", payload)


ACKNOWLEDGED = '{"type":"connection_ack"}'


def pong(payload: dict[str, Any] | None) -> str:
    """The answer to a ping, with what it brought."""
    shown = {"type": "pong"} if payload is None else {"type": "pong", "payload": payload}
    return write_json(shown).decode()


def next_of(ident: str, result: str) -> str:
    """One result, given as JSON text."""
    return f'{{"id":{_quoted(ident)},"type":"next","payload":{result}}}'


def error_of(ident: str, errors: Sequence[dict[str, Any]]) -> str:
    """The operation was refused before it ran, or its subscription was ended early."""
    return f'{{"id":{_quoted(ident)},"type":"error","payload":{write_json(errors).decode()}}}'


def complete_of(ident: str) -> str:
    """There will be no further result."""
    return f'{{"id":{_quoted(ident)},"type":"complete"}}'


def reason_of(text: str) -> str:
    """As much of the reason as a close frame holds."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
