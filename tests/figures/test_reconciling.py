"""Every way to the same number gives the same digits, over random histories, and as an own reckoning says.

`HISTORIES=200` for more of them than a run of the suite has time for.
"""

import json
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from app.db.database import Database
from app.domain.groups.fields import GroupFields
from app.domain.groups.operations import update_group
from app.graph.running.context import Context
from app.settings import read_settings
from app.tables.groups import AttributionModel as Model
from app.values.scope import Scope
from app.worker.attribution import Attribution
from tests.attribution.histories import Touched
from tests.figures.histories import NOW, World, arrivals, history, project_of, store_of, world
from tests.figures.reckoning import Reckoned, Row, rates, reckon, shares, summed
from tests.given.asking import Asker

HISTORIES = int(os.environ.get("HISTORIES", "6"))
SIZE = 60
NAMES = {
    "impressions": "impressions", "clicks": "clicks", "conversions": "conversions", "sent": "sent",
    "delivered": "delivered", "opened": "opened", "clicked": "clicked", "unsubscribed": "unsubscribed",
    "opens": "opens", "machineOpens": "machine_opens", "spend": "spend", "plannedSpend": "planned",
    "revenue": "revenue",
}  # fmt: skip
MONEY = ("spend", "plannedSpend", "revenue")
RATES = (
    "clickThroughRate", "conversionRate", "openRate", "clickRate", "reachedConversionRate", "roas", "costPerClick",
    "costPerConversion",
)  # fmt: skip
NUMBERS = " ".join(["currency", *(f"{n} {{ amount }}" if n in MONEY else n for n in NAMES), *RATES])
QUESTION = f"""
fragment N on MetricFigures {{ {NUMBERS} }}
query {{
  whole: figures {{ ...N }}
  days: figures(interval: DAY) {{ period ...N }}
  months: figures(interval: MONTH) {{ period ...N }}
  channels: figures(by: [CHANNEL]) {{ channel ...N }}
  stores: figures(by: [STORE]) {{ store {{ id }} ...N }}
  campaigns: figures(by: [CAMPAIGN]) {{ campaign {{ id }} ...N }}
  projects: figures(by: [PROJECT]) {{ project {{ id }} ...N }}
  finest: figures(interval: DAY, by: [CAMPAIGN, CHANNEL]) {{ period channel campaign {{ id }} ...N }}
  group {{ figures(interval: DAY, by: [CHANNEL, STORE]) {{ period channel store {{ id }} ...N }} }}
  each_store: stores(first: 9) {{ nodes {{ id figures(by: [CHANNEL]) {{ channel ...N }} }} }}
  each: campaigns(first: 9) {{ nodes {{
    id currency figures(interval: DAY) {{ period ...N }} metrics {{ {NUMBERS} wholeConversions }} }} }}
}}
"""
ATTRIBUTED = """
query($model: AttributionModel, $since: Date, $until: Date) {
  campaigns: attribution(by: CAMPAIGN, model: $model, since: $since, until: $until) { ...A }
  channels: attribution(by: CHANNEL, model: $model, since: $since, until: $until) { ...A }
  stores: attribution(by: STORE, model: $model, since: $since, until: $until) { ...A }
  each: campaigns(first: 9) { nodes { id attribution(model: $model, since: $since, until: $until) {
    currency revenue { amount } cost { amount } } } }
}
fragment A on AttributionRow {
  campaign { id } channel isUnknown store { id } currency revenue { amount } cost { amount } }
"""


@dataclass(frozen=True)
class Clocked(Asker):
    """Asks as if it were the day after the history."""

    def context(self, scope: Scope, **more: Any) -> Context:
        return replace(Asker.context(self, scope, **more), now=NOW)


