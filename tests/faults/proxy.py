"""A network between the gateway and its database, on loopback, that fails when it is told to.

    async with Proxy(database_url) as proxy:
        db = await connect(proxy.url)
        proxy.cut_at(b"COMMIT", Cut.UNANSWERED)   # done, and nobody hears of it
        proxy.cut_after(3, Cut.GOODBYE)           # whatever the fourth message is
        proxy.freeze()                            # nothing is carried, and nothing is closed
        proxy.thaw()

It listens on a TCP port, as a database on another machine does, whatever way the real one is reached.
"""

import asyncio
import contextlib
import socket
from enum import Enum, auto
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536
_FIELDS = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: role\0\0"
_REFUSAL = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS
# What a session says last when the postmaster is gone or the server stops.
_LAST_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
_GOODBYE = b"E" + (len(_LAST_FIELDS) + 4).to_bytes(4) + _LAST_FIELDS
_SSL_REQUEST = (80877103).to_bytes(4)


class Cut(Enum):
    """How a connection ends at a message."""

    UNSENT = auto()
    """The server never sees the message."""
    HALF = auto()
    """The server gets the first half of it."""
    GOODBYE = auto()
    """The server never sees it, and the client is told that the server ends."""
    UNANSWERED = auto()
    """The server does what it was told, and its answer is lost."""
    HALF_ANSWERED = auto()
    """The client gets the first half of the answer."""
    SILENT = auto()
    """As UNANSWERED, but the connection stays open, and nothing comes through it any more."""


