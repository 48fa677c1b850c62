"""`python -m bench.scans`: EXPLAIN of every golden case on the bench data. No large table may be read from end to end.

Exits with 1 and names the case and the table where one is.
"""

import asyncio
import json
import re
import sys
from pathlib import Path

from app.auth.principal import Principal, Role
from app.db.database import Database, connect
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.explaining import explain
from app.graph.running.operations import Operation
from app.settings import read_settings
from app.values.scope import Scope
from bench.data import FOLDER, Data, filled

CASES = Path(__file__).resolve().parents[1] / "tests" / "plan" / "cases"
QUERIES = Path(__file__).resolve().parent / "queries"
LARGE = 10_000
"""Rows."""
_SCAN = re.compile(r"Seq Scan on (\w+)")
_SIZES = (
    "SELECT relname, reltuples FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
)


def main() -> int:
    """Look at every case under every shape of scope."""
    with filled() as data:
        found = asyncio.run(_look(data))
    for line in found:
        print(line)
    print(f"{len(found)} large tables are read from end to end.")
    return 1 if found else 0


async def _look(data: Data) -> list[str]:
    db = await connect(data.url, readers=1, writers=1)
    try:
        async with db.reader.connection() as connection:
            large = {row["relname"] for row in await connection.fetch(_SIZES) if row["reltuples"] > LARGE}
        found: list[str] = []
        cases = _cases(data)
        for name, operation in cases.items():
            for scope in await _scopes(db, data.groups[0].id):
                scanned = set(_SCAN.findall(await _explained(db, operation, scope)))
                found += [f"{name} ({scope.shape or 'group'}): {table}" for table in scanned & large]
        print(f"{len(cases)} documents looked at; large tables: {', '.join(sorted(large))}.")
        return found
    finally:
        await db.close()


async def _scopes(db: Database, group_id: int) -> list[Scope]:
    async with db.transaction(Scope(group_id)) as tx:
        store = await tx.fetchval("SELECT min(id) FROM store")
        project = await tx.fetchval("SELECT min(id) FROM project")
    return [Scope(group_id), Scope(group_id, store_id=store), Scope(group_id, project_ids=(project,))]


def _cases(data: Data) -> dict[str, Operation]:
    cases: dict[str, Operation] = {}
    for file in sorted(CASES.glob("*/query.graphql")) + sorted(QUERIES.glob("*.graphql")):
        given = file.with_name("variables.json")
        own = {"id": f"camp_{data.groups[0].details[0]}"}
        variables = json.loads(given.read_text()) if given.exists() else own
        cases[f"{file.parent.name}/{file.name}"] = Operation(file.read_text(), variables)
    return cases


async def _explained(db: Database, operation: Operation, scope: Scope) -> str:
    settings = read_settings({"DATA_DIR": str(FOLDER)})
    principal = Principal("scans", scope, frozenset({Role.READ}))
    context = Context(Services(settings, db, AssetStorage(settings)), principal)
    told = explain(operation, context)
    assert told.statement is not None, told.reason
    assert told.bindings is not None
    return await db.explain(told.sql, told.statement.values(told.bindings))


if __name__ == "__main__":
    sys.exit(main())
