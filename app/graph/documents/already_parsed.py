"""Strawberry executes what was already parsed and validated: the document comes with the context."""

from graphql import DocumentNode

from app.graph.strawberry_parts import WithoutParsing


class AlreadyParsed(WithoutParsing):
    """Puts the document that passed every check in place of parsing and validation."""

    def document(self) -> DocumentNode | None:
        """The one that came with the context."""
        found = getattr(self.execution_context.context, "document", None)
        return None if found is None else found.ast
