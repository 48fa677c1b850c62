"""Storing what a source says, and everything that follows from it: the headline of that day, and the stores' sums.

The caller holds the campaigns' rows, so nobody else writes facts of theirs. Rollup rows belong to many campaigns; they
are written after that, in the order of their keys, so two callers wait for one another and cannot deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain.metrics.headline import HEADLINE, KEPT
from app.tables.metrics import FIGURES, WHOLE

Key = tuple[int, date, str]
"""Campaign, day, channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a source says of a key. Numbers that are absent are not said; `spend` is by how much its ledger moved."""

    campaign_id: int
    day: date
    channel: str
    source: str
    currency: str
    numbers: Mapping[str, Decimal | int]
    implied: int = 0
    extra: str | None = None

    @property
    def key(self) -> Key:
        return self.campaign_id, self.day, self.channel


async def store_facts(
    tx: Transaction, said: Sequence[Said], stores: Mapping[int, int], *, add: bool, now: datetime
) -> None:
    """Set or add what is said, and let headline and sums follow. `stores`: each campaign's.

    Each key, source and currency comes once.
    """
    if not said:
        return
    ordered = sorted(said, key=lambda one: (*one.key, one.source, one.currency))
    with refusals():
        changed = await _write_facts(tx, ordered, stores, add=add, now=now)
        # Where nothing changed, the headline is what it was.
        await settle_headlines(tx, changed, stores, now=now)


async def settle_headlines(
    tx: Transaction, keys: Iterable[Key], stores: Mapping[int, int], *, now: datetime
) -> None:
    """Make the headlines of these keys anew from their facts, and move the stores' sums by what changed."""
    ordered = sorted(set(keys))
    if not ordered:
        return
    await tx.execute(
        _SETTLE, tx.scope.group_id, now, *([key[n] for key in ordered] for n in range(3)), *_of_stores(stores)
    )


def _arrays(first: int, kinds: Iterable[str]) -> str:
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(kinds, start=first))


def kind_of(name: str) -> str:
    """The type of a number's column, for arrays of them."""
    return "bigint" if name in (*WHOLE, "shown_clicks") else "numeric"


def _said(name: str) -> str:
    if name == "spend":
        return "spend = f.spend + excluded.spend"
    return (
        f"{name} = CASE WHEN excluded.{name} IS NULL THEN f.{name}"
        f" WHEN $3 THEN coalesce(f.{name}, 0) + excluded.{name} ELSE excluded.{name} END"
    )


def _changes(name: str) -> str:
    if name in ("spend", "implied"):
        return f"excluded.{name} <> 0"
    return f"excluded.{name} IS NOT NULL AND ($3 OR f.{name} IS DISTINCT FROM excluded.{name})"


_FACT_KEY = "campaign_id, day, channel, source, currency"
_FACT_COLUMNS = f"{_FACT_KEY}, {', '.join(FIGURES)}, implied, extra"
_FACTS = f"""
INSERT INTO metric_fact AS f (group_id, created_at, {_FACT_COLUMNS})
SELECT $1, $2, {", ".join(f"given.{c}" for c in _FACT_COLUMNS.removesuffix(", extra").split(", "))}, given.extra::json
  FROM unnest({_arrays(4, ["bigint", "date", "text", "text", "text", *map(kind_of, FIGURES), "bigint", "text"])})
    AS given ({_FACT_COLUMNS})
ON CONFLICT (group_id, campaign_id, day, channel, source, currency) DO UPDATE
   SET {", ".join(map(_said, FIGURES))}, implied = f.implied + excluded.implied,
       extra = coalesce(excluded.extra, f.extra)
 WHERE {" OR ".join(map(_changes, (*FIGURES, "implied")))}
    OR excluded.extra IS NOT NULL AND f.extra::text IS DISTINCT FROM excluded.extra::text
RETURNING {", ".join(f"new.{c}" for c in _FACT_KEY.split(", "))},
       {", ".join(f"coalesce(new.{n}, 0) - coalesce(old.{n}, 0) AS {n}" for n in FIGURES)}
"""


async def _write_facts(
    tx: Transaction, said: Sequence[Said], stores: Mapping[int, int], *, add: bool, now: datetime
) -> set[Key]:
    """Store them and move the stores' sums by what changed; where that is. What is said again is not written again."""
    rows = await tx.fetch(
        _TELL,
        tx.scope.group_id,
        now,
        add,
        [one.campaign_id for one in said],
        [one.day for one in said],
        [one.channel for one in said],
        [one.source for one in said],
        [one.currency for one in said],
        *(
            [one.numbers.get(name, Decimal(0) if name == "spend" else None) for one in said]
            for name in FIGURES
        ),
        [one.implied for one in said],
        [one.extra for one in said],
        *_of_stores(stores),
    )
    return {(row["campaign_id"], row["day"], row["channel"]) for row in rows}


