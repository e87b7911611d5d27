"""A GPU that is not here is refused before PyTorch is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tts.engines import devices
from tts.errors import BadInput

Machine = Callable[..., None]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a function that describes a machine: the device files, and what the process may see."""

    def described(*files: str, visible: str | None = None, cpu_build: bool = False) -> None:
        for name in files:
            (tmp_path / name).touch()
        monkeypatch.setattr(devices, "DEV", tmp_path)
        monkeypatch.setattr(devices, "_built_for_cpu", lambda: cpu_build)
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return described


@pytest.mark.parametrize("name", [None, "auto", "cpu", "mps"])
def test_what_is_no_cuda_device_is_left_to_the_engine(machine: Machine, name: str | None) -> None:
    machine()
    devices.require(name)


def test_a_machine_without_a_driver_has_no_gpu(machine: Machine) -> None:
    machine()
    with pytest.raises(BadInput, match=r"^device 'cuda' was asked for, but this machine has no GPU with a driver"):
        devices.require("cuda")


def test_a_gpu_beyond_the_last_one_is_refused(machine: Machine) -> None:
    machine("nvidiactl", "nvidia0", "nvidia1")
    devices.require("cuda:0,cuda:1")
    with pytest.raises(BadInput, match=r"^device 'cuda:0,cuda:2' was .* this process sees 2 GPUs, numbered from 0\.$"):
        devices.require("cuda:0,cuda:2")


@pytest.mark.parametrize(("visible", "last"), [("3", 0), ("3,1", 1), ("1,-1,0", 0)])
def test_the_gpus_are_those_that_the_environment_lets_a_process_see(machine: Machine, visible: str, last: int) -> None:
    machine("nvidiactl", *(f"nvidia{k}" for k in range(4)), visible=visible)
    devices.require(f"cuda:{last}")
    with pytest.raises(BadInput, match="this process sees"):
        devices.require(f"cuda:{last + 1}")


def test_other_makers_gpus_are_not_counted(machine: Machine) -> None:
    machine("kfd")
    devices.require("cuda:7")


def test_pytorch_for_a_cpu_uses_no_gpu(machine: Machine) -> None:
    machine("nvidiactl", "nvidia0", cpu_build=True)
    with pytest.raises(BadInput, match="this PyTorch is built for a CPU"):
        devices.require("cuda")


def test_the_build_is_read_as_pytorch_itself_reports_it() -> None:
    torch = pytest.importorskip("torch")
    assert devices._built_for_cpu() == (torch.version.cuda is None and torch.version.hip is None)
