"""The Skywork-o1-Open-PRM models: a value head on Qwen2.5-Math, read at the line break that ends each step.

Model cards: https://huggingface.co/Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B and -7B, which point to
https://github.com/SkyworkAI/skywork-o1-prm-inference. The input is the begin token, the problem, a line break, then
each step with one line break; steps are tokenized separately. A line break ends a step, so those within one become
spaces. The score is the sigmoid of the value. The weights are ``model.*`` and ``v_head.summary.*``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from prm.family import Family
from prm.forms import Form, TextFormat
from tts.errors import ModelError
from tts.protocols import Pooling

if TYPE_CHECKING:
    import torch

_FORM = Form(opening="{problem}\n", first="", further="", mark="\n", apart=True, flatten=True)


@dataclass(frozen=True, slots=True)
class Skywork(Family):
    """The family, as an engine uses it."""

    loader: ClassVar[str] = "prm.skywork_module:load"
    maker: ClassVar[str] = "prm.skywork_module:empty"

    @property
    def pooling(self) -> Pooling:
        """Describe a vLLM class of our own that knows the value head's name."""
        name = "Qwen2ForPrmModel"
        ours = {"model_class_overrides": {name: f"prm.skywork_vllm:{name}"}}
        return Pooling(0, {"architectures": [name], "num_labels": 1}, ours)

    def format(self, tokenizer: Any) -> TextFormat:
        """Return the prompt form. Raises ModelError for a tokenizer without a begin token."""
        if tokenizer.bos_token_id is None:
            raise ModelError(
                "the reward model's tokenizer_config.json names no bos_token, with which its prompt begins: copy it "
                "from the published model."
            )
        return TextFormat(_FORM, tokenizer)

    def scores(self, module: Any, hidden: torch.Tensor) -> torch.Tensor:
        """Convert hidden states [k, width] at the line breaks to scores [k]."""
        scores: torch.Tensor = module.v_head.summary(hidden).float().sigmoid()[:, 0]
        return scores


FAMILY = Skywork()
