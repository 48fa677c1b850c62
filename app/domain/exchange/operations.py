"""Exchange rates: what one unit of a currency is worth in another, from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.groups.operations import whole_group
from app.errors import MAX_TOLD, Failure, Invalid, Several, TooLarge
from app.values.money import is_currency

MAX_RATES = 5_000
DECIMALS = 10
MAX_RATE = Decimal(10) ** 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One unit of `from_currency` is worth `rate` of `to_currency`, from `day` on."""

    from_currency: str
    to_currency: str
    day: date
    rate: Decimal


_UPSERT = """
INSERT INTO exchange_rate (group_id, created_at, from_currency, to_currency, day, rate)
SELECT $1, $2, given.* FROM unnest($3::text[], $4::text[], $5::date[], $6::numeric[]) AS given
ON CONFLICT (group_id, from_currency, to_currency, day) DO UPDATE SET rate = excluded.rate
RETURNING id, from_currency, to_currency, day
"""


async def upsert_rates(tx: Transaction, rates: Sequence[Rate], *, now: datetime) -> list[int]:
    """Store all or none; a pair's rate of the same day is replaced. Their ids, in the order given.

    Of the same pair and day given twice the last one counts.
    """
    whole_group(tx)
    _check(rates)
    last = {(one.from_currency, one.to_currency, one.day): one for one in rates}
    # In the order of their keys, so that two who write the same ones cannot deadlock.
    keys = sorted(last)
    with refusals():
        rows = await tx.fetch(
            _UPSERT, tx.scope.group_id, now,
            [ours for ours, _, _ in keys], [theirs for _, theirs, _ in keys], [day for _, _, day in keys],
            [last[key].rate for key in keys],
        )  # fmt: skip
    ids = {(row["from_currency"], row["to_currency"], row["day"]): int(row["id"]) for row in rows}
    return [ids[key] for key in last]


def _check(rates: Sequence[Rate]) -> None:
    if len(rates) > MAX_RATES:
        raise TooLarge(
            f"There are {len(rates)} rates; at most {MAX_RATES} are taken at once.", path=["rates"]
        )
    faults: list[Failure] = []
    for at, one in enumerate(rates):
        path: list[str | int] = ["rates", at]
        for name, code in (("fromCurrency", one.from_currency), ("toCurrency", one.to_currency)):
            if not is_currency(code):
                faults.append(
                    Invalid("A currency is three capital letters, such as EUR.", path=[*path, name])
                )
        if one.from_currency == one.to_currency:
            faults.append(Invalid("A rate is between two currencies.", path=[*path, "toCurrency"]))
        exponent = one.rate.normalize().as_tuple().exponent
        if not 0 < one.rate < MAX_RATE or not isinstance(exponent, int) or exponent < -DECIMALS:
            faults.append(
                Invalid(
                    f"A rate is more than 0, less than 10^10, and has at most {DECIMALS} decimals.",
                    path=[*path, "rate"],
                )
            )
    if faults:
        raise Several(faults[:MAX_TOLD])
