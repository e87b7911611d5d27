"""What is known of each model by its short name, and where its files lie. Standard library only; nothing is loaded."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from tts.errors import ModelError, UnknownName

Kind = Literal["policy", "prm"]

BOXED = "Please reason step by step, and put your final answer within \\boxed{}."
# The system message of huggingface/search-and-learn (src/sal/config.py), which the published Llama results depend on.
STEPS = """Solve the following math problem efficiently and clearly:

- For simple problems (2 steps or fewer):
Provide a concise solution with minimal explanation.

- For complex problems (3 steps or more):
Use this step-by-step format:

## Step 1: [Concise description]
[Brief explanation and calculations]

## Step 2: [Concise description]
[Brief explanation and calculations]

...

Regardless of the approach, always conclude with:

Therefore, the final answer is: $\\boxed{answer}$. I hope it is correct.

Where [answer] is just the final number or expression that solves the problem."""

_LAB_SCOPE = (
    "the built-in models are tiny and only know the laboratory's word problems; "
    "--policy llama-3.2-3b names a real model."
)
_PRM = "qwen2.5-math-prm-7b"
_WHY = (
    "in the study of arXiv 2502.06703 search pays with this reward model, and weighted votes by its last score were at "
    "least as good as with the others tried (Table 2)"
)
_LAB_WHY = "it was trained on the steps of the laboratory's own policies"


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
        max_step_tokens, max_tokens: most tokens of one step and of a solution.
        family: for a reward model, its file in ``prm/``; empty where none fits.
        prm: recommended reward model of a policy, and ``prm_reason`` why.
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
    max_step_tokens: int = 2048
    max_tokens: int = 8192
    family: str = ""
    prm: str = ""
    prm_reason: str = ""
    gated: bool = False
    scope: str = ""

    @property
    def gigabytes(self) -> float:
        """Size of the weights at 16 bits a parameter."""
        return self.parameters * 2 / 1e9


def _lab(name: str, parameters: int, **more: Any) -> ModelCard:
    defaults: dict[str, Any] = {"prm": "lab-prm", "prm_reason": _LAB_WHY, "scope": _LAB_SCOPE} | more
    return ModelCard(
        name=name, parameters=parameters, context=512, temperature=1.0, max_step_tokens=128, max_tokens=512, **defaults
    )


def _llama(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name, hub=hub, parameters=parameters, context=131072, system=STEPS, prm=_PRM, prm_reason=_WHY, gated=True
    )


def _qwen(name: str, hub: str, parameters: int, context: int = 32768) -> ModelCard:
    return ModelCard(
        name=name, hub=hub, parameters=parameters, context=context, system=BOXED, prm=_PRM, prm_reason=_WHY
    )


def _r1(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(
        name=name, hub=hub, parameters=parameters, context=131072, suffix=BOXED, temperature=0.6, top_p=0.95,
        max_tokens=32768, prm=_PRM, prm_reason=_WHY,
    )  # fmt: skip


def _qwen_prm(name: str, hub: str, parameters: int) -> ModelCard:
    return ModelCard(name=name, kind="prm", hub=hub, parameters=parameters, context=4096, system=BOXED, family="qwen")


DEFAULT_POLICY = "lab-1m"
_PRM_DEFAULTS: dict[str, Any] = {"kind": "prm", "family": "qwen", "prm": "", "prm_reason": ""}

CARDS: dict[str, ModelCard] = {
    card.name: card
    for card in (
        _lab("lab-200k", 200_000),
        _lab("lab-1m", 1_000_000),
        _lab("lab-4m", 4_000_000),
        _lab("lab-prm", 1_000_000, **_PRM_DEFAULTS),
        _llama("llama-3.2-1b", "meta-llama/Llama-3.2-1B-Instruct", 1_235_814_400),
        _llama("llama-3.2-3b", "meta-llama/Llama-3.2-3B-Instruct", 3_212_749_824),
        _llama("llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248),
        _qwen("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct", 494_032_768),
        _qwen("qwen2.5-1.5b", "Qwen/Qwen2.5-1.5B-Instruct", 1_543_714_304),
        _qwen("qwen2.5-3b", "Qwen/Qwen2.5-3B-Instruct", 3_085_938_688),
        _qwen("qwen2.5-7b", "Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        _qwen("qwen2.5-14b", "Qwen/Qwen2.5-14B-Instruct", 14_770_033_664),
        _qwen("qwen2.5-32b", "Qwen/Qwen2.5-32B-Instruct", 32_763_876_352),
        _qwen("qwen2.5-72b", "Qwen/Qwen2.5-72B-Instruct", 72_706_203_648),
        _qwen("qwen2.5-math-1.5b", "Qwen/Qwen2.5-Math-1.5B-Instruct", 1_543_714_304, 4096),
        _qwen("qwen2.5-math-7b", "Qwen/Qwen2.5-Math-7B-Instruct", 7_615_616_512, 4096),
        _r1("r1-distill-qwen-1.5b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", 1_777_088_000),
        _r1("r1-distill-qwen-7b", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 7_615_616_512),
        _qwen_prm("qwen2.5-math-prm-7b", "Qwen/Qwen2.5-Math-PRM-7B", 7_083_000_000),
        _qwen_prm("qwen2.5-math-prm-72b", "Qwen/Qwen2.5-Math-PRM-72B", 71_500_000_000),
        _qwen_prm("qwen2.5-math-7b-prm800k", "Qwen/Qwen2.5-Math-7B-PRM800K", 7_083_000_000),
    )
}

# What a config.json calls the model class, and the file in prm/ that knows it.
_FAMILIES = {"Qwen2ForProcessRewardModel": "qwen"}


def find(name: str, kind: Kind | None = None) -> ModelCard:
    """The card of a short name (in any case), a hub id ``org/name``, a folder with a model in it, or an address.

    Args:
        name: as the user typed it; an address is ``http://host:port/v1#model-name``.
        kind: what it is wanted for, if that is to be checked.

    Raises:
        UnknownName: for none of these.
        ModelError: for a folder that holds no model, or a model of the other kind.
    """
    if re.match(r"[\w.-]+:\d+([/#]|$)", name):
        raise ModelError(f"{name!r} is an address without a scheme: write http://{name}.")
    card = _served(name, kind) if re.match(r"https?://", name, re.IGNORECASE) else _here(name, kind)
    if card is None and ("/" in name or name.startswith((".", "~"))):
        raise ModelError(f"there is no folder {name!r}: give a folder that holds a model, or one of the known names.")
    if card is None:
        raise UnknownName(kind or "model", name, (c.name for c in CARDS.values() if kind in (None, c.kind)))
    if kind is not None and card.kind != kind:
        is_, wanted = ("a reward model", "a policy") if kind == "policy" else ("a policy", "a reward model")
        raise ModelError(f"{card.name} is {is_}, not {wanted}: name {wanted} here.")
    return card


def _here(name: str, kind: Kind | None) -> ModelCard | None:
    """The card of anything but an address, None where nothing is known by this name."""
    path = Path(name).expanduser()
    card = CARDS.get(name.lower()) or next((c for c in CARDS.values() if c.hub.lower() == name.lower() and c.hub), None)
    if card is None and path.is_dir():
        card = _read_folder(path)
    if card is None and re.fullmatch(r"[\w.-]+/[\w.-]+", name) and not name.startswith("."):
        cached = hub_folder(name)
        card = ModelCard(name=name, kind=kind or "policy", hub=name, system=BOXED)
        if cached is not None:
            card = replace(_read_folder(cached), name=name, hub=name, folder="")
    return card


def _served(address: str, kind: Kind | None) -> ModelCard:
    """The card of a model behind an address: what is known of its name, else next to nothing.

    A server may give a model any name, so a folder of that name that holds something else is no error. Without a name
    the card is named after the address; the engine asks the server which model it has.
    """
    url, _, model = address.partition("#")
    try:
        card = _here(model, kind) if model else None
    except ModelError:
        card = None
    card = card or ModelCard(name=model, kind=kind or "policy", system=BOXED)
    return replace(card, name=model or url, url=url)


def folder_of(card: ModelCard) -> Path | None:
    """The folder that holds the model's files, or None where they are not on this machine."""
    if card.folder:
        return Path(card.folder)
    if card.hub:
        return hub_folder(card.hub)
    spec = importlib.util.find_spec("benchmarks.lab")
    roots = list(spec.submodule_search_locations or []) if spec else []
    folder = Path(roots[0], "models", card.name) if roots else None
    return folder if folder and folder.is_dir() else None


