"""Free attributes: keys of a JSON object that have no column."""

from decimal import Decimal
from typing import Any

from app.domain.segments.kinds import COMPARISONS, ORDER, Bind, Moment, ValueKind, number, words
from app.values.json_text import write_json


class Free(ValueKind):
    """One key of a JSON object of free attributes: a text, a number, true or false, or a list of them.

    `expression` is the whole object (jsonb); the key comes with the operand. A value of another kind than the
    operand's fails every test.
    """

    operators = ("eq", "in", "contains", *ORDER)
    expects = "a text, a number, true or false"

    def __init__(self, key: str) -> None:
        self.key = key

    def read(self, value: object) -> str | Decimal | bool:
        if isinstance(value, str):
            return words(value)
        return value if isinstance(value, bool) else number(value, self.expects)

    def operand(self, operator: str, value: object) -> Any:
        found = super().operand(operator, value) if operator != "between" else self._range(value)
        edges = found if operator == "between" else [found]
        if operator in ORDER and any(isinstance(one, bool) for one in edges):
            raise ValueError("compares numbers or texts; true and false have no order")
        return found

    def _range(self, value: object) -> Any:
        if isinstance(value, list) and len({isinstance(self.read(one), str) for one in value}) == 2:
            raise ValueError("takes two values of the same kind")
        return super().operand("between", value)

    def sql(self, operator: str, expression: str, operand: Any, bind: Bind, at: Moment) -> str:
        if operator == "in":
            return f"({' OR '.join(self._is(expression, one, bind) for one in operand)})"
        if operator == "eq":
            return self._is(expression, operand, bind)
        if operator == "contains" and not isinstance(operand, str):
            return self._is(expression, [operand], bind)
        value = f"({expression} -> {bind(self.key, 'text')})"
        if operator == "contains":
            member = self._is(expression, [operand], bind)
            part = f"strpos({value} #>> '{{}}', {bind(operand, 'text')}) > 0"
            return f"({member} OR CASE WHEN jsonb_typeof({value}) = 'string' THEN {part} END)"
        edges = operand if operator == "between" else [operand]
        kind, cast, plain = (
            ("string", "text", f"({value} #>> '{{}}') COLLATE \"C\"")
            if isinstance(edges[0], str)
            else ("number", "numeric", f"({value} #>> '{{}}')::numeric")
        )
        signs = (">=", "<=") if operator == "between" else (COMPARISONS[operator][0],)
        tests = [f"{plain} {sign} {bind(edge, cast)}" for sign, edge in zip(signs, edges, strict=True)]
        return f"CASE WHEN jsonb_typeof({value}) = '{kind}' THEN {' AND '.join(tests)} END"

    def _is(self, expression: str, value: object, bind: Bind) -> str:
        return f"{expression} @> {bind(_json({self.key: value}), 'jsonb')}"

    def holds(self, operator: str, value: Any, operand: Any, at: Moment) -> bool:
        if operator == "in":
            return any(_same(value, one) for one in operand)
        if operator == "eq":
            return _same(value, operand)
        if operator == "contains":
            if isinstance(value, list):
                return any(_same(one, operand) for one in value)
            return isinstance(value, str) and isinstance(operand, str) and operand in value
        low, high = operand if operator == "between" else (operand, operand)
        if isinstance(value, bool | list | dict) or isinstance(value, str) != isinstance(low, str):
            return False
        if operator == "between":
            return bool(low <= value <= high)
        return COMPARISONS[operator][1](value, operand)

    def there(self, expression: str) -> str:
        raise NotImplementedError("asked with its key: see `there_sql`")

    def there_sql(self, expression: str, bind: Bind) -> str:
        """SQL: whether the key has a non-null value."""
        return f"jsonb_typeof({expression} -> {bind(self.key, 'text')}) <> 'null'"


def _same(value: Any, operand: Any) -> bool:
    """JSON's equality: true is not 1, 1.0 is 1."""
    if isinstance(value, bool) or isinstance(operand, bool):
        return value is operand
    return isinstance(value, str) == isinstance(operand, str) and bool(value == operand)


def _json(value: object) -> str:
    return write_json(value).decode()
