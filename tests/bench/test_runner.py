"""The runner: writing, resuming, refusing and reading back."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench import runner
from benchmarks.bench.folder import RunFolder
from benchmarks.bench.jobs import Job, Line
from benchmarks.bench.progress import duration
from benchmarks.bench.results_table import Tally
from benchmarks.recordings.manifest import read_manifest
from tests.bench.toys import SETTINGS, comparable, dataset, rows, toy_bench
from tests.markdown import ROOT
from tests.toy import ToyPolicy
from tts.errors import BadInput, EngineDied, EngineError
from tts.protocols import Completion, Request
from tts.records.outcomes import read
from tts.trace import Trace


class Fails(ToyPolicy):
    """Cannot do one problem."""

    async def generate(self, request: Request) -> Completion:
        if request.problem.id == "p3":
            raise EngineError("out of memory.")
        return await super().generate(request)


def test_samples_are_drawn_once_for_all_widths_and_searches_are_run_for_each(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    jobs = {row["job"] for row in rows(tmp_path / "run")}
    assert jobs == {"best-of-n/4", "beam-search/2", "beam-search/4"}  # majority's samples are best-of-n's
    how = {(line.strategy, line.n): line.how for line in run.lines}
    assert how["best-of-n", 4] == how["beam-search", 2] == "run"
    assert how["best-of-n", 2] == how["majority", 4] == "from the 4 samples of best-of-n"


def test_rows_are_outcomes_with_grades_and_classes(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    for outcome in read(tmp_path / "run" / "outcomes.jsonl"):
        assert outcome.dataset == "things"
        assert outcome.right == tuple(c.answer == "3" for c in outcome.candidates)
        assert outcome.correct == (outcome.answer == "3")
        answers = [c.answer for c in outcome.candidates]
        for a, x in zip(answers, outcome.classes, strict=True):
            for b, y in zip(answers, outcome.classes, strict=True):
                assert (a == b) == (x == y)


def test_the_table_agrees_with_the_rows(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    table = {(row["strategy"], row["n"]): row for row in run.tally.rows(12)}
    found = rows(tmp_path / "run")
    samples = [row for row in found if row["job"] == "best-of-n/4"]
    assert table["best-of-n", 4]["accuracy"] == sum(row["correct"] for row in samples) / 12
    beam = [row for row in found if row["job"] == "beam-search/2"]
    assert table["beam-search", 2]["accuracy"] == sum(row["correct"] for row in beam) / 12
    # any of 2 of 4 samples: 1 - C(wrong, 2) / C(4, 2)
    pairs = {0: 0, 1: 3, 2: 5, 3: 6, 4: 6}
    passed = [pairs[sum(c["correct"] for c in row["candidates"])] / 6 for row in samples]
    assert table["best-of-n", 2]["pass_at_n"] == pytest.approx(sum(passed) / 12)
    tokens = sum(row["usage"]["policy_tokens"] for row in samples) / 12
    assert table["best-of-n", 2]["tokens"] == pytest.approx(tokens / 2)
    assert table["majority", 4]["prm_tokens"] == 0
    assert table["majority", 4]["flops"] < table["best-of-n", 4]["flops"]
    assert all(row["low"] <= row["accuracy"] <= row["high"] for row in table.values())


def test_a_job_whose_plans_differ_from_problem_to_problem_is_one_line(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    taken = {"p0": "best-of-n/4", "p1": "beam-search/2", "p2": "beam-search/4"}
    chosen = [row | {"job": "auto/4"} for row in rows(tmp_path / "run") if row["job"] == taken.get(row["id"])]
    tally = Tally([Line("auto", 4, "chosen", Job("auto/4", "auto", 4, None), run=True)])
    for row in chosen:
        tally.add(row)
    [line] = tally.rows(3)
    assert line["accuracy"] == sum(row["correct"] for row in chosen) / 3
    assert line["prm_tokens"] == sum(row["usage"]["prm_tokens"] for row in chosen) / 3
    assert line["flops"] == sum(row["usage"]["flops"] for row in chosen) / 3


def test_a_finished_run_read_back_gives_the_same_table_and_does_nothing(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    policy = ToyPolicy()
    with toy_bench(tmp_path / "run", policy=policy) as again:
        again.run()
    assert again.tally.rows(12) == run.tally.rows(12)
    assert policy.calls == []


def test_concurrency_does_not_change_the_outcomes(tmp_path: Path) -> None:
    for name, concurrency in (("one", 1), ("many", 12)):
        with toy_bench(tmp_path / name, concurrency=concurrency) as run:
            run.run()
    assert comparable(tmp_path / "one") == comparable(tmp_path / "many")


def test_ceilings_make_every_width_a_run_of_its_own(tmp_path: Path) -> None:
    from benchmarks.bench.jobs import jobs_of, plan_run
    from tests.toy import ToyReward
    from tts import Solver

    def make(**arguments: object) -> Solver:
        return Solver(ToyPolicy(), ToyReward(), **arguments)  # type: ignore[arg-type]

    lines = plan_run(make, ["best-of-n", "majority"], [2, 4], {"max_tokens": 50})
    assert all(line.run for line in lines)
    assert len(jobs_of(lines)) == 4


def test_a_failing_problem_is_a_row_with_its_error_and_can_be_tried_again(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run", policy=Fails()) as run:
        run.run()
    assert run.folder.failed == 3
    failed = [row for row in rows(tmp_path / "run") if "error" in row]
    assert {(row["id"], row["error"]) for row in failed} == {("p3", "out of memory.")}
    assert run.tally.rows(12)[0]["failed"] == 1
    policy = ToyPolicy()
    with toy_bench(tmp_path / "run", policy=policy) as again:
        again.run()
    assert policy.calls == []  # without being asked nothing is tried again
    with toy_bench(tmp_path / "run", retry=True) as third:
        third.run()
    with toy_bench(tmp_path / "calm") as calm:
        calm.run()
    assert comparable(tmp_path / "run") == comparable(tmp_path / "calm")


def test_an_engine_that_dies_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    class Dies(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if len(self.calls) > 20:
                raise EngineDied("the engine is gone.")
            return await super().generate(request)

    with toy_bench(tmp_path / "run", policy=Dies(), concurrency=2) as run, pytest.raises(EngineDied):
        run.run()
    kept = len(rows(tmp_path / "run"))
    assert kept > 0
    with toy_bench(tmp_path / "run") as again:
        assert again.resumed == kept
        again.run()
    assert len(rows(tmp_path / "run")) == 36


def test_other_settings_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run", settings={"seed": 7}):
        pass  # a call that made nothing, say because a model was missing, holds nobody to its settings
    with toy_bench(tmp_path / "run", data=dataset(1)) as run:
        run.run()
    before = (tmp_path / "run" / "manifest.json").read_bytes()
    with pytest.raises(BadInput, match=r"made with seed = 0, not 1: use the same settings, or name another folder"):
        toy_bench(tmp_path / "run", settings={"seed": 1})
    assert (tmp_path / "run" / "manifest.json").read_bytes() == before
    with toy_bench(tmp_path / "run"):  # the refusal let go of the lock
        pass


def asked(strategies: str, budgets: str, *jobs: str) -> dict[str, Any]:
    """Settings as the command line writes them."""
    plans = {job: {"n": int(job.partition("/")[2])} for job in jobs}
    return {"strategies": strategies.split(","), "budget": list(map(int, budgets.split(","))), "parameters": plans}


def test_a_run_may_be_asked_for_more_strategies_and_widths_and_keeps_what_it_has(tmp_path: Path) -> None:
    narrow = asked("beam-search", "2", "beam-search/2")
    with toy_bench(tmp_path / "run", strategies=["beam-search"], budgets=[2], settings=narrow) as run:
        run.run()
    before = comparable(tmp_path / "run")
    wide = asked("beam-search,dvts", "2,4", "beam-search/2", "beam-search/4", "dvts/2", "dvts/4")
    with toy_bench(tmp_path / "run", strategies=["beam-search", "dvts"], budgets=[2, 4], settings=wide) as more:
        assert more.resumed == 12
        more.run()
    after = comparable(tmp_path / "run")
    assert len(after) == 48
    assert {key: after[key] for key in before} == before
    assert read_manifest(tmp_path / "run")["settings"] == wide
    with pytest.raises(BadInput, match=r"made with strategies = .*: use the same settings"):
        toy_bench(tmp_path / "run", settings=narrow)


def test_a_run_may_not_be_asked_for_what_would_draw_its_samples_anew(tmp_path: Path) -> None:
    narrow, wide = asked("best-of-n", "2", "best-of-n/2"), asked("best-of-n", "2,4", "best-of-n/4")
    with toy_bench(tmp_path / "run", data=dataset(1), strategies=["best-of-n"], budgets=[2], settings=narrow) as run:
        run.run()
    with pytest.raises(BadInput, match="made with best-of-n/2, which this command leaves out"):
        toy_bench(tmp_path / "run", strategies=["best-of-n"], settings=wide)


@pytest.mark.parametrize(("sha256", "known"), [("a" * 64, True), ("b" * 64, False), (None, False)])
def test_the_same_problems_from_another_place_are_the_same(tmp_path: Path, sha256: str | None, known: bool) -> None:
    with toy_bench(tmp_path / "run", data=dataset(1), settings={"data source": "x", "data sha256": sha256}) as run:
        run.run()
    moved = {"data source": "y", "data sha256": sha256 and "a" * 64}
    refused = nullcontext() if known else pytest.raises(BadInput, match="was made with data")
    with refused, toy_bench(tmp_path / "run", data=dataset(1), settings=moved):
        pass


def test_other_files_of_a_model_are_refused_by_their_name_and_not_by_a_bare_hash(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run", data=dataset(1), settings={"prm sha256": "a" * 64}) as run:
        run.run()
    message = (
        "made with a reward model of other files or another description .*: use that reward model, or name another"
    )
    with pytest.raises(BadInput, match=message):
        toy_bench(tmp_path / "run", settings={"prm sha256": "b" * 64})


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match=r"holds notes\.txt and is not a run folder"):
        toy_bench(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["manifest.json", "outcomes.jsonl"])
def test_a_spoilt_file_is_named(tmp_path: Path, name: str) -> None:
    with toy_bench(tmp_path / "run"):
        pass
    (tmp_path / "run" / name).write_text("what\n")
    with pytest.raises(BadInput, match=name):
        toy_bench(tmp_path / "run")


def test_a_second_process_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from benchmarks.bench.folder import RunFolder\n"
        "held = RunFolder(Path(sys.argv[1]), {'seed': 0}, {}); print('held', flush=True); sys.stdin.read()"
    )
    run = tmp_path / "run"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(run)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(BadInput, match=f"being written by process {process.pid}"):
            RunFolder(run, SETTINGS, {})
        process.kill()
    with RunFolder(run, SETTINGS, {}):
        pass


def test_a_second_run_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", SETTINGS, {}):
        with pytest.raises(BadInput, match="by this process"):
            RunFolder(tmp_path / "run", SETTINGS, {})
        # and asking has not let go of the lock
        code = "import sys; from pathlib import Path; from benchmarks.bench.folder import RunFolder\n"
        code += "RunFolder(Path(sys.argv[1]), {'seed': 0}, {})"
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run")], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert f"being written by process {os.getpid()}" in done.stderr


def test_a_full_disk_is_one_sentence_and_leaves_whole_rows(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; from tests.bench.toys import toy_bench; import signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "run = toy_bench(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "run.run()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "BadInput" in done.stderr
    assert "outcomes.jsonl cannot be written" in done.stderr
    assert (tmp_path / "run" / "outcomes.jsonl").read_bytes().endswith(b"\n")
    kept = len(rows(tmp_path / "run"))
    with toy_bench(tmp_path / "run") as run:
        assert run.resumed == kept > 0


def test_the_manifest_says_what_each_call_did_and_how_fast(tmp_path: Path) -> None:
    for _ in range(2):
        with toy_bench(tmp_path / "run") as run:
            run.run()
    manifest = read_manifest(tmp_path / "run")
    assert manifest["settings"] == SETTINGS
    assert [call["command"] for call in manifest["calls"]] == ["toy", "toy"]
    assert manifest["calls"][0]["pace"]["best-of-n/4"][0] == 12
    assert "pace" not in manifest["calls"][1]


def traces() -> list[Trace]:
    gc.collect()
    return [thing for thing in gc.get_objects() if type(thing) is Trace]


def test_nothing_of_a_finished_problem_stays_in_memory(tmp_path: Path) -> None:
    others = traces()  # of other tests of this process

    class Watches(ToyPolicy):
        most = 0

        async def generate(self, request: Request) -> Completion:
            if len(self.calls) % 20 == 19:
                self.most = max(self.most, sum(trace not in others for trace in traces()))
            return await super().generate(request)

    policy, data = Watches(), dataset(60)
    with toy_bench(
        tmp_path / "run", policy=policy, data=data, strategies=["best-of-n"], budgets=[2], concurrency=2
    ) as run:
        run.run()
    assert len(policy.calls) == 120
    # two in flight, at most three being graded and one on its way, of sixty
    assert 0 < policy.most <= 6


def test_a_grading_thread_that_a_busy_machine_halts_holds_no_graded_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, others = threading.Event(), traces()

    class Halts(ThreadPoolExecutor):
        """A thread is taken off the processor when its result is out, with all that it was given."""

        def submit(self, work: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
            future = Future[Any]()

            def halt() -> None:
                future.set_result(work(*given, **named))
                go_on.wait()

            super().submit(halt)
            return future

    class Watches(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if request.problem.id == "p4" and not go_on.is_set():
                while len(rows(tmp_path / "run")) < 4:  # noqa: ASYNC110 - a file does not call
                    await asyncio.sleep(0.01)
                held.extend(trace for trace in traces() if trace not in others)
                go_on.set()
            return await super().generate(request)

    held: list[Trace] = []
    monkeypatch.setattr(runner, "ThreadPoolExecutor", Halts)
    with toy_bench(
        tmp_path / "run", policy=Watches(), data=dataset(5), strategies=["best-of-n"], budgets=[2], concurrency=1
    ) as run:
        run.run()
    # the one in flight, and the one that ended last until the next one ends
    assert {trace.events[0]["problem"]["id"] for trace in held} == {"p3", "p4"}


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.6, "1 min 0 s"), (3725, "1 h 2 min"), (200000, "2 d 7 h")]
)
def test_times_are_said_in_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words  # 200000 s = 2 x 86400 + 27200 s, and 27200 s = 7.6 h


def test_ctrl_c_keeps_the_rows_that_are_done(tmp_path: Path) -> None:
    class Interrupts(ToyPolicy):
        async def generate(self, request: Request) -> Completion:
            if len(self.calls) == 20:
                signal.raise_signal(signal.SIGINT)
            return await super().generate(request)

    # A shell that runs the tests in the background has its children ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with (
            toy_bench(tmp_path / "run", policy=Interrupts(), concurrency=2) as run,
            pytest.raises(KeyboardInterrupt),
        ):
            run.run()
    finally:
        signal.signal(signal.SIGINT, before)
    kept = len(rows(tmp_path / "run"))
    assert 0 < kept < 36
    with toy_bench(tmp_path / "run") as again:
        assert again.resumed == kept
