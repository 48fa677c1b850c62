"""Trackers in a process of their own: events posted at a fixed rate, whether answers come or not.

Open loop: a request is due at its time, and its latency counts from then, so that a server that stalls cannot slow its
own measurement down. `python -m bench.flood` is started by `bench/ingest.py`; it prints one line of JSON.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter, deque
from typing import cast

import uvloop

CONNECTIONS = 128
TABLETS = 5
"""Of each shop: trackers that many people use."""
HOUSEHOLD = 3
"""How many people have one telephone number."""
PAGES = ("Étagère « à 2 »", "Lamp", "Chair", "Table")


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request at a time."""

    def __init__(self, flood: "Flood") -> None:
        self.flood = flood
        self.due = 0.0
        self.buffer = b""
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes, due: float) -> None:
        """Post; the answer is counted."""
        assert self.transport is not None
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length:
            self.buffer = b""
            self.flood.answered(self, head[9:12].decode(), body[:length])

    def connection_lost(self, _: Exception | None) -> None:
        self.flood.lost(self)


class Flood:
    """What is sent, and what came back."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.idle: deque[Connection] = deque()
        self.waiting: deque[tuple[bytes, float]] = deque()
        self.latencies: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.ids: set[bytes] = set()
        self.sent = self.broken = self.behind = 0
        self.chance = random.Random(given.seed)
        self.done = asyncio.Event()

    async def run(self) -> dict[str, object]:
        """Send all of it; the figures."""
        loop, given = asyncio.get_running_loop(), self.given
        for _ in range(CONNECTIONS):
            _, made = await loop.create_connection(lambda: Connection(self), "127.0.0.1", given.port)
            self.idle.append(made)
        total = given.count or int(given.rate * given.seconds)
        start = time.perf_counter()
        while self.sent < total:
            now = time.perf_counter() - start
            if given.rate:
                due_now = min(total, int(now * given.rate) + 1)
            else:
                due_now = min(total, self.sent + len(self.idle))
            while self.sent < due_now:
                due = start + self.sent / given.rate if given.rate else time.perf_counter()
                self._post(self._request(self.sent), due)
                self.sent += 1
            await asyncio.sleep(0.0005)
        for _ in range(300_000):
            if sum(self.statuses.values()) + self.broken >= self.sent:
                break
            await asyncio.sleep(0.002)
        took_s = time.perf_counter() - start
        ranked = sorted(self.latencies) or [0.0]
        return {
            "sent": self.sent,
            "statuses": dict(self.statuses),
            "broken": self.broken,
            "took_s": round(took_s, 3),
            "acknowledged": len(self.ids),
            "acknowledged_per_s": round(self.statuses["200"] / took_s, 1),
            "p50_ms": round(ranked[len(ranked) // 2] * 1000, 2),
            "p99_ms": round(ranked[int(len(ranked) * 0.99)] * 1000, 2),
            "max_ms": round(ranked[-1] * 1000, 2),
            "most_waiting": self.behind,
        }

    def _post(self, request: bytes, due: float) -> None:
        if self.idle:
            self.idle.popleft().send(request, due)
        else:
            self.waiting.append((request, due))
            self.behind = max(self.behind, len(self.waiting))

    def answered(self, connection: Connection, status: str, body: bytes) -> None:
        self.latencies.append(time.perf_counter() - connection.due)
        self.statuses[status] += 1
        if status == "200":
            self.ids.add(body)
        if self.waiting:
            connection.send(*self.waiting.popleft())
        else:
            self.idle.append(connection)

    def lost(self, connection: Connection) -> None:
        if connection in self.idle:
            self.idle.remove(connection)
        else:
            self.broken += 1

    def _request(self, number: int) -> bytes:
        """An order: one in a hundred is a repeat, one in twenty is not as its type wants it."""
        given, chance = self.given, self.chance
        nonce = number - 1 if number and chance.random() < 0.01 else number
        slug = given.slugs[nonce % len(given.slugs)]
        who = chance.randrange(2_000)
        data: dict[str, object] = {
            "label": chance.choice(PAGES),
            "turnover": chance.randrange(100, 50_000) / 100,
            "converted": int(chance.random() < 0.3),
        }
        if chance.random() < 0.3:
            data["email"] = f"user{who}@example.com"
        tracker = f"tracker-{slug}-{who}"
        if chance.random() < given.shared:
            # Half of them order on the shop's tablet, the others tell the number of their household.
            data["email"] = f"user{who}@example.com"
            if chance.random() < 0.5:
                tracker = f"tablet-{slug}-{who % TABLETS}"
            else:
                data["phone"] = f"+336{12_000_000 + who // HOUSEHOLD}"
        if chance.random() >= 0.05:
            data["basket"] = chance.randrange(1, 9)
        told = {
            "projectId": slug,
            "eventType": "order",
            "trackerId": tracker,
            "nonce": f"{given.run}-{nonce}",
            "data": data,
        }
        body = json.dumps(told, ensure_ascii=False).encode()
        return (
            b"POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body)
        ) + body


def main() -> None:
    """Read the options, send, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0, help="events a second; 0: as fast as answers come")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument(
        "--shared",
        type=float,
        default=0.0,
        help="share of orders made on a device, or with a number, that others use",
    )
    parser.add_argument("--run", default="run", help="begins every nonce")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slugs", type=lambda text: text.split(","), required=True)
    print(json.dumps(uvloop.run(Flood(parser.parse_args()).run())))


if __name__ == "__main__":
    main()
