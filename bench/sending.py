"""Sends prepared requests, each once: `python -m bench.sending PORT FILE`, a process of its own.

FILE is a pickled list of requests' bytes. They go out in order over 16 connections that are kept open, each waiting
for its answer. Prints one line of JSON: seconds, p50 and p99 in ms, and the first answer that was no success.
"""

import asyncio
import json
import pickle
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

CONNECTIONS = 16


async def send(port: int, requests: list[bytes]) -> dict[str, object]:
    """All of them, once."""
    left: Iterator[bytes] = iter(requests)
    took: list[float] = []
    failed: list[str] = []

    async def work() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            started = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            size = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(size or 0))
            took.append(time.perf_counter() - started)
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")) or b'"errors":[{' in body:
                failed.append((head[:40] + body[:600]).decode(errors="replace"))
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    lasted = time.perf_counter() - started
    took.sort()
    return {
        "seconds": lasted,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[int(len(took) * 0.99)] * 1000,
        "failed": failed[:1],
    }


if __name__ == "__main__":
    print(json.dumps(uvloop.run(send(int(sys.argv[1]), pickle.loads(Path(sys.argv[2]).read_bytes())))))