class Proxy:
    """Carries bytes both ways. A database's URL in, one's own (`url`) out."""

    def __init__(self, database_url: str, *, port: int = 0) -> None:
        parts = urlsplit(database_url)
        self._to = parts
        self._socket = parse_qs(parts.query).get("host", [""])[0]
        self._port = port
        self._moves = asyncio.Event()
        self._moves.set()
        self._lines: set[_Line] = set()
        self._cuts: list[tuple[bytes, Cut, int]] = []
        self.refuses = False
        """Whether new connections are closed at once."""
        self.refuses_settings = False
        """Whether a session that names a role as it starts is refused, as PgBouncer does."""
        self.delay_s = 0.0
        """How long each piece of data takes to the server, and each answer back."""
        self.cuts = 0
        """How many connections were ended at a message."""
        self.accepted = 0
        """How many connections there were."""
        self.turns = 0
        """How often clients have asked and waited for an answer, beyond what it takes to connect."""
        self.holds_ends = False
        """Whether clients do not learn yet that the server has ended their connection, as on a slow network."""
        self.held = asyncio.Semaphore(0)
        """Released with each end that is kept back."""
        self._free = asyncio.Event()

    @property
    def url(self) -> str:
        """The database's DSN, by way of this proxy."""
        user = self._to.netloc.rpartition("@")[0]
        rest = "&".join(p for p in self._to.query.split("&") if p and not p.startswith("host="))
        return f"postgresql://{user}@127.0.0.1:{self.port}{self._to.path}{'?' + rest if rest else ''}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.sockets[0].getsockname()[1])

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._lines)

    async def __aenter__(self) -> "Proxy":
        self._listening = await asyncio.start_server(self._meet, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        self.let_go()
        self.thaw()
        self.cut_now()
        await asyncio.gather(*(line.task for line in self._lines), return_exceptions=True)

    def lead_to(self, database_url: str) -> None:
        """New connections go to another server, as after a failover."""
        self._to = urlsplit(database_url)
        self._socket = parse_qs(self._to.query).get("host", [""])[0]

    def freeze(self) -> None:
        """Nothing is carried from now on. Connections are still accepted, as by a host that is there but hangs."""
        self._moves.clear()

    def thaw(self) -> None:
        """What waited is carried."""
        self._moves.set()

    def cut_now(self) -> None:
        """Every connection ends, with a reset on both sides."""
        for line in list(self._lines):
            line.reset()

    def cut_at(self, words: bytes, how: Cut, *, after: int = 0) -> None:
        """A client's message that has these bytes ends its connection; `after`: so many of them are carried first."""
        self._cuts.append((words, how, after))

    def cut_after(self, carried: int, how: Cut) -> None:
        """Of the messages that clients send from now on so many are carried; the next one ends its connection."""
        self._cuts = [(b"", how, carried)]

    def was_cut(self) -> bool:
        """Whether all cuts that were asked for have happened; those that have not are forgotten."""
        done = not self._cuts
        self.carry_all()
        return done

    def let_go(self) -> None:
        """The ends that were held come."""
        self._free.set()

    def carry_all(self) -> None:
        """Cuts that were asked for and have not happened are forgotten."""
        self._cuts.clear()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.refuses:
            writer.transport.abort()
            return
        await self._moves.wait()
        try:
            if self._socket.startswith("/"):
                there = await asyncio.open_unix_connection(f"{self._socket}/.s.PGSQL.{self._to.port or 5432}")
            else:
                host = self._to.hostname or self._socket
                there = await asyncio.open_connection(host, self._to.port or 5432)
        except OSError:
            writer.transport.abort()
            return
        line = _Line(self, (reader, writer), there)
        self._lines.add(line)
        try:
            await line.run()
        finally:
            self._lines.discard(line)

    async def _pause(self) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        await self._moves.wait()

    def _due(self, data: bytes) -> Cut | None:
        """How this message ends its connection, if it does."""
        for at, (words, how, after) in enumerate(self._cuts):
            if words in data:
                if after:
                    self._cuts[at] = (words, how, after - 1)
                    return None
                del self._cuts[at]
                self.cuts += 1
                return how
        return None


_End = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Line:
    """One connection: a client's end and the server's."""

    def __init__(self, proxy: Proxy, client: _End, server: _End) -> None:
        self.task: asyncio.Task[object] = asyncio.current_task()  # type: ignore[assignment]
        self._proxy = proxy
        self._client, self._server = client, server
        self._cut: Cut | None = None
        self._asked = _Turns()

    async def run(self) -> None:
        """Until either end closes."""
        ways = [asyncio.create_task(self._ask()), asyncio.create_task(self._answer())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if not self._proxy._moves.is_set():
                # Whoever hangs does not close either: the other end learns nothing.
                await self._proxy._moves.wait()
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for _, writer in (self._client, self._server):
                writer.close()

    def reset(self) -> None:
        """Both ends are told that it is over, at once."""
        for _, writer in (self._client, self._server):
            raw: socket.socket | None = writer.get_extra_info("socket")
            if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
                with contextlib.suppress(
                    OSError
                ):  # Closed without lingering: a reset instead of an orderly end.
                    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def _ask(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._client[0].read(CHUNK):
                await self._proxy._pause()
                self._proxy.turns += self._asked.count(data)
                if self._proxy.refuses_settings and b"\0role\0" in data[:4_000] and b"user\0" in data[:20]:
                    self._client[1].write(_REFUSAL)
                    await self._client[1].drain()
                    return
                self._cut = self._cut or self._proxy._due(data)
                if self._cut is Cut.UNSENT:
                    self.reset()
                    return
                if self._cut is Cut.GOODBYE:
                    self._client[1].write(_GOODBYE)
                    await self._client[1].drain()
                    return
                if self._cut is Cut.HALF:
                    self._server[1].write(data[: len(data) // 2])
                    await self._server[1].drain()
                    await asyncio.sleep(0.02)
                    self.reset()
                    return
                self._server[1].write(data)
                await self._server[1].drain()

    async def _answer(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self._server[0].read(CHUNK):
                await self._proxy._pause()
                if self._cut is Cut.SILENT:
                    continue
                if self._cut is not None:
                    # Its answer is here, so the server has done it.
                    if self._cut is Cut.HALF_ANSWERED:
                        self._client[1].write(data[: len(data) // 2])
                        await self._client[1].drain()
                        await asyncio.sleep(0.02)
                    self.reset()
                    return
                self._client[1].write(data)
                await self._client[1].drain()
        if self._proxy.holds_ends:
            self._proxy.held.release()
            await self._proxy._free.wait()


class _Turns:
    """Reads what a client sends for what makes it wait: a simple query, a Sync or a Flush."""

    def __init__(self) -> None:
        self._unread = b""
        self._is_connecting = True
        """Messages have no type yet."""

    def count(self, data: bytes) -> int:
        """How many are in what comes next."""
        self._unread += data
        found = 0
        while len(self._unread) >= (head := 4 if self._is_connecting else 5):
            size = int.from_bytes(self._unread[head - 4 : head]) + head - 4
            if len(self._unread) < size:
                break
            found += not self._is_connecting and self._unread[:1] in (b"Q", b"S", b"H")
            # A client may ask for TLS first, and begins anew when it is refused.
            self._is_connecting = self._is_connecting and self._unread[4:8] == _SSL_REQUEST
            self._unread = self._unread[size:]
        return found


__all__ = ["Cut", "Proxy"]
