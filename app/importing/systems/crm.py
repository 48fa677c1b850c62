"""What the Marketing & CRM API prints: campaigns, segments, promos, webhook providers and funnels.

Lists and details print different halves of a campaign; both are read as far as they go. Funnels are counted here from
what customers did: their printed figures have no place.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Invalid
from app.importing.records import Lists, Record, Row
from app.values.instants import day_printed
from app.values.systems import CRM

_CAMPAIGN = ("name", "type", "status", "channels", "start_date", "end_date", "content", "created_at")
_SEGMENT = ("name", "type", "size", "criteria", "last_updated")
_PROMO = (
    "code", "type", "value", "min_order_amount", "max_discount", "usage_limit", "per_customer_limit", "valid_from",
    "valid_until", "applies_to", "used", "created_at",
)  # fmt: skip
_FIGURES = {
    "sent": "sent", "delivered": "delivered", "opened": "opened", "clicked": "clicked", "converted": "conversions",
    "revenue_attributed": "revenue", "unsubscribed": "unsubscribed",
}  # fmt: skip
_RATES = frozenset({"open_rate", "click_rate", "conversion_rate"})
"""They follow from the others."""


class CrmReader:
    """Reads its lists, details and pages. The kind of a row is told by its keys."""

    lists = Lists(frozenset({"data", "providers"}))

    def records(self, row: Row) -> Iterator[Record]:
        """A campaign and its figures, a segment, a promo, a provider's counters, or what of a funnel is lost."""
        values = row.values
        if row.inside == "providers" or {"status", "name"} == values.keys() - _COUNTERS - {"id"}:
            yield from _provider(row)
        elif "stages" in values or "funnel_type" in values:
            yield Record("funnels", {}, row, lost={"stages": len(values.get("stages") or ())})
        elif "code" in values and "value" in values:
            yield _record("promos", row, _PROMO, {"segment": _reference(values, "customer_segment_id")})
        elif "criteria" in values or "size" in values:
            yield _record("segments", row, _SEGMENT, {})
        elif "channels" in values or "metrics" in values:
            yield from _campaign(row)
        else:
            raise Invalid(
                "It is no campaign, segment, promo, webhook provider or funnel as Marketing & CRM prints them.",
                code="UNREADABLE",
            )


_COUNTERS = {"events_received", "last_event"}


def _campaign(row: Row) -> Iterator[Record]:
    segment = row.values.get("segment")
    further: dict[str, Any] = {"segment": _reference(row.values, "segment_id")}
    if isinstance(segment, Mapping):
        further = {"segment": str(segment["id"])} if segment.get("id") is not None else {}
        if further and segment.get("name") is not None:
            # A detail shows enough of its segment to be known by.
            told = {name: segment[name] for name in ("name", "size") if segment.get(name) is not None}
            yield Record("segments", told, row, {CRM: further["segment"]})
    further |= _days(row.values)
    record = _record("campaigns", row, _CAMPAIGN, further, "metrics", "segment", "segment_id")
    yield record
    metrics = row.values.get("metrics")
    if metrics is None:
        return
    if not isinstance(metrics, Mapping):
        raise Invalid("`metrics` is an object.", path=["metrics"])
    lost = {
        f"metrics.{name}": 1
        for name, value in metrics.items()
        if name not in _FIGURES and name not in _RATES and value is not None
    }
    figures = {ours: metrics[theirs] for theirs, ours in _FIGURES.items() if metrics.get(theirs) is not None}
    if figures or lost:
        names = {ours: f"metrics.{theirs}" for theirs, ours in _FIGURES.items()}
        yield Record("campaign_totals", figures, row, record.external_ids, names, lost)


def _provider(row: Row) -> Iterator[Record]:
    values = row.values
    counted = {
        name: values[name] for name in ("events_received", "last_event") if values.get(name) is not None
    }
    # A connection needs its secret, which is printed nowhere: whoever moves makes it again.
    lost = {"status": 1} if values.get("status") == "connected" else {}
    if counted or lost:
        yield Record("webhook_providers", {"provider": values.get("id"), **counted}, row, lost=lost)


def _record(concept: str, row: Row, names: tuple[str, ...], further: Mapping[str, Any], *read: str) -> Record:
    """Its values by our names. What it has beside the documented keys is lost, and told."""
    values = {name: row.values[name] for name in names if row.values.get(name) is not None}
    known = {*names, *read, "id", "customer_segment_id"}
    lost = {name: 1 for name, value in row.values.items() if name not in known and value is not None}
    ident = row.values.get("id")
    if ident is None:
        raise Invalid(
            f"The {concept.removesuffix('s')} has no `id`: it is what clients send, not what Marketing & CRM answers.",
            path=["id"],
        )
    if isinstance(ident, bool) or not isinstance(ident, str | int) or ident == "":
        raise Invalid("`id` is a text.", path=["id"])
    told = {name: value for name, value in further.items() if value is not None}
    labels = {"segment": "customer_segment_id" if concept == "promos" else "segment_id", "external_id": "id"}
    return Record(concept, {**values, **told}, row, {CRM: str(ident)}, labels, lost)


def _days(values: Mapping[str, Any]) -> dict[str, str]:
    """Of a campaign's edges those that are days: they are printed as their first or last second in UTC."""
    edges = {"start_date": False, "end_date": True}
    printed = {name: day_printed(str(values.get(name) or ""), ends=ends) for name, ends in edges.items()}
    return {name: day.isoformat() for name, day in printed.items() if day is not None}


def _reference(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    return None if value is None else str(value)
