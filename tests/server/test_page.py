"""The page in a real browser, and what keeps it safe."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.report.browser import needed
from tests.server.chromium import browser
from tests.server.serving import get, live, toy
from tests.toy import ToyPolicy
from tts.protocols import Completion, Request
from tts.types import Step

HOSTILE = '<img src=x onerror="document.title=1">'


class Hostile(ToyPolicy):
    """A toy whose steps are markup, and which counts what it samples."""

    async def generate(self, request: Request) -> Completion:
        completion = await super().generate(request)
        first, *others = completion.steps
        if request.node.depth == 0:
            text = f"{HOSTILE}\n\n"
            first = Step(text, tuple(map(ord, text)))
        return Completion((first, *others), completion.finish)


async def test_the_page_is_one_file_that_may_reach_this_server_alone() -> None:
    reply = await get(toy().app, "/")
    text = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?://|@import|url\(|innerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert len(text) < 40_000


@needed
@pytest.mark.slow
async def test_people_solve_watch_cancel_and_come_back_in_a_browser(tmp_path: Path) -> None:
    made = toy(Hostile(slip=0.3, delay=1.0, context=4000), budget=8)
    with live(made) as address:
        async with browser(tmp_path) as tab:
            await tab.open(f"{address}/")
            assert await tab.js("document.querySelector('#model').value") == "auto"
            await tab.js("document.querySelector('#model').value = 'dvts'")

            await tab.js("document.querySelector('#go').click()")
            await tab.until("document.querySelectorAll('#tree [role=treeitem]').length > 4")
            assert await tab.js("document.querySelector('#go').disabled && !document.querySelector('#cancel').disabled")
            made.policy.delay = 0.02
            await tab.until("!document.querySelector('#result').hidden")
            assert await tab.js("document.querySelector('#answer').textContent") == "3"
            assert HOSTILE in await tab.js("document.querySelector('#tree').textContent")  # text, and no element
            assert await tab.js("document.querySelectorAll('#tree img').length + (document.title === '1')") == 0
            items = await tab.js("document.querySelectorAll('#tree [role=treeitem]').length")
            assert items == 8 + 8 + 8 + 8  # four depths, two subtrees of four each
            assert await tab.js("document.querySelectorAll('#tree .pruned').length") > 0
            assert await tab.js("document.querySelector('#votes .count').textContent.length") > 0
            scores = "[...document.querySelectorAll('#tree .score')].map(e => e.textContent)"
            assert {*await tab.js(scores)} <= {"0.90", "0.10"}
            link = await tab.js("location.pathname")
            assert link.startswith("/t/")

            await tab.open(address + link)  # the permalink, loaded again
            await tab.until("!document.querySelector('#result').hidden")
            assert await tab.js("document.querySelector('#answer').textContent") == "3"
            assert await tab.js("document.querySelectorAll('#tree [role=treeitem]').length") == items

            await tab.js("document.querySelector('#tree [role=treeitem]').focus()")
            for key in ("ArrowDown", "Enter"):
                await tab.call("Input.dispatchKeyEvent", type="keyDown", key=key)
            assert await tab.js("document.activeElement.getAttribute('aria-expanded')") == "true"
            unlabelled = "[...document.querySelectorAll('input,select,textarea')].filter(e => !e.labels.length).length"
            assert await tab.js(unlabelled) == 0

            made.policy.delay = 0.5
            await tab.js("document.querySelector('#go').click()")
            await tab.until("document.querySelectorAll('#tree [role=treeitem]').length > 0")
            await tab.call("Input.dispatchKeyEvent", type="keyDown", key="Escape")
            await tab.until("document.querySelector('#status').textContent.startsWith('Cancelled')")
            await asyncio.sleep(0.1)
            assert (made.policy.in_flight, made.service.house.inside) == (0, 0)

            await tab.js(
                "document.querySelector('#budget').value = 256;"
                "document.querySelector('#problem').value = 'x'.repeat(5000)"
            )
            await tab.js("document.querySelector('#go').click()")
            await tab.until("document.querySelector('#error').textContent.includes('tokens')")
            assert [url for url in tab.asked if not url.startswith((address, "data:"))] == []
            assert [error for error in tab.errors if "400" not in error] == []  # the last request's status
