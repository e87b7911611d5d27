"""The tokenizer of the built-in models: one token per word and per digit, without loss.

A word includes the space before it (" marbles"), a digit does not, so the space before a number is a token of its own.
A paragraph break is one token. For text of known words `decode(encode(x)) == x`, and the texts of two token sequences
join to the text of the joined sequence. An unknown word becomes `<unk>`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from benchmarks.word_problems.vocabulary import vocabulary

PAD, BOS, EOS, UNK, USER, ASSISTANT, STEP = (
    "<pad>",
    "<s>",
    "</s>",
    "<unk>",
    "<|user|>",
    "<|assistant|>",
    "<extra_0>",
)
SPECIAL = (PAD, BOS, EOS, UNK, USER, ASSISTANT, STEP)
PATTERN = r"\n\n|\\boxed\{| ?\p{L}+|\d| |\n|."
CHAT_TEMPLATE = (
    "<s>{% for message in messages %}{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}"
    "{% if not loop.last %}</s>{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build() -> PreTrainedTokenizerFast:
    """Build the tokenizer as a standard `PreTrainedTokenizerFast`, with its chat template."""
    return assemble(SPECIAL, vocabulary(), PATTERN, CHAT_TEMPLATE, 512)


def assemble(
    special: Sequence[str], words: Iterable[str], pattern: str, template: str, context: int
) -> PreTrainedTokenizerFast:
    """Build a tokenizer of whole words: `special` tokens first, among them PAD, BOS, EOS and UNK, then `words`.

    `pattern` is the regular expression of a token, `template` the chat template, `context` the most tokens of a text.
    """
    tokens = dict.fromkeys([*special, *words])
    core = Tokenizer(WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=UNK))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens(list(special))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
        additional_special_tokens=[token for token in special if token not in (PAD, BOS, EOS, UNK)],
        clean_up_tokenization_spaces=False,
        model_max_length=context,
        padding_side="left",
    )
    tokenizer.chat_template = template
    return tokenizer


def save(folder: Path, tokenizer: PreTrainedTokenizerFast | None = None) -> None:
    """Write the standard files of a tokenizer, by default the policies', into `folder`."""
    (tokenizer or build()).save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["tokenizer_class"] = "PreTrainedTokenizerFast"  # the name that every version of transformers has
    path.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
