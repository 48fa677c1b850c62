"""What can be set on a segment, and its bounds."""

from dataclasses import dataclass
from typing import Any

from app.domain import inputs
from app.domain.settable import settable
from app.values.changes import Settable


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFields:
    """Every settable field of a segment. Its type is chosen when it is made."""

    name: Settable[str] = settable("What the segment is called, 1 to 255 characters.", check=inputs.name)
    # Checked together with the type, see `operations.py`.
    criteria: Settable[Any] = settable(
        "Whom a dynamic segment holds: an object of conditions that must all hold, see `segmentPreview`."
    )
    source: Settable[str | None] = settable("Where an imported segment comes from.", check=inputs.name)
