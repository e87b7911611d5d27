"""Chat templates that trim the assistant's text, open its thought or have a switch: here, and on a server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.engines.fake_server import FakeServer
from tests.engines.test_policy import PROBLEM, ask, below, root_of
from tests.engines.test_remote import greedy
from tts.engines.remote.policy import RemotePolicy
from tts.engines.transformers.policy import TransformersPolicy
from tts.models.card import BOXED
from tts.models.find import find
from tts.types import Finish, Node, Problem, Until

WORDS = "half box of so"  # whose greedy solution has six steps with the template below

Connect = Callable[..., RemotePolicy]

# As Qwen's and Gemma's do: what the assistant has said so far loses the white space around it.
TRIMMING = (
    "<s>{% for m in messages %}{% if m['role'] == 'assistant' %}<|assistant|>{{ m['content'] | trim }}</s>"
    "{% else %}<|user|>{{ m['content'] | trim }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SWITCHED = TRIMMING + (
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
)
OPENING = TRIMMING + "{{ '<think>\\n' }}"


@pytest.fixture
def trimmed(policy: TransformersPolicy) -> TransformersPolicy:
    policy._text.tokenizer.chat_template = TRIMMING
    return policy


async def test_a_template_that_trims_never_sees_a_step(trimmed: TransformersPolicy) -> None:
    root = root_of(trimmed, Problem(WORDS))
    whole = below(root, await trimmed.generate(ask(root, until=Until.END, temperature=0.0, tokens=200)))
    node = root
    while node.open:
        node = below(node, await trimmed.generate(ask(node, temperature=0.0, tokens=200)))
        if node.open:
            assert node.text.endswith("\n\n")
    assert node.depth == 6
    assert node.tokens == whole.tokens
    assert node.text == whole.text


@pytest.mark.parametrize("variant", ["openai", "llama.cpp", "vllm"])
async def test_what_is_sent_to_a_server_keeps_every_separator(
    fakes: Callable[..., FakeServer], trimmed: TransformersPolicy, policy_folder: Path, connect: Connect, variant: Any
) -> None:
    fake = fakes(variant, name=str(policy_folder) if variant == "openai" else "mystery")  # the others make the prompt
    remote = connect(fake)
    if remote._prompts._text is not None:
        remote._prompts._text.tokenizer.chat_template = TRIMMING
    there = await greedy(remote, WORDS)
    sent = [body["prompt"] for body in fake.asked("/v1/completions")]
    steps = [step.text for step in there.steps]
    assert len(steps) > 2
    if variant == "vllm":
        here = await greedy(trimmed, WORDS)
        assert there.tokens == here.tokens
        assert here.tokens[: len(sent[-1])] == sent[-1]
    else:
        prompts = [text for text in sent if text != "1"]
        assert prompts[-1].endswith("\n\n")
        assert prompts[-1] == prompts[0] + "".join(steps[:-1])


@pytest.mark.parametrize("variant", ["llama.cpp", "vllm"])
@pytest.mark.parametrize("template", [TRIMMING, OPENING])
async def test_an_r1_prompt_made_by_a_server_opens_one_thought(
    fakes: Callable[..., FakeServer], policy: TransformersPolicy, connect: Connect, variant: Any, template: str
) -> None:
    policy._text.tokenizer.chat_template = template
    policy._text.tokenizer.add_tokens(["<think>", "</think>"])
    remote = connect(fakes(variant, name="my-R1-Distill-Qwen-1.5B"))
    assert remote.card.thinking
    await remote.prepare(PROBLEM)
    step = remote.prompt(PROBLEM)
    expected = policy._text.encode(f"<s><|user|>{PROBLEM.text}\n{BOXED}<|assistant|>" + "<think>\n")
    assert len(step.tokens) == len(expected)
    assert step.text.endswith("<think>\n")
    if variant == "vllm":
        assert list(step.tokens) == expected


@pytest.mark.parametrize("variant", ["llama.cpp", "vllm"])
@pytest.mark.parametrize(("name", "end"), [("qwen3-4b", "<think>\n\n</think>\n\n"), ("qwen3-4b-thinking", "")])
async def test_a_server_is_told_whether_to_think(
    fakes: Callable[..., FakeServer], policy: TransformersPolicy, connect: Connect, variant: Any, name: str, end: str
) -> None:
    policy._text.tokenizer.chat_template = SWITCHED
    remote = connect(fakes(variant, name=name))
    await remote.prepare(PROBLEM)
    expected = policy._text.encode(f"<s><|user|>{PROBLEM.text}\n{BOXED}<|assistant|>{end}")
    assert len(remote.prompt(PROBLEM).tokens) == len(expected)


async def test_a_server_that_only_chats_is_told_too(
    fakes: Callable[..., FakeServer], policy: TransformersPolicy, connect: Connect
) -> None:
    policy._text.tokenizer.chat_template = SWITCHED
    fake = fakes("chat", name="qwen3-4b")
    remote = connect(fake)
    done = await remote.generate(ask(Node(remote.prompt(PROBLEM), "/"), until=Until.END, tokens=20))
    assert done.finish in (Finish.STOP, Finish.LENGTH)
    assert fake.asked("/v1/chat/completions")[-1]["chat_template_kwargs"] == {"enable_thinking": False}


async def test_a_template_on_a_server_that_refuses_a_system_message_gets_it_from_the_user(
    fakes: Callable[..., FakeServer], policy: TransformersPolicy, connect: Connect
) -> None:
    refusing = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no') }}{% endif %}" + TRIMMING
    policy._text.tokenizer.chat_template = refusing
    remote = connect(fakes("vllm", name="mystery"))
    assert find("mystery/any").system == BOXED
    await remote.prepare(PROBLEM)
    expected = policy._text.encode(f"<s><|user|>{BOXED}\n\n{PROBLEM.text}<|assistant|>")
    assert list(remote.prompt(PROBLEM).tokens) == expected


LOOPING = """
from transformers import AutoTokenizer
from tts.engines import tokenizer
from tts.errors import ModelError
from tts.models.files import BUILT_IN
tokenizer.TEMPLATE_SECONDS = 0.3
made = AutoTokenizer.from_pretrained(BUILT_IN / "lab-1m")
made.chat_template = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}"
try:
    tokenizer.Text(made).chat("How far?")
except ModelError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_template_that_loops_for_ever_is_one_sentence_and_the_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", LOOPING], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == ("the model's chat template has not ended after 0.3 s: it may loop for ever, so mend it.\n")
