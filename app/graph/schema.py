"""The schema, and the catalog the planner reads from it."""

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graph.declaring.built_inputs import BuiltInputs
from app.graph.declaring.catalog import read_catalog
from app.graph.declaring.scalars import SCALARS
from app.graph.documents.already_parsed import AlreadyParsed
from app.graph.figures.attribution import ROWS as ATTRIBUTION_ROWS
from app.graph.figures.funnels import ROWS as FUNNEL_ROWS
from app.graph.figures.growth import ROWS as GROWTH_ROWS
from app.graph.figures.insights import ROWS as INSIGHT_ROWS
from app.graph.figures.metrics import ROWS as METRIC_ROWS
from app.graph.figures.orders import ROWS as ORDER_ROWS
from app.graph.figures.reach import ROWS as REACH_ROWS
from app.graph.mutation import Mutation
from app.graph.query import Query
from app.graph.strawberry_parts import Executor, built
from app.graph.subscription import Subscription
from app.graph.types.promos import ROWS as PROMO_ROWS
from app.graph.types.webhooks import ROWS as WEBHOOK_ROWS

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[AlreadyParsed],
    execution_context_class=Executor,
)
graph = built(schema)
"""The same as graphql-core has it."""
inputs = BuiltInputs(graph)
catalog = read_catalog(
    graph,
    (
        *ATTRIBUTION_ROWS,
        *FUNNEL_ROWS,
        *GROWTH_ROWS,
        *INSIGHT_ROWS,
        *METRIC_ROWS,
        *ORDER_ROWS,
        *PROMO_ROWS,
        *REACH_ROWS,
        *WEBHOOK_ROWS,
    ),
)
