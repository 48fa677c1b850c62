"""What can be written, as GraphQL inputs: made from the domain's declarations, and read back into them.

    @input_for(PromoFields, required=("code", "type"))
    class PromoCreateInput:
        \"\"\"A new promo.\"\"\"

    fields = entry_of(PromoFields, input)
    orders = entries_of(OrderEntry, input.orders, ["orders"])

The lines of `PromoFields` (`domain/settable.py`) say names, types, descriptions, checks and what may be absent or
null. A class here says which input they make, and adds what belongs to the call and not to the thing.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date, datetime
from decimal import Decimal as PyDecimal
from enum import Enum
from inspect import get_annotations
from operator import attrgetter
from typing import Any, TypeVar, get_args, get_origin

import strawberry

from app.auth.principal import ADMIN_ROLES
from app.domain.inputs import Path
from app.domain.settable import IdText, SettableField, SmallInt, settable_fields
from app.errors import MAX_TOLD, Failure, Invalid, Several
from app.graph.declaring.described import input_type
from app.graph.declaring.permitting import needing
from app.graph.declaring.scalars import JSON, Date, DateTime, Decimal, Long
from app.graph.declaring.writing import own_id
from app.values.changes import UNSET
from app.values.ids import read_id

T = TypeVar("T")
_ABSENT = strawberry.UNSET

_SCALARS: Mapping[Any, Any] = {
    Any: JSON, IdText: strawberry.ID, int: Long, SmallInt: int, PyDecimal: Decimal, datetime: DateTime, date: Date,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coded:
    """A column that holds a code: named by an enum, or, where it has no name, given as the number."""

    enum: type[Enum]
    number: str = ""
    """The description of the further field, `<name>Code`, that takes the number; empty: there is none."""
    stored: type = int
    """What codes are: numbers, or texts."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A column whose value in the graph has another form than in the domain."""

    kind: Any
    """The input type, without null."""
    read: Callable[[Any, Path], Any]
    """Turns what was sent, never null, into the domain's form; Invalid, with this path, where that is impossible."""


@dataclass(frozen=True)
class _Taken:
    """The declaration that an input is made from."""

    fields: tuple[SettableField, ...]
    """In the order of the input."""
    inside: str
    objects: Mapping[str, tuple[type, str]]
    entries: Mapping[str, type]
    codes: Mapping[str, Coded]
    forms: Mapping[str, Conversion]
    texts: Mapping[str, str]


class _Reader:
    """How an input is read; made once, since lists come with thousands of them."""

    def __init__(self, taken: _Taken) -> None:
        own = [one for one in taken.fields if one.setting.inside == taken.inside]
        direct = [one for one in own if one.column not in taken.codes]
        self.taken = taken
        self.columns = [one.column for one in direct]
        self.sent = _several([one.setting.name or one.column for one in direct])
        """Reads their values, whether sent or not: for most fields the column takes the value as it is."""
        self.forms = {one.column: form for one in taken.fields if (form := _form(one, taken)) is not None}
        """Those whose values must be converted."""
        self.own_forms = [(column, self.forms[column]) for column in self.columns if column in self.forms]
        self.nulls = {
            one.column: one.setting.null
            for one in taken.fields
            # Elsewhere None is left to `written`, since not only clients send it.
            if one.setting.null is not None and not one.holds_none
        }
        self.others = [one for one in taken.fields if one not in direct]
        """Those inside an object, or given by a code."""

    def read(self, given: Any, at: Path) -> dict[str, Any]:
        """The values that were sent, by column."""
        values = {
            column: value
            for column, value in zip(self.columns, self.sent(given), strict=True)
            if value is not _ABSENT
        }
        for column, read in self.own_forms:
            value = values.get(column)
            if value is not None:
                values[column] = read(value, at)
        for one in self.others:
            value = self._other(one, given, at)
            if value is not UNSET:
                values[one.column] = value
        for column, null in self.nulls.items():
            if values.get(column, UNSET) is None:
                values[column] = null
        return values

    def _other(self, one: SettableField, given: Any, at: Path) -> Any:
        holder, taken = given, self.taken
        if one.setting.inside != taken.inside:
            holder = getattr(given, one.setting.inside)
            if holder is _ABSENT:
                return UNSET
            if holder is None:
                # Null for the object clears the columns that can be empty.
                return None if one.is_nullable else UNSET
        if one.column in taken.codes:
            return _coded(one, taken.codes[one.column], holder, at)
        value = getattr(holder, one.setting.name or one.column)
        if value is _ABSENT:
            return UNSET
        form = self.forms.get(one.column)
        return value if value is None or form is None else form(value, at)


