"""What a spend limit shows: spent, remaining, pending, and where the rate leads. Planned and resolved alike."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.values.scope import Scope
from tests.given import groups
from tests.spend.conftest import NOON, Desk, capped
from tests.spend.given import spend

LATE = datetime(2025, 6, 15, 22, 30, tzinfo=UTC)
"""The next day in Paris."""
LATER = datetime(2025, 7, 2, tzinfo=UTC)
"""Days of June and July have begun, so that something can be dated on them."""
SPENT = {"2025-05-31": "1000", "2025-06-01": "100", "2025-06-14": "30", "2025-06-15": "12.5"}


async def spender(desk: Desk, **fields: Any) -> int:
    """A campaign that spent for some days."""
    it = await desk.campaign(**fields)
    for day, amount in SPENT.items():
        await spend(desk.db, desk.group.scope, it, amount, now=LATE, day=date.fromisoformat(day))
    return it


async def shown(desk: Desk, it: int, now: datetime = NOON) -> Any:
    """The limit, which both executions show alike."""
    planned = await desk.limit(it, now=now)
    assert await desk.limit(it, now=now, planner=False) == planned
    return planned


@pytest.mark.parametrize(
    ("renewal", "amount", "spent", "remaining", "per_day", "reached"),
    [
        # Noon in Paris: half of the day has passed, 14.5 days of the month, and since the last of May 15.5.
        ("DAILY", "20", "12.50", "7.50", "25.00", "2025-06-15"),
        ("DAILY", "30", "12.50", "17.50", "25.00", None),
        ("MONTHLY", "200", "142.50", "57.50", "9.8276", "2025-06-21"),
        ("MONTHLY", "500", "142.50", "357.50", "9.8276", None),
        ("LIFETIME", "1500", "1142.50", "357.50", "73.7097", "2025-06-20"),
        ("LIFETIME", "1142.50", "1142.50", "0.00", "73.7097", "2025-06-15"),
    ],
)
async def test_the_figures_are_of_the_present_period(
    desk: Desk, renewal: str, amount: str, spent: str, remaining: str, per_day: str, reached: str | None
) -> None:
    it = await spender(desk)
    await desk.update(capped(it, renewal, amount), mayBegin=True)

    limit = await shown(desk, it)

    assert limit["spentInPeriod"] == {"amount": spent, "currency": "EUR"}
    assert limit["remaining"] == {"amount": remaining}
    assert limit["pacing"] == {"perDay": {"amount": per_day}, "capReachedOn": reached}


async def test_periods_are_the_stores_not_utcs(desk: Desk) -> None:
    it = await spender(desk)
    await desk.update(capped(it, "DAILY", "20"), mayBegin=True)

    assert (await shown(desk, it, LATE))["spentInPeriod"]["amount"] == "0.00"

    async with desk.db.transaction(desk.scope) as tx:
        await tx.execute("UPDATE store SET time_zone = 'America/New_York'")
    assert (await shown(desk, it, LATE))["spentInPeriod"]["amount"] == "12.50"


async def test_a_cap_that_was_reached_says_when(desk: Desk) -> None:
    it = await desk.campaign()
    await desk.update(capped(it, "LIFETIME", "1100"), mayBegin=True)
    for day, amount in SPENT.items():
        await spend(desk.db, desk.scope, it, amount, now=LATE, day=date.fromisoformat(day))

    limit = await shown(desk, it)

    assert limit["remaining"] == {"amount": "0.00"}
    assert limit["pacing"]["capReachedOn"] == "2025-06-01"


async def test_nothing_spent_leads_nowhere(desk: Desk) -> None:
    it = await desk.campaign()
    await desk.update(capped(it, "LIFETIME", "1"), mayBegin=True)

    limit = await shown(desk, it)

    assert limit["spentInPeriod"]["amount"] == "0.00"
    assert limit["pacing"] == {"perDay": {"amount": "0.00"}, "capReachedOn": None}


async def test_what_is_uncapped_shows_what_was_spent_ever(desk: Desk) -> None:
    it = await spender(desk)
    await desk.update(capped(it, "DAILY", "20"), mayBegin=True)
    await desk.update({"id": f"camp_{it}", "spendLimit": {"type": "UNCAPPED"}})

    assert await shown(desk, it) == {
        "type": "UNCAPPED", "renewal": None, "amount": None, "pendingAmount": None, "pendingRenewal": None,
        "effectiveFrom": None, "spentInPeriod": {"amount": "1142.50", "currency": "EUR"},
        "planned": {"amount": "0.00"}, "remaining": None,
        "pacing": None,
    }  # fmt: skip


async def test_what_waits_is_shown_beside_what_is(desk: Desk) -> None:
    it = await spender(desk)
    await desk.update(capped(it, "LIFETIME", "2000"), mayBegin=True)
    done = await desk.update(capped(it, "DAILY", "10"))

    limit = await shown(desk, it)

    assert done["outcomes"][0]["effectiveFrom"] == "2025-06-15T22:00:00Z"
    assert (limit["renewal"], limit["amount"]) == ("LIFETIME", {"amount": "2000.00", "currency": "EUR"})
    assert (limit["pendingRenewal"], limit["pendingAmount"]) == ("DAILY", {"amount": "10.00"})
    assert limit["effectiveFrom"] == "2025-06-15T22:00:00Z"


async def test_a_stores_credential_sees_the_same_figures_and_no_others(desk: Desk) -> None:
    mine, theirs = await spender(desk), await groups.store(desk.db, desk.group.group_id, name="Other")
    other = await spender(desk, store_id=theirs.store_id)
    await desk.update(capped(mine, "DAILY", "20"), capped(other, "DAILY", "20"), mayBegin=True)

    narrow = desk.narrowed(Scope(desk.group.group_id, store_id=desk.group.store_id))

    assert await shown(narrow, mine) == await shown(desk, mine)
    found = await narrow.data("query ($id: ID!) { campaign(id: $id) { id } }", id=f"camp_{other}")
    assert found == {"campaign": None}


async def test_many_limits_are_one_statement(desk: Desk) -> None:
    for _ in range(3):
        await desk.update(capped(await spender(desk), "MONTHLY", "500"), mayBegin=True)

    found = await desk.ask(
        "{ campaigns { nodes { spendLimit { spentInPeriod { amount } remaining { amount }"
        " pacing { perDay { amount } capReachedOn } } } } }"
    )

    assert (found.execution, found.errors) == ("planned", [])


async def test_what_is_dated_after_today_is_planned_and_not_spent(desk: Desk) -> None:
    it = await spender(desk)
    for day, amount in {"2025-06-16": "40", "2025-06-30": "2", "2025-07-01": "500"}.items():
        await spend(desk.db, desk.scope, it, amount, now=LATER, day=date.fromisoformat(day))
    planned = {"DAILY": "0.00", "MONTHLY": "42.00", "LIFETIME": "542.00"}
    spent = {"DAILY": "12.50", "MONTHLY": "142.50", "LIFETIME": "1142.50"}
    for renewal in planned:
        await desk.update(capped(it, renewal, "1500"), mayBegin=True)
        limit = await shown(desk, it)
        assert limit["planned"] == {"amount": planned[renewal]}
        assert limit["spentInPeriod"]["amount"] == spent[renewal]
        assert float(limit["remaining"]["amount"]) == 1500 - float(spent[renewal])
    # At half past midnight of the 16th in Paris that day's is spent.
    limit = await shown(desk, it, LATE)
    assert (limit["spentInPeriod"]["amount"], limit["planned"]["amount"]) == ("1182.50", "502.00")


async def test_a_lifetime_limit_goes_down_to_what_is_spent_already(desk: Desk) -> None:
    it = await spender(desk)
    await spend(desk.db, desk.scope, it, "500", now=LATER, day=date(2025, 6, 20))
    await desk.update(capped(it, "LIFETIME", "1700"), mayBegin=True)
    done = await desk.update(capped(it, "LIFETIME", "1142.50"))
    assert [one["isDone"] for one in done["outcomes"]] == [True]
    done = await desk.update(capped(it, "LIFETIME", "1142.49"))
    assert [one["errors"][0]["code"] for one in done["outcomes"]] == ["BELOW_SPENT"]
