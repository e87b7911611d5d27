"""Starts models on vLLM in this process. Importing this loads PyTorch; the functions load vLLM."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tts.cost import ModelShape
from tts.engines.hf import SMALL, causal_shape, check_type, guarded, shape_of, tokenizer_of
from tts.engines.memory import counted
from tts.engines.outcome_reward import of_family
from tts.engines.tokenizer import end_ids
from tts.engines.vllm import fork_server
from tts.engines.vllm.client import Service
from tts.engines.vllm.cpu import ARGUMENTS, DRAWING, KEPT_BLOCKS, OWN_SAMPLING
from tts.engines.vllm.fork_server import FILES
from tts.engines.vllm.garbage import collect_rarely
from tts.engines.vllm.policy import VLLMPolicy
from tts.engines.vllm.process_env import spawning
from tts.engines.vllm.reward import VLLMReward
from tts.errors import BadInput, MissingExtra, ModelError
from tts.files import json_text
from tts.models.card import ModelCard
from tts.models.descriptions import family_of
from tts.models.files import built_in, require
from tts.protocols import Pooling, RewardModel

_DTYPES = ("float32", "bfloat16", "float16", "auto")
_ROOM = 4096  # tokens of context beyond the longest solution, for the problem
_CPU_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # one process an engine in place of two
    "TOKENIZERS_PARALLELISM": "false",
}
_preparing = threading.Lock()  # imports from two threads at once go wrong in libraries that import lazily
_starting = threading.Lock()  # on a GPU one engine measures the free memory, then the next
_LIGHT = 5_000_000  # parameters below which a process on a CPU is as busy with scheduling as with arithmetic
_REPLICAS = 4  # most of such a policy by default: each takes memory and some seconds to start


def load_policy(
    card: ModelCard, device: str | None, dtype: str | None, share: float, *, seeds: bool, replicas: int | None,
    arguments: Mapping[str, Any],
) -> VLLMPolicy:  # fmt: skip
    """Load a policy. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
    folder = require(card)
    with _preparing:
        _check_installed()
        check_type(folder)
        tokenizer, shape = tokenizer_of(card, folder), causal_shape(card, folder)
        ends = end_ids(_written(folder, "generation_config.json").get("eos_token_id"), tokenizer)
        if not ends:
            raise ModelError(f"{folder} names no end of a solution: add eos_token_id to generation_config.json.")
        settings = {
            "max_model_len": min(card.context, card.max_tokens + _ROOM), "scheduling_policy": "priority",
            **_schemas(folder), **arguments,
        }  # fmt: skip
        draws = seeds and _on_cpu() and not OWN_SAMPLING & arguments.keys()
        if draws:
            settings["logits_processors"] = [DRAWING]
        count = counted(replicas) or _by_default(shape)
        places = _divided(device, count)
        part = 1 if len(set(places)) == count else count  # of a device's memory
        configs = [_configure(card, folder, place, dtype, share, settings, part) for place in places]
    services = _start_all(card, configs, shape)
    context = int(services[0].engine.model_config.max_model_len)
    return VLLMPolicy(card, services, tokenizer, shape=shape, context=context, ends=ends, seeds=seeds, draws=draws)


def _schemas(folder: Path) -> dict[str, Any]:
    """Engine arguments for a policy that can be held to JSON schemas: vLLM needs the tokenizer for that.

    It starts about a second later, so not for the built-in models, which could write no JSON anyway. A tokenizer that
    vLLM could not load would keep it from starting.
    """
    if built_in(folder) or not (folder / "tokenizer.json").is_file():
        return {}
    from transformers import AutoTokenizer

    try:
        AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception:
        return {}
    settings = {"skip_tokenizer_init": False, "tokenizer_mode": "hf"}
    return {**settings, "structured_outputs_config": {"backend": "guidance"}}


def load_reward(
    card: ModelCard, device: str | None, dtype: str | None, share: float, arguments: Mapping[str, Any]
) -> RewardModel:
    """Load a reward model. Raises MissingExtra, MissingWeights or ModelError, each with one sentence."""
    folder, family = require(card), family_of(card)
    pooling = family.pooling
    if pooling is None:
        raise ModelError(f"vLLM cannot serve reward models of the family {card.family}: use --engine transformers.")
    with _preparing:
        _check_installed()
        form = family.format(tokenizer_of(card, folder))
        shape = shape_of(guarded(card, lambda: family.shape(folder)))
        settings = {"max_model_len": card.context, **_pooling_arguments(pooling), **arguments}
        config = _configure(card, folder, device, dtype, share, settings)
    service = _start(card, config, shape)
    context = int(service.engine.model_config.max_model_len)
    reward = VLLMReward(card, service, form, pooling, shape=shape, context=context)
    return of_family(reward, family)


def _pooling_arguments(pooling: Pooling) -> dict[str, Any]:
    from vllm.config import PoolerConfig

    arguments: dict[str, Any] = {"runner": "pooling", "pooler_config": PoolerConfig(tok_pooling_type="ALL")}
    if pooling.overrides:
        arguments["hf_overrides"] = dict(pooling.overrides)
    return arguments | dict(pooling.arguments)


def _check_installed() -> None:
    import torch

    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    try:
        with spawning({}):  # what it says while it is imported goes to the log
            if importlib.util.find_spec("vllm") and not torch.cuda.is_available():
                fork_server.start()
            import vllm.engine.arg_utils
            import vllm.v1.engine.async_llm  # noqa: F401
    except ImportError as error:
        raise MissingExtra(
            "the vllm engine needs vLLM: run `pip install 'tts-search[vllm]'` (CUDA), or use --engine transformers."
        ) from error


