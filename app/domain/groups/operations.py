"""Making and changing stores; making and changing the group itself."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from app.db.auditing import OPERATOR, Actor, record, seen
from app.db.database import Database, Transaction, group_setting
from app.domain import inputs
from app.domain.attribution.keeping import note_all_sales
from app.domain.groups.fields import GroupFields, StoreFields, checked_country
from app.domain.inputs import Path
from app.domain.rows import insert_row, update_row
from app.domain.settable import kept_columns, path_of, written
from app.errors import Conflict, Forbidden, Invalid, NotFound
from app.values.ids import show_id
from app.values.instants import zone_of
from app.values.money import is_currency
from app.values.scope import Scope

LOCK_GROUP = "SELECT 1 FROM customer_group WHERE id = $1 FOR NO KEY UPDATE"
"""Held by whoever changes which store is the default one, so that there is one at all times."""
# A campaign's days are days in its store's zone: where that changes, those still to come move with it.
_MOVE_WINDOWS = """
UPDATE campaign c
   SET starts_at = coalesce(c.starts_on::timestamp AT TIME ZONE z.zone, c.starts_at),
       ends_at = coalesce((c.ends_on + 1)::timestamp AT TIME ZONE z.zone, c.ends_at),
       updated_at = $3
  FROM (SELECT s.id, coalesce(s.time_zone, g.time_zone) AS zone
          FROM store s JOIN customer_group g ON g.id = s.group_id WHERE s.group_id = $1) AS z
 WHERE c.group_id = $1 AND c.store_id = z.id AND ($2::bigint IS NULL OR z.id = $2)
   AND c.status <> 'completed' AND (c.starts_on IS NOT NULL OR c.ends_on IS NOT NULL)
"""
# So do a promo's, which are days in its campaign's store, or the group; unless it is over.
_MOVE_PROMOS = """
UPDATE promo p
   SET valid_from = coalesce(p.valid_from_on::timestamp AT TIME ZONE z.zone, p.valid_from),
       valid_until = coalesce((p.valid_until_on + 1)::timestamp AT TIME ZONE z.zone, p.valid_until),
       updated_at = $3
  FROM (SELECT i.id, s.id AS store_id, coalesce(s.time_zone, g.time_zone) AS zone
          FROM promo i JOIN customer_group g ON g.id = i.group_id
          LEFT JOIN campaign c ON c.group_id = i.group_id AND c.id = i.campaign_id
          LEFT JOIN store s ON s.group_id = i.group_id AND s.id = c.store_id
         WHERE i.group_id = $1 AND num_nonnulls(i.valid_from_on, i.valid_until_on) > 0) AS z
 WHERE p.group_id = $1 AND p.id = z.id AND ($2::bigint IS NULL OR z.store_id = $2)
   AND (p.valid_until IS NULL OR p.valid_until > $3)
"""
_SET_QUOTAS = """
UPDATE customer_group
   SET file_quota = CASE WHEN $2::bigint IS NULL THEN file_quota ELSE nullif($2, 0) END,
       event_quota = CASE WHEN $3::bigint IS NULL THEN event_quota ELSE nullif($3, 0) END
 WHERE id = $1 RETURNING file_bytes, file_quota, event_bytes, event_quota
"""


async def create_store(tx: Transaction, given: StoreFields, *, now: datetime) -> int:
    """A new store of the group; its id. The first one becomes the default."""
    whole_group(tx)
    values = await _checked(tx, given)
    if not values.get("name"):
        raise Invalid("A store needs a name.", path=path_of(StoreFields, "name"))
    values.setdefault("beacon_key", str(uuid4()))
    await tx.execute(LOCK_GROUP, tx.scope.group_id)
    first = not await tx.fetchval(
        "SELECT EXISTS (SELECT FROM store WHERE group_id = $1 AND is_default)", tx.scope.group_id
    )
    if values.get("is_default") and not first:
        await _clear_default(tx, now)
    row = {**values, "is_default": first or bool(values.get("is_default"))}
    row |= {"created_at": now, "updated_at": now}
    return await insert_row(tx, "store", row)


async def update_store(tx: Transaction, store_id: int, given: StoreFields, *, now: datetime) -> int:
    """Change what was sent; the id. A credential narrowed to a store may change that store, but no defaults."""
    if tx.scope.store_id not in (None, store_id):
        raise NotFound("store", store_id, path=["id"])
    values = await _checked(tx, given)
    if "is_default" in values:
        whole_group(tx)
        await tx.execute(LOCK_GROUP, tx.scope.group_id)
        await _settle_default(tx, store_id, values, now=now)
    values["updated_at"] = now
    if not await update_row(tx, "store", store_id, values, alive=True):
        raise NotFound("store", store_id, path=["id"])
    if "time_zone" in values:
        await _move_days(tx, store_id, now=now)
    return store_id


async def create_group(
    db: Database, *, name: str, currency: str, time_zone: str, country: str | None = None, now: datetime
) -> int:
    """A new tenant, as the operator: without stores or credentials yet; its id."""
    async with db.directory() as connection:
        return await _insert_group(
            connection, OPERATOR, name=name, currency=currency, time_zone=time_zone, country=country, now=now
        )


async def found_group(
    tx: Transaction,
    actor: Actor,
    *,
    name: str,
    currency: str,
    time_zone: str,
    country: str | None = None,
    now: datetime,
) -> int:
    """The same from within another group, for a credential that may enter any; its id."""
    whole_group(tx)
    made = await _insert_group(
        tx.driver, actor, name=name, currency=currency, time_zone=time_zone, country=country, now=now
    )
    await tx.driver.execute(group_setting(tx.scope))
    return made


async def update_group(tx: Transaction, given: GroupFields, *, now: datetime) -> int:
    """Change the scope's group; its id."""
    whole_group(tx)
    values = await _checked(tx, given)
    if values:
        changes = ", ".join(f"{column} = ${n}" for n, column in enumerate(values, start=2))
        await tx.execute(
            f"UPDATE customer_group SET {changes} WHERE id = $1", tx.scope.group_id, *values.values()
        )
    if "time_zone" in values:
        await _move_days(tx, None, now=now)
    if any(column.startswith("attribution_") for column in values):
        await note_all_sales(tx)
    return tx.scope.group_id


