"""Values for every input of the schema: with all its fields, and with each optional one alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from io import BytesIO
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    is_required_input_field,
)
from starlette.datastructures import UploadFile

from tests.given.everything import Everything

Valued = Callable[[str, str, str], Any]
"""The value of a field by its input, its own name and the name of its type; None: the type's usual one."""

USUAL: Mapping[str, Any] = {
    "String": "some text",
    "ID": "camp_1",
    "Int": 1,
    "Long": 1,
    "Decimal": "1",
    "Boolean": True,
    "Date": "2025-06-02",
    "DateTime": "2025-06-02T10:00:00Z",
    "JSON": {},
}
SAID: Mapping[str, Any] = {
    "currency": "EUR",
    "project": "shop",
    # Files come in multipart requests and not in variables; a list without any is read like any other.
    "AssetsAddInput.files": [],
    "ImportStartInput.file": UploadFile(BytesIO(b"name;email"), filename="customers.csv"),
    "ImportStartInput.what": "customers",
    "ImportStartInput.system": "own",
    "ImportStartInput.separator": ";",
    "ImportStartInput.encoding": "utf-8",
    **{
        f"{name}.id": "0"
        for name in ("FlowInput", "FlowActionInput", "FlowConditionInput", "FlowMultiplierInput", "GoalInput")
    },
    **{
        f"{name}.country": "FR"
        for name in ("GroupCreateInput", "GroupUpdateInput", "StoreCreateInput", "StoreUpdateInput")
    },
    # Removing what is saved in the same breath is refused.
    "RewardTiersSaveInput.remove": [],
    "FlowsSaveInput.remove": [],
    "GoalsSaveInput.remove": [],
    "EventTypeCreateInput.reference": "new-type",
    "ProjectUpdateInput.maxEventBytes": 2_048,
    "ProjectUpdateInput.clockAheadS": 600,
    "ProjectUpdateInput.clockBehindS": 86_400,
    "ExternalIdEntryInput.system": "own",
    "WebhookDeliveryInput.provider": "sendgrid",
    "WebhookDeliveryInput.body": "[]",
}
"""Where the usual value would be refused before everything is read: by input and field, or by field alone."""
OWN_ID: Mapping[str, str] = {
    "StoreUpdate": "store", "PartnerUpdate": "part", "PartnershipRename": "pship",
    "IntegrationUpdate": "intg", "Outlay": "outlay", "Segment": "seg", "PromoRelease": "redeem", "Promo": "promo",
    "RewardReverse": "reward",
    "EventType": "evtype", "EventMetric": "event", "Asset": "asset", "ApiKey": "key", "WebhookEndpoint": "hook",
    "Project": "proj", "StoreDelete": "store", "PartnerName": "part", "PartnershipName": "pship",
    "IntegrationName": "intg", "ImportCancel": "import",
}  # fmt: skip
"""The prefix of the `id` of inputs, by how their names begin; of others a campaign's, or nobody's."""
POINTS_AT: Mapping[str, str] = {
    "campaignId": "camp", "storeId": "store", "segmentId": "seg", "partnerId": "part", "partnershipId": "pship",
    "customerId": "cust", "customerIds": "cust", "promoId": "promo", "orderId": "order", "integrationId": "intg",
    "ids": "event", "eventId": "event", "sourceId": "camp", "parentCampaignId": "camp",
    "row": "camp", "fromId": "cust", "intoId": "cust", "mergeId": "merge", "identityId": "identity",
}  # fmt: skip
ROWS: Mapping[str, str] = {
    "camp": "campaign", "store": "store", "seg": "segment", "part": "partner", "pship": "partnership",
    "cust": "customer", "promo": "promo", "intg": "integration", "outlay": "outlay", "redeem": "promo_redemption",
    "evtype": "event_type", "asset": "asset", "key": "api_key", "hook": "webhook_connection",
    "merge": "customer_merge", "identity": "customer_identity", "proj": "project", "import": "import_run",
    "order": "customer_order", "reward": "reward_evaluation",
}  # fmt: skip


def values_of(kind: GraphQLInputObjectType, valued: Valued, sent: set[str]) -> Iterator[dict[str, Any]]:
    """Values of an input: with all its fields, and, since some exclude each other, with each optional one alone."""
    needed = [name for name, field in kind.fields.items() if is_required_input_field(field)]
    for twins in _Twins:
        yield _value(kind, twins.of(kind), twins, valued, sent)
    for alone in ([], *([name] for name in kind.fields if name not in needed)):
        yield _value(kind, [*needed, *alone], _Twins.NAMES, valued, sent)


class _Twins(Enum):
    """What is said twice, by a name and by a code, is to be said once: which of the two all fields are sent with."""

    NAMES = "names"
    CODES = "codes"

    def of(self, kind: GraphQLInputObjectType) -> list[str]:
        by_code = {name for name in kind.fields if f"{name}Code" in kind.fields}
        left_out = {f"{name}Code" for name in by_code} if self is _Twins.NAMES else by_code
        return [name for name in kind.fields if name not in left_out]


def _value(
    kind: GraphQLInputObjectType, names: Iterable[str], twins: _Twins, valued: Valued, sent: set[str]
) -> dict[str, Any]:
    values = {}
    for name in names:
        sent.add(f"{kind.name}.{name}")
        values[name] = _of(kind.name, name, kind.fields[name].type, twins, valued, sent)
    return values


def _of(owner: str, name: str, kind: Any, twins: _Twins, valued: Valued, sent: set[str]) -> Any:
    if isinstance(kind, GraphQLNonNull):
        return _of(owner, name, kind.of_type, twins, valued, sent)
    if isinstance(kind, GraphQLInputObjectType):
        return _value(kind, twins.of(kind), twins, valued, sent)
    if isinstance(kind, GraphQLList):
        said = valued(owner, name, "")
        return said if isinstance(said, list) else [_of(owner, name, kind.of_type, twins, valued, sent)]
    said = valued(owner, name, kind.name)
    if said is not None:
        return said
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else USUAL[kind.name]


def valued_in(group: Everything) -> Valued:
    """Values that say something about the rows of a group."""

    def valued(input_name: str, field: str, kind: str) -> Any:
        said = SAID.get(f"{input_name}.{field}", SAID.get(field))
        if field == "project" and input_name.startswith("Campaign"):
            return f"proj_{group.ids['project'][0]}"
        if kind != "ID" or said is not None:
            return said
        prefix = POINTS_AT[field] if field != "id" else _own_prefix(input_name)
        ident = group.event_ids[0] if prefix == "event" else group.ids[ROWS[prefix]][0]
        return f"{prefix}_{ident}"

    return valued


def _own_prefix(input_name: str) -> str:
    return next((prefix for begins, prefix in OWN_ID.items() if input_name.startswith(begins)), "camp")
