"""Rows that inputs name by their ids elsewhere, found before a resolver in Python reads the inputs.

    {campaignId: "benji:500"}

Every position of type ID may hold such a text. It is replaced by the same text that also knows its row
(`values/ids.py`), so whoever reads it as an id of ours gets the row's.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any, TypeAlias, get_args, get_origin

import strawberry

from app.db.database import Transaction
from app.domain.external_ids import rows_of_any_kind
from app.graph.strawberry_parts import declared_fields, inner_type
from app.values.ids import FoundElsewhere
from app.values.systems import Reference, read_reference

Opened: TypeAlias = Callable[[], AbstractAsyncContextManager[Transaction]]
_Place = tuple[Any, Any, str]
"""What holds a text, under which name or at which place, and the text."""


def finding(resolver: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """A query's resolver in Python that takes ids."""
    ids = id_parameters(resolver)

    @functools.wraps(resolver)
    async def found(info: strawberry.Info, **arguments: Any) -> Any:
        context: Any = info.context
        await find_elsewhere(lambda: context.transaction(writes=False), arguments, ids)
        return await resolver(info, **arguments)

    return found


def id_parameters(resolver: Callable[..., Any]) -> frozenset[str]:
    """Which parameters are ids, or lists of them."""
    parameters = inspect.signature(resolver, eval_str=True).parameters
    return frozenset(name for name, one in parameters.items() if _is_id(one.annotation))


async def find_elsewhere(opened: Opened, arguments: dict[str, Any], ids: frozenset[str]) -> None:
    """Find the rows that the arguments, or the inputs among them, name by their ids elsewhere."""
    places: list[_Place] = []
    for name, value in arguments.items():
        if name in ids:
            _note(arguments, name, value, places)
        else:
            _search(value, places)
    if not places:
        return
    named = {text: read_reference(text) for _, _, text in places}
    async with opened() as tx:
        rows = await rows_of_any_kind(tx, [one for one in named.values() if one is not None])
    for holder, name, text in places:
        found = FoundElsewhere(text)
        found.rows = rows[_known(named[text])]
        if isinstance(holder, dict | list):
            holder[name] = found
        else:
            setattr(holder, name, found)


def _known(reference: Reference | None) -> Reference:
    assert reference is not None, "only references are noted"
    return reference


def _search(value: Any, places: list[_Place]) -> None:
    if isinstance(value, list):
        for one in value:
            _search(one, places)
        return
    cls: Any = type(value)
    kinds = _fields_of(cls)
    for name, is_id in kinds.items():
        inner = getattr(value, name)
        if inner is None or inner is strawberry.UNSET:
            continue
        if is_id:
            _note(value, name, inner, places)
        else:
            _search(inner, places)


def _note(holder: Any, name: Any, value: Any, places: list[_Place]) -> None:
    if isinstance(value, list):
        for at, one in enumerate(value):
            _note(value, at, one, places)
    elif isinstance(value, str) and ":" in value and read_reference(value) is not None:
        places.append((holder, name, value[:]))


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
