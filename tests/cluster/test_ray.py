"""The same commands on a Ray cluster of several nodes, each a set of processes on this machine."""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.datasets.known import BUILT_IN
from tests.cluster.ray_cluster import Nodes, running, started, until
from tests.cluster.simulated import SETTINGS, problems, simulated
from tests.interrupt import interrupted
from tests.markdown import ROOT
from tts import Problem, Solution, Solver, solve_many
from tts.batch import Batch
from tts.cluster import Placement, TTSActor
from tts.cluster.executor import RayExecutor
from tts.cluster.source import PACKAGES, runtime_env
from tts.errors import ModelError
from tts.executor import Work
from tts.records.solution_json import as_row

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'tts-search[ray]'")

__all__ = ["simulated"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]

LAB: dict[str, Any] = {
    "policy": "lab-1m",
    "prm": "lab-prm",
    "strategy": "best-of-n",
    "budget": 2,
    "engine": "transformers",
}
ASKED = [
    "Mia has 17 marbles. She wins 25 more. How many has she now?",
    "Tom has 12 eggs. He buys 8 more. How many eggs does he have?",
    "Nina has 90 eggs. She sells a third. How many are left?",
    "A bus has 30 people. Then 9 people leave. How many people are there at the end?",
]


@pytest.fixture(scope="module")
def nodes(simulated: Path) -> Iterator[Nodes]:
    """A head node of 4 CPUs; this process is connected, so that calls here share one connection."""
    with started(simulated) as cluster:
        ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
        try:
            yield cluster
        finally:
            ray.shutdown()


def workers(number: int, **resources: float) -> Placement:
    return Placement("auto", workers=number, cpus=resources.get("cpus", 0.5))


def lines(solver: Solver, source: Path, out: Path, executor: RayExecutor | None = None) -> list[bytes]:
    """Solve a file of problems; returns the written lines in an order of their own."""
    with Batch(solver, source, out, executor=executor) as batch:
        for _ in batch.run():
            pass
    return sorted(out.read_bytes().splitlines())


def comparable(solution: Solution) -> dict[str, Any]:
    """The row without its time, and scores to 4 digits: batches of other sizes round differently."""
    row = as_row(solution)
    del row["usage"]["seconds"]
    return json.loads(json.dumps(row), parse_float=lambda digits: round(float(digits), 4))  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def here() -> list[dict[str, Any]]:
    return list(map(comparable, solve_many(ASKED, **LAB)))


def test_the_replay_engine_gives_the_same_bytes_with_1_2_and_4_workers_and_without_ray(
    nodes: Nodes, tmp_path: Path
) -> None:
    source = tmp_path / "problems.jsonl"
    given = [Problem(text, f"p{k}") for k, text in enumerate(ASKED)]
    source.write_text("".join(json.dumps({"id": p.id, "problem": p.text}) + "\n" for p in given), encoding="utf-8")
    for solution in solve_many(given, **LAB):
        (tmp_path / "traces").mkdir(exist_ok=True)
        solution.trace.save(tmp_path / "traces" / f"{solution.problem.id}.jsonl")
    replayed: dict[str, Any] = {**LAB, "engine": "replay", "engine_args": {"traces": str(tmp_path / "traces")}}
    alone = lines(Solver(**replayed), source, tmp_path / "alone.jsonl")
    assert len(alone) == len(ASKED)
    for number in (1, 2, 4):
        with RayExecutor(workers(number)) as executor:
            assert lines(Solver(**replayed), source, tmp_path / f"{number}.jsonl", executor) == alone
    until(lambda: not nodes.workers())


def test_the_lab_models_give_the_same_solutions_by_seed_wherever_they_run(
    nodes: Nodes, here: list[dict[str, Any]]
) -> None:
    found = solve_many(ASKED, ray=workers(2, cpus=1), **LAB)
    assert list(map(comparable, found)) == here
    assert found[0].trace.events[0]["event"] == "start"


def test_names_say_what_runs_and_nothing_is_left_after_a_failure(nodes: Nodes) -> None:
    async def run() -> list[dict[str, Any]]:
        settings = {**SETTINGS, "policy": "qwen2.5-1.5b", "engine": "transformers"}
        with RayExecutor(workers(2)) as executor:
            stream = executor.stream(Work(Solver(**settings), problems(3)))
            with pytest.raises(ModelError, match=r"^on node \S+ \(\S+\): qwen2.5-1.5b is not on this machine: run"):
                async for _ in stream:
                    pass
            return nodes.workers()

    seen = asyncio.run(run())
    names = sorted(each["Name"].rpartition(", run ")[0] for each in seen)
    assert names == [f"tts: qwen2.5-1.5b, {what}" for what in ("desk", "worker 1", "worker 2")]
    assert {each["ActorClassName"] for each in seen} == {"TTSDesk", "TTSWorker"}
    until(lambda: not nodes.workers())
    until(lambda: not any(running(each["Pid"]) for each in seen if each["Pid"]))


