"""What has to be known of a model before it is loaded. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["policy", "prm"]

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What has to be known of a model before it is loaded.

    Attributes:
        name: the short name, or the folder's or hub repository's.
        kind: ``"policy"`` writes solutions, ``"prm"`` scores their steps.
        hub: repository on the Hugging Face hub; empty for built-in models and folders.
        folder: where its files lie, if they are not in the hub's cache.
        url: address of the server that runs it, if it is not to run here.
        parameters: nominal size; 0 where unknown.
        context: most tokens of prompt and solution together.
        system: system message, or empty.
        suffix: text after the problem in the user's turn, or empty.
        separator: text that ends a step.
        temperature, top_p: sampling as published for this model.
        thinking: it thinks at length between ``<think>`` and ``</think>`` before it answers.
        switch: its chat template takes ``enable_thinking``.
        opening: how its answer has to begin; put behind the prompt unless the chat template does so.
        max_step_tokens, max_tokens: most tokens of one step and of a solution.
        family: for a reward model, its family's name in the registry; empty where none fits.
        form: attributes of the family that differ from its defaults, by name.
        prm: recommended reward model of a policy, and ``prm_reason`` why.
        token_bytes: keys and values of one token at 16 bits a number, in bytes; 0 where unknown.
        gated: the hub asks for a licence to be accepted first.
        scope: a sentence on what the model is limited to, or empty.
    """

    name: str
    kind: Kind = "policy"
    hub: str = ""
    folder: str = ""
    url: str = ""
    parameters: int = 0
    context: int = 32768
    system: str = ""
    suffix: str = ""
    separator: str = "\n\n"
    temperature: float = 0.8
    top_p: float = 1.0
    thinking: bool = False
    switch: bool = False
    opening: str = ""
    max_step_tokens: int = 2048
    max_tokens: int = 8192
    family: str = ""
    form: tuple[tuple[str, Any], ...] = ()
    prm: str = ""
    prm_reason: str = ""
    token_bytes: int = 0
    gated: bool = False
    scope: str = ""

    @property
    def gigabytes(self) -> float:
        """Size of the weights at 16 bits a parameter."""
        return self.parameters * 2 / 1e9

    @property
    def template(self) -> dict[str, bool]:
        """What the chat template is told."""
        return {"enable_thinking": self.thinking} if self.switch else {}

    def user(self, problem: str) -> str:
        """The user's turn for a problem."""
        return f"{problem}\n{self.suffix}" if self.suffix else problem
