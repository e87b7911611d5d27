"""The prompt of Qwen's reward models, token by token."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from prm.qwen import FAMILY, STEP_TOKEN, SYSTEM, QwenFormat
from tests import tiny
from tts.errors import ModelError
from tts.types import Problem

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
STEPS = ["Add 2 and 3.\n\n", "\n\nThat is 5.\n\n", "", "é数🙂 = 5\n\n\n", "So $\\boxed{5}$."]


@pytest.fixture(scope="module")
def chatml() -> Any:
    """A byte-level tokenizer with Qwen's chat template, special tokens and way of splitting at line breaks."""
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    core.train_from_iterator(["assistant\nAdd 2 and 3.\n\nThat is 5.\n\nuser\nSo the answer is 5"] * 9, trainer)
    core.add_special_tokens(["<|im_start|>", "<|im_end|>", STEP_TOKEN])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<|im_end|>")
    tokenizer.chat_template = CHATML
    return tokenizer


def test_the_prompt_is_the_published_conversation(chatml: Any) -> None:
    ids = QwenFormat(chatml).prompt(Problem("What is 2 + 3?"))
    assert chatml.decode(ids, skip_special_tokens=False) == (
        "<|im_start|>system\nPlease reason step by step, and put your final answer within \\boxed{}.<|im_end|>\n"
        "<|im_start|>user\nWhat is 2 + 3?<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize("which", ["chatml", "words"])
def test_pieces_equal_the_whole_text(which: str, chatml: Any, tmp_path: Path) -> None:
    tokenizer = chatml if which == "chatml" else tiny.make_tokenizer(tmp_path)
    form = QwenFormat(tokenizer)
    problem = Problem("What is 2 + 3 ?")
    pieces = list(form.prompt(problem))
    for index, text in enumerate(STEPS):
        read = form.step(index, text)
        assert read.at == len(read.tokens) - 1
        pieces += read.tokens
    conversation = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": problem.text}]
    opening = tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    whole = opening + "".join(step.strip() + STEP_TOKEN for step in STEPS)
    assert pieces == tokenizer(whole, add_special_tokens=False)["input_ids"]


def test_every_step_has_one_score_and_a_trailing_break_makes_none(chatml: Any) -> None:
    form = QwenFormat(chatml)
    mark = chatml.convert_tokens_to_ids(STEP_TOKEN)
    reads = [form.step(index, text) for index, text in enumerate(STEPS)]
    assert [read.tokens.count(mark) for read in reads] == [1] * len(STEPS)
    assert all(read.tokens[read.at] == mark for read in reads)
    assert reads[2].tokens == (mark,)


def test_a_tokenizer_of_another_family_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny.make_tokenizer(tmp_path)
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="no chat template"):
        FAMILY.format(tokenizer)
    from transformers import PreTrainedTokenizerFast

    file = tmp_path / "tokenizer.json"
    file.write_text(file.read_text().replace("<extra_0>", "<other_0>"))
    other = PreTrainedTokenizerFast(tokenizer_file=str(file))
    other.chat_template = tiny.CHAT
    with pytest.raises(ModelError, match="no token <extra_0>"):
        FAMILY.format(other)


def test_a_tokenizer_that_joins_across_steps_is_refused(chatml: Any) -> None:
    class Joining:
        chat_template = CHATML

        class backend_tokenizer:  # noqa: N801
            token_to_id = staticmethod(chatml.backend_tokenizer.token_to_id)
            get_added_tokens_decoder = staticmethod(chatml.backend_tokenizer.get_added_tokens_decoder)
            normalizer = None

            @staticmethod
            def encode(text: str, add_special_tokens: bool) -> Any:
                return chatml.backend_tokenizer.encode(
                    text.replace("<extra_0>So", "<extra_0> So"), add_special_tokens=False
                )

        apply_chat_template = staticmethod(chatml.apply_chat_template)

    with pytest.raises(ModelError, match="joins tokens across steps"):
        FAMILY.format(Joining())


def test_the_format_loads_neither_torch_nor_transformers() -> None:
    code = "import sys, json, prm.qwen; print(json.dumps([m for m in ('torch', 'transformers') if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
