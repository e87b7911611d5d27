"""vLLM in this process: the policy as a generator, the reward model as a pooling model that reads each token once."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import sys
import tempfile
import threading
import types
import warnings
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout, suppress
from copy import copy
from dataclasses import dataclass, field, fields
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from tts.cost import ModelShape
from tts.engines.loading import SMALL, causal_shape, guarded, shape_of, tokenizer_of
from tts.engines.reading import Reader
from tts.engines.service import Service, loop_thread
from tts.engines.stepper import Splitter, Stepper
from tts.engines.text import Text
from tts.engines.weights import require
from tts.errors import BadInput, EngineError, MissingExtra, ModelError, PromptTooLong, UnknownName
from tts.models import ModelCard
from tts.protocols import Completion, Pooling, Read, Request, RewardFormat
from tts.registry import resolve
from tts.types import Finish, Node, Problem, Step, Until

__all__ = ["ENGINE", "VLLMEngine", "VLLMPolicy", "VLLMReward"]

Warn = Callable[[str], str | None]

_DTYPES = ("float32", "bfloat16", "float16", "auto")
_ROOM = 4096  # tokens of context beyond the longest solution, for the problem
_CPU: Mapping[str, Any] = {
    "block_size": 32,  # the smallest there is on a CPU, so that little of a prefix is read twice
    "kv_cache_memory_bytes": 1 << 30,
    "enforce_eager": True,  # compiling takes half a minute at every start
    "max_num_seqs": 256,
    "max_num_batched_tokens": 8192,
    "enable_chunked_prefill": False,  # a sampler with a seed of its own cannot take a prompt in pieces there
}
_CPU_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process an engine in place of two
    "TOKENIZERS_PARALLELISM": "false",
}
_SEEDS = (1 << 63) - 1
_preparing = threading.Lock()  # imports from two threads at once go wrong in libraries that import lazily
_starting = threading.Lock()  # on a GPU one engine measures the free memory, then the next


class VLLMPolicy:
    """A causal language model on vLLM as a policy. Implements :class:`tts.protocols.Policy`.

    Prompts and continuations are token ids, and only whole continuations come back. vLLM stops at ids of the
    vocabulary that hold a separator; where a step truly ends, the same :class:`Stepper` decides as in every engine.

    Args:
        card: prompt, separator and limits.
        service: the running engine.
        tokenizer: its tokenizer.
        shape: for the cost of a pass.
        context: most tokens of prompt and solution.
        ends: ids that end a solution.
        seeds: whether a request carries its seed; without, sampling is somewhat faster and never the same twice.
        warn: says of a problem's text why the model may be out of its depth.
    """

    def __init__(
        self, card: ModelCard, service: Service, tokenizer: Any, *, shape: ModelShape, context: int, ends: set[int],
        seeds: bool = True, warn: Warn | None = None,
    ) -> None:  # fmt: skip
        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self.seeds = seeds
        self._service = service
        self._text = Text(tokenizer)
        self._splitter = Splitter(self._text.decode, card.separator, ends)
        size = service.engine.model_config.get_vocab_size()
        self._stops = {Until.END: sorted(ends), Until.STEP: sorted(ends | self._splitter.closing(range(size)))}
        self._settings = lru_cache(64)(self._sampling)
        self._warn = warn

    @property
    def alive(self) -> bool:
        """False once the engine's process has ended."""
        return not self._service.dead

    def warn(self, problem: Problem) -> str | None:
        """A sentence for the user when the problem looks beyond this model, else None."""
        return self._warn(problem.text) if self._warn else None

    def prompt(self, problem: Problem) -> Step:
        """The prompt. Raises PromptTooLong where it leaves no room for an answer, BadInput for an empty problem."""
        return self._text.prompt(problem, self.card, self.context)

    async def generate(self, request: Request) -> Completion:
        """Sample one continuation. Raises EngineError when vLLM fails at it, EngineDied when it is gone."""
        prompt = request.node.tokens
        limit = min(request.max_tokens, self.context - len(prompt))
        if limit < 1:
            return Completion((Step("", ()),), Finish.LENGTH)
        stepper, done = self._splitter.start(prompt), False
        while not done and (sampled := len(stepper.tokens)) < limit:
            # More than one round only where an id that holds a separator did not end a step.
            tokens = await self._sample(request, [*prompt, *stepper.tokens], limit - sampled, sampled)
            done = _take(stepper, tokens, request.until)
        stepped = request.until is Until.STEP and stepper.between
        finish = Finish.STOP if stepper.ended else Finish.STEP if stepped else Finish.LENGTH
        return Completion(stepper.steps(), finish)

    def close(self) -> None:
        """End the engine's process; requests under way fail with EngineError."""
        self._service.close()

    async def _sample(self, request: Request, tokens: list[int], limit: int, sampled: int) -> list[int]:
        params = copy(self._settings(request.until, request.temperature, request.top_p))
        params.max_tokens = limit
        if self.seeds and request.temperature > 0:
            params.seed = (request.seed + sampled) & _SEEDS

        def ask(name: str) -> AsyncGenerator[Any, None]:
            stream: AsyncGenerator[Any, None] = self._service.engine.generate(_prompt(tokens), params, name)
            return stream

        answer = (await self._service.ask(ask)).outputs[0]
        if not answer.token_ids:
            raise EngineError(f"vLLM ended a request to {self.name} without a token ({answer.finish_reason}).")
        return list(answer.token_ids)

    def _sampling(self, until: Until, temperature: float, top_p: float) -> Any:
        """What requests of one kind have in common; making it anew takes longer the more stops there are."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        return SamplingParams(
            temperature=temperature,
            top_p=top_p,
            stop_token_ids=self._stops[until],
            ignore_eos=True,  # the ids that end a solution are among the stops
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
            skip_clone=True,
        )


def _take(stepper: Stepper, tokens: list[int], until: Until) -> bool:
    """Feed what was sampled, up to where the request is done; True if it is. What lies behind was never asked for."""
    return any(stepper.push(token) and (stepper.ended or until is Until.STEP) for token in tokens)


@dataclass(slots=True)
class _Known:
    """What a search has been told of a text: the score at its end, once known, and of the texts that go on from it."""

    score: float | None = None
    further: dict[tuple[int, ...], _Known] = field(default_factory=dict)


class VLLMReward:
    """A process reward model on vLLM as a pooling model. Implements :class:`tts.protocols.RewardModel`.

    Every token of a request that is not in the prefix cache comes back with its scores (pooling of kind ALL, the cache
    being read), so a step costs its own tokens and at most a block of those before it. Scores are remembered by the
    text they belong to for as long as the search lives, since what lies in the cache does not come back. Where a step
    does and nobody remembers it, the request is made once more past the cache.

    Args:
        card: name and limits.
        service: the running engine.
        form: how the family's prompt grows, step by step.
        pooling: which column of a token's scores is the step's.
        shape: for the cost of a pass.
        context: most tokens it reads.
    """

    beside = True

    def __init__(
        self, card: ModelCard, service: Service, form: RewardFormat, pooling: Pooling, *, shape: ModelShape,
        context: int,
    ) -> None:  # fmt: skip
        from vllm import PoolingParams

        self.card = card
        self.name = card.name
        self.shape = shape
        self.context = context
        self.computed = 0  # tokens that were really read, those of repeated requests included
        self.reused = 0  # tokens that were wanted and in the cache
        self._service = service
        self._reader = Reader(form)
        self._column = pooling.column
        self._params = PoolingParams
        self._known: WeakKeyDictionary[Step, _Known] = WeakKeyDictionary()

    @property
    def alive(self) -> bool:
        """False once the engine's process has ended."""
        return not self._service.dead

    def lengths(self, problem: Problem, node: Node) -> list[int]:
        """Tokens of the prompt, then of each step of ``node``."""
        return self._reader.lengths(problem, node)

    async def score(self, problem: Problem, node: Node, seen: int) -> tuple[float, ...]:
        """One score in 0..1 for each step after the first ``seen``.

        Raises PromptTooLong when the text does not fit the model's context, EngineError when vLLM fails at it.
        """
        if seen >= node.depth:
            return ()
        prompt, *reads = self._reader.read(problem, node)
        if (length := len(prompt.tokens) + sum(len(read.tokens) for read in reads)) > self.context:
            raise PromptTooLong(
                f"the problem and its solution are {length} tokens long for {self.name}, which reads "
                f"{self.context}: set a lower token limit, or choose a reward model with a longer context."
            )
        known = self._known.setdefault(node.root.step, _Known())
        path = [known := known.further.setdefault(read.tokens, _Known()) for read in reads]
        for cached in (True, False):
            if any(place.score is None for place in path[seen:]):
                await self._fill(prompt, reads, path, cached=cached)
        return tuple(place.score for place in path[seen:] if place.score is not None)

    def close(self) -> None:
        """End the engine's process; requests under way fail with EngineError."""
        self._service.close()

    async def _fill(self, prompt: Read, reads: list[Read], path: list[_Known], *, cached: bool) -> None:
        """Read a text and note the scores that come back: those of its last tokens, which were not in the cache."""
        tokens, marks = list(prompt.tokens), []
        for read in reads:
            marks.append(len(tokens) + read.at)
            tokens += read.tokens
        del tokens[marks[-1] + 1 :]
        rows = await self._rows(tokens, cached=cached)
        start = len(tokens) - len(rows)
        for mark, place in zip(marks, path, strict=True):
            if mark >= start:
                place.score = rows[mark - start]

    async def _rows(self, tokens: list[int], *, cached: bool) -> list[float]:
        """The score at each of the last tokens, those that were not in the cache."""
        params = self._params(task="token_classify", skip_reading_prefix_cache=not cached)

        def ask(name: str) -> AsyncGenerator[Any, None]:
            stream: AsyncGenerator[Any, None] = self._service.engine.encode(_prompt(tokens), params, name)
            return stream

        rows: list[float] = (await self._service.ask(ask)).outputs.data[:, self._column].tolist()
        self.computed += len(rows)
        self.reused += len(tokens) - len(rows)
        return rows


