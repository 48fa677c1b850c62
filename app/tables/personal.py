"""Which columns may hold what identifies a person, and how each of them is emptied when that person is erased.

This is the one declaration: `domain/erasing/statements.py` makes the erasing SQL of it, and
`tests/architecture/test_what_is_personal.py` fails for any column of text, JSON, arrays or bytes that is named neither
here nor in `NOT_PERSONAL`. A new column is one line:

    it may hold what somebody typed about a person         "note": Emptied("NULL")      in PERSONAL, under its table
    it names something, and somebody might misuse it so    "reference": CUT             the same
    it cannot, and why                                     "kind": SET                  in NOT_PERSONAL

A new table needs `rows`, the condition by which its rows are the person's, unless it has none of a person's own;
where what holds one of their texts is to be emptied as a whole, `nobodys` is the condition (`"true"`: any such row).
Whatever is emptied must be NULL or a constant that its CHECKs take; what sums and ledgers read is not touched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Emptied:
    """A column of which nothing is left in the person's own rows; of others' rows the person's texts are cut out."""

    left: str
    """SQL: what stands in it afterwards; `{column}` is what stood there, `{row}` the whole row."""
    is_theirs: bool = False
    """What stands in others' rows is theirs, though it be the same, and stays."""
    only_addresses: bool = False
    """Of others' rows addresses and numbers are cut out, not ids: they may be words that it is made of."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A column out of which the person's texts are cut wherever they stand, in own rows as in others'."""

    only_addresses: bool = False
    otherwise: str = ""
    """What stands in it where nothing is left, as a CHECK may ask for something."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A key: where it holds one of the person's texts a digest takes its place, the same one wherever it stands."""

    is_address: bool = False
    """It is one itself, so that a longer one is somebody else's; other keys are put together of things."""


Rule = Emptied | Cut | Renamed


@dataclass(frozen=True, slots=True)
class Rows:
    """How the rows of a table are a person's, and what becomes of their columns."""

    rows: str | None = None
    """SQL over `{row}`: they are the customer's, $2. None: a row is nobody's, and only searched for texts."""
    columns: Mapping[str, Rule] = field(default_factory=dict)
    key: tuple[str, ...] = ("id",)
    """What identifies a row inside its group."""
    nobodys: str | None = None
    """SQL over `{row}`: a row that is nobody's yet, and the person's if it holds one of their texts ($4)."""
    then: Mapping[str, str] = field(default_factory=dict)
    """Further columns of the person's rows, and the SQL of what stands in them afterwards."""
    deleted: bool = False
    """The person's rows go as a whole; out of others' the texts are cut."""
    is_told_names: bool = False
    """Searched for the person's name and ids of ours as well: cutting too much does no harm here."""


NULL = Emptied("NULL")
BLANK = Emptied("''")
OWN_NULL, OWN_NONE = (Emptied(left, is_theirs=True) for left in ("NULL", "'{}'"))
CUT, ADDRESSES = Cut(), Cut(only_addresses=True)
RENAMED = Renamed()

_OF_CUSTOMER = "{row}.customer_id = $2"
_OF_EVENT = (
    "({row}.event_id = ANY ($7)"
    " OR {row}.event_id IN (SELECT e.id FROM event e WHERE e.group_id = $1 AND e.customer_id = $2))"
)
# What was known of the person; of the sale the numbers, by which simulations reckon the campaign's own figures.
_INPUTS = """
CASE WHEN pg_input_is_valid({column}::text, 'jsonb') AND json_typeof({column} -> 'transaction') = 'object'
     THEN ({column}::jsonb || jsonb_build_object('user', '{}'::jsonb, 'transaction',
           (SELECT coalesce(jsonb_object_agg(t.key, t.value), '{}')
              FROM jsonb_each({column}::jsonb -> 'transaction') t
             WHERE jsonb_typeof(t.value) IN ('number', 'boolean'))))::json
     ELSE '{"user": {}, "transaction": {}, "partner": {}, "campaign": {}}'::json END
"""
# Which currency its statistics are told in, also when they are corrected later; see `events/currencies.py`.
_SAID = "coalesce({column} ->> 'currency', {row}.body -> 'data' ->> 'currency')"
_CURRENCY = f"CASE WHEN {_SAID} ~* '^[A-Z]{{3}}$' THEN json_build_object('currency', upper({_SAID})) END"
# As retention leaves them.
_TRACE = """
CASE WHEN {column} -> 'balances' IS NULL THEN '{}'::json
     ELSE json_build_object('balances', {column} -> 'balances') END
"""

