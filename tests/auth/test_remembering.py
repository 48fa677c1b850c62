"""Principals are remembered for moments: cheap, bounded, and forgotten in time."""

import asyncio
import contextlib
import time
from datetime import timedelta

import pytest

from app.auth.credentials import BAD_SIZE, Authenticator, name_of_headers
from app.auth.keys import create_api_key, revoke_api_key
from app.db.database import Database
from app.errors import Forbidden, Unauthorized
from tests.auth.conftest import NOW, Visits
from tests.given import groups


async def secret_of(db: Database) -> str:
    a = await groups.group(db)
    return (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret


async def test_many_at_once_cost_one_look_up(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    secret = await secret_of(db)
    before = visits.count
    principals = await asyncio.gather(
        *(authenticator.authenticate(api_key=secret, now=NOW) for _ in range(100))
    )
    assert len({id(principal) for principal in principals}) == 1
    assert visits.count == before + 1


async def test_many_wrong_ones_at_once_cost_one_look_up(authenticator: Authenticator, visits: Visits) -> None:
    results = await asyncio.gather(
        *(authenticator.authenticate(api_key="cgk_wrong", now=NOW) for _ in range(100)),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {Unauthorized}
    assert len({id(result) for result in results}) == 100
    assert visits.count == 1


async def test_who_keeps_asking_never_waits_and_a_revocation_is_felt_all_the_same(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    a = await groups.group(db)
    key = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    headers, later = {b"x-api-key": key.secret.encode()}, NOW + timedelta(seconds=2.5)
    name = name_of_headers(headers)
    await authenticator.by_headers(headers, now=NOW)
    before = visits.count
    # Found out again meanwhile, once however many ask; whoever has no headers at hand sends the first one there.
    assert authenticator.recall_by(name, now=later) is None
    assert all([authenticator.recall(headers, now=later) for _ in range(10)])
    assert authenticator.recall_by(name, now=later) is not None
    await asyncio.sleep(0.2)
    assert visits.count == before + 1
    assert authenticator.recall_by(name, now=NOW + timedelta(seconds=4)) is not None
    await revoke_api_key(db, key_id=key.key.id, group_id=None, now=NOW)
    assert authenticator.recall(headers, now=NOW + timedelta(seconds=5)) is not None
    await asyncio.sleep(0.2)
    assert authenticator.recall(headers, now=NOW + timedelta(seconds=5)) is None


async def test_a_refusal_is_repeated_for_a_second_only(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    secret = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    with pytest.raises(Forbidden):
        await authenticator.authenticate(api_key=secret, beacon_key="soon", now=NOW)
    opened = await groups.store(db, a.group_id, beacon_key="soon")
    with pytest.raises(Forbidden):
        await authenticator.authenticate(api_key=secret, beacon_key="soon", now=NOW + timedelta(seconds=0.9))
    principal = await authenticator.authenticate(
        api_key=secret, beacon_key="soon", now=NOW + timedelta(seconds=1)
    )
    assert principal.scope.store_id == opened.store_id


async def test_a_remembered_credential_costs_microseconds(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    token = authenticator.tokens.mint(
        subject="1", group_id=(await groups.group(db)).group_id, roles=[], now=NOW
    )
    await authenticator.authenticate(bearer=token, now=NOW)
    before, rounds = visits.count, 2_000
    best = 1.0
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(rounds):
            await authenticator.authenticate(bearer=token, now=NOW)
        best = min(best, (time.perf_counter() - started) / rounds)
    assert visits.count == before
    assert best < 50e-6  # about 4 on a quiet machine


async def test_the_first_to_ask_may_leave_without_taking_the_others_along(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    secret = await secret_of(db)
    before = visits.count
    first = asyncio.create_task(authenticator.authenticate(api_key=secret, now=NOW))
    second = asyncio.create_task(authenticator.authenticate(api_key=secret, now=NOW))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await first
    assert (await second).kind == "api_key"
    assert first.cancelled()
    assert visits.count == before + 1


async def test_who_joins_a_look_up_after_the_expiry_is_refused(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    end = NOW + timedelta(seconds=1)
    secret = (await create_api_key(db, group_id=a.group_id, name="k", expires_at=end, now=NOW)).secret
    early, late = await asyncio.gather(
        authenticator.authenticate(api_key=secret, now=NOW),
        authenticator.authenticate(api_key=secret, now=end),
        return_exceptions=True,
    )
    assert not isinstance(early, BaseException)
    assert isinstance(late, Unauthorized)


async def test_a_flood_of_wrong_keys_does_not_push_out_the_good_ones(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    secret = await secret_of(db)
    await authenticator.authenticate(api_key=secret, now=NOW)
    for n in range(BAD_SIZE // 10):
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(api_key=f"wrong {n}", now=NOW)
    before = visits.count
    await authenticator.authenticate(api_key=secret, now=NOW)
    assert visits.count == before


async def test_a_clock_set_back_does_not_keep_a_revoked_key_alive(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    made = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    await authenticator.authenticate(api_key=made.secret, now=NOW)
    await revoke_api_key(db, key_id=made.key.id, group_id=a.group_id, now=NOW)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(api_key=made.secret, now=NOW - timedelta(hours=1))


async def test_headers_are_recalled_for_as_long_as_their_credential_is_good(
    db: Database, authenticator: Authenticator, visits: Visits
) -> None:
    secret = await secret_of(db)
    headers = {b"x-api-key": secret.encode(), b"host": b"here"}
    assert authenticator.recall(headers, now=NOW) is None
    principal = await authenticator.by_headers(headers, now=NOW)
    before = visits.count
    assert authenticator.recall({**headers, b"host": b"there"}, now=NOW + timedelta(seconds=2)) is principal
    assert authenticator.recall(headers, now=NOW + timedelta(seconds=3)) is None
    assert authenticator.recall({**headers, b"x-group-id": b"1"}, now=NOW) is None
    assert authenticator.recall({b"authorization": secret.encode()}, now=NOW) is None
    assert visits.count == before


async def test_headers_without_a_credential_are_nobody(authenticator: Authenticator) -> None:
    headers: dict[bytes, bytes]
    for headers in ({}, {b"x-beacon-key": b"b"}, {b"authorization": b"Basic eDp5"}):
        assert authenticator.recall(headers, now=NOW) is None
        with pytest.raises(Unauthorized):
            await authenticator.by_headers(headers, now=NOW)
