"""Making, changing, moving and deleting outlays, and the ledger with them.

Source: Webmarketer API 1.0.0, "Custom Ads", outlays. An outlay is spread over the days it covers, days of the
store's time zone like all days of metrics, into entries `<outlay>:<day>` of the ledger. Whoever changes an outlay
holds its row first, then its campaigns' in the order of ids; so its entries always add up to its amount.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.db.database import Transaction
from app.domain.borders import CAMPAIGN_BORDERS, borders
from app.domain.days import settle_days
from app.domain.metrics.entries import only_channel
from app.domain.metrics.operations import SpendLine, rebook_spend
from app.domain.outlays.fields import NEEDED, OutlayFields, check_money, check_order
from app.domain.outlays.spreading import spread
from app.domain.rows import insert_row, update_row
from app.domain.settable import path_of, written
from app.errors import Conflict, Invalid, NotFound
from app.values.instants import zone_of

SOURCE = "outlay"
"""The source of the ledger's entries made here."""
_CAMPAIGNS = f"""
SELECT campaign.id, campaign.integration_id, campaign.currency, campaign.channels, integration.wmkt_id,
       coalesce(store.time_zone, customer_group.time_zone) AS zone
  FROM campaign
  JOIN store ON store.group_id = campaign.group_id AND store.id = campaign.store_id
  JOIN customer_group ON customer_group.id = campaign.group_id
  LEFT JOIN integration
    ON integration.group_id = campaign.group_id AND integration.id = campaign.integration_id
 WHERE {CAMPAIGN_BORDERS} AND campaign.id = ANY ($4) AND campaign.deleted_at IS NULL
 ORDER BY campaign.id FOR NO KEY UPDATE OF campaign
"""
_LOCK = "SELECT * FROM outlay WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE"
_DELETE = "UPDATE outlay SET deleted_at = $3, updated_at = $3 WHERE group_id = $1 AND id = $2"


async def create_outlay(
    tx: Transaction, given: OutlayFields, *, wmkt_id: str | None = None, now: datetime
) -> int:
    """A new outlay; its id. `wmkt_id`: the campaign counts as found only if this integration tracks it."""
    values = written(given)
    for column in NEEDED:
        if column not in values:
            path = path_of(OutlayFields, column)
            raise Invalid(f"An outlay needs `{path[0]}`.", path=path, code="MISSING")
    await settle_days(tx, values, starts=("starts_at",), ends=("ends_at",), campaign_id=values["campaign_id"])
    check_order(values["starts_at"], values["ends_at"])
    [campaign] = await _campaigns(tx, [values["campaign_id"]], wmkt_id=wmkt_id)
    if campaign["integration_id"] is None:
        raise Conflict(
            "Outlays are laid out for campaigns that an integration tracks; this one has none.",
            path=path_of(OutlayFields, "campaign_id"),
            code="NOT_TRACKED",
        )
    check_money(values, campaign["currency"])
    row = {
        **values,
        "integration_id": campaign["integration_id"],
        "currency": campaign["currency"],
        "created_at": now,
        "updated_at": now,
    }
    ident = await insert_row(tx, "outlay", row)
    await rebook_spend(tx, _lines({**row, "id": ident}, campaign), source=SOURCE, stem=str(ident), now=now)
    return ident


async def update_outlay(
    tx: Transaction,
    outlay_id: int,
    given: OutlayFields,
    *,
    wmkt_id: str | None = None,
    in_campaign: int | None = None,
    now: datetime,
) -> bool:
    """Change what was sent; returns whether anything is different.

    The order of the dates is checked on the outlay as a whole. `campaign_id` moves it to another campaign
    of the same integration. `wmkt_id`, `in_campaign`: it counts as found only there.
    """
    values = written(given)
    row = await tx.fetchrow(_LOCK, tx.scope.group_id, outlay_id)
    if row is None or in_campaign not in (None, row["campaign_id"]):
        raise NotFound("outlay", outlay_id, path=["id"])
    target = values.get("campaign_id", row["campaign_id"])
    campaigns = {c["id"]: c for c in await _campaigns(tx, {row["campaign_id"], target}, missing_ok=True)}
    present, campaign = campaigns.get(row["campaign_id"]), campaigns.get(target)
    if present is None or wmkt_id not in (None, present["wmkt_id"]):
        raise NotFound("outlay", outlay_id, path=["id"])
    if campaign is None:
        raise NotFound("campaign", target, path=path_of(OutlayFields, "campaign_id"))
    if campaign["integration_id"] != row["integration_id"] and campaign is not present:
        raise Conflict(
            "An outlay moves between campaigns of its own integration only.",
            path=path_of(OutlayFields, "campaign_id"),
            code="WRONG_INTEGRATION",
        )
    check_money(values, row["currency"])
    await settle_days(tx, values, starts=("starts_at",), ends=("ends_at",), campaign_id=target)
    merged = {**row, **values}
    check_order(merged["starts_at"], merged["ends_at"])
    changed = {column: value for column, value in values.items() if value != row[column]}
    if not changed:
        return False
    await update_row(tx, "outlay", outlay_id, {**changed, "updated_at": now})
    if not changed.keys() <= {"country", "region"}:
        await rebook_spend(tx, _lines(merged, campaign), source=SOURCE, stem=str(outlay_id), now=now)
    return True


async def delete_outlay(tx: Transaction, outlay_id: int, *, now: datetime) -> int:
    """Delete an outlay and its spend; the id. The row stays, marked as deleted."""
    row = await tx.fetchrow(_LOCK, tx.scope.group_id, outlay_id)
    if row is None or not await _campaigns(tx, [row["campaign_id"]], missing_ok=True):
        raise NotFound("outlay", outlay_id, path=["id"])
    await tx.execute(_DELETE, tx.scope.group_id, outlay_id, now)
    await rebook_spend(tx, [], source=SOURCE, stem=str(outlay_id), now=now)
    return outlay_id


def _lines(outlay: Mapping[str, Any], campaign: Any) -> list[SpendLine]:
    shares = spread(
        outlay["amount"], outlay["currency"], starts_at=outlay["starts_at"], ends_at=outlay["ends_at"],
        zone=zone_of(campaign["zone"]),
    )  # fmt: skip
    channel = only_channel(campaign["channels"])
    return [
        SpendLine(campaign["id"], day, channel, f"{outlay['id']}:{day.isoformat()}", part)
        for day, part in shares.items()
    ]


async def _campaigns(
    tx: Transaction, ids: Any, *, wmkt_id: str | None = None, missing_ok: bool = False
) -> list[Any]:
    """The campaigns in reach, locked in the order of their ids."""
    rows = await tx.fetch(_CAMPAIGNS, *borders(tx.scope), sorted(ids))
    if not missing_ok and (not rows or wmkt_id not in (None, rows[0]["wmkt_id"])):
        raise NotFound("campaign", next(iter(ids)), path=path_of(OutlayFields, "campaign_id"))
    return rows
