"""Fields of an event type, in the vendor's words and in ours.

The document leaves them out of its samples; the words are those of the vendor's public client: `label`, `entity`
(`event-type`, `user`, `state`, `statistic`), `type`, `ingestionKey`, `storageKey` (or `key` for both), `optional`,
`discriminant`. A declaration is kept as it was sent, whatever else it holds.
"""

from collections.abc import Mapping
from typing import Any

from app.errors import Invalid
from app.rest.fields import Fields
from app.rest.webmarketer.parameters import present
from app.values.json_text import kind_of

ENTITIES = {"event-type": "FIELD", "user": "FIELD", "state": "STATE", "statistic": "STATISTIC"}
TYPES = {
    "string": "STRING",
    "location": "JSON",
    "number": "NUMBER",
    "currency": "NUMBER",
    "integer": "INTEGER",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "email": "EMAIL",
    "phone": "PHONE",
    "json": "JSON",
}
KEYS = ("storageKey", "key", "ingestionKey")
"""Keys that can name what a value is kept under; the first that was sent counts."""
IDENTITIES = ("email", "phone")
"""Types whose values can identify users, where the field is marked so."""


def read(declared: object, at: int) -> dict[str, Any]:
    """A declaration → the graph's input."""
    if not isinstance(declared, dict):
        raise Invalid(f"`fields.{at}` must be an object, not {kind_of(declared)}.", path=["fields", at])
    sent = Fields(declared, "fields", str(at))
    key = next((text for name in KEYS if (text := sent.text(name)) is not None), None)
    entity, kind = sent.text("entity") or "event-type", sent.text("type")
    for name, value, known in (("entity", entity, ENTITIES), ("type", kind, TYPES)):
        if value is not None and value not in known:
            raise Invalid(
                f"`fields.{at}.{name}` must be one of {', '.join(known)}, not {value[:40]!r}.",
                path=[*sent.path, name],
            )
    storage_key = sent.needed("storageKey", key, '"first_name"')
    return present(
        kind=ENTITIES[entity],
        storageKey=storage_key,
        ingestionKey=sent.text("ingestionKey") or sent.text("key"),
        name=sent.text("label"),
        # A state is 0 or 1 and a statistic is a number, whatever type was sent.
        dataType=TYPES[kind] if kind is not None and ENTITIES[entity] == "FIELD" else None,
        isRequired=sent.flag("optional") is False,
        identity=_identity(sent, storage_key, kind) if entity == "user" else None,
        sent=declared,
    )


def show_field(node: Mapping[str, Any]) -> dict[str, Any]:
    """A field as it was declared here; one declared elsewhere, as if it had been declared here."""
    entity = {"STATE": "state", "STATISTIC": "statistic"}.get(
        node["kind"], "event-type" if node["identity"] is None else "user"
    )
    sent = node["sent"] if isinstance(node["sent"], dict) else {}
    return {
        "label": node["name"],
        "entity": entity,
        "type": node["dataType"].lower(),
        "ingestionKey": node["ingestionKey"],
        "storageKey": node["storageKey"],
        "optional": not node["isRequired"],
        # Null counts as not sent.
        **{name: value for name, value in sent.items() if value is not None},
    }


def _identity(sent: Fields, storage_key: str, kind: str | None) -> str:
    return kind if kind in IDENTITIES and sent.flag("discriminant") else storage_key
