"""Which bearer tokens hold, and what they open."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest

from app.auth.credentials import Authenticator, read_bearer
from app.auth.keys import create_api_key
from app.auth.principal import Role
from app.auth.tokens import OWN_ISSUER, Tokens
from app.db.database import Database
from app.errors import Forbidden, Unauthorized
from app.settings import Settings
from app.values.scope import Scope
from tests.auth.conftest import JWT_SECRET, NOW
from tests.given import groups

SECONDS = int(NOW.timestamp())


def signed(payload: dict[str, Any], *, secret: str = JWT_SECRET, algorithm: str = "HS256") -> str:
    """A token as an outside program would make it."""
    return jwt.encode({"exp": SECONDS + 600, **payload}, secret, algorithm=algorithm)


def unsigned(header: dict[str, Any], payload: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, payload)
    ]
    return ".".join([*parts, ""])


async def test_a_token_of_our_own_opens_its_group(db: Database, authenticator: Authenticator) -> None:
    a = await groups.group(db)
    token = authenticator.tokens.mint(
        subject="42", group_id=a.group_id, roles=[Role.MARKETING, Role.TENANT_ADMIN], now=NOW
    )
    principal = await authenticator.authenticate(bearer=token, now=NOW)
    assert principal.scope == Scope(a.group_id)
    assert principal.roles == {Role.MARKETING, Role.TENANT_ADMIN}
    assert (principal.kind, principal.name) == ("token", "user:42")


@pytest.mark.parametrize("claim", [lambda g: g, str, lambda g: f"group_{g}"])
@pytest.mark.parametrize(
    "roles", [["marketing", "astronaut", 7, None], "marketing astronaut", "marketing,astronaut"]
)
async def test_groups_and_roles_are_read_in_the_forms_issuers_write_them(
    db: Database, authenticator: Authenticator, claim: Callable[[int], object], roles: object
) -> None:
    a = await groups.group(db)
    token = signed({"group": claim(a.group_id), "roles": roles})
    principal = await authenticator.authenticate(bearer=token, now=NOW)
    assert principal.scope.group_id == a.group_id
    assert principal.roles == {Role.MARKETING}


async def test_a_token_without_a_usable_role_is_still_somebody(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    for roles in ([], ["astronaut"], None, {"marketing": True}, 7):
        principal = await authenticator.authenticate(
            bearer=signed({"group": a.group_id, "roles": roles, "sub": str(roles)}), now=NOW
        )
        assert principal.roles == frozenset()


def bad_tokens() -> dict[str, str]:
    good = {"group": 1, "roles": ["marketing"]}
    head, body, signature = signed(good).split(".")
    return {
        "empty": "",
        "words": "not a token",
        "two parts": f"{head}.{body}",
        "not ascii": "ключ.от.двери",
        "nul": "a\0.b.c",
        "too long": signed({**good, "padding": "x" * 9_000}),
        "deep header": base64.urlsafe_b64encode(b"[" * 5_000).decode() + ".e30.",
        "header is a list": base64.urlsafe_b64encode(b"[]").decode() + ".e30.",
        "other secret": signed(good, secret="another secret of more than thirty-two bytes"),
        "signature cut": f"{head}.{body}.{signature[:-4]}",
        "no signature": f"{head}.{body}.",
        "none": unsigned({"alg": "none", "typ": "JWT"}, {**good, "exp": SECONDS + 600}),
        "None": unsigned({"alg": "None"}, {**good, "exp": SECONDS + 600}),
        "no alg": unsigned({"typ": "JWT"}, {**good, "exp": SECONDS + 600}),
        "other family": signed(good, secret=JWT_SECRET * 2, algorithm="HS512"),
        "same secret, HS512": signed(good, secret=JWT_SECRET.ljust(64, "!"), algorithm="HS512"),
        "expired": signed({**good, "exp": SECONDS - 1}),
        "expires now": signed({**good, "exp": SECONDS}),
        "no expiry": jwt.encode(good, JWT_SECRET),
        "expiry is text": signed({**good, "exp": str(SECONDS + 600)}),
        "expiry is true": signed({**good, "exp": True}),
        "expiry is null": signed({**good, "exp": None}),
        "expiry is infinite": signed({**good, "exp": float("inf")}),
        "not yet": signed({**good, "nbf": SECONDS + 61}),
        "issued in the future": signed({**good, "iat": SECONDS + 3_600}),
    }


@pytest.mark.parametrize("kind", list(bad_tokens()))
async def test_a_token_that_does_not_hold_is_unauthorized(authenticator: Authenticator, kind: str) -> None:
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        await authenticator.authenticate(bearer=bad_tokens()[kind], now=NOW)


async def test_a_token_expires_to_the_instant_although_it_is_remembered(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    token = signed({"group": a.group_id, "exp": SECONDS + 2})
    await authenticator.authenticate(bearer=token, now=NOW + timedelta(seconds=1.5))
    with pytest.raises(Unauthorized):
        await authenticator.authenticate(bearer=token, now=NOW + timedelta(seconds=2))


async def test_an_expiry_after_the_calendar_ends_is_simply_far_away(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    token = signed({"group": a.group_id, "exp": 10**18})
    assert (await authenticator.authenticate(bearer=token, now=NOW)).scope.group_id == a.group_id


async def test_issuer_and_audience_count_once_configured(
    db: Database, settings_of: Callable[..., Settings]
) -> None:
    a = await groups.group(db)
    settings = settings_of(JWT_ISSUER="https://login.example", JWT_AUDIENCE="campaigns")
    authenticator = Authenticator(settings, db)
    right = {"iss": "https://login.example", "aud": "campaigns", "group": a.group_id}
    for payload in (right, {**right, "aud": ["other", "campaigns"]}):
        await authenticator.authenticate(bearer=signed(payload), now=NOW)
    own = authenticator.tokens.mint(subject="1", group_id=a.group_id, roles=[], now=NOW)
    await authenticator.authenticate(bearer=own, now=NOW)
    wrongs: list[dict[str, Any]] = [
        {"iss": "https://evil.example"}, {"iss": None}, {"iss": ["https://login.example"]}, {"aud": "other"},
        {"aud": None}, {"aud": []}, {"aud": 7},
    ]  # fmt: skip
    for wrong in wrongs:
        payload = {name: value for name, value in {**right, **wrong}.items() if value is not None}
        # Made by hand, since the library refuses to encode an issuer that is no text.
        body = json.dumps({"exp": SECONDS + 600, **payload}).encode()
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(bearer=jwt.PyJWS().encode(body, JWT_SECRET), now=NOW)


async def test_without_a_configured_issuer_a_token_names_us_or_nobody(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    for right in ({}, {"iss": OWN_ISSUER}):
        principal = await authenticator.authenticate(bearer=signed({"group": a.group_id, **right}), now=NOW)
        assert principal.scope == Scope(a.group_id)
    wrongs: list[Any] = [
        "https://login.example", "", OWN_ISSUER.upper(), f"{OWN_ISSUER} ", [OWN_ISSUER], {}, 7, True, None,
    ]  # fmt: skip
    for wrong in wrongs:
        body = json.dumps({"exp": SECONDS + 600, "group": a.group_id, "iss": wrong}).encode()
        with pytest.raises(Unauthorized):
            await authenticator.authenticate(bearer=jwt.PyJWS().encode(body, JWT_SECRET), now=NOW)


async def test_claims_may_have_other_names(db: Database, settings_of: Callable[..., Settings]) -> None:
    a = await groups.group(db)
    settings = settings_of(JWT_GROUP_CLAIM="https://acme/tenant", JWT_ROLES_CLAIM="permissions")
    authenticator = Authenticator(settings, db)
    payload = {"https://acme/tenant": a.group_id, "permissions": ["manager"], "group": 999_999}
    principal = await authenticator.authenticate(bearer=signed(payload), now=NOW)
    assert (principal.scope.group_id, principal.roles) == (a.group_id, frozenset({Role.MANAGER}))


async def test_a_store_claim_narrows_and_must_be_the_groups_own(
    db: Database, authenticator: Authenticator
) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    for claim in (a.store_id, str(a.store_id), f"store_{a.store_id}"):
        token = signed({"group": a.group_id, "store": claim})
        assert (await authenticator.authenticate(bearer=token, now=NOW)).scope == Scope(
            a.group_id, a.store_id
        )
    foreign: list[Any] = [b.store_id, 999_999, "", 0, -1, True, 1.5, 2**63, [a.store_id], "group_1"]
    for wrong in foreign:
        token = signed({"group": a.group_id, "store": wrong})
        with pytest.raises(Forbidden):
            await authenticator.authenticate(bearer=token, now=NOW)


async def test_a_beacon_narrows_a_token_but_cannot_leave_its_store(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    second = await groups.store(db, a.group_id)
    wide, narrow = signed({"group": a.group_id}), signed({"group": a.group_id, "store": a.store_id})
    principal = await authenticator.authenticate(bearer=wide, beacon_key=second.beacon_key, now=NOW)
    assert principal.scope.store_id == second.store_id
    principal = await authenticator.authenticate(bearer=narrow, beacon_key=a.beacon_key, now=NOW)
    assert principal.scope.store_id == a.store_id
    with pytest.raises(Forbidden):
        await authenticator.authenticate(bearer=narrow, beacon_key=second.beacon_key, now=NOW)


async def test_projects_are_named_by_id_or_slug_and_must_be_the_groups_own(
    db: Database, authenticator: Authenticator
) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    one, two = await project(db, a.group_id, "first-shop"), await project(db, a.group_id, "second-shop")
    foreign = await project(db, b.group_id, "foreign-shop")

    async def projects(claim: object) -> tuple[int, ...] | None:
        token = signed({"group": a.group_id, "projects": claim})
        return (await authenticator.authenticate(bearer=token, now=NOW)).scope.project_ids

    assert await projects(None) is None
    assert await projects([]) == ()
    assert await projects([one, "second-shop"]) == (one, two)
    assert await projects([str(one), f"project_{one}", "first-shop"]) == (one,)
    assert await projects("first-shop second-shop") == (one, two)
    wrong: list[Any] = [
        [foreign], ["foreign-shop"], ["no-such-shop"], ["n\0ul"], [one, 999_999], [True], [None], [{}],
        {}, 7.5, [one] * 201,
    ]  # fmt: skip
    for claim in wrong:
        with pytest.raises(Forbidden):
            await projects(claim)


async def project(db: Database, group_id: int, slug: str) -> int:
    async with db.transaction(Scope(group_id)) as tx:
        made = await tx.fetchval(
            "INSERT INTO project (group_id, name, slug, is_internal) VALUES ($1, $2, $3, false) RETURNING id",
            group_id, slug, slug,
        )  # fmt: skip
        await tx.execute(
            "INSERT INTO project_slug (slug, group_id, project_id) VALUES ($1, $2, $3)", slug, group_id, made
        )
    return int(made)


async def test_a_token_of_no_group_or_of_an_unknown_one_may_nothing(
    db: Database, authenticator: Authenticator
) -> None:
    a = await groups.group(db)
    for payload in ({}, {"group": None}, {"roles": ["tenant_admin"]}):
        for named in (None, str(a.group_id)):
            with pytest.raises(Forbidden, match="names no group"):
                await authenticator.authenticate(bearer=signed(payload), group=named, now=NOW)
    wrong: list[Any] = [999_999, "nonsense", 0, True, {}, [a.group_id], 2**70]
    for claim in wrong:
        with pytest.raises(Forbidden):
            await authenticator.authenticate(bearer=signed({"group": claim}), now=NOW)


async def test_a_bound_token_stays_in_its_group_whatever_its_roles(
    db: Database, authenticator: Authenticator
) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    token = signed({"group": a.group_id, "roles": ["super_admin"]})
    principal = await authenticator.authenticate(bearer=token, group=f"group_{a.group_id}", now=NOW)
    assert principal.scope == Scope(a.group_id)
    for named in (str(b.group_id), "999999", "nonsense"):
        with pytest.raises(Forbidden, match=r"^This credential may not act in that group\.$"):
            await authenticator.authenticate(bearer=token, group=named, now=NOW)


@pytest.mark.parametrize("role", ["platform_admin", "system_admin", "super_admin"])
async def test_a_platform_role_enters_the_group_it_names_and_that_is_written_down(
    db: Database, authenticator: Authenticator, role: str
) -> None:
    a = await groups.group(db)
    token = signed({"sub": "root\n7", "roles": [role]})
    for seconds in (0, 4, 8):  # each past the memory of the one before
        principal = await authenticator.authenticate(
            bearer=token, group=str(a.group_id), now=NOW + timedelta(seconds=seconds)
        )
        assert principal.scope == Scope(a.group_id)
    async with db.transaction(a.scope) as tx:
        entries = await tx.fetch("SELECT actor, action, detail::text FROM audit_entry")
    assert [(e["actor"], e["action"], json.loads(e["detail"])) for e in entries] == [
        ("user:root?7", "enter_group", {"roles": [role]})
    ]


async def test_a_platform_role_must_name_a_group_that_exists(
    db: Database, authenticator: Authenticator
) -> None:
    token = signed({"roles": ["platform_admin"]})
    with pytest.raises(Forbidden, match="X-Group-Id"):
        await authenticator.authenticate(bearer=token, now=NOW)
    for named in ("999999", "nonsense", ""):
        with pytest.raises(Forbidden, match=r"^This credential may not act in that group\.$"):
            await authenticator.authenticate(bearer=token, group=named, now=NOW)


async def test_two_credentials_must_agree(db: Database, authenticator: Authenticator) -> None:
    a, b = await groups.group(db), await groups.group(db, name="B")
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    agreeing = signed({"group": a.group_id, "roles": ["manager"]})
    principal = await authenticator.authenticate(api_key=key, bearer=agreeing, now=NOW)
    assert (principal.scope, principal.roles) == (Scope(a.group_id), frozenset({Role.MANAGER}))
    for other in ({"group": b.group_id}, {"group": a.group_id, "store": a.store_id}):
        with pytest.raises(Unauthorized, match="send only one"):
            await authenticator.authenticate(api_key=key, bearer=signed(other), now=NOW)
    for wrong in ("", "cgk_wrong"):
        with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
            await authenticator.authenticate(api_key=wrong, bearer=agreeing, now=NOW)
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        await authenticator.authenticate(api_key=key, bearer="", now=NOW)


def test_a_short_secret_is_refused_with_the_cure(settings_of: Callable[..., Settings]) -> None:
    with pytest.raises(SystemExit, match="JWT_SECRET is too short: HS256 needs 32 bytes"):
        settings_of(JWT_SECRET="short")
    with pytest.raises(ValueError, match="JWT_SECRET is too short: HS256 needs 32 bytes"):
        Tokens(replace(settings_of(), jwt_secret="short"))


def test_minted_tokens_are_what_an_ordinary_library_reads(settings: Settings) -> None:
    token = Tokens(settings).mint(
        subject="7", group_id=3, roles=[Role.MANAGER], store_id=5, project_ids=[9], now=NOW, life_s=60
    )
    payload = jwt.decode(token, JWT_SECRET, algorithms=["HS256"], options={"verify_exp": False})
    assert payload.pop("jti")
    assert payload == {
        "iss": OWN_ISSUER, "sub": "7", "iat": SECONDS, "exp": SECONDS + 60, "roles": ["manager"], "group": 3,
        "store": 5, "projects": [9],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("BEARER abc", "abc"), ("Bearer", ""), (None, None),
        ("", None), ("Basic abc", None),
    ],
)  # fmt: skip
def test_the_bearer_header_is_read_as_specified(header: str | None, token: str | None) -> None:
    assert read_bearer(header) == token
