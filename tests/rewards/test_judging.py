"""What a trigger is worth: conditions, multipliers, rounding, limits, in tables of cases."""

import decimal
from copy import deepcopy
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.rewards.attributes import BUILT_IN, condition_attributes
from app.domain.rewards.judging import Books, Decision, round_half_even
from app.domain.rewards.programme import Programme
from app.domain.rewards.wording import reasons
from app.values.json_text import write_json
from app.values.numbers import MAX_SAFE_INTEGER
from tests.rewards.worked import FACTS, condition, decide, flow, multiplier, programme


def holds(*conditions: Any) -> bool:
    return decide(programme(flow(conditions=conditions))).amount > 0


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        (1, 1000, True), (1, 999, False), (1, Decimal("1000.0"), True),
        (2, 1001, True), (2, 1000, False),
        (3, 999, True), (3, 1000, False),
        (4, 1000, True), (4, 999, False),
        (5, 1000, True), (5, 1001, False),
        (6, 1000, False), (0, 1000, False), (9, 1000, False),
        (1, "1000", False), (3, None, True), (1, [1000], False), (1, {"a": 1}, False), (1, True, False),
    ],
)  # fmt: skip
def test_amounts_compare_as_numbers(operator: int, value: Any, expected: bool) -> None:
    assert holds(condition(2, 1, value, operator=operator)) is expected


@pytest.mark.parametrize(
    ("type_code", "attribute", "operator", "value", "expected"),
    [
        (1, 1, 1, "gold", True), (1, 1, 1, "Gold", False), (1, 1, 3, "bronze", True),
        (1, 6, 1, "vip", True), (1, 6, 1, "old", False), (1, 6, 2, "vip", False),
        (2, 4, 1, "A1", True), (2, 4, 1, "B2", False),
        (2, 1001, 1, True, True), (2, 1001, 1, False, False), (2, 1001, 2, True, False),
        (1, 1000, 1, Decimal("42.50"), True), (1, 1000, 5, 42, True),
        (3, 1, 1, 7, True), (3, 1002, 1, "high", True), (4, 2, 1, "loyalty", True),
        # Nobody knows what these mean, so they are not met.
        (5, 1, 1, "gold", False), (9, 1, 1, None, False), (1, 777, 1, "gold", False),
        # The customer has no such attribute.
        (1, 8, 1, None, False), (1, 8, 4, 10, False),
    ],
)  # fmt: skip
def test_each_owner_s_attributes(
    type_code: int, attribute: int, operator: int, value: Any, expected: bool
) -> None:
    assert holds(condition(type_code, attribute, value, operator=operator)) is expected


YES, NO = (2, 1, 1000), (2, 1, 1)
AND, OR = 1, 2


@pytest.mark.parametrize(
    ("values", "ties"), list(product(product([True, False], repeat=3), product([AND, OR], repeat=2)))
)
def test_and_binds_tighter_than_or(values: tuple[bool, bool, bool], ties: tuple[int, int]) -> None:
    conditions = [
        condition(*(YES if value else NO), joiner=tie) for value, tie in zip(values, (*ties, 2), strict=True)
    ]
    words = [str(values[0])]
    for tie, value in zip(ties, values[1:], strict=True):
        words += ["and" if tie == AND else "or", str(value)]
    assert holds(*conditions) is eval(" ".join(words))


def test_a_tie_without_a_meaning_is_not_met() -> None:
    assert not holds(condition(*YES, joiner=7), condition(*YES))
    assert not holds(condition(*NO, joiner=7), condition(*YES))
    # The last one's tie leads nowhere.
    assert holds(condition(*YES, joiner=7))
    assert holds(condition(*YES, joiner=7), condition(*YES, joiner=OR), condition(*YES)) is True


def test_no_conditions_hold() -> None:
    assert holds()


@pytest.mark.parametrize(
    ("base", "factors", "expected"),
    [
        (100, ["1.5"], 150), (100, ["1.5", "2"], 300), (100, ["0"], 0), (1, ["0.5"], 0), (3, ["0.5"], 2),
        (5, ["0.5"], 2), (7, ["0.5"], 4), (1, ["0.5001"], 1),
        # Rounded once, at the end: 5 × 0.5 = 2.5 → 2 on the way would give 1.
        (5, ["0.5", "0.5"], 1), (1, ["1.5", "1.5"], 2), (3, ["1.3333", "1.3333", "1.3333"], 7),
        (MAX_SAFE_INTEGER, ["99999999999999.9999"] * 4, MAX_SAFE_INTEGER),
    ],
)  # fmt: skip
def test_multipliers_multiply_and_are_rounded_once(base: int, factors: list[str], expected: int) -> None:
    made = decide(programme(flow(base, multipliers=[multiplier(2, 1, one) for one in factors])))
    assert made.wanted == expected


