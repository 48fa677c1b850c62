"""Promo codes in the one form they are compared by, in letters of any script; and codes that check themselves.

Only this module folds a code, and keys are stored as it returns them. PostgreSQL is never asked to: its capitals differ
from Python's, and both make `SS` of `ß`, which is another code.
"""

import secrets
import unicodedata
from collections.abc import Callable

MIN_LENGTH, MAX_LENGTH = 3, 32
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""What generated codes are made of: nothing that looks like another (0 O, 1 I L). 31, a prime: see `_check_of`."""
MARK = "."
"""Stands between the prefix and the rest of a generated code, and in no other: so its form tells it."""
MAX_PREFIX = 16
MIN_BODY, MAX_BODY = 8, 20
_CAPITAL_OF = {"ẞ": "ß"}
"""A capital of its own, whose small letter has none of one letter."""


def code_key(text: str) -> str:
    """A code as it is compared: trimmed, in compatible and composed form (NFKC), in capitals letter by letter.

    A letter whose capital is several letters stays: `groß10` is `GROß10`, and not `GROSS10`.
    """
    # Signs that stand alone become a blank and a sign that does not.
    plain = unicodedata.normalize("NFKC", text.strip()).strip()
    return unicodedata.normalize("NFC", "".join(map(_capital, plain)))


def read_code(text: str) -> str:
    """The key of a code that somebody thought up; ValueError says what is wrong with it."""
    typed = text.strip()
    for at, letter in enumerate(typed):
        if unicodedata.category(letter) in ("Cc", "Cf", "Zl", "Zp", "Zs"):
            raise ValueError(f"holds the invisible character U+{ord(letter):04X} at place {at + 1}")
    key = code_key(typed)
    if not MIN_LENGTH <= len(key) <= MAX_LENGTH:
        raise ValueError(f"has {len(key)} characters instead of {MIN_LENGTH} to {MAX_LENGTH}")
    if not _is_written(key[0], "LN") or not all(_is_written(one, "LNM") or one in "_-" for one in key):
        raise ValueError("has more in it than letters, digits, `_` and `-`, the first one a letter or digit")
    return key


def read_prefix(text: str) -> str:
    """The key of what a batch of generated codes begins with; ValueError says what is wrong with it."""
    key = code_key(text)
    if not 1 <= len(key) <= MAX_PREFIX:
        raise ValueError(f"has {len(key)} characters instead of 1 to {MAX_PREFIX}")
    if not _is_written(key[0], "LN") or not all(_is_written(one, "LNM") or one in "_-" for one in key):
        raise ValueError("has more in it than letters, digits, `_` and `-`, the first one a letter or digit")
    return key


def generated_code(prefix: str, length: int, *, choose: Callable[[str], str] = secrets.choice) -> str:
    """A code nobody can guess: the prefix, `length` random characters, and one that checks them.

    `choose` is another chance for demonstration data, which is the same every time.
    """
    start = f"{prefix}{MARK}" + "".join(choose(ALPHABET) for _ in range(length))
    return start + _check_of(start)


def is_generated(key: str) -> bool:
    """Whether a key has the form of a generated code, right or mistyped."""
    return MARK in key


def is_mistyped(key: str) -> bool:
    """Whether the last character of a generated code does not check the others: one is wrong, or two are swapped."""
    return _check_of(key[:-1]) != key[-1:]


def _check_of(text: str) -> str:
    # Weights that differ and are no multiples of a prime find every single wrong character, and every two neighbours
    # swapped. The checking character's own is 1.
    total = sum((2 + at % (len(ALPHABET) - 2)) * _number(one) for at, one in enumerate(reversed(text)))
    return ALPHABET[-total % len(ALPHABET)]


def _number(letter: str) -> int:
    return ALPHABET.find(letter) if letter in ALPHABET else ord(letter)


def _capital(letter: str) -> str:
    capital = _CAPITAL_OF.get(letter, letter).upper()
    return capital if len(capital) == 1 else _CAPITAL_OF.get(letter, letter)


def _is_written(letter: str, kinds: str) -> bool:
    return unicodedata.category(letter)[0] in kinds


__all__ = [
    "ALPHABET",
    "MAX_BODY",
    "MAX_PREFIX",
    "MIN_BODY",
    "code_key",
    "generated_code",
    "is_generated",
    "is_mistyped",
    "read_code",
    "read_prefix",
]
