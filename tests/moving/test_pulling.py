"""All that an old host prints is kept, whatever happens on the way."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.errors import Conflict, Invalid
from app.moving.hosts import Host, Pace, Refused, Unreachable
from app.moving.keeping import Folder
from app.moving.kept import file_name, is_complete, read_manifest, read_pulled, routes_of, write_manifest
from app.moving.pulling import Pulled, pull
from app.moving.walks.all import WALKS
from tests.moving.old_host import BASE, OldHost, Said

NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)
CRM = WALKS["crm"]
DETAIL = f"GET {BASE}/campaigns/{{campaign_id}}"
LIST = f"GET {BASE}/campaigns"


async def pulled(
    host: OldHost,
    folder: Path,
    *,
    now: datetime = NOW,
    attempts: int = 3,
    at_once: int = 4,
    base: str = "http://old.test",
) -> Pulled:
    """One pull of everything."""
    pace = Pace(rate=1e6, at_once=at_once, timeout_s=5, attempts=attempts, first_wait_s=0.001, patience_s=5)
    with Folder(folder, CRM, source=base, now=now) as kept:
        async with Host(base, headers={}, pace=pace, transport=host) as asked:
            return await pull(CRM, asked, kept, at_once=at_once)


def details(folder: Path) -> dict[str, bytes]:
    """The kept details by campaign."""
    return {one.names["campaign"]: one.answer for one in read_pulled(folder) if one.route == DETAIL}


async def test_lists_are_read_to_their_end_with_all_that_is_below_them(tmp_path: Path) -> None:
    host = OldHost.of(250)
    done = await pulled(host, tmp_path)
    assert done.complete
    assert done.notes == []
    assert details(tmp_path).keys() == {f"camp_{n}" for n in range(1, 251)}
    assert set(host.asked.values()) == {1}
    manifest = read_manifest(tmp_path / "crm")
    assert (manifest["state"], manifest["run"], manifest["from"]) == ("complete", 1, "http://old.test")
    assert is_complete(tmp_path / "crm")
    assert (tmp_path / "crm").stat().st_mode & 0o077 == 0
    assert {one.route for one in read_pulled(tmp_path)} == set(routes_of(CRM))


async def test_answers_are_kept_to_the_digit(tmp_path: Path) -> None:
    await pulled(OldHost.of(2), tmp_path)
    assert b'"price": 12.50}' in details(tmp_path)["camp_1"]
    [first, _] = [one for one in read_pulled(tmp_path / "crm") if one.route == LIST]
    assert first.request == f"{BASE}/campaigns?page=1&limit=100"
    assert [row["id"] for row in json.loads(first.answer)["data"]] == ["camp_2", "camp_1"]
    for line in (tmp_path / "crm" / file_name(LIST)).read_text().splitlines():
        assert list(json.loads(line)) == ["request", "status", "at", "run", "total", "answer"]


@pytest.mark.parametrize(
    "host",
    [
        OldHost.of(250, total=lambda _: 3),
        OldHost.of(250, total=lambda _: 10**9),
        OldHost.of(250, total=lambda _: 0),
        OldHost.of(250, total=None),
        OldHost.of(250, largest_page=30),
        OldHost.of(250, largest_page=30, total=lambda _: 30),
        OldHost.of(250, largest_page=250, total=lambda _: 250),
    ],
    ids=["too few", "too many", "none", "silent", "small pages", "small pages and too few", "large pages"],
)
async def test_a_host_that_lies_about_its_total_is_read_to_the_end(host: OldHost, tmp_path: Path) -> None:
    host.asked.clear()
    done = await pulled(host, tmp_path)
    assert details(tmp_path).keys() == {f"camp_{n}" for n in range(1, 251)}
    assert done.complete
    assert len([path for path in host.asked if "/campaigns?" in path]) < 40


async def test_a_host_that_prints_the_same_page_for_ever_is_left(tmp_path: Path) -> None:
    host = OldHost.of(30)
    host.before = lambda _, path: (
        host.printed(f"{BASE}/campaigns?limit=100") if "/campaigns?" in path else None
    )
    await pulled(host, tmp_path)
    assert len(details(tmp_path)) == 30
    assert len([path for path in host.asked if "/campaigns?" in path]) == 2


async def test_rows_that_move_between_pages_are_found_and_counted_once(tmp_path: Path) -> None:
    host = OldHost.of(250)

    def drift(count: int, path: str) -> Said | None:
        # After the first page ten rows are deleted, all further ones move forward; two new ones come.
        if path.endswith("page=2&limit=100") and host.asked[path] == 1:
            del host.campaigns[40:50]
            host.campaigns[:0] = [{"id": f"camp_{n}", "name": "new"} for n in (252, 251)]
        return None

    host.before = drift
    done = await pulled(host, tmp_path)
    assert done.complete
    assert details(tmp_path).keys() >= {one["id"] for one in host.campaigns}
    assert all(count == 1 for path, count in host.asked.items() if "/campaigns/" in path)


async def test_a_pull_that_was_cut_off_anywhere_goes_on_and_asks_nothing_twice(tmp_path: Path) -> None:
    host = OldHost.of(120)

    class Cut(Exception):
        """The process ends here."""

    def cut(count: int, path: str) -> Said | None:
        if count % 17 == 0:
            raise Cut
        return None

    host.before = cut
    for _ in range(50):
        try:
            await pulled(host, tmp_path, at_once=1)
            break
        except Cut:
            pass
        # The last line is left half written, in whichever file.
        files = sorted((tmp_path / "crm").glob("*.jsonl"), key=lambda one: one.stat().st_mtime_ns)
        with files[-1].open("ab") as file:
            file.write(b'{"request": "/api/v1/marketing/campaigns/camp_1", "status": 200, "at": "2026')
    else:
        pytest.fail("it never came to its end")
    # Each cut took away the one request that was under way.
    cuts = host.asked.total() // 17
    assert sum(count - 1 for count in host.asked.values()) == cuts
    assert len(details(tmp_path)) == 120


async def test_half_a_line_is_cut_off_and_asked_for_again(tmp_path: Path) -> None:
    host = OldHost.of(3)
    await pulled(host, tmp_path)
    path = tmp_path / "crm" / file_name(DETAIL)
    whole = path.read_bytes()
    manifest = json.loads((tmp_path / "crm" / "manifest.json").read_text())
    for length in [*range(0, len(whole), 37), *range(whole.find(b"\n") - 2, whole.find(b"\n") + 3)]:
        path.write_bytes(whole[:length])
        (tmp_path / "crm" / "manifest.json").write_text(json.dumps({**manifest, "state": "running"}))
        assert [one.answer for one in read_pulled(tmp_path)]  # Whoever reads passes over it.
        host.asked.clear()
        await pulled(host, tmp_path)
        assert len(host.asked) == 3 - whole[:length].count(b"\n")
        assert details(tmp_path).keys() == {"camp_1", "camp_2", "camp_3"}


async def test_a_busy_host_is_given_the_time_it_asks_for(tmp_path: Path) -> None:
    host = OldHost.of(3)
    times: list[float] = []

    def busy(count: int, path: str) -> Said | None:
        times.append(asyncio.get_running_loop().time())
        return (429, {"Retry-After": "1"}, b"{}") if count == 4 else None

    host.before = busy
    done = await pulled(host, tmp_path, at_once=1)
    assert done.complete
    assert times[4] - times[3] >= 0.99
    assert len(details(tmp_path)) == 3


async def test_a_host_that_wants_to_be_left_alone_is(tmp_path: Path) -> None:
    host = OldHost.of(3, before=lambda count, _: (429, {"Retry-After": "3600"}, b"{}") if count > 5 else None)
    with pytest.raises(Unreachable, match="3600 s"):
        await pulled(host, tmp_path)
    assert read_manifest(tmp_path / "crm")["state"] == "incomplete"
    host.before = lambda count, path: None
    assert (await pulled(host, tmp_path)).complete


async def test_a_fault_of_the_host_is_asked_again(tmp_path: Path) -> None:
    host = OldHost.of(5, before=lambda count, _: (503, {}, b"") if count % 2 else None)
    assert (await pulled(host, tmp_path, at_once=1)).complete
    assert len(details(tmp_path)) == 5


async def test_what_fails_at_every_attempt_is_told_and_asked_for_next_time(tmp_path: Path) -> None:
    host = OldHost.of(5, before=lambda _, path: (502, {}, b"") if path.endswith("camp_3") else None)
    done = await pulled(host, tmp_path)
    assert not done.complete
    assert any("camp_3 was answered 502" in note for note in done.notes)
    assert details(tmp_path).keys() == {"camp_1", "camp_2", "camp_4", "camp_5"}
    host.before, host.asked = (lambda count, path: None), type(host.asked)()
    done = await pulled(host, tmp_path)
    assert done.complete
    assert list(host.asked) == [f"{BASE}/campaigns/camp_3"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_credential_ends_it(status: int, tmp_path: Path) -> None:
    host = OldHost.of(5, before=lambda count, _: (status, {}, b"") if count > 3 else None)
    with pytest.raises(Refused, match=str(status)):
        await pulled(host, tmp_path)
    assert host.asked.total() < 10


async def test_a_redirect_is_not_followed_with_the_credential(tmp_path: Path) -> None:
    host = OldHost.of(5, before=lambda *_: (301, {"Location": "https://elsewhere.test/"}, b""))
    with pytest.raises(Unreachable, match=r"elsewhere\.test"):
        await pulled(host, tmp_path)


async def test_a_later_pull_keeps_what_changed(tmp_path: Path) -> None:
    host = OldHost.of(5)
    await pulled(host, tmp_path)
    before = details(tmp_path)
    host.campaigns[0]["name"] = "changed"
    host.campaigns.insert(0, {"id": "camp_6", "name": "new"})
    host.asked.clear()
    done = await pulled(host, tmp_path, now=NOW + timedelta(days=2))
    assert done.run == 2
    after = details(tmp_path)
    assert {name for name in after if after[name] != before.get(name)} == {"camp_5", "camp_6"}
    assert done.counts["changed"] == 2  # The campaign and the list.
    assert done.counts["same"] > 0
    # A third one that is cut off goes on, too.
    host.before = lambda count, path: (401, {}, b"") if path.endswith("camp_2") else None
    with pytest.raises(Refused):
        await pulled(host, tmp_path, now=NOW + timedelta(days=3), at_once=1)
    host.before, host.asked = (lambda count, path: None), type(host.asked)()
    done = await pulled(host, tmp_path, now=NOW + timedelta(days=4))
    assert (done.run, done.complete) == (3, True)
    assert host.asked.total() < 10
    assert details(tmp_path) == after


async def test_an_etag_saves_the_answer(tmp_path: Path) -> None:
    host = OldHost.of(2, before=lambda _, path: None)
    printed = host.printed

    def tagged(count: int, path: str) -> Said | None:
        status, headers, body = printed(path)
        return status, {**headers, "ETag": '"7"'}, body

    host.before = tagged
    await pulled(host, tmp_path)
    before = details(tmp_path)
    host.before = lambda count, path: (304, {"ETag": '"7"'}, b"")
    done = await pulled(host, tmp_path, now=NOW + timedelta(hours=1))
    assert done.complete
    assert set(done.counts) == {"same"}
    assert details(tmp_path) == before


async def test_a_folder_belongs_to_one_host_and_one_process(tmp_path: Path) -> None:
    host = OldHost.of(2)
    await pulled(host, tmp_path)
    with pytest.raises(Invalid, match="into another folder"):
        await pulled(host, tmp_path, base="http://other.test")
    with (
        Folder(tmp_path, CRM, source="http://old.test", now=NOW),
        pytest.raises(Conflict, match="Another process"),
    ):
        Folder(tmp_path, CRM, source="http://old.test", now=NOW).__enter__()


def test_a_folder_into_which_nothing_was_pulled_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="Nothing was pulled"):
        list(read_pulled(tmp_path))


def test_each_route_has_a_file_of_its_own() -> None:
    for walk in WALKS.values():
        names = [file_name(route) for route in routes_of(walk)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    "damage",
    [
        {"from": None}, {"run": "y"}, {"run": None}, {"day": "x"}, {"state": None}, {"started_at": 5},
        {"last_complete": "x"},
    ],
)  # fmt: skip
async def test_a_damaged_manifest_is_said(damage: dict[str, object], tmp_path: Path) -> None:
    await pulled(OldHost.of(1), tmp_path)
    manifest = {**read_manifest(tmp_path / "crm"), **damage}
    write_manifest(tmp_path / "crm", {name: value for name, value in manifest.items() if value is not None})
    with pytest.raises(Invalid, match="is damaged"):
        await pulled(OldHost.of(1), tmp_path)


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="Nothing can be kept in"):
        await pulled(OldHost.of(1), tmp_path / "file" / "below")
