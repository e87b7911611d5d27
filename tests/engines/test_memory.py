"""Memory that models need, memory that is free, and the error if it is too little."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import tiny
from tts.engines import load, memory
from tts.errors import NotEnoughMemory
from tts.models.find import find
from tts.models.lookup import CARDS

GB = 10**9


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return tiny.make_policy(tmp_path / "policy")


def machine(root: Path, available_kb: int, *, groups: str = "", **files: str) -> Path:
    """A folder that looks like the kernel's files of a machine."""
    (root / "proc" / "self").mkdir(parents=True)
    (root / "proc" / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {available_kb} kB\n")
    (root / "proc" / "self" / "cgroup").write_text(groups)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def grown(folder: Path, rows: int) -> Path:
    """The same checkpoint with one tensor more, [rows, 1000] in half precision, that takes no room on the disk."""
    file = folder / "model.safetensors"
    data = file.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    end = max(entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__")
    header["big"] = {"dtype": "BF16", "shape": [rows, 1000], "data_offsets": [end, end + rows * 2000]}
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text + data[8 + length :])
        stream.truncate(8 + len(text) + end + rows * 2000)
    return folder


def test_a_model_needs_its_weights_and_the_keys_and_values_of_one_solution(policy: Path) -> None:
    card = find(str(policy))
    need = memory.need(card, {}, on_gpu=False)
    assert need is not None
    assert need.weights == 4 * card.parameters, "float32 on a CPU"
    # 2 layers x keys and values x 2 heads of 8 numbers x 4 bytes, for 512 tokens
    assert need.cache == 2 * 2 * 2 * 8 * 4 * 512
    assert need.total == need.weights + need.cache + need.weights // 10
    half = memory.need(card, {"dtype": "bfloat16", "max_model_len": 100}, on_gpu=True, cpu_cache=1 << 30)
    assert half is not None
    assert (half.weights, half.cache) == (2 * card.parameters, 2 * 2 * 2 * 8 * 2 * 100)
    twice = memory.need(card, {"replicas": 2}, on_gpu=True, cpu_cache=1 << 30)
    once = memory.need(card, {}, on_gpu=True, cpu_cache=1 << 30)
    assert twice is not None
    assert once is not None
    assert (twice.weights, twice.cache) == (2 * once.weights, 2 * once.cache), "each replica has all of it"
    assert memory.need(CARDS["llama-3.2-1b"], {}, on_gpu=False) is None


def test_what_is_free_is_the_least_of_the_machine_and_its_control_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path / "bare", 2000))
    assert memory.cpu_free() == 2000 * 1024
    second = {
        "sys/fs/cgroup/box/memory.max": "900000\n",
        "sys/fs/cgroup/box/memory.current": "500000\n",
        "sys/fs/cgroup/box/memory.stat": "anon 100\ninactive_file 50000\n",
    }
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path / "two", 2000, groups="0::/box\n", **second))
    assert memory.cpu_free() == 900_000 - 500_000 + 50_000
    first = {
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "700000\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "600000\n",
    }
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path / "one", 2000, groups="4:cpu,memory:/host/path\n", **first))
    assert memory.cpu_free() == 100_000
    unlimited = {"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "5\n"}
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path / "free", 2000, groups="0::/\n", **unlimited))
    assert memory.cpu_free() == 2000 * 1024
    monkeypatch.setattr(memory, "ROOT", tmp_path / "no such system")
    assert memory.cpu_free() is None


def test_a_model_that_does_not_fit_is_refused_before_anything_is_read(policy: Path) -> None:
    there = memory.cpu_free()
    if there is None:
        pytest.skip("this system does not tell what memory is free")
    try:
        grown(policy, rows=there // 2000)  # as much as there is in half precision, twice that in single
    except OSError:
        pytest.skip("this file system has no sparse files of that size")
    with pytest.raises(NotEnoughMemory) as error:
        load.load_policy(str(policy), engine="transformers", device="cpu")
    text = str(error.value)
    assert text.startswith("policy needs about ")
    assert "--dtype bfloat16" in text
    assert "TTS_MEMORY_CHECK=off" in text


@pytest.mark.usefixtures("fresh_models")
def test_two_models_on_one_device_are_weighed_together(
    policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reward = tiny.make_prm(tmp_path / "reward")
    needs = [memory.need(find(str(folder)), {}, on_gpu=False) for folder in (policy, reward)]
    alone = [need.total for need in needs if need]
    monkeypatch.setattr(memory, "ROOT", machine(tmp_path / "small", max(alone) // 1024 + 1))
    loading = load.Loading(engine="transformers", device="cpu")
    with pytest.raises(NotEnoughMemory, match="policy and reward need about"):
        load.load_both(str(policy), str(reward), loading)
    monkeypatch.setenv("TTS_MEMORY_CHECK", "off")
    load.load_both(str(policy), str(reward), loading)
    monkeypatch.delenv("TTS_MEMORY_CHECK")
    load.load_both(str(policy), str(reward), loading)  # both are there already