def input_for(
    fields: type,
    *,
    inside: str = "",
    only: Collection[str] | None = None,
    required: Collection[str] = (),
    objects: Mapping[str, tuple[type, str]] | None = None,
    entries: Mapping[str, type] | None = None,
    codes: Mapping[str, Coded] | None = None,
    forms: Mapping[str, Conversion] | None = None,
    texts: Mapping[str, str] | None = None,
    first: Sequence[str] = (),
) -> Callable[[type[T]], type[T]]:
    """Make a class a GraphQL input of the settable fields of `fields`, followed by the class's own.

    `inside`: it is the object of that name in another input, and holds what is declared inside it.
    `only`: the columns that can be given here, where not all can. `required`: those that must be.
    `objects`: by name, the inputs of its objects and what they are. `entries`: by column, the inputs of what a column
    holds, or holds several of. `codes`: by column, the enum that names its codes. `forms`: by column, how the graph
    shows it otherwise. `texts`: by column, the description where it means something else here. `first`: names that
    stand before all others, whether declared or the class's own.
    """
    taken = _Taken(
        tuple(
            one for one in settable_fields(fields)
            if (only is None or one.column in only)
            and (not inside or one.setting.inside == inside)
        ),
        inside, objects or {}, entries or {}, codes or {}, forms or {}, texts or {},
    )  # fmt: skip
    reader = _Reader(taken)

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
        kinds = {**made, **own}
        cls.__annotations__ = {name: kinds[name] for name in dict.fromkeys((*first, *kinds))}
        cls.__reader__ = reader  # type: ignore[attr-defined]
        return input_type(cls)

    return decorate


def entry_of(fields: type[T], given: Any, at: Path = (), **more: Any) -> T:
    """The values of an input at the path `at`, in the domain's form.

    Ids are read here: one that cannot be read is not found, like an unknown id. `more` has the values that do not come
    from clients.
    """
    reader: _Reader = given.__reader__
    return fields(**reader.read(given, at), **more)


def entries_of(fields: type[T], given: Sequence[Any], at: Path) -> list[T]:
    """The same for each entry of a list at the path `at`; Several says what is wrong with any of them."""
    found: list[T] = []
    failures: list[Failure] = []
    for n, one in enumerate(given):
        try:
            found.append(fields(**one.__reader__.read(one, (*at, n))))
        except Failure as failure:
            failures.append(failure)
    if failures:
        raise Several(failures[:MAX_TOLD])
    return found


def _form(one: SettableField, taken: _Taken) -> Callable[[Any, Path], Any] | None:
    """Turns what was sent, never null, into the column's value, for an input at a path."""
    steps = one.steps
    if one.column in taken.entries:
        held = _inner(one.kind)
        if not _is_list(one.kind):
            return lambda sent, at: entry_of(held, sent, [*at, *steps])
        return lambda sent, at: [entry_of(held, entry, [*at, *steps, n]) for n, entry in enumerate(sent)]
    if one.column in taken.forms:
        form = taken.forms[one.column].read
        return lambda sent, at: form(sent, [*at, *steps])
    if one.setting.refers is None:
        return None
    prefix, kind = one.setting.refers
    if _is_list(one.kind):
        return lambda sent, at: [own_id(text, prefix, kind, *at, *steps, n) for n, text in enumerate(sent)]
    blank = one.setting.blank

    def ident(text: str, at: Path) -> int | None:
        found = read_id(prefix, text)
        return found if found is not None or text in blank else own_id(text, prefix, kind, *at, *steps)

    return ident


