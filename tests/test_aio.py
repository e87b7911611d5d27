"""Work on a thread that nobody waits for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from tts.aio import aside


async def test_a_result_and_an_error_come_back() -> None:
    assert await aside(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await aside(divmod, 1, 0)


async def test_it_runs_on_another_thread() -> None:
    assert await aside(threading.get_ident) != threading.get_ident()


async def test_a_cancelled_wait_ends_at_once_and_what_comes_later_does_no_harm() -> None:
    go = threading.Event()
    task = asyncio.create_task(aside(go.wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    go.set()
    await asyncio.sleep(0.05)


def test_an_interpreter_does_not_wait_for_it() -> None:
    # The thread would run for an hour; the process is to end by itself.
    script = """
import asyncio, time
from tts.aio import aside

async def main():
    task = asyncio.create_task(aside(time.sleep, 3600))
    await asyncio.sleep(0.1)
    task.cancel()

asyncio.run(main())
print("ended")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ended\n"
