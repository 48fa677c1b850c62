"""The same people brought by two requests at once; and both executions tell the same of what was decided."""

import asyncio
import random
from pathlib import Path

from app.db.database import Database
from app.domain.identities.identifying import Person, find, load_projects
from app.settings import read_settings
from tests.given import custom_ads
from tests.given.asking import NOW, Asker
from tests.people.memory import who_is_who

SAID: list[tuple[str | None, dict[str, str]]] = [
    ("t", {"email": "eva@example.org"}), ("t", {"email": "tom@example.org"}), ("own", {"email": "tom@example.org"}),
    ("t", {}), ("own", {}), (None, {"phone": "+33612345959", "email": "eva@example.org"}),
    ("new", {"phone": "+33612345959"}),
]  # fmt: skip


async def test_two_requests_that_bring_the_same_people(db: Database, tmp_path: Path) -> None:
    site = await custom_ads.site(db)

    async def one(seed: int) -> None:
        said = random.Random(seed).sample(SAID, len(SAID))
        for at in range(0, len(said), 3):
            people = [Person(site.project_id, tracker, values) for tracker, values in said[at : at + 3]]
            async with db.transaction(site.scope) as tx:
                await find(tx, people, projects=await load_projects(tx, [site.project_id]), now=NOW)

    await asyncio.gather(*(one(seed) for seed in range(4)))
    people = [Person(site.project_id, tracker, values) for tracker, values in SAID]
    async with db.transaction(site.scope) as tx:
        found = await find(tx, people, projects=await load_projects(tx, [site.project_id]), now=NOW)
    by: dict[int, set[int]] = {}
    for number, whose in enumerate(found):
        assert whose is not None
        by.setdefault(whose.customer_id, set()).add(number)
    expected = who_is_who(list(enumerate(Person(2, tracker, values) for tracker, values in SAID)))
    assert {frozenset(numbers) for numbers in by.values()} == expected
    query = """{
      customerMerges { totalCount nodes { id reason actor createdAt undoneAt undoneBy fromCustomer { id }
        into { id } } }
      doubtfulMerges { totalCount nodes { id reason message kind value createdAt customer { id } other { id } } }
      customers { nodes { id merges { nodes { id } } mergedInto { nodes { id } } doubts { nodes { id reason } }
        identities { kind value isShared isPinned } } }
    }"""
    planned, resolved = await Asker(db, read_settings({"DATA_DIR": str(tmp_path)})).both(site.scope, query)
    assert (planned.execution, resolved.execution) == ("planned", "resolved")
    assert planned.data is not None
    assert planned.data == resolved.data
