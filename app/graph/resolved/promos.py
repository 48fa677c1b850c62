"""Checks whether promos would work, without using them. A resolver in Python: the rules are the domain's."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry

from app.domain.promos.judging import Validated
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
class PromoLineShare:
    """What a line of the basket bears."""

    line: int = strawberry.field(description="Which line, from 0.")
    discount: Money | None = strawberry.field(description="What is taken off it.")


@object_type
class PromoCodeVerdict:
    """What one of the codes would take off, or every reason why it would not."""

    code: str = strawberry.field(description="The code, as it was asked.")
    valid: bool = strawberry.field(description="Whether it could be redeemed like this.")
    discount: Money | None = strawberry.field(
        description="What it would take off of what those before it left; 0 where it is not valid."
    )
    lines: list[PromoLineShare] = strawberry.field(
        description="What each line bears, in whole coins that add up; lines that bear nothing are left out."
    )
    delivery_discount: Money | None = strawberry.field(description="What it takes off delivery.")
    promo: PromoRef | None = strawberry.field(description="The promo; null where there is none of this code.")
    reasons: list[PromoRefusal] = strawberry.field(
        description="Every reason against it; empty where it is valid."
    )


@object_type
class PromoVerdict:
    """What promos would take off, or every reason why they would not."""

    valid: bool = strawberry.field(description="Whether it could be redeemed like this, with every code.")
    discount: Money | None = strawberry.field(
        description="What they would take off together; 0 where none is valid, null where there is no promo."
    )
    promo: PromoRef | None = strawberry.field(
        description="The promo, of several codes the first one's; null where there is none of this code."
    )
    reasons: list[PromoRefusal] = strawberry.field(
        description="Every reason against it; empty where it is valid."
    )
    codes: list[PromoCodeVerdict] = strawberry.field(
        description="Each code by itself, in the order in which they take off, which is the order given."
    )


@takes_references
async def _validate(
    info: strawberry.Info,
    basket: Annotated[BasketInput, strawberry.argument(description="What is about to be paid.")],
    code: Annotated[str | None, strawberry.argument(description="The code, in any case.")] = None,
    codes: Annotated[
        list[str] | None,
        strawberry.argument(
            description="Instead: several codes, 10 at most, in the order in which they take off."
        ),
    ] = None,
    customer_id: Annotated[
        strawberry.ID | None, strawberry.argument(description="Who is about to pay.")
    ] = None,
) -> PromoVerdict:
    try:
        asked = asked_of(code, codes, basket, customer_id)
        async with info.context.transaction(writes=False) as tx:
            validated = await validate(tx, asked, now=info.context.now)
    except (Invalid, NotFound, Conflict) as failure:
        return _refused(failure)
    each = [await _shown(info, one) for one in validated]
    known = [one for one in validated if one.found is not None]
    currency = known[0].currency if known else None
    return PromoVerdict(
        valid=all(one.valid for one in each),
        discount=money_shown(sum((one.verdict.discount for one in validated), Decimal(0)), currency),
        promo=each[0].promo,
        reasons=[reason for one in each for reason in one.reasons],
        codes=each,
    )


async def _shown(info: strawberry.Info, one: Validated) -> PromoCodeVerdict:
    promo: Any = None
    if one.found is not None:
        promo = await loaders_of(info).one("Promo", one.found.promo_id, alive=True)
    taken = one.verdict.taken
    return PromoCodeVerdict(
        code=one.code,
        valid=one.verdict.valid,
        discount=money_shown(one.verdict.discount, one.currency),
        lines=[
            PromoLineShare(line=at, discount=money_shown(share, one.currency))
            for at, share in enumerate(taken.lines)
            if share
        ],
        delivery_discount=money_shown(taken.delivery, one.currency),
        promo=promo,
        reasons=[PromoRefusal(code=r.code, message=r.message, path=[*r.path]) for r in one.verdict.reasons],
    )


promo_validate: Any = strawberry.field(
    resolver=_validate,
    metadata=priced(500),
    description="What one promo or several would take off this basket now, or every reason why not. Each takes off what"
    " those before it left, so together they never take more than the basket. Nothing is used.",
)


def _refused(failure: Failure) -> PromoVerdict:
    failures = failure.failures if isinstance(failure, Several) else [failure]
    reasons = [
        PromoRefusal(code=f.reason, message=f.message, path=[str(part) for part in f.path]) for f in failures
    ]
    return PromoVerdict(valid=False, discount=None, promo=None, reasons=reasons, codes=[])
