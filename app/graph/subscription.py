"""The root of watching: what can be queried, sent again whenever it has changed, and events as they come in.

A resolver in Python (`campaignSimulate`) is not watched but run, for its subscriber alone, until it is done.
"""

from app.auth.principal import ADMIN_READERS, READERS
from app.graph.declaring.described import object_type
from app.graph.declaring.fields import argument, connection, look_up, news
from app.graph.declaring.paging import Connection
from app.graph.declaring.permitting import readable_by
from app.graph.figures.metrics import OF_CHANNELS, OF_STORES, MetricFigures, metric_figures
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.events import ARRIVALS, EVENTS, asks_for_settled
from app.graph.resolved.simulations import SimulationProgress, campaign_simulate_on
from app.graph.types.campaigns import Campaign
from app.graph.types.events import Event
from app.graph.types.imports import Import

MAX_EVERY_S = 3600
MAX_EVENTS = 500
"""Of one message; what is left over follows at once in the next."""

MAX_LAST = 100
"""Of what was there before."""

EVERY = argument("every", int, f"Seconds between two looks, 1 to {MAX_EVERY_S}.", 1)


LAST = argument(
    "last", int | None,
    f"Begin with so many of the last events, {MAX_LAST} at most, oldest first, in a message that comes even if there"
    " are none.",
    None,
)  # fmt: skip


@readable_by(READERS, import_progress=ADMIN_READERS)
@object_type
class Subscription:
    """What can be watched in the scope of the credential, over graphql-transport-ws or server-sent events. The
    gateway looks every so many seconds, once for all who watch the same, and sends what has changed. campaignSimulate
    is done once, tells how far it is, and is complete then.
    """

    campaign: Campaign | None = look_up(
        "A campaign, its metrics for instance: at first, and whenever what is selected has changed.", EVERY
    )
    campaigns: Connection[Campaign] = connection(
        "Campaigns: at first, and whenever what is selected has changed.", CAMPAIGNS, EVERY
    )
    figures: list[MetricFigures] = metric_figures(
        "Metrics of all campaigns in scope, by what you ask: at first, and whenever they have changed.",
        OF_CHANNELS, OF_STORES, EVERY,
    )  # fmt: skip
    events: list[Event] = news(
        f"Events that came in since the last message, each of them once, however late it was committed; oldest first,"
        f" {MAX_EVENTS} at most in a message. Nothing is sent while none come in. With a filter by what is only known"
        " of processed events (status, customer, reasons) each is told when it has been processed. With `last` the"
        " first message has the last ones that there are, and what follows begins right behind them.",
        EVENTS, EVERY, LAST, columns=ARRIVALS, settled_by=asks_for_settled, first=MAX_EVENTS,
    )  # fmt: skip
    import_progress: Import | None = look_up(
        "An import: at first, and whenever what is selected has changed, until you leave; `done` says that it is over.",
        EVERY,
    )
    campaign_simulate: SimulationProgress = campaign_simulate_on