def command(nodes: Nodes, out: Path, number: int, limit: int, **engine: object) -> list[str]:
    """The words of a run with ``number`` workers; the last ones, from ``--ray`` on, may be left out."""
    search = ["--strategy", "majority", "--budget", "4", "--concurrency", "2", "--limit", str(limit), "--prm", "none"]
    arguments = [word for name, value in engine.items() for word in ("--engine-arg", f"{name}={value}")]
    cluster = ["--ray", nodes.address, "--ray-workers", str(number), "--ray-cpus", "1"]
    return ["bench", BUILT_IN, "--out", str(out), "--engine", "simulated", *arguments, *search, *cluster]


def outcomes(out: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (out / "outcomes.jsonl").read_bytes().splitlines()]
    for row in rows:
        del row["usage"]["seconds"]
    found = {row["id"]: row for row in rows}
    assert len(found) == len(rows), "a row is doubled"
    return found


def test_ten_killed_workers_a_killed_desk_two_lost_nodes_and_a_killed_driver_lose_and_double_no_row(
    nodes: Nodes, tmp_path: Path
) -> None:
    """Each loss happens while every worker holds problems: a file keeps them from being answered."""
    out, gate, notices = tmp_path / "killed", tmp_path / "gate", tmp_path / "notices"
    rows, limit = out / "outcomes.jsonl", 200
    words = command(nodes, out, 6, limit, seconds=0.1, gate=gate)  # two more workers than there is room for at first
    run = [sys.executable, "-m", "cli", *words]

    def losses() -> int:
        return notices.read_text(encoding="utf-8").count(" was lost (")

    def noticed(loss: Callable[[], None]) -> None:
        before = losses()
        loss()
        until(lambda: losses() > before)

    def count() -> int:
        return rows.read_bytes().count(b"\n") if rows.exists() else 0

    def some_more() -> None:
        gate.unlink(missing_ok=True)
        before = count()
        until(lambda: count() > before)
        gate.touch()

    with notices.open("w") as heard, subprocess.Popen(run, cwd=ROOT, stderr=heard, env=os.environ) as driver:
        try:
            for kill in range(10):
                some_more()
                noticed(nodes.kill_one)
                if kill in (3, 6):  # a worker that waits for room starts on a further node, which is lost
                    node = nodes.add(cpus=1)
                    until(functools.partial(nodes.has_worker, node))
                    noticed(functools.partial(nodes.remove, node))
            some_more()
            noticed(functools.partial(nodes.kill_one, "TTSDesk"))
            some_more()
            driver.kill()
            driver.wait(timeout=60)
        finally:
            driver.kill()
    left = count()
    assert 12 <= left < limit, "the driver is killed in the middle"
    assert losses() >= 13
    until(lambda: not nodes.workers())

    gate.unlink()
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, env=os.environ, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert f"{left} of {limit} rows are already in {out}." in done.stderr
    calm = tmp_path / "calm"
    words = command(nodes, calm, 0, limit, seconds=0.0)
    alone = [sys.executable, "-m", "cli", *words[: words.index("--ray")]]
    subprocess.run(alone, cwd=ROOT, capture_output=True, env=os.environ, timeout=300, check=True)
    assert outcomes(out) == outcomes(calm)
    assert len(outcomes(out)) == limit
    until(lambda: not nodes.workers())


def test_ctrl_c_ends_the_workers_and_keeps_the_rows(nodes: Nodes, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert interrupted(out / "outcomes.jsonl", *command(nodes, out, 2, 90, seconds=0.3)) >= 2
    until(lambda: not nodes.workers())
    assert len(outcomes(out)) < 90


def test_a_stage_of_ray_data_adds_answers(nodes: Nodes, simulated: Path) -> None:
    rows = [{"id": each.id, "question": each.text} for each in problems(4)]
    answered = ray.data.from_items(rows).map_batches(
        TTSActor,
        fn_constructor_kwargs={**SETTINGS, "engine_args": {"seconds": 0.0}},
        compute=ray.data.ActorPoolStrategy(size=1),
        batch_size=2,
    )
    found = {row["id"]: row for row in answered.take_all()}
    expected = solve_many(problems(4), **SETTINGS, engine_args={"seconds": 0.0})
    assert {name: row["answer"] for name, row in found.items()} == {each.problem.id: each.answer for each in expected}
    assert json.loads(found["p000"]["row"])["answer"] == found["p000"]["answer"]
    assert {row["error"] for row in found.values()} == {""}


def test_a_checkout_is_sent_to_the_workers() -> None:
    assert [Path(path).name for path in runtime_env()["py_modules"]] == list(PACKAGES)


def test_the_cluster_file_of_the_guide_is_one_of_rays() -> None:
    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    [written] = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "CLUSTER.md").read_text(encoding="utf-8"), re.DOTALL)
    config = prepare_config(yaml.safe_load(written))
    validate_config(config)
    gpu = config["available_node_types"]["gpu"]
    assert (gpu["min_workers"], gpu["max_workers"], gpu["resources"]) == (0, 8, {"CPU": 8, "GPU": 1})
    with pytest.raises(ValidationError):
        validate_config({**config, "workers": 8})