async def set_quotas(
    db: Database, group_id: int, *, files: int | None, events: int | None, now: datetime | None = None
) -> list[tuple[str, int, int | None]] | None:
    """Give a group quotas in bytes: None leaves one as it is, 0 gives it back to the server's setting.

    What it takes of each, and may; None where there is no such group. Only operators do this.
    """
    async with db.transaction(Scope(group_id)) as tx:
        kept = (*kept_columns(GroupFields), "file_quota", "event_quota")
        before = await seen(tx, "customer_group", group_id, columns=kept)
        row = await tx.fetchrow(_SET_QUOTAS, group_id, files, events)
        after = await seen(tx, "customer_group", group_id, columns=kept)
        if before != after:
            await record(
                tx, OPERATOR, "group.quota",
                subject=show_id("group", group_id), before=before, after=after, now=now or datetime.now(UTC),
            )  # fmt: skip
    if row is None:
        return None
    return [
        ("files", row["file_bytes"], row["file_quota"]),
        ("events", row["event_bytes"], row["event_quota"]),
    ]


async def _move_days(tx: Transaction, store_id: int | None, *, now: datetime) -> None:
    """Where the zone of a store, or of the group, has changed, the days of what lives there lie elsewhere."""
    for statement in (_MOVE_WINDOWS, _MOVE_PROMOS):
        await tx.execute(statement, tx.scope.group_id, store_id, now)
    await note_all_sales(tx)


def whole_group(tx: Transaction) -> None:
    """Forbidden for a credential narrowed to a part of the group."""
    if tx.scope.store_id is not None or tx.scope.project_ids is not None:
        raise Forbidden("This needs a credential for the whole group, not for a part of it.")


async def _insert_group(
    connection: "asyncpg.Connection[Any]",
    actor: Actor,
    *,
    name: str,
    currency: str,
    time_zone: str,
    country: str | None,
    now: datetime,
) -> int:
    """The group, whose audit begins with who made it. Afterwards the transaction is inside the new group."""
    name = inputs.name(name, ["name"])
    if not is_currency(currency):
        raise Invalid("A currency is three capital letters like EUR.", path=["currency"])
    await _check_zone(connection, time_zone, ["timeZone"])
    if country is not None:
        country = checked_country(country, ["country"])
    group_id = int(await connection.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id"))
    # The policies demand it.
    scope = Scope(group_id)
    await connection.execute(group_setting(scope))
    await connection.execute(
        "INSERT INTO customer_group (id, name, currency, time_zone, country, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        group_id, name, currency, time_zone, country, now,
    )  # fmt: skip
    inside = Transaction(connection, scope)
    made = await seen(
        inside, "customer_group", group_id, columns=("name", "currency", "time_zone", "country")
    )
    await record(inside, actor, "group.create", subject=show_id("group", group_id), after=made, now=now)
    return group_id


async def _settle_default(tx: Transaction, store_id: int, values: dict[str, Any], *, now: datetime) -> None:
    """There is always one default store: it can only be changed by naming another."""
    row = await tx.fetchrow(
        "SELECT is_default FROM store WHERE group_id = $1 AND id = $2 AND deleted_at IS NULL",
        tx.scope.group_id, store_id,
    )  # fmt: skip
    if row is None:
        raise NotFound("store", store_id, path=["id"])
    if row["is_default"] and not values["is_default"]:
        raise Conflict(
            "A group keeps a default store; make another one the default instead.",
            path=path_of(StoreFields, "is_default"),
        )
    if values["is_default"] and not row["is_default"]:
        await _clear_default(tx, now)


async def _clear_default(tx: Transaction, now: datetime) -> None:
    await tx.execute(
        "UPDATE store SET is_default = false, updated_at = $2 WHERE group_id = $1 AND is_default",
        tx.scope.group_id, now,
    )  # fmt: skip


async def _checked(tx: Transaction, given: StoreFields | GroupFields) -> dict[str, Any]:
    """The values that were sent, by column, within their bounds."""
    values = written(given)
    if values.get("time_zone") is not None:
        await _check_zone(tx, values["time_zone"], path_of(type(given), "time_zone"))
    return values


async def _check_zone(tx: "Transaction | asyncpg.Connection[Any]", name: str, path: Path) -> None:
    """Both Python and the database compute days in it, so both must know it."""
    try:
        zone_of(inputs.text(name, path, longest=inputs.MAX_CODE))
    except ValueError as why:
        raise Invalid(f"{why}.", path=path) from None
    if not await tx.fetchval("SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1)", name):
        raise Invalid(f"{name!r} is not a time zone like Europe/Paris.", path=path)
