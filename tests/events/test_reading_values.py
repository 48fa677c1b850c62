"""What senders write, as the declared types: lenient where the meaning is plain, strict otherwise."""

from decimal import Decimal

import pytest

from app.domain.events.reading import READERS, read_boolean, read_state, read_statistic
from app.domain.identities.values import read_phone
from app.tables.event_types import EventDataType as Type


@pytest.mark.parametrize(
    ("kind", "sent", "read"),
    [
        (Type.STRING, "Étagère « à 2 »", "Étagère « à 2 »"),
        (Type.STRING, 12, "12"),
        (Type.STRING, Decimal("1.50"), "1.50"),
        (Type.STRING, True, "true"),
        (Type.NUMBER, 5, 5),
        (Type.NUMBER, Decimal("1.50"), Decimal("1.50")),
        (Type.NUMBER, "1 234,50", Decimal("1234.50")),
        (Type.NUMBER, "-7", -7),
        (Type.INTEGER, Decimal("3.00"), 3),
        (Type.INTEGER, " 1 000 ", 1000),
        (Type.BOOLEAN, 1, True),
        (Type.BOOLEAN, "FALSE", False),
        (Type.DATE, "2022-04-01Z05:00:00", "2022-04-01T05:00:00.000Z"),
        (Type.DATE, "2022-04-01T06:00:00.25+01:00", "2022-04-01T05:00:00.250Z"),
        (Type.EMAIL, " Ada@Example.COM", "ada@example.com"),
        (Type.JSON, [{"a": None}], [{"a": None}]),
    ],
)
def test_values_that_are_understood(kind: Type, sent: object, read: object) -> None:
    found = READERS[kind](sent)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("kind", "sent"),
    [
        (Type.STRING, {"a": 1}),
        (Type.STRING, [1]),
        (Type.NUMBER, "twelve"),
        (Type.NUMBER, True),
        (Type.NUMBER, "1.2.3"),
        (Type.NUMBER, "9" * 41),
        (Type.NUMBER, "NaN"),
        (Type.INTEGER, Decimal("1.5")),
        (Type.INTEGER, "99999999999999999999"),
        (Type.BOOLEAN, 2),
        (Type.BOOLEAN, "maybe"),
        (Type.DATE, "yesterday"),
        (Type.DATE, 20220401),
        (Type.DATE, "9999-12-31T23:59:59.999999Z"),
        (Type.EMAIL, "ada@example"),
        (Type.EMAIL, "a b@example.com"),
        (Type.EMAIL, 5),
        (Type.PHONE, "call me"),
        (Type.PHONE, "+1"),
    ],
)
def test_values_that_are_not(kind: Type, sent: object) -> None:
    with pytest.raises(ValueError, match=r"must be|cannot"):
        READERS[kind](sent)


@pytest.mark.parametrize(
    ("sent", "config", "read"),
    [
        ("+33 6 12 34 56 78", None, "+33612345678"),
        ("+33 (0)6 12 34 56 78", None, "+33612345678"),
        ("0033 612345678", None, "+33612345678"),
        ("06.12.34.56.78", None, "0612345678"),
        ("06 12 34 56 78", ["FR"], "+33612345678"),
        ("06 12 34 56 78", {"defaultCountry": "FR"}, "+33612345678"),
        ("0612345678", "+33", "+33612345678"),
        ("06 698 12345", ["IT"], "+390669812345"),
        ("+44 20 7946 0958", ["FR"], "+442079460958"),
        (33612345678, None, "33612345678"),
    ],
)
def test_phone_numbers_have_one_form_once_their_country_is_known(
    sent: object, config: object, read: str
) -> None:
    assert read_phone(sent, config) == read


def test_a_statistic_has_four_decimals_and_a_state_is_0_or_1() -> None:
    assert read_statistic(Decimal("0.30000000000000004")) == Decimal("0.3000")
    assert read_statistic(Decimal("1234567.8900000001")) == Decimal("1234567.8900")
    assert read_statistic("-12,0005") == Decimal("-12.0005")
    for lost in ("0.00004", "12.34567", "-12,00005", "100000000000.12345"):
        with pytest.raises(ValueError, match="at most 4 decimals"):
            read_statistic(lost)
    with pytest.raises(ValueError, match="must lie between"):
        read_statistic(10**15)
    assert (read_state(True), read_state(Decimal(0)), read_state("1")) == (Decimal(1), Decimal(0), Decimal(1))
    with pytest.raises(ValueError, match="true or false"):
        read_boolean(Decimal("0.5"))
