"""Any history of sales, by any model: as the reference says to the coin, and every breakdown adds up to the whole."""

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.db.database import Database
from app.domain.attribution.sharing import SaleShare, shares_of_event_metrics, shares_of_orders
from app.settings import read_settings
from app.tables.groups import AttributionModel as Model
from tests.attribution.histories import History, Part, Sold, history, sums
from tests.given.asking import Asker

ROWS = """
query($by: AttributionDimension!, $model: AttributionModel, $half: Int, $window: Int, $since: Date, $until: Date,
      $currency: String) {
  attribution(by: $by, model: $model, halfLifeDays: $half, windowDays: $window, since: $since, until: $until,
              currency: $currency) {
    campaign { id } channel isUnknown store { id } currency revenue { amount } conversions
    unconverted { currency revenue { amount } } } }
"""
CHOOSE = """
UPDATE customer_group SET attribution_model = $2, attribution_window_days = $3, attribution_half_life_days = $4
 WHERE id = $1
"""
SINCE, UNTIL = date(2025, 3, 9), date(2025, 3, 30)
"""The days on which clocks go forward in New York and in Paris."""
RATES = {
    # From, into, day, rate. Of the dollar the inverse of the 20th is newer than the direct one of the 10th.
    ("USD", "EUR", "2025-03-01", "0.9"), ("USD", "EUR", "2025-03-10", "0.8"), ("EUR", "USD", "2025-03-20", "1.6"),
    ("USD", "EUR", "2025-03-25", "0.5"), ("EUR", "USD", "2025-03-25", "9"), ("EUR", "JPY", "2025-03-15", "160"),
}  # fmt: skip


