"""Model cards: what is known of a model before it is loaded. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from tts.types import Problem, Turn

Kind = Literal["policy", "prm"]

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model before it is loaded.

    Attributes:
        name: short name, or the name of the folder or hub repository.
        kind: ``"policy"`` writes solutions, ``"prm"`` scores their steps.
        hub: repository on the Hugging Face hub; empty for built-in models and folders.
        folder: folder of its files, if not in the hub's cache; or its GGUF file.
        url: address of the server that runs it; empty for a local model.
        parameters: nominal size; 0 if unknown.
        context: limit of prompt and solution tokens together.
        system: system message, or empty.
        suffix: text after the problem in the user's turn, or empty.
        separator: text that ends a step.
        temperature, top_p: sampling as published for this model.
        thinking: whether it is a reasoning model, which thinks between ``<think>`` and ``</think>`` before it answers.
        switch: whether its chat template takes ``enable_thinking``.
        opening: required start of its answer, appended to the prompt unless the chat template does so.
        max_step_tokens, max_tokens: limits of tokens per step and per solution.
        family: name of a reward model's family in the registry; empty if unknown.
        form: attributes of the family that differ from its defaults, by name.
        prm: recommended reward model of a policy; ``prm_reason`` is why.
        token_bytes: size of one token's keys and values at 16 bits per number; 0 if unknown.
        gated: whether the hub requires a licence to be accepted first.
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
    def gguf(self) -> bool:
        """Return whether the model is a GGUF file, which is converted before it is loaded."""
        return self.folder.lower().endswith(".gguf")

    @property
    def gigabytes(self) -> float:
        """Return the size of the weights at 16 bits per parameter."""
        return self.parameters * 2 / 1e9

    @property
    def template(self) -> dict[str, bool]:
        """Return the arguments of the chat template."""
        return {"enable_thinking": self.thinking} if self.switch else {}

    def conversation(self, problem: Problem) -> list[Turn]:
        """Return what the model reads: one system turn if there is any, the problem's turns, the suffix after the last.

        The model's own system message comes first, since it says how to write an answer that can be found. A problem's
        instruction takes its place, and that of the suffix.
        """
        turns = problem.turns or (Turn("user", problem.text),)
        if problem.plain:
            return list(turns)
        systems = [problem.instruction or self.system, *(turn.text for turn in turns if turn.role == "system")]
        system = "\n\n".join(filter(None, systems))
        *before, last = (turn for turn in turns if turn.role != "system")
        asked = last.role == "user" and not problem.instruction
        last = replace(last, text=self.user(last.text)) if asked else last
        return [*[Turn("system", system)] * bool(system), *before, last]

    def opening_of(self, problem: Problem) -> str:
        """Return how the answer to a problem has to begin."""
        return "" if problem.plain else self.opening

    def user(self, problem: str) -> str:
        """Return the user's turn for a problem."""
        return f"{problem}\n{self.suffix}" if self.suffix else problem
