"""The tokenizer of the laboratory's orchestrator: one token per word, per digit and per piece of a call's JSON.

It is that of the built-in policies (:mod:`benchmarks.lab.tokenizer`) with more words, with the fixed sentences that the
engine writes about tools as one token each, and with a chat template that offers tools.
"""

from __future__ import annotations

import re
from functools import cache

from transformers import PreTrainedTokenizerFast

from benchmarks.lab.tokenizer import ASSISTANT, BOS, EOS, PAD, PATTERN, UNK, USER, assemble
from benchmarks.orchestra.words import PHRASES, known_words
from benchmarks.word_problems.vocabulary import vocabulary
from tts.tools.toolbox import Toolbox

SYSTEM, TOOL, RESULT = "<|system|>", "<|tool|>", "<|result|>"
SPECIAL = (PAD, BOS, EOS, UNK, SYSTEM, TOOL, USER, ASSISTANT, RESULT)
CONTEXT = 768  # most tokens of a conversation
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
    words = [*phrases(), "_", "#", "[", "]", "<", ">", "{", *known_words(), *vocabulary()]
    # A phrase is found before the words in it; a word's boundary keeps "and" out of "andes".
    whole = "|".join(re.escape(text) + (r"(?!\p{L})" if text[-1].isalpha() else "") for text in phrases())
    return assemble(SPECIAL, words, f"{whole}|{PATTERN}", CHAT_TEMPLATE, CONTEXT)
