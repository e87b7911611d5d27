"""The built-in models run without transformers, and compute what transformers computes."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prm import qwen_builtin, qwen_module
from tts import Solver
from tts.engines.hf import shape_of, tokenizer_of
from tts.engines.transformers.engine import ENGINE
from tts.engines.transformers.ragged_batch import Geometry, RaggedCache
from tts.errors import ModelError
from tts.models import shared_heads
from tts.models.card import ModelCard
from tts.models.core_tokenizer import CoreTokenizer
from tts.models.decoder import Configuration, Decoder, causal_model, fill
from tts.models.files import BUILT_IN
from tts.models.find import find

POLICIES = ["lab-200k", "lab-1m", "lab-2m", "lab-4m", "lab-orchestrator"]
TALK = [{"role": "user", "content": "What is 2 + 3?"}, {"role": "assistant", "content": "5"}]


def states(decoder: torch.nn.Module) -> torch.Tensor:
    """Hidden states of three rows of unlike length, and of one more token of each behind them."""
    cache, numbers = RaggedCache(Geometry.of(decoder), 3, 40), np.random.default_rng(0)
    cache.count, counts = 3, np.array([17, 11, 5])
    first = cache.forward(decoder, numbers.integers(7, 30, (3, 17)), counts)
    second = cache.forward(decoder, numbers.integers(7, 30, (3, 1)), np.ones(3, np.int64))
    return torch.cat([*(first[row, :count] for row, count in enumerate(counts)), second[:, 0]])


@pytest.mark.parametrize(
    ("name", "dtype"),
    [*((name, torch.float32) for name in [*POLICIES, "shared heads"]), ("lab-200k", torch.bfloat16)],
)
@torch.inference_mode()
def test_a_policy_computes_the_bits_of_transformers(name: str, dtype: torch.dtype, policy_folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    folder = policy_folder if name == "shared heads" else BUILT_IN / name
    load: Any = AutoModelForCausalLM.from_pretrained
    theirs = shared_heads.use(load(folder, dtype=dtype, attn_implementation="sdpa").eval())
    ours = causal_model(folder, dtype)
    found, wanted = states(ours.get_decoder()), states(theirs.get_decoder())
    assert torch.equal(found, wanted)
    assert torch.equal(ours.get_output_embeddings()(found), theirs.get_output_embeddings()(wanted))
    assert shape_of(ours) == shape_of(theirs)
    assert ours.generation_config.eos_token_id == theirs.generation_config.eos_token_id


@pytest.mark.parametrize("name", ["lab-prm", "shared heads"])
@torch.inference_mode()
def test_a_reward_model_computes_the_bits_of_transformers(name: str, prm_folder: Path) -> None:
    folder = prm_folder if name == "shared heads" else BUILT_IN / name
    theirs = qwen_module.load(folder, torch.float32)
    ours = qwen_builtin.BuiltInReward(Configuration.read(folder / "config.json"))
    fill(ours, folder, torch.float32)
    found, wanted = states(ours.base_model), states(theirs.base_model)
    assert torch.equal(ours.score(found), theirs.score(wanted))
    assert shape_of(ours) == shape_of(theirs)


@pytest.mark.parametrize("name", [*POLICIES, "lab-prm"])
@pytest.mark.parametrize("ends", [False, True])
def test_prompts_and_ids_are_those_of_transformers(name: str, ends: bool) -> None:
    from transformers import PreTrainedTokenizerFast

    ours: Any = tokenizer_of(ModelCard(name=name), BUILT_IN / name)
    assert isinstance(ours, CoreTokenizer)
    theirs: Any = PreTrainedTokenizerFast.from_pretrained(BUILT_IN / name)
    prompts = [
        each.apply_chat_template(TALK[: 2 - ends], tokenize=False, add_generation_prompt=ends)
        for each in (ours, theirs)
    ]
    assert prompts[0] == prompts[1]
    ids = [each.backend_tokenizer.encode(prompts[0], add_special_tokens=False).ids for each in (ours, theirs)]
    assert ids[0] == ids[1]
    for fact in ("bos_token_id", "eos_token_id", "chat_template"):
        assert getattr(ours, fact) == getattr(theirs, fact)
    assert len(ours) == len(theirs)


def test_a_first_answer_imports_neither_transformers_nor_the_compiler_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    barred = ("transformers", "torch._dynamo", "sympy", "prm.qwen_module", "tts.engines.transformers.attention_cache")
    for name in [*barred, *sys.modules]:
        if name in barred or name.startswith(("transformers.", "torch._dynamo.")):
            monkeypatch.setitem(sys.modules, name, None)
    policy = ENGINE.load_policy(find("lab-200k", "policy"), device="cpu")
    reward = ENGINE.load_reward(find("lab-prm", "prm"), device="cpu")
    try:
        solution = asyncio.run(Solver(policy, reward, "beam-search", 4).solve("Mia has 17 marbles. She wins 25 more."))
    finally:
        policy.close()
        reward.close()
    assert solution.error is None
    assert solution.usage.policy_tokens > 0
    assert solution.usage.prm_tokens > 0


def test_a_form_that_is_not_built_in_is_refused() -> None:
    config = Configuration.read(BUILT_IN / "lab-1m" / "config.json")
    config.rope_parameters = {"rope_type": "yarn", "rope_theta": 10000.0}
    with pytest.raises(ModelError, match="is not built in"):
        Decoder(config)


def test_a_lost_weight_is_named(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(BUILT_IN / "lab-200k" / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    for name in ("config.json", "generation_config.json"):
        (tmp_path / name).write_bytes((BUILT_IN / "lab-200k" / name).read_bytes())
    with pytest.raises(ModelError, match=r"lacks the weights model\.norm\.weight"):
        causal_model(tmp_path, torch.float32)
