"""JSON: bodies read strictly, the same for `/graphql` and every legacy route; and values written.

Numbers with a fraction or an exponent become `Decimal`, so no digit of an amount is lost on the way in.
"""

import re
from datetime import datetime
from decimal import Decimal

import msgspec

from app.values.instants import DayAlone, plain_instant

MAX_DEPTH = 64
MAX_NUMBER = 400
"""Digits, and powers of ten, a number may have: `1e999999999` is short to send and a gigabyte to print."""
_TOO_LONG = 10**MAX_NUMBER
_WHOLE = range(-(2**63), 2**63)

# Only a body with an escaped NUL, a number of 19 digits or many brackets needs a walk over what was decoded. Found
# by searching bytes: a regular expression takes 15 microseconds for a dashboard's query, more than all else here.
_NUL = rb"\u0000"
_DIGITS = bytes(ord("0") if chr(byte) in "0123456789" else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19


def read_json(body: bytes, *, long_numbers: bool = False) -> object:
    """The value a body holds; of a repeated key the last one counts. ValueError says what is wrong with it.

    Refused: what is not UTF-8 or not JSON, NUL and lone surrogates (PostgreSQL keeps them at best, and fails when it
    looks inside), whole numbers beyond 64 bits unless `long_numbers`, numbers beyond `MAX_NUMBER` digits, and nesting
    deeper than `MAX_DEPTH`.
    """
    if not body.strip():
        raise ValueError("The body is empty: send a JSON document.")
    try:
        value: object = _DECODER.decode(body)
    except UnicodeDecodeError as error:
        raise ValueError(f"The body is not UTF-8 (byte {error.start} of a text).") from None
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    except msgspec.MsgspecError as error:
        raise ValueError(_half_character(body) or f"The body is not JSON: {_reason(error)}.") from None
    if (
        _NUL in body
        or _LONG_NUMBER in body.translate(_DIGITS)
        or body.count(b"[") + body.count(b"{") > MAX_DEPTH
    ):
        _walk(value, long_numbers=long_numbers)
    return value


def read_object(body: bytes, *, long_numbers: bool = False) -> dict[str, object]:
    """A body that must be a JSON object; ValueError otherwise."""
    value = read_json(body, long_numbers=long_numbers)
    if not isinstance(value, dict):
        raise ValueError(f"The body must be a JSON object, not {kind_of(value)}.")
    return value


def write_json(value: object) -> bytes:
    """Compact JSON in UTF-8; a `Decimal` becomes a number with its exact digits."""
    return _ENCODER.encode(value)


def kind_of(value: object) -> str:
    """What a decoded value is, in JSON's words: `null`, `a number`, `a text`…"""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


_TOO_DEEP = f"The body is nested deeper than {MAX_DEPTH} levels."


def _number(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except ArithmeticError:  # An exponent that does not fit into a machine word.
        value = None
    if value is None or len(text) > MAX_NUMBER or abs(value.adjusted()) > MAX_NUMBER:
        raise ValueError(f"a number is longer than {MAX_NUMBER} digits")
    return value


_DECODER = msgspec.json.Decoder(float_hook=_number)


def _instant(value: object) -> datetime:
    """A day alone as the instant it is for whoever does not ask further; msgspec takes no class made of another."""
    if isinstance(value, DayAlone):
        return plain_instant(value)
    raise NotImplementedError(f"JSON has no place for {type(value).__name__}")


_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=_instant)


def _reason(error: msgspec.MsgspecError) -> str:
    # Without msgspec's own opening words, and without its path, which names neither keys nor positions.
    return str(error).removeprefix("JSON is malformed: ").partition(" - at `")[0]


def _half_character(body: bytes) -> str | None:
    """What is wrong with a body that writes half of a surrogate pair, which the decoder takes for its end."""
    high: re.Match[bytes] | None = None
    for escape in _ESCAPE.finditer(body):
        code = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= code < 0xE000
        if high is not None and not (is_low and escape.start() == high.end()):
            return _HALF.format(high[0].decode(), high.start())
        if is_low and high is None:
            return _HALF.format(escape[0].decode(), escape.start())
        high = escape if 0xD800 <= code < 0xDC00 else None
    return _HALF.format(high[0].decode(), high.start()) if high is not None else None


_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_HALF = "A text in the body holds half of a character: {} (byte {}) is a surrogate without its other half."


def _walk(value: object, *, long_numbers: bool) -> None:
    """Look at every text, number and level, without recursion."""
    level: list[object] = [value]
    depth = 0
    while level:
        inner: list[object] = []
        for item in level:
            if isinstance(item, str):
                _no_nul(item)
            elif isinstance(item, int):
                if item not in _WHOLE:
                    _no_long_number(item, long_numbers=long_numbers)
            elif isinstance(item, dict | list):
                if depth == MAX_DEPTH:
                    raise ValueError(_TOO_DEEP)
                if isinstance(item, dict):
                    for key in item:
                        _no_nul(key)
                    inner.extend(item.values())
                else:
                    inner.extend(item)
        level = inner
        depth += 1


def _no_long_number(value: int, *, long_numbers: bool) -> None:
    if not long_numbers:
        raise ValueError("A whole number in the body does not fit into 64 bits.")
    if abs(value) >= _TOO_LONG:
        raise ValueError(f"A number in the body is longer than {MAX_NUMBER} digits.")


def _no_nul(text: str) -> None:
    if "\0" in text:
        raise ValueError("A text in the body holds the character NUL (\\u0000), which cannot be stored.")
