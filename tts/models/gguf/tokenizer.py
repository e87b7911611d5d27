"""The tokenizer of a GGUF file: SentencePiece's BPE, or byte-level BPE from tokens, merges and a word pattern.

The patterns are constants of the published tokenizers (``tokenizer.json`` of each family), named as llama.cpp names
them in ``tokenizer.ggml.pre``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tts.errors import ModelError
from tts.files.json_text import dump
from tts.files.text import reason
from tts.models.gguf.header import Header
from tts.models.gguf.sentencepiece_bpe import core_of, fits

_CONTROL, _USER = 3, 4  # kinds of tokens: written by templates only, and words that were added
_ENDS = {"<end_of_turn>", "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<|endoftext|>", "<|end_of_text|>"}
_PIECES = "llama"  # as tokenizer.ggml.model names SentencePiece's BPE, whatever the architecture
TEMPLATE = "chat_template.jinja"

_GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
_REST = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
_UPPER, _LOWER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]", "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
_TEKKEN = (
    f"[^\\r\\n\\p{{L}}\\p{{N}}]?{_UPPER}*{_LOWER}+|[^\\r\\n\\p{{L}}\\p{{N}}]?{_UPPER}+{_LOWER}*|\\p{{N}}|"
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
)


@dataclass(frozen=True, slots=True)
class Words:
    """How a text is cut into words before the merges.

    Attributes:
        pattern: of one word.
        digits: whether each digit is a word of its own, whatever the pattern says.
        composed: whether the text is brought to Unicode's form NFC first.
        whole: whether a word that is a token is taken as it is, without merges.
        begin: whether a text begins with the begin token where the file does not say.
    """

    pattern: str
    digits: bool = False
    composed: bool = False
    whole: bool = False
    begin: bool = False


_LLAMA3 = Words(f"{_WORDS}|\\p{{N}}{{1,3}}|{_REST}", whole=True, begin=True)
_QWEN2 = Words(f"{_WORDS}|\\p{{N}}|{_REST}", composed=True)
WORDS: Mapping[str, Words] = {
    "gpt-2": Words(_GPT2),
    "smollm": Words(_GPT2, digits=True),
    "llama-bpe": _LLAMA3,
    "llama3": _LLAMA3,
    "llama-v3": _LLAMA3,
    "qwen2": _QWEN2,
    "deepseek-r1-qwen": _QWEN2,
    "tekken": Words(_TEKKEN, whole=True, begin=True),
}
"""The word patterns that are known."""


def check_tokenizer(header: Header) -> None:
    """Refuse a file without a tokenizer or chat template that is read here. Raises ModelError."""
    model, pre = header.get("tokenizer.ggml.model"), header.get("tokenizer.ggml.pre")
    tokens, end = header.get("tokenizer.ggml.tokens"), header.get("tokenizer.ggml.eos_token_id")
    if model is None or not tokens:
        raise ModelError(f"{header.path} holds no tokenizer: take a file that was converted with its tokenizer.")
    served = "serve the file with llama.cpp's llama-server and give its address as the policy"
    if not (fits(header) if model == _PIECES else model == "gpt2" and header.get("tokenizer.ggml.merges")):
        raise ModelError(
            f"{header.path} has a tokenizer of the kind {model!r}, without what it needs; only byte-level BPE and "
            f"SentencePiece's BPE are read: {served}."
        )
    if model != _PIECES and pre not in WORDS:
        raise ModelError(
            f"{header.path} cuts words by the pattern {pre!r}, and known are {', '.join(sorted(WORDS))}: {served}."
        )
    if not isinstance(end, int) or not 0 <= end < len(tokens) or len(set(tokens)) < len(tokens):
        raise ModelError(
            f"{header.path} has a damaged tokenizer (a repeated token, or no end token): take another file."
        )
    if not template_of(header):
        raise ModelError(
            f"{header.path} holds no chat template, so it is a base model or lost it: take the file of an instruct "
            f"model, or put the model's {TEMPLATE} into the same folder."
        )


def template_of(header: Header) -> str:
    """Return the chat template: that next to the file, else its own; empty if there is none."""
    own = header.path.parent / TEMPLATE
    if own.is_file():
        try:
            return own.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ModelError(f"{own} cannot be read: {reason(error)}.") from error
    return str(header.get("tokenizer.chat_template") or "")


def write_tokenizer(header: Header, folder: Path) -> None:
    """Write tokenizer.json, its configuration, the chat template and the end tokens. Raises ModelError."""
    tokens: list[str] = header.get("tokenizer.ggml.tokens")
    try:
        built = _built(header, tokens)
    except Exception as error:  # the library's own, which derives from nothing narrower
        raise ModelError(f"{header.path} has a damaged tokenizer ({reason(error)}): take another file.") from error
    built.save(str(folder / "tokenizer.json"))
    names: dict[str, Any] = {
        f"{ours}_token": _token(header, theirs, tokens)
        for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown"))
    }
    kept = {name: text for name, text in names.items() if text is not None}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **kept}
    _save(folder / "tokenizer_config.json", settings)
    _save(folder / "generation_config.json", {"eos_token_id": end_tokens(header)})
    (folder / TEMPLATE).write_text(template_of(header), encoding="utf-8")


def end_tokens(header: Header) -> list[int]:
    """Return the ids that end an answer: those the file names, and control tokens known to end a turn."""
    tokens, kinds = header.get("tokenizer.ggml.tokens"), header.get("tokenizer.ggml.token_type") or ()
    named = {header.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot", "eom")}
    known = {
        k for k, (token, kind) in enumerate(zip(tokens, kinds, strict=False)) if kind == _CONTROL and token in _ENDS
    }
    return sorted(token for token in named | known if token is not None)


def _built(header: Header, tokens: list[str]) -> Any:
    from tokenizers import processors

    pieces = header.get("tokenizer.ggml.model") == _PIECES
    core = core_of(header, tokens) if pieces else _byte_level(header, tokens)
    begin = _token(header, "bos", tokens)
    usual = True if pieces else WORDS[header.get("tokenizer.ggml.pre")].begin
    if begin is not None and header.get("tokenizer.ggml.add_bos_token", usual):
        number = tokens.index(begin)
        core.post_processor = processors.TemplateProcessing(
            single=[begin, "$A"], pair=[begin, "$A", "$B"], special_tokens=[(begin, number)]
        )
    if core.get_vocab_size() != len(tokens):
        raise ValueError("its added tokens are not in its vocabulary")
    return core


def _byte_level(header: Header, tokens: list[str]) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    words = WORDS[header.get("tokenizer.ggml.pre")]
    merges = [tuple(pair.split(" ", 1)) for pair in header.get("tokenizer.ggml.merges")]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    core = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=words.whole))
    if words.composed:
        core.normalizer = normalizers.NFC()
    prefix = bool(header.get("tokenizer.ggml.add_space_prefix", False))
    core.pre_tokenizer = pre_tokenizers.Sequence([
        *([pre_tokenizers.Digits(individual_digits=True)] if words.digits else []),
        pre_tokenizers.Split(Regex(words.pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=False),
    ])  # fmt: skip
    core.decoder = decoders.ByteLevel()
    kinds = header.get("tokenizer.ggml.token_type") or [1] * len(tokens)
    for token, kind in zip(tokens, kinds, strict=True):
        if kind in (_CONTROL, _USER):
            core.add_tokens([AddedToken(token, special=kind == _CONTROL, normalized=False)])
    return core


def _token(header: Header, name: str, tokens: list[str]) -> str | None:
    number = header.get(f"tokenizer.ggml.{name}_token_id")
    return tokens[number] if isinstance(number, int) and 0 <= number < len(tokens) else None


def _save(file: Path, value: Any) -> None:
    file.write_text(dump(value, indent=2) + "\n", encoding="utf-8")
