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
from app.graph.schema import catalog
from app.graph.subscription import MAX_EVENTS, MAX_EVERY_S, MAX_LAST
from app.plan.binding import NewsWindow
from app.plan.catalog import Fact, News
from app.plan.compile import compile_tree
from app.plan.news import NewsHead, SeenNews, Snapshot, split_news, with_past
from app.serving import metrics

MAX_TOPICS = 1_000
"""Per process: each reads the database as often as it was told to."""
MAX_TOPICS_OF_ONE = 200
"""Per group."""
LOOKS_AT_ONCE = 2
"""For different groups. The other reading connections are for requests."""

_PAST = with_past(catalog)

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
    last: int = 0
    """How many of those before the first news each subscriber begins with; 0: only news."""


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
        last = values.get("last") or 0
        if not 0 <= last <= MAX_LAST:
            raise Invalid(f"last lies between 0 and {MAX_LAST}.")
        return _Asked(every_s, is_news=True, by_move=root.field.settled_by(values), last=last)
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
        self._joining: set[Subscriber] = set()
        """They get what was there before, and then belong to the others."""
        self._past = _past_of(checked) if asked.last else checked
        self._last: Payload | None = None
        self._seen = SeenNews(by_move=asked.by_move) if asked.is_news else None
        self._is_over = False
        self._stir = asyncio.Event()
        """Ends the pause between two looks: somebody has joined, or it is over."""
        self.task = asyncio.create_task(self._run())

    def add(self) -> Subscriber:
        """Add a subscriber; it gets what the others have at once."""
        made = Subscriber(
            keeps_all=self._asked.is_news, leave=self._leave, group_id=self._context.scope.group_id
        )
        if self._asked.last:
            self._joining.add(made)
            self._stir.set()
            return made
        self._subscribers.add(made)
        if self._last is not None:
            made.put(self._last)
        return made

    def stop(self) -> None:
        """Read no more. A read under way is completed: cancelling it would cost the driver its connection."""
        if not self._is_over:
            self._is_over = True
            self._stir.set()
            self._group.topics.discard(self)
            self._done()

    def _leave(self, subscriber: Subscriber) -> None:
        self._subscribers.discard(subscriber)
        self._joining.discard(subscriber)
        if not self._subscribers and not self._joining:
            self.stop()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_over:
            # Whoever joins from here on may be too late for this look.
            self._stir.clear()
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
                await asyncio.wait_for(self._stir.wait(), rest_s)

    async def _look(self) -> bool:
        """Read once and pass it on; returns whether there is more to read at once."""
        window = self._seen.window() if self._seen is not None else None
        given, context = await self._run_once(self._checked, window)
        if given.execution == "refused":
            if _is_too_large(given):
                for subscriber in [*self._subscribers, *self._joining]:
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
        if is_all and self._joining:
            await self._welcome(head.snapshot)
        return not is_all

    async def _welcome(self, snapshot: Snapshot) -> None:
        """Give those who have joined the last rows of this snapshot, behind which their news begin."""
        assert self._seen is not None
        joining = list(self._joining)
        given, context = await self._run_once(self._past, self._seen.past(snapshot))
        if given.execution == "refused":
            if _is_too_large(given):
                for subscriber in joining:
                    self._joining.discard(subscriber)
                    subscriber.end(AnswerTooLarge())
            return
        head, body = _news_of(given, context)
        if head is None:
            log.warning("a subscription cannot begin", extra={"request_id": context.request_id})
            return
        payload = Payload(body)
        for subscriber in self._joining.intersection(joining):
            self._joining.discard(subscriber)
            self._subscribers.add(subscriber)
            subscriber.put(payload)

    async def _run_once(self, checked: CheckedOperation, window: NewsWindow | None) -> tuple[Answer, Context]:
        async with self._group.turn, self._turns:
            context = replace(self._context, now=datetime.now(UTC), window=window)
            given = await run(checked, context)
        metrics.live_tick()
        return given, context

    def _pass_on(self, payload: Payload) -> None:
        for subscriber in self._subscribers:
            subscriber.put(payload)


def _is_too_large(given: Answer) -> bool:
    return any(error["extensions"]["code"] == TooLarge.code for error in given.errors)


def _past_of(checked: CheckedOperation) -> CheckedOperation:
    """The same operation about what was there before."""
    plan = checked.plan
    if plan.statement is None:
        return checked
    return checked._replace(plan=replace(plan, statement=compile_tree(_PAST, plan.tree, checked.scope_shape)))


def _news_of(given: Answer, context: Context) -> tuple[NewsHead | None, bytes]:
    """What is new, and the message. None: that could not be found out."""
    if given.execution == "planned":
        return split_news(given.body)
    return (context.loaders.news if context.loaders is not None else None), given.body
