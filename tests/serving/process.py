"""The gateway as an operator starts it: a process of its own."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

COMMAND = [sys.executable, "-m", "app.cli"]


@contextmanager
def data_folder() -> Iterator[Path]:
    """A DATA_DIR that the embedded server's own user may enter (pytest's folders are closed to it)."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-data-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def environment(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of a gateway whose data is in `folder`, and nothing of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "DATA_DIR": str(folder), **settings}


@dataclass
class Gateway:
    """A running `gateway serve`."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient
    base: str
    folder: Path
    ready_after_s: float

    @property
    def demo(self) -> dict[str, Any]:
        """The first demonstration group's credentials."""
        return dict(json.loads((self.folder / "demo.json").read_text())["groups"][0])

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Gateway]:
    """`gateway serve --demo` on a free port, ready; stopped at the end."""
    port = free_port()
    started = time.monotonic()
    with (folder / "gateway.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *COMMAND,
            "serve",
            "--demo",
            env=environment(folder, PORT=str(port), DEVELOPMENT="1", **settings),
            stdout=log,
            stderr=log,
        )
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, timeout=30) as http:
        try:
            await _ready(http, process, folder)
            yield Gateway(process, http, base, folder, time.monotonic() - started)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def run(*arguments: str, folder: Path, **settings: str) -> tuple[int, str]:
    """A `gateway` command that ends by itself: exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        env=environment(folder, **settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def _ready(http: httpx.AsyncClient, process: asyncio.subprocess.Process, folder: Path) -> None:
    async with asyncio.timeout(90):
        while True:
            if process.returncode is not None:
                raise AssertionError((folder / "gateway.log").read_text()[-3000:])
            try:
                if (await http.get("/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
