"""How long the event loop was held, by the processor's clock: a busy machine makes nothing longer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Ticker:
    """Takes a turn whenever it can; `longest_s` is the most that this thread worked between two of them."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        last = time.thread_time()
        while True:
            await asyncio.sleep(0)
            now = time.thread_time()
            self.longest_s = max(self.longest_s, now - last)
            last = now


@asynccontextmanager
async def ticking() -> AsyncIterator[Ticker]:
    """While the block runs."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(0.01)
    ticker.longest_s = 0.0
    try:
        yield ticker
    finally:
        task.cancel()
