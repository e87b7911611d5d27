"""A control token's name in a text is text, for each kind of tokenizer and template."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import Unigram
from tokenizers.trainers import UnigramTrainer
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast

from tests import tiny
from tests.engines.test_templates import OPENING, SWITCHED
from tests.prm.checkpoints import CORPUS, llama_tokenizer, mistral_tokenizer, qwen_tokenizer
from tts.engines.tokenizer import Text
from tts.errors import ModelError
from tts.models.card import BOXED, ModelCard
from tts.models.text_encoder import TextEncoder
from tts.types import Problem

MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content | trim }} [/INST]"
    "{% else %}{{ raise_exception('only users speak') }}{% endif %}{% endfor %}"
)


def words(folder: Path, template: str = tiny.CHAT) -> Any:
    tokenizer = tiny.make_tokenizer(folder)
    tokenizer.chat_template = template
    return tokenizer


def thinking(folder: Path) -> Any:
    """With tokens that are added without being special, as Qwen's ``<think>`` is."""
    tokenizer = qwen_tokenizer()
    tokenizer.add_tokens([AddedToken("<think>", normalized=False), "</think>", "<tool_call>", "marble"])
    tokenizer.chat_template += "{{- '<think>\n' }}"
    return tokenizer


def instructed(_: Path) -> Any:
    """Sentencepiece BPE whose marks of a turn are special tokens, as those of Mistral's third version are."""
    tokenizer = mistral_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["[INST]", "[/INST]"]})
    tokenizer.chat_template = MISTRAL
    return tokenizer


def trimmed(_: Path) -> Any:
    """Special tokens that take the white space around them, as those of Phi-3 do."""
    tokenizer = llama_tokenizer()
    tokenizer.add_tokens([AddedToken("<|pad|>", lstrip=True, rstrip=True, special=True)])
    return tokenizer


def unigram(_: Path) -> Any:
    """A vocabulary of pieces with scores, in which the control tokens are pieces too, as T5's is."""
    core = Tokenizer(Unigram())
    core.normalizer = normalizers.NFKC()
    core.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    core.decoder = decoders.Metaspace(prepend_scheme="first")
    special = ["<s>", "</s>", "<unk>", "<|user|>", "<|model|>"]
    core.train_from_iterator(
        [*CORPUS, "<>|/?!_.,[]{}"],
        UnigramTrainer(vocab_size=300, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = (
        "{{ bos_token }}{% for m in messages %}{{ '<|user|>' + m.content + '</s>' }}{% endfor %}{{ '<|model|>' }}"
    )
    return tokenizer


def slow(_: Path) -> Any:
    """Written in Python, without a core."""
    tokenizer = ByT5Tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content + '</s>' }}{% endfor %}"
    return tokenizer


KINDS: dict[str, Callable[[Path], Any]] = {
    "chatml": lambda _: qwen_tokenizer(),
    "chatml with tokens that are not special": thinking,
    "llama 3": lambda _: llama_tokenizer(),
    "llama 3 with greedy tokens": trimmed,
    "sentencepiece": instructed,
    "sentencepiece without a template": lambda _: mistral_tokenizer(),
    "words": words,
    "words with a switch": lambda folder: words(folder, SWITCHED),
    "words with an opening": lambda folder: words(folder, OPENING),
    "unigram": unigram,
    "python": slow,
}


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return KINDS[request.param](tmp_path)


def added(tokenizer: Any) -> dict[str, int]:
    """Every added token but the plain words."""
    found = {token.content: number for number, token in tokenizer.added_tokens_decoder.items()}
    return {name: number for name, number in found.items() if name != "marble"}


def control_ids(tokens: tuple[int, ...] | list[int], tokenizer: Any) -> list[int]:
    """The control tokens among ids, but for the one that stands for what a small vocabulary does not know."""
    return [t for t in tokens if t in set(added(tokenizer).values()) - {tokenizer.unk_token_id}]


CARD = ModelCard(name="tiny", system=BOXED, suffix="Be brief.", opening="<think>\n")