def hub_folder(hub: str) -> Path | None:
    """The newest downloaded snapshot of a hub repository in the local cache; the network is never asked."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    root = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser() / f"models--{hub.replace('/', '--')}"
    reference = root / "refs" / "main"
    if reference.is_file():
        folder = root / "snapshots" / reference.read_text().strip()
        return folder if (folder / "config.json").is_file() else None
    snapshots = [path for path in root.glob("snapshots/*") if (path / "config.json").is_file()]
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


def _read_folder(path: Path) -> ModelCard:
    """A card from a folder's config.json. Raises ModelError where there is none, or it is of no known kind."""
    file = path / "config.json"
    if not file.is_file():
        raise ModelError(f"{path} holds no config.json: give a folder that a model was saved to.")
    try:
        config = json.loads(file.read_text())
        architectures = list(config.get("architectures") or [])
    except (ValueError, AttributeError, OSError) as error:
        raise ModelError(f"{file} cannot be read as a model's configuration: {error}.") from error
    common: dict[str, Any] = {
        "name": path.resolve().name,
        "folder": str(path.resolve()),
        "parameters": _parameters(config),
        "context": config.get("max_position_embeddings") or 32768,
    }
    for architecture in architectures:
        if architecture in _FAMILIES:
            return ModelCard(kind="prm", family=_FAMILIES[architecture], system=BOXED, **common)
        if architecture.endswith("ForCausalLM") or architecture == "GPT2LMHeadModel":
            return ModelCard(system=BOXED, prm=_PRM, prm_reason=_WHY, **common)
    found = ", ".join(architectures) or "nothing"
    raise ModelError(
        f"{file} names {found} as its architecture: causal language models (...ForCausalLM) serve as policies and "
        f"{', '.join(_FAMILIES)} as reward models."
    )


def _parameters(config: dict[str, Any]) -> int:
    """About how many parameters a Llama-like configuration stands for; 0 where it does not say."""
    try:
        hidden, layers, vocabulary = config["hidden_size"], config["num_hidden_layers"], config["vocab_size"]
        heads = config["num_attention_heads"]
        size = config.get("head_dim") or hidden // heads
        attention = 2 * hidden * size * (heads + config.get("num_key_value_heads", heads))
        embeddings = vocabulary * hidden * (1 if config.get("tie_word_embeddings") else 2)
        return int(layers * (attention + 3 * hidden * config["intermediate_size"]) + embeddings)
    except (KeyError, TypeError):
        return 0
