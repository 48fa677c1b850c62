"""Values from outside, checked one by one. Each failure names the input field it is about."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from app.errors import Failure, Invalid
from app.values.money import MAX_AMOUNT, digits_of
from app.values.numbers import MAX_SAFE_INTEGER
from app.values.texts import MAX_TEXT, read_text, read_url

MAX_CHANNELS = 50
EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
MAX_AHEAD = timedelta(hours=14)
"""Somewhere on earth it is tomorrow already."""
MAX_NAME = 255
MAX_CODE = 64
SMALLEST = Decimal("0.0001")
"""The smallest amount that a `numeric(18,4)` column holds."""

TOO_MANY_DIGITS = "TOO_MANY_DIGITS"
"""The code of an amount that no coins of its currency add up to."""

Path = Sequence[str | int]


def text(value: str, path: Path, *, longest: int = MAX_TEXT, blank: bool = True) -> str:
    """Text that can be stored."""
    try:
        return read_text(value, longest=longest, blank=blank)
    except ValueError as why:
        raise Invalid(f"`{_name(path)}` {why}.", path=path) from None


def name(value: str, path: Path) -> str:
    """What people call something: 1 to 255 characters."""
    return text(value, path, longest=MAX_NAME, blank=False)


def code(value: str, path: Path) -> str:
    """What programs call something: 1 to 64 characters."""
    return text(value, path, longest=MAX_CODE, blank=False)


def url(value: str, path: Path) -> str:
    """An absolute http(s) address."""
    try:
        return read_url(value)
    except ValueError as why:
        raise Invalid(f"`{_name(path)}`: {why}.", path=path) from None


def amount(value: Decimal, path: Path) -> Decimal:
    """Money that a column holds exactly: not negative, at most 4 decimals."""
    if not value.is_finite():
        raise Invalid(f"`{_name(path)}` must be a number.", path=path)
    if value < 0:
        raise Invalid(f"`{_name(path)}` must not be negative.", path=path)
    if value > MAX_AMOUNT:
        raise Invalid(f"`{_name(path)}` must be at most {MAX_AMOUNT}.", path=path)
    if value != value.quantize(SMALLEST):
        raise Invalid(f"`{_name(path)}` has more than 4 decimals.", path=path)
    return value


def coins(value: Decimal, currency: str, path: Path) -> Decimal:
    """Money in whole coins of its currency. Asked where the currency is known, after `amount`."""
    digits = digits_of(currency)
    if value != value.quantize(Decimal(1).scaleb(-digits)):
        most = f"at most {digits} decimals" if digits else "no decimals"
        raise Invalid(
            f"`{_name(path)}` has more digits than its currency: an amount in {currency} has {most}, not {value:f}.",
            path=path,
            code=TOO_MANY_DIGITS,
        )
    return value


def broken_coins(told: Iterable[tuple[Decimal | None, str, Path]]) -> list[Failure]:
    """What is wrong with many amounts: each with its currency and its path; None was not said."""
    found: list[Failure] = []
    for value, currency, path in told:
        try:
            if value is not None:
                coins(value, currency, path)
        except Invalid as fault:
            found.append(fault)
    return found


def moment(value: datetime, path: Path) -> datetime:
    """An instant that a column can hold; the driver would send those at the very ends of the calendar as infinity."""
    if not EARLIEST <= value < LATEST:
        raise Invalid(
            f"`{_name(path)}` must lie between 0001-01-02 and 9999-12-30.", path=path, code="OUT_OF_CALENDAR"
        )
    return value


def past(value: datetime, path: Path, *, now: datetime) -> datetime:
    """When something happened: at the latest now, by any clock on earth."""
    if value > now + MAX_AHEAD:
        raise Invalid(f"{value.isoformat()} is still to come.", path=path, code="DAY_TO_COME")
    return value


def count(value: int, path: Path) -> int:
    """A whole number that is not negative and fits 53 bits."""
    if not 0 <= value <= MAX_SAFE_INTEGER:
        raise Invalid(f"`{_name(path)}` must be a whole number from 0 to {MAX_SAFE_INTEGER}.", path=path)
    return value


def small(value: int, path: Path) -> int:
    """A code that fits a 32-bit column."""
    if not 0 <= value <= 2**31 - 1:
        raise Invalid(f"`{_name(path)}` must be a whole number from 0 to {2**31 - 1}.", path=path)
    return value


def within(least: int, most: int) -> Callable[[int, Path], int]:
    """A check for whole numbers between the two."""

    def check(value: int, path: Path) -> int:
        if not least <= value <= most:
            raise Invalid(f"`{_name(path)}` must be a whole number from {least} to {most}.", path=path)
        return value

    return check


def channels(values: Sequence[str], path: Path) -> list[str]:
    """Channel names in the order given; a repeated one is kept once."""
    if len(values) > MAX_CHANNELS:
        raise Invalid(f"There are {len(values)} channels; at most {MAX_CHANNELS} are allowed.", path=path)
    return list(
        dict.fromkeys(
            text(value, [*path, index], longest=MAX_CODE, blank=False) for index, value in enumerate(values)
        )
    )


def _name(path: Path) -> str:
    return ".".join(str(part) for part in path)
