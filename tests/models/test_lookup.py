"""Lookup of models by name, and the error for everything that can be wrong."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from tests import tiny
from tests.sentences import sentence
from tts.engines import load
from tts.engines.vllm.engine import VLLMEngine
from tts.errors import BadInput, MissingWeights, ModelError, UnknownName
from tts.models.card import BOXED
from tts.models.files import damage, hub_folder
from tts.models.find import find
from tts.models.lookup import CARDS
from tts.models.policies import DEFAULT_ORCHESTRATOR, DEFAULT_POLICY


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_policy(tmp_path_factory.mktemp("models") / "small-policy")


@pytest.fixture(scope="module")
def prm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_prm(tmp_path_factory.mktemp("models") / "small-prm", shard_size="40KB")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fresh_models: None) -> None:
    """No hub, models of this file's own, and the engine that starts at once."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(VLLMEngine, "suits", lambda *_: False)


@pytest.mark.parametrize("name", ["llama-3.2-3b", "Llama-3.2-3B", "meta-llama/Llama-3.2-3B-Instruct"])
def test_names_are_matched_in_any_case_and_by_hub_id(name: str) -> None:
    assert find(name, "policy") is CARDS["llama-3.2-3b"]


def test_every_recommended_reward_model_exists_and_comes_with_a_reason() -> None:
    for card in CARDS.values():
        if card.name == DEFAULT_ORCHESTRATOR:
            assert card.prm == ""  # its turns are calls, which no reward model was trained on
            assert card.prm_reason
        elif card.kind == "policy":
            assert CARDS[card.prm].kind == "prm"
            assert card.prm_reason
        else:
            assert card.family


def test_published_settings() -> None:
    assert CARDS["llama-3.1-8b"].system.startswith("Solve the following math problem efficiently and clearly:\n\n- For")
    assert CARDS["qwen2.5-7b"].system == "Please reason step by step, and put your final answer within \\boxed{}."
    r1 = CARDS["r1-distill-qwen-7b"]
    assert (r1.system, r1.suffix, r1.temperature, r1.top_p, r1.max_tokens) == ("", BOXED, 0.6, 0.95, 32768)


def test_built_in_models_say_what_they_know() -> None:
    assert "--policy llama-3.2-3b" in CARDS[DEFAULT_POLICY].scope
    assert not CARDS["llama-3.2-3b"].scope


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'llama-3.2-3b'"):
        find("llama-3.2-3b-it", "policy")
    with pytest.raises(UnknownName) as error:
        find("gpt", "prm")
    assert "llama" not in str(error.value), "a policy is no suggestion for a reward model"


def test_a_model_of_the_other_kind_is_refused(policy: Path, prm: Path) -> None:
    for name, kind in [("lab-prm", "policy"), (str(prm), "policy"), ("lab-1m", "prm"), (str(policy), "prm")]:
        with pytest.raises(ModelError, match=r"not a (policy|reward model)") as error:
            find(name, kind)  # type: ignore[arg-type]
        sentence(error)


def test_a_folder_says_its_kind_size_and_context(policy: Path, prm: Path) -> None:
    card = find(str(policy))
    assert (card.name, card.kind, card.context) == ("small-policy", "policy", 512)
    assert card.parameters == pytest.approx(23_000, rel=0.05)
    assert find(str(prm)).family == "qwen"


def test_a_folder_without_a_model_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no config\.json") as error:
        find(str(tmp_path))
    sentence(error)
    with pytest.raises(ModelError, match="there is no folder"):
        find("./nothing/here")
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertForMaskedLM"]}))
    with pytest.raises(ModelError, match="BertForMaskedLM"):
        find(str(tmp_path))
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        find(str(tmp_path))


def test_missing_weights_say_what_to_run() -> None:
    with pytest.raises(MissingWeights) as error:
        load.load_policy("llama-3.2-3b")
    text = sentence(error)
    assert "`hf download meta-llama/Llama-3.2-3B-Instruct`" in text
    assert "6.4 GB" in text
    assert "licence" in text
    with pytest.raises(MissingWeights) as error:
        load.load_reward("qwen2.5-math-prm-7b")
    assert "licence" not in sentence(error)
    with pytest.raises(MissingWeights, match="hf download someone/some-model"):
        load.load_policy("someone/some-model")