def _prompt(tokens: list[int]) -> dict[str, Any]:
    """Token ids as vLLM's front end takes them without looking at them again."""
    return {"type": "token", "prompt_token_ids": tokens}


class VLLMEngine:
    """Starts models on vLLM, from folders of this machine; never from the network.

    ``device`` is "cpu", "cuda" or "cuda:k" (``"cuda:0,cuda:1"`` runs a model on both in tensor parallel); ``dtype`` as
    vLLM names it, by default float32 on a CPU and the checkpoint's own on a GPU. ``share`` is the part of the device's
    memory that this model may take. Every further argument is one of vLLM's engine arguments.
    """

    def load_policy(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, share: float = 0.9,
        warn: Warn | None = None, seeds: bool = True, **arguments: Any,
    ) -> VLLMPolicy:  # fmt: skip
        """A policy ready to sample. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
        folder = require(card)
        with _preparing:
            _check_installed()
            tokenizer, shape = tokenizer_of(card, folder), causal_shape(card, folder)
            ends = _ends(folder, tokenizer)
            settings = {"max_model_len": min(card.context, card.max_tokens + _ROOM), **arguments}
            config = _configure(card, folder, device, dtype, share, settings)
        service = _start(card, config, shape)
        context = int(service.engine.model_config.max_model_len)
        return VLLMPolicy(
            card, service, tokenizer, shape=shape, context=context, ends=ends, seeds=seeds, warn=warn
        )  # fmt: skip

    def load_reward(
        self, card: ModelCard, *, device: str | None = None, dtype: str | None = None, share: float = 0.9,
        **arguments: Any,
    ) -> VLLMReward:  # fmt: skip
        """A reward model ready to score. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
        folder, family = require(card), resolve("prm family", card.family)
        pooling: Pooling = family.pooling
        with _preparing:
            _check_installed()
            form = family.format(tokenizer_of(card, folder))
            shape = shape_of(guarded(card, lambda: family.shape(folder)))
            settings = {"max_model_len": card.context, **_pooling_arguments(pooling), **arguments}
            config = _configure(card, folder, device, dtype, share, settings)
        service = _start(card, config, shape)
        context = int(service.engine.model_config.max_model_len)
        return VLLMReward(card, service, form, pooling, shape=shape, context=context)


