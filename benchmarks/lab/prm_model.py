"""Architecture of the process reward model, and its initialization from a policy.

The architecture is Qwen2.5-Math-PRM's at a tiny size, weight for weight, so vLLM serves it unchanged.
"""

from __future__ import annotations

import copy
import itertools

import torch
from torch import nn
from transformers import LlamaForCausalLM, Qwen2Config, Qwen2Model
from transformers.models.qwen2.modeling_qwen2 import Qwen2Attention, Qwen2DecoderLayer, Qwen2MLP

from benchmarks.lab import tokenizer
from benchmarks.lab.grow_model import grow
from benchmarks.lab.policy import CONTEXT, Encoder
from benchmarks.word_problems.generate import stream

STEP_ID = [*tokenizer.SPECIAL].index(tokenizer.STEP)
ASSISTANT_ID = [*tokenizer.SPECIAL].index(tokenizer.ASSISTANT)
SHARPNESS = 8.0  # of the constructed attention heads
CODE = 24  # dimensions of a token's code


class RewardModel(nn.Module):
    """`Qwen2ForProcessRewardModel`: ids [rows, length] to logits [rows, length, 2]."""

    def __init__(self, config: Qwen2Config) -> None:
        super().__init__()
        self.model = Qwen2Model(config)
        size = config.hidden_size
        self.score = nn.Sequential(nn.Linear(size, size), nn.ReLU(), nn.Linear(size, 2))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Compute two logits at every position; only those at `<extra_0>` have a meaning."""
        logits: torch.Tensor = self.score(self.model(input_ids=ids, use_cache=False).last_hidden_state)
        return logits


def make(policy: LlamaForCausalLM, seed: int, width: int, layers: int) -> RewardModel:
    """Create a reward model with the policy in its lowest layers, free dimensions next to it, and a fresh head.

    The policy predicts what it would have written. The layers above compare that with the actual step, in the free
    dimensions. The first comparison is constructed (see `_compare`), the rest is learned. The step mark starts as a
    paragraph break, which the policy knows.
    """
    torch.manual_seed(seed)
    body, old = copy.deepcopy(policy.config), policy.config
    body.hidden_size, body.num_hidden_layers = width, layers
    body.num_attention_heads = body.num_key_value_heads = width // int(old.head_dim or 1)
    grown = LlamaForCausalLM(body)
    grow(policy, grown, seed)
    config = Qwen2Config(
        vocab_size=body.vocab_size,
        hidden_size=body.hidden_size,
        intermediate_size=body.intermediate_size,
        num_hidden_layers=body.num_hidden_layers,
        num_attention_heads=body.num_attention_heads,
        num_key_value_heads=body.num_key_value_heads,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=body.rms_norm_eps,
        rope_parameters=body.rope_parameters,
        tie_word_embeddings=False,
        architectures=["Qwen2ForProcessRewardModel"],
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = RewardModel(config)
    missing = model.model.load_state_dict(grown.model.state_dict(), strict=False).missing_keys
    for name, p in model.model.named_parameters():
        if name in missing:  # the biases of q, k and v
            nn.init.zeros_(p)
    embeddings = model.model.embed_tokens.weight.data
    embeddings[STEP_ID] = embeddings[tokenizer.build().get_vocab()["\n\n"]]
    if layers >= old.num_hidden_layers + 2 and width >= old.hidden_size + 2 * CODE + 2:
        _compare(model, policy)
    return model


def kept(model: RewardModel, layers: int) -> list[nn.Parameter]:
    """Return the parameters of the policy: the embedding and the lowest layers. Training leaves them frozen."""
    names = ("embed_tokens.", *(f"layers.{i}." for i in range(layers)))
    return [p for name, p in model.model.named_parameters() if name.startswith(names)]


@torch.no_grad()
def _compare(model: RewardModel, policy: LlamaForCausalLM) -> None:
    """Construct the first comparison: the likelihood of each token under the policy.

    The likelihood of a token is the product of its embedding with the policy's last state one position earlier. So
    each token carries a short code of its embedding in the free dimensions; a head of the first new layer fetches the
    code of the expected token, and pairs of neurons multiply the two. A head of the next layer finds the largest
    surprise.
    """
    core, depth, room = model.model, policy.config.num_hidden_layers, policy.config.hidden_size
    code, (surprise, worst) = slice(room, room + CODE), places(policy)
    layers = [layer for layer in core.layers if isinstance(layer, Qwen2DecoderLayer)]
    basis, quiet = _write_codes(core.embed_tokens.weight, room)
    for lower in layers[:depth]:
        reading = (lower.self_attn.q_proj, lower.self_attn.k_proj, lower.self_attn.v_proj)
        for linear in (*reading, lower.mlp.gate_proj, lower.mlp.up_proj):
            linear.weight[:, room:] = 0.0
    states = core(input_ids=torch.tensor([_sample()]), output_hidden_states=True).hidden_states
    loud = float(states[depth][..., :room].pow(2).mean().sqrt())
    for upper in layers[depth:]:
        nn.init.normal_(upper.self_attn.o_proj.weight, std=0.05 * loud)
        nn.init.normal_(upper.mlp.down_proj.weight, std=0.05 * loud)
        for place in (code, surprise, worst):
            upper.self_attn.o_proj.weight[place] = upper.mlp.down_proj.weight[place] = 0.0
    first, second = layers[depth : depth + 2]
    first.post_attention_layernorm.weight[code] = loud / quiet
    _look_back(first.self_attn, core.rotary_emb.inv_freq)
    first.self_attn.v_proj.weight[:CODE] = 0.0
    first.self_attn.v_proj.weight[:CODE, :room] = (
        basis * policy.model.norm.weight * (room / core.config.hidden_size) ** 0.5
    )
    first.self_attn.o_proj.weight[room:] = 0.0
    first.self_attn.o_proj.weight[room + CODE : room + 2 * CODE, :CODE] = torch.eye(CODE) * loud / 3
    _multiply(first.mlp, room, surprise)
    _look_for_largest(second.self_attn, surprise, worst, loud)
    core.norm.weight.fill_(1.0)


def _write_codes(table: torch.Tensor, room: int) -> tuple[torch.Tensor, float]:
    """Write each token's code into its embedding; return the basis of the codes [CODE, room] and their scale."""
    ids = _sample()
    basis = torch.linalg.svd(table[ids, :room], full_matrices=False).Vh[:CODE]
    quiet = 0.4 * float(
        table[ids, :room].pow(2).mean().sqrt()
    )  # small enough to leave the policy's norms nearly unchanged
    codes = table[:, :room] @ basis.T
    table[:, room : room + CODE] = codes * quiet / codes[ids].pow(2).mean().sqrt()
    return basis, quiet


