"""From the La Griffe API's requests to the graph's variables.

Source: La Griffe, "POST /api/campaigns", required payload and its multipart form. Errors name fields
as the client did.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.datastructures import UploadFile

from app.errors import Invalid, NotFound
from app.rest.failing import MALFORMED_BODY
from app.rest.route import RequestParts
from app.values.ids import read_whole
from app.values.instants import read_date
from app.values.json_text import kind_of
from app.values.money import show_decimal
from app.values.systems import LAGRIFFE

LIST_CAP = 1000
"""The list is not paged: this many campaigns at most, and `X-Total-Count` says how many there are."""
_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


def list_variables(_: RequestParts) -> dict[str, Any]:
    """The cap."""
    return {"first": LIST_CAP}


def campaign_id(parts: RequestParts) -> dict[str, Any]:
    """`/api/campaigns/42` → `lagriffe:42`. What cannot be an id is not found, like an unknown id."""
    value = read_whole(parts.path["id"])
    if value is None:
        raise NotFound("campaign")
    return {"id": f"{LAGRIFFE}:{value}"}


def create_variables(parts: RequestParts) -> dict[str, Any]:
    """JSON or form → the mutation's input. Unknown keys are ignored, as they always were."""
    body = parts.body
    if not isinstance(body, dict):
        raise Invalid(f"The body must be a JSON object, not {kind_of(body)}.", code=MALFORMED_BODY)
    sent = _without_blanks(body) if parts.is_form else body
    given = {
        "beaconKey": _text(sent, "external_beacon_key"),
        "name": _text(sent, "label"),
        "channels": _channels(sent),
        "periodType": _optional_text(sent, "period_type"),
        "budgetTotal": _budget(sent),
        "currency": _optional_text(sent, "currency"),
        "startsOn": _date(sent, "start_date"),
        "endsOn": _date(sent, "end_date"),
    }
    values = {name: value for name, value in given.items() if value is not None}
    return {"input": values, "files": _files(sent, parts.is_form)}


def _without_blanks(form: Mapping[str, Any]) -> dict[str, Any]:
    """A form cannot send null: an empty field counts as not sent."""
    kept = {
        name: [one for one in value if one != ""] if isinstance(value, list) else value
        for name, value in form.items()
    }
    return {name: value for name, value in kept.items() if value != "" and value != []}


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = _optional_text(sent, name)
    if value is None:
        raise Invalid(f"`{name}` is required: send it as a text.", path=[name])
    return value


def _optional_text(sent: Mapping[str, Any], name: str) -> str | None:
    value = sent.get(name)
    if value is None or isinstance(value, str):
        return value
    raise Invalid(f"`{name}` must be a text, not {_kind(value)}.", path=[name])


def _channels(sent: Mapping[str, Any]) -> list[str]:
    value = sent.get("channels")
    example = 'for example ["google_ads"]'
    if value is None or value == []:
        raise Invalid(f"`channels` is required: send at least one, {example}.", path=["channels"])
    if not isinstance(value, list):
        raise Invalid(f"`channels` must be a list, {example}, not {_kind(value)}.", path=["channels"])
    for index, channel in enumerate(value):
        if not isinstance(channel, str):
            raise Invalid(f"`channels` must hold texts, not {_kind(channel)}.", path=["channels", index])
    return value


def _budget(sent: Mapping[str, Any]) -> str:
    value = sent.get("budget_total")
    if value is None:
        raise Invalid("`budget_total` is required: send it as a number like 1200.", path=["budget_total"])
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return show_decimal(Decimal(value))
    if isinstance(value, str) and _AMOUNT.fullmatch(value.strip()):
        return value.strip()
    shown = f"{value[:40]!r}" if isinstance(value, str) else _kind(value)
    raise Invalid(
        f"`budget_total` must be a number like 1200 or 1200.50, not {shown}.", path=["budget_total"]
    )


def _date(sent: Mapping[str, Any], name: str) -> str | None:
    value = _optional_text(sent, name)
    if value is None:
        return None
    try:
        return read_date(value).isoformat()
    except ValueError as error:
        raise Invalid(f"`{name}`: {error}.", path=[name]) from None


def _files(sent: Mapping[str, Any], is_form: bool) -> list[UploadFile]:
    value = sent.get("files")
    if value is None:
        return []
    if not is_form:
        raise Invalid("`files` can only be sent as multipart/form-data, as `files[]`.", path=["files"])
    if not isinstance(value, list) or not all(isinstance(file, UploadFile) for file in value):
        raise Invalid("`files[]` must be files, with a file name each.", path=["files"])
    return value


def _kind(value: object) -> str:
    if isinstance(value, list) and any(isinstance(one, UploadFile) for one in value):
        return "a file"
    return "a file" if isinstance(value, UploadFile) else kind_of(value)
