"""Reads an event as sent into what is stored. Source: Webmarketer API 1.0.0, "Create an event".

Only what cannot be an event at all is refused here. What an event type may object to is not checked: the event is
stored first and judged later.
"""

from datetime import UTC, datetime

from app.domain import inputs
from app.domain.events.accepting import Sent
from app.errors import Invalid, TooLarge
from app.tables.projects import DEFAULT_EVENT_BYTES
from app.values.instants import read_moment
from app.values.json_text import read_object, write_json

MAX_NONCE = 255
MAX_TRACKER = 255
MAX_TYPE = 255
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)


def sent_event(
    group_id: int,
    project_id: int,
    *,
    project: str,
    event_type: str,
    nonce: str,
    data: object = None,
    tracker_id: str | None = None,
    event_date: str | None = None,
    landing_url: str | None = None,
    referrer: str | None = None,
    body: str | None = None,
    is_vouched: bool = False,
    max_bytes: int = DEFAULT_EVENT_BYTES,
    now: datetime,
) -> Sent:
    """The event to store. `project` is the slug; `is_vouched` says that it came with a credential; `body` is all that
    was sent, the JSON text of an object that holds `data`: where it is given, it is kept instead of the others.

    One of more than `max_bytes` is TooLarge, as it would be kept.
    A date that cannot be read is no obstacle: the event counts as sent now, and its judge will find the date again.
    """
    if not isinstance(data, dict) and body is None:
        raise Invalid("`data` must be an object.", path=["data"])
    event_type = inputs.text(event_type, ["eventType"], longest=MAX_TYPE, blank=False)
    nonce = inputs.text(nonce, ["nonce"], longest=MAX_NONCE, blank=False)
    if tracker_id is not None:
        # An empty tracker id tracks nobody.
        tracker_id = inputs.text(tracker_id, ["trackerId"], longest=MAX_TRACKER) or None
    if body is None:
        told: dict[str, object] = {
            "projectId": project,
            "eventType": event_type,
            "nonce": nonce,
            "data": data,
        }
        more = {
            "eventDate": event_date, "trackerId": tracker_id, "landingUrl": landing_url, "referrer": referrer,
        }  # fmt: skip
        body = _written(told | {name: value for name, value in more.items() if value is not None})
    _check_size(body, max_bytes)
    _check_storable(body)
    occurred_at = (read_event_date(event_date) if event_date else None) or now
    return Sent(
        group_id=group_id,
        project_id=project_id,
        event_type=event_type,
        nonce=nonce,
        tracker_id=tracker_id,
        occurred_at=occurred_at,
        received_at=now,
        body=body,
        is_vouched=is_vouched,
    )


def read_event_date(value: object) -> datetime | None:
    """When an event says it happened; None where that is no instant we can store."""
    try:
        moment = read_moment(value)
    except ValueError:
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def _written(told: dict[str, object]) -> str:
    try:
        return write_json(told).decode()
    except (UnicodeEncodeError, TypeError, RecursionError) as why:
        raise Invalid(f"`data` cannot be stored: {why}.", path=["data"]) from None


def _check_size(body: str, most: int) -> None:
    size = len(body) if body.isascii() else len(body.encode(errors="replace"))
    if size > most:
        raise TooLarge(f"The event has {size} bytes; this project takes {most} at most.", path=["data"])


def _check_storable(body: str) -> None:
    try:
        read_object(body.encode(), long_numbers=True)
    except (UnicodeEncodeError, ValueError) as why:
        raise Invalid(f"The event cannot be stored: {why}", path=["data"]) from None


__all__ = ["MAX_NONCE", "read_event_date", "sent_event"]
