"""Giving a number a meaning: a group's own attributes."""

from app.db.constraints import refusals
from app.db.database import Transaction
from app.domain import inputs
from app.domain.groups.operations import whole_group
from app.domain.rewards.attributes import BUILT_IN, FIRST_OWN, OWNERS
from app.errors import Conflict, Invalid
from app.tables.rewards import RewardAttributeKind

_ADD = """
INSERT INTO reward_attribute (group_id, type_code, attribute, name, kind) VALUES ($1, $2, $3, $4, $5)
"""
# Conditions that use the number mean something from now on.
_NEW_VERSIONS = """
UPDATE campaign SET reward_version = reward_version + 1
 WHERE group_id = $1 AND id IN (
   SELECT flow.campaign_id FROM flow
     JOIN (SELECT flow_id FROM flow_condition WHERE group_id = $1 AND type_code = $2 AND attribute = $3
           UNION SELECT flow_id FROM flow_multiplier WHERE group_id = $1 AND type_code = $2 AND attribute = $3) AS c
       ON flow.id = c.flow_id
    WHERE flow.group_id = $1)
"""


async def add_attribute(
    tx: Transaction, *, type_code: int, attribute: int, name: str, kind: RewardAttributeKind
) -> None:
    """Let the group's conditions use this attribute. The meaning of a number never changes."""
    whole_group(tx)
    if type_code not in OWNERS:
        raise Invalid("`type` is USER, TRANSACTION, PARTNER or CAMPAIGN.", path=["type"])
    number = inputs.count(attribute, ["attribute"])
    if number < FIRST_OWN:
        raise Invalid(f"Numbers of a group's own begin at {FIRST_OWN}.", path=["attribute"])
    called = inputs.text(name, ["name"], longest=inputs.MAX_CODE, blank=False)
    reserved = {one.name for one in BUILT_IN if one.type_code == type_code} | {"closed"}
    if called in reserved:
        raise Conflict(f"{called!r} is built in already.", path=["name"], code="ATTRIBUTE_EXISTS")
    with refusals():
        await tx.execute(_ADD, tx.scope.group_id, type_code, number, called, kind.value)
    await tx.execute(_NEW_VERSIONS, tx.scope.group_id, type_code, number)
