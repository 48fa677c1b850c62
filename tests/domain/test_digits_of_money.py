"""Amounts have the digits of their currency, wherever they come in; what has more is refused, not rounded."""

from decimal import Decimal
from typing import Any

import pytest

from app.db.database import Database
from app.domain import inputs
from app.domain.campaigns.changing import update_campaign
from app.domain.campaigns.fields import CampaignFields
from app.domain.customers.entries import CustomerEntry
from app.domain.inputs import TOO_MANY_DIGITS
from app.domain.outlays.fields import OutlayFields
from app.domain.outlays.operations import update_outlay
from app.domain.promos.fields import PromoFields
from app.domain.promos.operations import update_promo
from app.domain.promos.redeeming import Asked, redeem, validate
from app.errors import Failure, Invalid, Several
from tests.given import audience, custom_ads, groups, promos
from tests.given import campaigns as given
from tests.given.campaigns import NOON


@pytest.mark.parametrize(
    ("amount", "currency", "is_taken"),
    [
        ("1200.55", "EUR", True),
        ("1200.555", "EUR", False),
        ("1200.5500", "EUR", True),
        ("-0.01", "EUR", True),
        ("0.0001", "EUR", False),
        ("100", "JPY", True),
        ("100.0", "JPY", True),
        ("100.5", "JPY", False),
        ("1.005", "BHD", True),
        ("1.0005", "BHD", False),
        ("99999999999999.99", "USD", True),
        ("0.01", "XYZ", True),
        ("0.001", "XYZ", False),
    ],
)
def test_each_currency_has_its_digits(amount: str, currency: str, is_taken: bool) -> None:
    if is_taken:
        assert inputs.coins(Decimal(amount), currency, ["amount"]) == Decimal(amount)
        return
    with pytest.raises(
        Invalid, match=rf"^`amount` has more digits .* in {currency} has .*, not {amount}"
    ) as failure:
        inputs.coins(Decimal(amount), currency, ["amount"])
    assert (failure.value.reason, failure.value.path) == (TOO_MANY_DIGITS, ["amount"])


async def refused(coroutine: Any) -> tuple[str, list[str | int]]:
    """The code and the path of what it fails with."""
    with pytest.raises(Failure) as failure:
        await coroutine
    why = failure.value.failures[0] if isinstance(failure.value, Several) else failure.value
    return why.reason, list(why.path)


async def test_a_budget(db: Database) -> None:
    for currency, fine, broken in (("EUR", "1200.55", "1200.555"), ("JPY", "1200", "1200.5")):
        group = await groups.group(db, currency=currency)
        made = given.campaign(db, group.scope, budget_total=Decimal(broken))
        assert await refused(made) == (TOO_MANY_DIGITS, ["budgetTotal"])
        ident = await given.campaign(db, group.scope, budget_total=Decimal(fine))
        async with db.transaction(group.scope) as tx:
            change = update_campaign(tx, ident, CampaignFields(budget_total=Decimal(broken)), now=NOON)
            assert await refused(change) == (TOO_MANY_DIGITS, ["budgetTotal"])
            await update_campaign(tx, ident, CampaignFields(name="Other"), now=NOON)


async def test_an_outlay_and_its_currency(db: Database) -> None:
    site = await custom_ads.site(db, currency="JPY")
    camp = await custom_ads.campaign(db, site)
    assert await refused(custom_ads.outlay(db, site.scope, camp, "10.5")) == (TOO_MANY_DIGITS, ["amount"])
    assert await refused(custom_ads.outlay(db, site.scope, camp, "10", currency="EUR")) == (
        "WRONG_CURRENCY", ["currency"],
    )  # fmt: skip
    made = await custom_ads.outlay(db, site.scope, camp, "10", currency="JPY")
    async with db.transaction(site.scope) as tx:
        for fields, why in (
            ({"amount": Decimal("0.5")}, (TOO_MANY_DIGITS, ["amount"])),
            ({"currency": "EUR"}, ("WRONG_CURRENCY", ["currency"])),
        ):
            assert await refused(update_outlay(tx, made, OutlayFields(**fields), now=NOON)) == why
        assert not await update_outlay(tx, made, OutlayFields(currency="JPY"), now=NOON)


async def test_what_of_a_promo_is_money(db: Database) -> None:
    scope = (await groups.group(db)).scope
    fine: dict[str, Any] = {
        "type": "percentage",
        "value": Decimal("12.3456"),
        "max_discount": Decimal("5.50"),
    }
    ident = await promos.promo(db, scope, "HALF", **fine)
    broken: dict[str, dict[str, Any]] = {
        "value": {"type": "fixed_amount", "value": Decimal("25.005")},
        "maxDiscount": {"max_discount": Decimal("25.005")},
        "minOrderAmount": {"min_order_amount": Decimal("25.005")},
    }
    for code, fields in broken.items():
        assert await refused(promos.promo(db, scope, "OTHER", **fields)) == (TOO_MANY_DIGITS, [code])
    async with db.transaction(scope) as tx:
        # Its value would be an amount from now on.
        change = update_promo(tx, ident, PromoFields(type="fixed_amount"), now=NOON)
        assert await refused(change) == (TOO_MANY_DIGITS, ["value"])
        await update_promo(tx, ident, PromoFields(usage_limit=5), now=NOON)


async def test_a_basket(db: Database) -> None:
    scope = (await groups.group(db)).scope
    await promos.promo(db, scope, "TEN", type="percentage", value=Decimal(10))
    async with db.transaction(scope) as tx:
        for basket, path in (
            (promos.basket(("a", 1, "9.995")), ["basket", "lines", "0", "unitPrice"]),
            (promos.basket(("a", 1, "9.99"), delivery="0.005"), ["basket", "deliveryFee"]),
        ):
            asked = Asked(code="TEN", basket=basket)
            assert await refused(validate(tx, asked, now=NOON)) == (TOO_MANY_DIGITS, path)
            assert await refused(redeem(tx, asked, key="k", now=NOON)) == (TOO_MANY_DIGITS, path)


async def test_what_a_customer_spent(db: Database) -> None:
    scope = (await groups.group(db)).scope
    entries = [
        CustomerEntry(external_id=who, total_spent=Decimal(spent))
        for who, spent in (("a", "1"), ("b", "0.005"))
    ]
    assert await refused(audience.customers(db, scope, *entries)) == (
        TOO_MANY_DIGITS, ["customers", 1, "totalSpent"],
    )  # fmt: skip
