"""What can be written, as GraphQL inputs: made from the domain's declarations, and read back into them.

    @input_for(PromoFields, required=("code", "type"))
    class PromoCreateInput:
        \"\"\"A new promo.\"\"\"

    fields = await fields_of(tx, PromoFields, input)
    orders = entries_of(OrderEntry, input.orders, ["orders"])

The lines of `PromoFields` (`domain/settable.py`) say names, types, descriptions, checks and what may be absent or
null. A class here says which input they make, and adds what belongs to the call and not to the thing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date, datetime
from decimal import Decimal as PyDecimal
from enum import Enum
from functools import cached_property
from inspect import get_annotations
from operator import attrgetter
from typing import Any, TypeVar, get_args, get_origin

import strawberry

from app.db.database import Transaction
from app.domain.inputs import Path
from app.domain.metrics.entries import MAX_TOLD, Several
from app.domain.settable import IdText, SettableField, SmallInt, settable_fields
from app.errors import Failure, Invalid, NotFound
from app.graph.declaring.described import input_type
from app.graph.declaring.scalars import JSON, Date, DateTime, Decimal, Long
from app.values.changes import UNSET
from app.values.ids import read_id

T = TypeVar("T")

_SCALARS: Mapping[Any, Any] = {
    Any: JSON, IdText: strawberry.ID, int: Long, SmallInt: int, PyDecimal: Decimal, datetime: DateTime, date: Date,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coded:
    """A column that holds a code: named by an enum, or, where it has no name, given as the number."""

    enum: type[Enum]
    number: str = ""
    """The description of the further field, `<name>Code`, that takes the number; empty: there is none."""


@dataclass(frozen=True)
class _Taken:
    """What an input is made from."""

    fields: tuple[SettableField, ...]
    """In the order in which they are in the input."""
    inside: str
    objects: Mapping[str, tuple[type, str]]
    entries: Mapping[str, type]
    codes: Mapping[str, Coded]
    texts: Mapping[str, str]

    @cached_property
    def at_once(self) -> Callable[[Any, Path], dict[str, Any]]:
        """Reads the fields that have a place of their own and hold a value or an id; the values sent, by column.

        Lists come with thousands of entries: this costs no more than copying written out by hand.
        """
        fields = [one for one in self.fields if self._is_simple(one)]
        columns = [one.column for one in fields]
        ids = [(one.column, one.setting.refers[0], one) for one in fields if one.setting.refers is not None]
        # None is left to those who may be given it by anybody (`written`).
        nulls = [
            (one.column, one.setting.null)
            for one in fields
            if one.setting.null is not None and not one.holds_none
        ]
        sent = _several([one.setting.name or one.column for one in fields])
        unset = strawberry.UNSET

        def read(given: Any, at: Path) -> dict[str, Any]:
            values = {
                column: value
                for column, value in zip(columns, sent(given), strict=True)
                if value is not unset
            }
            for column, prefix, one in ids:
                text = values.get(column)
                if text is not None:
                    ident = read_id(prefix, text)
                    if ident is None and text not in one.setting.blank:
                        raise _not_found(one, text, at)
                    values[column] = ident
            for column, null in nulls:
                if values.get(column, unset) is None:
                    values[column] = null
            return values

        return read

    @cached_property
    def others(self) -> tuple[SettableField, ...]:
        """The fields that have to be read one by one."""
        return tuple(one for one in self.fields if not self._is_simple(one))

    def _is_simple(self, one: SettableField) -> bool:
        return (
            one.setting.inside == self.inside
            and one.setting.named is None
            and not (one.setting.refers is not None and _is_list(one.kind))
            and one.column not in self.entries
            and one.column not in self.codes
        )


def input_for(
    fields: type,
    *,
    inside: str = "",
    only: Collection[str] | None = None,
    without: Collection[str] = (),
    required: Collection[str] = (),
    objects: Mapping[str, tuple[type, str]] | None = None,
    entries: Mapping[str, type] | None = None,
    codes: Mapping[str, Coded] | None = None,
    texts: Mapping[str, str] | None = None,
    own_first: bool = False,
    first: Sequence[str] = (),
) -> Callable[[type[T]], type[T]]:
    """Make a class a GraphQL input of the settable fields of `fields`, followed by the class's own (or `own_first`).

    `inside`: it is the object of that name in another input, and holds what is declared inside it.
    `only`, `without`: columns that alone can, or that cannot, be given here. `required`: those that must be.
    `objects`: by name, the inputs of its objects and what they are. `entries`: by column, the inputs of what a column
    holds, or holds several of. `codes`: by column, the enum that names its codes. `texts`: by column, the description
    where it means something else here. `first`: names that stand before all others.
    """
    taken = _Taken(
        tuple(
            one for one in settable_fields(fields)
            if one.column not in without and (only is None or one.column in only)
            and (not inside or one.setting.inside == inside)
        ),
        inside, objects or {}, entries or {}, codes or {}, texts or {},
    )  # fmt: skip

    def decorate(cls: type[T]) -> type[T]:
        own = get_annotations(cls)
        made: dict[str, Any] = {}
        for one in taken.fields:
            for name, kind, text in _shown(one, taken):
                if name in made:
                    continue
                must = one.column in required or (one.default is MISSING and one.column not in taken.codes)
                made[name] = kind if must or _has_default(one) else kind | None
                setattr(cls, name, _field(one, text, must=must))
        kinds = {**own, **made} if own_first else {**made, **own}
        cls.__annotations__ = {name: kinds[name] for name in dict.fromkeys((*first, *kinds))}
        cls.__taken__ = taken  # type: ignore[attr-defined]
        return input_type(cls)

    return decorate


async def fields_of(tx: Transaction, fields: type[T], given: Any, at: Path = ()) -> T:
    """What an input says, in the domain's words; `at` is where in the mutation's input it stands.

    Ids are read here: one that cannot be read is not found, like an id of nobody. So is what may be named otherwise.
    """
    values, names = _read(given, at)
    for one, text, path in names:
        assert one.setting.named is not None
        values[one.column] = await one.setting.named(tx, text, *path)
    return fields(**values)


def entry_of(fields: type[T], given: Any, at: Path = (), **more: Any) -> T:
    """The same for what is all in the input: nothing of it is looked up. `more` is what clients do not say."""
    values, names = _read(given, at)
    assert not names, f"{fields.__name__} has names that must be looked up"
    return fields(**values, **more)


def entries_of(fields: type[T], given: Sequence[Any], at: Path) -> list[T]:
    """The same for each of a list that stands at `at`; Several says what is wrong with any of them."""
    found: list[T] = []
    failures: list[Failure] = []
    for n, one in enumerate(given):
        try:
            values, _ = _read(one, [*at, n])
            found.append(fields(**values))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:MAX_TOLD])
    return found


def _read(given: Any, at: Path) -> tuple[dict[str, Any], list[tuple[SettableField, str, Path]]]:
    """The values that were sent, by column, and what still has to be looked up."""
    taken: _Taken = given.__taken__
    values = taken.at_once(given, at)
    names: list[tuple[SettableField, str, Path]] = []
    for one in taken.others:
        holder = given
        if one.setting.inside != taken.inside:
            holder = getattr(given, one.setting.inside)
            if holder is strawberry.UNSET:
                continue
            if holder is None:
                # Null in place of an object clears what can be empty.
                if one.is_nullable:
                    values[one.column] = None
                continue
        value = (
            _coded(one, taken.codes[one.column], holder, at)
            if one.column in taken.codes
            else _sent(one, holder)
        )
        if value is UNSET:
            continue
        if value is None:
            value = None if one.holds_none else one.setting.null
        else:
            path = [*at, *one.steps]
            if one.column in taken.entries:
                value = _entries(one, value, path)
            elif one.setting.named is not None:
                names.append((one, value, path))
                continue
            elif one.setting.refers is not None:
                value = _ids(value, *one.setting.refers, path)
        values[one.column] = value
    return values, names


def _entries(one: SettableField, value: Any, path: Path) -> Any:
    if not isinstance(value, list):
        return entry_of(_held(one), value, path)
    return [entry_of(_held(one), entry, [*path, n]) for n, entry in enumerate(value)]


def _sent(one: SettableField, holder: Any) -> Any:
    value = getattr(holder, one.setting.name or one.column)
    return UNSET if value is strawberry.UNSET else value


def _coded(one: SettableField, coded: Coded, holder: Any, at: Path) -> Any:
    """The code that was said, by name or by number; Invalid unless it was said once."""
    name = _name_of_code(one)
    named = getattr(holder, name)
    number = getattr(holder, f"{name}_code") if coded.number else strawberry.UNSET
    path = [*at, *one.steps[:-1]]
    where = ".".join((*one.steps[:-1], name))
    if isinstance(named, Enum):
        if coded.number and number is not strawberry.UNSET and number is not None:
            raise Invalid(f"Say `{name}` or `{name}Code`, not both.", path=[*path, f"{name}Code"])
        if named.value == 0:
            instead = f" Say `{name}Code`." if coded.number else ""
            raise Invalid(
                f"`{where}` cannot be UNRECOGNIZED; that only describes.{instead}", path=[*path, name]
            )
        return int(named.value)
    if not coded.number:
        return UNSET if named is strawberry.UNSET else None
    if number is not strawberry.UNSET and number is not None:
        return number
    if one.default is MISSING:
        raise Invalid(f"`{name}` is needed.", path=[*path, name])
    return UNSET


def _not_found(one: SettableField, text: str, at: Path) -> NotFound:
    assert one.setting.refers is not None
    return NotFound(one.setting.refers[1], text, path=[str(step) for step in (*at, *one.steps)])


def _ids(value: Any, prefix: str, kind: str, path: Path) -> Any:
    if isinstance(value, str):
        return row_id(value, prefix, kind, path)
    return [row_id(text, prefix, kind, [*path, n]) for n, text in enumerate(value)]


def row_id(text: str, prefix: str, kind: str, path: Path) -> int:
    """The row id in an id of the graph; what cannot be one is not found, like an id of nobody."""
    found = read_id(prefix, text)
    if found is None:
        raise NotFound(kind, text, path=[str(step) for step in path])
    return found


def _shown(one: SettableField, taken: _Taken) -> Iterator[tuple[str, Any, str]]:
    """The fields of the input that stand for a column: name, type without null, description."""
    setting = one.setting
    text = taken.texts.get(one.column, setting.description)
    if setting.inside != taken.inside:
        kind, text = taken.objects[setting.inside]
        yield setting.inside, kind, text
    elif one.column in taken.codes:
        coded = taken.codes[one.column]
        name = _name_of_code(one)
        yield name, coded.enum, text
        if coded.number:
            yield f"{name}_code", int, coded.number
    else:
        yield setting.name or one.column, _kind(one, taken), text


def _kind(one: SettableField, taken: _Taken) -> Any:
    inner = _inner(one.kind)
    if one.column in taken.entries:
        shown: Any = taken.entries[one.column]
    elif one.setting.refers is not None or one.setting.named is not None:
        shown = strawberry.ID
    else:
        shown = _SCALARS[inner] if inner in _SCALARS else JSON if get_origin(inner) is not None else inner
    return shown if inner is one.kind else list[shown]


def _inner(kind: Any) -> Any:
    """What a list is of; anything else as it is."""
    return get_args(kind)[0] if _is_list(kind) else kind


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, Sequence)


def _held(one: SettableField) -> type:
    held: type = _inner(one.kind)
    return held


def _name_of_code(one: SettableField) -> str:
    """`trigger_code` is shown as `trigger`; `reward_type` by the name it was given."""
    return one.setting.name or one.column.removesuffix("_code")


def _has_default(one: SettableField) -> bool:
    """Whether the schema shows a default. It does not where null means something too: the type would forbid it."""
    return one.default is not MISSING and one.default is not UNSET and not one.is_nullable


def _several(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Several attributes of an object."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda given: [getattr(given, name) for name in names]


def _field(one: SettableField, text: str, *, must: bool) -> Any:
    if must:
        return strawberry.field(description=text)
    default = one.default if _has_default(one) else strawberry.UNSET
    return strawberry.field(default=default, description=text)