def _configure(
    card: ModelCard, folder: Path, device: str | None, dtype: str | None, share: float, settings: Mapping[str, Any],
    part: int = 1,
) -> Any:  # fmt: skip
    """vLLM's configuration for a model, or one of ``part`` replicas that share a device's memory."""
    from vllm.engine.arg_utils import AsyncEngineArgs

    if dtype is not None and dtype not in _DTYPES:
        raise BadInput(f"there is no data type {dtype!r}: use {', '.join(_DTYPES)}.")
    arguments = {
        "model": str(folder), "enable_prefix_caching": True, "disable_log_stats": True, "skip_tokenizer_init": True,
        "trust_remote_code": False, "generation_config": "vllm", **_placed(device, _on_cpu()),
        "dtype": dtype or ("float32" if _on_cpu() else "auto"),
    }  # fmt: skip
    arguments |= ARGUMENTS if _on_cpu() else {"gpu_memory_utilization": share / part}
    arguments |= settings
    if _on_cpu() and "kv_transfer_config" not in arguments:
        arguments["kv_transfer_config"] = _keeping(KEPT_BLOCKS // part)
    if "kv_cache_memory_bytes" in arguments:
        arguments["kv_cache_memory_bytes"] //= part
    positions = _written(folder, "config.json").get("max_position_embeddings") or arguments["max_model_len"]
    arguments["max_model_len"] = min(arguments["max_model_len"], positions)
    if not arguments.get("enable_chunked_prefill", True):
        arguments["max_num_batched_tokens"] = max(arguments["max_num_batched_tokens"], arguments["max_model_len"])
    with spawning(_CPU_ENVIRONMENT if _on_cpu() else {}):
        return guarded(card, lambda: _checked(AsyncEngineArgs, arguments))


def _checked(engine_arguments: Any, arguments: Mapping[str, Any]) -> Any:
    """vLLM's configuration for its arguments. Raises ValueError that names an argument of a wrong type."""
    from pydantic import ValidationError

    try:
        return engine_arguments(**arguments).create_engine_config()
    except ValidationError as error:  # the first line of its text only counts
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ValueError(f"{field}: {first['msg']}".removeprefix(": ")) from error


def _keeping(room: int) -> Any:
    """Return vLLM's configuration of the connector that keeps unfinished blocks, ``room`` bytes of them."""
    from vllm.config import KVTransferConfig

    return KVTransferConfig(
        kv_connector="UnfinishedBlocks", kv_role="kv_both",
        kv_connector_module_path="tts.engines.vllm.unfinished_blocks", kv_connector_extra_config={"bytes": room},
    )  # fmt: skip


def _start(card: ModelCard, config: Any, shape: ModelShape) -> Service:
    """Start an engine and wait until it is ready."""
    from vllm.v1.engine.async_llm import AsyncLLM

    values = {
        "VLLM_WORKER_MULTIPROC_METHOD": "spawn", FILES: os.environ.get(FILES) or spawning.files,
        **(_CPU_ENVIRONMENT | _threads(shape) if _on_cpu() else {}),
    }  # fmt: skip
    try:
        with nullcontext() if _on_cpu() else _starting, spawning(values, forked=_on_cpu()):
            engine = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
    except Exception as error:
        reason = spawning.reason() or str(error).strip().partition("\n")[0].rstrip(".")
        raise ModelError(f"vLLM cannot start {card.name}: {reason} (its log is {spawning.log}).") from error
    collect_rarely()
    return Service(card.name, engine, spawning.log)


def _start_all(card: ModelCard, configs: Sequence[Any], shape: ModelShape) -> list[Service]:
    """Start the replicas of a model; where one does not come up, none is left running."""
    with ThreadPoolExecutor(len(configs)) as pool:
        starts = [pool.submit(_start, card, config, shape) for config in configs]
    for failure in filter(None, (start.exception() for start in starts)):
        for start in starts:
            if not start.exception():
                start.result().close()
        raise failure
    return [start.result() for start in starts]


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


def _divided(device: str | None, replicas: int) -> list[str | None]:
    """The devices of each replica, where several are named; else they share one."""
    names = (device or "").split(",")
    if len(names) == 1:
        return [device] * replicas
    if len(names) % replicas:
        raise BadInput(f"{len(names)} devices cannot be divided among {replicas} replicas: name a multiple of that.")
    size = len(names) // replicas
    return [",".join(names[k : k + size]) for k in range(0, len(names), size)]


def _by_default(shape: ModelShape) -> int:
    """How many replicas a policy has unless it is said."""
    return min(os.cpu_count() or 1, _REPLICAS) if _on_cpu() and shape.parameters < _LIGHT else 1


def _threads(shape: ModelShape) -> dict[str, str]:
    """Threads of an engine's process on a CPU: one for a small model, else half the cores, for there are two models.

    In a small model two threads wait for each other in each of a hundred small kernels.
    """
    if "OMP_NUM_THREADS" in os.environ:
        return {}
    threads = 1 if shape.parameters < SMALL else max(1, (os.cpu_count() or 1) // 2)
    return {"OMP_NUM_THREADS": str(threads)}


def _written(folder: Path, name: str) -> dict[str, Any]:
    """What a JSON file of a checkpoint says; nothing where it is missing or damaged."""
    try:
        found: Any = json_text.read(folder / name)
    except BadInput:
        return {}
    return found if isinstance(found, dict) else {}
