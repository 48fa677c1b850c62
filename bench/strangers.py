"""A client that is known beside strangers who stall: `python -m bench.strangers`.

Another process opens `--sockets` connections on each open route (token endpoint, events, deliveries, socket
handshakes), begins a request on each, and opens a new one for each that the gateway closes. A client with a key asks
the `list` query meanwhile, one request after the other; blocks with and without strangers take turns. Exit status 1
where its p99 beside them is more than `MOST_TIMES` its quiet p99 (median over the rounds), or a request of it fails.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import cast

import psutil
import uvloop

from bench.data import FOLDER, Data, filled
from bench.report import replace_section
from bench.servers import GATEWAY, Request, Running, started

TITLE = "Strangers who stall"
MOST_TIMES = 2.0
OPEN_AGAIN_AFTER_S = 1.0
SETTLED_AFTER_S = 3.0


def _begun(path: str, content_type: str) -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: {content_type}\r\nContent-Length: 1000\r\n\r\n-"
    ).encode()


STALLED = {
    "tokens": _begun("/oauth2/token", "application/x-www-form-urlencoded"),
    "events": _begun("/api/v1/events", "multipart/form-data; boundary=x"),
    "deliveries": _begun("/api/v1/marketing/webhooks/sendgrid", "application/json"),
    "handshakes": (
        b"GET /graphql HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    ),
}
"""What is said on each open route, and nothing after it."""


@dataclass(frozen=True)
class Block:
    """What the client saw."""

    requests: int
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True)
class Round:
    """A block alone, and one beside strangers."""

    quiet: Block
    beside: Block
    opened_per_s: float
    """Connections the strangers opened during their block."""
    open_at_end: int
    rss_mb: float


def measure(running: Running, request: Request, *, sockets: int, rounds: int, seconds: float) -> list[Round]:
    """Take turns."""
    found = []
    for _ in range(rounds):
        quiet = _client(running.url, request, seconds=seconds)
        opened = _count(running.process)
        command = [sys.executable, "-m", "bench.strangers", "--stall", running.url, "--sockets", str(sockets)]
        strangers = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(SETTLED_AFTER_S)
            beside = _client(running.url, request, seconds=seconds)
            opened = _count(running.process) - opened
            rss_mb = running.process.memory_info().rss / 2**20
        finally:
            strangers.terminate()
            said, _ = strangers.communicate(timeout=15)
        told = json.loads(said)
        found.append(Round(quiet, beside, told["opened"] / told["seconds"], opened, rss_mb))
        time.sleep(1)
    return found


def report(found: Sequence[Round], *, sockets: int) -> tuple[str, bool]:
    """The figures as a table, and whether everything was held."""
    times = median(one.beside.p99_ms / one.quiet.p99_ms for one in found)
    times_p50 = median(one.beside.p50_ms / one.quiet.p50_ms for one in found)
    failed = sum(one.quiet.failed + one.beside.failed for one in found)
    lines = [
        "| round | alone: requests, p50, p99 ms | beside strangers | p99 times | more open files | opened a second"
        " | RSS MB |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for number, one in enumerate(found, 1):
        quiet, beside = (f"{b.requests:,}, {b.p50_ms:.2f}, {b.p99_ms:.2f}" for b in (one.quiet, one.beside))
        lines.append(
            f"| {number} | {quiet} | {beside} | {one.beside.p99_ms / one.quiet.p99_ms:.2f} | {one.open_at_end:,} |"
            f" {one.opened_per_s:.0f} | {one.rss_mb:.0f} |"
        )
    lines.append("")
    lines.append(
        f"{sockets} sockets on each of {len(STALLED)} open routes ({', '.join(STALLED)}): p99 {times:.2f} times,"
        f" p50 {times_p50:.2f} times the quiet one (medians; {MOST_TIMES:g} are allowed), {failed} requests failed."
    )
    return "\n".join(lines), times <= MOST_TIMES and not failed


def _client(url: str, request: Request, *, seconds: float) -> Block:
    """One request after the other on one connection."""
    return uvloop.run(_ask_again_and_again(url, request, seconds=seconds))


async def _ask_again_and_again(url: str, request: Request, *, seconds: float) -> Block:
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = request.body.encode()
    sent = (
        f"POST {request.path} HTTP/1.1\r\nHost: bench\r\nX-API-KEY: {request.key}\r\nAccept: application/json\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    took_ms: list[float] = []
    statuses: Counter[bytes] = Counter()
    end = time.perf_counter() + seconds
    while (started_at := time.perf_counter()) < end:
        writer.write(sent)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        took_ms.append((time.perf_counter() - started_at) * 1000)
        statuses[head[9:12]] += 1
    writer.close()
    ranked = sorted(took_ms)
    failed = len(ranked) - statuses[b"200"]
    return Block(len(ranked), ranked[len(ranked) // 2], ranked[int(len(ranked) * 0.99)], failed)


def _count(process: psutil.Process) -> int:
    return int(process.num_fds())


class _Stalled(asyncio.Protocol):
    """Says what it has to say, and opens another one when it is closed."""

    def __init__(self, stalling: "_Stalling", request: bytes) -> None:
        self.stalling = stalling
        self.request = request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.stalling.opened += 1
        cast("asyncio.WriteTransport", transport).write(self.request)

    def connection_lost(self, _: Exception | None) -> None:
        asyncio.get_running_loop().call_later(OPEN_AGAIN_AFTER_S, self.stalling.open, self.request)


class _Stalling:
    """All strangers of a run; they are in a process of their own, which ends when it is told to."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self.host, self.port = host, int(port)
        self.opened = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def open(self, request: bytes) -> None:
        """One more."""
        task = asyncio.get_running_loop().create_task(self._open(request))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _open(self, request: bytes) -> None:
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: _Stalled(self, request), self.host, self.port
            )
        except OSError:
            asyncio.get_running_loop().call_later(OPEN_AGAIN_AFTER_S, self.open, request)

    async def run(self, sockets: int) -> None:
        """Stall until SIGTERM."""
        loop, done, started_at = asyncio.get_running_loop(), asyncio.Event(), time.monotonic()
        loop.add_signal_handler(15, done.set)
        for request in STALLED.values():
            for number in range(sockets):
                # Within the first two seconds, so that not all of them are closed at once.
                loop.call_later(2 * number / sockets, self.open, request)
        await done.wait()
        print(json.dumps({"opened": self.opened, "seconds": time.monotonic() - started_at}))


def _run(data: Data, *, sockets: int, rounds: int, seconds: float) -> tuple[str, bool]:
    request = GATEWAY.asks["list"](data.groups[0])[0]
    with started(GATEWAY, data, FOLDER / "keys.json") as running:
        _client(running.url, request, seconds=1)
        found = measure(running, request, sockets=sockets, rounds=rounds, seconds=seconds)
    return report(found, sockets=sockets)


def main() -> bool:
    """Read the options and run; whether everything was held."""
    parser = argparse.ArgumentParser(prog="python -m bench.strangers", description=__doc__)
    parser.add_argument("--sockets", type=int, default=500, help="on each open route")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a block")
    parser.add_argument("--write", action="store_true", help="write the section of bench/RESULTS.md")
    parser.add_argument("--stall", metavar="URL", help=argparse.SUPPRESS)
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if given.stall:
        uvloop.run(_Stalling(given.stall).run(given.sockets))
        return True
    with filled() as data:
        table, held = _run(data, sockets=given.sockets, rounds=given.rounds, seconds=given.seconds)
    print(table)
    if given.write:
        replace_section(TITLE, f"`python -m bench.strangers`, on the machine below:\n\n{table}")
    return held


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
