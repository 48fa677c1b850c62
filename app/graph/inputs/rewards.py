"""Inputs for what happened to a customer and may be rewarded."""

from datetime import datetime
from typing import Any

import strawberry

from app.domain.rewards.occurrences import Occurrence
from app.errors import Invalid
from app.graph.declaring.described import input_type
from app.graph.declaring.enums import FlowTrigger
from app.graph.declaring.scalars import JSON, DateTime, Long
from app.graph.declaring.writing import own_id


@input_type
class RewardTransactionInput:
    """The transaction that may be rewarded."""

    amount: Long | None = strawberry.field(
        default=None, description="What was paid, in the smallest currency unit."
    )
    currency: str | None = strawberry.field(
        default=None, description="In which currency; the campaign's unless said."
    )
    channel: str | None = strawberry.field(default=None, description="Through which channel.")
    items: list[str] | None = strawberry.field(default=None, description="Codes of what was bought.")
    quantity: Long | None = strawberry.field(default=None, description="How many units.")


@input_type
class RewardTriggerInput:
    """Something that happened to a customer and may be rewarded."""

    trigger: FlowTrigger = strawberry.field(description="What happened.")
    customer_id: strawberry.ID = strawberry.field(description="To whom.")
    custom_trigger_id: Long | None = strawberry.field(
        default=None, description="Which custom trigger; with CUSTOM, and only then."
    )
    partner_id: strawberry.ID | None = strawberry.field(
        default=None, description="Through which partner; the campaign's unless said."
    )
    occurred_at: DateTime | None = strawberry.field(default=None, description="When; now unless said.")
    transaction: RewardTransactionInput | None = strawberry.field(
        default=None, description="The transaction, where it was one."
    )
    attributes: JSON | None = strawberry.field(
        default=None,
        description="Values of the group's own attributes, by owner:"
        ' {"transaction": {"gift": true}}. They replace no built-in one.',
    )


def occurrence_of(sent: RewardTriggerInput, *, reference: str, now: datetime) -> Occurrence:
    """The same as the domain's value. Ids are read here: an unreadable one is not found."""
    paid = sent.transaction
    further: Any = sent.attributes or {}
    code: Any = sent.trigger.value
    if not isinstance(further, dict):
        raise Invalid(
            '`attributes` is an object such as {"transaction": {"gift": true}}.', path=["attributes"]
        )
    told = {} if paid is None else {name: getattr(paid, name) for name in _TOLD}
    return Occurrence(
        reference=reference,
        trigger_code=code,
        custom_trigger_id=sent.custom_trigger_id,
        customer_id=own_id(sent.customer_id, "cust", "customer", "customerId"),
        partner_id=None
        if sent.partner_id is None
        else own_id(sent.partner_id, "part", "partner", "partnerId"),
        occurred_at=sent.occurred_at or now,
        transaction={name: value for name, value in told.items() if value is not None},
        further=further,
    )


_TOLD = ("amount", "currency", "channel", "items", "quantity")