def test_where_both_models_are_missing_one_sentence_names_both() -> None:
    with pytest.raises(MissingWeights) as error:
        load.load_both("llama-3.2-3b", "skywork-1.5b", load.Loading())
    text = sentence(error)
    assert "`hf download meta-llama/Llama-3.2-3B-Instruct`" in text
    assert "`hf download Skywork/Skywork-o1-Open-PRM-Qwen-2.5-1.5B` (about 3.1 GB)" in text


def test_a_downloaded_snapshot_is_found(policy: Path, tmp_path: Path) -> None:
    root = tmp_path / "hub" / "models--someone--some-model"
    shutil.copytree(policy, root / "snapshots" / "abc")
    (root / "refs").mkdir()
    (root / "refs" / "main").write_text("abc")
    loaded = load.load_policy("someone/some-model", device="cpu")
    assert loaded.name == "someone/some-model"
    assert loaded.context == 512


def test_models_are_loaded_once(policy: Path, prm: Path) -> None:
    assert load.load_policy(str(policy), device="cpu") is load.load_policy(f"{policy}/", device="cpu")
    first = load.load_reward(str(prm), device="cpu")
    load.close_all()
    assert load.load_reward(str(prm), device="cpu") is not first


@pytest.mark.parametrize("keep", [0, 4, 100, -10])
def test_a_damaged_file_is_named(policy: Path, tmp_path: Path, keep: int) -> None:
    broken = shutil.copytree(policy, tmp_path / "broken")
    file = broken / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(MissingWeights, match=r"model\.safetensors is damaged") as error:
        load.load_policy(str(broken))
    sentence(error)