PERSONAL: Mapping[str, Rows] = {
    "event": Rows(
        _OF_CUSTOMER,
        {
            "body": NULL, "data": Emptied(_CURRENCY), "user_data": NULL, "tracker_id": NULL,
            "dedup_key": RENAMED, "sale_reference": RENAMED, "event_type": CUT, "known_as_id": CUT,
        },
        nobodys="{row}.customer_id IS NULL",
        # What was never processed never will be: neither by the pipeline nor out of the trash.
        then={"status": "CASE WHEN {row}.status = 'processed' THEN 'processed' ELSE 'erased' END"},
    ),
    "sale_reference": Rows(
        "({row}.reference IN (SELECT o.reference FROM customer_order o WHERE o.group_id = $1 AND o.customer_id = $2)"
        # What was rewarded by it holds it, too, with no order of that name.
        " OR {row}.reference IN (SELECT v.reference FROM reward_evaluation v"
        " WHERE v.group_id = $1 AND v.customer_id = $2))",
        {"reference": RENAMED},
    ),
    "customer_order": Rows(_OF_CUSTOMER, {"reference": RENAMED, "known_as_id": CUT}),
    "order_refund": Rows(
        "{row}.order_id IN (SELECT o.id FROM customer_order o WHERE o.group_id = $1 AND o.customer_id = $2)",
        {"reference": RENAMED},
    ),
    "event_fault": Rows(_OF_EVENT, {"message": BLANK, "field": CUT}),
    "customer": Rows(
        "({row}.id = $2 OR {row}.merged_into_id = $2)",
        {
            "name": Emptied("''", only_addresses=True), "tags": Emptied("'{}'", only_addresses=True),
            "email": OWN_NULL, "email_key": OWN_NULL, "phone": OWN_NULL, "phone_key": OWN_NULL,
            "external_id": OWN_NULL,
            "known_as_system": OWN_NONE, "known_as_id": OWN_NONE, "attributes": NULL, "loyalty_tier": CUT,
        },
        then={
            "email_consent": "false", "sms_consent": "false", "erased_at": "$3",
            "deleted_at": "coalesce({row}.deleted_at, $3)", "updated_at": "$3",
        },
    ),
    "customer_identity": Rows(_OF_CUSTOMER, {"value": OWN_NULL}, deleted=True),
    # What was joined can then not be taken apart: nobody knows any more what each of the two had.
    "customer_merge": Rows("({row}.from_id = $2 OR {row}.into_id = $2)", {"moved": Emptied("'{}'")}),
    "customer_doubt": Rows("({row}.customer_id = $2 OR {row}.other_id = $2)", {"value": NULL}),
    "contact_statement": Rows(
        _OF_CUSTOMER,
        {"subject": Renamed(is_address=True), "address_key": NULL, "detail": NULL},
        # Why another address is blocked may name them; the block is that one's.
        nobodys=(
            "{row}.customer_id IS NULL"
            " AND concat_ws(' ', {row}.subject, {row}.address_key) COLLATE \"pg_c_utf8\" ~* ANY ($4::text[])"
        ),
        deleted=True,
    ),
    "webhook_refusal": Rows(
        None, {"body": NULL, "message": BLANK, "query": BLANK}, nobodys="true", then={"is_whole": "false"}
    ),
    "external_id": Rows(
        "({row}.kind = 'cust' AND {row}.row_id = $2)", {"id": OWN_NULL}, key=("system", "kind", "id"), deleted=True
    ),
    "segment_member": Rows(_OF_CUSTOMER, deleted=True),
    "interaction": Rows(
        _OF_CUSTOMER,
        {
            "tracker_id": NULL, "landing_url": NULL, "referrer": NULL, "user_data": NULL, "node_data": NULL,
            "dedup_key": RENAMED, "known_as_id": CUT,
        },
        nobodys="{row}.customer_id IS NULL",
    ),
    "event_metric": Rows(_OF_CUSTOMER, {"known_as_id": CUT}),
    "event_metric_change": Rows(None, {"actor": CUT}),
    "funnel_touch": Rows(_OF_CUSTOMER, {"source_ref": RENAMED}),
    "reward_evaluation": Rows(
        _OF_CUSTOMER, {"inputs": Emptied(_INPUTS), "trace": Emptied(_TRACE), "reference": CUT}
    ),
    "reward_entry": Rows(_OF_CUSTOMER, {"reference": RENAMED}),
    "reward_reevaluation": Rows(None, {"differences": CUT}),
    "promo_redemption": Rows(_OF_CUSTOMER, {"key": RENAMED, "earlier": CUT}),
    "campaign": Rows(
        None,
        {
            "name": Cut(only_addresses=True, otherwise="erased"), "description": ADDRESSES, "subject": ADDRESSES,
            "body": ADDRESSES,
        },
    ),
    "promo": Rows(None, {"applies_to": ADDRESSES}),
    "segment": Rows(None, {"name": ADDRESSES, "criteria": CUT}),
    "asset": Rows(None, {"name": CUT, "known_as_id": CUT}),
    "import_run": Rows(
        None,
        {
            "told": CUT, "file_name": CUT, "refused_name": CUT, "report": CUT, "failure_message": CUT, "asked_by": CUT,
        },
    ),
    "idempotent_answer": Rows(
        None, {"answer": NULL, "key": RENAMED, "principal": CUT}, key=("key",), is_told_names=True
    ),
    "audit_entry": Rows(None, {"before": CUT, "after": CUT, "detail": CUT}),
}  # fmt: skip
"""By table, in the order in which all writers take their locks."""