def _coded(one: SettableField, coded: Coded, holder: Any, at: Path) -> Any:
    """The code, given by name or by number; Invalid unless it was given exactly once."""
    name = _name_of_code(one)
    named = getattr(holder, name)
    number = getattr(holder, f"{name}_code") if coded.number else _ABSENT
    path = [*at, *one.steps[:-1]]
    if isinstance(named, Enum):
        if coded.number and number is not strawberry.UNSET and number is not None:
            raise Invalid(f"Say `{name}` or `{name}Code`, not both.", path=[*path, f"{name}Code"])
        where, instead = ".".join((*one.steps[:-1], name)), f" Say `{name}Code`." if coded.number else ""
        return coded.stored(code_of(named, [*path, name], name=where, instead=instead))
    if not coded.number:
        return UNSET if named is strawberry.UNSET else None
    if number is not strawberry.UNSET and number is not None:
        return number
    if one.default is MISSING:
        raise Invalid(f"`{name}` is needed.", path=[*path, name])
    return UNSET


def code_of(named: Enum, path: Path, *, name: str, instead: str = "") -> Any:
    """The code of an enum's value; Invalid for the value that stands for all codes without a name."""
    if not named.value:
        raise Invalid(f"`{name}` cannot be UNRECOGNIZED; that only describes.{instead}", path=path)
    return named.value


def _shown(one: SettableField, taken: _Taken) -> Iterator[tuple[str, Any, str]]:
    """The fields of the input that stand for a column: name, type without null, description."""
    setting = one.setting
    text = taken.texts.get(one.column, setting.description)
    if setting.by_admins:
        text += " Given by admins alone."
    if setting.inside != taken.inside:
        kind, text = taken.objects[setting.inside]
        yield setting.inside, kind, text
    elif one.column in taken.codes:
        coded = taken.codes[one.column]
        name = _name_of_code(one)
        yield name, coded.enum, text
        if coded.number:
            yield f"{name}_code", coded.stored, coded.number
    else:
        yield setting.name or one.column, _kind(one, taken), text


def _kind(one: SettableField, taken: _Taken) -> Any:
    if one.column in taken.forms:
        return taken.forms[one.column].kind
    inner = _inner(one.kind)
    if one.column in taken.entries:
        shown: Any = taken.entries[one.column]
    elif one.setting.refers is not None:
        shown = strawberry.ID
    else:
        shown = _SCALARS[inner] if inner in _SCALARS else JSON if get_origin(inner) is not None else inner
    return shown if inner is one.kind else list[shown]


def _inner(kind: Any) -> Any:
    """The type of a list's entries; other types as they are."""
    return get_args(kind)[0] if _is_list(kind) else kind


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, Sequence)


def _name_of_code(one: SettableField) -> str:
    """`trigger_code` is shown as `trigger`; `reward_type` by the name it was given."""
    return one.setting.name or one.column.removesuffix("_code")


def _has_default(one: SettableField) -> bool:
    """Whether the schema shows a default. It does not where null has a meaning too, which the type would forbid."""
    return one.default is not MISSING and one.default is not UNSET and not one.is_nullable


def _several(names: Sequence[str]) -> Callable[[Any], Sequence[Any]]:
    """Several attributes of an object."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda given: [getattr(given, name) for name in names]


def _field(one: SettableField, text: str, *, must: bool) -> Any:
    metadata = needing(ADMIN_ROLES) if one.setting.by_admins else {}
    if must:
        return strawberry.field(description=text, metadata=metadata)
    default = one.default if _has_default(one) else strawberry.UNSET
    return strawberry.field(default=default, description=text, metadata=metadata)
