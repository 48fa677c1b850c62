"""A request that names a project sees that project alone; a foreign one looks like one that is not there."""

from datetime import UTC, datetime, timedelta

import pytest

from app.auth.principal import CLAIMABLE, Principal, Role
from app.auth.projects import LIFE, Projects
from app.db.database import Database
from app.errors import NotFound
from app.values.scope import Scope
from tests.given import groups, projects

NOW = datetime(2025, 6, 15, 12, tzinfo=UTC)


def asking(scope: Scope) -> Principal:
    """Somebody with this scope."""
    return Principal("user:1", scope, frozenset({Role.MARKETING}))


async def test_a_principal_is_narrowed_and_keeps_the_rest(db: Database) -> None:
    group = await groups.group(db)
    project_id = await projects.tracking(db, group.group_id, slug="shop-one")
    who = asking(Scope(group.group_id, store_id=group.store_id))
    narrowed = await Projects(db).inside(who, "shop-one", now=NOW)
    assert narrowed.scope == Scope(group.group_id, store_id=group.store_id, project_ids=(project_id,))
    assert (narrowed.name, narrowed.roles) == (who.name, who.roles)


async def test_a_foreign_project_is_as_good_as_none(db: Database) -> None:
    group, other = await groups.group(db), await groups.group(db)
    store = await groups.store(db, group.group_id)
    mine = await projects.tracking(db, group.group_id, slug="mine", store_id=store.store_id)
    await projects.tracking(db, other.group_id, slug="theirs")
    doors = Projects(db)
    refused = [
        (Scope(group.group_id), "theirs"),
        (Scope(group.group_id), "nobodys"),
        (Scope(group.group_id, project_ids=(mine + 1,)), "mine"),
        (Scope(group.group_id, project_ids=()), "mine"),
        (Scope(group.group_id, store_id=group.store_id), "mine"),
    ]
    for scope, slug in refused:
        with pytest.raises(NotFound, match=f"There is no project {slug} here."):
            await doors.inside(asking(scope), slug, now=NOW)
    assert (await doors.inside(asking(Scope(group.group_id)), "mine", now=NOW)).scope.project_ids == (mine,)


async def test_a_tracker_needs_no_credential_but_a_known_project(db: Database) -> None:
    group = await groups.group(db)
    project_id = await projects.tracking(db, group.group_id, slug="open")
    doors = Projects(db)
    assert await doors.tracker("open", now=NOW) == Principal(
        "tracker:open", Scope(group.group_id, project_ids=(project_id,)), frozenset({Role.TRACKER}), "tracker"
    )
    with pytest.raises(NotFound, match="no project closed here"):
        await doors.tracker("closed", now=NOW)
    # Somebody makes it a moment later.
    await projects.tracking(db, group.group_id, slug="closed")
    with pytest.raises(NotFound):
        await doors.tracker("closed", now=NOW)
    assert await doors.tracker("closed", now=NOW + LIFE + timedelta(seconds=1))


def test_nobody_can_claim_to_be_a_tracker() -> None:
    assert not {Role.TRACKER, Role.WEBHOOK} & CLAIMABLE
