"""Subscriptions as server-sent events: "distinct connections mode" of "GraphQL over Server-Sent Events".

A request that accepts `text/event-stream` is one operation: `next` events with its results, and at the end `complete`.
"""

import asyncio
from functools import partial

from starlette.types import Send

from app.errors import Failure, Unavailable
from app.graph.live.subscribers import Ended, Payload
from app.graph.live.subscriptions import Subscriptions
from app.graph.live.watching import Watches
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.running.entry import refusals
from app.serving.exchange import Exchange
from app.values.json_text import write_json

KEEP_ALIVE_S = 12.0
"""Proxies close silent connections; a line with a colon is a comment (HTML, "Server-sent events", authoring notes)."""
ROUTE = "/graphql (stream)"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
_SILENCE = b":\n\n"
_COMPLETE = b"event: complete\ndata:\n\n"


def events_of(result: bytes) -> bytes:
    """The whole stream of an operation with one result."""
    return Payload(result).event + _COMPLETE


class EventStreams:
    """Answers subscriptions over HTTP."""

    def __init__(self, subscriptions: Subscriptions, watches: Watches) -> None:
        self.subscriptions = subscriptions
        self.watches = watches

    async def answer(
        self, checked: CheckedOperation, context: Context, exchange: Exchange, send: Send
    ) -> None:
        """Answer a subscription without faults until either side ends it."""
        exchange.route = ROUTE
        exchange.cancel_with_client()
        try:
            subscriber = self.subscriptions.open(checked, context)
        except Unavailable:
            raise
        except Failure as failure:
            await _start(send)
            await _end(send, failure)
            return
        try:
            stop_watch = self.watches.open(
                exchange.headers,
                context.principal,
                subscriber.end,
                now=context.now,
                address=context.address,
            )
            try:
                exchange.at_stop = partial(subscriber.end, None)
                exchange.step_aside()
                await _start(send)
                # Now, so that the client sees that it was accepted.
                piece = _SILENCE
                while True:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                    try:
                        async with asyncio.timeout(KEEP_ALIVE_S):
                            payload = await subscriber.next()
                    except TimeoutError:
                        piece = _SILENCE
                        continue
                    if payload is None:
                        await send({"type": "http.response.body", "body": _COMPLETE})
                        break
                    piece = payload.event
            except Ended as ended:
                await _end(send, ended.failure)
            except asyncio.CancelledError:
                # The client has left, which is how a subscription ends: not to be logged as abandoned.
                task = asyncio.current_task()
                if not exchange.left or task is None:
                    raise
                task.uncancel()
            finally:
                stop_watch()
        finally:
            subscriber.close()


async def _start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})


async def _end(send: Send, failure: Failure | None) -> None:
    """Send the reason, if there is one; without it the client asks again, as after any broken connection."""
    body = b"" if failure is None else events_of(write_json({"errors": refusals(failure)}))
    await send({"type": "http.response.body", "body": body})
