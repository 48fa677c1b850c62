"""Checks whether a promo would work, without using it. A resolver in Python: the rules are the domain's."""

from typing import Annotated, Any

import strawberry

from app.domain.promos.redeeming import validate
from app.errors import Conflict, Failure, Invalid, NotFound, Several
from app.graph.declaring.described import object_type
from app.graph.declaring.fields import priced
from app.graph.declaring.nodes import Money
from app.graph.declaring.references import takes_references
from app.graph.declaring.refs import PromoRef
from app.graph.declaring.resolving import loaders_of, money_shown
from app.graph.inputs.baskets import BasketInput, asked_of


@object_type
class PromoRefusal:
    """Why a promo cannot be redeemed."""

    code: str = strawberry.field(description="For programs: EXPIRED, BELOW_MINIMUM, NOT_IN_SEGMENT, …")
    message: str = strawberry.field(description="For people.")
    path: list[str] = strawberry.field(description="The argument it is about, outermost first.")


@object_type
class PromoVerdict:
    """What a promo would take off, or every reason why it would not."""

    valid: bool = strawberry.field(description="Whether it could be redeemed like this.")
    discount: Money | None = strawberry.field(
        description="What it would take off; 0 where it is not valid, null where there is no promo."
    )
    promo: PromoRef | None = strawberry.field(description="The promo; null where there is none of this code.")
    reasons: list[PromoRefusal] = strawberry.field(
        description="Every reason against it; empty where it is valid."
    )


@takes_references
async def _validate(
    info: strawberry.Info,
    code: Annotated[str, strawberry.argument(description="The code, in any case.")],
    basket: Annotated[BasketInput, strawberry.argument(description="What is about to be paid.")],
    customer_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Who is about to pay.")
    ] = None,
) -> PromoVerdict:
    try:
        asked = asked_of(code, basket, customer_id)
        async with info.context.transaction(writes=False) as tx:
            validated = await validate(tx, asked, now=info.context.now)
    except (Invalid, NotFound, Conflict) as failure:
        return _refused(failure)
    promo: Any = None
    if validated.promo_id is not None:
        promo = await loaders_of(info).one("Promo", validated.promo_id, alive=True)
    return PromoVerdict(
        valid=validated.verdict.valid,
        discount=money_shown(validated.verdict.discount, validated.currency),
        promo=promo,
        reasons=[
            PromoRefusal(code=r.code, message=r.message, path=[*r.path]) for r in validated.verdict.reasons
        ],
    )


promo_validate: Any = strawberry.field(
    resolver=_validate,
    metadata=priced(500),
    description="What a promo would take off this basket now, or every reason why not. Nothing is used.",
)


def _refused(failure: Failure) -> PromoVerdict:
    failures = failure.failures if isinstance(failure, Several) else [failure]
    reasons = [
        PromoRefusal(code=f.reason, message=f.message, path=[str(part) for part in f.path]) for f in failures
    ]
    return PromoVerdict(valid=False, discount=None, promo=None, reasons=reasons)
