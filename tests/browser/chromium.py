"""Headless Chromium through its DevTools protocol, with every outside host unreachable."""

import asyncio
import base64
import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """The browser; without one the test is skipped, with a clear word."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._next = 0
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.asked: list[str] = []
        """Addresses the page asked for."""
        self.complaints: list[str] = []
        """Errors in its console, refusals of its policy among them."""

    async def listen(self) -> None:
        """Take in what the browser says, until it is gone."""
        async for text in self._socket:
            said = json.loads(text)
            if "id" in said:
                self._waiting.pop(said["id"]).set_result(said)
            elif said["method"] == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            elif said["method"] == "Log.entryAdded" and said["params"]["entry"]["level"] == "error":
                entry = said["params"]["entry"]
                self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
            elif said["method"] == "Runtime.exceptionThrown":
                self.complaints.append(json.dumps(said["params"]["exceptionDetails"])[:1000])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A DevTools command."""
        self._next += 1
        answer = self._waiting[self._next] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": self._next, "method": method, "params": params}))
        said: dict[str, Any] = await asyncio.wait_for(answer, 30)
        assert "error" not in said, said
        return dict(said["result"])

    async def open(self, url: str) -> None:
        """Go there."""
        for domain in ("Network", "Log", "Runtime", "Page"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=url)

    async def value(self, script: str) -> Any:
        """What an expression gives."""
        said = await self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    async def until(self, script: str, *, within_s: float = 30) -> Any:
        """Wait for an expression to be true; its value."""
        try:
            async with asyncio.timeout(within_s):
                while not (value := await self.value(script)):  # noqa: ASYNC110  # the page has no event
                    await asyncio.sleep(0.1)
        except TimeoutError:
            text = await self.value("document.body.innerText")
            raise AssertionError(f"never true: {script}\n{self.complaints}\n{text}") from None
        return value

    async def click(self, selector: str) -> None:
        """Click what a selector finds, as soon as it is there."""
        await self.until(f"!!document.querySelector({selector!r})")
        await self.value(f"document.querySelector({selector!r}).click()")

    async def press(self, key: str, *, code: str, number: int, modifiers: int = 0) -> None:
        """Press and release a key (modifiers: 2 is Ctrl)."""
        for kind in ("rawKeyDown", "keyUp"):
            await self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                modifiers=modifiers,
            )

    async def type(self, text: str) -> None:
        """Type where the cursor is, a character at a time, as editors that close brackets expect."""
        for character in text:
            await self.call("Input.insertText", text=character)

    async def picture(self, file: Path) -> None:
        """A screenshot."""
        said = await self.call("Page.captureScreenshot", format="png")
        await asyncio.to_thread(file.write_bytes, base64.b64decode(said["data"]))


@asynccontextmanager
async def page(*, width: int = 1400, height: int = 900) -> AsyncIterator[Page]:
    """A tab in a browser of its own, which reaches nothing but this machine."""
    profile = tempfile.mkdtemp(prefix="gateway-browser-")
    process = await asyncio.create_subprocess_exec(
        chromium(),
        "--headless=new",
        "--no-first-run",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        *(["--no-sandbox"] if os.getuid() == 0 else []),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
        f"--window-size={width},{height}",
        f"--user-data-dir={profile}",
        "--remote-debugging-port=0",
        "about:blank",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        where = await _address(Path(profile))
        async with connect(where, max_size=None) as browser:
            tab = await _own_tab(browser, where)
        async with connect(tab, max_size=None) as socket:
            one = Page(socket)
            listening = asyncio.create_task(one.listen())
            try:
                yield one
            finally:
                listening.cancel()
                await asyncio.wait([listening])
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def _address(profile: Path) -> str:
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(30):
        while not (file.exists() and file.read_text().count("\n") >= 1):  # noqa: ASYNC110  # a file has no event
            await asyncio.sleep(0.05)
    port, path = file.read_text().splitlines()
    return f"ws://127.0.0.1:{port}{path}"


async def _own_tab(browser: ClientConnection, where: str) -> str:
    await browser.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
    while (said := json.loads(await browser.recv())).get("id") != 1:
        pass
    target = next(t["targetId"] for t in said["result"]["targetInfos"] if t["type"] == "page")
    return f"{where.rpartition('/devtools/')[0]}/devtools/page/{target}"
