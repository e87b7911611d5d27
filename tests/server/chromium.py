"""Drives Chromium by its own protocol, over a web socket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from tests.report.browser import BROWSER

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-port=0",
    "--disable-dev-shm-usage",
)  # fmt: skip


class Tab:
    """One page in the browser."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._ids = socket, itertools.count(1)
        self.errors: list[str] = []  # what the page's console complains of
        self.asked: list[str] = []  # addresses that the page asked for

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; return its result."""
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            message = await self._socket.receive_json(timeout=30)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message["method"] in ("Runtime.exceptionThrown", "Log.entryAdded"):
            self.errors.append(json.dumps(message["params"]))
        if message["method"] == "Network.requestWillBeSent":
            self.asked.append(message["params"]["request"]["url"])

    async def open(self, address: str) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.navigate", url=address)
        await self.until("document.readyState === 'complete' && document.querySelector('#model option')")

    async def js(self, code: str) -> Any:
        """Evaluate an expression."""
        result = await self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, code: str, seconds: float = 20) -> None:
        """Wait until an expression is true."""
        async with asyncio.timeout(seconds):
            while not await self.js(f"Boolean({code})"):  # noqa: ASYNC110 - the page tells nobody
                await asyncio.sleep(0.03)

    async def screenshot(self, picture: Path, *, width: int = 1100, height: int = 900, dark: bool = False) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self.call("Emulation.setEmulatedMedia", features=scheme)
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        await asyncio.to_thread(picture.write_bytes, base64.b64decode(shot["data"]))


@contextlib.asynccontextmanager
async def browser(home: Path) -> AsyncIterator[Tab]:
    """Start Chromium with an empty profile and open a tab."""
    assert BROWSER is not None
    process = await asyncio.create_subprocess_exec(
        BROWSER, *_FLAGS, f"--user-data-dir={home}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env={**os.environ, "HOME": str(home)},
    )  # fmt: skip
    try:
        told = home / "DevToolsActivePort"
        async with asyncio.timeout(60):
            while not told.exists() or len(told.read_text().splitlines()) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        port = told.read_text().splitlines()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json") as listed:
                tab = next(each for each in await listed.json() if each["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=1 << 26) as socket:
                yield Tab(socket)
    finally:
        process.terminate()
        await process.wait()