BEFORE_CUSTOMER = ("event", "sale_reference", "customer_order", "order_refund")
"""Tables whose writers lock their rows first, and then the customer's."""

SET = "a word of a closed set"
OURS = "made by the gateway"
GROUPS = "what the group calls its own things, or says to everybody"
SECRET = "a digest of a secret, or a sealed one"  # noqa: S105 - a reason
CREDENTIALS = "about a credential of the group, not about its customers"
GENERATED = "PostgreSQL makes it of a column that is named"
NUMBERS = "ids in other systems of what is no person"

EVERYWHERE: Mapping[str, str] = {
    "currency": SET,
    "known_as_system": "the name of a system",
    "channel": SET,
    "kind": SET,
    "status": SET,
    "type": SET,
}
"""By column, whatever its table, unless PERSONAL says otherwise."""

NOT_PERSONAL: Mapping[str, Mapping[str, str]] = {
    "api_key": {"name": CREDENTIALS, "hint": SECRET, "hash": SECRET, "access": SET, "previous_hash": SECRET},
    "asset": {"content_type": SET, "sha256": OURS, "storage_key": OURS},
    "attributed_share": {"source": SET},
    "audit_entry": {
        "actor": CREDENTIALS, "address": CREDENTIALS, "action": SET, "subject": "an id of ours, which stays",
    },
    "campaign": {
        "logo_url": GROUPS, "cta_text": GROUPS, "cta_url": GROUPS, "slug": GROUPS, "objective": SET, "channels": SET,
        "period_type": SET, "opening": "totals", "known_as_id": NUMBERS, "reward_expire_period": SET,
        "negative_balance": SET,
    },
    "campaign_metric": {"extra": "figures"},
    "channel_rule": {
        "source": GROUPS, "medium": GROUPS, "campaign": GROUPS, "click_id": GROUPS, "referrer": GROUPS,
        "integration": GROUPS,
    },
    "contact_statement": {"list": GROUPS, "source": SET},
    "customer": {"attributes_index": GENERATED, "erasure": "numbers of rows"},
    "customer_order": {"promo_code": GROUPS},
    "customer_doubt": {"reason": SET},
    "customer_group": {"name": GROUPS, "time_zone": SET, "country": SET, "attribution_model": SET},
    "customer_identity": {"said_with": "ids of ours", "claimed_with": "ids of ours"},
    "customer_merge": {"reason": SET, "actor": CREDENTIALS, "undone_by": CREDENTIALS},
    "event": {"source": SET, "outcome": SET},
    "event_fault": {"code": SET},
    "event_field": {
        "storage_key": GROUPS, "ingestion_key": GROUPS, "name": GROUPS, "data_type": SET, "identity": SET,
        "sent": "a field's declaration",
    },
    "event_metric": {"storage_key": GROUPS},
    "event_rollup": {"key": GROUPS},
    "event_type": {
        "reference": GROUPS, "name": GROUPS, "details": "a type's declaration", "expiration_policy": SET,
        "phone_parsing": SET, "funnel_stage": SET, "trigger": SET, "known_as_id": NUMBERS,
    },
    "exchange_rate": {"from_currency": SET, "to_currency": SET},
    "external_id": {"system": "the name of a system"},
    "flow": {"known_as_id": NUMBERS},
    "flow_action": {"extra_data": GROUPS, "known_as_id": NUMBERS, "rounding": SET, "per": SET},
    "flow_condition": {"value": GROUPS, "known_as_id": NUMBERS},
    "flow_multiplier": {"value": GROUPS, "known_as_id": NUMBERS},
    "funnel_day": {"path": "letters of stages"},
    "funnel_touch": {"stage": SET, "source": SET},
    "goal": {"known_as_id": NUMBERS},
    "idempotent_answer": {"request_hash": "a digest of a request", "made": "ids of ours"},
    "import_run": {
        "what": SET, "system": SET, "state": SET, "file_key": OURS, "refused_key": OURS, "reasons_key": OURS,
        "failure_code": SET, "holder": OURS,
    },
    "integration": {"name": GROUPS, "wmkt_id": GROUPS, "known_as_id": NUMBERS},
    "message_recipient": {
        "recipient": "a digest; those of the person's addresses are replaced by `domain/erasing/operations.py`",
    },
    "metric_fact": {"source": SET, "extra": "figures"},
    "metric_fact_rollup": {"source": SET},
    "oauth_client": {"client_id": CREDENTIALS, "secret_hash": SECRET, "name": CREDENTIALS, "roles": SET},
    "outlay": {
        "country": GROUPS, "region": GROUPS, "country_key": GROUPS, "region_key": GROUPS, "known_as_id": NUMBERS,
    },
    "partner": {"name": GROUPS, "known_as_id": NUMBERS},
    "partnership": {"name": GROUPS, "known_as_id": NUMBERS},
    "project": {"name": GROUPS, "slug": GROUPS, "identity_fields": GROUPS, "known_as_id": NUMBERS},
    "project_slug": {"slug": GROUPS},
    "promo": {"code": GROUPS, "code_key": GROUPS, "stacking": SET, "known_as_id": NUMBERS},
    "promo_code": {"code": OURS},
    "promo_redemption": {"asked": "a digest of what was asked", "line_discounts": "amounts"},
    "retention_mark": {"key": SET},
    "revoked_token": {"jti": CREDENTIALS},
    "reward_attribute": {"name": GROUPS},
    "reward_evaluation": {"outcome": SET},
    "reward_reevaluation": {"what": SET, "state": SET, "failure": "what a job of ours said of itself, without rows"},
    "reward_tier": {"name": GROUPS},
    "schedule": {"name": SET, "last_error": "what a job of ours said of itself, without rows"},
    "segment": {"source": GROUPS, "known_as_id": NUMBERS},
    "spend_entry": {"source": SET, "source_ref": OURS},
    "spend_limit": {"renewal": SET, "pending_renewal": SET},
    "store": {
        "name": GROUPS, "beacon_key": GROUPS, "time_zone": SET, "country": SET, "unavailable_features": SET,
        "known_as_id": NUMBERS,
    },
    "webhook_connection": {"provider": SET, "token": CREDENTIALS, "sealed": SECRET, "previous_sealed": SECRET},
    "webhook_provider": {"provider": SET},
    "webhook_refusal": {"provider": SET, "fingerprint": "a digest", "reason": SET, "content_type": SET},
    "worker_lease": {"name": SET, "holder": OURS},
}  # fmt: skip
"""By table and column: why it cannot hold what identifies a customer."""

__all__ = [
    "ADDRESSES", "BEFORE_CUSTOMER", "BLANK", "CUT", "EVERYWHERE", "GENERATED", "NOT_PERSONAL", "NULL", "OWN_NONE",
    "OWN_NULL", "PERSONAL", "RENAMED", "Cut", "Emptied", "Renamed", "Rows", "Rule",
]  # fmt: skip
