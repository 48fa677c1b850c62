"""One object per kind of value, with both printings side by side.

`value` turns what the driver gives into what the response writer prints; `text` is the SQL that writes the same
JSON. Equality of the two executions lives here: change one, change the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import Enum
from typing import Any

import msgspec

from app.plan.sql import NOTHING, Sql, joined, put, quoted, sql, verbatim
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


def _plain(suffix: str) -> Callable[..., Text]:
    return lambda x: Text().add(put(x, suffix))


def _in_quotes(build: Callable[..., Sql]) -> Callable[..., Text]:
    return lambda *x: Text().literal('"').add(build(*x)).literal('"')


TEXT = Kind("text", _same, lambda x: Text().add(put("to_json(", x, ")::text")))
INT = Kind("int", int, _plain("::text"))
BOOL = Kind("bool", _same, _plain("::text"))
INSTANT = Kind(
    "instant",
    show_instant,
    # to_json prints "2025-06-01T08:00:00.5+00:00" in a UTC session; the offset and quote become Z".
    lambda x: Text().add(put("left(to_json(", x, ")::text, -7)")).literal('Z"'),
)
DATE = Kind("date", lambda v: v.isoformat(), _in_quotes(lambda x: put(x, "::text")))
DECIMAL = Kind("decimal", show_decimal, _in_quotes(lambda x: put("trim_scale(", x, ")::text")))
TEXTS = Kind("texts", list, lambda x: Text().add(put("array_to_json(", x, ")::text")))
JSON = Kind("json", lambda v: msgspec.Raw(v.encode()), _plain("::text"), fetched_as="::text")


CURRENCY = Kind("currency", _same, _in_quotes(lambda x: x))
"""Three capital letters, says the table: nothing to escape."""


def _digits(currency: Sql) -> Sql:
    none, three = ("'{" + ",".join(sorted(s)) + "}'" for s in (NO_DIGITS, THREE_DIGITS))
    # The most frequent first: most rows stop there.
    return put(
        "CASE WHEN ", currency, " = ANY ('{EUR,USD,GBP}') THEN 2 WHEN ", currency, f" = ANY ({none}) THEN 0 WHEN ",
        currency, f" = ANY ({three}) THEN 3 ELSE 2 END",
    )  # fmt: skip


AMOUNT = Kind(
    "amount",
    show_amount,
    _in_quotes(lambda x, c: put("round(", x, ", greatest(min_scale(", x, "), ", _digits(c), "))::text")),
)
"""Of an amount and its currency."""


def rate(scale: int) -> Kind:
    """A JSON number of `scale` decimals, rounded half away from zero."""
    step = Decimal(1).scaleb(-scale)
    return Kind(
        f"rate({scale})",
        lambda v: v.quantize(step, rounding=ROUND_HALF_UP),
        lambda x: Text().add(put("round(", x, f", {scale})::text")),
    )


def share(scale: int) -> Kind:
    """The same with decimals only where they are needed: 100, 65, 9.8."""
    rounded = rate(scale)
    return Kind(
        f"share({scale})",
        lambda v: Decimal(show_decimal(rounded.value(v))),
        lambda x: Text().add(put("trim_scale(round(", x, f", {scale}))::text")),
    )


def ident(prefix: str) -> Kind:
    """`camp_42`."""
    return Kind(
        f"id({prefix})",
        lambda v: show_id(prefix, v),
        lambda x: Text().literal(f'"{prefix}_').add(put(x, "::text")).literal('"'),
    )


def code(enum: type[Enum]) -> Kind:
    """An enum whose members are stored by value; a value outside it is `UNRECOGNIZED`, where it has that member."""
    rest = enum.__members__.get("UNRECOGNIZED")
    members = [m for m in enum if m is not rest]
    known = {m.value: m for m in members}

    def value(stored: Any) -> Any:
        return known.get(stored, rest) if rest is not None else known[stored]

    def text(x: Sql) -> Text:
        if all(isinstance(m.value, str) and m.name == m.value.upper() for m in members) and rest is None:
            return Text().literal('"').add(put("upper(", x, ")")).literal('"')
        cases = joined(
            " ", [sql("WHEN {stored} THEN {name}", stored=_stored(m), name=quoted(m.name)) for m in members]
        )
        other = sql("ELSE {name}", name=quoted(rest.name)) if rest is not None else NOTHING
        # A NULL stays NULL: CASE would give it the ELSE branch.
        guard = sql(
            "CASE WHEN {x} IS NOT NULL THEN CASE {x} {cases} {other} END END", x=x, cases=cases, other=other
        )
        return Text().literal('"').add(guard).literal('"')

    return Kind(f"code({enum.__name__})", value, text)


def _stored(member: Enum) -> Sql:
    return quoted(member.value) if isinstance(member.value, str) else verbatim(str(int(member.value)))


def nullable(kind: Kind, expressions: Sequence[Sql], *, may_be_null: bool) -> Text:
    """The kind's text, `null` where the value is NULL."""
    made = kind.text(*expressions)
    return Text().add(put("coalesce(", made.sql(), ", 'null')")) if may_be_null else made


def show(kind: Kind, values: Sequence[Any]) -> Any:
    """The kind's printable value, None where the (first) value is NULL."""
    return None if values[0] is None else kind.value(*values)
