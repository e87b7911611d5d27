"""The words of the laboratory's tables and tools, and the phrases that are one token each."""

from __future__ import annotations

from benchmarks.word_problems import grammar
from tts.search.calls import BEYOND

DOMAINS: dict[str, tuple[list[str], tuple[str, str]]] = {
    "shops": ("apples pears plums nuts bread rice salt tea milk eggs".split(), ("price", "stock")),
    "timetables": ("red green blue white black amber pink grey gold teal".split(), ("minutes", "stops")),
    "prices": ("bonn rome oslo lima cairo paris delhi tokyo quito bern".split(), ("rent", "fare")),
    "museums": ("coins masks ships maps clocks bones stamps lamps swords vases".split(), ("visitors", "pieces")),
}
"""A table's things and its two columns, by the name of the table."""

HELD_OUT_DOMAIN = "museums"
HELD_OUT_TOOL = "exchange"

_HELD_OUT = {HELD_OUT_DOMAIN, HELD_OUT_TOOL, *DOMAINS[HELD_OUT_DOMAIN][0], *DOMAINS[HELD_OUT_DOMAIN][1], "tokens"}
NOUNS = sorted(
    {*grammar.TOYS, *grammar.FOOD, *grammar.ANIMALS, *grammar.PLANTS, *grammar.GOODS, *grammar.CONTAINERS} - _HELD_OUT
)
"""Words of the stories that may name things."""

VERBS = "melt trade swap press weigh pack turn cut fold grind print bake sort mix stack split".split()
"""Words that may name tools that change one thing into another."""

WORDS = sorted(
    {*NOUNS, *VERBS, *_HELD_OUT, *(word for things, columns in DOMAINS.values() for word in (*things, *columns))}
)
"""Words for tables and tools that are drawn anew for each task of the training.

Those of the held-out table and tool are among them, so that each is a word that the policy has copied before. What is
held out are the table and the tool: no table has that name, and no tool does what that one does.
"""

MODELS = "ask_lab-200k ask_lab-1m ask_lab-4m model_1 model_2 model_3 expert helper".split()
"""Names under which models are offered in training."""

_TOOLS = "lookup calculate python thing column operation add subtract multiply code question print N".split()
_SENTENCES = (
    "In the table how much is times plus of changed from coins into tokens Take Changes Error Answer No answer "
    "Calculates exactly with two whole numbers A number thing there no tool named for so many"
).split()

PHRASES = (
    '<tool_call>\n{"name": "',
    '", "arguments": {"',
    '": "',
    '": ',
    '", "',
    ', "',
    '"}}\n</tool_call>',
    "}}\n</tool_call>",
    " Price: none.",
    " Price: ",
    " dollars a call.",
    " Latency: ",
    " s.",
    " Asks a language model a question.",
    " Recorded: right in ",
    "% of ",
    " lab-validation problems.",
    " Runs a Python program without network and files, and returns what it prints.",
    " A number of a thing in the table.",
    " Calculates exactly with two whole numbers.",
    "This was the last call: answer now.",
    BEYOND,
    "Answer: ",
    " (share of the vote ",
    "%).",
    " The user prefers",
    " strongly cheap calls",
    " slightly cheap calls",
    " strongly fast calls",
    " slightly fast calls",
    " and",
    " (weights: quality ",
    ", cost ",
    ", latency ",
    ").",
    "//",
    *MODELS,
)


def known_words() -> list[str]:
    """Return every word that is a token of its own, without and with the space before it."""
    words = {*"abcdefghijkl", *NOUNS, *VERBS, *_TOOLS, *_SENTENCES, *_HELD_OUT}
    for domain, (things, columns) in DOMAINS.items():
        words |= {domain, *things, *columns}
    return sorted({*words, *(f" {word}" for word in words)})
