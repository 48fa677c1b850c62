"""One object per kind of value, with both printings side by side.

`value` turns what the driver gives into what the response writer prints; `text` is the SQL that writes the same
JSON. Equality of the two executions lives here: change one, change the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any

import msgspec

from app.plan.sql import Sql, joined, quoted, sql, whole
from app.plan.text import Text
from app.values.ids import show_id
from app.values.instants import show_instant
from app.values.money import NO_DIGITS, THREE_DIGITS, show_amount, show_decimal


@dataclass(frozen=True)
class Kind:
    """How a value prints. `value(*driver values)` and `text(*expressions)` take the same number of arguments."""

    name: str
    value: Callable[..., Any]
    text: Callable[..., Text]
    fetched_as: str = ""
    """A cast for the driver, where its own reading of the type would lose something."""


def _same(value: Any) -> Any:
    return value


def _as_text(x: Sql) -> Sql:
    return sql("{x}::text", x=x)


def _plain(x: Sql) -> Text:
    return Text().add(_as_text(x))


def _in_quotes(build: Callable[..., Sql]) -> Callable[..., Text]:
    return lambda *x: Text().literal('"').add(build(*x)).literal('"')


TEXT = Kind("text", _same, lambda x: Text().add(sql("to_json({x})::text", x=x)))
INT = Kind("int", int, _plain)
BOOL = Kind("bool", _same, _plain)
INSTANT = Kind(
    "instant",
    show_instant,
    # to_json prints "2025-06-01T08:00:00.5+00:00" in a UTC session; the offset and quote become Z".
    lambda x: Text().add(sql("left(to_json({x})::text, -7)", x=x)).literal('Z"'),
)
DATE = Kind("date", lambda v: v.isoformat(), _in_quotes(_as_text))
DECIMAL = Kind("decimal", show_decimal, _in_quotes(lambda x: sql("trim_scale({x})::text", x=x)))
TEXTS = Kind("texts", list, lambda x: Text().add(sql("array_to_json({x})::text", x=x)))
JSON = Kind("json", lambda v: msgspec.Raw(v.encode()), _plain, fetched_as="::text")
DOCUMENT = replace(JSON)
"""JSON that somebody outside sent and that may be large: printed alike, and dearer."""


CURRENCY = Kind("currency", _same, _in_quotes(lambda x: x))
"""Three capital letters, says the table: nothing to escape."""
WITHOUT_DIGITS, WITH_THREE_DIGITS = (
    quoted("{" + ",".join(sorted(some)) + "}") for some in (NO_DIGITS, THREE_DIGITS)
)
"""Currencies as an array."""


def _amount(x: Sql, currency: Sql) -> Sql:
    # The most frequent first, where most rows stop.
    return sql(
        """
        round({x}, greatest(min_scale({x}), CASE
            WHEN {currency} = ANY ('{{EUR,USD,GBP}}') THEN 2
            WHEN {currency} = ANY ({none}) THEN 0
            WHEN {currency} = ANY ({three}) THEN 3
            ELSE 2 END))::text
        """,
        x=x,
        currency=currency,
        none=WITHOUT_DIGITS,
        three=WITH_THREE_DIGITS,
    )


AMOUNT = Kind(
    "amount",
    show_amount,
    _in_quotes(_amount),
)
"""For an amount and its currency."""


def rate(scale: int) -> Kind:
    """A JSON number of `scale` decimals, rounded half away from zero."""
    step, digits = Decimal(1).scaleb(-scale), whole(scale)
    return Kind(
        f"rate({scale})",
        lambda v: v.quantize(step, rounding=ROUND_HALF_UP),
        lambda x: Text().add(sql("round({x}, {digits})::text", x=x, digits=digits)),
    )


def share(scale: int) -> Kind:
    """The same, with decimals only where they are needed: 100, 65, 9.8."""
    rounded, digits = rate(scale), whole(scale)
    return Kind(
        f"share({scale})",
        lambda v: Decimal(show_decimal(rounded.value(v))),
        lambda x: Text().add(sql("trim_scale(round({x}, {digits}))::text", x=x, digits=digits)),
    )


def ident(prefix: str) -> Kind:
    """`camp_42`."""
    return Kind(
        f"id({prefix})",
        lambda v: show_id(prefix, v),
        lambda x: Text().literal(f'"{prefix}_').add(_as_text(x)).literal('"'),
    )


def code(enum: type[Enum]) -> Kind:
    """An enum whose members are stored by value; a value outside it is `UNRECOGNIZED`, where it has that member."""
    rest = enum.__members__.get("UNRECOGNIZED")
    members = [m for m in enum if m is not rest]
    known = {m.value: m for m in members}

    def value(stored: Any) -> Any:
        return known.get(stored, rest) if rest is not None else known[stored]

    in_upper_case = rest is None and all(
        isinstance(m.value, str) and m.name == m.value.upper() for m in members
    )
    cases = [sql("WHEN {stored} THEN {name}", stored=_stored(m), name=quoted(m.name)) for m in members]
    cases += [sql("ELSE {name}", name=quoted(rest.name))] if rest is not None else []

    def shown(x: Sql) -> Sql:
        if in_upper_case:
            return sql("upper({x})", x=x)
        # A NULL stays NULL: CASE would give it the ELSE branch.
        by_value = joined(" ", cases)
        return sql("CASE WHEN {x} IS NOT NULL THEN CASE {x} {by_value} END END", x=x, by_value=by_value)

    return Kind(f"code({enum.__name__})", value, _in_quotes(shown))


def _stored(member: Enum) -> Sql:
    return quoted(member.value) if isinstance(member.value, str) else whole(member.value)


def nullable(kind: Kind, expressions: Sequence[Sql], *, may_be_null: bool) -> Text:
    """The kind's text, `null` where the value is NULL."""
    made = kind.text(*expressions)
    return Text().add(sql("coalesce({text}, 'null')", text=made.sql())) if may_be_null else made


def show(kind: Kind, values: Sequence[Any]) -> Any:
    """The kind's printable value, None where the (first) value is NULL."""
    return None if values[0] is None else kind.value(*values)
