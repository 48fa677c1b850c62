"""Stands between the gateway and its database, and cuts connections where a test wants it."""

import asyncio
import contextlib
import tempfile
from enum import Enum, auto
from urllib.parse import parse_qs, quote, urlsplit

# What a session says last when the postmaster is gone or the server stops: ErrorResponse, 57P01.
_FIELDS = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0"
GOODBYE = b"E" + (len(_FIELDS) + 4).to_bytes(4) + _FIELDS


class Cut(Enum):
    """How a connection ends."""

    UNSENT = auto()
    """The server never sees the message."""
    GOODBYE = auto()
    """It says goodbye in place of an answer."""
    UNANSWERED = auto()
    """It does what it was told, and nobody hears of it."""


class Relay:
    """Carries what clients and the server say to each other. A database's URL in, one's own out."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self._server = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
        self._folder = tempfile.TemporaryDirectory(prefix="relay-")
        self.url = parts._replace(query=f"host={quote(self._folder.name, safe='')}").geturl()
        self.holds_ends = False
        """Whether the end of a connection is kept back, as a slow network does."""
        self.held = asyncio.Semaphore(0)
        """Released with each end that is kept back."""
        self._free = asyncio.Event()
        self._cut: Cut | None = None
        self._left = 0
        self.turns = 0
        """How often clients have asked and waited for an answer, beyond what it takes to connect."""

    async def __aenter__(self) -> "Relay":
        self._listening = await asyncio.start_unix_server(self._meet, f"{self._folder.name}/.s.PGSQL.5432")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.let_go()
        self._listening.close()
        self._folder.cleanup()

    def let_go(self) -> None:
        """The ends that were held come."""
        self._free.set()

    def cut(self, how: Cut, *, after: int) -> None:
        """Of the messages that clients send from now on, so many are answered; the next one is its connection's end."""
        self._cut, self._left = how, after

    def was_cut(self) -> bool:
        """Whether it has come to that."""
        done, self._cut = self._cut is None, None
        return done

    async def _meet(self, from_pool: asyncio.StreamReader, to_pool: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(self._server)
        ends = asyncio.Event()
        await asyncio.gather(
            self._send(from_pool, to_server, to_pool, ends), self._answer(from_server, to_pool, ends)
        )

    async def _send(
        self,
        here: asyncio.StreamReader,
        there: asyncio.StreamWriter,
        back: asyncio.StreamWriter,
        ends: asyncio.Event,
    ) -> None:
        asked = _Turns()
        with contextlib.suppress(OSError):
            while data := await here.read(65_536):
                self.turns += asked.count(data)
                cut = self._take()
                if cut is not None:
                    ends.set()
                    if cut is Cut.UNANSWERED:
                        there.write(data)
                        await there.drain()
                        await asyncio.sleep(0.05)
                    elif cut is Cut.GOODBYE:
                        back.write(GOODBYE)
                        await back.drain()
                    break
                there.write(data)
                await there.drain()
        there.close()
        if ends.is_set():
            back.close()

    async def _answer(
        self, here: asyncio.StreamReader, there: asyncio.StreamWriter, ends: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await here.read(65_536):
                if not ends.is_set():
                    there.write(data)
                    await there.drain()
        if self.holds_ends:
            self.held.release()
            await self._free.wait()
        there.close()

    def _take(self) -> Cut | None:
        """What becomes of a message; None where it is carried."""
        if self._cut is None:
            return None
        if self._left:
            self._left -= 1
            return None
        cut, self._cut = self._cut, None
        return cut


class _Turns:
    """Reads what a client sends for what makes it wait: a simple query, a Sync or a Flush."""

    def __init__(self) -> None:
        self._unread = b""
        self._is_connecting = True
        """The first message has no type."""

    def count(self, data: bytes) -> int:
        """How many are in what comes next."""
        self._unread += data
        found = 0
        while len(self._unread) >= (head := 4 if self._is_connecting else 5):
            size = int.from_bytes(self._unread[head - 4 : head]) + head - 4
            if len(self._unread) < size:
                break
            found += not self._is_connecting and self._unread[:1] in (b"Q", b"S", b"H")
            self._unread, self._is_connecting = self._unread[size:], False
        return found
