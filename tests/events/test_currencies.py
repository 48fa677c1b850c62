"""The currency of what an event is worth: as the event says, and only where that is a currency's code."""

from decimal import Decimal
from typing import Any

import pytest

from app.domain.event_types.fields import FieldEntry
from app.domain.events.metrics import Telling, tell
from app.tables.event_types import EventFieldKind
from tests.events.conftest import OpenShop
from tests.given.events import NOON, PURCHASE, Shop

DECLARED = (*PURCHASE, FieldEntry(storage_key="currency", ingestion_key="cur"))


async def currencies(shop: Shop) -> dict[str, str | None]:
    found = await shop.rows("SELECT storage_key, currency FROM event_metric")
    return {row["storage_key"]: row["currency"] for row in found}


@pytest.mark.parametrize(
    ("said", "kept"), [("USD", "USD"), (" usd ", "USD"), ("dollars", None), (7, None), (None, None)]
)
async def test_a_type_that_declares_none_takes_the_event_at_its_word(
    shop: OpenShop, said: Any, kept: str | None
) -> None:
    given = await shop()
    await given.send(data={"basket": 1, "turnover": 100, "converted": True, "currency": said})
    await given.process()
    assert await currencies(given) == {"turnover": kept, "converted": None}


async def test_a_type_that_declares_it_trashes_what_is_none(shop: OpenShop) -> None:
    given = await shop(fields=DECLARED)
    good = await given.send(data={"basket": 1, "turnover": 100, "cur": "JPY", "currency": "USD"})
    bad = await given.send(data={"basket": 1, "turnover": 100, "cur": "yens"})
    worthless = await given.send(data={"basket": 1, "cur": "yens"})
    await given.process()
    assert await currencies(given) == {"turnover": "JPY"}
    assert (await given.event(good))["status"] == (await given.event(worthless))["status"] == "processed"
    assert await given.faults(bad) == [("field_invalid", "currency")]


@pytest.mark.parametrize("fields", [PURCHASE, DECLARED])
async def test_a_statistic_that_is_told_later_has_it_as_well(
    shop: OpenShop, fields: tuple[FieldEntry, ...]
) -> None:
    given = await shop(fields=fields)
    ident = await given.send(data={"basket": 1, "currency": "USD", "cur": "USD"})
    await given.process()
    assert await currencies(given) == {}
    for value in (100, 200):
        telling = Telling(
            kind=EventFieldKind.STATISTIC, storage_key="turnover", value=Decimal(value), date=None, actor="user:1"
        )  # fmt: skip
        async with given.db.transaction(given.scope) as tx:
            await tell(tx, ident, telling, now=NOON)
    assert await currencies(given) == {"turnover": "USD"}
