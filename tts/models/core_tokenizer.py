"""The tokenizer of the built-in models: ``tokenizer.json`` and the chat template, without importing transformers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from tts.files import json_text

_NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")


class CoreTokenizer:
    """What the project uses of transformers' fast tokenizers; ids and prompts are equal to theirs.

    Args:
        folder: a folder with ``tokenizer.json``, ``tokenizer_config.json`` and ``chat_template.jinja``.
    """

    is_fast = True

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self.name_or_path = str(folder)
        self.backend_tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.backend_tokenizer.no_truncation()
        self.backend_tokenizer.no_padding()
        self.chat_template = (folder / "chat_template.jinja").read_text(encoding="utf-8")
        settings = json_text.read(folder / "tokenizer_config.json")
        self._names = {name: settings[name] for name in _NAMED if settings.get(name) is not None}

    @property
    def bos_token_id(self) -> int | None:
        return self._id("bos_token")

    @property
    def eos_token_id(self) -> int | None:
        return self._id("eos_token")

    def __len__(self) -> int:
        """Return the number of ids, control tokens included."""
        return int(self.backend_tokenizer.get_vocab_size(with_added_tokens=True))

    def apply_chat_template(
        self, messages: list[dict[str, Any]], *, tokenize: bool, add_generation_prompt: bool, **names: Any
    ) -> str:
        """Write a conversation as the model reads it; it is encoded elsewhere, so ``tokenize`` is False.

        Raises:
            jinja2.TemplateError: the template refuses the conversation.
        """
        assert not tokenize
        given = {"tools": None, "documents": None} | self._names | names
        text: str = self._template.render(messages=messages, add_generation_prompt=add_generation_prompt, **given)
        return text

    @cached_property
    def _template(self) -> Any:
        from jinja2.ext import loopcontrols
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
        return environment.from_string(self.chat_template)

    def _id(self, name: str) -> int | None:
        found: int | None = self.backend_tokenizer.token_to_id(self._names[name]) if name in self._names else None
        return found
