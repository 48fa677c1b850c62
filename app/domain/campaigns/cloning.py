"""A campaign made from another one."""

from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.campaigns.closed import refuse_closed
from app.domain.campaigns.fields import WINDOW, CampaignFields
from app.domain.campaigns.operations import asked_window, insert_campaign
from app.domain.groups.finding import store_to_write
from app.domain.settable import path_of, settable_fields, written
from app.errors import Conflict, NotFound

ITS_OWN = WINDOW | {"slug", "is_template"}
"""What a copy does not take over: when it runs, what is unique, and that it is a template."""
COPIED = tuple(one.column for one in settable_fields(CampaignFields) if one.column not in ITS_OWN)
MAY_BE_GONE = ("project_id", "integration_id", "partnership_id", "segment_id")
"""What may belong to one store or may have been deleted since; in that case a copy does without."""

_SOURCE = f"""
SELECT campaign.* FROM campaign
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = $4 AND campaign.deleted_at IS NULL
"""
# One statement for the whole tree: new flow ids are drawn first, so that children can refer to them.
_COPY_TREE = """
WITH fresh AS MATERIALIZED (
  SELECT flow.*, nextval(pg_get_serial_sequence('flow', 'id')) AS new_id
    FROM flow WHERE group_id = $1 AND campaign_id = $2 AND deleted_at IS NULL
), flows AS (
  INSERT INTO flow
    (group_id, id, campaign_id, position, trigger_code, custom_trigger_id, is_active, created_at)
  SELECT $1, new_id, $3, position, trigger_code, custom_trigger_id, is_active, $4 FROM fresh
), actions AS (
  INSERT INTO flow_action
    (group_id, flow_id, position, action_code, partner_id, base_reward, rate, rounding, per, extra_data, created_at)
  SELECT $1, new_id, c.position, action_code, partner_id, base_reward, rate, rounding, per, extra_data, $4
    FROM flow_action c JOIN fresh ON c.group_id = $1 AND c.flow_id = fresh.id
   ORDER BY c.id
), conditions AS (
  INSERT INTO flow_condition
    (group_id, flow_id, position, partner_id, type_code, operator_code, joiner_code, attribute, value,
     created_at)
  SELECT $1, new_id, c.position, partner_id, type_code, operator_code, joiner_code, attribute, value, $4
    FROM flow_condition c JOIN fresh ON c.group_id = $1 AND c.flow_id = fresh.id
   ORDER BY c.id
), multipliers AS (
  INSERT INTO flow_multiplier
    (group_id, flow_id, position, partner_id, type_code, attribute, amount, value, created_at)
  SELECT $1, new_id, c.position, partner_id, type_code, attribute, amount, value, $4
    FROM flow_multiplier c JOIN fresh ON c.group_id = $1 AND c.flow_id = fresh.id
   ORDER BY c.id
), goals AS (
  INSERT INTO goal
    (group_id, campaign_id, position, partner_id, type_code, value, operator_code, created_at)
  SELECT $1, $3, position, partner_id, type_code, value, operator_code, $4
    FROM goal WHERE group_id = $1 AND campaign_id = $2
   ORDER BY id
)
INSERT INTO spend_limit (group_id, campaign_id, type, renewal, amount, currency, created_at)
SELECT $1, $3, type, renewal, amount, currency, $4
  FROM spend_limit WHERE group_id = $1 AND campaign_id = $2
"""


async def clone_campaign(
    tx: Transaction,
    source_id: int,
    changes: CampaignFields,
    *,
    store_id: int | None = None,
    draft: bool = False,
    now: datetime,
) -> int:
    """A copy with its flow tree, goals and spend limit, changed where `changes` says; its id.

    The store is the source's unless another is named. The copy has no window of its own unless one is given,
    so that copying a template starts nothing.
    """
    overrides = written(changes, without=WINDOW)
    source = await tx.fetchrow(_SOURCE, *borders(tx.scope), source_id)
    if source is None:
        raise NotFound("campaign", source_id, path=["sourceId"])
    store = await store_to_write(tx, store_id if store_id is not None else source["store_id"])
    copied: dict[str, Any] = {column: source[column] for column in COPIED}
    copied |= await _lost_references(tx, copied, store_id=store.id)
    if "partnership_id" in overrides or "partner_id" in overrides:
        # They go together: a new one of either is not checked against the other one's old value.
        copied |= {"partnership_id": None, "partner_id": None}
    values = {**copied, **overrides, "template_id": source["id"]}
    new_id = await insert_campaign(tx, values, asked_window(changes), store=store, draft=draft, now=now)
    await _check_currency(tx, new_id, source)
    await tx.execute(_COPY_TREE, tx.scope.group_id, source["id"], new_id, now)
    await refuse_closed(tx, new_id, path=["sourceId"])
    return new_id


async def _lost_references(tx: Transaction, copied: dict[str, Any], *, store_id: int) -> dict[str, None]:
    """Clears references that the copy's store does not share, or that are gone or archived."""
    row = await tx.fetchrow(
        """
        SELECT (SELECT coalesce(store_id, $2) FROM project
                 WHERE group_id = $1 AND id = $3 AND archived_at IS NULL) AS project_id,
               (SELECT coalesce(p.store_id, $2) FROM integration i
                  JOIN project p ON p.group_id = $1 AND p.id = i.project_id AND p.archived_at IS NULL
                 WHERE i.group_id = $1 AND i.id = $4 AND i.archived_at IS NULL) AS integration_id,
               (SELECT store_id FROM partnership
                 WHERE group_id = $1 AND id = $5 AND archived_at IS NULL) AS partnership_id,
               (SELECT $2 FROM segment WHERE group_id = $1 AND id = $6 AND deleted_at IS NULL) AS segment_id
        """,
        tx.scope.group_id, store_id, *(copied[column] for column in MAY_BE_GONE),
    )  # fmt: skip
    assert row is not None
    return {column: None for column in MAY_BE_GONE if row[column] != store_id}


async def _check_currency(tx: Transaction, new_id: int, source: Any) -> None:
    """Amounts are copied as they are, so the copy must count in the same currency."""
    currency = await tx.fetchval(
        "SELECT currency FROM campaign WHERE group_id = $1 AND id = $2", tx.scope.group_id, new_id
    )
    if currency != source["currency"]:
        raise Conflict(
            f"The copy would count in {currency}, the campaign it is made from in {source['currency']}.",
            path=path_of(CampaignFields, "integration_id"),
            code="WRONG_CURRENCY",
        )
