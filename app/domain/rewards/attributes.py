"""What conditions and multipliers can ask about: attributes by owner and number.

Benji stores numbers and does not say what they mean ("the available values depend on the type"). Those below 1000 are
built in, listed here and in docs/legacy/benji.md; a group can give meanings to the others. The predicate engine of
segments judges them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.domain.segments.kinds import Amount, Flag, Texts, ValueKind, Words
from app.domain.segments.predicates import Attribute, Test
from app.tables.rewards import RewardAttributeKind
from app.values.json_text import read_json

Facts = Mapping[str, Mapping[str, Any]]
"""What is known, by owner and name. JSON values, so that they can be stored and judged again."""

OWNERS = {1: "user", 2: "transaction", 3: "partner", 4: "campaign"}
"""Source: Benji, `campaign_condition_type` and `multiplier_attribute_type`. Other codes have no name (BJ-C1)."""
OPERATORS = {1: "eq", 2: "lt", 3: "gt", 4: "lte", 5: "gte"}
"""Source: Benji, `condition_operator`."""


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """An attribute that every group has."""

    type_code: int
    attribute: int
    name: str
    kind: RewardAttributeKind
    says: str


_K = RewardAttributeKind
BUILT_IN = (
    BuiltIn(1, 1, "loyalty_tier", _K.TEXT, "The customer's loyalty tier."),
    BuiltIn(1, 2, "order_count", _K.NUMBER, "How many orders the customer made."),
    BuiltIn(1, 3, "total_spent", _K.NUMBER, "What the customer spent, in the smallest unit of the group's currency."),
    BuiltIn(1, 4, "email_consent", _K.FLAG, "Whether e-mail may be sent."),
    BuiltIn(1, 5, "sms_consent", _K.FLAG, "Whether text messages may be sent."),
    BuiltIn(1, 6, "tags", _K.TEXTS, "The customer's tags; EQUALS asks for one of them."),
    BuiltIn(1, 7, "seconds_known", _K.NUMBER, "Seconds since the customer was first known."),
    BuiltIn(1, 8, "seconds_since_order", _K.NUMBER, "Seconds since the last order; none without an order."),
    BuiltIn(2, 1, "amount", _K.NUMBER, "What was paid, in the smallest unit; none in another currency."),
    BuiltIn(2, 2, "currency", _K.TEXT, "The currency it was paid in."),
    BuiltIn(2, 3, "channel", _K.TEXT, "The channel it came through."),
    BuiltIn(2, 4, "items", _K.TEXTS, "Codes of what was bought; EQUALS asks for one of them."),
    BuiltIn(2, 5, "quantity", _K.NUMBER, "How many units."),
    BuiltIn(3, 1, "id", _K.NUMBER, "The number in the partner's id."),
    BuiltIn(3, 2, "name", _K.TEXT, "What the partner is called."),
    BuiltIn(3, 3, "external_id", _K.TEXT, "The partner's id in Benji's system, if it has one there."),
    BuiltIn(4, 1, "id", _K.NUMBER, "The number in the campaign's id."),
    BuiltIn(4, 2, "type", _K.TEXT, "What the campaign is for, such as loyalty."),
    BuiltIn(4, 3, "channels", _K.TEXTS, "Where it runs; EQUALS asks for one of them."),
    BuiltIn(4, 4, "store", _K.NUMBER, "The number in the store's id."),
    BuiltIn(4, 5, "seconds_running", _K.NUMBER, "Seconds since it became active."),
)  # fmt: skip
"""The attributes that every group has."""
USER = 1
FIRST_OWN = 1_000
"""Numbers below are reserved for built-in attributes."""
_TAKEN = {
    owner: frozenset(one.name for one in BUILT_IN if one.type_code == code) for code, owner in OWNERS.items()
}

_KINDS: Mapping[str, tuple[ValueKind, Callable[[Any], bool]]] = {
    _K.TEXT: (Words(), lambda value: isinstance(value, str)),
    _K.NUMBER: (Amount(), lambda value: isinstance(value, int | Decimal) and not isinstance(value, bool)),
    _K.FLAG: (Flag(), lambda value: isinstance(value, bool)),
    _K.TEXTS: (
        Texts(),
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
}
"""How values of each kind are judged, and whether an incoming value is one."""


@dataclass(frozen=True)
class ConditionAttributes:
    """The attributes of a group, by owner's code and number."""

    attributes: Mapping[tuple[int, int], Attribute]

    def test(self, type_code: int, attribute: int, operator_code: int, value: str | None) -> Test | str:
        """The test of a condition; a text says why there is none. `value` is JSON text.

        Without a value it is enough to have the attribute.
        """
        if type_code not in OWNERS:
            return f"type {type_code} has no documented meaning"
        asked = self.attributes.get((type_code, attribute))
        if asked is None:
            return f"{OWNERS[type_code]} attribute {attribute} is not in the catalogue"
        operator = OPERATORS.get(operator_code)
        if operator is None:
            return f"operator {operator_code} has no documented meaning"
        operand = None if value is None else read_json(value.encode())
        if operand is None:
            return Test(asked, "exists", True)
        if operator not in asked.kind.operators:
            return f"{asked.name} has no order"
        try:
            return Test(asked, operator, asked.kind.operand(operator, operand))
        except ValueError as why:
            return f"the value {why}"


def asks_freely(type_code: int, attribute: int) -> bool:
    """Whether it is one of a group's own attributes of users, which may be anything that is known about somebody.

    Also while its number has no meaning yet: it may be given one later.
    """
    return type_code == USER and attribute >= FIRST_OWN


def own_values(owner: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of a group's own attributes; none of them replaces a built-in one."""
    taken = _TAKEN[owner]
    return {name: value for name, value in values.items() if name not in taken}


def condition_attributes(own: Iterable[tuple[int, int, str, str]] = ()) -> ConditionAttributes:
    """The built-in attributes and a group's own: `(type_code, attribute, name, kind)`."""
    rows = [(one.type_code, one.attribute, one.name, str(one.kind)) for one in BUILT_IN]
    return ConditionAttributes(
        {(code, number): _attribute(code, name, kind) for code, number, name, kind in (*rows, *own)}
    )


def _attribute(type_code: int, name: str, kind: str) -> Attribute:
    owner = OWNERS[type_code]
    judged, fits = _KINDS[kind]

    def read(facts: Facts) -> Any:
        # Incoming values are up to the sender: one of another kind counts as missing.
        value = facts[owner].get(name)
        return value if value is not None and fits(value) else None

    return Attribute(f"{owner}.{name}", judged, "", read)
