"""A question for every edge of the graph, read from the catalog: a new edge is asked about by itself."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from app.graph.schema import catalog, graph
from app.plan.catalog import Aggregate, Embed, Field, Many, RootRow, ToOne

GRAPH = graph


@dataclass(frozen=True)
class Edge:
    """A way from one type to another: fields from the root to its owner, and its own (through embedded objects)."""

    owner: str
    above: tuple[str, ...]
    steps: tuple[str, ...]
    field: Field
    target: str

    @property
    def name(self) -> str:
        """`Campaign.tracking.integration`."""
        return ".".join((self.owner, *self.steps))

    def question(self, *, first: int = 20, arguments: str = "") -> str:
        """Everything plain behind this edge, for up to `first` of its owners at the root."""
        return "{ " + _nested((*self.above, *self.steps), GRAPH.query_type, first, arguments) + " }"


_DAYS = 'since: "2025-05-01", until: "2025-07-01"'
FURTHER = {
    "OrderRollup": "{ orderFigures(interval: MONTH, by: [STORE]) { period store { id } orders revenue { amount } } }",
    "FunnelDay": f"{{ funnel(type: PURCHASE, {_DAYS}) {{ stages {{ count }} }} }}",
    "FunnelTouch": f"{{ funnelCustom(stages: [AWARENESS], {_DAYS}, by: CHANNEL) {{ channel stages {{ count }} }} }}",
    "FunnelMember": f"{{ funnelCustom(stages: [AWARENESS], {_DAYS}, by: SEGMENT) {{ segment {{ id }} }} }}",
    "EventRollup": (
        '{ insights(project: "ours.s0.p0-slug", metrics: ["event-count", "turnover"], interval: DAY,'
        " by: EVENT_TYPE) { period eventType values { metric value } } }"
    ),
    "AttributionTouch": (
        '{ attribution(by: CAMPAIGN, model: TIME_DECAY, currency: "EUR", metric: "event-count", project:'
        ' "ours.s0.p0-slug") { campaign { id name } currency revenue { amount } conversions cost { amount } roas'
        " unconverted { currency revenue { amount } cost { amount } } } }"
    ),
    "AttributionSpend": (
        '{ attribution(by: CHANNEL, model: LAST_TOUCH, metric: "turnover", since: "2025-05-01", until: "2025-07-01")'
        " { channel currency revenue { amount } cost { amount } } }"
    ),
    "AttributionMetric": (
        '{ attributedInsights(by: STORE, model: POSITION_BASED, metrics: ["turnover"], interval: WEEK)'
        " { period store { id } values { metric value } } }"
    ),
    "PromoCampaign": "{ promos(first: 50) { nodes { code campaigns { nodes { id } } } } }",
    "MetricRollup": "{ figures(by: [CHANNEL, STORE]) { channel clicks } }",
    "MetricFactRollup": "{ figures(by: [CHANNEL, STORE]) { bySource { source clicks } } }",
}
"""Questions about what only fields with arguments of their own read, by what they read."""


def edges() -> list[Edge]:
    """Every edge, from the root outward; each owner is reached by a shortest way."""
    found: list[Edge] = []
    ways: dict[str, tuple[str, ...]] = {"Query": ()}
    pending = deque(["Query"])
    while pending:
        owner = pending.popleft()
        # Lists first: owners are better met by the dozen.
        for steps, field, target in sorted(
            _edges_of(owner, owner, ()), key=lambda e: not isinstance(e[1], Many)
        ):
            found.append(Edge(owner, ways[owner], steps, field, target))
            if target not in ways:
                ways[target] = (*ways[owner], *steps)
                pending.append(target)
    return found


def _edges_of(owner: str, kind: str, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Field, str]]:
    for name, field in catalog.entities[kind].fields.items():
        definition = _object(kind).fields[name]
        if any(is_required_argument(a) for a in definition.args.values()):
            continue
        if isinstance(field, Embed):
            yield from _edges_of(owner, field.target, (*above, name))
        elif isinstance(field, ToOne | Many | Aggregate | RootRow):
            target = get_named_type(definition.type)
            if isinstance(field, Many) and field.connection:
                assert isinstance(target, GraphQLObjectType)
                target = get_named_type(target.fields["nodes"].type)
            yield (*above, name), field, str(target)


def plain(kind: str) -> str:
    """Every planned field of a type that leads nowhere, embedded objects included."""
    parts = ["__typename"]
    for name, field in _object(kind).fields.items():
        if f"{kind}.{name}" in catalog.unplanned:
            continue
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif isinstance(catalog.entities[kind].fields.get(name), Embed):
            parts.append(f"{name} {{ {plain(inner.name)} }}")
    return " ".join(parts)


PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def page_of(kind: str) -> str:
    """Everything plain of a connection to this type."""
    return f"{PAGE} edges {{ cursor node {{ {plain(kind)} }} }} nodes {{ id }}"


def _nested(steps: tuple[str, ...], kind: GraphQLObjectType | None, first: int, arguments: str) -> str:
    assert kind is not None
    name, *below = steps
    field = kind.fields[name]
    target = get_named_type(field.type)
    assert isinstance(target, GraphQLObjectType)
    paged = "after" in field.args
    given = [f"first: {first}"] if paged else []
    if "by" in field.args:
        given.append(f"by: [{_everything(field.args['by'])}]")
        given += ["first: 50"] if "first" in field.args else []
    if not below and arguments:
        given.append(arguments)
    shown = f"{name}({', '.join(given)})" if given else name
    node = get_named_type(target.fields["nodes"].type) if paged else target
    assert isinstance(node, GraphQLObjectType)
    if not below:
        return f"{shown} {{ {page_of(node.name) if paged else plain(node.name)} }}"
    inner = _nested(tuple(below), node, first, arguments)
    if "by" in field.args:
        # Its sums as well: where only values to break down by are shown, twice as much looks alike.
        inner = f"{plain(node.name)} {inner}"
    return f"{shown} {{ nodes {{ {inner} }} }}" if paged else f"{shown} {{ {inner} }}"


def _everything(argument: GraphQLArgument) -> str:
    """All that figures can be broken down by, so that every edge of theirs leads somewhere."""
    kind = get_named_type(argument.type)
    assert isinstance(kind, GraphQLEnumType)
    return ", ".join(kind.values)


def _object(kind: str) -> GraphQLObjectType:
    found = GRAPH.type_map[kind]
    assert isinstance(found, GraphQLObjectType)
    return found
