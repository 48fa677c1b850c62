"""Every way to the same number gives the same digits, over random histories, and as an own reckoning says.

`HISTORIES=200` for more of them than a run of the suite has time for.
"""

import json
import os
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.db.database import Database
from app.domain.exchange.operations import Rate, upsert_rates
from app.domain.groups.fields import GroupFields
from app.domain.groups.operations import update_group
from app.graph.running.context import Context
from app.settings import read_settings
from app.tables.groups import AttributionModel as Model
from app.values.scope import Scope
from app.worker.attribution import Attribution
from tests.attribution.histories import Touched
from tests.figures.histories import CURRENCIES, NOW, World, arrivals, history, project_of, store_of, world
from tests.figures.reckoning import RATES_TOLD, Part, Reckoned, Row, converted, rates, reckon, shares, summed
from tests.given.asking import Asker
from tests.rest.conftest import extranet, gateway, marketers, settings

__all__ = ["extranet", "gateway", "marketers", "settings"]

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
query($since: Date, $until: Date) {
  campaigns: attribution(by: CAMPAIGN, since: $since, until: $until) { ...A }
  channels: attribution(by: CHANNEL, since: $since, until: $until) { ...A }
  stores: attribution(by: STORE, since: $since, until: $until) { ...A }
  each: campaigns(first: 9) { nodes { id attribution(since: $since, until: $until) {
    currency revenue { amount } cost { amount } } } }
}
fragment A on AttributionRow {
  campaign { id } channel isUnknown store { id } currency revenue { amount } cost { amount } }
"""


CONVERTED = f"""
fragment N on MetricFigures {{ {NUMBERS} }}
query {{
  whole: figures(currency: "EUR") {{ ...N }}
  days: figures(currency: "EUR", interval: DAY) {{ period ...N }}
  channels: figures(currency: "EUR", by: [CHANNEL]) {{ channel ...N }}
  stores: figures(currency: "EUR", by: [STORE]) {{ store {{ id }} ...N }}
  campaigns: figures(currency: "EUR", by: [CAMPAIGN]) {{ campaign {{ id }} ...N }}
  attribution(by: CAMPAIGN, currency: "EUR") {{
    campaign {{ id }} currency revenue {{ amount }} cost {{ amount }} }}
}}
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
            told: dict[str, Fraction | None] = {
                name: None if row[name] is None else Fraction(row[name]) for name in RATES
            }
            out[key(row), row["currency"]] = {**numbers_of(row), **told}
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


Both = dict[Any, tuple[Fraction, Fraction]]
"""Revenue and cost."""


