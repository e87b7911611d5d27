"""Work on a thread that nobody waits for, and the background loop that engines live on."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.markdown import ROOT
from tts.aio import Requests, Stop, aside, background, heard
from tts.errors import EngineError


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


async def test_a_wish_to_stop_ends_the_wait_and_cancels_the_work() -> None:
    stop, ended = Stop(), list[str]()

    async def work(seconds: float) -> int:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return 7

    assert await stop.before(work(0), None) == 7
    with pytest.raises(TimeoutError):
        await stop.before(work(60), 0.01)
    threading.Timer(0.05, stop.ask).start()
    with pytest.raises(TimeoutError):
        await stop.before(work(60), None)
    assert ended == ["cancelled", "cancelled"]
    with pytest.raises(TimeoutError):  # the wish stays
        await stop.before(work(60), None)


async def test_who_awaits_until_a_wish_may_be_cancelled_and_an_error_comes_back() -> None:
    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Stop().before(fails(), None)
    task = asyncio.create_task(Stop().before(asyncio.sleep(60), None))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


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


def test_an_interrupt_inside_a_running_loop_cancels_what_blocks_it() -> None:
    # As in a notebook: the loop's own thread waits, the interrupt comes there. The work would run for an hour.
    script = """
import asyncio, signal, threading, time
from tts.aio import blocking

ended = threading.Event()

async def work():
    main = threading.main_thread().ident
    threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGINT]).start()
    try:
        await asyncio.sleep(3600)
    finally:
        ended.set()

async def notebook():
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        blocking(work)
    except KeyboardInterrupt:
        print("interrupted", ended.wait(30))

asyncio.run(notebook())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "interrupted True\n"


class TestBackgroundLoop:
    async def test_a_coroutine_runs_there_and_its_result_and_error_come_back(self) -> None:
        async def divide(a: int, b: int) -> tuple[int, int]:
            return threading.get_ident(), a // b

        thread, result = await background().run(divide(7, 2))
        assert (thread != threading.get_ident(), result) == (True, 3)
        with pytest.raises(ZeroDivisionError):
            await background().run(divide(1, 0))

    async def test_there_it_is_awaited_without_another_task(self) -> None:
        async def outer() -> bool:
            return asyncio.current_task() is await background().run(inner())

        async def inner() -> asyncio.Task[bool] | None:
            return asyncio.current_task()

        assert await background().run(outer())

    async def test_cancelling_the_wait_cancels_the_work(self) -> None:
        begun, ended = threading.Event(), threading.Event()

        async def work() -> None:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

        task = asyncio.create_task(background().run(work()))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(ended.wait, 5)

    async def test_an_error_that_nobody_waits_for_any_more_is_not_complained_about(self) -> None:
        begun, heard = threading.Event(), list[str]()

        async def fails() -> None:
            begun.set()
            try:
                await asyncio.sleep(60)
            finally:
                raise ValueError

        async def settled() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            if others:
                await asyncio.wait(others, timeout=1)
            others.clear()
            gc.collect()

        loop = background().loop
        loop.set_exception_handler(lambda _, context: heard.append(context["message"]))
        try:
            task = asyncio.create_task(background().run(fails()))
            await asyncio.to_thread(begun.wait, 5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            del task
            await background().run(asyncio.sleep(0.05))  # the work hears of it
            await background().run(settled())
        finally:
            loop.set_exception_handler(None)
        assert not heard

    def test_a_blocking_wait_on_that_thread_is_refused_and_does_not_hang(self) -> None:
        async def inner() -> None: ...

        async def outer() -> None:
            background().wait(inner())

        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            background().wait(outer())

    @pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
    def test_an_exit_in_a_task_reaches_who_waits_and_the_loop_goes_on(self, error: type[BaseException]) -> None:
        async def exits() -> None:
            raise error

        async def works() -> int:
            return 1

        with pytest.raises(error):
            background().wait(exits(), 5)
        assert background().wait(works(), 5) == 1


class TestRequests:
    async def test_closing_fails_what_is_under_way_and_what_comes_later(self) -> None:
        requests = Requests()

        async def close() -> None:
            requests.close()

        under_way = asyncio.create_task(requests.run(asyncio.sleep(60)))
        await asyncio.sleep(0.1)
        await background().run(close())
        with pytest.raises(EngineError, match="closed before this request was done"):
            await under_way
        with pytest.raises(EngineError, match="the engine was closed"):
            await requests.run(asyncio.sleep(0))

    async def test_a_cancelled_request_is_cancelled_and_no_error_of_the_engine(self) -> None:
        task = asyncio.create_task(Requests().run(asyncio.sleep(60)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def test_a_search_that_catches_the_error_goes_on(self) -> None:
        """Closing cancels the task that waits; the cancellation must be taken back with the error."""
        requests = Requests()

        async def search() -> str:
            try:
                await requests.run(asyncio.sleep(60))
            except EngineError:
                await asyncio.sleep(0)  # would raise CancelledError were it still cancelled
            return "goes on"

        async def both() -> str:
            task = asyncio.create_task(search())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            requests.close()
            return await task

        assert await background().run(both()) == "goes on"


_SLEEPING = """
import asyncio, signal, threading, time
from tts.aio import heard

def press():
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)  # so the sleep of the loop is not interrupted

async def wait():
    threading.Thread(target=press).start()
    await asyncio.sleep(15)

signal.signal(signal.SIGINT, signal.default_int_handler)
begun = time.monotonic()
try:
    asyncio.run(WORK)
except KeyboardInterrupt:
    print("heard", time.monotonic() - begun < 10)
"""


@pytest.mark.parametrize("work", ["heard(wait())", "heard(heard(wait()))"])
def test_a_signal_that_does_not_interrupt_the_sleep_of_the_loop_is_heard(work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SLEEPING.replace("WORK", work)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "heard True\n"


def test_on_another_thread_work_is_only_awaited() -> None:
    async def work() -> int:
        return 3

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(asyncio.run, heard(work())).result() == 3