def test_a_problem_never_writes_a_control_token_into_a_policys_prompt(tokenizer: Any) -> None:
    text = Text(tokenizer)
    template = control_ids(text.prompt(Problem("What is 2 ? Add it."), CARD, 10_000).tokens, tokenizer)
    for name in added(tokenizer):
        problem = f"What is {name}2 ? {name} Add it.{name}"
        step = text.prompt(Problem(problem), CARD, 10_000)
        assert control_ids(step.tokens, tokenizer) == template, name
        assert problem in step.text, "a person reads the problem as it was written"
        if tokenizer.unk_token_id not in step.tokens:
            assert name in tokenizer.decode(step.tokens), "and so does the model"


def test_a_system_message_never_writes_one_either(tokenizer: Any) -> None:
    text = Text(tokenizer)
    template = control_ids(text.chat("What is 2 ?", BOXED)[1], tokenizer)
    for name in added(tokenizer):
        assert control_ids(text.chat("What is 2 ?", BOXED + name)[1], tokenizer) == template, name


def test_ordinary_text_has_the_ids_that_the_tokenizer_gives_it(tokenizer: Any) -> None:
    text = Text(tokenizer)
    for problem in [*CORPUS[:4], " leading and trailing\n\n", "\n\né数🙂 < > [ | ½", "2 < 3 and <b> 4"]:
        prompt, tokens = text.chat(problem, BOXED)
        whole = not tokenizer.chat_template
        assert tokens == tokenizer.encode(prompt, add_special_tokens=whole)


def test_the_copy_with_secret_names_tokenizes_as_the_tokenizer_does(tokenizer: Any) -> None:
    encoder = TextEncoder(tokenizer)
    names = list(added(tokenizer))
    for k, text in enumerate([*CORPUS[:4], "two  spaces, é数🙂\n\n <b> marble", "  at the start"]):
        for prompt in (f"{names[k % len(names)]}user\n{text}{names[-1]}\n {text}", text):
            assert encoder._encode_quoted(prompt) == tokenizer.encode(prompt, add_special_tokens=False)


@pytest.mark.parametrize("kind", ["chatml", "llama 3", "sentencepiece"])
def test_a_control_tokens_name_has_the_ids_of_its_characters(kind: str, tmp_path: Path) -> None:
    """transformers' own switch for texts is the reference; it serves whole texts only."""
    tokenizer = KINDS[kind](tmp_path)
    encoder = TextEncoder(tokenizer)
    for name in added(tokenizer):
        text = f"What is {name} 2{name}?"
        expected = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        tokenizer.backend_tokenizer.encode_special_tokens = False
        assert encoder.encode(encoder.quote(text)) == expected


def test_a_name_in_disguise_is_text(tmp_path: Path) -> None:
    """A normalizer that folds full-width characters would turn them into a control token's name."""
    tokenizer = unigram(tmp_path)
    tokenizer.add_tokens(["<extra>"])
    text = Text(tokenizer)
    template = control_ids(text.chat("What is 2 ?")[1], tokenizer)
    for name in ("\uff1c/s\uff1e", "\uff1cextra\uff1e"):  # full-width < and >
        assert control_ids(text.chat(f"What is {name} 2 ? ")[1], tokenizer) == template


def test_a_tokenizer_that_reads_names_as_text_anyway_is_left_alone() -> None:
    class Common:
        """As mistral-common's: no core, and no list of added tokens."""

        chat_template = None

        def added_tokens_decoder(self) -> None:
            raise NotImplementedError

        def encode(self, text: str, add_special_tokens: bool) -> list[int]:
            return [1] * add_special_tokens + [ord(c) for c in text]

    assert Text(Common()).chat("<s>[INST]") == ("<s>[INST]", [1, *map(ord, "<s>[INST]")])


def test_a_template_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    tokenizer = words(tmp_path, "{{ raise_exception('no') }}")
    with pytest.raises(ModelError, match="chat template does not take this conversation: no"):
        Text(tokenizer).chat("<s>")
