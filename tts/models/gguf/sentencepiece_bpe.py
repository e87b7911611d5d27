"""SentencePiece's BPE from a GGUF file (``tokenizer.ggml.model = llama``): Llama 2, Mistral 7B, TinyLlama, Gemma.

The file has pieces with scores and no merges. A merge of two pieces is as urgent as the score of the piece that they
make, so the merges are all the ways to divide each piece, in order of the scores. Characters without a piece become
their bytes. SentencePiece itself takes the leftmost of equally urgent merges, the tokenizers package the first listed:
they may differ within runs of one character.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tts.models.gguf.header import Header

_NORMAL, _UNKNOWN, _CONTROL, _USER, _BYTE = 1, 2, 3, 4, 6
BLANK = "\u2581"
"""How pieces spell a space."""


def fits(header: Header) -> bool:
    """Return whether a file's pieces have scores and kinds."""
    lists = (header.get(f"tokenizer.ggml.{name}") for name in ("tokens", "scores", "token_type"))
    return len({len(found or ()) for found in lists}) == 1


def core_of(header: Header, tokens: Sequence[str]) -> Any:
    """Build the tokenizer, without its begin token. Raises what the tokenizers package raises for a damaged one."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

    kinds: Sequence[int] = header.get("tokenizer.ggml.token_type")
    scores: Sequence[float] = header.get("tokenizer.ggml.scores")
    # Words that users add are looked for in the text itself, before its spaces are replaced.
    spelled = [token.replace(BLANK, " ") if kind == _USER else token for token, kind in zip(tokens, kinds, strict=True)]
    vocabulary = {token: number for number, token in enumerate(spelled)}
    unknown = next((token for token, kind in zip(tokens, kinds, strict=True) if kind == _UNKNOWN), None)
    core = Tokenizer(
        models.BPE(
            vocab=vocabulary, merges=merges(tokens, scores, kinds), unk_token=unknown, fuse_unk=True,
            byte_fallback=_BYTE in kinds,
        )
    )  # fmt: skip
    prefix = bool(header.get("tokenizer.ggml.add_space_prefix", True))
    blanks = normalizers.Replace(" ", BLANK)
    core.normalizer = normalizers.Sequence([normalizers.Prepend(BLANK), blanks]) if prefix else blanks
    spaces = [decoders.Replace(BLANK, " "), decoders.ByteFallback(), decoders.Fuse()]
    core.decoder = decoders.Sequence([*spaces, decoders.Strip(" ", 1, 0)] if prefix else spaces)
    for token, kind in zip(spelled, kinds, strict=True):
        if kind in (_UNKNOWN, _CONTROL, _USER):
            core.add_tokens([AddedToken(token, special=kind != _USER, normalized=False)])
    return core


def merges(tokens: Sequence[str], scores: Sequence[float], kinds: Sequence[int]) -> list[tuple[str, str]]:
    """Return the merges, the most urgent first: every division of a piece into two, by the scores of the pieces."""
    pieces = {token: score for token, score, kind in zip(tokens, scores, kinds, strict=True) if kind == _NORMAL}
    found = []
    for piece in sorted((piece for piece in pieces if len(piece) > 1), key=lambda piece: -pieces[piece]):
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if left in pieces and right in pieces:
                found.append((left, right))
    return found
