"""An import is watched until it is over."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.domain.assets.storage import AssetStorage
from app.importing.queued import Imports
from tests.importing.test_over_http import slowly
from tests.live.conftest import served_with, settings_of

START = (
    "mutation ($input: ImportStartInput!) { importStart(input: $input) { import { id } errors { message } } }"
)
WATCH = """
subscription ($id: ID!) {
  importProgress(id: $id) { state done rows refused total made changed same lost failure { message } }
}
"""


@pytest.mark.parametrize("planner", ["1", "0"])
async def test_progress_is_told_until_it_is_over(
    database_url: str, db: Database, tmp_path: Path, planner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    settings = settings_of(database_url, tmp_path, PLANNER=planner)
    async with served_with(settings, db) as served:
        token = Tokens(settings).mint(
            subject="admin", group_id=served.given.group_id, roles=[Role.TENANT_ADMIN],
            now=datetime.now(UTC), life_s=3600,
        )  # fmt: skip
        lines = "".join(f"{n},s{n}@example.org\n" for n in range(20_000))
        form = {
            "operations": json.dumps(
                {"query": START, "variables": {"input": {"what": "customers", "file": None}}}
            ),
            "map": json.dumps({"0": ["variables.input.file"]}),
        }
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{served.port}", timeout=20) as http:
            answer = await http.post(
                "/graphql", data=form, files={"0": ("k.csv", f"external_id,email\n{lines}x,y\n")},
                headers={"Authorization": f"Bearer {token}", "GraphQL-Require-Preflight": "1"},
            )  # fmt: skip
        started = answer.json()["data"]["importStart"]
        assert started["errors"] == [], answer.text
        stop = asyncio.Event()
        async with served.welcome(Authorization=f"Bearer {token}") as socket, asyncio.timeout(90):
            await socket.ask("a", WATCH, id=started["import"]["id"])
            told = [(await socket.hear())["payload"]["data"]["importProgress"]]
            working = asyncio.create_task(
                Imports(db, AssetStorage(settings), settings, look_s=0.05).run(stop)
            )
            while not told[-1]["done"]:
                told.append((await socket.hear(within_s=30))["payload"]["data"]["importProgress"])
        stop.set()
        await working
        # Whoever may not read it watches nothing.
        async with served.welcome() as socket:
            await socket.ask("a", WATCH, id=started["import"]["id"])
            assert (await socket.hear())["type"] == "error"
    first, last = told[0], told[-1]
    assert (first["state"], first["total"], first["rows"]) == ("QUEUED", None, 0)
    assert last == {
        "state": "DONE", "done": True, "rows": 20_001, "refused": 1, "total": 20_001, "made": 20_000, "changed": 0,
        "same": 0, "lost": 0, "failure": None,
    }  # fmt: skip
    rows = [one["rows"] for one in told]
    assert rows == sorted(rows)
    assert any(0 < one < 20_001 for one in rows)
