"""Totals, balances, ledger lines and participants of another system: they count once, whichever comes first."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.db.database import Database
from app.importing.reading.sources import find_sources
from app.importing.reading.told import Told
from app.importing.running import Report, import_files
from tests.given import rewards
from tests.given.campaigns import NOON
from tests.given.rewards import Given

TOTALS = "campaign,total_rewards,as_of\n{camp},1000,2025-06-10T00:00:00Z\n"
LINES = """\
id,campaign,customer,partner,kind,amount,created_at
l1,{camp},c0,{part},payment,300,2025-06-01T10:00:00Z
l2,{camp},c0,{part},reversal,100,2025-06-02T10:00:00Z
l3,{camp},c1,{part},payment,70,2025-06-12T10:00:00Z
"""
BALANCES = "customer,partner,balance,as_of\nc0,{part},450,2025-06-10T00:00:00Z\n"
PEOPLE = "campaign,customer,rewarded\n{camp},c0,2\n{camp},c1,1\n"
FILES = {
    "reward_totals": TOTALS, "reward_entries": LINES, "reward_balances": BALANCES, "reward_participants": PEOPLE,
}  # fmt: skip


@pytest.fixture
async def given(db: Database) -> Given:
    return await rewards.given(db)


async def bring(
    given: Given, folder: Path, what: str, text: str, campaign: int, *, now: datetime = NOON
) -> Report:
    file = folder / f"{what}.csv"
    file.write_text(text.format(camp=f"camp_{campaign}", part=f"part_{given.partner_id}"))
    return await import_files(
        given.db, given.scope, what, find_sources(str(file)), now=now, told=Told(system="benji")
    )


def verdicts(report: Report) -> dict[str, int]:
    assert report.refused == 0, report.lines()
    (counts,) = report.concepts.values()
    return {verdict.value: n for verdict, n in counts.items() if n}


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)))
async def test_whichever_comes_first(given: Given, tmp_path: Path, order: tuple[str, ...]) -> None:
    campaign = await given.campaign()
    for what in order:
        await bring(given, tmp_path, what, FILES[what], campaign)
    # 1000 up to the 10th, and 70 after that. The lines before that are in the thousand, and in the balance.
    assert await given.total(campaign) == 1070
    assert (await given.balance(0), await given.balance(1)) == (450, 70)
    for what in order:
        assert set(verdicts(await bring(given, tmp_path, what, FILES[what], campaign))) == {"same"}
    (paid,) = await given.pay(campaign, given.spend("new", 0))
    assert paid["amount"] == 100
    assert (await given.total(campaign), await given.balance(0)) == (1170, 550)
    row = await given.row(
        "SELECT reward_participants, reward_transactions FROM campaign WHERE group_id = $1 AND id = $2",
        campaign,
    )
    assert tuple(row) == (2, 4)
    for what in order:
        assert set(verdicts(await bring(given, tmp_path, what, FILES[what], campaign))) == {"same"}
    assert (await given.total(campaign), await given.balance(0)) == (1170, 550)


async def test_a_later_answer_adds_what_is_new_and_an_older_one_nothing(given: Given, tmp_path: Path) -> None:
    campaign = await given.campaign()
    await bring(given, tmp_path, "reward_totals", TOTALS, campaign)
    await given.pay(campaign, given.spend("ours"))
    later = TOTALS.replace("1000,2025-06-10", "1250,2025-06-11")
    assert verdicts(await bring(given, tmp_path, "reward_totals", later, campaign)) == {"made": 1}
    assert await given.total(campaign) == 1350
    assert verdicts(await bring(given, tmp_path, "reward_totals", TOTALS, campaign)) == {"same": 1}
    less = TOTALS.replace("1000,2025-06-10", "1200,2025-06-12")
    await bring(given, tmp_path, "reward_totals", less, campaign)
    assert await given.total(campaign) == 1300
    # No moment told is that of the import.
    bare = "campaign,total\n{camp},1200\n"
    assert verdicts(await bring(given, tmp_path, "reward_totals", bare, campaign)) == {"same": 1}
    again = bare.replace("1200", "1201")
    assert verdicts(
        await bring(given, tmp_path, "reward_totals", again, campaign, now=NOON + timedelta(days=1))
    ) == {"made": 1}
    assert await given.total(campaign) == 1301
    # More balance, then less; never less than was spent of it here.
    await bring(given, tmp_path, "reward_balances", BALANCES, campaign)
    await bring(
        given, tmp_path, "reward_balances", BALANCES.replace("450,2025-06-10", "50,2025-06-11"), campaign
    )
    assert await given.balance(0) == 150
    redeeming = await given.campaign(reward_type=2)
    (redeemed,) = await given.pay(redeeming, given.spend("redeem"))
    assert redeemed["amount"] == 100
    spent = await bring(
        given, tmp_path, "reward_balances", BALANCES.replace("450,2025-06-10", "0,2025-06-12"), campaign
    )
    assert (spent.refused, await given.balance(0)) == (0, 0) or spent.refused == 1
    await given.check()


async def test_limits_count_what_was_paid_elsewhere(given: Given, tmp_path: Path) -> None:
    campaign = await given.campaign(goals=[rewards.CAP + (1050,)])  # noqa: RUF005
    await bring(given, tmp_path, "reward_totals", TOTALS, campaign)
    one, two = await given.pay(campaign, given.spend("a"), given.spend("b", 1))
    assert (one["outcome"], one["amount"], two["outcome"]) == ("trimmed", 50, "limit_reached")
    few = await given.campaign(goals=[(1, 2, 2)])
    await bring(given, tmp_path, "reward_participants", PEOPLE, few)
    known, new = await given.pay(few, given.spend("c", 0), given.spend("d", 2))
    assert (known["outcome"], new["outcome"]) == ("paid", "limit_reached")
    await given.check()


async def test_faulty_rows_are_refused_and_say_why(given: Given, tmp_path: Path) -> None:
    campaign = await given.campaign()
    faults = {
        "reward_totals": "campaign,total,as_of\n{camp},-1,\n{camp},1.5,\ncamp_1,5,\n{camp},5,x\n,5,\n{camp},,\n",
        "reward_balances": "customer,partner,balance,currency\nnobody,{part},5,\nc0,part_0,5,\nc0,{part},-5,\n"
                           "c0,{part},5,euro\n,{part},5,\n",
        "reward_entries": "id,campaign,customer,partner,kind,amount,balance_change,created_at\n"
                          ",{camp},c0,{part},,5,,2025-01-01\na,{camp},c0,{part},opening,5,,2025-01-01\n"
                          "b,{camp},c0,{part},,0,,2025-01-01\nc,{camp},c0,{part},,5,4,2025-01-01\n"
                          "d,{camp},c0,{part},,5,,\ne,{camp},c0,{part},,5,,2099-01-01\nf,{camp},x,{part},,5,,2025-01-01\n",
        "reward_participants": "campaign,customer,rewarded\n{camp},c0,-1\n{camp},nobody,1\ncamp_0,c0,1\n",
    }  # fmt: skip
    for what, text in faults.items():
        report = await bring(given, tmp_path, what, text, campaign)
        assert report.refused == text.count("\n") - 1, (what, report.lines())
        assert {reason.code for reason in report.reasons.values()} <= {"INVALID", "NOT_FOUND"}
    twice = await bring(given, tmp_path, "reward_totals", "campaign,total\n{camp},1\n{camp},2\n", campaign)
    assert [reason.code for reason in twice.reasons.values()] == ["REPEATED"]
    await bring(given, tmp_path, "reward_entries", LINES, campaign)
    other = await bring(given, tmp_path, "reward_entries", LINES.replace(",300,", ",301,"), campaign)
    assert [reason.code for reason in other.reasons.values()] == ["LINE_DIFFERS"]
    assert await given.total(campaign) == 1  # as of the import: the lines are from before it


async def test_openings_are_lines_of_the_ledger_for_whoever_reads_it(given: Given, tmp_path: Path) -> None:
    campaign = await given.campaign()
    await bring(given, tmp_path, "reward_totals", TOTALS, campaign)
    await bring(given, tmp_path, "reward_entries", LINES, campaign)
    async with given.db.transaction(given.scope) as tx:
        rows: list[Any] = list(
            await tx.fetch(
                "SELECT kind, amount, balance_change, reference FROM reward_entry ORDER BY kind, amount"
            )
        )
        assert [tuple(row) for row in rows] == [
            ("opening", -200, 0, None), ("opening", 1000, 0, None), ("payment", 70, 70, "benji:l3"),
            ("payment", 300, 300, "benji:l1"), ("reversal", -100, -100, "benji:l2"),
        ]  # fmt: skip
    for wrong in (
        "kind = 'payment'", "as_of = NULL", "customer_id = NULL, kind = 'payment'", "evaluation_id = 1",
        "balance_change = 5", "amount = 0",
    ):  # fmt: skip
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await _spoil(given, wrong)


async def _spoil(given: Given, change: str) -> None:
    async with given.db.transaction(given.scope) as tx:
        await tx.execute(f"UPDATE reward_entry SET {change} WHERE kind = 'opening'")
