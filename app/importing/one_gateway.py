"""Answers of a gateway: its five facades print one number of a row, each in its own form.

Of five systems that grew apart nothing says that campaign 42 of one and campaign 42 of another are the same, and they
are kept apart. Where it is told that they come from one gateway, what one of them prints is known to all.
"""

from dataclasses import replace

from app.importing.records import Record
from app.values.systems import FACADES, read_own, show_own

_KINDS = {
    "assets": "asset",
    "campaign_metrics": "camp",
    "campaign_totals": "camp",
    "campaigns": "camp",
    "event_types": "evtype",
    "integrations": "intg",
    "outlays": "outlay",
    "partners": "part",
    "partnerships": "pship",
    "projects": "proj",
    "promos": "promo",
    "segments": "seg",
    "spend_limits": "camp",
    "stores": "store",
}
"""By concept, whose ids its records have."""


def known_to_all(record: Record) -> Record:
    """The record with its id in each of the five systems, if it has a number in one."""
    kind = _KINDS.get(record.concept)
    if kind is None:
        return record
    numbers = {
        number
        for system, ident in record.external_ids.items()
        if (number := read_own(system, kind, ident)) is not None
    }
    if len(numbers) != 1:
        return record
    (number,) = numbers
    everywhere = {system: show_own(system, kind, number) for system in FACADES}
    # Those it has come first: what it refers to is looked for in their words.
    return replace(record, external_ids={**record.external_ids, **everywhere, **record.external_ids})
