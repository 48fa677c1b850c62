"""`docs/roles.md` is what the code says, and the code says it of everything."""

from pathlib import Path

from graphql import GraphQLObjectType

from app.auth.principal import ADMIN_READERS, READERS, Role
from app.graph.declaring.permitting import roles_of
from app.graph.schema import graph
from app.rest.roles_page import roles_page

FILE = Path(__file__).parents[2] / "docs" / "roles.md"
ROOTS = (graph.query_type, graph.mutation_type, graph.subscription_type)


def test_the_page_is_what_the_code_says() -> None:
    assert FILE.read_text(encoding="utf-8") == roles_page(), "run `make schema`, and look at the difference"


def test_every_root_field_declares_its_roles_and_is_on_the_page() -> None:
    page = FILE.read_text(encoding="utf-8")
    for root in ROOTS:
        assert isinstance(root, GraphQLObjectType)
        for name, field in root.fields.items():
            assert roles_of(field), name
            assert f"| `{name}` |" in page


def test_whatever_is_read_needs_a_role_that_reads() -> None:
    for root in (graph.query_type, graph.subscription_type):
        assert root is not None
        for name, field in root.fields.items():
            # A provider's delivery may ask whether its connection is there.
            assert roles_of(field) - {Role.WEBHOOK} in (READERS, ADMIN_READERS), name
            assert (Role.WEBHOOK in roles_of(field)) == (name == "webhookProviders")