def test_a_missing_shard_is_named(prm: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(prm, tmp_path / "broken")
    shards = sorted(broken.glob("model-*.safetensors"))
    assert len(shards) > 1, "the fixture is meant to be sharded"
    shards[-1].unlink()
    with pytest.raises(MissingWeights, match="is missing") as error:
        load.load_reward(str(broken))
    assert shards[-1].name in sentence(error)


def test_whole_files_are_not_called_damaged(policy: Path, prm: Path) -> None:
    for file in [*policy.glob("*.safetensors"), *prm.glob("*.safetensors")]:
        assert damage(file) is None
    assert damage(policy / "none") == "is missing"


def test_other_weight_files_are_never_read(policy: Path, tmp_path: Path) -> None:
    other = shutil.copytree(policy, tmp_path / "other", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ModelError, match=r"no \.safetensors file: save") as error:
        load.load_policy(str(other))
    sentence(error)
    (other / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(ModelError, match=r"pytorch_model\.bin but no \.safetensors file.*save_pretrained") as error:
        load.load_policy(str(other))
    sentence(error)


def test_code_from_a_checkpoint_is_never_run(policy: Path, tmp_path: Path) -> None:
    other = shutil.copytree(policy, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    config |= {"model_type": "evil", "architectures": ["EvilForCausalLM"]}
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForCausalLM": "evil.Model"}
    (other / "config.json").write_text(json.dumps(config))
    (other / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(ModelError, match=r"of type 'evil', which transformers .* does not know") as error:
        load.load_policy(str(other))
    sentence(error)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_that_lacks_weights_is_refused(prm: Path, policy: Path, tmp_path: Path) -> None:
    headless = shutil.copytree(prm, tmp_path / "headless")
    index = json.loads((headless / "model.safetensors.index.json").read_text())
    from safetensors.torch import load_file, save_file

    for name in set(index["weight_map"].values()):
        kept = {k: v for k, v in load_file(headless / name).items() if not k.startswith("score.2")}
        save_file(kept, headless / name, metadata={"format": "pt"})
    index["weight_map"] = {k: v for k, v in index["weight_map"].items() if not k.startswith("score.2")}
    (headless / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"lacks the weights score\.2") as error:
        load.load_reward(str(headless))
    sentence(error)
    partial = shutil.copytree(policy, tmp_path / "partial")
    kept = {k: v for k, v in load_file(partial / "model.safetensors").items() if "mlp" not in k}
    save_file(kept, partial / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lacks the weights"):
        load.load_policy(str(partial))


def test_a_tokenizer_without_the_step_token_is_refused(prm: Path, tmp_path: Path) -> None:
    other = shutil.copytree(prm, tmp_path / "other")
    for file in other.glob("*token*.json"):
        file.write_text(file.read_text().replace("<extra_0>", "<other_0>"))
    with pytest.raises(ModelError, match="no token <extra_0>") as error:
        load.load_reward(str(other))
    sentence(error)


def test_attention_that_cannot_be_cached_is_refused(tmp_path: Path) -> None:
    folder = tiny.make_policy(
        tmp_path / "dynamic", rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
    )
    with pytest.raises(ModelError, match="'dynamic' positions") as error:
        load.load_policy(str(folder))
    sentence(error)


def test_wrong_options_are_one_sentence(policy: Path) -> None:
    with pytest.raises(UnknownName, match="engine"):
        load.load_policy(str(policy), engine="warp")
    for loading in (load.Loading(device="toaster"), load.Loading(dtype="int7")):
        with pytest.raises(BadInput) as error:
            load.load_policy(str(policy), loading)
        sentence(error)


def test_an_argument_that_the_engine_does_not_have_is_one_sentence(policy: Path) -> None:
    with pytest.raises(UnknownName, match="did you mean 'max_rows'"):
        load.load_policy(str(policy), engine="transformers", arguments={"max_row": 4})
    with pytest.raises(BadInput, match="neither model"):
        load.load_policy(str(policy), engine="transformers", arguments={"polcy.max_rows": 4})
    with pytest.raises(BadInput, match="'max_row'"):  # of neither engine, though one model is behind an address
        load.load_both(str(policy), "http://127.0.0.1:9#x", load.Loading(arguments={"max_row": 4}))
    mine = load.Loading(arguments={"max_rows": 4, "prm.cache_bytes": 5}).of("policy")
    assert mine == {"device": None, "dtype": None, "max_rows": 4}


@pytest.mark.parametrize(
    ("typed", "argument"),
    [
        ("max-model-len=4096", ("max_model_len", 4096)),
        ("quantization=fp8", ("quantization", "fp8")),
        ("enforce_eager=True", ("enforce_eager", True)),
        ('hf_overrides={"a": [1]}', ("hf_overrides", {"a": [1]})),
    ],
)
def test_engine_arguments_are_read_as_they_are_meant(typed: str, argument: tuple[str, object]) -> None:
    assert load.parse_argument(typed) == argument


def test_the_data_type_can_be_chosen(policy: Path) -> None:
    half = load.load_policy(str(policy), device="cpu", dtype="bfloat16")
    assert "bfloat16" in str(half._store.geometry.dtype)  # type: ignore[attr-defined]


class TestHubCache:
    """Folders as huggingface_hub lays them out: models--OWNER--NAME/snapshots/REVISION, and refs that name one."""

    def snapshot(self, hub: Path, revision: str, *, config: bool = True) -> Path:
        folder = hub / "models--some--one" / "snapshots" / revision
        folder.mkdir(parents=True)
        if config:
            (folder / "config.json").write_text("{}")
        return folder

    def test_it_is_the_snapshot_of_the_main_branch(self, tmp_path: Path) -> None:
        first, _ = self.snapshot(tmp_path / "hub", "1" * 40), self.snapshot(tmp_path / "hub", "2" * 40)
        reference = tmp_path / "hub" / "models--some--one" / "refs" / "main"
        reference.parent.mkdir()
        reference.write_text("1" * 40)
        assert hub_folder("some/one") == first

    def test_without_a_main_branch_it_is_the_newest_that_holds_a_model(self, tmp_path: Path) -> None:
        folders = [self.snapshot(tmp_path / "hub", str(k) * 40, config=k < 3) for k in (1, 2, 3)]
        for age, folder in enumerate(reversed(folders)):
            os.utime(folder, (1e9 - age, 1e9 - age))
        assert hub_folder("some/one") == folders[1]

    @pytest.mark.parametrize("name", ["some/one", "a--b/c", "a/b.git", "../.."])
    def test_what_was_never_downloaded_or_is_no_name_is_not_there(self, name: str) -> None:
        assert hub_folder(name) is None
