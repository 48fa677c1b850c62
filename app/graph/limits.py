"""How large a document may be, found from its text and its tree before validation, fragments counted once each.

What a *plan* costs is another matter (`plan/cost.py`); these bounds keep parsing, validation and collecting fields
cheap, whatever somebody sends.
"""

from collections import Counter
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionSetNode,
)

from app.errors import Invalid, TooLarge

MAX_TEXT = 100_000
"""Characters of a document."""
MAX_TOKENS = 10_000
MAX_DEPTH = 16
MAX_FIELDS = 5_000
"""Fields once every fragment is spread out."""
MAX_ALIASES = 250
MAX_SAME_KEY = 25_000
"""Sum of squares of how often each response key occurs: what finding overlapping fields costs."""
MAX_DIRECTIVES = 250


@dataclass(slots=True)
class _Size:
    fields: int = 0
    depth: int = 0


def check_text(query: str) -> None:
    """Refuse a document by its length alone."""
    if len(query) > MAX_TEXT:
        raise TooLarge(f"The document has {len(query)} characters; {MAX_TEXT} are the most.")


def check_document(document: DocumentNode) -> None:
    """Refuse a document whose fragments go in circles, or that is too deep, too wide or too repetitive."""
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    keys: Counter[str] = Counter()
    counted = {"aliases": 0, "directives": 0}
    sizes: dict[str, _Size] = {}

    def of_fragment(name: str, above: tuple[str, ...]) -> _Size:
        if name in above:
            raise Invalid(f"The fragment {name} contains itself.", code="GRAPHQL_VALIDATION_FAILED")
        if name not in sizes:
            found = fragments.get(name)
            sizes[name] = of_set(found.selection_set, (*above, name)) if found else _Size()
        return sizes[name]

    def of_set(selections: SelectionSetNode, above: tuple[str, ...]) -> _Size:
        size = _Size()
        for one in selections.selections:
            counted["directives"] += len(one.directives or ())
            if isinstance(one, FieldNode):
                counted["aliases"] += one.alias is not None
                keys[one.alias.value if one.alias else one.name.value] += 1
                inner = of_set(one.selection_set, above) if one.selection_set else _Size()
                size.fields += 1 + inner.fields
                size.depth = max(size.depth, 1 + inner.depth)
            else:
                if isinstance(one, FragmentSpreadNode):
                    inner = of_fragment(one.name.value, above)
                else:
                    assert isinstance(one, InlineFragmentNode)
                    inner = of_set(one.selection_set, above)
                size.fields += inner.fields
                size.depth = max(size.depth, inner.depth)
        return size

    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            size = of_fragment(definition.name.value, ())
        else:
            size = of_set(definition.selection_set, ())  # type: ignore[attr-defined]
        _check(size.depth, MAX_DEPTH, "levels deep")
        _check(size.fields, MAX_FIELDS, "fields")
    _check(counted["aliases"], MAX_ALIASES, "aliases")
    _check(counted["directives"], MAX_DIRECTIVES, "directives")
    _check(sum(n * n for n in keys.values()), MAX_SAME_KEY, "comparisons of equal response keys")


def _check(found: int, most: int, what: str) -> None:
    if found > most:
        raise Invalid(f"The document has {found} {what}; {most} are the most.", code="DOCUMENT_TOO_COMPLEX")
