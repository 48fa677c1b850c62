"""What is watched, and for whom: one read per tick and topic, however many subscribers there are.

A topic is a document with its variables, inside a scope. As long as somebody is subscribed it is read again and again,
by the one statement of its plan, and every subscriber gets the same text.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from app.errors import AnswerTooLarge, Invalid, TooLarge, Unavailable
from app.graph.live.subscribers import Payload, Subscriber
from app.graph.running.checking import CheckedOperation
from app.graph.running.context import Context
from app.graph.running.entry import Answer, run
from app.graph.subscription import MAX_EVENTS, MAX_EVERY_S
from app.plan.catalog import Fact, News
from app.plan.news import NewsHead, SeenNews, split_news
from app.serving import metrics

MAX_TOPICS = 1_000
"""Per process: each reads the database as often as it was told to."""
MAX_TOPICS_OF_ONE = 200
"""Per group."""
LOOKS_AT_ONCE = 2
"""For different groups. The other reading connections are for requests."""

log = logging.getLogger("gateway.live")


class Topics:
    """Every topic of this process."""

    def __init__(self) -> None:
        self._open: dict[Any, _Topic] = {}
        self._groups: WeakValueDictionary[int, _Group] = WeakValueDictionary()
        self._turns = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()
        """Including those of topics that were left during a read."""

    def subscribe(self, checked: CheckedOperation, context: Context) -> Subscriber:
        """Subscribe to the topic of this operation; a Failure where that is not possible."""
        asked = _read(checked)
        key = _key(checked, context)
        topic = self._open.get(key)
        if topic is None:
            group_id = context.scope.group_id
            group = self._groups.get(group_id)
            if group is None:
                group = self._groups[group_id] = _Group()
            if len(self._open) >= MAX_TOPICS or len(group.topics) >= MAX_TOPICS_OF_ONE:
                raise Unavailable("Too many different subscriptions are open. Please try again shortly.")
            topic = self._open[key] = _Topic(
                checked, context, asked, group, turns=self._turns, done=lambda: self._open.pop(key, None)
            )
            self._running.add(topic.task)
            topic.task.add_done_callback(self._running.discard)
        return topic.add()

    async def close(self) -> None:
        """Stop reading."""
        for topic in list(self._open.values()):
            topic.stop()
        await asyncio.gather(*self._running)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How a subscription wants to be read."""

    every_s: int
    is_news: bool
    """Each message has what is new; otherwise each has the whole, and only the latest counts."""
    by_move: bool = False
    """News are told when they are settled."""


class _Group:
    """The topics of one group. Groups take turns, so that one with slow topics does not hold up the others for long."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.topics: set[_Topic] = set()


def _read(checked: CheckedOperation) -> _Asked:
    root = checked.plan.tree.roots[0]
    values = root.values if root.slot is None else checked.args[root.slot]
    every_s = values["every"]
    if not 1 <= every_s <= MAX_EVERY_S:
        raise Invalid(f"every lies between 1 and {MAX_EVERY_S} seconds.")
    if isinstance(root.field, News):
        return _Asked(every_s, is_news=True, by_move=root.field.settled_by(values))
    return _Asked(every_s, is_news=False)


def _key(checked: CheckedOperation, context: Context) -> Any:
    """Equal keys get equal answers."""
    operation, who = checked.operation, context.principal
    tells_who_asks = any(isinstance(one.field, Fact) for one in checked.plan.tree.walk())
    return (
        operation.query,
        operation.name,
        msgspec.json.encode(operation.variables, order="sorted"),
        context.scope,
        context.base_url,
        context.stale_ok,
        (who.name, who.roles) if tells_who_asks else None,
    )


class _Topic:
    """One topic and its subscribers."""

    def __init__(
        self,
        checked: CheckedOperation,
        context: Context,
        asked: _Asked,
        group: _Group,
        *,
        turns: asyncio.Semaphore,
        done: Callable[[], object],
    ) -> None:
        # Checked once: after the first time only the clock changes.
        self._checked = checked
        # The numbers of transactions mean nothing on a replica that lags behind.
        self._context = replace(context, stale_ok=False) if asked.is_news else context
        self._asked = asked
        self._group = group
        group.topics.add(self)
        self._turns = turns
        self._done = done
        self._subscribers: set[Subscriber] = set()
        self._last: Payload | None = None
        self._seen = SeenNews(by_move=asked.by_move) if asked.is_news else None
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(self._run())

    def add(self) -> Subscriber:
        """Add a subscriber; it gets what the others have at once."""
        made = Subscriber(
            keeps_all=self._asked.is_news, leave=self._leave, group_id=self._context.scope.group_id
        )
        self._subscribers.add(made)
        if self._last is not None:
            made.put(self._last)
        return made

    def stop(self) -> None:
        """Read no more. A read under way is completed: cancelling it would cost the driver its connection."""
        if not self._stop.is_set():
            self._stop.set()
            self._group.topics.discard(self)
            self._done()

    def _leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        if not self._subscribers:
            self.stop()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._stop.is_set():
            started = loop.time()
            try:
                more = await self._look()
            except Exception:
                log.exception("a subscription cannot be looked after")
                more = False
            took_s = loop.time() - started
            # A read that takes long is followed by a pause as long.
            rest_s = 0 if more else max(self._asked.every_s - took_s, took_s)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), rest_s)

    async def _look(self) -> bool:
        """Read once and pass it on; returns whether there is more to read at once."""
        async with self._group.turn, self._turns:
            now = datetime.now(UTC)
            window = self._seen.window() if self._seen is not None else None
            context = replace(self._context, now=now, window=window)
            given = await run(self._checked, context)
        metrics.live_tick()
        if given.execution == "refused":
            if any(error["extensions"]["code"] == TooLarge.code for error in given.errors):
                for subscriber in list(self._subscribers):
                    subscriber.end(AnswerTooLarge())
                self.stop()
                return False
            # It was possible the first time, so the database is unreachable; there will be another tick.
            log.warning("a subscription gets no answer", extra={"request_id": context.request_id})
            return False
        if self._seen is None:
            if self._last is None or self._last.body != given.body:
                self._last = Payload(given.body)
                self._pass_on(self._last)
            return False
        head, body = _news_of(given, context)
        if head is None:
            log.warning("a subscription gets no news", extra={"request_id": context.request_id})
            return False
        is_all = len(head.rows) < MAX_EVENTS
        self._seen.add(head, is_all=is_all)
        if head.rows or given.errors:
            self._pass_on(Payload(body))
        return not is_all

    def _pass_on(self, payload: Payload) -> None:
        for subscriber in self._subscribers:
            subscriber.put(payload)


def _news_of(given: Answer, context: Context) -> tuple[NewsHead | None, bytes]:
    """What is new, and the message. None: that could not be found out."""
    if given.execution == "planned":
        return split_news(given.body)
    return (context.loaders.news if context.loaders is not None else None), given.body
