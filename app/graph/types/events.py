"""Events as they came in, and what was wrong with those in the trash."""

import strawberry

from app.auth.principal import PERSONAL_READERS
from app.graph.declaring.enums import EventOutcome, EventStatus
from app.graph.declaring.external_ids import ExternalId, ShownAs, external_ids, shown_as
from app.graph.declaring.fields import column, computed, entity, listing, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import (
    CampaignRef,
    CustomerRef,
    EventFaultRef,
    EventMetricRef,
    EventRef,
    EventTypeRef,
    KnownCustomerRef,
    ProjectRef,
    RewardEvaluationRef,
)
from app.graph.declaring.scalars import JSON, DateTime, Long
from app.plan.catalog import Row, own, via
from app.plan.kinds import DOCUMENT, ident
from app.plan.sql import Sql, sql
from app.tables import events as tables

_OF_EVENT = via("event_id", "Event")


def _nonce(row: Row) -> Sql:
    key = row("dedup_key")
    # Of an event of another system it may not be known; its key begins with a mark then.
    return sql(
        "CASE WHEN {row.source} = 'tracker' AND {key} NOT LIKE '!%' THEN substr({key}, strpos({key}, ':') + 1) END",
        row=row,
        key=key,
    )


def _vouched(row: Row) -> Sql:
    # Other interfaces take nothing without one.
    return sql("({row.is_vouched} OR {row.source} <> 'tracker')", row=row)


def _skew(row: Row) -> Sql:
    return sql("trunc(extract(epoch FROM {row.occurred_at} - {row.received_at}))::bigint", row=row)


def _sent_data(row: Row) -> Sql:
    # `json` keeps the text of what is inside: this is what was sent, to the letter.
    return sql("({row.body} -> 'data')", row=row)


@entity(
    table=tables.Event,
    prefix="event",
    id_cast="uuid",
    store=via("project_id", "Project"),
    project=own("project_id"),
)
class Event(Node):
    """An event as it came in."""

    external_ids: list[ExternalId] = external_ids()
    shown_as: ShownAs = shown_as("event", is_uuid=True)
    source: str = column("Which interface it came through.")
    event_type: str = column("What happened, as the sender says.")
    status: EventStatus = column("How far it has come.")
    nonce: str | None = computed(
        "The sender's own name for it, as text: the same one again is the same event. Of tracked events alone.",
        _nonce,
    )  # fmt: skip
    tracker_id: str | None = column("Which browser or device it came from.", roles=PERSONAL_READERS)
    is_vouched: bool = computed(
        "Whether it came with a credential or a valid signature; else a stranger sent it, and may have made it up.",
        _vouched,
    )
    received_at: DateTime = column("When it came in.")
    occurred_at: DateTime = column("When it says it happened.")
    clock_skew_s: Long = computed(
        "How far ahead of when it came in it says it happened, in whole seconds; negative: before.", _skew
    )
    is_clock_doubtful: bool = column(
        "Whether the two lie so far apart that the sender's clock may be wrong, as its project says (`clockAheadS`,"
        " `clockBehindS`). It counts at the moment it says, and as nothing's latest from later on than it came in."
    )
    updated_at: DateTime = column("When it, or one of its metrics, last changed.")
    kind: str | None = column("What happened in our words (opened), where the sender's were understood.")
    channel: str | None = column("Where it happened, such as email.")
    outcome: EventOutcome | None = column("What became of it; null: nothing had to.")
    body: JSON | None = column("The event as it was sent.", kind=DOCUMENT, roles=PERSONAL_READERS)
    sent_data: JSON | None = computed(
        "What was sent as its data, without any transformation.",
        _sent_data,
        kind=DOCUMENT,
        roles=PERSONAL_READERS,
    )
    data: JSON | None = column(
        "What its fields were read as, by storage key, without those that are the user's.",
        kind=DOCUMENT,
        roles=PERSONAL_READERS,
    )
    user_data: JSON | None = column(
        "What it says about the user, by attribute.", kind=DOCUMENT, roles=PERSONAL_READERS
    )
    is_attributable: bool = column("Whether the interactions that led to it can be found: it has a tracker.")
    type_version: int | None = column("The version of its event type it came under.")
    customer_id: strawberry.ID | None = column(
        "The customer's id, shown also where customers themselves are not, as to a credential for projects.",
        kind=ident("cust"),
    )  # fmt: skip
    type: EventTypeRef | None = to_one("Its event type, where there is one.", "event_type_id")
    faults: list[EventFaultRef] = listing("Why it is in the trash.", key="event_id")
    metrics: list[EventMetricRef] = listing(
        "Its states and statistics, by storage key.", key="event_id", order="storage_key"
    )
    reward_evaluations: list[RewardEvaluationRef] = listing(
        "What it came to in reward campaigns, oldest first.", key="event_id", order="id"
    )
    project: ProjectRef | None = to_one("The project it was sent to.", "project_id")
    campaign: CampaignRef | None = to_one("The campaign it is about.", "campaign_id")
    user: KnownCustomerRef | None = to_one(
        "Whom it is about, by id alone, so that whoever sees the event sees it.", "customer_id"
    )
    customer: CustomerRef | None = to_one("The customer it is about.", "customer_id")


@entity(table=tables.EventFault, prefix="fault", store=_OF_EVENT, project=_OF_EVENT)
class EventFault(Node):
    """A reason why an event is in the trash."""

    code: str = column("What is wrong, for programs: field_required, field_invalid, …; an open set.")
    field: str | None = column("The storage key, or the part of the event, it is about.")
    message: str = column("What is wrong, for people; it may quote what was sent.", roles=PERSONAL_READERS)
    position: int = column("Its place among the event's faults, from 0.")
    event: EventRef = to_one("The event.", "event_id")
