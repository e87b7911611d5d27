"""The laboratory's tokenizer: one token a word, one a digit, and nothing is lost.

A word carries the space before it (" marbles"), a digit never does, so the space before a number is a token of its
own; a paragraph break is one token. On text made of known words `decode(encode(x)) == x`, and the texts of two token
sequences join to the text of the joined sequence. A word that is not known becomes `<unk>`.
"""

from __future__ import annotations

import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from benchmarks.lab import grammar

PAD, BOS, EOS, UNK, USER, ASSISTANT, STEP = "<pad>", "<s>", "</s>", "<unk>", "<|user|>", "<|assistant|>", "<extra_0>"
SPECIAL = (PAD, BOS, EOS, UNK, USER, ASSISTANT, STEP)
PATTERN = r"\n\n|\\boxed\{| ?\p{L}+|\d| |\n|."
CHAT_TEMPLATE = (
    "<s>{% for message in messages %}{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}"
    "{% if not loop.last %}</s>{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_PUNCTUATION = ["\n\n", "\n", "\\boxed{", "}", " ", *"0123456789+-*/=.,?!:;'\"$%()"]
_SOLUTION = "Add Take away Double Triple it Times Halve Divide Multiply by The other has Together From answer is".split()
_OPENERS = (
    "The A An There At In On If My I She He They It When After Before Last Every Each How What Some One Yesterday Today "
    "Each Half Only Then Next Later Finally Now Also For This That Its Her His Their You We Suppose Let Your Both Two"
).split()


def _words(text: str) -> set[str]:
    plain = re.sub(r"\{\w+\}|<[+=]?\w+>|^\d:", " ", text)
    return set(re.findall(r"[^\W\d_]+", plain))


def vocabulary() -> list[str]:
    """Every token but the special ones, in the order of their ids: read off the grammar's tables."""
    tables = [grammar.AGES, grammar.CHAIN, *(story.phrases for story in grammar.STORIES)]
    texts = [text for table in tables for phrases in table.values() for text in phrases]
    texts += [text for _, text in grammar.TWO_PEOPLE]
    texts += [*grammar.ONE_OTHER, *grammar.EACH, *grammar.CHANGE, *grammar.PLACES, *grammar.JOINS, *grammar.FRACTIONS.values()]
    texts += [*grammar.LEADS, *grammar.BUS_LEADS]
    words = set().union(*(_words(text) for text in texts)) - set("cde")
    words |= {form for forms in grammar.VERBS.values() for form in forms}
    nouns = grammar.TOYS + grammar.FOOD + grammar.ANIMALS + grammar.PLANTS + grammar.GOODS
    words |= {*nouns, *grammar.ITEMS, *grammar.CONTAINERS, *grammar.RELATIVES, *grammar.VISITORS, *grammar.EXTRA_WORDS}
    words |= {"she", "he", "they", "it", "her", "his", "their", "its", "twice", "s", *_SOLUTION, *(w.lower() for w in _OPENERS)}
    numbers = list(grammar.NUMBER_WORDS.values())
    names = grammar.WOMEN + grammar.MEN
    capital = {*_OPENERS, *(w.capitalize() for w in numbers), *(w.split()[0].capitalize() for w in grammar.FRACTIONS.values())}
    words |= {*numbers, *names, *capital}
    first = {*names, *capital, *_SOLUTION, "s"}
    return [*_PUNCTUATION, *sorted(f" {word}" for word in words), *sorted(first)]


def build() -> PreTrainedTokenizerFast:
    """The tokenizer as a standard `PreTrainedTokenizerFast`, with its chat template."""
    vocab = {token: i for i, token in enumerate([*SPECIAL, *vocabulary()])}
    core = Tokenizer(WordLevel(vocab, unk_token=UNK))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens(list(SPECIAL))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        bos_token=BOS,
        eos_token=EOS,
        unk_token=UNK,
        additional_special_tokens=[USER, ASSISTANT, STEP],
        clean_up_tokenization_spaces=False,
        model_max_length=512,
        padding_side="left",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def save(folder: Path) -> None:
    """Write the tokenizer's standard files into `folder`."""
    build().save_pretrained(folder)
