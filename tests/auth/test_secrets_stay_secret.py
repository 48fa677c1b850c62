"""No secret is ever printed: not in a repr, not in a log line, not in an exception or its traceback."""

import asyncio
import logging
import traceback
from typing import Any

import pytest

from app.auth.clients import create_client
from app.auth.credentials import Authenticator
from app.auth.keys import create_api_key
from app.auth.lookup import Credential
from app.auth.oauth import issue_token
from app.auth.principal import Role
from app.db.database import Database
from app.errors import Failure
from app.settings import Settings
from tests.auth.conftest import JWT_SECRET, NOW
from tests.given import groups


async def test_new_credentials_do_not_show_their_secret(db: Database) -> None:
    a = await groups.group(db)
    key = await create_api_key(db, group_id=a.group_id, name="k", now=NOW)
    client = await create_client(db, group_id=a.group_id, name="c", roles=[Role.MARKETING], now=NOW)
    assert key.secret not in f"{key!r} {key}"
    assert client.secret not in f"{client!r} {client}"


async def test_what_was_sent_is_in_no_repr_log_or_exception(
    db: Database, authenticator: Authenticator, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    a = await groups.group(db)
    key = (await create_api_key(db, group_id=a.group_id, name="k", now=NOW)).secret
    token = authenticator.tokens.mint(subject="1", group_id=a.group_id, roles=[], now=NOW)
    wrong, beacon, cut = "cgk_wrong-and-secret", "beacon-and-secret", token[:-5]
    secrets = [key, token, wrong, beacon, cut, JWT_SECRET]
    seen = [repr(Credential(key, beacon, token, "7")), repr(authenticator), repr(vars(authenticator))]
    seen += [repr(authenticator.tokens)]
    with caplog.at_level(logging.DEBUG):
        tried: list[dict[str, Any]] = [
            {"api_key": wrong}, {"api_key": key, "beacon_key": beacon}, {"bearer": cut}, {"api_key": key},
            {"bearer": token, "beacon_key": beacon}, {"bearer": token}, {"bearer": token, "api_key": wrong},
        ]  # fmt: skip
        for sent in tried:
            flight = asyncio.create_task(authenticator.authenticate(now=NOW, **sent))
            await asyncio.sleep(0)
            seen += [repr(task) for task in asyncio.all_tasks()] + [repr(vars(authenticator))]
            try:
                seen.append(repr(await flight))
            except Failure as failure:
                seen += ["".join(traceback.format_exception(failure)), repr(failure), repr(vars(failure))]
        await issue_token(
            db,
            authenticator.tokens,
            fields=[("grant_type", "client_credentials"), ("client_id", "c"), ("client_secret", wrong)],
            authorization=None,
            now=NOW,
        )
    everything = "\n".join([*seen, caplog.text])
    assert [secret for secret in secrets if secret in everything] == []
