"""Each kind of value printed both ways, by Python and by SQL: the same JSON, for every value that can be stored."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.graph.declaring.enums import CampaignStatus, FlowTrigger, RewardType
from app.plan.kinds import (
    AMOUNT,
    BOOL,
    CURRENCY,
    DATE,
    DECIMAL,
    INSTANT,
    INT,
    JSON,
    TEXT,
    TEXTS,
    Kind,
    code,
    ident,
    nullable,
    rate,
    show,
)
from app.plan.sql import Alias, print_sql
from tests.given.everything import BIG, WEIRD

ENCODER = msgspec.json.Encoder(
    decimal_format="number", enc_hook=lambda member: member.name if isinstance(member, Enum) else None
)


@pytest.fixture(scope="module")
async def connection(database_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A session as planned reads have it."""
    made = await asyncpg.connect(database_url, server_settings={"timezone": "UTC", "datestyle": "ISO"})
    yield made
    await made.close()


async def stored(connection: Any, kind: Kind, columns: dict[str, Any]) -> tuple[str, list[Any]]:
    """One row's value by the kind's text, and as the driver gives it; `columns` maps `name::type` to the value.

    Days and instants go in as text: asyncpg sends the first and the last of each as infinity.
    """
    names = [name.partition("::")[0] for name in columns]
    values, typed = [], []
    for at, (column, value) in enumerate(columns.items(), 1):
        name, _, cast = column.partition("::")
        by_text = isinstance(value, date)
        values.append(value.isoformat() if by_text else value)
        typed.append(f"${at}::{'text::' if by_text else ''}{cast} AS {name}")
    text = nullable(kind, [Alias("t")(name) for name in names], may_be_null=True)
    given = ", ".join(f"t.{name}{kind.fetched_as}" for name in names)
    row = await connection.fetchrow(
        f"SELECT {print_sql(text.sql()).text}, {given} FROM (SELECT {', '.join(typed)}) t", *values
    )
    return str(row[0]), list(row)[1:]


def resolved(kind: Kind, values: list[Any]) -> str:
    """The same by Python, as the response writer prints it."""
    shown = show(kind, values)
    name = shown.name if isinstance(shown, Enum) else shown
    return ENCODER.encode(name).decode()


def digits(text: str) -> Any:
    """Decoded with number digits kept."""
    return json.loads(text, parse_float=lambda t: ("n", t), parse_int=lambda t: ("n", t))


async def same(connection: Any, kind: Kind, columns: dict[str, Any]) -> Any:
    """The value both print."""
    by_sql, fetched = await stored(connection, kind, columns)
    assert digits(by_sql) == digits(resolved(kind, fetched)), (by_sql, fetched)
    return digits(by_sql)


TEXTUAL = [
    "",
    *WEIRD,
    "\x01\x1f\x7f\x80\xa0",
    "\u2028\u2029",
    "\ufeff",
    "\U0010ffff",
    "'",
    "\\",
    "</script>",
    "a\\u0000b",
]


@pytest.mark.parametrize("value", TEXTUAL)
async def test_texts_come_through_unchanged(connection: Any, value: str) -> None:
    assert await same(connection, TEXT, {"x::text": value}) == value
    assert await same(connection, TEXTS, {"x::text[]": [value, "", value]}) == [value, "", value]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(value=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20))
async def test_any_text_comes_through_unchanged(connection: Any, value: str) -> None:
    assert await same(connection, TEXT, {"x::text": value}) == value


@pytest.mark.parametrize("value", [0, 1, -1, 2**31, BIG, -BIG, 2**63 - 1, -(2**63)])
async def test_whole_numbers(connection: Any, value: int) -> None:
    assert await same(connection, INT, {"x::bigint": value}) == ("n", str(value))


