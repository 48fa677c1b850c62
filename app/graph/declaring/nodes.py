"""What every type with an id shares, and the small objects many types embed."""

import strawberry

from app.graph.declaring.described import interface_type, object_type
from app.graph.declaring.fields import column, given
from app.graph.declaring.scalars import Decimal


@interface_type
class Node:
    """Anything with an id. Ids say what they name (`camp_42`) and are unique over the whole graph."""

    id: strawberry.ID = column("Its id.")


@object_type
class Money:
    """An exact amount of money."""

    amount: Decimal = given(
        "The amount in whole units of the currency, with at least the currency's decimals."
    )
    currency: str = given("ISO 4217 code, such as EUR.")
