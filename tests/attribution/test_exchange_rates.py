"""Exchange rates: told in bulk, replaced by pair and day, all or none, by whom the whole group is open to."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import groups

NOW = datetime(2026, 3, 1, tzinfo=UTC)
UPSERT = """
mutation($rates: [ExchangeRateInput!]!) { exchangeRatesUpsert(input: {rates: $rates}) {
  rates { fromCurrency toCurrency day rate } errors { code path } } }
"""
LIST = "{ exchangeRates { totalCount nodes { fromCurrency toCurrency day rate } } }"


@pytest.fixture
def call(db: Database, tmp_path: Path) -> Any:
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))

    async def run(scope: Scope, query: str, *, role: Role = Role.MARKETING, **variables: Any) -> Any:
        principal = Principal("test", scope, frozenset({role}))
        made = await answer(Operation(query, variables), Context(services, principal, now=NOW))
        return json.loads(made.body)

    return run


def rate(ours: str, theirs: str, day: str, value: str) -> dict[str, str]:
    return {"fromCurrency": ours, "toCurrency": theirs, "day": day, "rate": value}


async def test_a_rate_of_the_same_pair_and_day_is_replaced(db: Database, call: Any) -> None:
    group = await groups.group(db)
    first, later = rate("USD", "EUR", "2026-01-01", "0.9"), rate("USD", "EUR", "2026-02-01", "0.8")
    made = await call(group.scope, UPSERT, rates=[later, first])
    assert made["data"]["exchangeRatesUpsert"] == {"rates": [later, first], "errors": []}
    again = rate("USD", "EUR", "2026-01-01", "0.9123456789")
    await call(group.scope, UPSERT, rates=[first, again])
    found = (await call(group.scope, LIST))["data"]["exchangeRates"]
    assert found == {"totalCount": 2, "nodes": [again, later]}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (rate("usd", "EUR", "2026-01-01", "1"), "fromCurrency"),
        (rate("USD", "EURO", "2026-01-01", "1"), "toCurrency"),
        (rate("EUR", "EUR", "2026-01-01", "1"), "toCurrency"),
        (rate("USD", "EUR", "2026-01-01", "0"), "rate"),
        (rate("USD", "EUR", "2026-01-01", "-1"), "rate"),
        (rate("USD", "EUR", "2026-01-01", "10000000000"), "rate"),
        (rate("USD", "EUR", "2026-01-01", "0.00000000001"), "rate"),
    ],
)
async def test_a_wrong_rate_refuses_them_all(
    db: Database, call: Any, wrong: dict[str, str], field: str
) -> None:
    group = await groups.group(db)
    made = await call(group.scope, UPSERT, rates=[rate("JPY", "EUR", "2026-01-01", "0.006"), wrong])
    payload = made["data"]["exchangeRatesUpsert"]
    assert payload["rates"] is None
    assert [error["path"][-3:] for error in payload["errors"]] == [["rates", "1", field]]
    assert (await call(group.scope, LIST))["data"]["exchangeRates"]["totalCount"] == 0


async def test_a_part_of_the_group_cannot_tell_them(db: Database, call: Any) -> None:
    group = await groups.group(db)
    one = [rate("USD", "EUR", "2026-01-01", "0.9")]
    made = await call(Scope(group.group_id, store_id=group.store_id), UPSERT, rates=one)
    assert made["errors"][0]["extensions"]["code"] == "FORBIDDEN"