@given(base=st.integers(0, 10**12), factors=st.lists(st.decimals(0, 1000, places=4), max_size=4))
def test_rounding_is_exact(base: int, factors: list[Decimal]) -> None:
    made = decide(programme(flow(base, multipliers=[multiplier(2, 1, str(one)) for one in factors])))
    exact = Decimal(base)

    with decimal.localcontext(prec=200):
        for one in factors:
            exact *= one
        wanted = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    assert made.wanted == min(wanted, MAX_SAFE_INTEGER)


def test_half_goes_to_the_even_neighbour() -> None:
    assert [round_half_even(n, 2) for n in range(8)] == [0, 0, 1, 2, 2, 2, 3, 4]


@pytest.mark.parametrize(
    ("type_code", "attribute", "value", "applies"),
    [
        (1, 1, "gold", True), (1, 1, "silver", False), (1, 1, None, True), (1, 8, None, False),
        (5, 1, None, False), (1, 555, None, False), (1, 2, 3, True), (1, 2, 2, False),
    ],
)  # fmt: skip
def test_multipliers_apply_where_the_attribute_has_the_value(
    type_code: int, attribute: int, value: Any, applies: bool
) -> None:
    made = decide(programme(flow(multipliers=[multiplier(type_code, attribute, "2", value)])))
    assert made.wanted == (200 if applies else 100)


@pytest.mark.parametrize(
    ("flow_trigger", "flow_custom", "trigger", "custom", "pays"),
    [
        (1, None, 1, None, True), (1, None, 2, None, False), (4, 7, 4, 7, True), (4, 7, 4, 8, False),
        (5, None, 5, None, False),
    ],
)  # fmt: skip
def test_a_flow_listens_to_its_trigger(
    flow_trigger: int, flow_custom: int | None, trigger: int, custom: int | None, pays: bool
) -> None:
    made = decide(programme(flow(trigger=flow_trigger, custom=flow_custom)), trigger=trigger, custom=custom)
    assert (made.amount > 0) is pays


def test_the_explanation_says_what_stood_in_the_way() -> None:
    made = decide(
        programme(
            flow(conditions=[condition(1, 1, "platinum", ident=3), condition(7, 1, 1, ident=4)], ident=9),
            flow(trigger=2, ident=10),
        )
    )
    assert made.trace is not None
    assert reasons(made.trace) == [
        "flow_9: cond_3 asks for user.loyalty_tier eq platinum; it is gold.",
        "flow_9: cond_4 is not met, since type 7 has no documented meaning.",
        "flow_10 is passed over: it has another trigger.",
    ]
    capped = decide(programme(goals=[(2, 2, 60)]))
    assert capped.trace is not None
    assert reasons(capped.trace) == ["The limit on rewards is 60; so far 0, this one adds 100."]
    never = decide(programme(reward_type=3))
    assert never.trace is not None
    assert reasons(never.trace) == [
        "The campaign never pays: CONNECT_ONLY connects partners and pays nothing."
    ]
    paid = decide(programme())
    assert paid.trace is not None
    assert reasons(paid.trace) == []


# ── the trace names what counted ──────────────────────────────────────────────

