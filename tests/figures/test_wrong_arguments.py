"""Questions that cannot be answered are refused, in words that say what would be right."""

import pytest

from app.db.database import Database
from app.values.scope import Scope
from tests.figures.given import answers, group, refusal
from tests.given.asking import Asker


@pytest.fixture(scope="module")
async def scope(db: Database) -> Scope:
    return await group(db)


WRONG = {
    'last: "P30D", since: "2025-06-01"': "Give last, or since and until, not both.",
    'since: "2025-06-02", until: "2025-06-01"': "until (2025-06-01) lies before since (2025-06-02).",
    "first: 0": "first lies between 1 and 10000.",
    "first: 10001": "first lies between 1 and 10000.",
    "interval: HOUR": "These figures are kept by days: ask for DAY or longer stretches.",
    "compare: PREVIOUS_YEAR": "compare needs a window with both ends: last, or since and until.",
    'compare: PREVIOUS_PERIOD, since: "2025-06-01"': "compare needs a window with both ends: last, or since and until.",
    "fill: true, interval: DAY": "fill needs a window with both ends: last, or since and until.",
    'fill: true, interval: DAY, last: "P5Y"':
        "At most 1,500 stretches are filled: ask for a shorter window, or longer stretches.",
    'fill: true, interval: DAY, last: "P2Y", by: [CHANNEL]':
        "At most 400 stretches are filled for each value of by: ask for a shorter window, or longer stretches.",
    'currency: "euro"': "currency is a code of three capital letters, such as EUR.",
    'last: "30 days"': "'30 days' is no duration in whole days such as P30D, P12W, P3M or P1Y.",
    'last: "PT5H"': "'PT5H' is no duration in whole days such as P30D, P12W, P3M or P1Y.",
    'last: "P0D"': "'P0D' is no duration between a day and a hundred years.",
    'last: "P101Y"': "'P101Y' is no duration between a day and a hundred years.",
    f"orderBy: [{', '.join(['{field: SPEND}'] * 6)}]": "At most 5 sort keys.",
}  # fmt: skip


@pytest.mark.parametrize("arguments", WRONG)
async def test_a_wrong_argument_is_named(asker: Asker, scope: Scope, arguments: str) -> None:
    assert await refusal(asker, scope, f"{{ figures({arguments}) {{ clicks }} }}") == WRONG[arguments]


async def test_a_variable_is_refused_like_a_literal(asker: Asker, scope: Scope) -> None:
    query = "query($l: Duration, $n: Int) { figures(last: $l, first: $n) { clicks } }"
    assert await refusal(asker, scope, query, l="P30D", n=0) == "first lies between 1 and 10000."
    assert "is no duration" in await refusal(asker, scope, query, l="30", n=1)
    assert await answers(asker, scope, query, l="P30D", n=1) == {"figures": [{"clicks": 0}]}


@pytest.mark.parametrize("name", ["order", "redemption", "customer", "reward"])
async def test_a_total_of_nothing_is_a_row_of_zeros_in_the_group_s_currency(
    asker: Asker, scope: Scope, name: str
) -> None:
    query = f'{{ {name}Figures(last: "P1Y") {{ currency }} none: {name}Figures(by: [STORE]) {{ currency }} }}'
    assert await answers(asker, scope, query) == {f"{name}Figures": [{"currency": "EUR"}], "none": []}


@pytest.mark.parametrize("name", ["event", "touch"])
async def test_a_total_of_no_money_is_a_row_of_zeros(asker: Asker, scope: Scope, name: str) -> None:
    query = f"{{ {name}Figures {{ customers }} }}"
    assert await answers(asker, scope, query) == {f"{name}Figures": [{"customers": 0}]}
    query = f'{{ {name}Figures(interval: HOUR, last: "P1D", fill: true) {{ period hour customers }} }}'
    rows = (await answers(asker, scope, query))[f"{name}Figures"]
    assert [row["hour"] for row in rows] == list(range(24))
    assert {row["period"] for row in rows} == {"2025-06-15"}
