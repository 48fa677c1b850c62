"""Groups with few rows, questions asked both ways, and a reckoning of its own for what the answers should be."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.db.database import Database
from app.tables.customers import Customer
from app.values.scope import Scope
from tests.given.asking import Asker
from tests.given.groups import group as given_group
from tests.given.inserting import insert


async def group(db: Database, *, zone: str = "Europe/Paris") -> Scope:
    """A group with one store."""
    return (await given_group(db, time_zone=zone)).scope


async def customer(db: Database, scope: Scope, **facts: Any) -> int:
    """A customer of the group; its id."""
    async with db.transaction(scope) as tx:
        row = Customer(group_id=scope.group_id, name="C", external_id=uuid4().hex, **facts)
        return int((await insert(tx, row))[0])


async def answers(asker: Asker, scope: Scope, query: str, **variables: Any) -> Any:
    """The data, which both executions agree on."""
    planned, resolved = await asker.both(scope, query, **variables)
    assert not planned.errors, planned.errors
    assert planned.execution == "planned", planned
    assert json.loads(planned.body) == json.loads(resolved.body)
    return json.loads(planned.body, parse_float=Decimal)["data"]


async def refusal(asker: Asker, scope: Scope, query: str, **variables: Any) -> str:
    """Why both executions refuse the question, in the same words."""
    planned, resolved = await asker.both(scope, query, **variables)
    assert planned.errors, planned
    assert planned.errors == resolved.errors
    return str(planned.errors[0]["message"])


Row = dict[str, Any]
"""A row that is summed up: its day, what it can be broken down by, its currency, its numbers."""


@dataclass(frozen=True)
class Asked:
    """A question, for the reckoning and as arguments."""

    by: tuple[str, ...] = ()
    unit: str = ""
    since: date | None = None
    until: date | None = None
    compare: str = ""
    fill: bool = False
    currency: str = ""

    @property
    def text(self) -> str:
        """As GraphQL has it."""
        parts = []
        if self.by:
            parts.append(f"by: [{', '.join(self.by)}]")
        if self.unit:
            parts.append(f"interval: {self.unit}")
        if self.since:
            parts.append(f'since: "{self.since}"')
        if self.until:
            parts.append(f'until: "{self.until}"')
        if self.compare:
            parts.append(f"compare: PREVIOUS_{self.compare}")
        if self.fill:
            parts.append("fill: true")
        if self.currency:
            parts.append(f'currency: "{self.currency}"')
        return f"({', '.join(parts)})" if parts else ""


def random_question(rng: random.Random, dimensions: Sequence[str], first: date, days: int) -> Asked:
    """Any question about these days."""
    since = first + timedelta(days=rng.randrange(days))
    until = since + timedelta(days=rng.randrange(days))
    if rng.random() < 0.3:
        since, until = since.replace(day=1), _month_end(until)
    bounded = rng.random() < 0.8
    return Asked(
        by=tuple(sorted(rng.sample(list(dimensions), rng.choice([0, 1, 1, 2])), key=list(dimensions).index)),
        unit=rng.choice(["", "DAY", "WEEK", "MONTH", "QUARTER", "SEMESTER", "YEAR"]),
        since=since if bounded else None,
        until=until if bounded else None,
        compare=rng.choice(["", "PERIOD", "YEAR"]) if bounded else "",
        fill=bounded and rng.random() < 0.4,
        currency=rng.choice(["", "", "EUR"]),
    )


def reckoned(
    rows: Sequence[Row],
    asked: Asked,
    total: Callable[[Sequence[Row]], Mapping[str, Any]],
    *,
    money: Sequence[str],
    rates: Mapping[str, Sequence[tuple[date, Decimal]]],
    usual: str = "EUR",
) -> list[Row]:
    """The rows of the answer in their order: keys, `now`, `before`, and what is left by currency."""
    windows: list[tuple[str, date | None, date | None, Callable[[date], date]]] = [
        ("now", asked.since, asked.until, lambda day: day)
    ]
    if asked.compare:
        assert asked.since is not None
        assert asked.until is not None
        windows.append(("before", *_former(asked, asked.since, asked.until)))
    found: dict[tuple[Any, ...], dict[str, list[Row]]] = {}
    left: dict[tuple[Any, ...], dict[str, dict[str, Decimal]]] = {}
    for which, since, until, moved in windows:
        for row in rows:
            if (since and row["day"] < since) or (until and row["day"] > until):
                continue
            period = stretch(moved(row["day"]), asked.unit) if asked.unit else None
            key = (period, *(row[name] for name in asked.by), asked.currency or row["currency"])
            rate = _rate(row, asked.currency, rates)
            worth = {name: None if rate is None else rounded(row[name] * rate) for name in money}
            found.setdefault(key, {"now": [], "before": []})[which].append({**row, **worth})
            if rate is None and which == "now":
                sums = left.setdefault(key, {}).setdefault(row["currency"], dict.fromkeys(money, Decimal(0)))
                for name in money:
                    sums[name] += row[name]
    if (asked.fill and asked.unit) or not (asked.unit or asked.by):
        places: list[date | None] = [None]
        if asked.unit:
            assert asked.since is not None
            assert asked.until is not None
            days = [asked.since + timedelta(days=n) for n in range((asked.until - asked.since).days + 1)]
            places = list(dict.fromkeys(stretch(day, asked.unit) for day in days))
        others = {key[1:] for key in found} or ({(asked.currency or usual,)} if not asked.by else set())
        for place in places:
            for other in others:
                found.setdefault((place, *other), {"now": [], "before": []})
    return [
        {
            "period": key[0], **dict(zip(asked.by, key[1:-1], strict=True)), "currency": key[-1],
            "now": total(both["now"]), "before": total(both["before"]) if asked.compare else None,
            "left": {c: sums for c, sums in sorted(left.get(key, {}).items()) if any(sums.values())},
        }
        for key, both in sorted(found.items(), key=lambda item: tuple((part is None, part) for part in item[0]))
    ]  # fmt: skip


def stretch(day: date, unit: str) -> date:
    """The first day of the stretch."""
    match unit:
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case "QUARTER":
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case "SEMESTER":
            return day.replace(month=1 if day.month <= 6 else 7, day=1)
        case "YEAR":
            return day.replace(month=1, day=1)
        case _:
            return day


def _former(asked: Asked, since: date, until: date) -> tuple[date, date, Callable[[date], date]]:
    after = until + timedelta(days=1)
    if asked.compare == "YEAR":
        move, back = 12, (_months(since, -12), _months(after, -12) - timedelta(days=1))
    elif since.day == 1 and after.day == 1:
        move = 12 * (after.year - since.year) + after.month - since.month
        back = (_months(since, -move), since - timedelta(days=1))
    else:
        length = after - since
        return since - length, since - timedelta(days=1), lambda day: day + length
    return *back, lambda day: min(until, max(since, _months(day, move)))


def _months(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    first = date(at // 12, at % 12 + 1, 1)
    return min(first.replace(day=1) + timedelta(days=day.day - 1), _month_end(first))


def _month_end(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _rate(row: Row, into: str, rates: Mapping[str, Sequence[tuple[date, Decimal]]]) -> Decimal | None:
    if not into or row["currency"] == into:
        return Decimal(1)
    known = [rate for day, rate in sorted(rates.get(row["currency"], ())) if day <= row["day"]]
    return known[-1] if known else None


def rounded(amount: Decimal) -> Decimal:
    """To four decimals, half away from zero."""
    return amount.quantize(Decimal("0.0001"), rounding="ROUND_HALF_UP")


def at_utc(day: date, hour: int) -> datetime:
    """An instant."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