ENGINE = VLLMEngine()


def _pooling_arguments(pooling: Pooling) -> dict[str, Any]:
    from vllm.config import PoolerConfig

    arguments: dict[str, Any] = {"runner": "pooling", "pooler_config": PoolerConfig(tok_pooling_type="ALL")}
    if pooling.overrides:
        arguments |= {"hf_overrides": dict(pooling.overrides), "convert": "classify"}
    return arguments


def _check_installed() -> None:
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        with _spawning({}):
            import vllm  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "the vllm engine needs vLLM: run `pip install 'tts-search[vllm]'` (CUDA), or use --engine transformers."
        ) from error


def _configure(
    card: ModelCard, folder: Path, device: str | None, dtype: str | None, share: float, settings: Mapping[str, Any]
) -> Any:
    """vLLM's configuration for a model; its engine arguments are checked here."""
    from vllm.engine.arg_utils import AsyncEngineArgs

    if dtype is not None and dtype not in _DTYPES:
        raise BadInput(f"there is no data type {dtype!r}: use {', '.join(_DTYPES)}.")
    arguments = {
        "model": str(folder), "enable_prefix_caching": True, "disable_log_stats": True, "skip_tokenizer_init": True,
        "trust_remote_code": False, "generation_config": "vllm", **_placed(device, _on_cpu()),
        "dtype": dtype or ("float32" if _on_cpu() else "auto"),
    }  # fmt: skip
    arguments |= _CPU if _on_cpu() else {"gpu_memory_utilization": share}
    arguments |= settings
    arguments["max_model_len"] = min(arguments["max_model_len"], _positions(folder) or arguments["max_model_len"])
    if not arguments.get("enable_chunked_prefill", True):
        arguments["max_num_batched_tokens"] = max(arguments["max_num_batched_tokens"], arguments["max_model_len"])
    known = {f.name for f in fields(AsyncEngineArgs)}
    for name in arguments:
        if name not in known:
            raise UnknownName("engine argument of vLLM", name, known)
    with _spawning(_CPU_ENVIRONMENT if _on_cpu() else {}):
        return guarded(card, lambda: AsyncEngineArgs(**arguments).create_engine_config())


