"""A campaign that lives again needs what it hangs on: its store, its agreement, and the partners it pays with."""

from app.db.database import Transaction
from app.domain.inputs import Path
from app.errors import Conflict

_IN_FLOWS = """
SELECT child.partner_id FROM flow JOIN {table} AS child ON child.group_id = $1 AND child.flow_id = flow.id
 WHERE flow.group_id = $1 AND flow.campaign_id = $2 AND flow.deleted_at IS NULL
"""
# Held until COMMIT, so that none of them is closed at the same moment.
_STORE = """
SELECT name, deleted_at AS closed_at FROM store
 WHERE group_id = $1 AND id = (SELECT store_id FROM campaign WHERE group_id = $1 AND id = $2) FOR KEY SHARE
"""
_PARTNERSHIP = """
SELECT name, archived_at AS closed_at FROM partnership
 WHERE group_id = $1 AND id = (SELECT partnership_id FROM campaign WHERE group_id = $1 AND id = $2) FOR KEY SHARE
"""
_PARTNERS = f"""
SELECT name, archived_at AS closed_at FROM partner WHERE group_id = $1 AND id IN (
  SELECT partner_id FROM campaign WHERE group_id = $1 AND id = $2
  UNION ALL SELECT partner_id FROM goal WHERE group_id = $1 AND campaign_id = $2
  UNION ALL {_IN_FLOWS.format(table="flow_action")}
  UNION ALL {_IN_FLOWS.format(table="flow_condition")}
  UNION ALL {_IN_FLOWS.format(table="flow_multiplier")})
 ORDER BY id FOR KEY SHARE
"""
_NEEDS = (("store", _STORE), ("agreement", _PARTNERSHIP), ("partner", _PARTNERS))


async def refuse_closed(tx: Transaction, campaign_id: int, *, path: Path) -> None:
    """Conflict where its store is deleted, or its agreement or a partner of it archived."""
    for kind, statement in _NEEDS:
        for row in await tx.fetch(statement, tx.scope.group_id, campaign_id):
            if row["closed_at"] is not None:
                raise Conflict(
                    f"The {kind} {row['name']!r} is closed, and this campaign needs it.",
                    path=path,
                    code="CLOSED",
                )