def _of_stores(stores: Mapping[int, int]) -> tuple[list[int], list[int]]:
    return list(stores.keys()), list(stores.values())


_KEYS = f"SELECT * FROM unnest({_arrays(3, ['bigint', 'date', 'text'])})"
_HEADLINES = f"""
WITH k (campaign_id, day, channel) AS ({_KEYS})
INSERT INTO campaign_metric AS m (group_id, created_at, campaign_id, day, channel, currency, {", ".join(KEPT)}, extra)
SELECT $1, $2, one.campaign_id, one.day, one.channel, one.currency, {", ".join(f"one.{n}" for n in KEPT)},
       coalesce(one.extra, '{{}}')
  FROM ({HEADLINE}) one
ON CONFLICT (group_id, campaign_id, day, channel, currency) DO UPDATE
   SET {", ".join(f"{n} = excluded.{n}" for n in (*KEPT, "extra"))}
 WHERE ({", ".join(f"m.{n}" for n in KEPT)}, m.extra::text)
       IS DISTINCT FROM ({", ".join(f"excluded.{n}" for n in KEPT)}, excluded.extra::text)
RETURNING new.campaign_id, new.day, new.channel, new.currency,
       {", ".join(f"new.{n} - coalesce(old.{n}, 0) AS {n}" for n in KEPT)}
"""


def _sums(table: str, key: Sequence[str], numbers: Sequence[str], *, stores: int) -> str:
    """Adds what `moved` to a rollup. Rows are locked as they are met, which is in the order of their keys.

    `stores`: the parameter that has campaigns; the next one has their stores.
    """
    columns = f"store_id, {', '.join(key)}"
    ordered = ", ".join(("s.store_id", *(f"moved.{name}" for name in key)))
    return f"""
INSERT INTO {table} AS r (group_id, created_at, {columns}, {", ".join(numbers)})
SELECT $1, $2, {ordered}, {", ".join(f"sum(moved.{n})" for n in numbers)}
  FROM moved JOIN unnest(${stores}::bigint[], ${stores + 1}::bigint[]) AS s (campaign_id, store_id) USING (campaign_id)
 WHERE {" OR ".join(f"moved.{n} <> 0" for n in numbers)}
 GROUP BY {ordered} ORDER BY {ordered}
ON CONFLICT (group_id, {columns}) DO UPDATE
   SET {", ".join(f"{n} = r.{n} + excluded.{n}" for n in numbers)}
"""


_FACT_SUMS = _sums(
    "metric_fact_rollup", ("day", "channel", "source", "currency"), FIGURES, stores=len(FIGURES) + 11
)
_TELL = f"""
WITH moved AS ({_FACTS}), summed AS ({_FACT_SUMS})
SELECT campaign_id, day, channel FROM moved
"""
_SETTLE = f"""
WITH moved AS ({_HEADLINES})
{_sums("metric_rollup", ("day", "channel", "currency"), KEPT, stores=6)}
"""


def _summed(table: str, base: str, key: Sequence[str], numbers: Sequence[str]) -> str:
    """All of a rollup, from its base rows."""
    columns = ", ".join(("store_id", *key))
    sums = ", ".join(f"coalesce(sum(m.{n}), 0)" for n in numbers)
    return f"""
INSERT INTO {table} (group_id, created_at, {columns}, {", ".join(numbers)})
SELECT $1, now(), c.store_id, {", ".join(f"m.{name}" for name in key)}, {sums}
  FROM {base} m JOIN campaign c ON c.group_id = m.group_id AND c.id = m.campaign_id
 WHERE m.group_id = $1
 GROUP BY c.store_id, {", ".join(f"m.{name}" for name in key)}
 ORDER BY {columns}
"""


_ALL_KEYS = "SELECT DISTINCT campaign_id, day, channel FROM metric_fact WHERE group_id = $1"
REBUILD = (
    _HEADLINES.replace(_KEYS, _ALL_KEYS).replace("$2", "now()"),
    "DELETE FROM metric_rollup WHERE group_id = $1",
    "DELETE FROM metric_fact_rollup WHERE group_id = $1",
    _summed("metric_rollup", "campaign_metric", ("day", "channel", "currency"), KEPT),
    _summed("metric_fact_rollup", "metric_fact", ("day", "channel", "source", "currency"), FIGURES),
)
"""All that follows from a group's facts, made anew: statements that take the group."""

__all__ = ["REBUILD", "Key", "Said", "settle_headlines", "store_facts"]
