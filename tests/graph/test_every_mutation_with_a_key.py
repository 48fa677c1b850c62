"""Every mutation answers the same, to the byte, with an Idempotency-Key as without one, and a repeat changes nothing.

With a key an operation is one transaction, whatever transactions its parts make; without one each part has its own.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database
from app.domain.assets.storage import AssetStorage
from app.errors import Conflict
from app.graph.declaring.writing import shows_secret
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context, Services
from app.graph.running.entry import Answer, Operation, check_or_refuse, run
from app.graph.running.idempotency import run_once
from app.settings import read_settings
from tests.given import projects
from tests.given.asking import NOW
from tests.given.every_input import valued_in, values_of
from tests.given.everything import Everything, everything
from tests.graph.test_every_mutation_both_ways import MUTATIONS, Ways, asked, same

PER_MUTATION = 6
_NUMBERS = count()


@dataclass
class Keyed:
    """The same world three times: without keys, with keys, and with keys and the executor."""

    ours: Everything
    theirs: Everything
    without: Services
    called: Services
    executed: Services

    def context(self, services: Services) -> Context:
        """Of somebody who may do everything."""
        return Context(services, Principal("test", self.ours.scope, frozenset(Role)), request_id="r", now=NOW)


@pytest.fixture(scope="module")
async def keyed(
    server: EmbeddedServer, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Keyed]:
    """Filled once, then cloned."""
    filled = server.dsn("keyed_filled")
    await create_database(filled, template=template)
    db = await connect(filled, readers=1, writers=1)
    ours, theirs = await everything(db, "ours"), await everything(db, "theirs")
    await projects.tracking(db, ours.group_id, slug="shop")
    await db.close()
    services, opened = [], []
    for n, planner in enumerate((True, True, False)):
        folder: Path = tmp_path_factory.mktemp("data")
        url = server.dsn(f"keyed_{n}")
        await create_database(url, template="keyed_filled")
        opened.append(await connect(url, readers=2, writers=2))
        settings = replace(read_settings({"DATA_DIR": str(folder), "SECRET_KEY": "s" * 40}), planner=planner)
        services.append(Services(settings, opened[-1], AssetStorage(settings)))
    yield Keyed(ours, theirs, *services)
    for one in services:
        await one.close()
    for database in opened:
        await database.close()


async def once(keyed: Keyed, services: Services, checked: CheckedOperation, key: str) -> tuple[Answer, bool]:
    return await run_once(checked, keyed.context(services), key=key)


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_key_changes_no_answer(keyed: Keyed, name: str) -> None:
    argument = MUTATIONS[name].args["input"]
    kind = get_named_type(argument.type)
    assert isinstance(kind, GraphQLInputObjectType)
    given = list(values_of(kind, valued_in(keyed.ours), set()))
    ways = Ways(keyed.ours, keyed.theirs, keyed.without, keyed.executed)
    is_secret = shows_secret(MUTATIONS[name])
    for n in range(PER_MUTATION):
        query, variables = asked(ways, name, random.Random(f"{name} key {n}"), str(argument.type))
        operation = Operation(query, {**variables, "input": given[n % len(given)]})
        plain = check_or_refuse(operation, keyed.context(keyed.without))
        if isinstance(plain, Answer):
            continue
        first = await run(plain, keyed.context(keyed.without))
        key = f"key {next(_NUMBERS)}"
        for services in (keyed.called, keyed.executed):
            checked = check_or_refuse(operation, keyed.context(services))
            assert isinstance(checked, CheckedOperation)
            second, replayed = await once(keyed, services, checked, key)
            assert not replayed
            assert same(second.body) == same(first.body), (query, operation.variables)
            if first.errors:
                continue
            if is_secret:
                with pytest.raises(Conflict):
                    await once(keyed, services, checked, key)
                continue
            third, replayed = await once(keyed, services, checked, key)
            assert replayed
            assert third.body == second.body


async def test_rows_of_both_are_the_same_afterwards(keyed: Keyed) -> None:
    """However often repeats came."""
    counts: Callable[[Services], Awaitable[Any]] = _counts
    assert await counts(keyed.without) == await counts(keyed.called) == await counts(keyed.executed)


async def _counts(services: Services) -> dict[str, int]:
    found = {}
    async with services.db.directory() as connection:
        group_id = await connection.fetchval("SELECT min(id) FROM tenant")
        await connection.execute(f"SET LOCAL app.group_id = '{group_id}'")
        for (table,) in await connection.fetch(
            "SELECT relname FROM pg_stat_user_tables WHERE relname NOT IN ('idempotent_answer', 'audience_change')"
            " AND has_table_privilege(relid, 'SELECT') ORDER BY 1"
        ):
            found[table] = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return found
