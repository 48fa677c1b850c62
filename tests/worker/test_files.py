"""What is removed is gone, bytes and all; what belongs to nothing is found; files take room of the group's own."""

import io
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database
from app.domain.assets.operations import NewFile, add_assets, keep_files, purge, remove_asset
from app.domain.assets.storage import AssetStorage, shelf
from app.domain.groups.operations import set_quotas
from app.errors import TooLarge
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.worker.files import Files
from tests.given import groups
from tests.given.groups import GivenGroup

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REMOVE = "mutation($id: ID!) { assetRemove(input: {id: $id}) { removedId errors { code } } }"
USAGE = "{ viewer { group { usage { files fileBytes fileQuota } } } }"


@pytest.fixture
def storage(tmp_path: Path) -> AssetStorage:
    return AssetStorage(read_settings({"DATA_DIR": str(tmp_path)}))


async def added(
    db: Database, storage: AssetStorage, given: GivenGroup, *sizes: int, quota: int | None = None
) -> list[int]:
    files = [NewFile(f"{at}.txt", io.BytesIO(b"x" * size)) for at, size in enumerate(sizes)]
    async with shelf(storage) as kept_objects:
        kept = await keep_files(kept_objects, files, group_id=given.group_id)
        async with db.transaction(given.scope) as tx:
            return await add_assets(tx, kept, quota=quota, now=NOW)


def on_disk(tmp_path: Path) -> list[Path]:
    return [one for one in (tmp_path / "assets").rglob("*") if one.is_file()]


async def usage(db: Database, given: GivenGroup) -> tuple[int, int]:
    async with db.transaction(given.scope) as tx:
        row = await tx.fetchrow("SELECT files, file_bytes FROM customer_group WHERE id = $1", given.group_id)
    assert row is not None
    return row["files"], row["file_bytes"]


async def test_removing_a_file_removes_its_bytes(db: Database, tmp_path: Path) -> None:
    given = await groups.group(db)
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    services = Services(settings, db, AssetStorage(settings))
    (ident,) = await added(db, services.assets, given, 100)
    assert len(on_disk(tmp_path)) == 1
    context = Context(services, Principal("t", given.scope, frozenset(Role)), now=NOW)
    made = await answer(Operation(REMOVE, {"id": f"asset_{ident}"}), context)
    assert b'"errors":[]' in made.body
    assert on_disk(tmp_path) == []
    assert await usage(db, given) == (0, 0)
    await services.close()


class Failing(AssetStorage):
    """A bucket that is away for a moment."""

    is_away = True

    async def delete(self, keys: Any) -> None:
        if self.is_away:
            raise OSError("the bucket is away")
        await super().delete(keys)


async def test_what_could_not_be_removed_at_once_is_tried_again(db: Database, tmp_path: Path) -> None:
    given = await groups.group(db)
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    storage = Failing(settings)
    services = Services(settings, db, storage)
    (ident,) = await added(db, storage, given, 100)
    context = Context(services, Principal("t", given.scope, frozenset(Role)), now=NOW)
    made = await answer(Operation(REMOVE, {"id": f"asset_{ident}"}), context)
    assert b'"errors":[]' in made.body
    assert len(on_disk(tmp_path)) == 1
    assert await usage(db, given) == (1, 100), "it takes room as long as it is there"
    job = Files(storage)
    report = await job.run(db, NOW)
    assert any("bucket" in error for error in report.errors)
    storage.is_away = False
    assert (await job.run(db, NOW)).errors == []
    assert on_disk(tmp_path) == []
    assert await usage(db, given) == (0, 0)
    await services.close()


async def test_many_are_purged_in_batches(db: Database, storage: AssetStorage, tmp_path: Path) -> None:
    given = await groups.group(db)
    for _ in range(13):
        ids = await added(db, storage, given, *[10] * 20)
        async with db.transaction(given.scope) as tx:
            for ident in ids:
                await remove_asset(tx, ident, now=NOW)
    await Files(storage).run(db, NOW)
    assert on_disk(tmp_path) == []
    assert await usage(db, given) == (0, 0)


async def test_bytes_without_a_file_are_swept_when_they_are_a_day_old(
    db: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    given = await groups.group(db)
    await added(db, storage, given, 10)
    await storage.put(f"{given.group_id}/orphan", b"x")
    await storage.put(f"{given.group_id}/young", b"x")
    now = datetime.now(UTC)
    old = (now - timedelta(days=2)).timestamp()
    for one in on_disk(tmp_path):
        if one.name != "young":
            os.utime(one, (old, old))
    await Files(storage).run(db, now)
    names = {one.name for one in on_disk(tmp_path)}
    assert "orphan" not in names
    assert len(names) == 2
    assert "young" in names


async def test_files_are_for_nobody_else_to_read(db: Database, storage: AssetStorage, tmp_path: Path) -> None:
    given = await groups.group(db)
    await added(db, storage, given, 10)
    (file,) = on_disk(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "assets").stat().st_mode) == 0o700


async def test_a_group_has_room_for_so_many_bytes(
    db: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    given = await groups.group(db)
    await added(db, storage, given, 60, quota=100)
    with pytest.raises(TooLarge) as refused:
        await added(db, storage, given, 30, 11, quota=100)
    assert refused.value.reason == "QUOTA_EXCEEDED"
    assert await usage(db, given) == (1, 60)
    assert len(on_disk(tmp_path)) == 1, "what was refused is taken away again"
    (ident,) = await added(db, storage, given, 40, quota=100)
    async with db.transaction(given.scope) as tx:
        await remove_asset(tx, ident, now=NOW)
    await purge(db, storage, given.group_id, now=NOW)
    await added(db, storage, given, 40, quota=100)


async def test_its_own_quota_counts_and_is_shown(
    db: Database, storage: AssetStorage, database_url: str
) -> None:
    given = await groups.group(db)
    assert await set_quotas(db, given.group_id, files=50, events=None) == [
        ("files", 0, 50),
        ("events", 0, None),
    ]
    with pytest.raises(TooLarge):
        await added(db, storage, given, 60, quota=1_000)
    await added(db, storage, given, 50, quota=1)
    settings = read_settings({"DATA_DIR": str(Path(storage._folder or ".").parent)})
    services = Services(settings, db, storage)
    made = await answer(
        Operation(USAGE), Context(services, Principal("t", given.scope, frozenset(Role)), now=NOW)
    )
    assert b'"usage":{"files":1,"fileBytes":50,"fileQuota":50}' in made.body
    await services.close()
    assert await set_quotas(db, given.group_id, files=0, events=7) == [("files", 50, None), ("events", 0, 7)]
    assert await set_quotas(db, 999_999, files=1, events=1) is None


async def test_other_groups_are_left_alone(db: Database, storage: AssetStorage, tmp_path: Path) -> None:
    ours, theirs = await groups.group(db), await groups.group(db)
    await added(db, storage, ours, 10)
    (ident,) = await added(db, storage, theirs, 10)
    async with db.transaction(theirs.scope) as tx:
        await remove_asset(tx, ident, now=NOW)
    assert await purge(db, storage, ours.group_id, now=NOW) == 0
    assert len(on_disk(tmp_path)) == 2