def earned_and_spent(parts: Sequence[Part], rows: Reckoned, key: Callable[[Any, Any], Any]) -> Both:
    """By campaign and channel, as `key` has them, and currency."""
    out: defaultdict[Any, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for campaign, channel, _, currency, amount in parts:
        out[key(campaign, channel), currency][0] += amount
    for (campaign, _, channel), currency, numbers in rows:
        out[key(campaign, None if channel == "unknown" else channel), currency][1] += numbers["spend"]
    return {place: (both[0], both[1]) for place, both in out.items() if any(both)}


def said(found: Sequence[dict[str, Any]], key: Callable[[Any], Any]) -> Both:
    both = {
        (key(row), row["currency"]): (Fraction(row["revenue"]["amount"]), Fraction(row["cost"]["amount"]))
        for row in found
    }
    return {place: some for place, some in both.items() if any(some)}


async def attributed(asker: Asker, made: World, rows: Reckoned, parts: Sequence[Part]) -> None:
    """Attribution says the same revenue and cost as figures do, of all days and of some."""
    days = sorted({row[1] for row, _, _ in rows} & {part[2] for part in parts})
    spans: list[tuple[date | None, date | None]] = [(None, None)]
    spans += [(days[0], days[len(days) // 2]), (days[-1], days[-1])]
    for since, until in spans:
        asked = {"since": since and str(since), "until": until and str(until)}
        data = await answer(asker, made.scope, ATTRIBUTED, **asked)
        earned = [p for p in parts if (since or p[2]) <= p[2] <= (until or p[2])]
        spent = [one for one in rows if (since or one[0][1]) <= one[0][1] <= (until or one[0][1])]
        agreed(made, data, earned, spent)


def agreed(made: World, data: dict[str, Any], earned: Sequence[Part], spent: Reckoned) -> None:
    named: dict[int | None, int | None] = {None: None, **dict(enumerate(made.campaigns))}
    stores: dict[int | None, int | None] = {
        None: None,
        **{n: made.stores[store_of(n)] for n in range(len(made.campaigns))},
    }
    assert said(data["campaigns"], lambda r: number(r["campaign"])) == earned_and_spent(
        earned, spent, lambda c, _: named[c]
    )
    assert said(data["stores"], lambda r: number(r["store"])) == earned_and_spent(
        earned, spent, lambda c, _: stores[c]
    )
    assert said(data["channels"], lambda r: (r["channel"], r["isUnknown"])) == earned_and_spent(
        earned, spent, lambda c, channel: (channel, c is not None and channel is None)
    )
    by_campaign = earned_and_spent(earned, spent, lambda c, _: named[c])
    for node in data["each"]["nodes"]:
        own = {place[1]: both for place, both in by_campaign.items() if place[0] == number(node)}
        assert {place[1]: both for place, both in said(node["attribution"], lambda _: 0).items()} == own


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
        await attributed(clocked, made, rows, shares(past, touches, model, window=30))
    await converting(clocked, made, reckon(past, touches, models[-1], now=NOW))


async def converting(asker: Asker, made: World, rows: Reckoned) -> None:
    """In one currency breakdowns add up to the whole as well, and attribution to the same."""
    told = [
        Rate(from_currency=ours, to_currency=theirs, day=day(since), rate=Decimal(rate))
        for ours, theirs, since, rate in RATES_TOLD
    ]
    async with made.db.transaction(made.scope) as tx:
        await upsert_rates(tx, told, now=NOW)
    data = await answer(asker, made.scope, CONVERTED)
    euros = converted(rows)
    ways: dict[str, tuple[Callable[[dict[str, Any]], Any], Callable[[Row], Any]]] = {
        "whole": (lambda _: 0, lambda _: 0),
        "days": (lambda r: day(r["period"]), lambda r: r[1]),
        "channels": (lambda r: r["channel"], lambda r: r[2]),
        "campaigns": (lambda r: number(r["campaign"]), lambda r: made.campaigns[r[0]]),
        "stores": (lambda r: number(r["store"]), lambda r: made.stores[store_of(r[0])]),
    }
    for name, (key, place) in ways.items():
        agree(shown(data[name], key), meant(euros, place), name)
    should = {
        place[0]: (sums["revenue"], sums["spend"])
        for place, sums in summed(euros, lambda r: made.campaigns[r[0]]).items()
        if sums["revenue"] or sums["spend"]
    }
    found = said([row for row in data["attribution"] if row["campaign"]], lambda r: number(r["campaign"]))
    assert {place: both for (place, _), both in found.items()} == should


@pytest.mark.parametrize("seed", range(100, 102))
async def test_nothing_depends_on_what_came_first(db: Database, seed: int) -> None:
    rng = random.Random(seed)
    past, found = history(rng, size=SIZE), []
    for model in (Model.CARRIED, Model.LINEAR):
        kept = []
        for _ in range(2):
            made = await world(db)
            await choose(made, model)
            coming = arrivals(rng, past)
            await made.tell(coming[: SIZE // 2])
            await settled(made)
            await made.tell(coming[SIZE // 2 :])
            await settled(made)
            await made.close()
            kept.append([await kept_in(made, table) for table in ("campaign_metric", "metric_fact")])
            kept[-1].append(await sums_of(made))
        assert kept[0] == kept[1]
        found.append(kept[0])
    assert found[0] != found[1]


async def kept_in(made: World, table: str) -> dict[Any, dict[str, Any]]:
    """Rows by what they are of; those of nothing say nothing."""
    async with made.db.transaction(made.scope) as tx:
        rows = await tx.fetch(f"SELECT * FROM {table}")
    out = {}
    for row in rows:
        told = dict(row)
        place = (made.campaigns.index(told["campaign_id"]), told["day"], told["channel"], told["currency"])
        numbers = {
            n: v for n, v in told.items() if isinstance(v, int | Decimal) and v and not n.endswith("id")
        }
        if numbers:
            out[(*place, told.get("source"))] = numbers
    return out


async def sums_of(made: World) -> dict[Any, dict[str, Any]]:
    """The stores' sums."""
    async with made.db.transaction(made.scope) as tx:
        rows = await tx.fetch("SELECT * FROM metric_rollup")
    return {
        (made.stores.index(row["store_id"]), row["day"], row["channel"], row["currency"]): numbers
        for row in rows
        if (
            numbers := {
                n: v for n, v in row.items() if isinstance(v, int | Decimal) and v and not n.endswith("id")
            }
        )
    }


async def test_the_legacy_apis_print_the_same(
    db: Database, extranet: Callable[..., Any], marketers: Callable[..., Any]
) -> None:
    rng = random.Random(7)
    past, made = history(rng, size=2 * SIZE), await world(db)
    await choose(made, Model.LINEAR)
    await made.tell(past)
    await settled(made)
    await made.close()
    touches = await touches_of(made)
    lagriffe, crm = await extranet(given=made.group), await marketers(given=made.group)
    # They ask today: nothing is to come any more.
    rows = reckon(past, touches, Model.LINEAR, now=datetime.now(UTC))
    for place, ident in enumerate(made.campaigns):
        own = [(row, CURRENCIES[place], numbers) for row, _, numbers in rows if row[0] == place]
        sums = summed(own, lambda _: 0)[0, CURRENCIES[place]]
        inside = [one for one in rows if one[0][0] == place and one[1] == CURRENCIES[place]]
        revenue = sum((numbers["revenue"] for _, _, numbers in inside), Fraction(0))
        shown_there = (await lagriffe.get(f"/api/campaigns/{ident}"))["metrics"]
        whole = {"impressions": sums["impressions"], "clicks": sums["clicks"], "conversions": sums["whole"]}
        assert exact(shown_there) == whole | {"spend": sums["spend"]}
        listed = await lagriffe.get(f"/api/campaigns/{ident}/metrics")
        assert exact(listed["totals"]) == exact(shown_there)
        series = [day for channel in listed["channels"] for day in channel["series"]]
        for name in ("impressions", "clicks", "spend"):
            assert sum((exact(one)[name] for one in series), Fraction(0)) == sums[name], name
        printed = (await crm.get(f"/campaigns/camp_{ident}"))["metrics"]
        told = rates({**sums, "revenue": revenue})
        assert exact(printed) == {
            **{name: sums[name] for name in ("sent", "delivered", "opened", "clicked", "unsubscribed")},
            "converted": sums["whole"], "revenue_attributed": revenue,
            "open_rate": told["openRate"] or 0, "click_rate": told["clickRate"] or 0,
            "conversion_rate": told["reachedConversionRate"] or 0,
        }  # fmt: skip


def exact(printed: dict[str, Any]) -> dict[str, Fraction]:
    """Numbers as they are printed."""
    return {name: Fraction(str(some)) for name, some in printed.items() if isinstance(some, int | float)}
