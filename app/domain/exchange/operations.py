"""Exchange rates: what one unit of a currency is worth in another, from a day on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.groups.operations import whole_group
from app.domain.inputs import Path
from app.domain.settable import needed, written
from app.errors import MAX_TOLD, Failure, Invalid, Several, TooLarge
from app.values.money import is_currency

MAX_RATES = 5_000
DECIMALS = 10
MAX_RATE = Decimal(10) ** 10


def _currency(value: str, path: Path) -> str:
    if not is_currency(value):
        raise Invalid("A currency is three capital letters, such as EUR.", path=path)
    return value


def _rate(value: Decimal, path: Path) -> Decimal:
    exponent = value.normalize().as_tuple().exponent
    if not 0 < value < MAX_RATE or not isinstance(exponent, int) or exponent < -DECIMALS:
        raise Invalid(
            f"A rate is more than 0, less than 10^10, and has at most {DECIMALS} decimals.", path=path
        )
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One unit of `from_currency` is worth `rate` of `to_currency`, from `day` on."""

    from_currency: str = needed("The currency that is converted (ISO 4217).", check=_currency)
    to_currency: str = needed("The currency it is converted into.", check=_currency)
    day: date = needed("The first day it holds, until the pair's next rate.")
    rate: Decimal = needed("What one unit is worth; more than 0, 10 decimals at most.", check=_rate)


_UPSERT = """
INSERT INTO exchange_rate (group_id, created_at, from_currency, to_currency, day, rate)
SELECT $1, $2, given.* FROM unnest($3::text[], $4::text[], $5::date[], $6::numeric[]) AS given
ON CONFLICT (group_id, from_currency, to_currency, day) DO UPDATE SET rate = excluded.rate
RETURNING id, from_currency, to_currency, day
"""


async def upsert_rates(tx: Transaction, rates: Sequence[Rate], *, now: datetime) -> list[int]:
    """Store all or none; a pair's rate of the same day is replaced. Their ids, in the order given.

    Where a pair and day are given twice, the last one counts.
    """
    whole_group(tx)
    _check(rates)
    last = {(one.from_currency, one.to_currency, one.day): one for one in rates}
    # In the order of their keys, so that two calls that write the same ones cannot deadlock.
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
        path = ("rates", at)
        written(one, path, faults=faults)
        if one.from_currency == one.to_currency:
            faults.append(Invalid("A rate is between two currencies.", path=[*path, "toCurrency"]))
    if faults:
        raise Several(faults[:MAX_TOLD])
