"""The screens of a dashboard: each is one request and one statement, over the demonstration data."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from app.db.database import Database
from app.graph.running.entry import Answer, answer
from app.graph.running.explaining import explain
from app.graph.running.operations import Operation
from app.graph.schema import graph
from app.plan.cost import MAX_COST, MAX_WORK
from app.seeding.demo import DemoGroups, seed_demo
from app.values.scope import Scope
from tests.given.asking import NOW, Asker

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
FILES = sorted(FOLDER.glob("*.graphql"))
SCREENS = ("overview", "campaign", "stores", "segments-and-promos", "live")
FIRST_DAY = "2025-03-01"


@pytest.fixture(scope="module")
async def demo(db: Database) -> DemoGroups:
    """Both groups of the demonstration."""
    return await seed_demo(db, now=NOW)


def document(screen: str) -> str:
    return (FOLDER / f"{screen}.graphql").read_text()


def operations(screen: str, kind: OperationType) -> list[str]:
    """The names of its operations of this kind."""
    found = [one for one in parse(document(screen)).definitions if isinstance(one, OperationDefinitionNode)]
    return [one.name.value for one in found if one.operation is kind and one.name]


QUERIES = [(screen, name) for screen in SCREENS for name in operations(screen, OperationType.QUERY)]
STREAMS = [(screen, name) for screen in SCREENS for name in operations(screen, OperationType.SUBSCRIPTION)]


async def look(asker: Asker, scope: Scope, screen: str, name: str, **variables: Any) -> Any:
    """What the screen shows, which both executions agree on."""
    operation = Operation(document(screen), variables, name)
    planned, resolved = [
        await answer(operation, asker.context(scope, planner=planner)) for planner in (True, False)
    ]
    assert isinstance(planned, Answer)
    assert not planned.errors, planned.errors
    assert planned.execution == "planned", planned
    assert json.loads(planned.body) == json.loads(resolved.body)
    return json.loads(planned.body, parse_float=Decimal)["data"]


async def some_campaign(asker: Asker, scope: Scope, start: str) -> str:
    query = "query ($like: String) { campaigns(filter: {nameLike: $like}) { nodes { id } } }"
    found = await asker.planned(scope, query, like=start)
    return str(json.loads(found.body)["data"]["campaigns"]["nodes"][0]["id"])


def test_the_page_names_every_screen() -> None:
    page, readme = (FOLDER / "README.md").read_text(), (FOLDER.parents[1] / "README.md").read_text()
    assert sorted(SCREENS) == [file.stem for file in FILES]
    for screen in SCREENS:
        assert f"{screen}.graphql" in page
        assert f"docs/screens/{screen}.graphql" in readme
        assert document(screen).startswith("# ")


@pytest.mark.parametrize("screen", SCREENS)
def test_it_is_valid_and_its_variables_have_defaults(screen: str) -> None:
    parsed = parse(document(screen))
    assert validate(graph, parsed) == []
    for one in parsed.definitions:
        if isinstance(one, OperationDefinitionNode):
            needed = [
                v.variable.name.value for v in one.variable_definitions or () if v.default_value is None
            ]
            assert needed == (["id"] if screen == "campaign" else [])


@pytest.mark.parametrize(("screen", "name"), QUERIES)
async def test_it_is_one_statement_below_the_bounds(
    asker: Asker, demo: DemoGroups, screen: str, name: str
) -> None:
    scope = Scope(demo.groups[0].group_id)
    variables = {"id": await some_campaign(asker, scope, "Google")} if screen == "campaign" else {}
    plan = explain(Operation(document(screen), variables, name), asker.context(scope))
    assert plan.execution == "planned", plan.reason
    # Neither is refused, nor comes close to what one credential has saved up.
    assert plan.cost < MAX_COST / 2
    assert plan.work < MAX_WORK / 2
    assert plan.cost + plan.work < asker.settings.budget_burst / 10
    context = asker.context(scope)
    await answer(Operation(document(screen), variables, name), context)
    assert context.loaders is None


@pytest.mark.parametrize(("screen", "name"), QUERIES)
async def test_both_groups_see_it(asker: Asker, demo: DemoGroups, screen: str, name: str) -> None:
    for group, start in zip(demo.groups, ("Bienvenue", "Your first"), strict=True):
        scope = Scope(group.group_id)
        variables = {"id": await some_campaign(asker, scope, start)} if screen == "campaign" else {}
        shown = await look(asker, scope, screen, name, **variables)
        assert all(value not in (None, []) for value in shown.values()), shown


async def test_the_overview_shows_what_was_spent_and_earned(asker: Asker, demo: DemoGroups) -> None:
    for group in demo.groups:
        shown = await look(asker, Scope(group.group_id), "overview", "Overview")
        [total] = shown["totals"]
        assert len(shown["byDay"]) == 30
        for rows in (shown["byDay"], shown["byChannel"]):
            for figure in ("spend", "revenue"):
                assert sum(money(row[figure]) for row in rows) == money(total[figure])
            assert sum(Decimal(row["conversions"]) for row in rows) == Decimal(total["conversions"])
        ads = next(row for row in shown["byChannel"] if row["channel"] == "google_ads")
        assert money(ads["revenue"]) > 100
        assert 0.5 < ads["roas"] < 10
        top = [money(row["spend"]) for row in shown["topCampaigns"]]
        assert top == sorted(top, reverse=True)
        assert len(top) <= 10
    lumiere = await look(asker, Scope(demo.groups[0].group_id), "overview", "Overview")
    assert [one["code"] for one in lumiere["promosNearlyUsedUp"]["nodes"]] == ["RETOUR5"]
    assert all(80 <= one["usedShare"] for one in lumiere["promosNearlyUsedUp"]["nodes"])
    near = lumiere["limitsNearTheirCap"]["nodes"]
    assert "Retention – clients de l’hiver" in [one["name"] for one in near]
    assert all(one["spendLimit"]["pacing"]["usedShare"] >= 80 for one in near)
    everything = await look(asker, Scope(demo.groups[0].group_id), "overview", "Overview", nearlyFrom=0)
    assert everything["limitsNearTheirCap"]["totalCount"] == 2
    assert everything["promosNearlyUsedUp"]["totalCount"] == 2


async def test_a_campaign_shows_people_planned_spend_and_every_model(asker: Asker, demo: DemoGroups) -> None:
    scope = Scope(demo.groups[0].group_id)
    mails = await some_campaign(asker, scope, "Bienvenue")
    shown = (await look(asker, scope, "campaign", "Campaign", id=mails))["campaign"]
    [total] = shown["figures"]
    assert total["measured"]["delivered"] > 100
    assert total["reported"]["delivered"] > total["measured"]["delivered"]
    assert 10 < total["openRate"] <= 100
    assert {"deliveries", "orders", "reported:email"} <= {one["source"] for one in total["bySource"]}
    models = ("carried", "firstTouch", "lastTouch", "lastNonDirect", "linear", "positionBased", "timeDecay")
    revenues = {model: sum(money(row["revenue"]) for row in shown[model]) for model in models}
    assert all(revenue > 0 for revenue in revenues.values()), revenues
    assert len(set(revenues.values())) > 3
    posters = await some_campaign(asker, scope, "Affichage m")
    shown = (await look(asker, scope, "campaign", "Campaign", id=posters))["campaign"]
    assert money(shown["planned"][0]["plannedSpend"]) > 0
    assert shown["outlays"]["nodes"]
    planned = await asker.planned(
        scope, '{figures(since: "2025-06-01", until: "2025-06-30") {plannedSpend {amount}}}'
    )
    assert money(json.loads(planned.body)["data"]["figures"][0]["plannedSpend"]) > 0


@pytest.mark.parametrize("place", [0, 1])
async def test_one_number_has_one_meaning(asker: Asker, demo: DemoGroups, place: int) -> None:
    scope = Scope(demo.groups[place].group_id)
    window = f'since: "{FIRST_DAY}", until: "{NOW.date()}"'
    query = f"""
    {{
      figures({window}) {{ revenue {{ amount }} }}
      byCampaign: figures({window}, by: [CAMPAIGN]) {{ campaign {{ id }} revenue {{ amount }} }}
      byChannel: figures({window}, by: [CHANNEL]) {{ channel revenue {{ amount }} roas }}
      campaigns: attribution({window}, by: CAMPAIGN) {{ campaign {{ id }} revenue {{ amount }} }}
      channels: attribution({window}, by: CHANNEL) {{ channel isUnknown revenue {{ amount }} roas }}
      orderFigures({window}) {{ revenue {{ amount }} }}
      crm: campaigns(first: 50) {{ nodes {{ id metrics({window}) {{ revenue {{ amount }} }} }} }}
    }}
    """
    planned, resolved = await asker.both(scope, query)
    assert not planned.errors
    assert json.loads(planned.body) == json.loads(resolved.body)
    found = json.loads(planned.body, parse_float=Decimal)["data"]
    headline = money(found["figures"][0]["revenue"])
    shares = {row["campaign"]["id"]: money(row["revenue"]) for row in found["campaigns"] if row["campaign"]}
    figures = {row["campaign"]["id"]: money(row["revenue"]) for row in found["byCampaign"]}
    assert headline > 10_000
    assert sum(shares.values()) == sum(figures.values()) == headline
    assert worth(figures) == worth(shares)
    # What the CRM prints as `revenue_attributed`.
    printed = {one["id"]: money(one["metrics"]["revenue"]) for one in found["crm"]["nodes"]}
    assert worth(printed) == worth(shares)
    # By channel, attribution is the whole of what was sold; what no campaign led to has no figures.
    sold = sum(money(row["revenue"]) for row in found["campaigns"])
    assert sum(money(row["revenue"]) for row in found["channels"]) == sold
    assert sold >= money(found["orderFigures"][0]["revenue"]) > headline
    led = [row for row in found["channels"] if row["channel"] or row["isUnknown"]]
    channels = {row["channel"] or "unknown": money(row["revenue"]) for row in led}
    headlines = {row["channel"]: money(row["revenue"]) for row in found["byChannel"]}
    if place == 0:
        # Direct is what no campaign carries.
        assert sum(channels.values()) == headline
        assert channels == headlines
    else:
        # Touches tell the channel of what no campaign of ours led to, as well.
        assert all(channels[name] >= amount for name, amount in headlines.items() if amount)
    ads = next(row for row in found["byChannel"] if row["channel"] == "google_ads")
    assert money(ads["revenue"]) > 1_000
    assert ads["roas"] > 0.5


def worth(revenues: dict[str, Decimal]) -> dict[str, Decimal]:
    """Without those that earned nothing."""
    return {ident: amount for ident, amount in revenues.items() if amount}


def money(value: Any) -> Decimal:
    return Decimal(str(value["amount"]))
