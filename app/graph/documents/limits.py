"""How large a document may be, measured on its text and its tree before validation, each fragment once.

The cost of a *plan* is another matter (`plan/cost.py`); these bounds keep parsing, validation and collecting fields
cheap, whatever somebody sends.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Lexer,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    ValueNode,
)

from app.errors import Invalid, TooLarge

MAX_TEXT = 100_000
"""Characters of a document."""
MAX_TOKENS = 5_000
"""Parsing them takes some 25 ms."""
MAX_DEPTH = 16
MAX_FIELDS = 5_000
"""Fields once every fragment is spread out."""
MAX_ALIASES = 250
MAX_SAME_KEY = 25_000
"""Comparisons of fields with the same response key at the same place, which is what finding conflicts costs."""
MAX_DIRECTIVES = 250
MAX_SPREAD_DEPTH = 50
"""Fragments inside fragments: everything that walks them is recursive."""
MAX_VISITS = 500
"""Operations times fragments: several validation rules walk all fragments again for every operation."""
MAX_DECLARED = 250
"""Variables of one operation."""
MAX_ENTRIES = 1_000
"""Entries of one list literal."""
MAX_KEYS = 64
"""Keys of one object literal: a wrong one is reported with the whole object, each time."""
MAX_LIST = 5_000
"""Entries of one list among the variables."""
MAX_VALUES = 150_000
"""Values in all variables: coercing one costs a microsecond or two."""


_NUL = re.compile(r"\\u(?:0000|\{0+\})")


@dataclass(slots=True)
class _Size:
    fields: int = 0
    depth: int = 0
    spreads: int = 0
    """Fragments inside one another."""


def check_text(query: str) -> None:
    """Refuse a document by its length alone."""
    if len(query) > MAX_TEXT:
        raise TooLarge(f"The document has {len(query)} characters; {MAX_TEXT} are the most.")


def holds_nul(query: str) -> bool:
    """Whether one of its texts has the character NUL, which can only be written as an escape."""
    if "\\u" not in query or _NUL.search(query) is None:
        return False
    # Behind a second backslash, or in a block, it is no escape.
    lexer = Lexer(Source(query))
    try:
        while (token := lexer.advance()).kind is not TokenKind.EOF:
            if "\0" in (token.value or ""):
                return True
    except GraphQLSyntaxError:
        pass  # Parsing will say so.
    return False


def check_document(document: DocumentNode) -> None:
    """Refuse a document whose fragments are circular, or that is too deep, too wide or too repetitive."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    # In operations by the path of response keys; in fragments, which may be anywhere, by the key alone.
    places: Counter[tuple[str, ...]] = Counter()
    outside: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    counted = {"aliases": 0, "directives": 0}
    sizes: dict[str, _Size] = {}

    def of_fragment(name: str, above: tuple[str, ...]) -> _Size:
        if name in above:
            raise Invalid(f"The fragment {name} contains itself.", code="GRAPHQL_VALIDATION_FAILED")
        _check(len(above) + 1, MAX_SPREAD_DEPTH, "fragments inside one another")
        if name not in sizes:
            found = fragments.get(name)
            sizes[name] = of_set(found.selection_set, (*above, name), None) if found else _Size()
            sizes[name].spreads += 1
            _check(sizes[name].spreads, MAX_SPREAD_DEPTH, "fragments inside one another")
        return sizes[name]

    def of_set(selections: SelectionSetNode, above: tuple[str, ...], way: tuple[str, ...] | None) -> _Size:
        size = _Size()
        if not selections.selections:
            raise Invalid("Braces hold at least one field.", code="GRAPHQL_PARSE_FAILED")
        for one in selections.selections:
            counted["directives"] += len(one.directives or ())
            if isinstance(one, FieldNode):
                for argument in one.arguments or ():
                    _check_literal(argument.value)
                counted["aliases"] += one.alias is not None
                key = one.alias.value if one.alias else one.name.value
                below = None if way is None else (*way, key)
                if below is None:
                    inside[key] += 1
                else:
                    outside[key] += 1
                    places[below] += 1
                inner = of_set(one.selection_set, above, below) if one.selection_set else _Size()
                size.fields += 1 + inner.fields
                size.depth = max(size.depth, 1 + inner.depth)
                size.spreads = max(size.spreads, inner.spreads)
            else:
                if isinstance(one, FragmentSpreadNode):
                    inner = of_fragment(one.name.value, above)
                else:
                    assert isinstance(one, InlineFragmentNode)
                    inner = of_set(one.selection_set, above, way)
                size.fields += inner.fields
                size.depth = max(size.depth, inner.depth)
                size.spreads = max(size.spreads, inner.spreads)
        return size

    operations = 0
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            size = of_fragment(definition.name.value, ())
        elif isinstance(definition, OperationDefinitionNode):
            size = of_set(definition.selection_set, (), ())
            _check(len(definition.variable_definitions or ()), MAX_DECLARED, "variables")
            operations += 1
        else:
            continue  # the definition of a type, which validation refuses
        _check(size.depth, MAX_DEPTH, "levels of fields")
        _check(size.fields, MAX_FIELDS, "fields")
    _check(operations * len(fragments), MAX_VISITS, "operations times fragments")
    _check(counted["aliases"], MAX_ALIASES, "aliases")
    _check(counted["directives"], MAX_DIRECTIVES, "directives")
    compared = sum(n * n for n in places.values()) + sum(n * (n + outside[key]) for key, n in inside.items())
    _check(compared, MAX_SAME_KEY, "comparisons of fields under one response key")


def check_variables(variables: dict[str, Any]) -> None:
    """Refuse too many variables, before they are coerced."""
    pending: list[Any] = [variables]
    values = 0
    while pending:
        one = pending.pop()
        if isinstance(one, list):
            if len(one) > MAX_LIST:
                raise TooLarge(f"A list among the variables has {len(one)} entries; {MAX_LIST} are the most.")
            values += len(one)
            pending += [inner for inner in one if isinstance(inner, list | dict)]
        else:
            values += len(one)
            pending += [inner for inner in one.values() if isinstance(inner, list | dict)]
        if values > MAX_VALUES:
            raise TooLarge(f"The variables hold more than {MAX_VALUES} values.")


def _check_literal(value: ValueNode) -> None:
    if isinstance(value, ListValueNode):
        _check(len(value.values or ()), MAX_ENTRIES, "entries in one list")
        for inner in value.values or ():
            _check_literal(inner)
    elif isinstance(value, ObjectValueNode):
        _check(len(value.fields or ()), MAX_KEYS, "keys in one object")
        for field in value.fields or ():
            _check_literal(field.value)


def _check(found: int, most: int, what: str) -> None:
    if found > most:
        raise Invalid(f"The document has {found} {what}; {most} are the most.", code="DOCUMENT_TOO_COMPLEX")
