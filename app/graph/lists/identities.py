"""Lists of what customers are known by in projects."""

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.described import input_type
from app.graph.declaring.listing import equals, filter_by, list_of, one_of
from app.graph.lists.conditions import CREATED_AT
from app.plan.references import id_of


@input_type
class CustomerIdentityFilter:
    """Which identities. All conditions given must hold."""

    kinds: list[str] | None = filter_by(
        "Of any of these kinds, such as email or tracker.", one_of("kind", "text")
    )
    value: str | None = filter_by(
        "With this value in the form that compares, exactly.",
        equals("value", "text"),
        roles=PERSONAL_READERS,
    )
    customer_id: strawberry.ID | None = filter_by(
        "Of this customer.", equals("customer_id", "bigint", id_of("cust"))
    )


IDENTITIES = list_of("CustomerIdentity", CustomerIdentityFilter, "CREATED_AT", created_at=CREATED_AT)
