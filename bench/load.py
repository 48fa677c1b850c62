"""One block: wrk against one server, and what it cost the server and the database meanwhile."""

import contextlib
import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psutil

CONNECTIONS = 16
LONGEST_S = 20
SCRIPT = Path(__file__).with_name("rotate.lua")


@dataclass(frozen=True)
class Block:
    """What a block measured."""

    rps: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float
    """Per request; ms for one request is s for a thousand."""
    database_cpu_ms: float
    bytes_per_request: float
    rss_mb: float


class Failed(Exception):
    """A block that measures nothing."""


def warm_up(url: str, requests: Path, *, seconds: int) -> float:
    """A block that is not counted; the requests per second it saw."""
    return _wrk(url, requests, seconds)["requests"] / seconds


def long_enough(seconds: int, *, rps: float) -> int:
    """How long a block must be for a slow server: ten waves of requests, not a fraction of one."""
    return max(seconds, min(LONGEST_S, math.ceil(10 * CONNECTIONS / rps) if rps else LONGEST_S))


def run_block(
    url: str, requests: Path, *, seconds: int, server: psutil.Process, postmaster: psutil.Process
) -> Block:
    """Load for some seconds. Failed where a request failed."""
    server_s, database_s = _cpu_s(server), _cpu_s(postmaster)
    found = _wrk(url, requests, seconds)
    server_s, database_s = _cpu_s(server) - server_s, _cpu_s(postmaster) - database_s
    many = found["requests"]
    if found["failed"]:
        raise Failed(f"{found['failed']} requests failed, {many} were answered")
    if not many:
        raise Failed(f"no request was answered within {seconds} s: make the blocks longer")
    return Block(
        rps=many / (found["us"] / 1e6),
        p50_ms=found["p50_us"] / 1000,
        p99_ms=found["p99_us"] / 1000,
        server_cpu_ms=server_s * 1000 / many,
        database_cpu_ms=database_s * 1000 / many,
        bytes_per_request=found["bytes"] / many,
        rss_mb=sum(_rss(p) for p in _family(server)) / 2**20,
    )


def _wrk(url: str, requests: Path, seconds: int) -> dict[str, int]:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), url]
    said = subprocess.run([*command, "--", str(requests)], check=True, capture_output=True, text=True).stdout
    found: dict[str, int] = json.loads(said.strip().splitlines()[-1])
    return found


def _cpu_s(process: psutil.Process) -> float:
    """User and system time of a process and its descendants, the ended ones too."""
    total = 0.0
    for one in _family(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += sum(one.cpu_times()[:4])
    return total


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _rss(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.memory_info().rss)
    return 0
