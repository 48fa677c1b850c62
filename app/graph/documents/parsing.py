"""Documents: parsed, bounded and validated once; and how the variables of their operations shape a plan."""

from collections.abc import Mapping
from dataclasses import dataclass

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
from app.values.known import Known

MAX_DOCUMENTS = 1_000
MAX_ERRORS = 20
RULES = (*specified_rules, *VALIDATION_RULES)
"""GraphQL's own rules and Strawberry's."""
MAX_CHARACTERS = 2_000_000
"""For all kept documents together: a parsed document takes some fifty times the memory of its text."""


class Rejected(Exception):
    """The document is not a valid request; every reason as a GraphQL error."""

    def __init__(self, errors: list[GraphQLError], code: str) -> None:
        super().__init__(errors)
        self.errors = errors
        self.code = code


@dataclass(frozen=True, slots=True)
class Definition:
    """How a document defines one of its operations."""

    node: OperationDefinitionNode
    uses: Mapping[str, str]
    """How each variable shapes the plan."""
    introspects: bool
    plain: PlainInput | None
    """How to read its variables quickly, where that is possible."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


@dataclass(frozen=True, slots=True)
class Document:
    """A document that passed every check."""

    text: str
    ast: DocumentNode
    definitions: Mapping[str, Definition]
    """By the names of its operations; one without a name by the empty text."""

    def definition(self, name: str | None) -> Definition:
        """Of the operation to run."""
        if name is None:
            if len(self.definitions) == 1:
                return next(iter(self.definitions.values()))
            raise Invalid("The document has several operations: say which with operationName.")
        found = self.definitions.get(name)
        if found is None:
            raise Invalid(f"The document has no operation named {name!r:.80}.")
        return found


class Documents:
    """From a text to its document."""

    def __init__(self, schema: GraphQLSchema, *, suggestions: bool) -> None:
        self.schema = schema
        self.suggestions = suggestions
        """Whether errors may suggest what was meant."""
        self._known: Known[str, Document] = Known(
            MAX_DOCUMENTS, weight=MAX_CHARACTERS, weigh=lambda text, _: len(text)
        )

    def get(self, text: str) -> Document:
        """The document. Rejected or a Failure where it is not valid."""
        document = self._known.get(text)
        if document is None:
            document = self.read(text)
            self.keep(document)
        return document

    def knows(self, text: str) -> bool:
        """Whether it was read before."""
        return self._known.get(text) is not None

    def keep(self, document: Document) -> None:
        """Know a document that was read."""
        self._known.keep(document.text, document)

    def read(self, text: str) -> Document:
        """Parse and validate, without remembering it: in any thread."""
        check_text(text)
        try:
            ast = parse(text, max_tokens=MAX_TOKENS)
        except GraphQLError as error:
            raise Rejected([error], "GRAPHQL_PARSE_FAILED") from None
        check_document(ast)
        # No suggestions outside development: they spell out the schema to whoever guesses.
        errors = validate(
            self.schema, ast, RULES, max_errors=MAX_ERRORS, hide_suggestions=not self.suggestions
        )
        if errors:
            if not self.suggestions:
                for found in errors:
                    found.message = without_suggestions(found.message)
            raise Rejected(errors, "GRAPHQL_VALIDATION_FAILED")
        fragments = {d.name.value: d for d in ast.definitions if isinstance(d, FragmentDefinitionNode)}
        definitions = {
            node.name.value if node.name else "": Definition(
                node,
                structure(node, fragments, STRUCTURAL),
                _introspects(node, fragments),
                plain_input(self.schema, node),
            )
            for node in ast.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        if not definitions:
            raise Invalid("The document has no operation.")
        return Document(text, ast, definitions)


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
