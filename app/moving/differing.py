"""Two answers to the same question, compared exactly: status, headers, and the body key by key.

Exact means: keys and their order, types, the order of lists, every digit of a number. Rows of lists are matched by
their ids where they have one, so that a missing row is one difference and not one for every row after it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from app.moving.requests import Answer

IDS = ("id", "_id", "channel", "date", "stage", "storageKey", "code", "name")
"""Keys that tell rows of a list apart, the best first."""
MAX_DEPTH = 100
"""How deeply an answer may be nested."""
SHOWN = 160
"""How much of a value is shown."""


class Kind(StrEnum):
    """What differs."""

    UNANSWERED = "unanswered"
    STATUS = "status"
    HEADER = "header"
    NOT_JSON = "not JSON"
    TYPE = "type"
    VALUE = "value"
    DIGITS = "digits"
    """The same number, written with other digits."""
    MISSING = "key missing"
    ADDED = "key added"
    KEY_ORDER = "order of keys"
    ORDER = "order of rows"
    ROW_MISSING = "row missing"
    ROW_ADDED = "row added"


@dataclass(frozen=True, slots=True)
class Difference:
    """One of them. `key` is the place in the body, as `data[].metrics.sent`; a header's name; or empty."""

    kind: Kind
    key: str
    old: str
    new: str


class Number(str):
    """A number, with its digits as they were written."""

    __slots__ = ()


def differences(old: Answer, new: Answer, *, headers: Sequence[str] = ()) -> Iterator[Difference]:
    """Everything in which the new answer is another one. `headers` are those that count, in small letters."""
    if old.status != new.status:
        # A refusal has another body than an answer; that is one difference, not one for every key.
        yield Difference(Kind.STATUS, "", _refusal(old), _refusal(new))
        return
    for name in headers:
        was, now = (_header(answer.headers, name) for answer in (old, new))
        if was != now:
            yield Difference(Kind.HEADER, name, was or "none", now or "none")
    if old.body == new.body:
        return
    try:
        before = _parsed(old.body)
    except ValueError:
        yield Difference(Kind.NOT_JSON, "", _text(old.body), _text(new.body))
        return
    try:
        after = _parsed(new.body)
    except ValueError:
        yield Difference(Kind.NOT_JSON, "", "JSON", _text(new.body))
        return
    yield from compare(before, after)


def compare(old: object, new: object, key: str = "") -> Iterator[Difference]:
    """The differences of two decoded values, numbers as `Number`."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _objects(old, new, key)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _lists(old, new, key)
    elif _kind_of(old) != _kind_of(new):
        yield Difference(Kind.TYPE, key, _shown(old), _shown(new))
    elif old != new:
        same = isinstance(old, Number) and isinstance(new, Number) and _equal(old, new)
        yield Difference(Kind.DIGITS if same else Kind.VALUE, key, _shown(old), _shown(new))


def decoded(text: str | bytes) -> object:
    """JSON with numbers as they are written. ValueError where it is none."""
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _inside(value: object) -> Iterable[object]:
    """What is nested inside: objects and lists of this value."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (one for one in inner if isinstance(one, dict | list))


def _objects(old: Mapping[str, object], new: Mapping[str, object], key: str) -> Iterator[Difference]:
    for name, value in old.items():
        inner = f"{key}.{name}" if key else name
        if name in new:
            yield from compare(value, new[name], inner)
        else:
            yield Difference(Kind.MISSING, inner, _shown(value), "")
    for name, value in new.items():
        if name not in old:
            yield Difference(Kind.ADDED, f"{key}.{name}" if key else name, "", _shown(value))
    was, now = [name for name in old if name in new], [name for name in new if name in old]
    if was != now:
        yield Difference(Kind.KEY_ORDER, key, ", ".join(was)[:SHOWN], ", ".join(now)[:SHOWN])


def _lists(old: Sequence[object], new: Sequence[object], key: str) -> Iterator[Difference]:
    inner = key + "[]"
    name = _id_of(old, new)
    if name is None:
        yield from _by_place(old, new, inner)
        return
    was = {_mark(row, name): row for row in old}
    now = {_mark(row, name): row for row in new}
    for mark, row in was.items():
        if mark in now:
            yield from compare(row, now[mark], inner)
        else:
            yield Difference(Kind.ROW_MISSING, inner, f"{name} {mark}", "")
    for mark in now:
        if mark not in was:
            yield Difference(Kind.ROW_ADDED, inner, "", f"{name} {mark}")
    order_was, order_now = [m for m in was if m in now], [m for m in now if m in was]
    if order_was != order_now:
        place = next(i for i, (a, b) in enumerate(zip(order_was, order_now, strict=True)) if a != b)
        yield Difference(
            Kind.ORDER,
            inner,
            _shown_marks(order_was[place : place + 5], place),
            _shown_marks(order_now[place : place + 5], place),
        )


def _by_place(old: Sequence[object], new: Sequence[object], inner: str) -> Iterator[Difference]:
    if old != new and len(old) == len(new) and Counter(map(_dumped, old)) == Counter(map(_dumped, new)):
        yield Difference(Kind.ORDER, inner, _shown(old), _shown(new))
        return
    for was, now in zip(old, new, strict=False):
        yield from compare(was, now, inner)
    for row in old[len(new) :]:
        yield Difference(Kind.ROW_MISSING, inner, _shown(row), "")
    for row in new[len(old) :]:
        yield Difference(Kind.ROW_ADDED, inner, "", _shown(row))


def _id_of(old: Sequence[object], new: Sequence[object]) -> str | None:
    """The key by which rows of both lists can be told apart."""
    rows = [*old, *new]
    if not rows or not all(isinstance(row, dict) for row in rows):
        return None
    for name in IDS:
        if all(isinstance(row, dict) and isinstance(row.get(name), str) for row in rows) and all(
            len({_mark(row, name) for row in one}) == len(one) for one in (old, new)
        ):
            return name
    return None


def _mark(row: object, name: str) -> str:
    assert isinstance(row, dict)
    return str(row[name])


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, Number):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


def _equal(old: Number, new: Number) -> bool:
    try:
        return Decimal(old) == Decimal(new)
    except InvalidOperation:
        return False


def _refusal(answer: Answer) -> str:
    """A status, with what is said about it."""
    return str(answer.status) if answer.status < 400 else f"{answer.status} {_text(answer.body)}".strip()


def _header(headers: Mapping[str, str], name: str) -> str:
    return " ".join(headers.get(name, "").split())


def _parsed(body: bytes) -> object:
    return decoded(body.decode("utf-8"))


def _dumped(value: object) -> str:
    """Any decoded value as text; a number stays apart from a text of the same digits."""
    return json.dumps(_tagged(value), ensure_ascii=False)


def _tagged(value: object) -> object:
    if isinstance(value, Number):
        return {"": str(value)}
    if isinstance(value, dict):
        return {name: _tagged(inner) for name, inner in value.items()}
    return [_tagged(inner) for inner in value] if isinstance(value, list) else value


def _shown(value: object) -> str:
    if isinstance(value, Number):
        return str(value)[:SHOWN]
    text = _written(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _written(value: object) -> str:
    """JSON, numbers with their digits."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return (
            "{"
            + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_written(v)}" for k, v in value.items())
            + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _shown_marks(marks: Sequence[str], place: int) -> str:
    return f"from place {place}: {', '.join(marks)}"[:SHOWN]


def _text(body: bytes) -> str:
    return body[: SHOWN * 4].decode("utf-8", "replace")[:SHOWN]