def _multiply(mlp: Qwen2MLP, room: int, target: int) -> None:
    """Make the first neurons multiply a token's code with the fetched one: silu(a) b - silu(-a) b = a b."""
    eye, code, fetched = torch.eye(CODE), slice(room, room + CODE), slice(room + CODE, room + 2 * CODE)
    mlp.gate_proj.weight[: 2 * CODE] = mlp.up_proj.weight[: 2 * CODE] = 0.0
    mlp.gate_proj.weight[:CODE, code], mlp.gate_proj.weight[CODE : 2 * CODE, code] = eye, -eye
    mlp.up_proj.weight[:CODE, fetched] = mlp.up_proj.weight[CODE : 2 * CODE, fetched] = eye
    mlp.down_proj.weight[:, : 2 * CODE] = 0.0
    mlp.down_proj.weight[target, :CODE], mlp.down_proj.weight[target, CODE : 2 * CODE] = -0.3, 0.3


def _sample() -> list[int]:
    """Return the tokens of a few solutions."""
    return Encoder().solutions(["\n\n".join(p.solution for p in itertools.islice(stream(0), 4))[:1200]])[0]


def _look_back(attention: Qwen2Attention, angle: torch.Tensor) -> None:
    """Make the first head attend to the previous token: queries and keys are biases that only positions rotate."""
    size, half = 2 * len(angle), len(angle)
    attention.q_proj.weight[:size] = attention.k_proj.weight[:size] = 0.0
    attention.q_proj.bias[:half] = SHARPNESS
    # The same vector rotated by one position: the product is largest for the key one before the query.
    attention.k_proj.bias[:half] = SHARPNESS * angle.cos()
    attention.k_proj.bias[half:size] = SHARPNESS * angle.sin()


def _look_for_largest(attention: Qwen2Attention, source: int, target: int, loud: float) -> None:
    """Make the first head attend to the largest value so far of dimension `source`, and copy it to `target`."""
    size = attention.head_dim
    slow = size // 2 - 1  # the pair that the rotary embedding hardly rotates
    attention.q_proj.weight[:size] = attention.k_proj.weight[:size] = attention.v_proj.weight[:size] = 0.0
    attention.q_proj.bias[slow] = SHARPNESS
    attention.k_proj.weight[slow, source] = 2.0
    attention.v_proj.weight[0, source] = 1.0
    attention.o_proj.weight[:, :size] = 0.0
    attention.o_proj.weight[target, 0] = loud


def places(policy: LlamaForCausalLM) -> tuple[int, int]:
    """Return the dimensions of a token's surprise, and of the largest one so far."""
    return policy.config.hidden_size + 2 * CODE, policy.config.hidden_size + 2 * CODE + 1
