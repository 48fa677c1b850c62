"""What can be written, declared once.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class PromoFields:
        code: Settable[str] = settable("What the customer types.", check=promo_code)
        usage_limit: Settable[int | None] = settable("How often it can be used in all.", check=inputs.count)
        campaign_id: Settable[int | None] = settable("The campaign it belongs to.", refers=("camp", "campaign"))

A line says the column or value, its description, its check, and by its type whether it may be absent or null:

    Settable[X] = settable(…)           may be left out, is never null
    Settable[X | None] = settable(…)    may be left out; null clears it
    X = needed(…)                       must be given
    X | None = optional(…)              absent and null are the same
    X = optional(…, default=…)          absent means the default
    X = optional(…, default=…, null=…)  absent means the default, and null what `null` says

`written` gives the checked values by column; the graph makes the GraphQL input from the same lines and fills the
dataclass from it (`graph/declaring/settable.py`). So the error's path is known here: the name of the input field is
the column's in camel case, unless another is said, within the object `inside` names.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from app.domain.inputs import Path
from app.errors import Failure, Invalid
from app.values.changes import UNSET, Unset

KEY = "settable"
"""Where a declaration is in a dataclass field's metadata."""

Check = Callable[[Any, Path], Any]
"""Gives the value as it is stored; Invalid, with this path, where it cannot be."""

SmallInt: TypeAlias = Annotated[int, "32 bits"]
"""A whole number that GraphQL's Int holds: codes and positions."""
IdText: TypeAlias = Annotated[str, "an id"]
"""An id of the graph, or one in another system; the operation looks it up."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One settable field as declared; `field_of` adds what follows from its type."""

    description: str
    check: Check | None = None
    name: str = ""
    """The input field's name, where it is not the column's."""
    inside: str = ""
    """The object in the input that it is inside."""
    refers: tuple[str, str] | None = None
    """The id prefix and the kind of what it refers to."""
    blank: Collection[str] = ()
    """Texts that are no id: with one of them it refers to nothing."""
    null: Any = None
    """What null means for a column that always holds a value; UNSET: the same as absent."""
    by_admins: bool = False
    """Only admins may give it, null included."""
    kept: bool = True
    """Whether the audit trail may keep it: not what is secret, nor what is no single value of its row."""


@dataclass(frozen=True, slots=True)
class SettableField:
    """A settable field, complete."""

    column: str
    setting: Setting
    kind: Any
    """Its type, without absent and null."""
    is_nullable: bool
    holds_none: bool
    """Whether the declaration itself takes None; otherwise null has been replaced by `null=` already."""
    default: Any
    """What absent means: UNSET, a value, or `dataclasses.MISSING` where it must be given."""
    steps: tuple[str, ...]
    """Its path in the input, outermost first."""


def settable(
    description: str,
    *,
    check: Check | None = None,
    name: str = "",
    inside: str = "",
    refers: tuple[str, str] | None = None,
    null: Any = None,
    by_admins: bool = False,
    kept: bool = True,
) -> Any:
    """A field that may be left out, and then stays as it is."""
    setting = Setting(description, check, name, inside, refers, null=null, by_admins=by_admins, kept=kept)
    return field(default=UNSET, metadata={KEY: setting})


def needed(
    description: str,
    *,
    check: Check | None = None,
    name: str = "",
    refers: tuple[str, str] | None = None,
) -> Any:
    """A field that must be given."""
    return field(metadata={KEY: Setting(description, check, name, refers=refers)})


def optional(
    description: str,
    *,
    default: Any = None,
    check: Check | None = None,
    name: str = "",
    refers: tuple[str, str] | None = None,
    blank: Collection[str] = (),
    null: Any = None,
) -> Any:
    """A field for which absent and null mean the same, or absent means `default`."""
    setting = Setting(description, check, name, refers=refers, blank=blank, null=null)
    return field(default=default, metadata={KEY: setting})


@cache
def settable_fields(cls: type) -> tuple[SettableField, ...]:
    """The settable fields of a dataclass, in their order. Fields without a declaration are not for clients."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(_complete(one, hints[one.name]) for one in fields(cls) if KEY in one.metadata)


def written(
    given: Any, at: Path = (), *, without: Collection[str] = (), faults: list[Failure] | None = None
) -> dict[str, Any]:
    """The values that were sent, by column, checked; `at` is their path in the input.

    Raises Invalid for the first field that is wrong, with its path; or collects all failures in `faults`.
    """
    values: dict[str, Any] = {}
    cls: type = type(given)
    for one in settable_fields(cls):
        value = getattr(given, one.column)
        if value is UNSET or one.column in without:
            continue
        try:
            check = one.setting.check
            if value is None:
                value = one.setting.null
                if value is UNSET:
                    continue
                if value is None and not one.is_nullable:
                    name = ".".join(one.steps)
                    raise Invalid(f"`{name}` cannot be null; leave it out instead.", path=[*at, *one.steps])
            elif check is not None:
                value = check(value, [*at, *one.steps])
        except Failure as fault:
            if faults is None:
                raise
            faults.append(fault)
        else:
            values[one.column] = value
    return values


@cache
def kept_columns(cls: type) -> tuple[str, ...]:
    """What the audit trail keeps of the columns that can be set: all but those declared unkept."""
    return tuple(one.column for one in settable_fields(cls) if one.setting.kept)


def path_of(cls: type, column: str) -> Path:
    """The path of a column's value in the input."""
    return _paths(cls).get(column, [column])


def camel(name: str) -> str:
    """`min_order_amount` → `minOrderAmount`."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


@cache
def _paths(cls: type) -> Mapping[str, Path]:
    return {one.column: list(one.steps) for one in settable_fields(cls)}


def _complete(one: Any, hint: Any) -> SettableField:
    setting: Setting = one.metadata[KEY]
    kinds = [kind for kind in _alternatives(hint) if kind is not Unset]
    holds_none = NoneType in kinds
    is_nullable = holds_none or setting.null is not None
    kinds = [kind for kind in kinds if kind is not NoneType]
    assert len(kinds) == 1, f"{one.name}: one type, None and Unset aside, not {hint}"
    name = camel(setting.name or one.name)
    steps = (setting.inside, name) if setting.inside else (name,)
    holds_none = holds_none or kinds[0] is Any
    return SettableField(
        one.name, setting, kinds[0], is_nullable or holds_none, holds_none, one.default, steps
    )


def _alternatives(hint: Any) -> Sequence[Any]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
