"""What an API key opens: its group, narrowed by a beacon; never more."""

from datetime import timedelta
from typing import Any

import pytest

from app.auth.credentials import Authenticator
from app.auth.keys import create_api_key, revoke_api_key
from app.auth.principal import Role
from app.db.database import Database
from app.errors import Forbidden, Unauthorized
from app.values.scope import Scope
from tests.auth.conftest import NOW
from tests.given import groups


async def key_of(db: Database, group_id: int, **options: Any) -> str:
    made = await create_api_key(db, group_id=group_id, name="test", now=NOW, **options)
    return made.secret


async def test_a_key_opens_its_group(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    made = await create_api_key(db, group_id=a.group_id, name="till", now=NOW)
    principal = await authenticator.authenticate(api_key=made.secret, now=NOW)
    assert principal.scope == Scope(a.group_id)
    assert principal.roles == {Role.READ}
    assert principal.kind == "api_key"
    assert principal.name == f"key:{made.key.id}"


async def test_a_key_made_for_writing_may_write(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    secret = await key_of(db, a.group_id, access="write")
    principal = await authenticator.authenticate(api_key=secret, now=NOW)
    assert principal.roles == {Role.READ, Role.WRITE}


@pytest.mark.parametrize("sent", [None, "", "cgk_unknown", "x" * 10_000, "n\0ul", "\ud800", "ключ"])
async def test_a_missing_empty_or_unknown_key_opens_nothing(
    authenticator: Authenticator, sent: str | None
) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        await authenticator.authenticate(api_key=sent, now=NOW)


async def test_a_revoked_key_stops_working_within_five_seconds(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    made = await create_api_key(db, group_id=a.group_id, name="till", now=NOW)
    await authenticator.authenticate(api_key=made.secret, now=NOW)
    await revoke_api_key(db, key_id=made.key.id, group_id=a.group_id, now=NOW + timedelta(seconds=0.1))
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        await authenticator.authenticate(api_key=made.secret, now=NOW + timedelta(seconds=4.9))


async def test_a_key_expires_to_the_instant_although_it_is_remembered(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    secret = await key_of(db, a.group_id, expires_at=NOW + timedelta(seconds=2))
    await authenticator.authenticate(api_key=secret, now=NOW + timedelta(seconds=1))
    await authenticator.authenticate(api_key=secret, now=NOW + timedelta(seconds=1.999999))
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        await authenticator.authenticate(api_key=secret, now=NOW + timedelta(seconds=2))


async def test_a_beacon_narrows_to_its_store(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    second = await groups.store(db, a.group_id)
    secret = await key_of(db, a.group_id)
    principal = await authenticator.authenticate(api_key=secret, beacon_key=second.beacon_key, now=NOW)
    assert principal.scope == Scope(a.group_id, second.store_id)
    whole = await authenticator.authenticate(api_key=secret, now=NOW)
    assert whole.scope.store_id is None  # remembered apart from the narrowed one


async def test_a_foreign_or_unknown_beacon_never_widens(db: Database, authenticator: Authenticator) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    secret = await key_of(db, a.group_id)
    said = set()
    for beacon in (b.beacon_key, "no such beacon", "", "n\0ul", "\udcff", "x" * 5_000, a.beacon_key.upper()):
        with pytest.raises(Forbidden) as refused:
            await authenticator.authenticate(api_key=secret, beacon_key=beacon, now=NOW)
        said.add(refused.value.message)
    assert len(said) == 1  # a foreign beacon looks exactly like none


async def test_a_beacon_of_a_store_that_is_gone_is_unknown(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    gone = await groups.store(db, a.group_id)
    async with db.transaction(a.scope) as tx:
        await tx.execute("UPDATE store SET deleted_at = now() WHERE id = $1", gone.store_id)
    with pytest.raises(Forbidden):
        await authenticator.authenticate(
            api_key=await key_of(db, a.group_id), beacon_key=gone.beacon_key, now=NOW
        )


async def test_the_same_beacon_text_means_each_groups_own_store(
    db: Database, authenticator: Authenticator
) -> None:
    for name in ("A", "B"):
        given = await groups.group(db, name=name)
        mine = await groups.store(db, given.group_id, beacon_key="downtown")
        principal = await authenticator.authenticate(
            api_key=await key_of(db, given.group_id), beacon_key="downtown", now=NOW
        )
        assert principal.scope == Scope(given.group_id, mine.store_id)


async def test_a_key_of_several_groups_acts_in_its_own_or_in_the_one_named(
    db: Database, authenticator: Authenticator
) -> None:
    a, b, c = [await groups.group(db, name=name) for name in "ABC"]
    secret = await key_of(db, a.group_id, further_group_ids=[b.group_id])
    both = (a.group_id, b.group_id)

    async def scope(group: str | None, beacon: str | None = None) -> Scope:
        principal = await authenticator.authenticate(api_key=secret, group=group, beacon_key=beacon, now=NOW)
        return principal.scope

    assert await scope(None) == Scope(a.group_id, group_ids=both)
    assert await scope(str(b.group_id)) == Scope(b.group_id, group_ids=both)
    assert await scope(f"group_{b.group_id}") == Scope(b.group_id, group_ids=both)
    assert await scope(f"group_{b.group_id}", b.beacon_key) == Scope(b.group_id, b.store_id, group_ids=both)
    said = set()
    for named in (
        str(c.group_id),
        "999999",
        "",
        "nonsense",
        "0",
        "-1",
        "٣",
        str(2**64),
        f"store_{b.group_id}",
    ):
        with pytest.raises(Forbidden) as refused:
            await scope(named)
        said.add(refused.value.message)
    assert len(said) == 1  # whether a group exists is not told
    with pytest.raises(Forbidden):  # the store of a group that was not chosen
        await scope(f"group_{b.group_id}", a.beacon_key)
