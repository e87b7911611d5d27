"""The decoder of the built-in models in plain torch: the layers of Llama and Qwen2.

Importing transformers takes longer than a first answer of these models. Each operation is the one of transformers, in
its order, so that hidden states and logits are equal to the last bit where both compute attention in
:mod:`tts.models.shared_heads`.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import torch
from torch import nn
from torch.nn import functional

from tts.errors import ModelError
from tts.files import json_text
from tts.models.shared_heads import attention


class Configuration(SimpleNamespace):
    """A configuration file as attributes, with what the engine uses of transformers' configurations."""

    head_dim: int | None = None
    attention_bias = mlp_bias = False

    @classmethod
    def read(cls, file: Path) -> Configuration:
        return cls(**json_text.read(file))

    def get_text_config(self) -> Configuration:
        return self


class KeyValues(Protocol):
    """Stores new keys and values [rows, heads, new tokens, size] of a layer; returns those of all tokens."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, layer_idx: int, /
    ) -> tuple[torch.Tensor, torch.Tensor]: ...


class Hidden(NamedTuple):
    """Result of a pass: hidden states [rows, tokens, width] of the last layer."""

    last_hidden_state: torch.Tensor


class Norm(nn.Module):
    """Root mean square normalisation, computed in float32."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(config.hidden_size))
        self.eps = config.rms_norm_eps

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        wide = states.to(torch.float32)
        wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return self.weight * wide.to(states.dtype)


class Attention(nn.Module):
    """Causal attention with rotary positions; several heads may share keys and values."""

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        self.layer = layer
        heads, shared, width = config.num_attention_heads, config.num_key_value_heads, config.hidden_size
        self.size = config.head_dim or width // heads
        bias = config.model_type == "qwen2" or config.attention_bias
        self.q_proj = nn.Linear(width, heads * self.size, bias=bias)
        self.k_proj = nn.Linear(width, shared * self.size, bias=bias)
        self.v_proj = nn.Linear(width, shared * self.size, bias=bias)
        self.o_proj = nn.Linear(heads * self.size, width, bias=config.model_type != "qwen2" and config.attention_bias)

    def forward(
        self, states: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], mask: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        rows, tokens, _ = states.shape
        query, key, value = (
            projection(states).view(rows, tokens, -1, self.size).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        keys, values = cache.update(_turned(key, *angles), value, self.layer)
        found = attention(_turned(query, *angles), keys, values, mask, self.size**-0.5)
        out: torch.Tensor = self.o_proj(found.transpose(1, 2).reshape(rows, tokens, -1))
        return out


class FeedForward(nn.Module):
    """The gated layer behind attention."""

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        bias = config.mlp_bias
        self.gate_proj = nn.Linear(width, inner, bias=bias)
        self.up_proj = nn.Linear(width, inner, bias=bias)
        self.down_proj = nn.Linear(inner, width, bias=bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.down_proj(functional.silu(self.gate_proj(states)) * self.up_proj(states))
        return out


class Layer(nn.Module):
    """One layer; the attributes have the names of the weights."""

    def __init__(self, config: Any, layer: int) -> None:
        super().__init__()
        self.self_attn = Attention(config, layer)
        self.mlp = FeedForward(config)
        self.input_layernorm = Norm(config)
        self.post_attention_layernorm = Norm(config)

    def forward(
        self, states: torch.Tensor, angles: tuple[torch.Tensor, torch.Tensor], mask: torch.Tensor, cache: KeyValues
    ) -> torch.Tensor:
        states = states + self.self_attn(self.input_layernorm(states), angles, mask, cache)
        out: torch.Tensor = states + self.mlp(self.post_attention_layernorm(states))
        return out


class Decoder(nn.Module):
    """Token ids to hidden states, under the calling convention of transformers' decoders.

    Raises:
        ModelError: the configuration is not that of a plain Llama or Qwen2.
    """

    frequencies: torch.Tensor

    def __init__(self, config: Configuration) -> None:
        super().__init__()
        ropes = config.rope_parameters
        plain = config.hidden_act == "silu" and ropes["rope_type"] == "default"
        if config.model_type not in ("llama", "qwen2") or not plain:
            raise ModelError(f"a {config.model_type} model of this form is not built in.")
        self.config = config
        rows = torch.empty(config.vocab_size, config.hidden_size)  # drawing them would import the compiler of torch
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size, _weight=rows)
        self.layers = nn.ModuleList(Layer(config, k) for k in range(config.num_hidden_layers))
        self.norm = Norm(config)
        size = config.head_dim or config.hidden_size // config.num_attention_heads
        exponents = torch.arange(0, size, 2, dtype=torch.float, device="cpu") / size
        self.register_buffer("frequencies", 1.0 / (ropes["rope_theta"] ** exponents), persistent=False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        position_ids: torch.Tensor,
        past_key_values: KeyValues,
        **_: Any,
    ) -> Hidden:
        """Compute hidden states.

        Args:
            input_ids: [rows, tokens].
            attention_mask: [rows, 1, tokens, tokens before and with them], added to the scores of attention.
            position_ids: [rows, tokens].
            past_key_values: keys and values before these tokens.
        """
        states = self.embed_tokens(input_ids)
        turns = position_ids[..., None].float() * self.frequencies
        turns = torch.cat((turns, turns), dim=-1)
        angles = turns.cos().to(states.dtype).unsqueeze(1), turns.sin().to(states.dtype).unsqueeze(1)
        for layer in self.layers:
            states = layer(states, angles, attention_mask, past_key_values)
        return Hidden(self.norm(states))


class CausalModel(nn.Module):
    """A decoder and its output head, with what the engine uses of transformers' ``...ForCausalLM``."""

    def __init__(self, config: Configuration) -> None:
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.generation_config = Configuration()

    def get_decoder(self) -> Decoder:
        return self.model

    def get_output_embeddings(self) -> nn.Linear:
        return self.lm_head


def causal_model(folder: Path, dtype: torch.dtype) -> CausalModel:
    """Load a built-in policy. Raises ModelError if weights are missing."""
    config = Configuration.read(folder / "config.json")
    with torch.device("meta"):
        model = CausalModel(config)
    fill(model, folder, dtype, {"lm_head.weight": "model.embed_tokens.weight"} if config.tie_word_embeddings else {})
    model.generation_config = Configuration.read(folder / "generation_config.json")
    return model


def fill(module: nn.Module, folder: Path, dtype: torch.dtype, tied: dict[str, str] | None = None) -> None:
    """Give a module the weights of a folder; ``tied`` names those that are others as well. Raises ModelError."""
    from safetensors.torch import load_file

    weights = {name: tensor.to(dtype) for name, tensor in load_file(folder / "model.safetensors").items()}
    for name, other in (tied or {}).items():
        weights.setdefault(name, weights[other])
    missing, _ = module.load_state_dict(weights, strict=False, assign=True)
    if missing:
        raise ModelError(f"{folder} lacks the weights {', '.join(missing[:3])}: install tts-search again.")
    for name, other in (tied or {}).items():
        owner, _, attribute = name.rpartition(".")
        setattr(module.get_submodule(owner), attribute, module.get_parameter(other))
    module.eval()


def _turned(states: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotate queries or keys [rows, heads, tokens, size] by the angles of their positions."""
    first, second = states[..., : states.shape[-1] // 2], states[..., states.shape[-1] // 2 :]
    return (states * cos) + (torch.cat((-second, first), dim=-1) * sin)
