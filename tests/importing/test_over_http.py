"""Importing over HTTP: a file is sent, waits, is imported in the background, and what came of it can be asked for."""

import asyncio
import gzip
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from app.auth.principal import Role
from app.auth.tokens import Tokens
from app.db.database import Database
from app.domain.assets.operations import sweep
from app.domain.assets.storage import AssetStorage
from app.domain.imports import operations
from app.domain.imports.files import KEPT_FOR
from app.importing.queued import Imports, _Work
from app.main import running as gateway_running
from app.serving.bodies import MAX_FILE
from app.serving.journal import Journal
from app.settings import Settings, read_settings
from app.worker.import_files import ImportFiles
from tests.given import groups
from tests.given.groups import GivenGroup

START = """
mutation ($input: ImportStartInput!) {
  importStart(input: $input) { import { id state fileName total } errors { code message path } }
}
"""
ASK = """
query ($id: ID!) {
  import(id: $id) {
    state done rows refused total made changed same lost report failure { code message } refusedUrl reasonsUrl dryRun
    cancelAt
  }
}
"""
CANCEL = """
mutation ($input: ImportCancelInput!) {
  importCancel(input: $input) { import { state done } errors { code message path } }
}
"""
CUSTOMERS = b"external_id,name,email\n1,Ada,ada@example.org\n2,Ben,ben@example.org\n"


