"""Client files: judged by their bytes, stored whole or not at all, handed out by links that expire."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.auth.principal import Principal, Role
from app.db.database import Database, Transaction
from app.domain.assets.operations import (
    MAX_SIZE,
    NewFile,
    add_assets,
    find_file,
    keep_files,
    remove_asset,
)
from app.domain.assets.storage import AssetStorage, shelf
from app.domain.assets.types import content_type_of, safe_name
from app.errors import Forbidden, Invalid, NotFound, TooLarge
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from tests.given import campaigns as given
from tests.given import groups

NOW = given.NOON
PDF, JPG = b"%PDF-1.7\nbrief", b"\xff\xd8\xff\xe0banner"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def storage(tmp_path: Path) -> AssetStorage:
    return AssetStorage(read_settings({"DATA_DIR": str(tmp_path)}))


def file(name: str, body: bytes, declared: str | None = None) -> NewFile:
    return NewFile(name, io.BytesIO(body), declared)


def stored_under(folder: Path) -> list[Path]:
    return [path for path in (folder / "assets").rglob("*") if path.is_file()]


@asynccontextmanager
async def adding(
    db: Database, storage: AssetStorage, scope: Scope, *files: NewFile, **where: int
) -> AsyncIterator[tuple[Transaction, list[int]]]:
    """The ids of files being added, their transaction still open."""
    async with shelf(storage) as made:
        kept = await keep_files(made, files, group_id=scope.group_id)
        async with db.transaction(scope) as tx:
            yield tx, await add_assets(tx, kept, now=NOW, **where)


async def add(db: Database, storage: AssetStorage, scope: Scope, *files: NewFile, **where: int) -> list[int]:
    async with adding(db, storage, scope, *files, **where) as (_, ids):
        return ids


async def test_files_are_kept_byte_for_byte_and_belong_to_their_campaign(
    db: Database, storage: AssetStorage
) -> None:
    group = await groups.group(db)
    camp = await given.campaign(db, group.scope)
    large = PDF + bytes(3 * 1024 * 1024)
    ids = await add(
        db, storage, group.scope, file("brief.pdf", large), file("../b/banner.jpg", JPG), campaign_id=camp
    )
    assert ids == sorted(ids)
    async with db.transaction(group.scope) as tx:
        found = [await find_file(tx, id_) for id_ in ids]
        owners = await tx.fetch("SELECT campaign_id, store_id FROM asset ORDER BY id")
    assert [(f.name, f.content_type, f.size) for f in found] == [
        ("brief.pdf", "application/pdf", len(large)), ("banner.jpg", "image/jpeg", len(JPG)),
    ]  # fmt: skip
    assert [tuple(row) for row in owners] == [(camp, group.store_id)] * 2
    body = b"".join([piece async for piece in await storage.get(found[0].storage_key)])
    assert body == large


async def test_a_failure_after_the_upload_leaves_nothing(
    db: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    group = await groups.group(db)

    async def fail_later() -> None:
        async with adding(db, storage, group.scope, file("a.pdf", PDF)):
            assert len(stored_under(tmp_path)) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_later()
    assert stored_under(tmp_path) == []
    with pytest.raises(NotFound) as foreign:
        await add(db, storage, group.scope, file("a.pdf", PDF), campaign_id=2**60)
    assert foreign.value.path == ["campaignId"]
    assert stored_under(tmp_path) == []
    async with db.transaction(group.scope) as tx:
        assert await tx.fetchval("SELECT count(*) FROM asset") == 0


async def test_bounds_are_told_by_file_and_nothing_is_stored(
    db: Database, storage: AssetStorage, tmp_path: Path
) -> None:
    scope = (await groups.group(db)).scope
    with pytest.raises(Invalid) as empty:
        await add(db, storage, scope, file("a.pdf", PDF), file("b.pdf", b""))
    assert (empty.value.path, empty.value.reason) == (["files", 1], "EMPTY_FILE")
    with pytest.raises(TooLarge) as large:
        await add(db, storage, scope, file("a.pdf", PDF), file("big.bin", bytes(MAX_SIZE + 1)))
    assert large.value.path == ["files", 1]
    with pytest.raises(TooLarge) as many:
        await add(db, storage, scope, *[file("a.pdf", PDF)] * 21)
    assert many.value.path == ["files"]
    assert stored_under(tmp_path) == []
    assert len(await add(db, storage, scope, file("exact.bin", bytes(MAX_SIZE)))) == 1


async def test_files_stay_inside_their_scope(db: Database, storage: AssetStorage) -> None:
    group = await groups.group(db)
    second = await groups.store(db, group.group_id)
    camp = await given.campaign(db, group.scope)
    (asset,) = await add(db, storage, group.scope, file("a.pdf", PDF), campaign_id=camp)
    outside = [
        (await groups.group(db)).scope,
        Scope(group.group_id, store_id=second.store_id),
        Scope(group.group_id, project_ids=(1,)),
    ]
    for scope in outside:
        with pytest.raises(NotFound):
            async with db.transaction(scope) as tx:
                await find_file(tx, asset)
        with pytest.raises(NotFound):
            async with db.transaction(scope) as tx:
                await remove_asset(tx, asset, now=NOW)
        with pytest.raises(NotFound):
            await add(db, storage, scope, file("b.pdf", PDF), campaign_id=camp)
    with pytest.raises(Forbidden):
        await add(db, storage, outside[2], file("b.pdf", PDF))
    with pytest.raises(Invalid):
        await add(db, storage, group.scope, file("b.pdf", PDF), campaign_id=camp, store_id=second.store_id)
    async with db.transaction(group.scope) as tx:
        assert await remove_asset(tx, asset, now=NOW) == asset
        with pytest.raises(NotFound):
            await find_file(tx, asset)
        with pytest.raises(NotFound):
            await remove_asset(tx, asset, now=NOW)


async def test_a_link_holds_for_what_it_was_made_for_until_it_expires(storage: AssetStorage) -> None:
    links = storage.links(group_id=3, base_url="https://gateway.example/", now=NOW)
    assert links.base_url == "https://gateway.example"
    good: dict[str, Any] = {
        "asset_id": 5,
        "group_id": 3,
        "expires": links.expires,
        "signature": links.signature(5),
    }
    assert storage.verify(**good, now=NOW)
    assert storage.verify(**good, now=NOW + timedelta(minutes=59, seconds=59))
    assert not storage.verify(**good, now=NOW + timedelta(hours=1))
    forgeries: list[dict[str, Any]] = [
        {"asset_id": 6},
        {"group_id": 4},
        {"expires": good["expires"] + 1},
        {"signature": ""},
        {"signature": "é\ud800"},
        {"signature": links.signature(5).swapcase()},
    ]
    for forged in forgeries:
        assert not storage.verify(**{**good, **forged}, now=NOW)


async def test_another_secret_signs_otherwise(storage: AssetStorage, tmp_path: Path) -> None:
    other = AssetStorage(read_settings({"DATA_DIR": str(tmp_path), "SECRET_KEY": "another"}))
    facts: dict[str, Any] = {"group_id": 3, "base_url": "", "now": NOW}
    assert storage.links(**facts).signature(5) != other.links(**facts).signature(5)


async def test_the_link_the_graph_shows_is_one_the_storage_verifies(
    db: Database, storage: AssetStorage
) -> None:
    group = await groups.group(db)
    asset = (await add(db, storage, group.scope, file("brief.pdf", PDF)))[0]
    settings = read_settings({})
    for planner in (True, False):
        services = Services(replace(settings, planner=planner), db, storage)
        principal = Principal("key:1", group.scope, frozenset({Role.READ}))
        context = Context(services, principal, base_url="https://gateway.example", now=NOW)
        made = await answer(
            Operation(f'{{ node(id: "asset_{asset}") {{ ... on Asset {{ url }} }} }}'), context
        )
        assert made.execution == ("planned" if planner else "resolved"), made.errors
        link = urlsplit(json.loads(made.data or b"")["node"]["url"])
        told = {key: values[0] for key, values in parse_qs(link.query).items()}
        assert f"{link.scheme}://{link.netloc}{link.path}" == f"https://gateway.example/assets/{asset}"
        assert storage.verify(
            asset_id=asset, group_id=int(told["group"]), expires=int(told["expires"]),
            signature=told["signature"], now=NOW,
        )  # fmt: skip


async def test_a_bucket_signs_its_own_links_and_a_folder_does_not(
    storage: AssetStorage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert await storage.direct_link("3/x") is None
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-3")
    bucket = AssetStorage(read_settings({"DATA_DIR": str(tmp_path), "ASSETS_URL": "s3://client-files/here"}))
    link = await bucket.direct_link("3/x")
    assert link is not None
    assert "client-files" in link
    assert "/here/3/x" in link
    assert "X-Amz-Signature=" in link


async def test_a_missing_object_is_not_found_and_may_be_deleted_again(storage: AssetStorage) -> None:
    with pytest.raises(NotFound):
        await storage.get("3/nothing")
    await storage.delete(["3/nothing"])


@pytest.mark.parametrize(
    ("head", "name", "declared", "kind"),
    [
        (PDF, "x", None, "application/pdf"),
        (JPG, "x.png", "image/png", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x", None, "image/webp"),
        (b"PK\x03\x04....", "brief.docx", None, DOCX),
        (b"PK\x03\x04....", "brief", DOCX, DOCX),
        (b"PK\x03\x04....", "files.zip", "text/html", "application/zip"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old.doc", None, "application/msword"),
        ("a;b\né;2".encode(), "list.csv", "application/octet-stream", "text/csv"),
        (b"# Hello", "x", "text/markdown; charset=utf-8", "text/markdown"),
        (b"<script>alert(1)</script>", "x.html", "text/html", "text/plain"),
        (b"<svg onload='alert(1)'/>", "x.svg", "image/svg+xml", "text/plain"),
        (b"MZ\x90\0\x03\0", "banner.png", "image/png", "application/octet-stream"),
        ("é".encode()[:1], "x", None, "text/plain"),
        (b"\xff\xfe\xfd\xfc\xfb", "x.txt", "text/plain", "application/octet-stream"),
    ],
)
def test_the_bytes_say_what_a_file_is(head: bytes, name: str, declared: str | None, kind: str) -> None:
    assert content_type_of(head, name=name, declared=declared) == kind


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("brief.pdf", "brief.pdf"),
        ("Été – plan.pdf", "Été – plan.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.pdf", "a.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie: x.pdf"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\0b\ud800.pdf", "ab.pdf"),
        (" .. ", "file"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_names_are_only_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe
