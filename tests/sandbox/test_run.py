"""Running a program: what goes in, what comes out, what is refused."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from tts import sandbox
from tts.errors import BadInput, MissingSandbox, UnknownName
from tts.sandbox import Limits, Outcome, bubblewrap
from tts.sandbox.cgroup import Group

TALK = """
import sys
name = input("who? ")
print("hello", name, open("greeting.txt").read())
print("done", file=sys.stderr)
raise SystemExit(3)
"""


@pytest.fixture
def isolated() -> None:
    try:
        sandbox.check("bubblewrap")
    except MissingSandbox as error:
        pytest.skip(str(error))


async def test_a_program_reads_its_input_and_files_and_its_streams_and_exit_code_come_back(isolated: None) -> None:
    run = await sandbox.run(TALK, stdin="Ada\n", files={"greeting.txt": "again"})
    assert (run.stdout, run.stderr) == ("who? hello Ada again\n", "done\n")
    assert (run.exit_code, run.outcome) == (3, Outcome.ERROR)


async def test_the_interpreter_is_the_one_that_runs_the_tests(isolated: None) -> None:
    run = await sandbox.run("import sys; print(sys.version)")
    assert run.stdout.strip() == sys.version


async def test_one_program_runs_on_many_inputs_in_order_and_one_that_fails_does_not_end_the_others(
    isolated: None,
) -> None:
    code = "import os\nn = int(input())\nif n == 2: os.kill(os.getppid(), 9)\nprint(n * n)"
    runs = await sandbox.run_each(code, [str(n) for n in range(5)], limits=Limits(seconds=3))
    assert [run.stdout.strip() for run in runs] == ["0", "1", "", "9", "16"]
    assert [run.outcome for run in runs] == ["ok", "ok", "error", "ok", "ok"]


async def test_a_traceback_shows_the_program_and_nothing_of_ours(isolated: None) -> None:
    run = await sandbox.run("def f():\n    return 1 / 0\nf()")
    assert run.stderr.splitlines()[1:3] == ['  File "program.py", line 3, in <module>', "    f()"]
    assert "supervisor" not in run.stderr


async def test_programs_that_were_cancelled_leave_nothing_running(isolated: None) -> None:
    task = asyncio.create_task(sandbox.run("import time\ntime.sleep(60)", limits=Limits(seconds=60)))
    await asyncio.sleep(0.3)
    begun = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", "a//b", "a/./b", "x\0y"])
async def test_a_file_may_not_be_put_outside_of_the_working_folder(name: str) -> None:
    with pytest.raises(BadInput, match="relative name"):
        await sandbox.run("", files={name: "x"})


@pytest.mark.parametrize("limits", [{"seconds": 0}, {"seconds": float("nan")}, {"memory_mb": 1}, {"processes": 0}])
def test_limits_without_sense_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="sandbox"):
        Limits(**limits)  # type: ignore[arg-type]


async def test_without_a_sandbox_the_program_is_refused_and_the_package_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bubblewrap._missing.cache_clear()
    run = await sandbox.run("open('/tmp/ran', 'w')", stdin="x")
    assert run.outcome is Outcome.REFUSED
    assert "install the system package bubblewrap" in run.stderr
    with pytest.raises(MissingSandbox, match="'bubblewrap' is not available"):
        sandbox.check("bubblewrap")
    bubblewrap._missing.cache_clear()


def test_an_unknown_sandbox_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="bubblewrap, monty"):
        sandbox.check("docker")


class TestMonty:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("pydantic_monty")

    @pytest.mark.parametrize(
        ("code", "outcome"),
        [
            ("print(6 * 7)", "ok"),
            ("1 / 0", "error"),
            ("while True: pass", "timeout"),
            ("x = 'a' * 10**9", "memory"),
            ("while True: print('x' * 999)", "output"),
            ("open('/etc/passwd').read()", "error"),
            ("import socket", "error"),
            ("import subprocess", "error"),
        ],
    )
    async def test_small_programs_run_within_the_limits(self, code: str, outcome: str) -> None:
        run = await sandbox.run(code, limits=Limits(seconds=0.5), level="monty")
        assert run.outcome == outcome
        assert run.stdout.startswith({"ok": "42\n", "output": "xxx"}.get(outcome, ""))
        assert len(run.stdout) <= Limits().output_bytes

    async def test_standard_input_is_refused(self) -> None:
        run = await sandbox.run("print(1)", stdin="x", level="monty")
        assert run.outcome is Outcome.REFUSED


class TestGroup:
    def test_a_group_bounds_memory_and_processes_and_is_removed(self, tmp_path: Path) -> None:
        (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
        group = Group.make(Limits(memory_mb=100, files_mb=20, processes=8), tmp_path)
        assert group is not None
        group.add([41, 42])
        # 100 MB of the program, 20 of its folder, 32 of the supervisor
        assert (group.folder / "memory.max").read_text() == str(152 << 20)
        assert (group.folder / "pids.max").read_text() == "12"
        assert (group.folder / "cgroup.procs").read_text() == "42"
        for file in group.folder.iterdir():
            file.unlink()  # the kernel's files do not hinder a removal
        group.close()

    @pytest.mark.parametrize("controllers", ["cpu", "memory", None])
    def test_there_is_no_group_where_the_kernel_offers_none(self, tmp_path: Path, controllers: str | None) -> None:
        if controllers is not None:
            (tmp_path / "cgroup.subtree_control").write_text(controllers)
        assert Group.make(Limits(), tmp_path) is None
