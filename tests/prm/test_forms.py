"""Prompt forms: from texts to token ids, and the errors for unsuitable tokenizers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prm.forms import ChatFormat, Form, TextFormat
from prm.math_shepherd import FAMILY as MATH_SHEPHERD
from prm.outcome import OutcomeFormat
from prm.rlhflow import FAMILY as RLHFLOW
from prm.skywork import FAMILY as SKYWORK
from prm.token_classification import TokenClassification
from prm.two_token import TwoToken
from tests.prm.checkpoints import llama_tokenizer, mistral_tokenizer, qwen_tokenizer
from tts.errors import BadInput, ModelError
from tts.protocols import RewardFormat
from tts.types import Problem

PROBLEM = Problem("What is 2 + 3?")


@pytest.fixture(scope="module")
def llama() -> Any:
    return llama_tokenizer()


@pytest.fixture(scope="module")
def qwen() -> Any:
    return qwen_tokenizer()


def ids(form: RewardFormat, steps: list[str], problem: Problem = PROBLEM) -> list[int]:
    return [*form.prompt(problem), *(token for k, text in enumerate(steps) for token in form.step(k, text).tokens)]


class TestMathShepherd:
    # Whether the mark's id stands for "ки" behind a space or for both is the vocabulary's affair.
    @pytest.mark.parametrize("mark", ["ки", "\u2581ки"])
    def test_the_text_is_that_of_the_model_card_in_any_spelling_of_the_mark(self, mark: str) -> None:
        tokenizer = mistral_tokenizer(mark)
        form = MATH_SHEPHERD.format(tokenizer)
        steps = ["Step 1: Add 2.\n\n", "", "- 3 + 4\nmakes 7\n\n", "é数🙂"]
        text = "What is 2 + 3? Step 1: Add 2. ки\n ки\n- 3 + 4\nmakes 7 ки\né数🙂 ки"
        assert ids(form, steps) == tokenizer.encode(text)
        assert all(form.step(k, text).tokens[-1] == 12902 for k, text in enumerate(steps))

    def test_the_ids_are_the_published_ones(self) -> None:
        core = mistral_tokenizer().backend_tokenizer
        assert [core.token_to_id(token) for token in (MATH_SHEPHERD.good, MATH_SHEPHERD.bad)] == [648, 387]
        assert core.encode("+ -").ids[1:] == [648, 387]
        assert core.encode("ки").ids[-1] == 12902

    def test_a_mark_in_a_text_is_spelled_and_makes_no_further_score(self) -> None:
        tokenizer = mistral_tokenizer()
        form = MATH_SHEPHERD.format(tokenizer)
        read = form.step(1, "все ки и ки")
        assert read.tokens.count(12902) == 1
        assert read.at == len(read.tokens) - 1
        assert tokenizer.decode(read.tokens).strip() == "все ки и ки ки"
        assert 12902 not in form.prompt(Problem("ки? руки"))

    def test_no_prefix_space_shows_up_inside_the_text(self) -> None:
        tokenizer = mistral_tokenizer()
        form = MATH_SHEPHERD.format(tokenizer)
        assert tokenizer.decode(form.step(1, "Step 2").tokens).startswith("\nStep")

    def test_a_tokenizer_without_its_tokens_is_refused(self, llama: Any) -> None:
        with pytest.raises(ModelError, match="no token '\u2581\\+'"):
            MATH_SHEPHERD.format(llama)


class TestRLHFlow:
    def test_the_text_is_the_published_conversation(self, llama: Any) -> None:
        form = RLHFLOW.format(llama)
        conversation = [
            {"role": "user", "content": "What is 2 + 3? Add\nthem."},
            {"role": "assistant", "content": "+"},
            {"role": "user", "content": "So 5."},
            {"role": "assistant", "content": "+"},
        ]
        whole = llama.encode(llama.apply_chat_template(conversation, tokenize=False), add_special_tokens=False)
        # The last answer and the token that ends its turn come with the next step.
        assert ids(form, ["Add\nthem.\n\n", "So 5.\n\n"]) == whole[:-2]
        assert llama.decode(whole[-2:]) == "+<|eot_id|>"

    def test_the_score_is_read_at_the_token_before_the_answer(self, llama: Any) -> None:
        form = RLHFLOW.format(llama)
        read = form.step(0, "Add.")
        assert read.at == len(read.tokens) - 1
        assert llama.decode(read.tokens).endswith("assistant<|end_header_id|>\n\n")
        assert llama.decode(form.step(1, "So 5.").tokens).startswith("+<|eot_id|><|start_header_id|>user")

    def test_a_template_that_is_none_is_refused(self, llama: Any) -> None:
        other = llama_tokenizer()
        other.chat_template = None
        with pytest.raises(ModelError, match="no chat template"):
            RLHFLOW.format(other)
        other.chat_template = "{{ messages[0]['content'] }}"
        with pytest.raises(ModelError, match="does not answer each step alike"):
            RLHFLOW.format(other)


class TestSkywork:
    def test_each_step_has_one_line_break_and_it_is_its_last_token(self) -> None:
        tokenizer = qwen_tokenizer(bos="<|endoftext|>")
        form = SKYWORK.format(tokenizer)
        newline = tokenizer.encode("\n")[-1]
        read = form.step(0, "## Step 1\n\n  a\n b \n\n")
        assert tokenizer.decode(read.tokens) == "## Step 1 a b\n"
        assert read.tokens.count(newline) == 1
        assert read.tokens[read.at] == newline
        assert tokenizer.decode(form.prompt(PROBLEM)) == "<|endoftext|>What is 2 + 3?\n"

    def test_a_tokenizer_without_a_beginning_token_is_refused(self, qwen: Any) -> None:
        with pytest.raises(ModelError, match=r"tokenizer_config\.json names no bos_token"):
            SKYWORK.format(qwen)


class TestOutcome:
    def test_the_text_is_the_conversation(self, llama: Any) -> None:
        form = OutcomeFormat(llama)
        turns = [{"role": "user", "content": PROBLEM.text}, {"role": "assistant", "content": "Add.\n\nSo 5."}]
        whole = llama.encode(llama.apply_chat_template(turns, tokenize=False), add_special_tokens=False)
        assert ids(form, ["Add.\n\nSo 5.\n"]) == whole
        with pytest.raises(ModelError, match="not its steps"):
            form.step(1, "more")

    def test_padding_at_the_end_is_not_what_is_read(self, tmp_path: Path) -> None:
        """transformers reads a classifier at the last token that is no padding, were it the end of the turn."""
        tokenizer = llama_tokenizer()
        tokenizer.save_pretrained(tmp_path)
        end = tokenizer.convert_tokens_to_ids("<|eot_id|>")
        (tmp_path / "config.json").write_text(json.dumps({"pad_token_id": end}))
        read = OutcomeFormat(type(tokenizer).from_pretrained(tmp_path)).step(0, "So 5.")
        assert read.tokens[-1] == end
        assert read.at == len(read.tokens) - 2


class TestOnesOwn:
    def test_a_form_without_a_mark_is_refused(self, llama: Any, qwen: Any) -> None:
        with pytest.raises(ModelError, match="does not say what ends a step"):
            TwoToken().format(llama)
        with pytest.raises(ModelError, match="does not say what ends a step"):
            TokenClassification().format(qwen)

    def test_an_opening_without_the_problem_is_refused(self) -> None:
        with pytest.raises(BadInput, match="lacks the problem"):
            Form(opening="Question:", mark="\n")

    def test_braces_in_an_opening_stay(self, qwen: Any) -> None:
        form = TextFormat(Form(opening="Box it: \\boxed{}. {problem}", mark="<extra_0>"), qwen)
        assert qwen.decode(form.prompt(PROBLEM)) == "Box it: \\boxed{}. What is 2 + 3?"

    def test_a_tokenizer_that_joins_across_steps_is_refused(self, qwen: Any) -> None:
        with pytest.raises(ModelError, match=r"joins tokens across steps.*MODELS\.md"):
            TextFormat(Form(further="\n\n", mark="."), qwen)

    def test_what_a_model_reads_apart_may_join(self, qwen: Any) -> None:
        form = TextFormat(Form(first="", further="", mark=".\n", apart=True), qwen)
        joined = qwen.encode("So 5") + qwen.encode(".\n")
        assert list(form.step(3, "So 5").tokens) == joined

    def test_a_mark_may_be_spelled_otherwise_behind_a_text_than_by_itself(self) -> None:
        tokenizer = mistral_tokenizer("\u2581ки")
        form = TextFormat(Form(first="", further="", mark="ки", apart=True), tokenizer)
        assert form.step(0, "Step").tokens[-1] == 12902, "apart it begins a text, and so has a space before it"
        assert tokenizer.encode("Stepки")[-1] != 12902

    def test_the_space_of_a_mark_is_not_doubled_by_a_step_of_nothing(self, qwen: Any) -> None:
        form = TextFormat(Form(first=" ", further="\n", mark=" <extra_0>"), qwen)
        assert qwen.decode(form.step(0, "\n").tokens) == " <extra_0>"
        assert qwen.decode(form.step(1, "\n").tokens) == "\n <extra_0>"

    def test_a_chat_of_ones_own_has_its_own_answers(self, qwen: Any) -> None:
        form = TwoToken(chat=True, good="yes", bad="no", first="\n").format(qwen)
        assert isinstance(form, ChatFormat)
        assert qwen.decode(form.step(1, "So 5.").tokens) == (
            "yes<|im_end|>\n<|im_start|>user\nSo 5.<|im_end|>\n<|im_start|>assistant\n"
        )


@pytest.mark.parametrize(
    "module", "forms math_shepherd rlhflow skywork two_token token_classification huggingface_h4 outcome".split()
)
def test_a_form_loads_neither_torch_nor_transformers(module: str) -> None:
    code = f"import sys, prm.{module}; print([m for m in ('torch', 'transformers', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
