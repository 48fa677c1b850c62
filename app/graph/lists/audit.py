"""Lists of the audit trail."""

from app.graph.declaring.described import input_type
from app.graph.declaring.listing import equals, filter_by, instant_key, list_of, one_of
from app.graph.declaring.scalars import DateTime
from app.graph.lists import moments


@input_type
class AuditEntryFilter:
    """Which entries. All conditions given must hold."""

    since: DateTime | None = filter_by(
        "At this instant or later.", moments.since("created_at", moments.of_group)
    )
    until: DateTime | None = filter_by("Before this instant.", moments.until("created_at", moments.of_group))
    actor: str | None = filter_by("Done by this one, exactly.", equals("actor", "text"))
    actions: list[str] | None = filter_by("Any of these actions.", one_of("action", "text"))
    subject: str | None = filter_by("Done to this one, by its id.", equals("subject", "text"))
    address: str | None = filter_by("From this address, exactly.", equals("address", "text"))


AUDIT_ENTRIES = list_of(
    "AuditEntry", AuditEntryFilter, "CREATED_AT", descending=True,
    created_at=(instant_key("created_at"), "By the moment it was done."),
)  # fmt: skip
