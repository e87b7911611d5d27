"""Random models of about 30M parameters whose texts have the lengths of published solutions.

Nothing is trained. The policy's output head is zero, so at temperature 1 every id of the vocabulary is equally likely,
and the lengths follow from the vocabulary: an id ends the solution with probability 1/320, and the step but not the
solution with 7/320. So steps are 40 tokens long on average and solutions 8 steps, both geometrically distributed. As in
the vocabularies of real models, a paragraph break is part of many ids.
"""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.types import Problem

SPECIAL = ("<pad>", "<s>", "<unk>", "<|user|>", "<|assistant|>", "<extra_0>")
CHAT = (
    "<s>{% for m in messages %}"
    "{% if m['role'] == 'user' %}<|user|>{{ m['content'] }}"
    "{% elif m['role'] == 'assistant' %}<|assistant|>{{ m['content'] }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SYLLABLES = tuple(a + b for a in "bdfgklmnprstvz" for b in "aeiou")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Numbers of ids: all, those that end a step, and those that end the solution."""

    size: int = 8000
    breaks: int = 175
    ends: int = 25

    @property
    def step_tokens(self) -> float:
        """Return the mean tokens of a step when ids are drawn uniformly."""
        return self.size / (self.breaks + self.ends)

    @property
    def solution_steps(self) -> float:
        """Return the mean steps of a solution."""
        return (self.breaks + self.ends) / self.ends

    def words(self) -> list[str]:
        """Return the ordinary ids: made-up words with the space before them."""
        count = self.size - self.breaks - self.ends - len(SPECIAL)
        made = (" " + "".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3))
        return list(itertools.islice(made, count))

    def tokens(self) -> list[str]:
        """Return the text of every id, in order. A word that ends a step is an ordinary one with a paragraph break."""
        words = self.words()
        breaks = [word + "\n\n" for word in words[: self.breaks]]
        return [*SPECIAL, *(f"<end_{k}>" for k in range(self.ends)), *words, *breaks]

    def end_ids(self) -> list[int]:
        return list(range(len(SPECIAL), len(SPECIAL) + self.ends))


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of both models; heads are 64 wide. The defaults give 29.2M (policy) and 25.4M parameters."""

    width: int = 512
    inner: int = 1280
    layers: int = 8
    kv_heads: int = 2
    context: int = 1024

    def config(self) -> dict[str, Any]:
        return {
            "hidden_size": self.width, "intermediate_size": self.inner, "num_hidden_layers": self.layers,
            "num_attention_heads": self.width // 64, "num_key_value_heads": self.kv_heads,
            "max_position_embeddings": self.context, "bos_token_id": 1, "pad_token_id": 0,
        }  # fmt: skip


def make(folder: Path, shape: Shape = Shape(), vocabulary: Vocabulary = Vocabulary()) -> tuple[Path, Path]:
    """Write both checkpoints below ``folder`` if missing; return the folders of policy and reward model."""
    policy, prm = folder / "policy", folder / "prm"
    if not (prm / "done").is_file():
        from transformers.utils import logging

        logging.disable_progress_bar()
        make_policy(policy, shape, vocabulary)
        make_prm(prm, shape, vocabulary)
        (prm / "done").touch()
    return policy, prm


def make_policy(folder: Path, shape: Shape, vocabulary: Vocabulary) -> None:
    """Write a Llama for which every id is equally likely."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    write_tokenizer(folder, vocabulary)
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=vocabulary.size, eos_token_id=vocabulary.end_ids(), **shape.config())
    model = LlamaForCausalLM(config)
    torch.nn.init.zeros_(model.lm_head.weight)
    model.save_pretrained(folder)
    settings = {"bos_token_id": 1, "pad_token_id": 0, "eos_token_id": vocabulary.end_ids()}
    (folder / "generation_config.json").write_text(json.dumps(settings))


def make_prm(folder: Path, shape: Shape, vocabulary: Vocabulary) -> None:
    """Write a reward model of Qwen's family with random scores."""
    import torch
    from transformers import Qwen2Config

    from prm.qwen_module import Qwen2ForProcessRewardModel

    write_tokenizer(folder, vocabulary)
    torch.manual_seed(1)
    config = Qwen2Config(vocab_size=vocabulary.size, eos_token_id=vocabulary.end_ids()[0], **shape.config())
    config.initializer_range = 0.05  # large enough for the scores to differ
    Qwen2ForProcessRewardModel(config).save_pretrained(folder)


def write_tokenizer(folder: Path, vocabulary: Vocabulary) -> None:
    """Write a tokenizer with one id per word, including the space before and a paragraph break after it."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    tokens = vocabulary.tokens()
    core = Tokenizer(WordLevel({token: k for k, token in enumerate(tokens)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\p{L}+(\n\n)?|\s+|."), behavior="isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens([AddedToken(token, special=True) for token in tokens[: len(SPECIAL) + vocabulary.ends]])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token="<s>", eos_token="<end_0>", unk_token="<unk>", pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    tokenizer.chat_template = CHAT
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)


def problems(count: int, words: int = 60, vocabulary: Vocabulary = Vocabulary()) -> list[Problem]:
    """Build distinct questions of ``words`` tokens, the same at every call."""
    draw, known = random.Random(0), vocabulary.words()
    return [Problem("".join(draw.choices(known, k=words)), f"shape-{k:03d}") for k in range(count)]
