"""Documents, prepared once: parsed, bounded, validated, and how their variables shape a plan."""

from collections import OrderedDict
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)

from app.errors import Invalid
from app.graph.documents.limits import MAX_TOKENS, check_document, check_text
from app.graph.documents.variables import PlainInput, plain_input
from app.graph.strawberry_parts import VALIDATION_RULES
from app.plan.collect import structure
from app.plan.graphql_parts import without_suggestions
from app.plan.pages import STRUCTURAL

MAX_DOCUMENTS = 1_000
MAX_ERRORS = 20
RULES = (*specified_rules, *VALIDATION_RULES)
"""GraphQL's own rules and Strawberry's."""
MAX_CHARACTERS = 2_000_000
"""Of all kept documents together: a parsed document takes some fifty times its text."""


class Rejected(Exception):
    """The document is no valid request; every reason as GraphQL errors."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = code


@dataclass(slots=True)
class PreparedOperation:
    """One operation of a document."""

    node: OperationDefinitionNode
    uses: dict[str, str]
    """How each variable shapes the plan."""
    introspects: bool
    plain: PlainInput | None = None
    """How its variables are read quickly, where that can be."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


@dataclass(slots=True)
class Document:
    """A document that passed every check, and its operations by name."""

    text: str
    ast: DocumentNode
    operations: dict[str, PreparedOperation] = field(default_factory=dict)

    def operation(self, name: str | None) -> PreparedOperation:
        """The operation to run."""
        if name is None:
            if len(self.operations) == 1:
                return next(iter(self.operations.values()))
            raise Invalid("The document has several operations: say which with operationName.")
        found = self.operations.get(name)
        if found is None:
            raise Invalid(f"The document has no operation named {name!r:.80}.")
        return found


class Documents:
    """The cache of prepared documents, least recently used out first."""

    def __init__(self, schema: GraphQLSchema, *, suggestions: bool) -> None:
        self.schema = schema
        self.suggestions = suggestions
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._characters = 0

    def get(self, query: str) -> Document:
        """The prepared document. Rejected or a Failure where it is none."""
        found = self._kept.get(query)
        if found is not None:
            self._kept.move_to_end(query)
            return found
        document = self._prepare(query)
        self._kept[query] = document
        self._characters += len(query)
        while len(self._kept) > MAX_DOCUMENTS or self._characters > MAX_CHARACTERS:
            self._characters -= len(self._kept.popitem(last=False)[0])
        return document

    def _prepare(self, query: str) -> Document:
        check_text(query)
        try:
            ast = parse(query, max_tokens=MAX_TOKENS)
        except GraphQLError as error:
            raise Rejected([error], "GRAPHQL_PARSE_FAILED") from None
        check_document(ast)
        # Outside development, no suggestions: they spell out the schema to whoever guesses.
        errors = validate(
            self.schema, ast, RULES, max_errors=MAX_ERRORS, hide_suggestions=not self.suggestions
        )
        if errors:
            if not self.suggestions:
                for found in errors:
                    found.message = without_suggestions(found.message)
            raise Rejected(errors, "GRAPHQL_VALIDATION_FAILED")
        document = Document(query, ast)
        fragments = {d.name.value: d for d in ast.definitions if isinstance(d, FragmentDefinitionNode)}
        for definition in ast.definitions:
            if isinstance(definition, OperationDefinitionNode):
                name = definition.name.value if definition.name else ""
                document.operations[name] = PreparedOperation(
                    definition,
                    structure(definition, fragments, STRUCTURAL),
                    _introspects(definition, fragments),
                    plain_input(self.schema, definition),
                )
        if not document.operations:
            raise Invalid("The document has no operation.")
        return document


def _introspects(operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode]) -> bool:
    """Whether it asks for the schema; root fields can hide in fragments."""
    pending, seen = [operation.selection_set], set()
    while pending:
        for one in pending.pop().selections:
            if isinstance(one, FieldNode):
                if one.name.value in {"__schema", "__type"}:
                    return True
            elif hasattr(one, "selection_set"):
                pending.append(one.selection_set)
            elif one.name.value not in seen:  # type: ignore[attr-defined]
                seen.add(one.name.value)  # type: ignore[attr-defined]
                pending.append(fragments[one.name.value].selection_set)  # type: ignore[attr-defined]
    return False