FLIPS: dict[tuple[str, str], Any] = {
    ("user", "loyalty_tier"): "silver",
    ("user", "order_count"): 4,
    ("user", "tags"): ["old"],
    ("user", "shoe"): Decimal("43"),
    ("transaction", "amount"): 2000,
    ("transaction", "currency"): "USD",
    ("transaction", "items"): ["B2"],
    ("transaction", "gift"): False,
    ("partner", "id"): 8,
    ("partner", "name"): "Shop",
    ("partner", "rank"): "low",
    ("campaign", "id"): 2,
    ("campaign", "type"): "promotion",
    ("campaign", "closed"): "it is paused",
}
ASKED: list[tuple[int, int, list[object]]] = [
    (1, 1, ["gold", "silver"]), (1, 2, [3, 4, 5]), (1, 6, ["vip", "old"]), (1, 1000, [42, 43]), (2, 1, [1000, 2000]),
    (2, 2, ["EUR"]), (2, 4, ["A1", "B2"]), (2, 1001, [True, False]), (3, 1, [7, 8]), (3, 2, ["Bank"]),
    (3, 1002, ["high"]), (4, 1, [1]), (4, 2, ["loyalty"]), (6, 1, [1]), (1, 99, [1]),
]  # fmt: skip
asked = st.sampled_from(ASKED).flatmap(
    lambda one: st.tuples(st.just(one[0]), st.just(one[1]), st.sampled_from([None, *one[2]]))
)
conditions = st.lists(
    st.builds(
        lambda one, operator, joiner: condition(one[0], one[1], one[2], operator=operator, joiner=joiner),
        asked, st.integers(1, 6), st.integers(1, 3),
    ),
    max_size=4,
)  # fmt: skip
multipliers = st.lists(
    st.builds(
        lambda one, amount: multiplier(one[0], one[1], amount, one[2]), asked, st.sampled_from(["0", "1", "1.5", "3"])
    ),
    max_size=3,
)  # fmt: skip
flows = st.builds(
    lambda trigger, active, cs, ms, base: flow(base, trigger=trigger, active=active, conditions=cs, multipliers=ms),
    st.sampled_from([1, 1, 1, 2]), st.sampled_from([True, True, False]), conditions, multipliers,
    st.sampled_from([0, 1, 99, 1000]),
)  # fmt: skip
programmes = st.builds(
    lambda fs, goals, kind: programme(*fs, goals=goals, reward_type=kind),
    st.lists(flows, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3), st.sampled_from([0, 1, 500, 5000])), max_size=3),
    st.sampled_from([1, 1, 1, 2, 3, 4]),
)
books = st.builds(
    lambda paid, people, times, revenue, had, balance: Books(
        paid, people, times, revenue, {5: had}, {(5, 7): balance}
    ),
    st.sampled_from([0, 400]), st.integers(0, 1), st.integers(0, 1), st.sampled_from([0, 4500]), st.integers(0, 1),
    st.sampled_from([0, 99, 10**6]),
)  # fmt: skip


def seen(made: Decision) -> tuple[Any, ...]:
    return made.outcome, made.wanted, [(x.action_id, x.amount) for x in made.lines], write_json(made.trace)


def named(trace: Any) -> set[tuple[str, str]]:
    """Every fact a trace names."""
    found: set[tuple[str, str]] = set()
    if isinstance(trace, dict):
        if "input" in trace:
            owner, _, name = str(trace["input"]).partition(".")
            found.add((owner, name))
        if "closed" in trace:
            found.add(("campaign", "closed"))
        if trace.get("of") == "revenue":
            found.add(("transaction", "amount"))
        for value in trace.values():
            found |= named(value)
    elif isinstance(trace, list):
        for value in trace:
            found |= named(value)
    return found


@given(configured=programmes, kept=books)
def test_what_the_trace_names_counts_and_nothing_else(configured: Programme, kept: Books) -> None:
    before = decide(configured, FACTS, kept)
    inputs = named(before.trace)
    for (owner, name), value in FLIPS.items():
        changed = deepcopy(FACTS)
        changed[owner][name] = value
        after = decide(configured, changed, kept)
        if (owner, name) in inputs:
            assert seen(after) != seen(before), (owner, name)
        else:
            assert seen(after) == seen(before), (owner, name)


@given(configured=programmes, kept=books)
def test_of_the_books_too_only_what_is_named_counts(configured: Programme, kept: Books) -> None:
    before = decide(configured, FACTS, kept)
    assert before.trace is not None
    limits = {one["of"] for one in before.trace.get("limits", ())}
    flips = {
        "rewards": replace(kept, paid=kept.paid + 1),
        "participants": replace(kept, participants=kept.participants + 1),
        "transactions": replace(kept, transactions=kept.transactions + 1),
        "revenue": replace(kept, revenue=kept.revenue + 1),
        "balances": replace(kept, balances={(5, 7): kept.balances[5, 7] + 1}),
    }
    if before.trace.get("balances"):
        limits.add("balances")
    for name, flipped in flips.items():
        after = decide(configured, FACTS, flipped)
        assert (seen(after) != seen(before)) is (name in limits), name


@given(configured=programmes, kept=books)
def test_with_and_without_a_trace_the_decision_is_the_same(configured: Programme, kept: Books) -> None:
    traced, bare = decide(configured, FACTS, kept), decide(configured, FACTS, kept, traced=False)
    assert (traced.outcome, traced.wanted, traced.lines) == (bare.outcome, bare.wanted, bare.lines)
    assert bare.trace is None


def test_the_catalogue_is_whole() -> None:
    assert len({(one.type_code, one.attribute) for one in BUILT_IN}) == len(BUILT_IN)
    assert len({(one.type_code, one.name) for one in BUILT_IN}) == len(BUILT_IN)
    assert all(one.attribute < 1000 for one in BUILT_IN)
    assert len(condition_attributes([(1, 1000, "x", "text")]).attributes) == len(BUILT_IN) + 1