@dataclass
class Sender:
    """Somebody of a group, and how they ask."""

    given: GivenGroup
    http: httpx.AsyncClient
    token: str

    async def ask(self, query: str, **variables: Any) -> Any:
        answer = await self.http.post(
            "/graphql", json={"query": query, "variables": variables}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def post(self, name: str, content: bytes, what: str = "customers", **told: Any) -> httpx.Response:
        """The multipart request, as curl sends it."""
        variables = {"input": {"what": what, "file": None, **told}}
        return await self.http.post(
            "/graphql",
            data={
                "operations": json.dumps({"query": START, "variables": variables}),
                "map": json.dumps({"0": ["variables.input.file"]}),
            },
            files={"0": (name, content)},
            headers={**self.headers, "GraphQL-Require-Preflight": "1"},
        )

    async def start(self, name: str, content: bytes, what: str = "customers", **told: Any) -> str:
        answer = (await self.post(name, content, what, **told)).json()
        started = answer["data"]["importStart"]
        assert started["errors"] == [], started
        assert started["import"]["state"] == "QUEUED"
        return str(started["import"]["id"])

    async def refused(self, name: str, content: bytes, what: str = "customers", **told: Any) -> Any:
        answer = (await self.post(name, content, what, **told)).json()
        assert answer["data"]["importStart"]["import"] is None
        (error,) = answer["data"]["importStart"]["errors"]
        return error

    async def shown(self, ident: str) -> Any:
        return (await self.ask(ASK, id=ident))["data"]["import"]

    async def over(self, ident: str) -> Any:
        """The import, when it is over."""
        return await self.until(ident, lambda found: found["done"])

    async def until(self, ident: str, holds: Callable[[Any], bool]) -> Any:
        """The import, as soon as this holds of it."""
        async with asyncio.timeout(30):
            while True:
                if holds(found := await self.shown(ident)):
                    return found
                await asyncio.sleep(0.05)


@dataclass
class House:
    """A gateway without background work, which tests do themselves."""

    app: ASGIApp
    settings: Settings
    db: Database
    storage: AssetStorage

    async def sender(self, *roles: Role) -> Sender:
        given = await groups.group(self.db)
        token = Tokens(self.settings).mint(
            subject="somebody", group_id=given.group_id, roles=list(roles or [Role.TENANT_ADMIN]),
            now=datetime.now(UTC), life_s=3600,
        )  # fmt: skip
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://gateway.test", timeout=60
        )
        return Sender(given, http, token)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A process with a worker."""
        stop = asyncio.Event()
        imports = Imports(self.db, self.storage, self.settings, look_s=0.05)
        task = asyncio.create_task(imports.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def value(self, sender: Sender, sql: str) -> Any:
        async with self.db.transaction(sender.given.scope) as tx:
            return await tx.fetchval(sql, sender.given.group_id)


@pytest.fixture(scope="module")
async def house(
    database_url: str, db: Database, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    settings = read_settings(
        {
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
            "DATABASE_URL": database_url,
            "WORKER_INLINE": "0",
            "IMPORT_MAX_BYTES": "1000000",
        }
    )
    async with gateway_running(settings, journal=Journal()) as app:
        yield House(app, settings, db, AssetStorage(settings))


@pytest.fixture
async def sender(house: House) -> Sender:
    return await house.sender()


async def test_a_file_is_sent_and_goes_in(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["rows"], done["total"], done["made"]) == ("DONE", 2, 2, 2)
    assert done["report"]["concepts"]["customers"]["made"] == 2
    assert done["refusedUrl"] is None
    assert await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1") == 2
    # Its file is needed no more, and takes no room.
    assert await house.value(sender, "SELECT file_bytes FROM customer_group WHERE id = $1") == 0


async def test_twice_is_once(house: House, sender: Sender) -> None:
    async with house.working():
        await sender.over(await sender.start("kunden.csv", CUSTOMERS))
        again = await sender.over(await sender.start("kunden.csv.gz", gzip.compress(CUSTOMERS)))
    assert (again["made"], again["changed"], again["same"]) == (0, 0, 2)


async def test_how_a_file_is_written_can_be_said(house: House, sender: Sender) -> None:
    file = "Kundennr;Wer;Umsatz;Letzte;Notiz\r\n7;Jörg;1.234,50;31.12.2025;x\r\n".encode("latin-1")
    ident = await sender.start(
        "k.csv", file, separator=";", encoding="latin-1", decimal="COMMA", dates="DAY_FIRST", ignored=["Notiz"],
        mapping={"Kundennr": "external_id", "Wer": "name", "Umsatz": "total_spent", "Letzte": "last_order_at"},
    )  # fmt: skip
    async with house.working():
        done = await sender.over(ident)
    assert done["made"] == 1, done
    assert await house.value(sender, "SELECT name FROM customer WHERE group_id = $1") == "Jörg"
    assert (
        str(await house.value(sender, "SELECT total_spent FROM customer WHERE group_id = $1")) == "1234.5000"
    )


async def test_a_dry_run_writes_nothing(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS + b"3,Bad,nonsense\n", dryRun=True)
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["dryRun"], done["made"], done["refused"]) == ("DONE", True, 2, 1)
    assert await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1") == 0
    assert done["refusedUrl"]


async def test_refused_rows_are_downloaded_mended_and_sent_again(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS + b"3,Cleo,nonsense\n")
    async with house.working():
        done = await sender.over(ident)
        assert (done["state"], done["made"], done["refused"]) == ("DONE", 2, 1)
        refused = await sender.http.get(done["refusedUrl"])
        assert refused.status_code == 200
        assert refused.content == b"external_id,name,email\n3,Cleo,nonsense\n"
        assert "kunden.csv.refused.csv" in refused.headers["content-disposition"]
        assert "no-store" in refused.headers["cache-control"]
        (reason,) = (await sender.http.get(done["reasonsUrl"])).text.splitlines()
        assert json.loads(reason)["column"] == "email"
        assert json.loads(reason)["line"] == 4
        (file,) = done["report"]["files"]
        assert (file["refused"], file["reasons"]) == ("kunden.csv.refused.csv", "kunden.csv.reasons.jsonl")
        mended = refused.content.replace(b"nonsense", b"cleo@example.org")
        again = await sender.over(await sender.start("kunden.csv.refused.csv", mended))
    assert (again["made"], again["refused"]) == (1, 0)
    assert await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1") == 3
    # The two files of refused rows take room while they are kept.
    kept = len(refused.content) + len(reason) + 1
    assert await house.value(sender, "SELECT file_bytes FROM customer_group WHERE id = $1") == kept


async def test_a_link_opens_that_file_alone(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS + b"3,Cleo,nonsense\n")
    async with house.working():
        link = (await sender.over(ident))["refusedUrl"]
    for other in (link.replace("/refused", "/reasons"), link.replace("/imports/", "/imports/9"), link + "x"):
        assert (await sender.http.get(other)).status_code == 403
    assert (await sender.http.get(link.replace("/refused", "/file"))).status_code == 403
    assert (await sender.http.get(link.replace("/imports/", "/imports/x"))).status_code == 404
    number = ident.removeprefix("import_")
    assert (
        await sender.http.get(link.replace(f"/imports/{number}/refused", f"/assets/{number}"))
    ).status_code == 403


@pytest.mark.parametrize(
    ("told", "path", "says"),
    [
        ({"what": "nonsense"}, "what", "There are no nonsense to import; there are "),
        ({"separator": ";;"}, "separator", "`separator` is one character"),
        ({"encoding": "klingon"}, "encoding", "There is no encoding 'klingon'"),
        ({"system": "Not A System"}, "system", "A system is named by small letters"),
        ({"mapping": ["a"]}, "mapping", "`mapping` is an object"),
        ({"mapping": {"a": 1}}, "mapping", "mapped to what is no name"),
        ({"mapping": {"": "name"}}, "mapping", "Name in the file"),
        ({"mapping": {f"c{n}": "name" for n in range(1_001)}}, "mapping", "1000 are the most"),
    ],
)
async def test_what_cannot_be_imported_is_said_at_once(
    house: House, sender: Sender, told: dict[str, Any], path: str, says: str
) -> None:
    error = await sender.refused("kunden.csv", CUSTOMERS, **told)
    assert error["path"] == [path]
    assert says in error["message"]
    assert await house.value(sender, "SELECT count(*) FROM import_run WHERE group_id = $1") == 0
    assert await house.value(sender, "SELECT file_bytes FROM customer_group WHERE id = $1") == 0


async def test_a_file_that_is_too_large_is_refused(house: House, sender: Sender) -> None:
    answer = await sender.post("kunden.csv", b"x" * 1_000_001)
    assert answer.status_code == 413
    assert "kunden.csv" in answer.text
    assert (await sender.refused("kunden.csv", b""))["code"] == "EMPTY_FILE"


async def test_files_of_other_mutations_keep_their_bound(house: House, sender: Sender) -> None:
    large = bytes(MAX_FILE + 1)
    operations = {
        "query": "mutation ($input: AssetsAddInput!) { assetsAdd(input: $input) { assets { id } } }",
        "variables": {"input": {"files": [None]}},
    }
    settings = replace(house.settings, import_max_bytes=2 * MAX_FILE)
    async with gateway_running(settings, journal=Journal()) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test", timeout=60) as http:
            form = {
                "operations": json.dumps(operations),
                "map": json.dumps({"0": ["variables.input.files.0"]}),
            }
            headers = {**sender.headers, "GraphQL-Require-Preflight": "1"}
            answer = await http.post("/graphql", data=form, files={"0": ("a.csv", large)}, headers=headers)
            assert answer.status_code == 413
            assert "25 MiB" in answer.text
            larger = replace(sender, http=http)
            lines = b"external_id,name\n" + b"1,Ada\n" * (MAX_FILE // 6 + 1)
            assert len(lines) > MAX_FILE
            ident = await larger.start("k.csv", lines)
            await larger.ask(CANCEL, input={"id": ident})


async def test_a_group_that_is_full_takes_no_file(house: House, sender: Sender) -> None:
    await house.value(sender, "UPDATE customer_group SET file_quota = 50 WHERE id = $1")
    assert (await sender.refused("kunden.csv", CUSTOMERS))["code"] == "QUOTA_EXCEEDED"
    small = b"external_id,name,email\n1,Ada,nonsense\n"
    async with house.working():
        # What came of it is handed out all the same.
        assert (await sender.over(await sender.start("k.csv", small)))["refusedUrl"]


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00",
        b"PK\x03\x04" + bytes(30),
        b"%PDF-1.7\n1 0 obj",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(30),
    ],
)
async def test_what_is_no_table_is_said_at_once(sender: Sender, content: bytes) -> None:
    # Whatever it is called.
    assert (await sender.refused("kunden.csv", content))["code"] == "NOT_A_TABLE"


async def test_what_shows_to_be_no_table_when_it_is_read_is_told(house: House, sender: Sender) -> None:
    async with house.working():
        done = await sender.over(await sender.start("kunden.csv.gz", b"\x1f\x8b\x08\x00nonsense"))
    assert (done["state"], done["made"], done["failure"]["code"]) == ("FAILED", 0, "INVALID")
    assert "compressed and damaged" in done["failure"]["message"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "utf-8-sig"])
async def test_tables_of_any_encoding_are_tables(house: House, sender: Sender, encoding: str) -> None:
    told = {"encoding": encoding} if encoding == "utf-16-le" else {}
    async with house.working():
        content = CUSTOMERS.decode().replace("Ada", "Zoé").encode(encoding)
        done = await sender.over(await sender.start("kunden.csv", content, **told))
    assert done["made"] == 2, done


async def test_one_that_waits_is_cancelled_at_once(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    cancelled = (await sender.ask(CANCEL, input={"id": ident}))["data"]["importCancel"]
    assert cancelled == {"import": {"state": "CANCELLED", "done": True}, "errors": []}
    async with house.working():
        later = await sender.over(await sender.start("kunden.csv", CUSTOMERS))
        assert later["made"] == 2
    assert (await sender.shown(ident))["rows"] == 0
    # One that is over stays as it is.
    again = (await sender.ask(CANCEL, input={"id": ident}))["data"]["importCancel"]
    assert again["import"]["state"] == "CANCELLED"


def many(count: int) -> bytes:
    lines = (f"{n},Somebody {n},s{n}@example.org\n" for n in range(count))
    return ("external_id,name,email\n" + "".join(lines)).encode()


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let imports rest after each batch, so that they are seen while they go on."""
    progress = _Work.progress

    def rests(self: _Work, done: int, refused: int, total: int) -> None:
        progress(self, done, refused, total)
        time.sleep(0.3)

    monkeypatch.setattr(_Work, "progress", rests)


