"""Constrained decoding: which tokens keep a text to a JSON schema, by the grammars of llguidance, for one tokenizer."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tts.files.json_text import dump, parse

_FORM: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}
"""JSON on one line, as most writers print it: where white space is free, small models write it without end. What a
schema has that llguidance does not know is not enforced."""
_THOUGHT = """start: thought blank json
thought[suffix="</think>"]: /(.|\\n)*/
blank: /[\\n ]{0,3}/
json: %json """
"""A grammar in llguidance's form of Lark, but for the schema at its end: JSON after thoughts."""
_KEPT = 64  # grammars of schemas


class JsonText:
    """A text under way that fits a schema."""

    def __init__(self, matcher: Any, size: int) -> None:
        self._matcher, self._size = matcher, size

    def allowed(self) -> NDArray[np.bool_]:
        """Return for each id whether it may come next: [size]. Ids that end a text may, once it is complete."""
        if self._matcher.is_error():  # such as a limit of llguidance: what comes now is not enforced
            return np.ones(self._size, np.bool_)
        bits = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        allowed = np.zeros(self._size, np.bool_)
        allowed[: len(bits)] = bits[: self._size]
        return allowed

    def take(self, token: int) -> None:
        """Go on behind the token that was sampled."""
        self._matcher.consume_token(token)


class JsonGrammars:
    """The grammars of JSON schemas for one tokenizer.

    Args:
        core: the tokenizer's core, of the library tokenizers.
        size: number of logits.
        ends: ids that end a text.
        thinks: whether the model thinks first; its thoughts are free.
    """

    def __init__(self, core: Any, size: int, ends: Collection[int], *, thinks: bool = False) -> None:
        self._core, self._size, self._ends, self._thinks = core, size, sorted(ends), thinks
        self._vocabulary = lru_cache(1)(self._made_vocabulary)
        self._compiled = lru_cache(_KEPT)(self._compile)

    def check(self, schema: str) -> str:
        """Compile a schema, which may take a second. Returns why it cannot be enforced; nothing where it can."""
        found = self._compiled(schema)
        return found if isinstance(found, str) else ""

    def warning(self, name: str, schema: str) -> str | None:
        """Return a sentence for the user on a policy of this name that cannot be held to a schema; None if it can."""
        return not_held(name, reason) if schema and (reason := self.check(schema)) else None

    def start(self, schema: str) -> JsonText | None:
        """Begin a text; None where the schema cannot be enforced."""
        found = self._compiled(schema)
        return None if isinstance(found, str) else JsonText(found.deep_copy(), self._size)

    def _compile(self, schema: str) -> Any:
        """Return a matcher at the start of a text, or a sentence on why there is none."""
        if not find_spec("llguidance"):
            return "it needs llguidance, `pip install 'tts-search[json]'`"
        from llguidance import LLMatcher

        if self._core is None:
            return "its tokenizer is not a fast one"
        try:
            vocabulary = self._vocabulary()
        except ValueError:  # such as for a decoder that it does not know
            return "llguidance cannot read its tokenizer"
        matcher = LLMatcher(vocabulary, self.grammar(schema), log_level=0)
        return matcher.get_error().strip().partition("\n")[0].rstrip(".") if matcher.is_error() else matcher

    def grammar(self, schema: str) -> str:
        """Return the grammar of a schema in llguidance's form of Lark."""
        form = dump({**parse(schema), "x-guidance": _FORM})
        return f"{_THOUGHT if self._thinks else 'start: %json '}{form}\n"

    def _made_vocabulary(self) -> Any:
        from llguidance import LLTokenizer

        return LLTokenizer(self._core.to_str(), n_vocab=self._size, eos_token=self._ends)


def not_held(name: str, reason: str) -> str:
    """Return a sentence for the user on a policy that cannot be held to a schema."""
    return f"{name} is not held to the JSON schema, so only the samples that happen to fit it vote: {reason}."
