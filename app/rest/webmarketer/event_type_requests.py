"""From the Webmarketer API's requests about event types to the graph's variables.

Source: Webmarketer API 1.0.0, "Event Types".
"""

from typing import Any

from app.errors import Invalid
from app.rest.fields import Fields
from app.rest.route import RequestParts
from app.rest.webmarketer import event_fields, parameters
from app.rest.webmarketer.bodies import object_in
from app.rest.webmarketer.parameters import present
from app.values.json_text import kind_of

EVENT_TYPE_SORTS = {
    "name": "NAME",
    "reference": "REFERENCE",
    "createdAt": "CREATED_AT",
    "updatedAt": "UPDATED_AT",
}


def event_types(parts: RequestParts) -> dict[str, Any]:
    """The page, the filters that were sent, and the order."""
    wanted = present(
        search=parameters.text(parts, "search"),
        storageKey=parameters.text(parts, "storageKey"),
        reference=parameters.text(parts, "reference"),
        archived=parameters.flag(parts, "archived") or None,
    )
    return {
        **parameters.page(parts),
        "filter": wanted,
        **present(orderBy=parameters.orders(parts, EVENT_TYPE_SORTS)),
    }


def event_type(parts: RequestParts) -> dict[str, Any]:
    """Its reference. What cannot be stored names no event type."""
    reference = parts.path["reference"]
    return {"reference": reference if reference.isprintable() else ""}


def event_type_create(parts: RequestParts) -> dict[str, Any]:
    """Fields, states and statistics together; their declarations are kept as they were sent."""
    sent = Fields.of_body(parts.body)
    given = present(
        project=parameters.project(parts),
        reference=sent.needed("reference", sent.text("reference"), '"contact-form"'),
        name=sent.text("name"),
        fields=_fields(sent) or [],
        details=object_in(sent.values, "metadata"),
        expirationPolicy=object_in(sent.values, "expirationPolicy"),
        phoneParsing=sent.values.get("phoneParsingConfig"),
    )
    return {"input": given}


def event_type_update(parts: RequestParts) -> dict[str, Any]:
    """What is to change. `fields` is the whole list, as the vendor's client sends it."""
    sent = Fields.of_body({} if parts.body == [] else parts.body)
    given = present(
        name=sent.text("name"),
        fields=_fields(sent),
        details=object_in(sent.values, "metadata"),
        expirationPolicy=object_in(sent.values, "expirationPolicy"),
        phoneParsing=sent.values.get("phoneParsingConfig"),
    )
    return {"input": {**_named(parts), **given}}


def event_type_archive(parts: RequestParts) -> dict[str, Any]:
    """Which one."""
    return {"input": _named(parts)}


def _named(parts: RequestParts) -> dict[str, Any]:
    return {"project": parameters.project(parts), **event_type(parts)}


def _fields(sent: Fields) -> list[dict[str, Any]] | None:
    declared = sent.values.get("fields")
    if declared is None:
        return None
    if not isinstance(declared, list):
        raise Invalid(f"`fields` must be a list, not {kind_of(declared)}.", path=["fields"])
    return [event_fields.read(one, at) for at, one in enumerate(declared)]
