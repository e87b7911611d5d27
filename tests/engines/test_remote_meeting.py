"""Time limits of a server, and what it says of itself while a model is loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.engines.fake_http import Says
from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask
from tts import solve
from tts.engines.remote.policy import RemotePolicy
from tts.errors import EngineError, ModelError
from tts.types import Node, Until

Connect = Callable[..., RemotePolicy]
Fakes = Callable[..., FakeServer]


class TestTime:
    @pytest.mark.parametrize("variant", ["chat", "openai"])
    async def test_an_answer_that_drips_ends_with_the_timeout(
        self, fakes: Fakes, connect: Connect, variant: Any
    ) -> None:
        fake = fakes(variant)
        remote = connect(fake, timeout=0.4, retries=0)
        root = Node(remote.prompt(PROBLEM), "/")
        drips = [b'{"choices": ', *[b" "] * 100] if variant == "chat" else [b": ping\n\n"] * 100
        fake.failures = [Says(drips, pause=0.05)]
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"no answer within 0\.4 s"):
            await remote.generate(ask(root, until=Until.END if variant == "chat" else Until.STEP))
        assert time.monotonic() - start < 2

    def test_a_server_that_drips_while_it_is_met_ends_with_the_timeout(self, fakes: Fakes, connect: Connect) -> None:
        fake = fakes("openai")
        fake.failures = [Says([b" "] * 100, pause=0.05)] * 2
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"no answer within 0\.3 s"):
            connect(fake, timeout=0.3)
        assert time.monotonic() - start < 2

    @pytest.mark.parametrize("when", ["loading", "making the prompt"])
    def test_max_seconds_bounds_what_comes_before_the_search(self, fakes: Fakes, when: str) -> None:
        fake = fakes("vllm")  # without a tokenizer here, the server makes the prompt
        fake.failures = ["hang"] if when == "loading" else [None, None, None, "hang"]
        start = time.monotonic()
        solution = solve("take 2 + 5 ?", policy=fake.url, prm=None, strategy="majority", budget=2, max_seconds=1)
        assert time.monotonic() - start < 5
        assert (solution.answer, solution.stopped) == (None, "max_seconds")
        assert any("the models were not ready within max_seconds" in warning for warning in solution.warnings)

    def test_the_search_has_the_seconds_that_loading_left(self, fakes: Fakes) -> None:
        fake = fakes("chat", slow=0.4)  # three requests to load, then one sample after the other
        start = time.monotonic()
        solution = solve(
            "take 2 + 5 ?", policy=fake.url, prm=None, strategy="majority", budget=64, max_seconds=3,
            engine_args={"concurrency": 1}, solution_tokens=4,
        )  # fmt: skip
        assert time.monotonic() - start < 6
        assert solution.stopped == "max_seconds"
        assert 1 <= len(solution.candidates) < 5


class TestMeeting:
    """What a server says of itself while a model is loaded."""

    @pytest.mark.parametrize("length", ["long", -1, 0, 1e300, True, None, [512], {"n": 1}])
    def test_a_context_that_is_none_is_not_believed(self, fakes: Fakes, connect: Connect, length: Any) -> None:
        fake = fakes("openai")
        fake.failures = [Says.json({"data": [{"id": "tiny", "max_model_len": length}]})]
        assert connect(fake).context == 32768

    @pytest.mark.parametrize("settings", [{"n_ctx": "many"}, {"n_ctx": 1e300}, [], None, 7])
    def test_nor_is_that_of_llama_cpp(
        self, fakes: Fakes, connect: Connect, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(FakeServer, "props", lambda *_: (200, {"default_generation_settings": settings}), False)
        fake = fakes("llama.cpp")
        fake.failures = [None] * 4 + [Says.json({"default_generation_settings": settings})]
        assert connect(fake).context == 32768

    def test_what_cannot_be_a_models_name_is_passed_over(self, fakes: Fakes, connect: Connect) -> None:
        fake = fakes("openai")
        odd = ["a\n\x1b[2Jb", "c" * 9999, 7, None, "", ["a"]]
        fake.failures = [Says.json({"data": [*({"id": name} for name in odd), {"id": "alpha"}, "beta"]})]
        with pytest.raises(ModelError, match=r"does not serve 'other': it serves alpha; write .*#alpha\.$"):
            connect(f"{fake.root}/v1#other")
