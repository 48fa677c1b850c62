"""How long the event loop was held."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Ticker:
    """Takes a turn whenever it can; `longest_s` is the longest it had to wait for one."""

    def __init__(self) -> None:
        self.longest_s = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest_s = max(self.longest_s, now - last - 0.001)
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
