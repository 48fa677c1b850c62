"""Whatever stands in the headers, the answer is a principal or a refusal in our words."""

import base64
import json
from typing import Any

import jwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.auth.credentials import Authenticator
from app.auth.principal import Principal
from app.db.database import Database
from app.errors import Failure
from tests.auth.conftest import JWT_SECRET, NOW

TEXT = st.text(st.characters(), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)
CLAIMS = st.fixed_dictionaries(
    {"exp": st.just(2**33) | JSON},
    optional={
        name: JSON for name in ("iss", "aud", "sub", "nbf", "iat", "group", "roles", "store", "projects")
    },
)
HEADER = st.fixed_dictionaries(
    {}, optional={name: JSON | st.sampled_from(["HS256", "none", "RS256"]) for name in ("alg", "kid", "crit")}
)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


SIGNED = CLAIMS.map(lambda claims: jwt.PyJWS().encode(json.dumps(claims).encode(), JWT_SECRET))
UNSIGNED = st.tuples(HEADER, CLAIMS).map(lambda parts: f"{_part(parts[0])}.{_part(parts[1])}.c2ln")

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


async def outcome(authenticator: Authenticator, **sent: Any) -> Principal | Failure:
    try:
        return await authenticator.authenticate(now=NOW, **sent)
    except Failure as failure:
        return failure


@MANY
@given(api_key=st.none() | TEXT, beacon_key=st.none() | TEXT, bearer=st.none() | TEXT, group=st.none() | TEXT)
async def test_text(
    authenticator: Authenticator,
    api_key: str | None,
    beacon_key: str | None,
    bearer: str | None,
    group: str | None,
) -> None:
    answer = await outcome(authenticator, api_key=api_key, beacon_key=beacon_key, bearer=bearer, group=group)
    assert isinstance(answer, Failure)


@MANY
@given(bearer=SIGNED | UNSIGNED, group=st.sampled_from([None, "1"]))
async def test_tokens_of_any_content(
    db: Database, authenticator: Authenticator, bearer: str, group: str | None
) -> None:
    answer = await outcome(authenticator, bearer=bearer, group=group)
    assert isinstance(answer, Failure)  # no group exists in this database