async def test_sums_are_whole_numbers_too(connection: Any) -> None:
    """PostgreSQL's sum of bigint is numeric, which the driver gives as a Decimal."""
    assert await same(connection, INT, {"x::numeric": Decimal(7 * BIG)}) == ("n", str(7 * BIG))


@pytest.mark.parametrize("value", [True, False])
async def test_truths(connection: Any, value: bool) -> None:
    assert await same(connection, BOOL, {"x::boolean": value}) is value


INSTANTS = {
    datetime(2025, 6, 1, 8, tzinfo=UTC): "2025-06-01T08:00:00Z",
    datetime(2025, 6, 1, 8, 0, 0, 500_000, tzinfo=UTC): "2025-06-01T08:00:00.5Z",
    datetime(2025, 6, 1, 8, 0, 0, 1, tzinfo=UTC): "2025-06-01T08:00:00.000001Z",
    datetime(2025, 6, 1, 8, 0, 0, 120_000, tzinfo=UTC): "2025-06-01T08:00:00.12Z",
    datetime(1, 1, 1, tzinfo=UTC): "0001-01-01T00:00:00Z",
    datetime(999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC): "0999-12-31T23:59:59.999999Z",
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC): "9999-12-31T23:59:59.999999Z",
}


@pytest.mark.parametrize(("value", "expected"), INSTANTS.items())
async def test_instants_have_one_form(connection: Any, value: datetime, expected: str) -> None:
    assert await same(connection, INSTANT, {"x::timestamptz": value}) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(value=st.datetimes(timezones=st.just(UTC)))
async def test_any_instant(connection: Any, value: datetime) -> None:
    assert datetime.fromisoformat(await same(connection, INSTANT, {"x::timestamptz": value})) == value


@pytest.mark.parametrize("value", [date(1, 1, 1), date(2025, 6, 1), date(2024, 2, 29), date(9999, 12, 31)])
async def test_days(connection: Any, value: date) -> None:
    assert await same(connection, DATE, {"x::date": value}) == value.isoformat()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", "0"), ("0.0000", "0"), ("-0.0000", "0"), ("1", "1"), ("1.5000", "1.5"), ("10", "10"), ("100.0000", "100"),
        ("0.0001", "0.0001"), ("-0.5", "-0.5"), ("99999999999999.9999", "99999999999999.9999"), ("1E+3", "1000"),
        ("0.00000001", "0.00000001"),
    ],
)  # fmt: skip
async def test_decimals_are_trimmed_and_never_in_powers(connection: Any, value: str, expected: str) -> None:
    assert await same(connection, DECIMAL, {"x::numeric": Decimal(value)}) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("1200", "EUR", "1200.00"), ("12.5", "EUR", "12.50"), ("12.3456", "EUR", "12.3456"), ("0", "EUR", "0.00"),
        ("-0.0000", "EUR", "0.00"), ("-3", "EUR", "-3.00"), ("1200", "JPY", "1200"), ("12.5", "JPY", "12.5"),
        ("0", "JPY", "0"), ("1", "BHD", "1.000"), ("1.0001", "BHD", "1.0001"), ("1", "XYZ", "1.00"),
        ("1", "USD", "1.00"), ("99999999999999.9999", "JPY", "99999999999999.9999"), ("10.0100", "GBP", "10.01"),
    ],
)  # fmt: skip
async def test_amounts_have_their_currency_s_digits(
    connection: Any, amount: str, currency: str, expected: str
) -> None:
    columns = {"x::numeric(18,4)": Decimal(amount), "c::text": currency}
    assert await same(connection, AMOUNT, columns) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)
@given(
    value=st.decimals(min_value=-(10**14) + 1, max_value=10**14 - 1, places=4, allow_nan=False),
    currency=st.sampled_from(["EUR", "JPY", "BHD", "CLP", "TND", "USD", "ABC"]),
)
async def test_any_amount(connection: Any, value: Decimal, currency: str) -> None:
    shown = await same(connection, AMOUNT, {"x::numeric(18,4)": value, "c::text": currency})
    assert Decimal(shown) == value


