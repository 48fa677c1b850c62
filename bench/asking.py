"""Queries asked of a database of their own, through the gateway's entry, and how long each takes."""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.auth.principal import Principal, Role
from app.db.database import connect
from app.db.embedded import EmbeddedServer
from app.db.migrating import create_database, migrate
from app.domain.assets.storage import AssetStorage
from app.graph.running.context import Context, Services
from app.graph.running.entry import Operation, answer
from app.settings import read_settings
from app.values.scope import Scope
from bench.report import replace_section


@dataclass(frozen=True)
class Asking:
    """A bench whose figures are the medians of its queries."""

    name: str
    """As in `python -m bench.name`."""
    doc: str | None
    queries: Mapping[str, str]
    now: datetime
    fill: Callable[[str], Awaitable[int]]
    """Makes the rows behind a database's address; the group that asks."""
    about: str
    """What is there, for the results."""
    bar_ms: float
    barred: str = ""
    """How the names of the queries begin that the bar is for."""
    times: int = 5
    statement_timeout_ms: int = 15_000

    def main(self) -> None:
        """Measure and say it. Exit status 1 over the bar."""
        parser = argparse.ArgumentParser(prog=f"python -m bench.{self.name}", description=self.doc)
        parser.add_argument("--write", action="store_true", help="write it into bench/RESULTS.md")
        given = parser.parse_args()
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
            Path(folder).chmod(0o755)
            server = EmbeddedServer(Path(folder) / "pg")
            try:
                took_ms = asyncio.run(self._measure(server, Path(folder)))
            finally:
                server.stop()
        if given.write:
            rows = [
                f"| {name} | {ms:,.0f}{' (over the bar)' if self._is_over(name, ms) else ''} |"
                for name, ms in took_ms.items()
            ]
            table = "\n".join(["| asked | median ms |", "|---|---:|", *rows])
            replace_section(self.name.capitalize(), f"`python -m bench.{self.name}`: {self.about}\n\n{table}")
        raise SystemExit(any(self._is_over(name, ms) for name, ms in took_ms.items()))

    def _is_over(self, name: str, ms: float) -> bool:
        return name.startswith(self.barred) and ms > self.bar_ms

    async def _measure(self, server: EmbeddedServer, folder: Path) -> dict[str, float]:
        url = server.dsn(self.name)
        await create_database(url)
        await migrate(url)
        started = time.perf_counter()
        scope = Scope(await self.fill(url))
        print(f"{self.about} Filled in {time.perf_counter() - started:.0f} s.")
        settings = read_settings({"DATA_DIR": str(folder / "data")})
        db = await connect(url, readers=1, writers=1, statement_timeout_ms=self.statement_timeout_ms)
        services = Services(settings, db, AssetStorage(settings))
        took_ms = {}
        try:
            for name, query in self.queries.items():
                took_ms[name] = ms = await self._ask(services, scope, query)
                print(f"  {name:40} {ms:7.0f} ms{'  OVER THE BAR' if self._is_over(name, ms) else ''}")
        finally:
            await db.close()
        return took_ms

    async def _ask(self, services: Services, scope: Scope, query: str) -> float:
        """The median of several times, after one that is not counted."""
        times = []
        for _ in range(self.times + 1):
            principal = Principal("bench", scope, frozenset({Role.READ}))
            started = time.perf_counter()
            made = await answer(Operation(query), Context(services, principal, now=self.now))
            times.append((time.perf_counter() - started) * 1000)
            if made.execution != "planned" or made.errors:
                raise SystemExit(f"not planned: {made}")
        return statistics.median(times[1:])
