"""Scalars besides GraphQL's own. How they print is decided in `plan/kinds.py`, what they accept is decided here."""

import datetime
import re
from decimal import Decimal as PyDecimal
from typing import Any, NewType

import strawberry
from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLError,
    GraphQLID,
    GraphQLScalarType,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)
from starlette.datastructures import UploadFile

from app.graph.strawberry_parts import Scalars, reserved_scalar
from app.values.durations import Duration as PyDuration
from app.values.durations import read_duration
from app.values.instants import read_date, read_instant
from app.values.numbers import MAX_SAFE_INTEGER
from app.values.systems import SYSTEM, read_reference

Long = NewType("Long", int)
Decimal = NewType("Decimal", PyDecimal)
DateTime = NewType("DateTime", datetime.datetime)
Date = NewType("Date", datetime.date)
Duration = NewType("Duration", PyDuration)
Rate = NewType("Rate", PyDecimal)
JSON = NewType("JSON", object)
Upload = NewType("Upload", UploadFile)

_MAX_DIGITS = 40
_DECIMAL = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,6})?", re.ASCII)


def read_long(value: Any) -> int:
    """A whole number of at most 53 bits, as a number or as digits."""
    if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError("Long is a whole number, such as 42.")
    if abs(value) > MAX_SAFE_INTEGER:
        raise GraphQLError(f"Long holds at most 53 bits ({MAX_SAFE_INTEGER}).")
    return value


def read_decimal(value: Any) -> PyDecimal:
    """An exact decimal, as text or as a JSON number; never NaN or infinity."""
    if isinstance(value, bool) or not isinstance(value, str | int | PyDecimal):
        raise GraphQLError('Decimal is an exact number, such as "12.50".')
    # Python would also read 1_000, other alphabets' digits and blanks.
    if isinstance(value, str) and _DECIMAL.fullmatch(value) is None:
        raise GraphQLError('Decimal is an exact number, such as "12.50".')
    number = PyDecimal(value)
    exponent = number.as_tuple().exponent
    if (
        not isinstance(exponent, int)
        or abs(exponent) > _MAX_DIGITS
        or len(number.as_tuple().digits) > _MAX_DIGITS
    ):
        raise GraphQLError(f"Decimal holds at most {_MAX_DIGITS} digits, and is never NaN or infinite.")
    return number


def _read_instant(value: Any) -> datetime.datetime:
    if not isinstance(value, str):
        raise GraphQLError("DateTime is a text such as 2025-06-01T08:00:00Z.")
    try:
        return read_instant(value)
    except ValueError as error:
        raise GraphQLError(f"{error}.") from None


def _read_date(value: Any) -> datetime.date:
    if not isinstance(value, str):
        raise GraphQLError("Date is a text such as 2025-06-01.")
    try:
        return read_date(value)
    except ValueError as error:
        raise GraphQLError(f"{error}.") from None


def _read_duration(value: Any) -> PyDuration:
    if not isinstance(value, str):
        raise GraphQLError("Duration is a text such as P30D.")
    try:
        return read_duration(value)
    except ValueError as error:
        raise GraphQLError(f"{error}.") from None


def _number_text(node: ValueNode, _: Any = None) -> PyDecimal:
    # From the literal's own text, so that it never is a float.
    if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        return read_decimal(node.value)
    raise GraphQLError('Decimal is an exact number, such as "12.50".')


def _read_document(value: Any) -> Any:
    return value  # variables are JSON already, with exact numbers


def _document_literal(node: ValueNode, variables: Any = None) -> Any:
    """A literal as a JSON document, each number with its own digits."""
    match node:
        case ObjectValueNode():
            return {field.name.value: _document_literal(field.value, variables) for field in node.fields}
        case ListValueNode():
            return [_document_literal(item, variables) for item in node.values]
        case VariableNode():
            return (variables or {}).get(node.name.value)
        case IntValueNode():
            return _exact(node.value)
        case FloatValueNode():
            return read_decimal(node.value)
        case StringValueNode() | BooleanValueNode():
            return node.value
        case EnumValueNode():
            raise GraphQLError(f'A JSON document has texts in quotes: "{node.value[:40]}".')
        case _:
            return None


def _exact(digits: str) -> int | PyDecimal:
    """A whole number of at most 64 bits; larger ones are exact decimals."""
    number = read_decimal(digits)
    return int(number) if abs(number) < 2**63 else number


def _read_upload(value: Any) -> UploadFile:
    if not isinstance(value, UploadFile):
        raise GraphQLError("Upload is a file of a multipart request, named by the request's map.")
    return value


def _no_literal(_: ValueNode, __: Any = None) -> UploadFile:
    raise GraphQLError("Upload is a file of a multipart request; it can only be a variable.")


def _read_id(value: Any) -> str:
    """An id of ours, or what another system calls the row: `benji:500`, or an object that says the same."""
    if not isinstance(value, dict):
        return str(GraphQLID.parse_value(value))
    if value.keys() != {"system", "id"} or not isinstance(value["system"], str):
        raise GraphQLError('An id elsewhere is {system: "benji", id: "500"}, or the text "benji:500".')
    text = f"{value['system']}:{GraphQLID.parse_value(value['id'])}"
    if SYSTEM.fullmatch(value["system"]) is None or read_reference(text) is None:
        raise GraphQLError(
            f"A system is named by small letters, digits and _, 32 at most, not {value['system']!r:.50}."
        )
    return text


def _id_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> str:
    if not isinstance(node, ObjectValueNode):
        return str(GraphQLID.parse_literal(node, variables))
    if any(isinstance(field.value, VariableNode) for field in node.fields):
        raise GraphQLError(
            'A variable cannot be a part of an id elsewhere: let it be all of it, {system: "benji", id: "500"} or the'
            ' text "benji:500" as the value of a variable of type ID.'
        )
    return _read_id(value_from_ast_untyped(node, variables))


SCALARS: Scalars = {
    strawberry.ID: reserved_scalar(
        GraphQLScalarType(
            "IdOrReference", GraphQLID.serialize, _read_id, _id_literal, description=GraphQLID.description
        ),
        name=GraphQLID.name,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 53 bits: exact in every JSON reader.",
        parse_value=read_long,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text, such as "12.50". Input may also be a JSON number.',
        parse_value=read_decimal,
        parse_literal=_number_text,
    ),
    DateTime: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, `2025-06-01T08:00:00Z`. Input may have any offset; none means UTC. A day alone"
        " is a day where the thing lives that it is said of: as a start its first moment, as an end all of it.",
        parse_value=_read_instant,
    ),
    Date: strawberry.scalar(
        name="Date", description="A day of the calendar, `2025-06-01`.", parse_value=_read_date
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="A length of time in whole days (ISO 8601): `P30D`, `P12W`, `P3M`, `P1Y`.",
        parse_value=_read_duration,
    ),
    Rate: strawberry.scalar(
        name="Rate",
        description="A rate or ratio as a JSON number with a fixed number of decimals, rounded half up.",
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="A JSON document, kept and shown exactly as it was sent.",
        parse_value=_read_document,
        parse_literal=_document_literal,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file, sent as the GraphQL multipart request specification says.",
        parse_value=_read_upload,
        parse_literal=_no_literal,
    ),
}
