"""Webhooks: connections to providers, and what came through them."""

from typing import Any

from app.auth.principal import ADMIN_READERS, PERSONAL_READERS
from app.domain.webhooks.providers import EVENTS, NAMES
from app.graph.declaring.enums import ConnectionStatus, Provider
from app.graph.declaring.fields import aggregate, column, computed, entity, to_one
from app.graph.declaring.nodes import Node
from app.graph.declaring.refs import WebhookEndpointRef
from app.graph.declaring.scalars import DateTime, Long
from app.plan.catalog import HIDDEN, VISIBLE, AggregateRequest, Entity, Row
from app.plan.sql import Alias, Select, Sql, bound, joined, quoted, sql, whole
from app.tables import webhooks as tables

PATH = "/api/v1/marketing/webhooks"
"""Where providers deliver. Source: Marketing & CRM API, "Receive Webhook"."""


def _url(row: Row) -> Sql:
    return sql(
        "{base} || {path} || {row.provider} || '/' || {row.token}",
        base=bound(("link", "base_url"), "text", lambda b: b.facts.links().base_url),
        path=quoted(f"{PATH}/"),
        row=row,
    )


@entity(table=tables.WebhookConnection, prefix="hook", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class WebhookEndpoint(Node):
    """Where a webhook provider delivers: an URL, and secrets of its own."""

    provider: Provider = column("Whose deliveries it takes.")
    status: ConnectionStatus = column("Whether it takes them.")
    url: str = computed(
        "Where the provider is to deliver. Mailchimp's needs `?secret=…` at the end, with the secret.", _url
    )
    tolerance_seconds: int | None = column(
        "How many seconds a signed timestamp may be away from now; null: any age.", "tolerance_s"
    )
    previous_secret_until: DateTime | None = column(
        "Until when deliveries signed with the former secrets are taken as well; null: there are none.",
        "previous_until",
    )
    created_at: DateTime = column("When it was made.")
    rotated_at: DateTime | None = column("When it last got new secrets; null: never.")
    disconnected_at: DateTime | None = column("When it was ended; null: it was not.")


@entity(table=tables.WebhookRefusal, prefix="refusal", store=HIDDEN, project=HIDDEN, roles=ADMIN_READERS)
class WebhookRefusal(Node):
    """Something of an authentic delivery that could not be taken, while the rest of it was."""

    provider: Provider = column("Whose delivery it was in.")
    endpoint: WebhookEndpointRef | None = to_one(
        "The endpoint it came through; null where somebody sent it by hand.", "connection_id"
    )
    reason: str = column("Why, for programs: NOT_AN_OBJECT, UNREADABLE, TOO_LARGE, INVALID, MALFORMED_BODY.")
    message: str = column("Why, for people.")
    body: str | None = column("Its text, as sent.", roles=PERSONAL_READERS)
    size: Long = column("How many bytes it has.")
    is_whole: bool = column("Whether all of its text is kept, so that it can be taken again.")
    received_at: DateTime = column("When it first came.")
    last_received_at: DateTime = column("When it last came.")
    times: Long = column("How often it came.")
    taken_at: DateTime | None = column("When it was taken after all; null: it was not.")


@entity()
class WebhookProvider:
    """What the group has with one webhook provider.

    Source: Marketing & CRM API, "List Webhook Providers".
    """

    id: str = column("The provider's name in URLs, such as sendgrid.", "provider")
    name: str = column("What it is called.")
    status: ConnectionStatus = column("Connected while there is a live endpoint.")
    events: list[str] = column("The events that take effect; others are kept and ignored.")
    events_received: Long | None = column(
        "How many events came, each counted once, with those ignored; null while disconnected."
    )
    events_ignored: Long | None = column("How many of them had no effect; null while disconnected.")
    last_event: DateTime | None = column(
        "The latest moment one of them happened; null before the first, and while disconnected.",
        "last_event_at",
    )


ROWS = (Entity("WebhookCounters", tables.WebhookProvider.__tablename__, store=VISIBLE, project=VISIBLE),)
"""Tables that only aggregates read."""


def providers(description: str) -> Any:
    """Every supported provider, in the documented order."""
    return aggregate(description, _providers, many=True)


def _providers(request: AggregateRequest) -> Select:
    p = request.table("WebhookCounters", "p")
    values = [
        sql(
            "({place}, {provider}, {name}, ARRAY[{events}])",
            place=whole(place),
            provider=quoted(provider),
            name=quoted(NAMES[provider]),
            events=joined(", ", map(quoted, EVENTS[provider])),
        )
        for place, provider in enumerate(tables.Provider)
    ]
    known = sql("(VALUES {values}) AS known (place, provider, name, events)", values=joined(", ", values))
    counters = sql("LEFT JOIN {p} ON {p.scope} AND {p.provider} = known.provider", p=p)
    live = sql("coalesce({p.connections}, 0) > 0", p=p)
    one = Alias("known")

    def while_live(name: str) -> Sql:
        return sql("CASE WHEN {live} THEN {column} END", live=live, column=p(name))

    names = {
        "provider": one("provider"),
        "name": one("name"),
        "status": sql("CASE WHEN {live} THEN 'connected' ELSE 'disconnected' END", live=live),
        "events": one("events"),
        "events_received": while_live("events_received"),
        "events_ignored": while_live("events_ignored"),
        "last_event_at": while_live("last_event_at"),
    }
    return Select(names, known, joins=counters, order=[one("place")])