async def test_one_that_runs_stops_after_the_batch_at_hand(
    house: House, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    ident = await sender.start("kunden.csv", many(20_000))
    async with house.working():
        await sender.until(ident, lambda found: found["rows"] > 0)
        await sender.ask(CANCEL, input={"id": ident})
        done = await sender.over(ident)
    assert done["state"] == "CANCELLED"
    assert done["cancelAt"]
    assert 0 < done["rows"] < done["total"] == 20_000
    count = await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1")
    assert count == done["made"] == done["rows"]


async def test_an_import_whose_process_stops_is_taken_up_by_the_next(
    house: House, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(monkeypatch)
    ident = await sender.start("kunden.csv", many(20_000))
    async with house.working():
        await sender.until(ident, lambda found: found["rows"] > 0)
    waits = await sender.shown(ident)
    assert (waits["state"], waits["done"]) == ("QUEUED", False)
    monkeypatch.undo()
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["rows"]) == ("DONE", 20_000)
    # Those that were in already are told as the same.
    assert done["same"] > 0
    assert done["made"] + done["same"] == 20_000
    assert await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1") == 20_000


WORKER = """
import asyncio
from app.db.database import connect
from app.domain.assets.storage import AssetStorage
from app.importing.queued import Imports
from app.settings import read_settings

async def work():
    settings = read_settings()
    db = await connect(settings.database_url, readers=1, writers=2)
    await Imports(db, AssetStorage(settings), settings, look_s=0.05).run(asyncio.Event())

asyncio.run(work())
"""


async def test_a_process_that_is_killed_leaves_its_import_to_the_next(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", many(20_000) + b"x,Bad,nonsense\n")
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": str(house.settings.database_url),
        "DATA_DIR": str(house.settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", WORKER, env=environment)
    await sender.until(ident, lambda found: found["rows"] > 0)
    process.kill()
    await process.wait()
    left = await sender.shown(ident)
    assert (left["state"], left["done"]) == ("RUNNING", False)
    # In place of the seconds for which it is held.
    await house.value(sender, "UPDATE import_run SET held_until = now() WHERE group_id = $1")
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["rows"], done["refused"]) == ("DONE", 20_001, 1)
    assert done["same"] > 0
    assert done["made"] + done["same"] == 20_000
    assert await house.value(sender, "SELECT count(*) FROM customer WHERE group_id = $1") == 20_000
    assert len((await sender.http.get(done["refusedUrl"])).text.splitlines()) == 2


async def test_an_import_is_held_for_a_while_and_then_anybodys(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    held = await operations.hold_next(house.db, sender.given.group_id, "dead")
    assert held is not None
    assert (await sender.shown(ident))["state"] == "RUNNING"
    async with house.working():
        await asyncio.sleep(0.3)
        assert (await sender.shown(ident))["state"] == "RUNNING"
        await house.value(sender, "UPDATE import_run SET held_until = now() WHERE group_id = $1")
        assert (await sender.over(ident))["made"] == 2
    # Whoever believes to hold it still writes nothing about it.
    assert await operations.hold_on(house.db, held, operations.Counted(rows=7)) is None
    assert (await sender.shown(ident))["rows"] == 2


async def test_what_kills_its_process_again_and_again_is_told_as_interrupted(
    house: House, sender: Sender
) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    for _ in range(operations.MAX_BEGUN):
        assert await operations.hold_next(house.db, sender.given.group_id, "dead")
        await house.value(sender, "UPDATE import_run SET held_until = now() WHERE group_id = $1")
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["failure"]["code"]) == ("FAILED", "INTERRUPTED")


async def test_one_of_a_group_runs_at_a_time_and_the_others_wait_their_turn(
    house: House, sender: Sender
) -> None:
    other = await house.sender()
    idents = [await sender.start("kunden.csv", CUSTOMERS) for _ in range(3)]
    theirs = await other.start("kunden.csv", CUSTOMERS)
    first = await operations.hold_next(house.db, sender.given.group_id, "a")
    assert first is not None
    assert f"import_{first.id}" == idents[0]
    assert await operations.hold_next(house.db, sender.given.group_id, "b") is None
    # Groups that were not served yet come first.
    await operations.let_go(house.db, first, counts=False)
    waiting = await operations.waiting_groups(house.db)
    assert waiting.index(other.given.group_id) < waiting.index(sender.given.group_id)
    async with house.working():
        assert [(await sender.over(ident))["state"] for ident in idents] == ["DONE"] * 3
        assert (await other.over(theirs))["made"] == 2


async def test_so_many_may_wait(house: House, sender: Sender) -> None:
    for _ in range(operations.MAX_OPEN):
        await sender.start("kunden.csv", CUSTOMERS)
    assert (await sender.refused("kunden.csv", CUSTOMERS))["code"] == "TOO_MANY_IMPORTS"
    async with house.db.transaction(sender.given.scope) as tx:
        await tx.execute("DELETE FROM import_run WHERE group_id = $1", sender.given.group_id)


async def test_anothers_import_is_not_there(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    other = await house.sender()
    assert await other.shown(ident) is None
    assert (await other.ask("{ imports { totalCount } }"))["data"]["imports"]["totalCount"] == 0
    refused = (await other.ask(CANCEL, input={"id": ident}))["data"]["importCancel"]
    assert [(one["code"], one["path"]) for one in refused["errors"]] == [("NOT_FOUND", ["id"])]
    mine = (await sender.ask("{ imports { nodes { id state } } }"))["data"]["imports"]["nodes"]
    assert mine == [{"id": ident, "state": "QUEUED"}]
    await sender.ask(CANCEL, input={"id": ident})


@pytest.mark.parametrize("role", [Role.MARKETING_MANAGER, Role.WRITE])
async def test_who_is_no_admin_sends_nothing(house: House, role: Role) -> None:
    other = await house.sender(role)
    answer = (await other.post("kunden.csv", CUSTOMERS)).json()
    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await other.ask("{ imports { totalCount } }"))["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_it_is_written_down_who_sent_what(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS, mapping={"a": "name"})
    await sender.ask(CANCEL, input={"id": ident})
    trail = "{ auditEntries { nodes { actor action subject after } } }"
    cancelled, started = (await sender.ask(trail))["data"]["auditEntries"]["nodes"]
    assert (started["action"], started["subject"]) == ("import.start", ident)
    assert started["after"]["file_name"] == "kunden.csv"
    assert started["after"]["told"] == {"mapping": {"a": "name"}}
    assert (cancelled["action"], cancelled["after"]["state"]) == ("import.cancel", "cancelled")


async def test_the_same_key_sends_it_once(house: House, sender: Sender) -> None:
    sender.http.headers["Idempotency-Key"] = "once"
    first = await sender.start("kunden.csv", CUSTOMERS)
    assert await sender.start("kunden.csv", CUSTOMERS) == first
    del sender.http.headers["Idempotency-Key"]
    assert await house.value(sender, "SELECT count(*) FROM import_run WHERE group_id = $1") == 1
    await sender.ask(CANCEL, input={"id": first})


async def test_old_imports_go_with_their_files(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS + b"3,Cleo,nonsense\n")
    async with house.working():
        link = (await sender.over(ident))["refusedUrl"]
    waits = await sender.start("kunden.csv", CUSTOMERS)
    tidying, now = ImportFiles(house.storage), datetime.now(UTC)
    await tidying.run(house.db, now)
    assert (await sender.http.get(link)).status_code == 200
    later = now + KEPT_FOR + timedelta(hours=1)
    assert (await tidying.run(house.db, later)).errors == []
    assert await sender.shown(ident) is None
    assert (await sender.http.get(link)).status_code == 404
    # What waits is kept however long that is.
    assert (await sender.shown(waits))["state"] == "QUEUED"
    size = await house.value(sender, "SELECT file_bytes FROM customer_group WHERE id = $1")
    assert size == len(CUSTOMERS)
    # The look for files that belong to nothing leaves it alone.
    assert await sweep(house.db, house.storage, sender.given.group_id, now=later) == 0
    await sender.ask(CANCEL, input={"id": waits})
    await tidying.run(house.db, now)
    assert await house.value(sender, "SELECT files FROM customer_group WHERE id = $1") == 0


async def test_a_file_that_is_gone_ends_it(house: House, sender: Sender) -> None:
    ident = await sender.start("kunden.csv", CUSTOMERS)
    async with house.db.transaction(sender.given.scope) as tx:
        key = await tx.fetchval("SELECT file_key FROM import_run WHERE group_id = $1", sender.given.group_id)
    await house.storage.delete([key])
    async with house.working():
        done = await sender.over(ident)
    assert (done["state"], done["failure"]["code"]) == ("FAILED", "NOT_FOUND")
