"""Recorded requests are understood in the forms they are kept in."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.errors import Invalid
from app.moving.hosts import Host, Pace
from app.moving.keeping import Folder
from app.moving.pulling import pull
from app.moving.recorded import Recorded, read_recorded
from app.moving.walks.all import WALKS
from tests.moving.old_host import OldHost

UUID = "bbee1c25-8718-4c95-b720-b00567113233"


def read(tmp_path: Path, text: str, *systems: str) -> Recorded:
    """What is found in a file of this text."""
    file = tmp_path / "requests"
    file.write_text(text, encoding="utf-8")
    return read_recorded(file, [WALKS[name] for name in systems or WALKS])


def paths(found: Recorded) -> list[tuple[str, str, str]]:
    """System, method and path of each."""
    return [(one.system, one.method, one.path) for one in found.requests]


def test_access_logs_in_the_common_and_combined_forms(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '10.0.0.1 - ann [30/Nov/2026:10:00:00 +0000] "GET /api/campaigns/42 HTTP/1.1" 200 512\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:01 +0000] "GET /campaigns?merchant_id=7 HTTP/2.0" 200 9 "-" "curl \\"x\\""\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:01 +0000] "POST /api/campaigns HTTP/1.1" 201 9 "-" "curl"\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:02 +0000] "GET /favicon.ico HTTP/1.1" 404 0 "-" "-"\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:02 +0000] "DELETE /api/campaigns/42 HTTP/1.1" 405 0 "-" "-"\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:02 +0000] "GET /api/campaigns/42 HTTP/1.1" 200 512\n'
        '10.0.0.1 - - [30/Nov/2026:10:00:02 +0000] "\\x16\\x03" 400 0\n',
    )
    assert paths(found) == [
        ("lagriffe", "GET", "/api/campaigns/42"),
        ("benji", "GET", "/campaigns?merchant_id=7"),
    ]
    assert found.left_out.total() == 3
    assert found.names == {"lagriffe": [{"campaign": "42"}]}


def test_plain_lines_and_json_lines(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        f"GET /api/v1/projects/shop/raw-events/{UUID}\n"
        "GET https://old.example/v1/commerce/marketing/campaigns?page=2\n"
        f'{{"method": "GET", "path": "/projects/shop/users/00000000000000000000002a/events"}}\n'
        '{"method": "POST", "path": "/preview/marketing-solutions/campaigns/search", "body": "{\\"filters\\":{}}"}\n'
        '{"method": "POST", "path": "/preview/marketing-solutions/campaigns/search"}\n'
        "{broken\n\n# a word\n",
    )
    assert paths(found) == [
        ("webmarketer", "GET", f"/api/v1/projects/shop/raw-events/{UUID}"),
        ("crm", "GET", "/v1/commerce/marketing/campaigns?page=2"),
        ("webmarketer", "GET", "/projects/shop/users/00000000000000000000002a/events"),
        ("criteo", "POST", "/preview/marketing-solutions/campaigns/search"),
    ]
    assert found.requests[0].route == "GET /api/v1/projects/{projectId}/raw-events/{id}"
    assert found.names["webmarketer"] == [
        {"project": "shop", "event": UUID},
        {"project": "shop", "user": "00000000000000000000002a"},
    ]
    assert found.left_out == {"a search by POST without its body": 1}


def test_har_files(tmp_path: Path) -> None:
    entries = [
        {"request": {"method": "GET", "url": "https://old.example/api/campaigns?x=1#y", "headers": []}},
        {
            "request": {
                "method": "POST",
                "url": "https://old.example/preview/marketing-solutions/campaigns/search",
                "postData": {"mimeType": "application/json", "text": '{"filters": {}}'},
            }
        },
        {"request": {"method": "PATCH", "url": "https://old.example/preview/marketing-solutions/campaigns"}},
        {},
    ]
    found = read(tmp_path, "\ufeff" + json.dumps({"log": {"version": "1.2", "entries": entries}}, indent=1))
    assert paths(found) == [
        ("lagriffe", "GET", "/api/campaigns?x=1"),
        ("criteo", "POST", "/preview/marketing-solutions/campaigns/search"),
    ]
    assert found.requests[1].body == '{"filters": {}}'


def test_other_systems_requests_are_left_out(tmp_path: Path) -> None:
    found = read(tmp_path, "GET /campaigns\nGET /api/campaigns\n", "benji")
    assert paths(found) == [("benji", "GET", "/campaigns")]
    assert found.left_out.total() == 1


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        read_recorded(tmp_path / "missing", list(WALKS.values()))
    with pytest.raises(Invalid, match="cannot be read"):
        read(tmp_path, '{"log": {"entries": [')


async def test_a_folder_that_was_pulled(tmp_path: Path) -> None:
    walk = WALKS["crm"]
    host = OldHost.of(3)
    pace = Pace(rate=1e6)
    with Folder(tmp_path, walk, source="http://old.test", now=datetime.now(UTC)) as folder:
        async with Host("http://old.test", headers={}, pace=pace, transport=host) as asked:
            await pull(walk, asked, folder)
    found = read_recorded(tmp_path, list(WALKS.values()))
    assert sorted(one.path for one in found.requests) == sorted(host.asked)
    assert {"campaign": "camp_1"} in found.names["crm"]
    assert read_recorded(tmp_path, [WALKS["benji"]]).requests == []


def test_a_host_below_a_path(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_text(
        "GET /gw/api/campaigns/7\nGET https://old.example/gw/campaigns?is_active=1\nGET /gwx/campaigns\n"
    )
    found = read_recorded(file, list(WALKS.values()), below=["/gw", ""])
    assert [one.path for one in found.requests] == ["/api/campaigns/7", "/campaigns?is_active=1"]


@pytest.mark.parametrize(
    "line",
    [
        '10.0.0.1 - - [x] "GET http://[::1/api/campaigns HTTP/1.1" 400 0',
        '10.0.0.1 - - [x] "GET http://a\u2100b/api/campaigns HTTP/1.1" 400 0',
        '{"url": "http://[x"}',
        '{"path": "/api/campaigns/\\ud800"}',
        '{"method": "POST", "path": "/preview/marketing-solutions/campaigns/search", "body": "\\ud800"}',
        "GET /api/campaigns/\x01",
        f"GET /api/campaigns/{'x' * 100_000}",
        '{"path": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(8),
)
def test_what_strangers_tried_is_left_out(tmp_path: Path, line: str) -> None:
    found = read(tmp_path, f"GET /api/campaigns/1\n{line}\nGET /api/campaigns/2\n")
    assert [path for _, _, path in paths(found)] == ["/api/campaigns/1", "/api/campaigns/2"]


def test_a_file_that_is_nested_too_deeply_is_said(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nested too deeply"):
        read(tmp_path, '{"log":' + "[" * 100_000 + "]" * 100_000 + "}")
