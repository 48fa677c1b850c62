"""What Criteo prints: campaigns, in a search, one by one, and when they were made.

Source: Criteo, "Campaign Example", "Create a campaign", "Searching Campaigns".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import Invalid
from app.importing.records import Lists, Record, Row
from app.importing.systems.printed import number_id, object_in, others
from app.values.systems import CRITEO

_LIMIT = {"spendLimitType": "type", "spendLimitRenewal": "renewal", "spendLimitAmount": "amount"}
_UNDEFINED = "undefined"
"""The renewal of what is uncapped."""


class CriteoReader:
    """Reads answers of Criteo, or campaigns out of them."""

    lists = Lists(frozenset({"data"}))

    def records(self, row: Row) -> Iterator[Record]:
        """The campaign, its advertiser, its spend limit."""
        values: Mapping[str, Any] = row.values
        if "data" in values:
            values = object_in(values["data"], "data")
        if values.get("type") != "Campaign":
            raise Invalid(
                'This is nothing Criteo prints: a campaign has `"type": "Campaign"`.', code="NOT_PRINTED"
            )
        told = object_in(values.get("attributes"), "attributes")
        if not told:
            raise Invalid("The campaign has no `attributes`.", path=["attributes"])
        ids = number_id(CRITEO, values.get("id"), "id")
        advertiser = None
        if told.get("advertiserId") is not None:
            of_store = number_id(CRITEO, told["advertiserId"], "attributes.advertiserId")
            advertiser = of_store[CRITEO]
            yield Record("stores", {}, row, of_store, {"external_id": "advertiserId"})
        yield Record(
            "campaigns",
            {"name": told.get("name"), "objective": told.get("goal"), "store": advertiser},
            row,
            ids,
            {"objective": "goal", "store": "advertiserId"},
            others(values, {"type", "id", "attributes"})
            | others(told, {"name", "advertiserId", "goal", "spendLimit"}, "attributes."),
        )
        limit = object_in(told.get("spendLimit"), "attributes.spendLimit")
        if limit:
            sent = {ours: limit.get(theirs) for theirs, ours in _LIMIT.items()}
            if sent["renewal"] == _UNDEFINED:
                sent["renewal"] = None
            if isinstance(sent["amount"], Mapping):
                sent["amount"] = sent["amount"].get("value")  # as the vendor's SDKs say it
            names = {ours: f"spendLimit.{theirs}" for theirs, ours in _LIMIT.items()}
            yield Record("spend_limits", sent, row, ids, names, others(limit, set(_LIMIT), "spendLimit."))
