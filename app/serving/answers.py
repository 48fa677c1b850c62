"""Answers leave in one piece.

uvicorn writes an answer's head and its body one after the other, two system calls and two packets, and the first of
them wakes the client for nothing.
"""

import asyncio
from collections.abc import Callable

from app.serving.bodies import KIB

_CONTINUE = b"HTTP/1.1 100 "


class Answers:
    """A connection's transport as its answers see it: the head waits for the first piece of the body."""

    joined_bytes = 64 * KIB
    """A larger body is written by itself; copying it would cost more than the second system call."""

    __slots__ = ("_between", "_head", "_leave", "_transport")

    def __init__(self, transport: asyncio.Transport, leave: Callable[[], object]) -> None:
        self._transport = transport
        self._leave = leave
        self._between = True
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Write now, or together with what comes next."""
        head = self._head
        if head is not None:
            self._head = None
            if len(data) <= self.joined_bytes:
                data = head + data
            else:
                self._transport.write(head)
        elif self._between and not data.startswith(_CONTINUE):
            self._between = False
            self._head = data
            return
        self._transport.write(data)

    def finish(self) -> None:
        """The answer is complete: what comes next is another answer's head."""
        self._between = True
        if self._head is not None:
            # There was no body, not even an empty one.
            self._transport.write(self._head)
            self._head = None

    def close(self) -> None:
        """Close when everything is written."""
        self.finish()
        self._leave()

    def let_go(self) -> None:
        """Forget the connection, so that it is gone without the garbage collector."""
        self._leave = self._transport.close

    def is_closing(self) -> bool:
        """Whether it is about to close."""
        return self._transport.is_closing()
