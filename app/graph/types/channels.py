"""Rules of channels: which one somebody came by."""

from app.graph.declaring.fields import column, entity
from app.graph.declaring.nodes import Node
from app.graph.declaring.scalars import DateTime
from app.tables import channels as tables


@entity(table=tables.ChannelRule, prefix="chrule")
class ChannelRule(Node):
    """A group's own rule of which channel somebody came by. The first that fits decides, before the built-in ones.

    Patterns are texts in any case, `*` for whatever may stand there, `|` between alternatives. All given must fit.
    """

    position: int = column("Its place among the group's rules, from 1.")
    channel: str | None = column("The channel it is then; null: none, as if nothing was known.")
    source: str | None = column("A pattern of utm_source.")
    medium: str | None = column("A pattern of utm_medium.")
    campaign: str | None = column("A pattern of utm_campaign.")
    click_id: str | None = column("A pattern of the name of a click id.")
    referrer: str | None = column("A pattern of the host they came from, or of a domain it is in.")
    integration: str | None = column("A pattern of the integration's kind.")
    created_at: DateTime = column("When it was set.")
