"""Each family of known policies on tiny checkpoints: samples and parameter counts.

The reference reads the whole text anew for every token, with the family's own module and no cache.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests import families
from tests.engines.test_policy import ask, below
from tts.engines.transformers.engine import ENGINE
from tts.errors import ModelError
from tts.models import hf_config
from tts.models.card import BOXED
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.types import Node, Problem


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: families.make(tmp_path_factory.mktemp("family") / name, name) for name in families.TINY}


def greedy(model: Any, prompt: list[int], count: int) -> list[int]:
    tokens = list(prompt)
    with torch.inference_mode():
        for _ in range(count):
            tokens.append(int(model(torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("name", families.TINY)
async def test_every_family_samples_what_its_own_module_would(folders: dict[str, Path], name: str) -> None:
    from transformers import AutoModelForCausalLM

    plain: Any = AutoModelForCausalLM.from_pretrained(folders[name], dtype=torch.float32).eval()
    policy = ENGINE.load_policy(find(str(folders[name]), "policy"), device="cpu")
    try:
        node = Node(policy.prompt(Problem("so we take half ? 9 9 add 2")), "/")
        prompt = list(node.tokens)
        while node.open and node.length < len(prompt) + 40:
            node = below(node, await policy.generate(ask(node, temperature=0.0, tokens=40)))
        sampled = node.tokens[len(prompt) :]
        assert len(prompt) > 9, "longer than the windows"
        assert sampled == greedy(plain, prompt, len(sampled))
    finally:
        policy.close()


@pytest.mark.parametrize("name", families.TINY)
def test_every_family_is_counted_as_its_own_module_counts(folders: dict[str, Path], name: str) -> None:
    config = json.loads((folders[name] / "config.json").read_text())
    model = families.module({k: v for k, v in config.items() if k != "architectures"})
    assert find(str(folders[name])).parameters == sum(p.numel() for p in model.parameters())
    with torch.inference_mode():
        cache = model(torch.tensor([[1, 5, 6]]), use_cache=True).past_key_values
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert hf_config.token_bytes(config, 4) == held * 4 // 3


@pytest.mark.parametrize("name", families.PUBLISHED)
def test_known_sizes_follow_from_the_published_configurations(name: str) -> None:
    card, config = CARDS[name], families.PUBLISHED[name]
    assert card.parameters == hf_config.parameters(config)
    assert card.token_bytes == hf_config.token_bytes(config)
    with torch.device("meta"):
        assert card.parameters == sum(p.numel() for p in families.module(config).parameters())


def test_every_published_policy_is_among_them() -> None:
    assert set(families.PUBLISHED) == {card.name for card in CARDS.values() if card.kind == "policy" and card.hub}


@pytest.mark.parametrize(
    ("name", "system", "suffix", "thinking", "temperature", "top_p"),
    [
        ("qwen2", BOXED, "", False, 0.7, 1.0),
        ("qwen3", "", BOXED, False, 0.7, 0.8),
        ("smollm3", "", BOXED, False, 0.6, 0.95),
        ("gemma3_text", "", BOXED, False, 1.0, 0.95),
        ("gemma3", "", BOXED, False, 1.0, 0.95),
        ("mistral", "", BOXED, False, 0.8, 1.0),
        ("phi3", BOXED, "", False, 0.8, 1.0),
        ("llama", BOXED, "", False, 0.8, 1.0),
    ],
)
def test_a_folder_gets_the_conventions_of_its_family(
    folders: dict[str, Path], name: str, system: str, suffix: str, thinking: bool, temperature: float, top_p: float
) -> None:
    card = find(str(folders[name]), "policy")
    assert (card.system, card.suffix, card.thinking) == (system, suffix, thinking)
    assert (card.temperature, card.top_p) == (temperature, top_p)


def test_names_tell_what_a_configuration_cannot(folders: dict[str, Path], tmp_path: Path) -> None:
    for name in ("DeepSeek-R1-Distill-Qwen-14B", "Qwen3-4B-Thinking-2507", "Meta-Llama-3-8B"):
        (tmp_path / name).mkdir()
    (tmp_path / "DeepSeek-R1-Distill-Qwen-14B" / "config.json").write_text(
        (folders["qwen2"] / "config.json").read_text()
    )
    (tmp_path / "Qwen3-4B-Thinking-2507" / "config.json").write_text((folders["qwen3"] / "config.json").read_text())
    llama = {"architectures": ["LlamaForCausalLM"], **families.PUBLISHED["llama-3.1-8b"]}
    (tmp_path / "Meta-Llama-3-8B" / "config.json").write_text(json.dumps(llama))
    r1, qwen3, llama3 = (find(str(path), "policy") for path in sorted(tmp_path.iterdir(), key=_order))
    assert (r1.system, r1.suffix, r1.opening, r1.max_tokens) == ("", BOXED, "<think>\n", 32768)
    assert (r1.thinking, r1.temperature, r1.top_p) == (True, 0.6, 0.95)
    assert (qwen3.thinking, qwen3.template) == (True, {"enable_thinking": True})
    assert llama3.system == CARDS["llama-3.1-8b"].system
    assert llama3.parameters == 8_030_261_248


def _order(path: Path) -> str:
    return {"D": "0", "Q": "1", "M": "2"}[path.name[0]]


def test_a_policy_whose_positions_change_with_the_length_keeps_to_the_length_where_they_do_not(
    folders: dict[str, Path],
) -> None:
    policy = ENGINE.load_policy(find(str(folders["phi3"]), "policy"), device="cpu")
    assert policy.context == 100
    policy.close()


def test_a_model_that_rescales_its_logits_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = families.make(tmp_path / "soft", "gemma3_text")
    config = json.loads((folder / "config.json").read_text()) | {"final_logit_softcapping": 30.0}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="rescales its logits"):
        ENGINE.load_policy(find(str(folder), "policy"), device="cpu")
