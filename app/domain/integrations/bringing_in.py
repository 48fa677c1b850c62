"""Integrations of another system."""

from dataclasses import dataclass
from datetime import datetime

from app.db.database import Transaction
from app.domain.groups.finding import currency_of_group
from app.domain.integrations.fields import CUSTOM_ADS, IntegrationFields
from app.domain.rows import insert_row
from app.domain.settable import written
from app.errors import Conflict, Invalid
from app.values.changes import UNSET

_TRACKED = "SELECT id, project_id FROM integration WHERE group_id = $1 AND wmkt_id = $2"
_LOCK = "SELECT name, currency FROM integration WHERE group_id = $1 AND id = $2 FOR NO KEY UPDATE"
_SPENT = "SELECT EXISTS (SELECT FROM outlay WHERE group_id = $1 AND integration_id = $2)"
_CHANGE = "UPDATE integration SET name = $3, currency = $4 WHERE group_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True, kw_only=True)
class PastIntegration:
    """What is told of an integration; None: nothing."""

    wmkt_id: str | None = None
    name: str | None = None
    kind: str | None = None
    currency: str | None = None
    created_at: datetime | None = None


async def bring_in_integration(
    tx: Transaction, known: int | None, past: PastIntegration, *, project_id: int | None, now: datetime
) -> tuple[int, bool | None]:
    """Its id, and whether anything of it changed; None: it is new. One with this tracking id is taken for it.

    Unless told it is called like its tracking id, connects custom ads, and has the group's currency.
    """
    values = written(
        IntegrationFields(
            name=past.name or UNSET, kind=past.kind or UNSET, wmkt_id=past.wmkt_id or UNSET,
            currency=past.currency or UNSET,
        )
    )  # fmt: skip
    if known is None and past.wmkt_id is not None:
        tracked = await tx.fetchrow(_TRACKED, tx.scope.group_id, values["wmkt_id"])
        if tracked is not None:
            if project_id not in (None, tracked["project_id"]):
                raise Conflict(
                    f"The tracking id {past.wmkt_id} is of an integration of another project.",
                    path=["wmkt_id"],
                )
            known = int(tracked["id"])
    if known is not None:
        return known, await _change(tx, known, values)
    if project_id is None or past.wmkt_id is None:
        raise Invalid("An integration has a project and a tracking id.", path=["project"])
    row = {
        **values,
        "name": values.get("name") or values["wmkt_id"],
        "kind": values.get("kind") or CUSTOM_ADS,
        "currency": values.get("currency") or await currency_of_group(tx),
        "project_id": project_id,
        "created_at": past.created_at or now,
    }
    return await insert_row(tx, "integration", row), None


async def _change(tx: Transaction, ident: int, values: dict[str, object]) -> bool:
    before = await tx.fetchrow(_LOCK, tx.scope.group_id, ident)
    assert before is not None
    name, currency = values.get("name") or before["name"], values.get("currency") or before["currency"]
    if currency != before["currency"] and await tx.fetchval(_SPENT, tx.scope.group_id, ident):
        currency = before["currency"]  # Each outlay has its own beside it.
    if (name, currency) == (before["name"], before["currency"]):
        return False
    await tx.execute(_CHANGE, tx.scope.group_id, ident, name, currency)
    return True
