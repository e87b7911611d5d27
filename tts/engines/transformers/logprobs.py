"""Log-probabilities of sampled tokens from the logits of a pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from tts.types import TokenLogprobs


def token_logprobs(
    logits: torch.Tensor, tokens: Sequence[int], counts: Sequence[int], text: Callable[[int], str]
) -> list[TokenLogprobs]:
    """Return the log-probabilities of each row's sampled token.

    Args:
        logits: [rows, vocabulary], before temperature.
        tokens: [rows] sampled ids.
        counts: [rows] alternatives wanted.
        text: decodes one id.
    """
    size = logits.shape[-1]
    known = torch.log_softmax(logits.float(), -1)
    best, ids = known.topk(min(max(counts), size), -1)
    sampled = known.gather(1, torch.tensor(tokens, device=known.device)[:, None])[:, 0]
    certainty = -known.mean(-1) - math.log(size)
    rows = zip(tokens, sampled.tolist(), best.tolist(), ids.tolist(), certainty.tolist(), counts, strict=True)
    return [
        TokenLogprobs(
            own, tuple((text(i), value) for i, value in zip(index[:n], values[:n], strict=True)), sure, text(token)
        )
        for token, own, values, index, sure, n in rows
    ]
