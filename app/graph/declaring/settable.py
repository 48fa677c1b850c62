"""What can be written, as GraphQL inputs: made from the domain's declarations, and read back into them.

    @input_for(PromoFields, required=("code", "type"))
    class PromoCreateInput:
        \"\"\"A new promo.\"\"\"

    fields = await fields_of(tx, PromoFields, input)

The lines of `PromoFields` (`domain/settable.py`) say names, types, descriptions, checks and what may be absent or
null. A class here says which input they make, and adds what belongs to the call and not to the thing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date, datetime
from decimal import Decimal as PyDecimal
from enum import Enum
from inspect import get_annotations
from typing import Any, TypeVar, get_args, get_origin

import strawberry

from app.db.database import Transaction
from app.domain.inputs import Path
from app.domain.settable import SettableField, SmallInt, settable_fields
from app.errors import Invalid, NotFound
from app.graph.declaring.described import input_type
from app.graph.declaring.scalars import JSON, Date, DateTime, Decimal, Long
from app.values.changes import UNSET
from app.values.ids import read_id

T = TypeVar("T")

_SCALARS: Mapping[Any, Any] = {
    Any: JSON, int: Long, SmallInt: int, PyDecimal: Decimal, datetime: DateTime, date: Date,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coded:
    """A column that holds a code: named by an enum, or, where it has no name, given as the number."""

    enum: type[Enum]
    number: str = ""
    """The description of the further field, `<name>Code`, that takes the number; empty: there is none."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """What an input is made from."""

    fields: tuple[SettableField, ...]
    """In the order in which they are in the input."""
    inside: str
    objects: Mapping[str, tuple[type, str]]
    entries: Mapping[str, type]
    codes: Mapping[str, Coded]


def input_for(
    fields: type,
    *,
    inside: str = "",
    required: Collection[str] = (),
    without: Collection[str] = (),
    objects: Mapping[str, tuple[type, str]] | None = None,
    entries: Mapping[str, type] | None = None,
    codes: Mapping[str, Coded] | None = None,
) -> Callable[[type[T]], type[T]]:
    """Make a class a GraphQL input of the settable fields of `fields`, followed by the class's own.

    `inside`: it is the object of that name in another input, and holds what is declared inside it.
    `required`: columns that must be given here. `without`: columns that cannot be given here.
    `objects`: by name, the inputs of its objects and what they are. `entries`: by column, the inputs of what a column
    holds several of. `codes`: by column, the enum that names its codes.
    """
    taken = _Taken(
        tuple(one for one in settable_fields(fields) if one.column not in without),
        inside, objects or {}, entries or {}, codes or {},
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
        cls.__annotations__ = {**made, **own}
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


def entry_of(fields: type[T], given: Any, at: Path = ()) -> T:
    """The same for what is all in the input: nothing of it is looked up."""
    values, names = _read(given, at)
    assert not names, f"{fields.__name__} has names that must be looked up"
    return fields(**values)


def _read(given: Any, at: Path) -> tuple[dict[str, Any], list[tuple[SettableField, str, Path]]]:
    """The values that were sent, by column, and what still has to be looked up."""
    taken: _Taken = given.__taken__
    values: dict[str, Any] = {}
    names: list[tuple[SettableField, str, Path]] = []
    for one in taken.fields:
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
        path = [*at, *one.steps]
        if value is not None:
            if one.column in taken.entries:
                value = [entry_of(_held(one), entry, [*path, n]) for n, entry in enumerate(value)]
            elif one.setting.named is not None:
                names.append((one, value, path))
                continue
            elif one.setting.refers is not None:
                value = _ids(value, *one.setting.refers, path)
        values[one.column] = value
    return values, names


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
    if setting.inside != taken.inside:
        kind, text = taken.objects[setting.inside]
        yield setting.inside, kind, text
    elif one.column in taken.codes:
        coded = taken.codes[one.column]
        name = _name_of_code(one)
        yield name, coded.enum, setting.description
        if coded.number:
            yield f"{name}_code", int, coded.number
    else:
        yield setting.name or one.column, _kind(one, taken), setting.description


def _kind(one: SettableField, taken: _Taken) -> Any:
    inner = _inner(one.kind)
    if one.column in taken.entries:
        shown: Any = taken.entries[one.column]
    elif one.setting.refers is not None or one.setting.named is not None:
        shown = strawberry.ID
    else:
        shown = (
            JSON if get_origin(inner) is not None and inner is not SmallInt else _SCALARS.get(inner, inner)
        )
    return shown if inner is one.kind else list[shown]


def _inner(kind: Any) -> Any:
    """What a list is of; anything else as it is."""
    is_list = get_origin(kind) in (list, Sequence)
    return get_args(kind)[0] if is_list else kind


def _held(one: SettableField) -> type:
    held: type = _inner(one.kind)
    return held


def _name_of_code(one: SettableField) -> str:
    """`trigger_code` is shown as `trigger`; `reward_type` by the name it was given."""
    return one.setting.name or one.column.removesuffix("_code")


def _has_default(one: SettableField) -> bool:
    return one.default is not MISSING and one.default is not UNSET and one.default is not None


def _field(one: SettableField, text: str, *, must: bool) -> Any:
    if must:
        return strawberry.field(description=text)
    default = one.default if _has_default(one) else strawberry.UNSET
    return strawberry.field(default=default, description=text)
