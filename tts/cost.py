"""Cost of a forward pass in floating-point operations, without the cached prefix; and what a server bills."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tts.errors import BadInput


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The dimensions of a decoder-only transformer that determine its cost.

    Attributes:
        parameters: all parameters, the model's nominal size.
        active: parameters in matrix products for one token: the output head counts (once, even if tied to the
            embedding), the input embedding does not; of a mixture of experts only those routed to.
        layers: number of blocks.
        width: attention width, heads x head size.
    """

    parameters: int
    active: int
    layers: int
    width: int

    def flops(self, new: int, cached: int = 0) -> int:
        """Compute the FLOPs of ``new`` tokens after ``cached`` ones: ``2 P t + 4 L d (c t + t (t + 1) / 2)``.

        A multiply-add is two operations. The first term is every matrix product with weights, the second is scores and
        weighted sum of causal attention. The result is an integer and additive over the parts of a text, so sums do not
        depend on the order of the parts.
        """
        return 2 * self.active * new + 2 * self.layers * self.width * new * (2 * cached + new + 1)

    def paper_flops(self, tokens: int) -> int:
        """Compute the figure of arXiv 2502.06703: 2 x parameters x sampled tokens."""
        return 2 * self.parameters * tokens


@dataclass(frozen=True, slots=True)
class Prices:
    """Dollars per million tokens of a hosted model: what it reads, and what it writes."""

    input: float
    output: float

    def __post_init__(self) -> None:
        for value in (self.input, self.output):
            if not (math.isfinite(value) and value >= 0):
                raise BadInput(f"a price is dollars per million tokens, 0 or more, not {value!r}.")

    def of(self, read: int, written: int) -> int:
        """Billionths of a dollar for so many tokens, rounded up.

        Whole numbers, so that sums do not depend on their order.
        """
        return math.ceil(1000 * (read * self.input + written * self.output) - 1e-9)

    @classmethod
    def parse(cls, text: str) -> Prices:
        """Read ``INPUT,OUTPUT``, such as ``0.15,0.6``. Raises BadInput."""
        try:
            read, written = map(float, text.split(","))
        except ValueError as error:
            raise BadInput(
                f"the price {text!r} is not INPUT,OUTPUT in dollars per million tokens, such as 0.15,0.6."
            ) from error
        return cls(read, written)
