"""References in inputs, found before a resolver in Python reads them.

    {campaignId: "benji:500"}

Every position of type ID may hold such a text: a row, named by its id in another system. It is replaced by the same
text that also knows its row (`values/ids.py`), so whoever reads it as an id of ours gets the row's. What is planned
finds them in its statement instead (`plan/references.py`).
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, NamedTuple, TypeAlias, TypeVar, get_args, get_origin

import strawberry

from app.db.database import Transaction
from app.domain.external_ids.finding import rows_of_any_kind
from app.graph.strawberry_parts import declared_fields, inner_type
from app.values.ids import FoundReference, read_whole
from app.values.systems import Reference, read_reference

_T = TypeVar("_T")
Opened: TypeAlias = Callable[[], AbstractAsyncContextManager[Transaction]]


_NUMBERS_OF = "__numbers_of__"


def numbered_by(system: str) -> Callable[[type[_T]], type[_T]]:
    """For an input whose ids may be bare numbers, as a system prints them: 24 is the reference `<system>:24`."""

    def mark(cls: type[_T]) -> type[_T]:
        setattr(cls, _NUMBERS_OF, system)
        return cls

    return mark


class _Place(NamedTuple):
    """Where a reference stands: in what, and there under which name or at which place."""

    holder: Any
    at: Any
    reference: Reference

    def replace(self, found: FoundReference) -> None:
        """Put the found one there."""
        if isinstance(self.holder, dict | list):
            self.holder[self.at] = found
        else:
            setattr(self.holder, self.at, found)


def takes_references(resolver: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A query's resolver in Python that takes ids."""
    ids = id_parameters(resolver)

    @functools.wraps(resolver)
    async def resolved(info: strawberry.Info, **arguments: Any) -> Any:
        context: Any = info.context
        await find_references(lambda: context.transaction(writes=False), arguments, ids)
        return await resolver(info, **arguments)

    return resolved


def id_parameters(resolver: Callable[..., Any]) -> frozenset[str]:
    """Which parameters are ids, or lists of them."""
    parameters = inspect.signature(resolver, eval_str=True).parameters
    return frozenset(name for name, one in parameters.items() if _is_id(one.annotation))


async def find_references(
    opened: Opened, arguments: dict[str, Any], ids: frozenset[str] = frozenset()
) -> None:
    """Find the rows of all references: in `ids`, the arguments that are ids, and in the inputs among the others.

    A transaction is `opened` only where there are any.
    """
    places: list[_Place] = []
    for name, value in arguments.items():
        if name in ids:
            _note(arguments, name, value, places)
        else:
            _search(value, places)
    if not places:
        return
    async with opened() as tx:
        rows = await rows_of_any_kind(tx, [place.reference for place in places])
    for place in places:
        place.replace(FoundReference(place.reference.text, rows[place.reference]))


def _search(value: Any, places: list[_Place]) -> None:
    if isinstance(value, list):
        for one in value:
            _search(one, places)
        return
    cls: Any = type(value)
    for name, is_id in _fields_of(cls).items():
        inner = getattr(value, name)
        if inner is None or inner is strawberry.UNSET:
            continue
        if is_id:
            _note(value, name, inner, places, numbers_of=getattr(cls, _NUMBERS_OF, None))
        else:
            _search(inner, places)


def _note(holder: Any, at: Any, value: Any, places: list[_Place], *, numbers_of: str | None = None) -> None:
    if isinstance(value, list):
        for place, one in enumerate(value):
            _note(value, place, one, places, numbers_of=numbers_of)
    elif isinstance(value, str):
        reference = read_reference(value)
        if reference is None and numbers_of is not None and read_whole(value) is not None:
            reference = Reference(numbers_of, value)
        if reference is not None:
            places.append(_Place(holder, at, reference))


@functools.cache
def _fields_of(cls: type) -> Mapping[str, bool]:
    """The fields of an input that are ids (true), or inputs in which there may be some (false)."""
    if not hasattr(cls, "__strawberry_definition__"):
        return {}
    kinds = {name: inner_type(field) for name, field in declared_fields(cls).items()}
    return {
        name: kind is strawberry.ID
        for name, kind in kinds.items()
        if kind is strawberry.ID or hasattr(kind, "__strawberry_definition__")
    }


def _is_id(annotation: Any) -> bool:
    if annotation is strawberry.ID:
        return True
    inner = get_args(annotation)
    return any(_is_id(one) for one in (inner[:1] if get_origin(annotation) is Annotated else inner))
