"""Criteo's own Python SDK, unmodified, against the gateway as it is served: an old version and one of today."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.process import Gateway, data_folder, serving

SDK = "criteo-api-marketingsolutions-sdk"
VERSIONS = ["0.0.230320", "0.0.261026"]
CLIENT = Path(__file__).with_name("sdk_client.py")
UNREACHABLE = re.compile(
    r"Retrying \(Retry|Could not connect|Connection|Temporary failure|ProxyError|timed out"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
async def served() -> AsyncIterator[Gateway]:
    """A gateway with demonstration data."""
    with data_folder() as folder:
        async with serving(folder) as gateway:
            yield gateway


async def run(*command: str, **environment: str) -> tuple[int, str, str]:
    """A program's exit code, output and complaints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def installed(version: str, folder: Path) -> Path:
    """A folder with this version alone: two of one package do not fit into one environment."""
    options = ["--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"]
    code, _, said = await run("-m", "pip", "install", *options, "--target", str(folder), f"{SDK}=={version}")
    if code and UNREACHABLE.search(said):
        pytest.skip(f"{SDK} {version} cannot be had: the package registry cannot be reached")
    assert code == 0, said
    return folder


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_vendors_sdk_creates_searches_gets_and_updates(
    served: Gateway, version: str, tmp_path: Path
) -> None:
    folder = await installed(version, tmp_path)
    demo = served.demo
    advertiser = str(demo["store_ids"][0]).rpartition("_")[2]

    code, out, err = await run(
        str(CLIENT), served.base, demo["client_id"], demo["client_secret"], advertiser, PYTHONPATH=str(folder)
    )

    assert code == 0, err
    answers: dict[str, Any] = json.loads(out)
    number = answers["created"]["data"]["id"]
    made = answers["created"]["data"]["attributes"]
    assert made["name"] == "Made by the SDK"
    assert answers["created"]["errors"] == []
    assert [row["id"] for row in answers["found"]["data"]] == [number]
    assert answers["patched"]["data"] == [{"id": number, "type": "Campaign"}]
    assert answers["patched"]["errors"] == []
    kept = answers["got"]["data"]["attributes"]["spendLimit"]
    assert kept == {"spendLimitRenewal": "daily", "spendLimitType": "capped", "spendLimitAmount": 99.5}
