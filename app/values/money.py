"""Money: exact decimals with their currency, never floats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

# ISO 4217 minor units that are not 2.
NO_DIGITS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
THREE_DIGITS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())

MAX_AMOUNT = Decimal("99999999999999.9999")
"""The largest amount a `numeric(18,4)` column holds."""
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole units of `currency` (12.50 EUR, 1200 JPY)."""

    amount: Decimal
    currency: str


def digits_of(currency: str | None) -> int:
    """How many decimals the currency's smallest coin has (ISO 4217)."""
    if currency in NO_DIGITS:
        return 0
    return 3 if currency in THREE_DIGITS else 2


def show_amount(amount: Decimal, currency: str | None) -> str:
    """At least the currency's digits, more only where they are not zero: 1200 EUR → `1200.00`."""
    return _with_scale(amount, digits_of(currency))


def show_decimal(value: Decimal) -> str:
    """The shortest exact form: 1.5000 → `1.5`."""
    return _with_scale(value, 0)


def share_out(amount: Decimal, currency: str, weights: Sequence[int | Fraction]) -> list[Decimal]:
    """The amount in parts proportional to the weights, which are not negative and not all zero.

    Parts are whole coins of the currency (finer only where the amount is) and add up to the amount exactly: each
    is rounded down, and the rest goes to the largest remainders; of equal ones the first wins. A negative amount is
    shared like the positive one.
    """
    digits = max(digits_of(currency), -int(amount.normalize().as_tuple().exponent))
    coins, total = int(abs(amount).scaleb(digits)), sum(weights)
    parts = [int(coins * weight // total) for weight in weights]
    remainders = [coins * weight % total for weight in weights]
    largest = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in largest[: coins - sum(parts)]:
        parts[at] += 1
    sign = -1 if amount < 0 else 1
    return [Decimal(sign * part).scaleb(-digits) for part in parts]


def is_currency(text: str) -> bool:
    """Whether the text looks like an ISO 4217 code."""
    return _CURRENCY.fullmatch(text) is not None


def _with_scale(value: Decimal, digits: int) -> str:
    text = format(value, "f")
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(digits, "0")
    if whole == "-0" and not fraction.strip("0"):
        whole = "0"
    return f"{whole}.{fraction}" if fraction else whole
