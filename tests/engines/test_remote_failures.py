"""Failures of servers, and their effect on requests."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask
from tts import Solver
from tts.engines.remote.address import Address, Patience
from tts.engines.remote.policy import RemotePolicy
from tts.errors import BadInput, EngineError, ModelError
from tts.models.find import find
from tts.types import Node, Until

Connect = Callable[..., RemotePolicy]


class TestFailures:
    async def test_what_may_pass_is_tried_again(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        for failures in ([500], [503, 502], ["drop"], [(429, {"Retry-After": "0"})], [408, 409, "drop", 500]):
            fake.failures = list(failures)
            assert (await remote.generate(ask(root, temperature=0.0))).steps[0].tokens
            assert not fake.failures

    async def test_the_server_may_ask_for_a_longer_wait(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = [(429, {"Retry-After": "0.3"})]
        start = time.monotonic()
        await remote.generate(ask(root, temperature=0.0))
        assert time.monotonic() - start >= 0.3

    async def test_what_does_not_pass_is_one_sentence(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake, retries=1)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = [500, 500]
        with pytest.raises(EngineError, match=r"failed 2 times: it answered 500 \(as it was told\)") as caught:
            await remote.generate(ask(root))
        assert "\n" not in str(caught.value)
        fake.failures = [400]
        with pytest.raises(EngineError, match=r"refused the request \(400\): as it was told\.$"):
            await remote.generate(ask(root))
        fake.failures = ["html"]
        with pytest.raises(EngineError, match="is it an OpenAI-compatible server"):
            await remote.generate(ask(root))
        assert (await remote.generate(ask(root))).steps, "and the next one goes through"

    async def test_a_server_that_hangs_is_given_up_in_time(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake, timeout=0.2, retries=1)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = ["hang", "hang"]
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"no answer within 0\.2 s"):
            await remote.generate(ask(root))
        assert time.monotonic() - start < 2

    async def test_a_cancelled_request_hangs_up(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = ["hang"]
        task = asyncio.create_task(remote.generate(ask(root)))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(fake.hung_up.wait, 2)
        assert (await remote.generate(ask(root))).steps

    async def test_no_more_requests_than_allowed_are_under_way(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake, concurrency=3)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.slow, fake.peak = 0.02, 0
        await asyncio.gather(*(remote.generate(ask(root, seed, until=Until.END, tokens=3)) for seed in range(12)))
        assert fake.peak == 3

    def test_a_server_that_dies_fails_each_problem_quickly_and_keeps_what_is_done(
        self, fake: FakeServer, connect: Connect
    ) -> None:
        remote = connect(fake, backoff=0.05)
        solver = Solver(remote, None, "majority", 2, temperature=0.0, solution_tokens=20)

        async def collect() -> list[Any]:
            found = {}
            async for index, solution in solver.stream([f"take {k} + 1 ?" for k in range(300)], 8):
                found[index] = solution
                if len(found) == 10:
                    await asyncio.to_thread(fake.die)
            return [found[k] for k in sorted(found)]

        start = time.monotonic()
        solutions = asyncio.run(collect())
        failed = [s for s in solutions if s.error]
        assert len(solutions) == 300
        assert 10 <= 300 - len(failed) < 60
        assert time.monotonic() - start < 10
        assert {e for s in failed if "see that the server runs" not in (e := str(s.error))} == set()
        assert fake.root in str(failed[-1].error)

    def test_a_dead_server_is_one_sentence(self, connect: Connect) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(EngineError, match=rf"http://127\.0\.0\.1:{port}/v1 failed .*no connection") as caught:
            connect(f"http://127.0.0.1:{port}/v1#tiny")
        assert "see that the server runs" in str(caught.value)

    def test_a_server_that_comes_back_is_used_again(
        self, fake: FakeServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tts.engines.remote.client._REST", 0.2)
        remote = connect(fake, retries=0)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = ["drop"]
        for _ in range(2):
            with pytest.raises(EngineError, match="the connection broke"):
                asyncio.run(remote.generate(ask(root)))
        assert len(fake.asked("/v1/completions")) == 2, "one trial, one that was dropped, none while it rests"
        time.sleep(0.25)
        assert asyncio.run(remote.generate(ask(root))).steps

    def test_a_key_is_taken_from_the_environment_and_shown_to_nobody_else(
        self, fakes: Callable[..., FakeServer], connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake = fakes(key="sk-right")
        with pytest.raises(ModelError, match=r"does not accept the API key \(401\)"):
            connect(fake)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong")
        with pytest.raises(ModelError, match="TTS_API_KEY") as caught:
            connect(fake)
        assert "sk-wrong" not in str(caught.value)
        monkeypatch.setenv("TTS_API_KEY", "sk-right")
        remote = connect(fake)
        assert "sk-right" not in repr(remote) + repr(remote._server) + repr(vars(remote))
        monkeypatch.delenv("TTS_API_KEY")
        monkeypatch.setenv("MINE", "sk-right")
        connect(fake, api_key_env="MINE")
        with pytest.raises(BadInput, match="YOURS is not set"):
            connect(fake, api_key_env="YOURS")

    def test_models_that_are_not_served_are_named_with_those_that_are(
        self, fakes: Callable[..., FakeServer], connect: Connect
    ) -> None:
        fake = fakes(served=("alpha", "beta"))
        with pytest.raises(ModelError, match=r"does not serve 'alfa': it serves alpha, beta; write .*#alpha\.$"):
            connect(f"{fake.root}/v1#alfa")
        with pytest.raises(BadInput, match=r"serves alpha, beta: choose one, as in .*#alpha\.$"):
            connect(f"{fake.root}/v1")
        assert connect(f"{fake.root}/v1#beta").name == "beta"
        assert connect(f"{fakes().root}").name == "tiny", "the only one needs no name"

    def test_addresses_that_make_no_sense_are_told(self) -> None:
        for url in ("http://", "http://host:port/v1", "https:///v1"):
            with pytest.raises(BadInput, match="http://host:port/v1#model-name"):
                Address.parse(url)
        with pytest.raises(BadInput, match="TTS_API_KEY") as caught:
            Address.parse("https://me:secret@host/v1")
        assert "secret" not in str(caught.value)
        with pytest.raises(ModelError, match="write http://localhost:8000/v1#tiny"):
            find("localhost:8000/v1#tiny")
        assert Address.parse("HTTP://host:1/") == Address("http://host:1/v1", "http://host:1")
        assert Address.parse("https://host/api/v1") == Address("https://host/api/v1", "https://host/api")
        assert Address.parse("http://[::1]:80") == Address("http://[::1]:80/v1", "http://[::1]:80")

    def test_options_are_numbers_within_their_range(self) -> None:
        assert Patience.of({"timeout": "3", "retries": "0"}) == Patience(timeout=3.0, retries=0)
        for options, words in (
            ({"timeot": 1}, "no option 'timeot'"),
            ({"retries": "many"}, "retries must be a number"),
            ({"concurrency": 0}, "concurrency must be 1 or more"),
            ({"timeout": float("nan")}, "timeout must be"),
        ):
            with pytest.raises(BadInput, match=words):
                Patience.of(options)

    async def test_closing_fails_what_is_under_way(self, fake: FakeServer, connect: Connect) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        fake.failures = ["hang"]
        task = asyncio.create_task(remote.generate(ask(root)))
        await asyncio.sleep(0.1)
        await asyncio.to_thread(remote.close)
        with pytest.raises(EngineError, match="closed"):
            await task
        with pytest.raises(EngineError, match="closed"):
            await remote.generate(ask(root))

    def test_loops_in_two_threads_and_one_after_another_share_connections(
        self, fake: FakeServer, connect: Connect
    ) -> None:
        remote = connect(fake)
        root = Node(remote.prompt(PROBLEM), "/")
        results: list[tuple[int, ...]] = []

        def work() -> None:
            results.append(asyncio.run(remote.generate(ask(root, temperature=0.0))).steps[0].tokens)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        work()
        assert len(results) == 3
        assert len(set(results)) == 1
