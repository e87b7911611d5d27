"""The tokenizer of the laboratory's orchestrator: one token per word, per digit and per piece of a call's JSON.

It is that of the built-in policies (:mod:`benchmarks.lab.tokenizer`) with more words, with the fixed sentences that the
engine writes about tools as one token each, and with a chat template that offers tools.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from benchmarks.lab.tokenizer import PATTERN
from benchmarks.orchestra.words import PHRASES, known_words
from benchmarks.word_problems.vocabulary import vocabulary
from tts.files import json_text
from tts.tools.toolbox import Toolbox

PAD, BOS, EOS, UNK, SYSTEM, TOOL, USER, ASSISTANT, RESULT = (
    "<pad>",
    "<s>",
    "</s>",
    "<unk>",
    "<|system|>",
    "<|tool|>",
    "<|user|>",
    "<|assistant|>",
    "<|result|>",
)
SPECIAL = (PAD, BOS, EOS, UNK, SYSTEM, TOOL, USER, ASSISTANT, RESULT)
CHAT_TEMPLATE = (
    "<s>{% for tool in tools or [] %}<|tool|>{{ tool.function.name }}"
    "({{ tool.function.parameters.properties | join(', ') }}): {{ tool.function.description }}{% endfor %}"
    "{% for message in messages %}{% if message['role'] == 'system' %}<|system|>{{ message['content'] }}"
    "{% elif message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'tool' %}<|result|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] or '' }}"
    "{% for call in message.tool_calls or [] %}{% if not loop.first %}{{ '\\n' }}{% endif %}"
    '{{ \'<tool_call>\\n{"name": "\' + call.function.name + \'", "arguments": \' }}'
    "{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}"
    "{{ '}\\n</tool_call>' }}{% endfor %}{% if not loop.last %}</s>{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def phrases() -> list[str]:
    """Return the texts that are one token each, the longest first; the engine's guide on tools is one of them."""
    return sorted({Toolbox(()).guide, *PHRASES}, key=lambda text: (-len(text), text))


@cache
def build() -> PreTrainedTokenizerFast:
    """Build the tokenizer as a standard `PreTrainedTokenizerFast`, with its chat template; once per process."""
    tokens = dict.fromkeys([*SPECIAL, *phrases(), "_", "#", "[", "]", "<", ">", "{", *known_words(), *vocabulary()])
    core = Tokenizer(WordLevel({token: number for number, token in enumerate(tokens)}, unk_token=UNK))
    # A phrase is found before the words in it; a word's boundary keeps "and" out of "andes".
    whole = "|".join(re.escape(text) + (r"(?!\p{L})" if text[-1].isalpha() else "") for text in phrases())
    core.pre_tokenizer = pre_tokenizers.Split(Regex(f"{whole}|{PATTERN}"), behavior="isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens(list(SPECIAL))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
        additional_special_tokens=[SYSTEM, TOOL, USER, ASSISTANT, RESULT],
        clean_up_tokenization_spaces=False,
        model_max_length=1024,
        padding_side="left",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def save(folder: Path) -> None:
    """Write the tokenizer's standard files into `folder`."""
    build().save_pretrained(folder)
    path = folder / "tokenizer_config.json"
    config = json_text.read(path)
    config["tokenizer_class"] = "PreTrainedTokenizerFast"  # the name that every version of transformers has
    path.write_text(json_text.dump(config, indent=2) + "\n", encoding="utf-8")
