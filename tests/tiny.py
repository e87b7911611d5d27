"""Tiny models with random weights, saved as real checkpoints, for every test that needs one.

The vocabulary is made of small words, digits and punctuation, each one token; a break between paragraphs is one token.
With ``letters`` it is made of all bytes instead, so that every text can be written.
Weights are spread wide enough for random models to reach breaks and ends of sequence often.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE, WordLevel

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>", "<extra_0>"]
WORDS = ["\n\n", "\n", " ", ".\n\n", ".", ",", "?", "=", "+", "-", "*", "é", "数", "🙂", *"0123456789"]
WORDS += [*"the a of is so we add take two three half sum add step answer it each more left box".split()]
WORDS += [
    f" {word}" for word in "the a of is so we add take two three half sum step answer it each more left box".split()
]
CHAT = (
    "<s>{% for m in messages %}{% if m['role'] == 'user' %}<|user|>{% endif %}{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make_tokenizer(folder: Path, more: Sequence[str] = (), letters: bool = False) -> Any:
    """A standard fast tokenizer with a chat template; ``more`` are further words."""
    from transformers import PreTrainedTokenizerFast

    core = _letters() if letters else _words(more)
    core.add_special_tokens(SPECIAL)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = CHAT
    tokenizer.save_pretrained(folder)
    return tokenizer


def _words(more: Sequence[str]) -> Tokenizer:
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([*SPECIAL, *WORDS, *more]))}
    core = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"\.\n\n|\n\n| ?\p{L}+|\d| |\n|."), behavior="isolated")
    core.decoder = decoders.Fuse()
    return core


def _letters() -> Tokenizer:
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    core = Tokenizer(BPE(vocabulary, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    return core


def make_policy(
    folder: Path, *, seed: int = 0, width: int = 32, layers: int = 2, heads: int = 4, kv_heads: int = 2,
    context: int = 512, spread: float = 0.4, more: Sequence[str] = (), letters: bool = False, **config: Any,
) -> Path:  # fmt: skip
    """Save a random Llama with its tokenizer in ``folder``; the same arguments make the same weights."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = make_tokenizer(folder, more, letters)
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=context,
            initializer_range=spread, bos_token_id=1, eos_token_id=2, pad_token_id=0, **config,
        )
    )  # fmt: skip
    model.save_pretrained(folder)
    return folder


def make_prm(
    folder: Path, *, seed: int = 0, width: int = 32, layers: int = 2, heads: int = 4, kv_heads: int = 2,
    context: int = 2048, spread: float = 0.3, shard_size: str = "5GB",
) -> Path:  # fmt: skip
    """Save a random reward model of Qwen's family with its tokenizer in ``folder``."""
    from transformers import Qwen2Config

    from prm.qwen_module import Qwen2ForProcessRewardModel

    tokenizer = make_tokenizer(folder)
    torch.manual_seed(seed)
    model = Qwen2ForProcessRewardModel(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=context,
            initializer_range=spread, bos_token_id=1, eos_token_id=2, pad_token_id=0,
        )
    )  # fmt: skip
    model.save_pretrained(folder, max_shard_size=shard_size)
    return folder
