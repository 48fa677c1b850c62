"""Storing exchange rates."""

from typing import Annotated

import strawberry

from app.auth.principal import WRITERS
from app.db.database import Transaction
from app.domain.exchange.operations import Rate, upsert_rates
from app.graph.declaring.described import input_type, object_type
from app.graph.declaring.payloads import shown_all
from app.graph.declaring.permitting import WHOLE_GROUP
from app.graph.declaring.settable import entries_of, input_for
from app.graph.declaring.writing import UserError, errors_field, writes
from app.graph.types.exchange_rates import ExchangeRate


@object_type
class ExchangeRatesPayload:
    """Exchange rates that were written."""

    rates: list[ExchangeRate] | None = strawberry.field(
        default=None, description="The rates as they are now; null: errors say why nothing was done."
    )
    errors: list[UserError] = errors_field()


@input_for(Rate)
class ExchangeRateInput:
    """What one unit of a currency is worth in another, from a day on."""


@input_type
class ExchangeRatesUpsertInput:
    """Exchange rates."""

    rates: list[ExchangeRateInput] = strawberry.field(
        description="5,000 at most. A rate of the same pair and day is replaced."
    )


@writes(roles=WRITERS, shapes=WHOLE_GROUP)
async def upsert(
    info: strawberry.Info,
    tx: Transaction,
    input: Annotated[ExchangeRatesUpsertInput, strawberry.argument(description="The rates.")],
) -> ExchangeRatesPayload:
    """Keeps exchange rates: all of them, or none."""
    rates = entries_of(Rate, input.rates, ["rates"])
    ids = await upsert_rates(tx, rates, now=info.context.now)
    return ExchangeRatesPayload(rates=await shown_all(info, tx, "ExchangeRate", ids))
