"""Sentence embeddings on transformers, as a sentence-transformers folder describes them (its modules.json)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

from tts.errors import BadInput, ModelError
from tts.files import json_text
from tts.models.files import encoder_folder

BATCH = 64
_LONGEST = 512  # tokens of a text where the folder names no limit


class TransformersEmbedder:
    """A text encoder, its pooling, and the layers that follow.

    Args:
        name: a folder or a hub id whose files are on this machine.
        device: by default a GPU when there is one.
        batch: texts in one pass, sorted by length.

    Attributes:
        folder, encoder: the embedder's folder, and the one of its text encoder, which is the same or lies in it.
        longest: tokens of a text that are read.

    Raises:
        MissingWeights: the files are not on this machine.
        ModelError: the folder holds no encoder, or a module that is not supported.
    """

    def __init__(self, name: str, device: str | None = None, batch: int = BATCH) -> None:
        self.folder = folder = encoder_folder(name)
        self.name = name
        self.device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.batch = batch
        modules = _modules(folder)
        self.encoder = encoder = folder / modules[0][1]
        try:
            # The name of a control token in a text is text.
            load: Any = AutoTokenizer.from_pretrained
            self.tokenizer: Any = load(encoder, local_files_only=True, split_special_tokens=True)
            model: Any = AutoModel.from_pretrained(encoder, local_files_only=True, dtype=torch.float32)
        except (OSError, ValueError) as error:
            raise ModelError(f"{folder} holds no text encoder that transformers can load: {error}.") from error
        self.model = model.to(self.device).eval()
        self.longest = _longest(encoder, model)
        self.prompt = _default_prompt(folder)
        self.layers = [_layer(kind, folder / path, self.device) for kind, path in modules[1:]]

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one vector a text, float32 [n, d]; the event loop stays free."""
        return await asyncio.to_thread(self._embed, list(texts))

    @torch.inference_mode()
    def _embed(self, texts: list[str]) -> np.ndarray:
        order = sorted(range(len(texts)), key=lambda k: len(texts[k]))
        found: list[np.ndarray] = [np.empty(0)] * len(texts)
        for start in range(0, len(order), self.batch):
            part = order[start : start + self.batch]
            for k, vector in zip(part, self.encode([texts[k] for k in part]).float().cpu().numpy(), strict=True):
                found[k] = vector
        if not found:
            return np.empty((0, int(self.encode(["a"]).shape[1])), dtype=np.float32)
        return np.stack(found).astype(np.float32)

    def encode(self, texts: Sequence[str]) -> torch.Tensor:
        """Embed one batch: [n, d], with gradients where they are enabled."""
        inputs = self.tokenizer(
            [self.prompt + text for text in texts],
            padding=True, truncation=True, max_length=self.longest, return_tensors="pt",
        ).to(self.device)  # fmt: skip
        hidden = self.model(**inputs).last_hidden_state
        mask: torch.Tensor = inputs["attention_mask"]
        vectors: torch.Tensor = hidden
        for layer in self.layers:
            vectors = layer(vectors, mask)
        return vectors


Layer = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _modules(folder: Path) -> list[tuple[str, str]]:
    """Return kind and path of each module; a plain encoder gets mean pooling."""
    file = folder / "modules.json"
    if not file.is_file():
        return [("Transformer", ""), ("Pooling", "")]
    rows = sorted(_json(file), key=lambda row: row["idx"])
    return [(str(row["type"]).rpartition(".")[2], str(row["path"])) for row in rows]


def _layer(kind: str, folder: Path, device: str) -> Layer:
    if kind == "Pooling":
        return _pooling(_json(folder / "config.json") if (folder / "config.json").is_file() else {})
    if kind == "Normalize":
        return lambda vectors, mask: F.normalize(vectors, dim=1)
    if kind == "Dense":
        return _dense(folder, device)
    raise ModelError(f"{folder} is a module of the kind {kind}, which is not supported: name another embedder.")


def _pooling(config: dict[str, Any]) -> Layer:
    modes = [
        name.removeprefix("pooling_mode_") for name, on in config.items() if name.startswith("pooling_mode_") and on
    ]
    mode = str(config.get("pooling_mode") or (modes[0] if modes else "mean_tokens"))
    poolings: dict[str, Layer] = {
        "mean_tokens": _mean,
        "mean": _mean,
        "cls_token": lambda hidden, mask: hidden[:, 0],
        "cls": lambda hidden, mask: hidden[:, 0],
        "max_tokens": _max,
        "max": _max,
        "lasttoken": _last,
    }
    if len(modes) > 1 or mode not in poolings:
        raise ModelError(f"the pooling {' + '.join(modes) or mode} is not supported: name another embedder.")
    return poolings[mode]


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    weights = mask.unsqueeze(2).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _max(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return hidden.masked_fill(mask.unsqueeze(2) == 0, -torch.inf).max(1).values


def _last(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    places = torch.arange(mask.shape[1], device=mask.device)
    return hidden[torch.arange(len(hidden), device=mask.device), (mask * places).argmax(1)]


def _dense(folder: Path, device: str) -> Layer:
    config, weights = _json(folder / "config.json"), load_file(folder / "model.safetensors", device=device)
    activations: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
        "Tanh": torch.tanh, "Identity": lambda x: x, "ReLU": F.relu, "GELU": F.gelu,
    }  # fmt: skip
    name = str(config.get("activation_function", "Tanh")).rpartition(".")[2]
    if name not in activations:
        raise ModelError(f"the activation {name} is not supported: name another embedder.")
    activation = activations[name]
    return lambda vectors, mask: activation(F.linear(vectors, weights["linear.weight"], weights.get("linear.bias")))


def _longest(encoder: Path, model: Any) -> int:
    file = encoder / "sentence_bert_config.json"
    named = _json(file).get("max_seq_length") if file.is_file() else None
    most = int(model.config.to_dict().get("max_position_embeddings") or _LONGEST)
    return min(int(named or _LONGEST), most)


def _default_prompt(folder: Path) -> str:
    file = folder / "config_sentence_transformers.json"
    config = _json(file) if file.is_file() else {}
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name")) or "")


def _json(file: Path) -> Any:
    try:
        return json_text.read(file)
    except BadInput as error:
        raise BadInput(f"{file} cannot be read as JSON: copy the embedder's folder again.") from error
