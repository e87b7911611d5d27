"""Encoding of text to token ids such that only a template can write control tokens."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Iterable
from functools import cached_property
from typing import Any

_BLANKS = " \t\r\n\u2581\u0120\u010a"  # white space as text, and as vocabularies spell it


class TextEncoder:
    """Encoder of prompts in which the name of a control token in a user's or model's text stays plain text.

    ``quote`` a text before it goes into a template, then ``encode`` what the template makes of it. A text without
    control tokens passes through ``quote`` unchanged, and ids are those of the tokenizer itself. In any other, each
    name of a control token is replaced by a mark that no text can guess. A prompt with marks is encoded by a copy of
    the tokenizer in which the control tokens have secret names: the template's are written by those, the text's are
    ordinary characters. Safe to use from several threads.

    Args:
        tokenizer: a tokenizer of the transformers library.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        # The core of a fast tokenizer: its wrapper sets truncation on each call, which breaks when two threads call.
        self.core: Any = _core(tokenizer)
        added = _added_tokens(tokenizer, self.core)
        self._added: dict[str, int] = {token.content: number for number, token in added.items()}
        self.controls: dict[str, int] = {
            token.content: number for number, token in sorted(added.items()) if _controls(token)
        }
        self._secret = f"x{secrets.token_hex(12)}"
        self._marks = {name: f"{self._secret}m{k:06x}" for k, name in enumerate(self.controls)}
        self._names = {mark: name for name, mark in self._marks.items()} | {f"{self._secret}m": ""}
        self._quoted = re.compile(f"{self._secret}m(?:[0-9a-f]{{6}})?")
        self._in_text = _any_of(self.controls)
        # A template's control token counts where the tokenizer finds it: some are none within a word.
        whole = {token.content for token in added.values() if token.single_word}
        self._in_template = _any_of(self.controls, whole)
        self._lock = threading.Lock()

    def quote(self, text: str) -> str:
        """Replace each name of a control token in a text by a mark; ``unquote`` reverses it."""
        quoted = self._in_text.sub(lambda found: self._marks[found[0]], text)
        if quoted == text and self.core and (normalizer := self.core.normalizer) is not None:
            end = len(text.rstrip())
            if self._in_text.search(normalizer.normalize_str(text)):  # a name in disguise
                return f"{text[:end]}{self._secret}m{text[end:]}"
        return quoted

    def unquote(self, text: str) -> str:
        """Restore the names in a text, or in a prompt that contains such texts."""
        return self._quoted.sub(lambda found: self._names[found[0]], text)

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Encode a text; ``special`` adds the tokenizer's own tokens around it (a begin token)."""
        if self._secret in text:
            ids = self._encode_quoted(text)
            return self._surrounded(ids) if special else ids
        if self.core is None:
            found: list[int] = self._tokenizer.encode(text, add_special_tokens=special)
            return found
        plain: list[int] = self.core.encode(text, add_special_tokens=special).ids
        return plain

    def _surrounded(self, ids: list[int]) -> list[int]:
        inner, outer = self.encode("1"), self.encode("1", special=True)
        start = next((k for k in range(len(outer)) if outer[k : k + len(inner)] == inner), 0)
        return [*outer[:start], *ids, *outer[start + len(inner) :]]

    def _encode_quoted(self, text: str) -> list[int]:
        if self.core is None:
            return self._encode_apart(text)
        with self._lock:
            core, numbers = self._copy
        text = self._in_template.sub(lambda found: self._alias(found[0]), text)
        return [numbers.get(token, token) for token in core.encode(self.unquote(text), add_special_tokens=False).ids]

    def _encode_apart(self, text: str) -> list[int]:
        """Encode with a tokenizer without a core: the texts between the template's control tokens, one by one."""
        ids: list[int] = []
        start = 0
        for found in [*self._in_template.finditer(text), None]:
            piece = self.unquote(text[start : found.start() if found else len(text)])
            ids += self._tokenizer.encode(piece, add_special_tokens=False, split_special_tokens=True) if piece else []
            if found:
                ids.append(self.controls[found[0]])
                start = found.end()
        return ids

    def _alias(self, name: str) -> str:
        return f"{self._secret}a{self.controls[name]:08x}"

    @cached_property
    def _copy(self) -> tuple[Any, dict[int, int]]:
        """Copy the core with secret names for its control tokens; also return the true ids of tokens it renumbers."""
        state = json.loads(self.core.to_str())
        aliases = {name: self._alias(name) for name in self.controls}
        for token in state["added_tokens"]:
            token["content"] = aliases.get(token["content"], token["content"])
        state.update(post_processor=None, truncation=None, padding=None)
        model = state["model"]
        if isinstance(model["vocab"], dict):
            for name, number in self._added.items():
                model["vocab"].pop(name, None)
                model["vocab"][aliases.get(name, name)] = number
        else:  # a list of pieces with their scores
            model["vocab"] = [[aliases.get(piece, piece), score] for piece, score in model["vocab"]]
        if model.get("unk_token") in aliases:
            model["unk_token"] = aliases[model["unk_token"]]
        if "merges" in model:
            pairs = (pair.split(" ", 1) if isinstance(pair, str) else pair for pair in model["merges"])
            model["merges"] = [p for p in pairs if aliases.keys().isdisjoint([*p, "".join(p)])]
        core = type(self.core).from_str(json.dumps(state))
        found = ((core.token_to_id(aliases.get(name, name)), number) for name, number in self._added.items())
        return core, {there: number for there, number in found if there != number}


def _core(tokenizer: Any) -> Any:
    """Return the tokenizer's own core; None for those written in Python."""
    try:
        return tokenizer.backend_tokenizer
    except AttributeError:
        return None


def _added_tokens(tokenizer: Any, core: Any) -> dict[int, Any]:
    found = core.get_added_tokens_decoder() if core else tokenizer.added_tokens_decoder
    return found if isinstance(found, dict) else {}  # mistral-common's knows no names of control tokens in a text


def _controls(token: Any) -> bool:
    """Return whether an added token is more than a word or white space."""
    bare = token.content.strip(_BLANKS)
    return bool(bare) and (token.special or not bare.isalnum())


def _any_of(names: Iterable[str], whole: Iterable[str] = ()) -> re.Pattern[str]:
    """Compile a pattern that finds the first of ``names``, the longest at a position; ``whole`` ones as whole words."""
    longest = sorted(names, key=len, reverse=True)
    patterns = (rf"(?<!\w){re.escape(n)}(?!\w)" if n in set(whole) else re.escape(n) for n in longest)
    return re.compile("|".join(patterns) or "(?!)")
