"""Customer groups: the tenants."""

from app.graph.declaring.enums import AttributionModel
from app.graph.declaring.fields import column, connection, embed, entity
from app.graph.declaring.nodes import Node
from app.graph.declaring.paging import Connection
from app.graph.declaring.refs import CampaignRef, StoreRef
from app.graph.declaring.scalars import DateTime, Long
from app.graph.figures.metrics import OF_CHANNELS, MetricFigures, metric_figures
from app.graph.lists.campaigns import CAMPAIGNS
from app.graph.lists.stores import STORES
from app.tables import groups as tables


@entity()
class Retention:
    """How long things are kept. Sums, ledgers and what was decided stay whatever this says."""

    bodies_days: int | None = column(
        "Days the bodies of processed events are kept; null: for good.", "keep_bodies_days"
    )
    deliveries_days: int | None = column(
        "Days the bodies of webhook deliveries are kept; null: for good.", "keep_deliveries_days"
    )
    trash_days: int | None = column("Days events stay in the trash; null: for good.", "keep_trash_days")
    traces_days: int | None = column(
        "Days the traces of reward evaluations are kept; null: for good.", "keep_traces_days"
    )
    answers_hours: int = column("Hours an answer is kept for its Idempotency-Key.", "keep_answers_hours")


@entity()
class AttributionChoice:
    """How the group's sales are attributed, unless a question says otherwise."""

    model: AttributionModel = column("Who gets how much of a sale.", "attribution_model")
    window_days: int = column(
        "How many days before a sale a touch may lie, to the second.", "attribution_window_days"
    )
    half_life_days: int = column(
        "For TIME_DECAY: a touch this much older than another counts half as much.",
        "attribution_half_life_days",
    )


@entity()
class Usage:
    """What the group takes. Events are counted about once a minute, files with each change."""

    files: Long = column("Files that are stored; removed ones until their bytes are deleted.")
    file_bytes: Long = column("Their bytes.")
    file_quota: Long | None = column("The most bytes its files may take; null: as the server says for all.")
    events: Long = column("Events that are kept.")
    event_bytes: Long = column("What their texts take in the database, in bytes.")
    event_quota: Long | None = column("The most bytes its events may take; null: as the server says for all.")


@entity(table=tables.CustomerGroup, prefix="group", tenant="id")
class CustomerGroup(Node):
    """A customer group: a tenant, with its stores and everything that belongs to them."""

    name: str = column("What the group is called.")
    currency: str = column("The currency of its campaigns, unless an integration says otherwise (ISO 4217).")
    time_zone: str = column("Its time zone (IANA), where a store has none of its own.")
    country: str | None = column(
        "The country (ISO 3166) of telephone numbers that say none; null: the one its time zone lies in."
    )
    created_at: DateTime = column("When it was made.")
    retention: Retention = embed("How long things are kept.")
    attribution: AttributionChoice = embed(
        "How its sales are attributed, unless a question says otherwise: what the headline revenue of its campaigns is."
    )
    usage: Usage = embed("What it takes, and may take.")
    stores: Connection[StoreRef] = connection("Its stores.", STORES, key="group_id")
    campaigns: Connection[CampaignRef] = connection("Its campaigns.", CAMPAIGNS, key="group_id")
    figures: list[MetricFigures] = metric_figures(
        "Metrics of all its campaigns, by what you ask.", OF_CHANNELS, of="CustomerGroup"
    )