@pytest.mark.parametrize(
    ("value", "one", "two"),
    [
        ("0", "0.0", "0.00"), ("0.05", "0.1", "0.05"), ("-0.05", "-0.1", "-0.05"), ("0.25", "0.3", "0.25"),
        ("0.35", "0.4", "0.35"), ("2.345", "2.3", "2.35"), ("99.995", "100.0", "100.00"), ("0.004", "0.0", "0.00"),
        ("33.3333333333333333", "33.3", "33.33"), ("123456789.999", "123456790.0", "123456790.00"),
    ],
)  # fmt: skip
async def test_rates_are_numbers_rounded_half_away_from_zero(
    connection: Any, value: str, one: str, two: str
) -> None:

    assert await same(connection, rate(1), {"x::numeric": Decimal(value)}) == ("n", one)
    assert await same(connection, rate(2), {"x::numeric": Decimal(value)}) == ("n", two)


@pytest.mark.parametrize(
    "document",
    ['{"b": 1, "a": 2}', '{"n": 1.10}', "1e30", "12345678901234567890", '"text"', "null", "[]", '{"a":  [ 1 ,2]}',
     '{"a":1,"a":2}', '"\\u00e9 \\ud83c\\udf89"', "-0.0"],
)  # fmt: skip
async def test_documents_are_kept_as_they_were_sent(connection: Any, document: str) -> None:
    by_sql, fetched = await stored(connection, JSON, {"x::json": document})
    assert by_sql == resolved(JSON, fetched) == document


@pytest.mark.parametrize(
    ("prefix", "kind", "value"), [("camp", "bigint", 42), ("event", "uuid", UUID(int=7))]
)
async def test_ids_say_what_they_name(connection: Any, prefix: str, kind: str, value: Any) -> None:
    assert await same(connection, ident(prefix), {f"x::{kind}": value}) == f"{prefix}_{value}"


@pytest.mark.parametrize("member", CampaignStatus)
async def test_closed_sets_by_their_names(connection: Any, member: CampaignStatus) -> None:
    assert await same(connection, code(CampaignStatus), {"x::text": member.value}) == member.name


@pytest.mark.parametrize("stored", [-1, 0, 1, 2, 3, 4, 5, 99, 2**31 - 1])
@pytest.mark.parametrize("enum", [RewardType, FlowTrigger])
async def test_open_sets_show_what_they_do_not_know(connection: Any, enum: type[Enum], stored: int) -> None:
    known = {m.value: m.name for m in enum if m.name != "UNRECOGNIZED"}
    assert await same(connection, code(enum), {"x::int": stored}) == known.get(stored, "UNRECOGNIZED")


async def test_a_currency_needs_no_escaping(connection: Any) -> None:
    assert await same(connection, CURRENCY, {"x::text": "EUR"}) == "EUR"


NULLS: list[tuple[Kind, dict[str, None]]] = [
    (TEXT, {"x::text": None}),
    (TEXTS, {"x::text[]": None}),
    (INT, {"x::bigint": None}),
    (BOOL, {"x::boolean": None}),
    (INSTANT, {"x::timestamptz": None}),
    (DATE, {"x::date": None}),
    (DECIMAL, {"x::numeric": None}),
    (AMOUNT, {"x::numeric": None, "c::text": None}),
    (rate(1), {"x::numeric": None}),
    (JSON, {"x::json": None}),
    (ident("camp"), {"x::bigint": None}),
    (code(CampaignStatus), {"x::text": None}),
    (code(RewardType), {"x::int": None}),
    (CURRENCY, {"x::text": None}),
]


@pytest.mark.parametrize(("kind", "columns"), NULLS, ids=[kind.name for kind, _ in NULLS])
async def test_null_is_null(connection: Any, kind: Kind, columns: dict[str, None]) -> None:
    assert await same(connection, kind, columns) is None
