"""Growing a trained Llama into a larger one that computes the same function (Net2Net, arXiv 1511.05641).

New parts read from the old ones but write nothing yet: new residual dimensions start at zero; new heads, neurons and
layers have random inputs and zero outputs. Training then puts them to use. The large policy starts at the small one's
quality, which saves most of its training.
"""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM


@torch.no_grad()
def grow(small: LlamaForCausalLM, large: LlamaForCausalLM, seed: int) -> None:
    """Overwrite the weights of `large` so that it computes the same function as `small`.

    The head size must be equal; width, heads, inner width and layers may be larger. `seed` determines the new parts.

    Raises:
        ValueError: if `large` is not at least as large in every way, or its head size differs.
    """
    a, b = small.config, large.config
    sizes = ("hidden_size", "num_attention_heads", "intermediate_size", "num_hidden_layers", "vocab_size")
    if a.head_dim != b.head_dim or any(getattr(b, s) < getattr(a, s) for s in sizes):
        raise ValueError("a model grows only into one with the same head size that is no smaller in any dimension")
    generator = torch.Generator().manual_seed(seed)
    # RMSNorm divides by the root of the mean over all dimensions; with zeros in the new ones the mean is smaller.
    scale = (a.hidden_size / b.hidden_size) ** 0.5
    old = dict(small.named_parameters())
    for name, new in large.named_parameters():
        reads = any(part in name for part in ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj"))
        writes = any(part in name for part in ("o_proj", "down_proj", "embed_tokens"))
        source = old.get(name)
        if new.ndim == 1:
            new.fill_(1.0)
            if source is not None:
                new.fill_(float(source.mean()) * scale)
                new[: source.shape[0]] = source * scale
        elif reads:
            spread = 0.5 * b.hidden_size**-0.5
            new.copy_(torch.randn(new.shape, generator=generator) * spread)
            if source is not None:
                new[: source.shape[0], : source.shape[1]] = source
        elif writes:
            new.zero_()
            if source is not None:
                new[: source.shape[0], : source.shape[1]] = source
