"""Addresses of people in the one form they are compared by; what was typed is kept beside it.

Only this module folds an e-mail address or reads a telephone number, and keys are stored as it returns them. PostgreSQL
is never asked to: its lower case differs from Python's (`İ`, a last `Σ`), and it knows no numbering plans.
"""

import re
import unicodedata

import phonenumbers

_PHONE = re.compile(r"(?P<plus>\+|00)?[\s().\-/\d\u00a0\u202f]+")
_CALLING = re.compile(r"[0-9]{1,3}")
_NOT_DIGITS = re.compile(r"[^0-9]")
_COUNTRY_IN_BRACKETS = re.compile(r"^\(\+(\d{1,3})\)")
_ONE_FORM = str.maketrans({"Σ": "σ", "ς": "σ", "ẞ": "ß"})
"""Letters whose lower case depends on their place, or has two capitals."""


def fold_email(address: str) -> str:
    """An e-mail address as it is compared: trimmed, composed (NFC), in lower case letter by letter."""
    return unicodedata.normalize("NFC", address.strip().translate(_ONE_FORM).lower())


def phone_key(number: str, region: str | None = None) -> str:
    """A telephone number in E.164 (`+33612345959`); bare digits where nothing says its country.

    `region` is the ISO 3166 code of the country that a number without its own is of. ValueError where the text is no
    telephone number.
    """
    seen = "".join(letter for letter in number if unicodedata.category(letter) != "Cf")  # Marks nobody sees.
    text = _COUNTRY_IN_BRACKETS.sub(r"+\1", seen.strip().removeprefix("tel:"))
    match = _PHONE.fullmatch(text)
    if match is None:
        raise ValueError("is not a telephone number")
    if match["plus"] == "00":  # How the world outside of North America dials abroad, wherever the reader is.
        text = "+" + text[2:]
    international = text.startswith("+")
    if international or region is not None:
        try:
            parsed = phonenumbers.parse(text, None if international else region)
        except phonenumbers.NumberParseException:
            parsed = None
        if parsed is not None and phonenumbers.is_possible_number(parsed):
            return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    digits = _NOT_DIGITS.sub("", text)
    if not 4 <= len(digits) <= 15:
        raise ValueError("is not a telephone number of 4 to 15 digits")
    return f"+{digits}" if international else digits


def country_and_number(key: str) -> tuple[str, str]:
    """The digits of a number in E.164: its country's, and those that are dialled inside it."""
    try:
        parsed = phonenumbers.parse(key, None)
    except phonenumbers.NumberParseException:
        return "", _NOT_DIGITS.sub("", key)
    return str(parsed.country_code), phonenumbers.national_significant_number(parsed)


def phone_key_of(number: str | None, region: str | None = None) -> str | None:
    """As `phone_key`; None where there is no number, or none that can be read."""
    try:
        return phone_key(number, region) if number else None
    except ValueError:
        return None


def email_key_of(address: str | None) -> str | None:
    """As `fold_email`; None where there is no address."""
    return None if address is None else fold_email(address)


def region_of(code: str) -> str | None:
    """The country that a code (`FR`) or a calling code (`+33`) names; of several that share one, the largest."""
    text = code.strip().upper()
    if text.startswith("+"):
        digits = text[1:]
        found = phonenumbers.region_code_for_country_code(int(digits)) if _CALLING.fullmatch(digits) else "ZZ"
        return None if found in ("ZZ", "001") else found
    return text if text in phonenumbers.SUPPORTED_REGIONS else None


__all__ = ["country_and_number", "email_key_of", "fold_email", "phone_key", "phone_key_of", "region_of"]
