"""A group whose rows have the same ids as another's: whoever forgets the group finds two rows instead of one."""

import asyncpg
from sqlalchemy import ARRAY, JSON, String, Table
from sqlalchemy.dialects import postgresql

from app.tables.all import TENANT_TABLES
from tests.given.everything import Everything

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types


async def twin(owner_url: str, world: Everything, *, mark: str, twin_mark: str) -> int:
    """Copy every row of the group into a new one, as the owner; texts are marked anew."""
    owner = await asyncpg.connect(owner_url)
    try:
        async with owner.transaction():
            group_id = int(await owner.fetchval("INSERT INTO tenant DEFAULT VALUES RETURNING id"))
            for table in TENANT_TABLES:
                await _copy(owner, table, world.group_id, group_id, mark, twin_mark)
    finally:
        await owner.close()
    return group_id


async def _copy(
    owner: "asyncpg.Connection[asyncpg.Record]",
    table: Table,
    source: int,
    target: int,
    mark: str,
    twin_mark: str,
) -> None:
    columns = [c for c in table.columns if c.computed is None]
    tenant = "group_id" if "group_id" in table.columns else "id"
    values = []
    for column in columns:
        if column.name == tenant:
            values.append("$2")
        elif isinstance(column.type, ARRAY | JSON | String):
            kind = column.type.compile(DIALECT).partition(" COLLATE")[0]
            values.append(f"replace({column.name}::text, $3, $4)::{kind}")
        else:
            values.append(column.name)
    names = ", ".join(c.name for c in columns)
    await owner.execute(
        f"INSERT INTO {table.name} ({names}) SELECT {', '.join(values)} FROM {table.name} WHERE {tenant} = $1"
        " AND $3::text <> $4::text AND $2::bigint <> 0",
        source, target, mark, twin_mark,
    )  # fmt: skip
