"""The schema, and the catalog the planner reads from it."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graph.attribution import ROWS as ATTRIBUTION_ROWS
from app.graph.catalog import read_catalog
from app.graph.funnels import ROWS as FUNNEL_ROWS
from app.graph.insights import ROWS as INSIGHT_ROWS
from app.graph.metrics import ROWS as METRIC_ROWS
from app.graph.mutation import Mutation
from app.graph.prepared import PreparedDocument
from app.graph.query import Query
from app.graph.scalars import SCALARS
from app.graph.strawberry_parts import Executor, built
from app.graph.subscription import Subscription
from app.graph.webhooks import ROWS as WEBHOOK_ROWS

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[PreparedDocument],
    execution_context_class=Executor,
)
graph = built(schema)
"""The same as graphql-core has it."""
catalog = read_catalog(graph, (*ATTRIBUTION_ROWS, *FUNNEL_ROWS, *INSIGHT_ROWS, *METRIC_ROWS, *WEBHOOK_ROWS))
