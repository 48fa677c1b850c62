"""Strawberry executes what was already parsed and validated: the document comes with the context."""

from collections.abc import Iterator
from typing import Any

from strawberry.extensions import SchemaExtension


class AlreadyParsed(SchemaExtension):
    """Puts the document that passed every check in place of parsing and validation."""

    def on_parse(self) -> Iterator[None]:
        """Nothing is left to parse."""
        self.execution_context.graphql_document = self._document
        yield

    def on_validate(self) -> Iterator[None]:
        """Nothing is left to validate."""
        if self._document is not None:
            self.execution_context.pre_execution_errors = []
        yield

    @property
    def _document(self) -> Any:
        document = getattr(self.execution_context.context, "document", None)
        return document.ast if document is not None else None
