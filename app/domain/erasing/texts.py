"""The texts that identify a person, and how they are found wherever they stand, however they were escaped. Pure.

What is searched for is strong: e-mail addresses, telephone numbers, trackers, ids of other systems. Names are common
words; they go with the person's own rows. A text too short to be anybody's alone is not searched for either.

How closely is looked depends on whose the row is. In the person's own rows a text is found whatever stands beside it:
too much found does no harm there. In others' rows `x-eva@example.com` may be somebody's whole address, and stays; only
in keys and references, which are put together of things (`SHOP-1-eva@example.com`), a sign ends what is before it.

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
_FILES = r"(?!(?:csv|tsv|txt|json|jsonl|ndjson|gz|zip|xml|htm|html|pdf|log)(?!\w))"
_NOT_AFTER = rf"(?![\w-]|\.{_FILES}\w)"
"""A longer domain is another address; the end of a file's name is none."""
_ESCAPED_BEFORE = r"(?<=%[0-9a-fA-F]{2})|(?<=\\[nrtbf])|(?<=\\u[0-9a-fA-F]{4})"
_NOT_BEFORE = rf"(?:(?<![\w.+-])|{_ESCAPED_BEFORE})"
_SIGN_BEFORE = rf"(?:(?<!\w)|(?<=_)|{_ESCAPED_BEFORE})"
_SIGN_AFTER = rf"(?:(?=_)|(?!\w|\.{_FILES}\w))"
_WHOLE_BEFORE = rf"(?:(?<![\w-])|{_ESCAPED_BEFORE})"
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
    shared: frozenset[str] = field(default=frozenset(), repr=False)
    """What somebody else is known by as well: it goes from the person's own rows alone."""

    @property
    def strong(self) -> list[str]:
        """Patterns that find the person in rows that nobody knows to be theirs; none: nothing is strong enough."""
        return _joined([str(one) for one in self._strong()])

    @property
    def cores(self) -> list[str]:
        """Patterns that find all of these and more, without a look at what stands beside: ten times as fast."""
        return _joined([one.core for one in self._strong()])

    @property
    def in_keys(self) -> list[str]:
        """Patterns for keys and references of others: of addresses, what stands beside a sign is a part of its own."""
        return _joined([str(one) for one in self._strong(_SIGN_BEFORE, _SIGN_AFTER)])

    @property
    def addresses(self) -> list[str]:
        """Patterns of addresses and numbers alone: ids may be words that the group calls its own things by."""
        return _joined([str(one) for one in dict.fromkeys([*self._emails(), *self._phones()])])

    def _strong(self, before: str = _NOT_BEFORE, after: str = _NOT_AFTER) -> "list[_Pattern]":
        keys = [_whole(one) for one in sorted(self.keys) if len(one) >= SHORTEST]
        return [*dict.fromkeys([*self._emails(before, after), *self._phones(), *keys])]

    def _emails(self, before: str = _NOT_BEFORE, after: str = _NOT_AFTER) -> "list[_Pattern]":
        return [_email(one, before, after) for one in sorted(_spellings(self.emails))]

    def _phones(self) -> "list[_Pattern]":
        return [found for one in sorted(self.phones) for found in _phone(one)]

    def told(self, ids: Iterable[str]) -> list[str]:
        """Patterns for the person's own rows: all that is told of them, names, shared texts and ids here, anywhere."""
        emails = {one for one in self.shared if "@" in one}
        own = Texts(
            self.emails | emails, self.phones | (self.shared - emails), self.keys | (self.shared - emails)
        )
        names = (
            _whole(one, _SIGN_BEFORE, _SIGN_AFTER) for one in sorted(self.names) if len(one) >= SHORTEST_NAME
        )
        words = [str(_whole(one)) for one in sorted({*ids, *own.keys})]
        return own.cores + _joined([*map(str, names), *words])

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


def _email(text: str, before: str, after: str) -> _Pattern:
    return _Pattern(before, "".join(_letter(one) for one in text), after)


def _whole(text: str, before: str = _WHOLE_BEFORE, after: str = _WHOLE_AFTER) -> _Pattern:
    return _Pattern(before, "".join(_letter(one, plain=True) for one in text), after)


def _letter(letter: str, *, plain: bool = False) -> str:
    """A character however it was escaped. `plain`: letters and digits of ASCII stand for themselves."""
    if plain and letter.isascii() and letter.isalnum():
        return letter
    forms = {letter, *(other for other in (letter.lower(), letter.upper()) if len(other) == 1)}
    for alike in (_SIGMAS, _SHARP):
        if letter in alike:
            forms |= set(alike)
    # One way for all its forms: where a letter matches in two ways, a text that almost matches takes for ever.
    plain_ones = "".join(_itself(one) for one in sorted(forms))
    ways = [
        f"[{plain_ones}]" if len(forms) > 1 else plain_ones,
        *(way for one in sorted(forms) for way in _ways(one)),
    ]
    return f"(?:{'|'.join(ways)})"


def _itself(letter: str) -> str:
    return letter if letter.isalnum() or ord(letter) > 127 else f"\\{letter}"


def _ways(letter: str) -> list[str]:
    wide = letter.encode("utf-16-be", "surrogatepass")
    units = "".join(rf"\\u{wide[at : at + 2].hex()}" for at in range(0, len(wide), 2))
    quoted = "".join(f"%{byte:02x}" for byte in letter.encode("utf-8", "surrogatepass"))
    return [units, quoted, *([rf"\\\{letter}"] if letter in '"\\/' else [])]


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
