"""What a forward pass costs in floating-point operations, the cached prefix taken off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The numbers of a decoder-only transformer that its cost depends on.

    Attributes:
        parameters: all parameters, the model's nominal size.
        active: parameters that take part in matrix products for one token: the output head counts (once, even when
            tied to the embedding), the input embedding does not; of a mixture's experts only those routed to.
        layers: number of blocks.
        width: attention width, heads x head size.
    """

    parameters: int
    active: int
    layers: int
    width: int

    def flops(self, new: int, cached: int = 0) -> int:
        """FLOPs of a pass over ``new`` tokens behind ``cached`` ones: ``2 P t + 4 L d (c t + t (t + 1) / 2)``.

        A multiply-add is two operations; the first term is every matrix product with weights, the second is scores
        and weighted sum of causal attention. Whole numbers, and additive over the parts of a text, so that sums do not
        depend on the order in which parts were computed.
        """
        return 2 * self.active * new + 2 * self.layers * self.width * new * (2 * cached + new + 1)

    def paper_flops(self, tokens: int) -> int:
        """The figure of arXiv 2502.06703: 2 x parameters x sampled tokens."""
        return 2 * self.parameters * tokens
