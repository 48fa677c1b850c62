"""Whatever comes when: what is there in the end is what the orders say, no more, no less, once."""

from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db.database import Database
from app.errors import Failure
from tests.orders.shops import REFERENCES, WHO, Order, Said, after, shop

STATES: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({
    "amount": st.integers(0, 60), "whom": st.sampled_from(WHO), "campaign": st.sampled_from([None, 0, 1]),
    "days_ago": st.integers(0, 2), "currency": st.sampled_from(["EUR", "EUR", "USD"]),
    "refunded": st.sampled_from([None, 0, 5, 60]), "cancelled": st.sampled_from([None, None, False, True]),
})  # fmt: skip
SLOW = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[Said]]:
    """Versions of two orders, each of them once or more, in any order and in calls of any size."""
    versions = [
        Said(reference, number, **draw(STATES))
        for reference in REFERENCES
        for number in range(1, draw(st.integers(1, 4)) + 1)
    ]
    again = draw(st.lists(st.sampled_from(versions), max_size=3))
    coming = draw(st.permutations([*versions, *again]))
    calls: list[list[Said]] = [[]]
    for one in coming:
        apart: bool = draw(st.booleans())
        if calls[-1] and apart:
            calls.append([])
        calls[-1].append(one)
    return calls


@SLOW
@given(calls=arrivals())
async def test_versions_may_arrive_in_any_order(db: Database, calls: list[list[Said]]) -> None:
    made = await shop(db)
    orders: dict[str, Order] = {}
    for call in calls:
        expected = [after(orders, one, made) for one in call]
        done = await made.report(*(one.entry(made) for one in call))
        assert [outcome.value for outcome in done.outcomes] == expected
    # The highest version of each, as if it had come alone.
    alone: dict[str, Order] = {}
    for reference in REFERENCES:
        last = max(
            (one for call in calls for one in call if one.reference == reference), key=lambda one: one.version
        )
        after(alone, last, made)
    assert await made.found() == made.should(alone) == made.should(orders)


STEPS: st.SearchStrategy[Any] = st.one_of(
    st.builds(
        lambda reference, version, state: ("report", Said(reference, version, **state)),
        st.sampled_from(REFERENCES), st.sampled_from([0, 0, 0, 1, 2, 3]), STATES,
    ),
    st.tuples(
        st.just("refund"), st.sampled_from(REFERENCES), st.sampled_from(["r1", "r2", "r3"]),
        st.sampled_from([None, 5, 20]),
    ),
    st.tuples(st.just("cancel"), st.sampled_from(REFERENCES)),
)  # fmt: skip


@SLOW
@given(steps=st.lists(STEPS, min_size=2, max_size=12))
async def test_reports_refunds_and_cancellations_of_any_kind_add_up(db: Database, steps: list[Any]) -> None:
    made = await shop(db)
    orders: dict[str, Order] = {}
    refunds: dict[str, tuple[str, Decimal]] = {}
    for step in steps:
        if step[0] == "report":
            outcome = after(orders, step[1], made)
            done = await made.report(step[1].entry(made))
            assert done.outcomes[0].value == outcome
        elif step[0] == "refund":
            _, order, reference, amount = step
            expected = _refund(orders, refunds, order, reference, amount)
            given = None if amount is None else Decimal(amount)
            assert await _reason(made.refund(order, reference, given)) == expected
        else:
            expected = None if step[1] in orders else "NOT_FOUND"
            assert await _reason(made.cancel(step[1])) == expected
            if expected is None:
                orders[step[1]] = _called_off(orders[step[1]])
    assert await made.found() == made.should(orders)


async def _reason(call: Coroutine[Any, Any, int]) -> str | None:
    """Why it was refused; None: it was not."""
    try:
        await call
    except Failure as failure:
        return failure.reason
    return None


def _refund(
    orders: dict[str, Order],
    refunds: dict[str, tuple[str, Decimal]],
    order: str,
    reference: str,
    amount: int | None,
) -> str | None:
    """Do it; why not."""
    if order not in orders:
        return "NOT_FOUND"
    if reference in refunds:
        same = refunds[reference][0] == order and amount in (None, refunds[reference][1])
        return None if same else "REFERENCE_TAKEN"
    one = orders[order]
    left = one.amount - one.refunds
    if left <= 0:
        return "NOTHING_LEFT"
    if amount is not None and amount > left:
        return "REFUND_TOO_LARGE"
    given = left if amount is None else Decimal(amount)
    refunds[reference] = (order, given)
    orders[order] = Order(**{**_fields(one), "refunds": one.refunds + given})
    return None


def _called_off(one: Order) -> Order:
    return Order(**{**_fields(one), "cancelled": True, "called_off": True})


def _fields(one: Order) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Order.__dataclass_fields__}
