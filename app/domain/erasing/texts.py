"""The texts that identify a person, and how they are found wherever they stand, however they were escaped. Pure.

What is searched for is strong: e-mail addresses, telephone numbers, trackers, ids of other systems. Names are common
words; they go with the person's own rows. A text too short to be anybody's alone is not searched for either.

The patterns mean the same to PostgreSQL (`~*`) and to Python (`re.IGNORECASE`).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.values.contacts import country_and_number, fold_email, phone_key

SHORTEST = 6
"""Characters of an id or a tracker that is searched for."""
SHORTEST_NAME = 3
AT_ONCE = 100
"""Texts in one pattern: longer ones are not worth their compiling."""
_NOT_BEFORE = r"(?:(?<![\w.+-])|(?<=%[0-9a-fA-F]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_NOT_AFTER = r"(?![\w-]|\.(?!(?:csv|tsv|txt|json|jsonl|ndjson|gz|zip|xml|htm|html|pdf|log)(?!\w))\w)"
"""A longer domain is another address; the end of a file's name is none."""
_WHOLE_BEFORE = r"(?:(?<![\w-])|(?<=%[0-9a-fA-F]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4}))"
_WHOLE_AFTER = r"(?![\w-])"
_NO_DIGIT_BEFORE, _NO_DIGIT_AFTER = r"(?<![\d.])", r"(?!\d)"
_BETWEEN = r"(?:[\s().\-/\u00a0\u202f]|%20|\\u00a0|\\u202f){0,3}"
_PLUS = r"(?:\+|%2b|\\u002b|00)"
_SIGMAS = "Σσς"
_SHARP = "ßẞ"


@dataclass(frozen=True, slots=True)
class Texts:
    """What a person is known by."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    """Trackers, ids in other systems, whatever else a project identifies by."""
    names: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def strong(self) -> list[str]:
        """Patterns that find the person in rows that nobody knows to be theirs; none: nothing is strong enough."""
        return _joined([str(one) for one in self._strong()])

    @property
    def cores(self) -> list[str]:
        """Patterns that find all of these and more, without a look at what stands beside: ten times as fast."""
        return _joined([one.core for one in self._strong()])

    def _strong(self) -> "list[_Pattern]":
        emails = [_email(one) for one in sorted(_spellings(self.emails))]
        phones = [found for one in sorted(self.phones) for found in _phone(one)]
        keys = [_whole(one) for one in sorted(self.keys) if len(one) >= SHORTEST]
        return [*dict.fromkeys([*emails, *phones, *keys])]

    def told(self, ids: Iterable[str]) -> list[str]:
        """The same, and the person's names and ids here: for what may be cut too much."""
        names = (one for one in self.names if len(one) >= SHORTEST_NAME)
        return self.strong + _joined([str(_whole(one)) for one in sorted({*names, *ids, *self.keys})])

    @property
    def recipients(self) -> list[str]:
        """What a message's recipient may have been called."""
        emails = {form for one in _spellings(self.emails) for form in (one, one.lower())}
        phones = {form for one in self.phones for form in (one, re.sub(r"[^0-9+]", "", one), _key(one))}
        return sorted({*emails, *phones})


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A text, and what may not stand beside it."""

    before: str
    core: str
    after: str

    def __str__(self) -> str:
        return self.before + self.core + self.after


def is_in(patterns: Sequence[str], text: str) -> bool:
    """Whether one of these is in the text."""
    return any(re.search(one, text, re.IGNORECASE) for one in patterns)


def _joined(alternatives: Sequence[str]) -> list[str]:
    return ["|".join(alternatives[at : at + AT_ONCE]) for at in range(0, len(alternatives), AT_ONCE)]


def _spellings(emails: Iterable[str]) -> set[str]:
    found = {form for one in emails for form in (one.strip(), fold_email(one))}
    return {unicodedata.normalize(form, one) for one in found for form in ("NFC", "NFD")} | found


def _email(text: str) -> _Pattern:
    return _Pattern(_NOT_BEFORE, "".join(_letter(one) for one in text), _NOT_AFTER)


def _whole(text: str) -> _Pattern:
    return _Pattern(_WHOLE_BEFORE, "".join(_letter(one, plain=True) for one in text), _WHOLE_AFTER)


def _letter(letter: str, *, plain: bool = False) -> str:
    """A character however it was escaped. `plain`: letters and digits of ASCII stand for themselves."""
    if plain and letter.isascii() and letter.isalnum():
        return letter
    forms = {letter, *(other for other in (letter.lower(), letter.upper()) if len(other) == 1)}
    for alike in (_SIGMAS, _SHARP):
        if letter in alike:
            forms |= set(alike)
    return f"(?:{'|'.join(way for one in sorted(forms) for way in _ways(one))})"


def _ways(letter: str) -> list[str]:
    itself = letter if letter.isalnum() or ord(letter) > 127 else f"\\{letter}"
    wide = letter.encode("utf-16-be", "surrogatepass")
    units = "".join(rf"\\u{wide[at : at + 2].hex()}" for at in range(0, len(wide), 2))
    quoted = "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
    ways = [itself, units, quoted]
    if letter in '"\\/':
        ways.append(rf"\\\{letter}")
    return ways


def _phone(text: str) -> list[_Pattern]:
    """A telephone number as people write it: with its country, or without where it is long enough by itself."""
    key = _key(text)
    digits = re.sub(r"[^0-9]", "", key)
    if len(digits) < SHORTEST:
        return []
    if not key.startswith("+"):
        return [_Pattern(_NO_DIGIT_BEFORE, _BETWEEN.join(digits), _NO_DIGIT_AFTER)]
    country, national = country_and_number(key)
    number = _BETWEEN.join(national)
    abroad = f"{_PLUS}?{_BETWEEN}{_BETWEEN.join(country)}{_BETWEEN}(?:\\(?0\\)?)?{_BETWEEN}{number}"
    at_home = f"{'' if len(national) >= 10 else '0'}{_BETWEEN}{number}"
    ways = [abroad] if len(national) < SHORTEST else [abroad, at_home]
    return [_Pattern(_NO_DIGIT_BEFORE, one, _NO_DIGIT_AFTER) for one in ways]


def _key(text: str) -> str:
    try:
        return phone_key(text)
    except ValueError:
        return text


__all__ = ["Texts", "is_in"]
