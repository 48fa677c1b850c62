"""`docs/roles.md`: who may call, read, filter and write what, made from the declarations. A test keeps it current."""

from collections.abc import Collection, Iterator

from graphql import (
    FieldNode,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    get_named_type,
    parse,
    visit,
)

from app.auth.principal import (
    ADMIN_READERS,
    ADMIN_ROLES,
    CRM_ROLES,
    PERSONAL_READERS,
    PLATFORM_ROLES,
    Role,
)
from app.graph.declaring.permitting import roles_of
from app.graph.schema import catalog, graph
from app.plan.catalog import Many
from app.rest.facades import FACADES
from app.rest.route import Facade, LegacyRoute

PEOPLE = CRM_ROLES - ADMIN_ROLES
COLUMNS = {
    "admins": ADMIN_ROLES,
    "people": PEOPLE,
    "`write`": {Role.WRITE},
    "`read`": {Role.READ},
    "`personal_data`": {Role.PERSONAL_DATA},
    "`administration`": {Role.ADMINISTRATION},
    "`webhook`": {Role.WEBHOOK},
    "`tracker`": {Role.TRACKER},
}


def roles_page() -> str:
    """The whole page."""
    return "\n".join(
        [
            _INTRODUCTION,
            *_roots("Queries", graph.query_type),
            *_roots("Subscriptions", graph.subscription_type),
            *_roots("Mutations", graph.mutation_type),
            *_below(),
            *_routes(),
        ]
    )


def _codes(roles: Collection[Role]) -> str:
    return ", ".join(f"`{role}`" for role in sorted(roles))


_INTRODUCTION = f"""\
# Roles

Made from the code by `gateway schema`; do not edit it by hand.

A credential acts inside its scope (a group, perhaps a store or projects), and there it may do what its roles say. All
that an operation needs is asked before any of it runs: a root field needs roles to be called, and some fields, filters,
orderings, types below it and input fields need further ones. Whoever lacks one gets the error `FORBIDDEN`, which names
the field and the roles that would do, and nothing has run, nothing beside it either.

| who | roles | where they come from |
|---|---|---|
| admins | {_codes(ADMIN_ROLES)} | tokens, clients; those of a platform, {_codes(PLATFORM_ROLES)}, tokens alone |
| people | {_codes(PEOPLE)} | tokens, clients |
| programs | `read`, `write`, and beside them `personal_data`, `administration` | API keys, tokens, clients |
| deliveries | `webhook` | a provider's valid signature; nobody can claim it |
| trackers | `tracker` | nobody identified, for a project they name; nobody can claim it |

A role that is not among these gives nothing: a credential with none of them reads nothing.
Personal data is shown to admins, to people, and with `personal_data`. Administration is shown to admins and with
`administration`, and changed by admins alone.
"""


def _roots(title: str, kind: GraphQLObjectType | None) -> Iterator[str]:
    assert kind is not None
    yield f"## {title}\n"
    yield f"| | {' | '.join(COLUMNS)} |"
    yield "|---" * (len(COLUMNS) + 1) + "|"
    for name, field in sorted(kind.fields.items()):
        roles = roles_of(field)
        marks = ("✓" if roles >= group else _those_of_a_platform(roles, group) for group in COLUMNS.values())
        yield f"| `{name}` | {' | '.join(marks)} |"
    yield ""


def _those_of_a_platform(roles: frozenset[Role], group: Collection[Role]) -> str:
    return "of a platform" if PLATFORM_ROLES <= roles and PLATFORM_ROLES <= set(group) else ""