def _start(card: ModelCard, config: Any, shape: ModelShape) -> Service:
    """Start an engine and wait until it is ready."""
    from vllm.v1.engine.async_llm import AsyncLLM

    values = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn", **(_CPU_ENVIRONMENT | _threads(shape) if _on_cpu() else {})}
    try:
        with nullcontext() if _on_cpu() else _starting, _spawning(values):
            engine = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
    except Exception as error:
        reason = _spawning.reason() or str(error).strip().partition("\n")[0].rstrip(".")
        raise ModelError(f"vLLM cannot start {card.name}: {reason} (its log is {_spawning.log}).") from error
    return Service(card.name, engine, loop_thread())


def _on_cpu() -> bool:
    from vllm.platforms import current_platform

    return bool(current_platform.is_cpu())


def _placed(device: str | None, on_cpu: bool) -> dict[str, Any]:
    """Engine arguments for the devices asked for."""
    if device is None or device in ("auto", "cuda" if not on_cpu else "cpu"):
        return {}
    names = [name.strip() for name in device.split(",")]
    if on_cpu or not all(name.startswith("cuda:") and name[5:].isdigit() for name in names):
        what = "a CPU, so only cpu" if on_cpu else "CUDA, so cuda, cuda:0 or cuda:0,cuda:1"
        raise BadInput(f"device {device!r} cannot be used: this vLLM is built for {what} can be named.")
    return {"device_ids": [int(name[5:]) for name in names], "tensor_parallel_size": len(names)}


