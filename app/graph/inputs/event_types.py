"""What mutations take for the fields of event types."""

from app.domain.event_types.fields import FieldEntry
from app.graph.declaring.settable import input_for


@input_for(FieldEntry)
class EventFieldInput:
    """A field, state or statistic of an event type."""