@pytest.fixture(scope="module")
def clocked(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Clocked:
    return Clocked(db, read_settings({"DATA_DIR": str(tmp_path_factory.mktemp("data"))}))


async def answer(asker: Asker, scope: Scope, query: str, **variables: Any) -> Any:
    planned = await asker.planned(scope, query, **variables)
    assert not planned.errors, planned.errors
    assert planned.execution == "planned"
    return json.loads(planned.body, parse_float=Fraction)["data"]


async def settled(made: World) -> None:
    """The worker has followed."""
    report = await Attribution().run(made.db, NOW)
    assert not report.errors, report.errors


async def touches_of(made: World) -> list[Touched]:
    """Visits as they are kept: which channel a landing page means is another matter."""
    async with made.db.transaction(made.scope) as tx:
        rows = await tx.fetch("SELECT * FROM interaction WHERE customer_id IS NOT NULL")
    places = {ident: n for n, ident in enumerate(made.campaigns)}
    return [
        Touched(
            made.customers.index(row["customer_id"]),
            [site.project_id for site in made.sites].index(row["project_id"]),
            row["occurred_at"], None if row["campaign_id"] is None else places[row["campaign_id"]], row["channel"],
        )
        for row in rows
    ]  # fmt: skip


def numbers_of(row: dict[str, Any]) -> dict[str, Fraction]:
    return {n: Fraction(row[n]["amount"] if n in MONEY else row[n]) for n in NAMES}


def shown(rows: Sequence[dict[str, Any]], key: Callable[[dict[str, Any]], Any]) -> dict[Any, dict[str, Any]]:
    """By key and currency; rows of nothing say nothing."""
    out = {}
    for row in rows:
        if any(numbers_of(row).values()):
            told = {name: None if row[name] is None else Fraction(row[name]) for name in RATES}
            out[key(row), row["currency"]] = numbers_of(row) | told
    return out


def meant(rows: Reckoned, key: Callable[[Row], Any]) -> dict[Any, dict[str, Any]]:
    return {
        place: {name: sums[ours] for name, ours in NAMES.items()} | rates(sums)
        for place, sums in summed(rows, key).items()
        if any(sums[ours] for ours in NAMES.values())
    }


def agree(found: dict[Any, dict[str, Any]], should: dict[Any, dict[str, Any]], name: str) -> None:
    """To the digit; of what differs, which number it is."""
    nothing: dict[str, Any] = {}
    differ = [
        (
            name,
            place,
            number,
            str(found.get(place, nothing).get(number)),
            str(should.get(place, nothing).get(number)),
        )
        for place in {**found, **should}
        for number in (*NAMES, *RATES)
        if found.get(place, nothing).get(number) != should.get(place, nothing).get(number)
    ]
    assert differ == []


def number(edge: dict[str, Any] | None) -> int | None:
    return None if edge is None else int(edge["id"].partition("_")[2])


def day(text: str) -> date:
    return date.fromisoformat(text)


async def compared(asker: Asker, made: World, rows: Reckoned) -> None:
    """Figures, whichever way they are asked."""
    data = await answer(asker, made.scope, QUESTION)
    camp = {n: ident for n, ident in enumerate(made.campaigns)}
    store = {n: made.stores[store_of(n)] for n in camp}
    project = {n: made.sites[project_of(n)].project_id for n in camp}
    ways: dict[str, tuple[Any, Callable[[dict[str, Any]], Any], Callable[[Row], Any]]] = {
        "whole": (data["whole"], lambda _: 0, lambda _: 0),
        "days": (data["days"], lambda r: day(r["period"]), lambda r: r[1]),
        "months": (data["months"], lambda r: day(r["period"]), lambda r: r[1].replace(day=1)),
        "channels": (data["channels"], lambda r: r["channel"], lambda r: r[2]),
        "stores": (data["stores"], lambda r: number(r["store"]), lambda r: store[r[0]]),
        "campaigns": (data["campaigns"], lambda r: number(r["campaign"]), lambda r: camp[r[0]]),
        "projects": (data["projects"], lambda r: number(r["project"]), lambda r: project[r[0]]),
        "finest": (
            data["finest"], lambda r: (number(r["campaign"]), day(r["period"]), r["channel"]),
            lambda r: (camp[r[0]], r[1], r[2]),
        ),
        "group": (
            data["group"]["figures"], lambda r: (number(r["store"]), day(r["period"]), r["channel"]),
            lambda r: (store[r[0]], r[1], r[2]),
        ),
    }  # fmt: skip
    for name, (found, key, place) in ways.items():
        agree(shown(found, key), meant(rows, place), name)
    for node in data["each_store"]["nodes"]:
        own = [one for one in rows if store[one[0][0]] == number(node)]
        agree(shown(node["figures"], lambda r: r["channel"]), meant(own, lambda r: r[2]), node["id"])
    assert {number(node) for node in data["each"]["nodes"]} == set(made.campaigns)
    for node in data["each"]["nodes"]:
        own = [one for one in rows if camp[one[0][0]] == number(node)]
        agree(shown(node["figures"], lambda r: day(r["period"])), meant(own, lambda r: r[1]), node["id"])
        totals(node["metrics"], own, node["currency"])


def totals(metrics: dict[str, Any], rows: Reckoned, currency: str) -> None:
    """A campaign's own: counts of all its sales, money in its currency."""
    sums = summed([(row, currency, numbers) for row, _, numbers in rows], lambda _: 0)
    inside = summed([one for one in rows if one[1] == currency], lambda _: 0)
    whole = dict.fromkeys((*NAMES.values(), "whole"), Fraction(0)) | sums.get((0, currency), {})
    for name, ours in NAMES.items():
        said = (inside.get((0, currency)) or whole)[ours] if name == "revenue" else whole[ours]
        if name == "revenue" and (0, currency) not in inside:
            said = Fraction(0)
        assert numbers_of(metrics)[name] == said, name
    assert metrics["wholeConversions"] == whole["whole"]
    if sums:
        money = {"revenue": inside.get((0, currency), {}).get("revenue", Fraction(0))}
        told = {name: None if metrics[name] is None else Fraction(metrics[name]) for name in RATES}
        assert told == rates({**sums[0, currency], **money})


async def attributed(asker: Asker, made: World, rows: Reckoned, model: Model | None, parts: Any) -> None:
    """Attribution says the same revenue and cost as figures do, of all days and of some."""
    days = sorted({row[1] for row, _, _ in rows} & {part[2] for part in parts})
    spans: list[tuple[date | None, date | None]] = [
        (None, None),
        (days[0], days[len(days) // 2]),
        (days[-1], days[-1]),
    ]
    named = {None: None, **dict(enumerate(made.campaigns))}
    stores = {None: None, **{n: made.stores[store_of(n)] for n in range(len(made.campaigns))}}
    for since, until in spans:
        asked = {"since": since and str(since), "until": until and str(until)}
        data = await answer(asker, made.scope, ATTRIBUTED, model=model and model.name, **asked)
        earned = [p for p in parts if (since or p[2]) <= p[2] <= (until or p[2])]
        spent = [one for one in rows if (since or one[0][1]) <= one[0][1] <= (until or one[0][1])]

        def sums(ours: Callable[[Any, Any], Any]) -> dict[Any, tuple[Fraction, Fraction]]:
            out: dict[Any, tuple[Fraction, Fraction]] = {}
            for campaign, channel, _, currency, amount in earned:
                revenue, cost = out.get((ours(campaign, channel), currency), (Fraction(0), Fraction(0)))
                out[ours(campaign, channel), currency] = revenue + amount, cost
            for (campaign, _, channel), currency, numbers in spent:
                told = None if channel == "unknown" else channel
                revenue, cost = out.get((ours(campaign, told), currency), (Fraction(0), Fraction(0)))
                out[ours(campaign, told), currency] = revenue, cost + numbers["spend"]
            return {place: both for place, both in out.items() if any(both)}

        def said(found: Any, key: Callable[[Any], Any]) -> dict[Any, tuple[Fraction, Fraction]]:
            both = {
                (key(row), row["currency"]): (
                    Fraction(row["revenue"]["amount"]),
                    Fraction(row["cost"]["amount"]),
                )
                for row in found
            }
            return {place: some for place, some in both.items() if any(some)}

        assert said(data["campaigns"], lambda r: number(r["campaign"])) == sums(lambda c, _: named[c])
        assert said(data["stores"], lambda r: number(r["store"])) == sums(lambda c, _: stores[c])
        assert said(data["channels"], lambda r: (r["channel"], r["isUnknown"])) == sums(
            lambda c, channel: (channel, c is not None and channel is None)
        )
        for node in data["each"]["nodes"]:
            place = made.campaigns.index(number(node) or 0)
            own = {(p, currency): both for (p, currency), both in sums(lambda c, _: c).items() if p == place}
            assert said(node["attribution"], lambda _, p=place: p) == own


async def choose(made: World, model: Model) -> None:
    async with made.db.transaction(made.scope) as tx:
        await update_group(tx, GroupFields(attribution_model=model), now=NOW)


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_every_way_to_a_number_gives_the_same_digits(db: Database, clocked: Clocked, seed: int) -> None:
    rng = random.Random(seed)
    models = [
        Model.CARRIED,
        *rng.sample([m for m in Model if m is not Model.CARRIED and m is not Model.TIME_DECAY], 2),
    ]
    rng.shuffle(models)
    past, made = history(rng, size=SIZE), await world(db)
    await choose(made, models[0])
    coming = arrivals(rng, past)
    # The worker comes by in between, and once more in the end.
    cuts = sorted(rng.randrange(len(coming)) for _ in range(3))
    for start, end in zip([0, *cuts], [*cuts, len(coming)], strict=True):
        await made.tell(coming[start:end])
        await settled(made)
    await made.close()
    touches = await touches_of(made)
    for model in models:
        if model is not models[0]:
            await choose(made, model)
            await settled(made)
        rows = reckon(past, touches, model, now=NOW)
        await compared(clocked, made, rows)
        await attributed(clocked, made, rows, None, shares(past, touches, model, window=30))
