"""The currency in which an event's statistics are, where they are money: what it says under `currency`.

A type may declare that field, so that a wrong code puts the event into the trash. An event whose type does not is taken
at its word as well, and a word that is no currency's code says nothing.
"""

from collections.abc import Mapping

from app.values.json_text import read_object
from app.values.money import is_currency

CURRENCY = "currency"
"""The storage key of the field; without one, the key in the event's data."""


def currency_of(data: Mapping[str, object] | None) -> str | None:
    """The code that these values say (ISO 4217), in capitals."""
    value = (data or {}).get(CURRENCY)
    code = value.strip().upper() if isinstance(value, str) else ""
    return code if is_currency(code) else None


def stored_currency(data: str | None, body: str | None) -> str | None:
    """The same of an event that is stored: by its fields as they were read, else by what was sent."""
    if data is not None and CURRENCY in data:
        return currency_of(read_object(data.encode(), long_numbers=True))
    if body is None or CURRENCY not in body:
        return None
    sent = read_object(body.encode(), long_numbers=True).get("data")
    return currency_of(sent) if isinstance(sent, Mapping) else None


__all__ = ["CURRENCY", "currency_of", "stored_currency"]
