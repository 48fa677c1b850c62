"""Baskets: what somebody is about to pay."""

from collections.abc import Sequence
from decimal import Decimal as PyDecimal

import strawberry

from app.domain.promos.judging import Asked
from app.domain.promos.terms import Basket, BasketLine
from app.errors import Invalid
from app.graph.declaring.described import input_type
from app.graph.declaring.scalars import Decimal
from app.graph.declaring.writing import own_id


@input_type
class BasketLineInput:
    """So many units of one article."""

    unit_price: Decimal = strawberry.field(description="What one unit costs.")
    quantity: int = strawberry.field(default=1, description="How many units, 1 to 1,000,000.")
    sku: str | None = strawberry.field(default=None, description="The article's number.")
    category: str | None = strawberry.field(default=None, description="The article's category.")


@input_type
class BasketInput:
    """What somebody is about to pay."""

    lines: list[BasketLineInput] = strawberry.field(
        default_factory=list, description="The articles; 1,000 lines at most."
    )
    delivery_fee: Decimal | None = strawberry.field(default=None, description="What delivery costs.")
    currency: str | None = strawberry.field(
        default=None, description="The currency of these amounts; the promo's unless said."
    )
    store_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is bought; the credential's store unless said."
    )


def asked_of(
    code: str | None, codes: Sequence[str] | None, basket: BasketInput, customer_id: str | None
) -> Asked:
    """The same as the domain's value. Ids are read here: an unreadable one is not found."""
    if (code is None) == (not codes):
        raise Invalid("Name one code by `code`, or several by `codes`.", path=["code"], code="CODE_UNNAMED")
    first, *also = [code] if code is not None else list(codes or ())
    zero = PyDecimal(0)
    return Asked(
        code=first,
        also=tuple(also),
        basket=Basket(
            lines=[
                BasketLine(
                    quantity=one.quantity, unit_price=one.unit_price, sku=one.sku, category=one.category
                )
                for one in basket.lines
            ],
            delivery_fee=zero if basket.delivery_fee is None else basket.delivery_fee,
            currency=basket.currency,
        ),
        customer_id=None if customer_id is None else own_id(customer_id, "cust", "customer", "customerId"),
        store_id=None
        if basket.store_id is None
        else own_id(basket.store_id, "store", "store", "basket", "storeId"),
    )
