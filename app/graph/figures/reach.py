"""Whether a customer can be written to, and why: found in what was said, for a channel and perhaps a list."""

from collections.abc import Mapping
from typing import Any

from app.domain.contacts.saying import CONSENT_COLUMN, KEY_COLUMN
from app.graph.declaring.enums import ContactChannel, ReachReason
from app.graph.declaring.fields import aggregate, argument, column, entity
from app.graph.declaring.scalars import DateTime
from app.plan.catalog import AggregateRequest, Entity, Row
from app.plan.sql import Param, Select, Sql, joined, quoted, sql
from app.tables.contacts import ContactStatement

ROWS = (Entity("ContactWord", str(ContactStatement.__tablename__)),)
"""What was said, read beside a customer in scope: what concerns an address counts, whoever it came up with."""


@entity()
class Reachability:
    """Whether somebody can be written to, and why."""

    is_reachable: bool = column("Whether they can.")
    reason: ReachReason = column("Why, or why not.")
    since: DateTime | None = column("Since when that is so; null where nobody said.")
    source: str | None = column("Who said it: webhook.sendgrid, graph, import; null where nobody did.")
    list: str | None = column("The list it was said of; null: all of the channel.")


def reachable(description: str) -> Any:
    """For one channel, and perhaps a list."""
    return aggregate(
        description,
        _reachable,
        argument("channel", ContactChannel, "How they would be written to."),
        argument(
            "list",
            str | None,
            "The list that it would be sent to, as its provider calls it; without one the latest word about the channel"
            " or any of its lists counts. What was refused of all the channel no list lifts.",
            None,
        ),
        price=5,
    )


def _reachable(request: AggregateRequest) -> Select:
    """The rule is that of `counts` and `stands` in `domain/contacts/saying.py`, of one list as well."""
    channel, c = request.args.param("channel", cast="text"), request.table("Customer", "c")
    # The channel is bound: which columns it means is decided by the statement.
    key = _by_channel(c, channel, KEY_COLUMN)
    kept = _by_channel(c, channel, CONSENT_COLUMN)
    kept_at = _by_channel(c, channel, {name: f"{column}_at" for name, column in CONSENT_COLUMN.items()})
    joins = sql(
        """
        LEFT JOIN LATERAL (
            SELECT {s.allows} AS allows, {s.kind} AS kind, {s.source} AS source, {s.list} AS list, {s.said_at} AS at
            FROM {s}
            WHERE
                {s.scope} AND {about} AND {s.kind} NOT IN ('moved', 'unblocked')
                AND ({list} IS NULL OR {s.list} IN ('', {list}))
                AND NOT (
                    {s.of_address}
                    AND EXISTS (
                        SELECT 1 FROM {u}
                        WHERE
                            {u.scope} AND {u.channel} = {s.channel} AND {u.subject} = {s.subject}
                            AND {u.kind} = 'unblocked' AND {u.list} IN ('', {s.list}) AND {u.said_at} > {s.said_at}
                    )
                )
                AND (
                    {s.allows} OR {s.kind} = 'blocked'
                    OR NOT EXISTS (
                        SELECT 1 FROM {l}
                        WHERE
                            {l.scope} AND {about_later} AND {l.allows} AND {l.said_at} > {s.said_at}
                            AND ({l.list} = '' OR {s.list} <> '') AND ({list} IS NULL OR {l.list} IN ('', {list}))
                    )
                )
            ORDER BY {s.allows}, {s.kind} = 'blocked' DESC, {s.said_at} DESC, {s.kind}, {s.source}, {s.list}
            LIMIT 1
        ) said ON true
        CROSS JOIN LATERAL (
            SELECT
                {kept} AND (said.at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM {a} WHERE {a.scope} AND {about_any}))
                    AS agrees,
                (said.at IS NULL OR coalesce(said.kind <> 'blocked' AND {kept_at} > said.at, false)) AS decides
        ) kept
        """,
        s=(s := request.table("ContactWord", "s")),
        u=request.table("ContactWord", "u"),
        a=(a := request.table("ContactWord", "a")),
        l=(later := request.table("ContactWord", "l")),
        about=_about(s, c, key, channel),
        about_later=_about(later, c, key, channel),
        about_any=_about(a, c, key, channel),
        list=request.args.param("list", cast="text", convert=lambda text: text or None),
        kept=sql("coalesce({kept}, false)", kept=kept),
        kept_at=kept_at,
    )
    gone = sql("({c.deleted_at} IS NOT NULL OR {key} IS NULL)", c=c, key=key)
    names = {
        "is_reachable": sql(
            "(NOT {gone} AND CASE WHEN kept.decides THEN kept.agrees ELSE said.allows END)", gone=gone
        ),
        "reason": sql(
            """
            CASE
                WHEN {c.deleted_at} IS NOT NULL THEN 'deleted'
                WHEN {key} IS NULL THEN 'no_address'
                WHEN NOT kept.decides THEN said.kind
                WHEN kept.agrees THEN 'opted_in'
                WHEN said.at IS NOT NULL THEN 'opted_out'
                ELSE 'never_agreed'
            END
            """,
            c=c,
            key=key,
        ),
        "since": sql(
            """
            CASE
                WHEN {c.deleted_at} IS NOT NULL THEN {c.deleted_at}
                WHEN {key} IS NULL THEN NULL
                WHEN NOT kept.decides THEN nullif(said.at, '1970-01-01 00:00:00+00'::timestamptz)
                WHEN kept.agrees OR said.at IS NOT NULL THEN {kept_at}
            END
            """,
            c=c,
            key=key,
            kept_at=kept_at,
        ),
        "source": sql("CASE WHEN NOT {gone} AND NOT kept.decides THEN said.source END", gone=gone),
        "list": sql("CASE WHEN NOT {gone} AND NOT kept.decides THEN nullif(said.list, '') END", gone=gone),
    }
    assert request.parent is not None
    return Select(names, c, [sql("{c.id} = {parent}", c=c, parent=request.parent)], joins=joins)


def _by_channel(c: Row, channel: Sql | Param, columns: Mapping[ContactChannel, str]) -> Sql:
    """The customer's column for a channel; NULL where it has none."""
    whens = [
        sql("WHEN {name} THEN {column}", name=quoted(name), column=c(column))
        for name, column in columns.items()
    ]
    return sql("CASE {channel} {whens} END", channel=channel, whens=joined(" ", whens))


def _about(s: Row, c: Row, key: Sql, channel: Sql | Param) -> Sql:
    """See `about` in `domain/contacts/saying.py`."""
    return sql(
        """
        {s.channel} = {channel}
        AND (
            ({s.customer_id} = {c.id} AND NOT {s.of_address})
            OR (
                {s.address_key} = {key}
                AND (NOT {s.allows} OR {s.customer_id} IS NULL OR {s.customer_id} = {c.id})
            )
        )
        """,
        s=s,
        c=c,
        key=key,
        channel=channel,
    )


__all__ = ["ROWS", "Reachability", "reachable"]