def _threads(shape: ModelShape) -> dict[str, str]:
    """Threads of an engine's process on a CPU: one for a small model, else half the cores, for there are two models.

    In a small model two threads wait for each other in each of a hundred small kernels.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return {}
    threads = 1 if shape.parameters < SMALL else max(1, (os.cpu_count() or 1) // 2)
    return {"OMP_NUM_THREADS": str(threads)}


def _positions(folder: Path) -> int:
    """The longest text that a checkpoint's positions reach; 0 where it does not say."""
    try:
        return int(json.loads((folder / "config.json").read_text()).get("max_position_embeddings") or 0)
    except (OSError, ValueError, AttributeError):
        return 0


def _ends(folder: Path, tokenizer: Any) -> set[int]:
    """Ids that end a solution: the tokenizer's end of sequence and those of the generation configuration."""
    configured: Any = None
    file = folder / "generation_config.json"
    if file.is_file():
        configured = json.loads(file.read_text()).get("eos_token_id")
    ids = configured if isinstance(configured, list) else [configured]
    ends = {int(token) for token in (*ids, tokenizer.eos_token_id) if token is not None}
    if not ends:
        raise ModelError(f"{folder} names no token that ends a solution: add eos_token_id to generation_config.json.")
    return ends


class _Spawning:
    """Surroundings in which vLLM is imported and starts its processes: undone when the last of several threads leaves.

    What is printed goes to a log: standard output belongs to our answers. The processes' environment is set, and
    ``tts.engines.child`` stands in for the user's script, which a spawned process would run once more, up to a guard
    that most short scripts lack.
    """

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._environment: dict[str, str | None] = {}
        self._main: types.ModuleType | None = None
        self._stderr = -1
        self._hushed = ExitStack()
        self.log = Path(tempfile.gettempdir(), f"tts-vllm-{os.getpid()}.log")

    @contextmanager
    def __call__(self, values: Mapping[str, str]) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._begin()
            self._inside += 1
            self._environment = {name: os.environ.get(name) for name in values} | self._environment
            os.environ.update(values)
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._end()

    def _begin(self) -> None:
        stand_in = types.ModuleType("__main__")
        stand_in.__spec__ = importlib.util.find_spec("tts.engines.child")
        self._main, sys.modules["__main__"] = sys.modules["__main__"], stand_in
        level = logging.root.manager.disable
        self._hushed.callback(logging.disable, level)
        logging.disable(logging.WARNING)
        self._hushed.enter_context(redirect_stdout(sys.stderr))
        self._hushed.enter_context(warnings.catch_warnings(action="ignore"))
        sys.stderr.flush()
        self._stderr = os.dup(2)
        with self.log.open("ab") as log:
            os.dup2(log.fileno(), 2)

    def _end(self) -> None:
        self._hushed.close()
        sys.stderr.flush()
        os.dup2(self._stderr, 2)
        os.close(self._stderr)
        if self._main is not None:
            sys.modules["__main__"] = self._main
        for name, value in self._environment.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._environment = {}

    def reason(self) -> str:
        """The last error in the log, as one line."""
        with suppress(OSError):
            for line in reversed(self.log.read_text(errors="replace").splitlines()):
                if found := re.search(r"\b(\w+(?:Error|Exception): .+)", line):
                    return found[1].partition(". ")[0].rstrip(".")
        return ""


_spawning = _Spawning()