def _below() -> Iterator[str]:
    yield "## Personal data\n"
    yield "Whoever selects, filters or orders by these needs one of " + _named(PERSONAL_READERS) + ":\n"
    for name in _needing(PERSONAL_READERS):
        yield f"- `{name}`"
    yield "- criteria of segments that ask about free attributes (`attributes.…`), in `segmentPreview`, `segmentCreate`"
    yield "  and `segmentUpdate`: a segment's size tells of whom they are true"
    yield "- flows that ask, by conditions or multipliers, about own attributes of `USER` (numbers from 1000),"
    yield "  in `flowsSave` and in drafts of `campaignSimulate`; and campaigns that have such flows, in `campaignClone`"
    yield "  and for what they would pay, in `rewardEvaluate`, `rewardWhyNot` and `campaignSimulate`: this tells of"
    yield "  whom they are true"
    yield "\n## Administration\n"
    yield (
        "Whoever reads these, by whichever way, `node` included, needs one of "
        + _named(ADMIN_READERS)
        + ":\n"
    )
    for name in _needing(ADMIN_READERS):
        yield f"- `{name}`"
    yield "\n## Settings\n"
    yield "Whoever gives these to a mutation, null included, needs one of " + _named(ADMIN_ROLES) + ":\n"
    for name in _needing(ADMIN_ROLES):
        yield f"- `{name}`"
    yield ""


def _needing(roles: frozenset[Role]) -> Iterator[str]:
    """What below the root fields needs one of these, by its name in the schema."""
    roots = {graph.query_type, graph.mutation_type, graph.subscription_type}
    for kind in sorted(graph.type_map.values(), key=lambda one: one.name):
        entity = catalog.entities.get(kind.name)
        if entity is not None and entity.roles == roles:
            yield kind.name
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            if kind not in roots:
                yield from (
                    f"{kind.name}.{n}" for n, field in kind.fields.items() if roles_of(field) == roles
                )
    yield from sorted({f"{of}: {key}" for of, key, needed in _orders() if needed == roles})


def _orders() -> Iterator[tuple[str, str, frozenset[str]]]:
    for entity in catalog.entities.values():
        for name, many in entity.fields.items():
            kind = graph.type_map[entity.name]
            if isinstance(many, Many) and isinstance(kind, GraphQLObjectType):
                order = kind.fields[name].args.get("orderBy")
                if order is not None:
                    for key, sort in many.orders.items():
                        yield get_named_type(order.type).name, key, sort.roles


def _routes() -> Iterator[str]:
    yield "## Legacy routes\n"
    yield (
        "A legacy route runs a stored document, so it needs what the document needs, and answers 403 in its own words\n"
        "without it. The eight roles that the Marketing & CRM API documents (admins and people) are enough for every\n"
        "route of every API; there they are asked for. Where an API documents no roles, a token needs one of ours.\n"
    )
    yield "| route | needs one of each |"
    yield "|---|---|"
    for facade in FACADES:
        # Under a further address a route is the same.
        for route in (one for one in facade.routes if not one.alias):
            yield f"| {facade.title}: `{route.method} {route.path}` | {_needs(facade, route)} |"
    yield ""


def _needs(facade: Facade, route: LegacyRoute) -> str:
    if route.delivery:
        return "the provider's signature"
    if route.tracker:
        return "nothing but a project there is"
    found = [frozenset(facade.roles)] if facade.roles is not None else []
    found += _of_document(route.document)
    # Whoever has one of the fewer has one of the more.
    return "; ".join(_named(roles) for roles in found if not any(other < roles for other in found))


def _of_document(text: str) -> list[frozenset[Role]]:
    info, found = TypeInfo(graph), []

    class Finding(Visitor):
        def enter_field(self, _: FieldNode, *__: object) -> None:
            definition, parent = info.get_field_def(), info.get_parent_type()
            entity = None if parent is None else catalog.entities.get(parent.name)
            for roles in (
                frozenset() if definition is None else roles_of(definition),
                frozenset() if entity is None else frozenset(map(Role, entity.roles)),
            ):
                if roles and roles not in found:
                    found.append(roles)

    visit(parse(text), TypeInfoVisitor(info, Finding()))
    return found


def _named(roles: frozenset[Role]) -> str:
    """Roles in words, the groups of them by their own."""
    rest, words = set(roles), []
    for word, group in (("admins", ADMIN_ROLES), ("people", PEOPLE)):
        if rest >= group:
            words.append(word)
            rest -= group
    return ", ".join([*words, *(f"`{role}`" for role in sorted(rest))])