@pytest.fixture(scope="module")
def asker(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Asker:
    return Asker(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


async def rows_of(asker: Asker, past: History, **asked: Any) -> list[dict[str, Any]]:
    planned, resolved = await asker.both(past.scope, ROWS, **asked)
    assert planned.execution == "planned", planned
    assert planned.body == resolved.body
    found: list[dict[str, Any]] = json.loads(planned.body)["data"]["attribution"]
    return found


def key_of(past: History, by: str, part: Part) -> object:
    if by == "CHANNEL":
        return past.channel_of(part)
    return part.campaign if by == "CAMPAIGN" else past.store_of(part.campaign)


def shown_key(by: str, row: dict[str, Any]) -> object:
    if by == "CHANNEL":
        return row["channel"], row["isUnknown"]
    assert row["isUnknown"] is False
    ident = row[by.lower()]
    return None if ident is None else int(ident["id"].partition("_")[2])


def shown(by: str, rows: list[dict[str, Any]], number: str) -> dict[object, Fraction]:
    counted = number == "conversions"
    return sums([
        ((shown_key(by, row), row["currency"]), Fraction(row[number] if counted else row[number]["amount"]))
        for row in rows
    ])  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_breakdown_is_as_the_reference_says(db: Database, asker: Asker, seed: int) -> None:
    past = await history(db, seed)
    whole = sums([(sale.currency, Fraction(sale.amount)) for sale in past.sales])
    for place, model in enumerate(Model):
        window, half = ((3, 1), (30, 7), (12, 400))[(place + seed) % 3]
        parts = [part for _, part in past.parts(model, window=window, half_life=half)]
        # The same rules as the group's choice, or asked for.
        rules: dict[str, Any] = {"model": model.name, "window": window, "half": half}
        if (place + seed) % 2:
            async with db.transaction(past.scope) as tx:
                await tx.execute(CHOOSE, past.group_id, model, window, half)
            rules = {}
        for by in ("CAMPAIGN", "CHANNEL", "STORE"):
            rows = await rows_of(asker, past, by=by, **rules)
            for number, of in (("revenue", "amount"), ("conversions", "credit")):
                meant = sums([((key_of(past, by, part), part.currency), getattr(part, of)) for part in parts])
                assert shown(by, rows, number) == meant, (model, by, number)
            assert sums([(r["currency"], Fraction(r["revenue"]["amount"])) for r in rows]) == whole
            some = await rows_of(asker, past, by=by, since=str(SINCE), until=str(UNTIL), **rules)
            inside = [part for part in parts if SINCE <= part.day <= UNTIL]
            meant = sums([((key_of(past, by, part), part.currency), part.amount) for part in inside])
            assert shown(by, some, "revenue") == meant, (model, by)


def rate(currency: str, day: date) -> Fraction | None:
    """Into euros: the newest, of the same day the direct one."""
    if currency == "EUR":
        return Fraction(1)
    held = [
        (since, ours == currency, Fraction(told) if ours == currency else 1 / Fraction(told))
        for ours, theirs, since, told in RATES
        if {ours, theirs} == {currency, "EUR"} and date.fromisoformat(since) <= day
    ]
    return max(held)[2] if held else None


async def test_what_is_converted_adds_up_however_it_is_broken_down(db: Database, asker: Asker) -> None:
    past = await history(db, 4)
    async with db.transaction(past.scope) as tx:
        for ours, theirs, day, told in RATES:
            await tx.execute(
                "INSERT INTO exchange_rate (group_id, from_currency, to_currency, day, rate)"
                " VALUES ($1, $2, $3, $4::text::date, $5::text::numeric)", past.group_id, ours, theirs, day, told,
            )  # fmt: skip
    for model in Model:
        parts = [part for _, part in past.parts(model, window=30, half_life=7)]
        # What a campaign has in a channel on a day is converted, and rounded, as a whole.
        pieces = sums([((p.campaign, past.channel_of(p), p.day, p.currency), p.amount) for p in parts])
        totals = set()
        for by in ("CAMPAIGN", "CHANNEL", "STORE"):
            rows = await rows_of(asker, past, by=by, model=model.name, window=30, half=7, currency="EUR")
            known, left = [], []
            for (campaign, channel, day, currency), amount in pieces.items():
                key = {"CAMPAIGN": campaign, "CHANNEL": channel, "STORE": past.store_of(campaign)}[by]
                held = rate(currency, day)
                if held is None:
                    left.append(((key, currency), amount))
                else:
                    exact = amount * held * 10_000
                    rounded = int(abs(exact) + Fraction(1, 2)) * (-1 if exact < 0 else 1)
                    known.append(((key, "EUR"), Fraction(rounded, 10_000)))
            assert shown(by, rows, "revenue") == sums(known), (model, by)
            assert sums([
                ((shown_key(by, row), one["currency"]), Fraction(one["revenue"]["amount"]))
                for row in rows for one in row["unconverted"]
            ]) == sums(left), (model, by)  # fmt: skip
            totals.add(sum(Decimal(row["revenue"]["amount"]) for row in rows))
        assert len(totals) == 1, model


@pytest.mark.parametrize("model", Model)
async def test_sums_that_are_kept_get_the_same_shares(db: Database, model: Model) -> None:
    past = await history(db, 5)
    async with db.transaction(past.scope) as tx:
        await tx.execute(CHOOSE, past.group_id, model, 12, 3)
        orders = await tx.fetch("SELECT id FROM customer_order")
        metrics = await tx.fetch("SELECT id FROM event_metric")
        of_orders = await shares_of_orders(tx, [row["id"] for row in orders])
        of_events = await shares_of_event_metrics(tx, [row["id"] for row in metrics])
    parts = past.parts(model, window=12, half_life=3)
    for found, is_order in ((of_orders, True), (of_events, False)):
        meant = [pair for pair in parts if (pair[0].project is None) is is_order]
        for number, of in (("amount", "amount"), ("credit", "credit")):
            assert sums([(_stored(one), Fraction(getattr(one, number))) for one in found]) == sums(
                [(_meant(past, *pair), getattr(pair[1], of)) for pair in meant]
            )


def _stored(one: SaleShare) -> object:
    return one.sale_id, one.campaign_id, one.channel, one.day, one.currency


def _meant(past: History, sale: Sold, part: Part) -> object:
    return sale.ident, part.campaign, past.channel_of(part)[0], part.day, part.currency
