"""The document's two calls, word for word but for host and key, against the gateway as it is served."""

import asyncio
import json
import shlex
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.process import Gateway, data_folder, serving

LISTING = r"""
curl -X GET https://api.extranet.lagriffe.test/api/campaigns \
 -H "X-API-KEY: your-api-key" \
 -H "Accept: application/json"
"""
CREATING = r"""
curl -X POST https://api.extranet.lagriffe.test/api/campaigns \
 -H "X-API-KEY: your-api-key" \
 -H "Accept: application/json" \
 -F "external_beacon_key=xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxxxxx" \
 -F "label=Google Ads – June" \
 -F "channels[]=google_ads" \
 -F "period_type=1_month" \
 -F "budget_total=1200" \
 -F "files[]=@brief.pdf" \
 -F "files[]=@banner.jpg"
"""
BEACON = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxxxxx"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
JPG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Gateway]:
    """A gateway with demonstration data, and a store with the beacon key the document prints."""
    with data_folder() as folder:
        async with serving(folder) as gateway:
            mutation = (
                "mutation($input: StoreCreateInput!) { storeCreate(input: $input) { errors { message } } }"
            )
            answer = await gateway.http.post(
                "/graphql",
                json={"query": mutation, "variables": {"input": {"name": "Printed", "beaconKey": BEACON}}},
                headers={"Authorization": f"Bearer {gateway.demo['token']}"},
            )
            assert answer.json() == {"data": {"storeCreate": {"errors": []}}}
            yield gateway


async def call(printed: str, served: Gateway, folder: Path) -> tuple[Any, int]:
    """Run a printed call with host and key changed; its body and status."""
    line = printed.replace("\\\n", " ").replace("https://api.extranet.lagriffe.test", served.base)
    words = shlex.split(line.replace("your-api-key", served.demo["api_key"]))
    process = await asyncio.create_subprocess_exec(
        *words, "--silent", "--write-out", "\n%{http_code}", cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    body, _, status = said.decode().rpartition("\n")
    return json.loads(body), int(status)


async def test_the_documented_calls_work(served: Gateway, tmp_path: Path) -> None:
    (tmp_path / "brief.pdf").write_bytes(PDF)
    (tmp_path / "banner.jpg").write_bytes(JPG)

    made, status = await call(CREATING, served, tmp_path)
    assert status == 201, made
    assert list(made) == ["success", "data"]
    campaign = made["data"]
    assert (campaign["label"], campaign["budget_total"]) == ("Google Ads – June", 1200)
    assert (campaign["channels"], campaign["external_beacon_key"]) == (["google_ads"], BEACON)
    assert [(asset["name"], asset["content_type"]) for asset in campaign["assets"]] == [
        ("brief.pdf", "application/pdf"),
        ("banner.jpg", "image/jpeg"),
    ]
    for asset, content in zip(campaign["assets"], (PDF, JPG), strict=True):
        assert (await served.http.get(asset["url"])).content == content

    listed, status = await call(LISTING, served, tmp_path)
    assert status == 200
    assert campaign["id"] in [row["id"] for row in listed["data"]]


async def test_without_the_key_changed_they_are_unauthorized(served: Gateway, tmp_path: Path) -> None:
    body, status = await call(LISTING.replace("your-api-key", "another-key"), served, tmp_path)
    assert (status, body) == (401, {"message": "Unauthorized"})
