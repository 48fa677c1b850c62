"""A place that many refused credentials come from is slowed down; those who share it are not locked out."""

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.auth.credentials import GOOD_LIFE, Authenticator
from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.refusals import A_MINUTE, AGAIN_PER_SECOND, MAX_PLACES, TOO_MANY_REFUSALS, Refusals, place_of
from app.db.database import Database
from app.errors import Forbidden, Unauthorized, Unavailable
from app.main import running
from app.serving.journal import Journal
from app.settings import read_settings
from tests.auth.conftest import NOW
from tests.given import groups, projects

THERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (THERE, THERE),
        (f"::ffff:{THERE}", THERE),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        # This machine, or nobody knows.
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("", ""),
        ("unix", ""),
    ],
)
def test_places(address: str, place: str) -> None:
    assert place_of(address) == place


def test_a_place_may_be_refused_so_often_a_minute() -> None:
    refusals = Refusals()
    for _ in range(A_MINUTE):
        assert refusals.wait_s(THERE, now=NOW) == 0
        refusals.count(THERE, now=NOW)
    assert refusals.wait_s(THERE, now=NOW) == 2
    assert refusals.wait_s(ELSEWHERE, now=NOW) == 0
    assert refusals.wait_s(THERE, now=NOW + timedelta(seconds=2)) == 0
    assert refusals.wait_s(THERE, now=NOW - timedelta(days=1)) == 2  # A clock that went back gives nothing.
    for n in range(MAX_PLACES + 10):
        refusals.count(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", now=NOW)
    assert len(refusals._buckets) == MAX_PLACES


async def test_the_wrong_are_slowed_and_the_right_are_not(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    keys = [(await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret for _ in range(2)]
    await authenticator.authenticate(api_key=keys[0], now=NOW, address=THERE)
    for n in range(A_MINUTE):
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(api_key=f"wrong {n}", now=NOW, address=THERE)
    taken = db.writer.taken
    for n in range(50):
        with pytest.raises(Unavailable) as slowed:
            await authenticator.authenticate(api_key=f"wrong again {n}", now=NOW, address=THERE)
        assert (slowed.value.reason, slowed.value.retry_after_s) == (TOO_MANY_REFUSALS, 2)
    assert db.writer.taken == taken, "nothing is looked up"
    # Who is known there, also after a while, and everybody elsewhere.
    later = NOW + GOOD_LIFE * 2
    for _ in range(5):
        with pytest.raises((Unauthorized, Unavailable)):
            await authenticator.authenticate(api_key="wrong", now=later, address=THERE)
    await authenticator.authenticate(api_key=keys[0], now=later, address=THERE)
    await authenticator.authenticate(api_key=keys[1], now=later, address=ELSEWHERE)
    # A new one there waits its turn.
    await authenticator.authenticate(api_key=keys[1], now=later + timedelta(seconds=2), address=THERE)


async def flood(authenticator: Authenticator, now: datetime, *, count: int = A_MINUTE + 20) -> None:
    """Somebody guesses at the same address."""
    for n in range(count):
        with pytest.raises((Unauthorized, Unavailable)):
            await authenticator.authenticate(api_key=f"guess {now} {n}", now=now, address=THERE)


async def test_a_token_whose_signature_holds_is_not_slowed(
    db: Database, authenticator: Authenticator, settings_of: Any
) -> None:
    a = await groups.group(db)
    await flood(authenticator, NOW)
    fresh = authenticator.tokens.mint(subject="7", group_id=a.group_id, roles={Role.MARKETING}, now=NOW)
    await authenticator.authenticate(bearer=fresh, now=NOW, address=THERE)
    await authenticator.authenticate(bearer=fresh, beacon_key=a.beacon_key, now=NOW, address=THERE)
    ended = authenticator.tokens.mint(
        subject="7", group_id=a.group_id, roles={Role.MARKETING}, now=NOW - timedelta(days=1)
    )
    others = Authenticator(settings_of(JWT_SECRET="x" * 40), db).tokens
    forged = others.mint(subject="7", group_id=a.group_id, roles={Role.MARKETING}, now=NOW)
    # A token that holds vouches for no key beside it.
    guesses: list[dict[str, Any]] = [
        {"bearer": ended},
        {"bearer": forged},
        {"bearer": fresh, "api_key": "guess"},
    ]
    for sent in guesses:
        with pytest.raises(Unavailable):
            await authenticator.authenticate(**sent, now=NOW, address=THERE)


async def test_a_key_that_held_is_known_whatever_is_sent_beside_it(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    await authenticator.authenticate(api_key=key, now=NOW, address=THERE)
    await flood(authenticator, NOW)
    await authenticator.authenticate(api_key=key, beacon_key=a.beacon_key, now=NOW, address=THERE)
    await authenticator.authenticate(api_key=key, group=str(a.group_id), now=NOW, address=THERE)


async def test_a_wrong_group_of_a_right_credential_is_no_guess(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    token = authenticator.tokens.mint(subject="7", group_id=a.group_id, roles={Role.MARKETING}, now=NOW)
    for n in range(2 * A_MINUTE):
        sent: dict[str, Any] = {"api_key": key} if n % 2 else {"bearer": token}
        with pytest.raises(Forbidden):
            await authenticator.authenticate(**sent, group=str(10**9 + n), now=NOW, address=THERE)
    assert authenticator.refusals.wait_s(THERE, now=NOW) == 0
    await flood(authenticator, NOW)
    await authenticator.authenticate(api_key=key, now=NOW, address=THERE)


async def test_an_honest_newcomer_among_guesses_gets_in_when_it_comes_again(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    await flood(authenticator, NOW)
    with pytest.raises(Unavailable) as slowed:
        await authenticator.authenticate(api_key=key, now=NOW, address=THERE)
    then = NOW + timedelta(seconds=slowed.value.retry_after_s or 0)
    await flood(authenticator, then)
    await authenticator.authenticate(api_key=key, now=then, address=THERE)


async def test_guesses_that_come_again_are_looked_up_in_a_trickle(
    db: Database, authenticator: Authenticator
) -> None:
    await flood(authenticator, NOW)
    for n in range(100):
        with pytest.raises(Unavailable):
            await authenticator.authenticate(api_key=f"twice {n}", now=NOW, address=THERE)
    then = NOW + timedelta(seconds=2)
    await flood(authenticator, then)
    taken = db.writer.taken
    for n in range(100):
        with pytest.raises((Unauthorized, Unavailable)):
            await authenticator.authenticate(api_key=f"twice {n}", now=then, address=THERE)
    assert db.writer.taken - taken == AGAIN_PER_SECOND


@pytest.fixture
async def served(database_url: str, db: Database, tmp_path: Any) -> AsyncIterator[Any]:
    """A gateway, its log, and clients of it at any address."""
    settings = read_settings({"DATA_DIR": str(tmp_path), "DATABASE_URL": database_url, "WORKER_INLINE": "0"})
    log = io.BytesIO()
    journal = Journal(log)
    async with running(settings, journal=journal) as app:

        def client(address: str) -> httpx.AsyncClient:
            transport = httpx.ASGITransport(app, client=(address, 4711))
            return httpx.AsyncClient(transport=transport, base_url="http://gateway.test")

        def lines() -> list[dict[str, Any]]:
            journal.flush()
            return [json.loads(line) for line in log.getvalue().splitlines()]

        yield client, lines


async def test_who_needs_no_credential_slows_nobody_with_one_that_does_not_hold(
    served: Any, db: Database
) -> None:
    client, _ = served
    a = await groups.group(db)
    await projects.tracking(db, a.group_id, slug="patient-shop")
    event = {"projectId": "patient-shop", "eventType": "order", "trackerId": "t", "data": {}}
    async with client(THERE) as http:
        for n in range(A_MINUTE + 5):
            headers = {"Authorization": f"Bearer ended-{n}"}
            assert (await http.post("/api/v1/events", json=event, headers=headers)).status_code in (200, 400)
        refused = await http.get("/campaigns", headers={"Authorization": "Bearer x"})
        assert refused.status_code == 401
        for n in range(A_MINUTE + 5):
            await http.get("/campaigns", headers={"Authorization": f"Bearer wrong-{n}"})
        # And from a place that is slowed down, events come in as ever.
        headers = {"Authorization": "Bearer ended"}
        assert (await http.post("/api/v1/events", json=event, headers=headers)).status_code in (200, 400)


async def test_every_surface_says_429_and_the_log_says_where(served: Any, db: Database) -> None:
    client, lines = served
    a = await groups.group(db)
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=datetime.now(UTC))).secret
    async with client(THERE) as http:
        for n in range(A_MINUTE):
            refused = await http.post(
                "/graphql", json={"query": "{ viewer { name } }"}, headers={"X-API-KEY": f"w{n}"}
            )
            assert refused.status_code == 401
        calls = [
            ("POST", "/graphql", {"X-API-KEY": "x"}),
            ("GET", "/api/campaigns", {"X-API-KEY": "x"}),
            ("GET", "/api/v1/marketing/campaigns", {"Authorization": "Bearer x"}),
            ("GET", "/campaigns", {"Authorization": "Bearer x"}),
            ("GET", "/preview/marketing-solutions/campaigns/1", {"Authorization": "Bearer x"}),
            ("GET", "/api/v1/projects/some-shop/event-types", {"Authorization": "Bearer x"}),
        ]
        for method, path, headers in calls:
            slowed = await http.request(method, path, headers=headers)
            assert (slowed.status_code, int(slowed.headers["retry-after"]) > 0) == (429, True), path
        form = {"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}
        for path in ("/oauth2/token", "/oauth2/revoke"):
            slowed = await http.post(path, data=form)
            assert slowed.status_code == 429
    async with client(ELSEWHERE) as http:
        query = {"query": "{ apiKeys { totalCount } }"}
        answered = await http.post("/graphql", json=query, headers={"X-API-KEY": key})
        assert answered.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
        assert (
            await http.post("/graphql", json={"query": "{ viewer { name } }"}, headers={"X-API-KEY": key})
        ).json()["data"]
    noted = lines()
    assert {line["status"] for line in noted if line.get("address") == THERE} == {401, 429}
    assert [line["status"] for line in noted if line.get("address") == ELSEWHERE] == [200]
    # Of those who are answered none is kept.
    assert "address" not in noted[-1]
    # Behind a proxy that is believed it is the client's.
    async with client("127.0.0.1") as http:
        await http.get("/api/campaigns", headers={"X-API-KEY": "x", "X-Forwarded-For": "192.0.2.55"})
    assert lines()[-1]["address"] == "192.0.2.55"
