"""The executor on a fake Ray: handing out, losses, refusals and the shared budget."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import Any

import pytest

from tests.cluster.fake_ray import FakeRay
from tests.cluster.simulated import SETTINGS, problems, simulated
from tts import Problem, Solution, Solver
from tts.cluster import executor as executor_module
from tts.cluster.executor import RayExecutor
from tts.cluster.losses import LOSSES
from tts.cluster.placement import Placement
from tts.cluster.worker import DIED, REFUSED, SOLVED, TTSWorker
from tts.errors import BadInput, EngineError, ModelError
from tts.executor import Work
from tts.records.solution_json import as_row
from tts.solver import solver_of

__all__ = ["simulated"]
pytestmark = pytest.mark.usefixtures("simulated")

QUICK: dict[str, Any] = {**SETTINGS, "engine_args": {"seconds": 0.0}}


def collected(
    ray: FakeRay, given: list[Problem], placement: Placement | None = None, concurrency: int = 32, **settings: Any
) -> tuple[dict[int, Solution], list[str]]:
    """Solve on the fake cluster; returns the solutions by index in the order in which they ended, and the notices."""
    notices: list[str] = []

    async def run() -> dict[int, Solution]:
        with RayExecutor(placement or Placement(workers=2), notices.append, ray) as executor:
            stream = executor.stream(Work(Solver(**{**QUICK, **settings}), given, concurrency))
            return {index: solution async for index, solution in stream}

    return asyncio.run(run()), notices


def row(solution: Solution) -> dict[str, Any]:
    found = as_row(solution)
    del found["usage"]["seconds"]
    return found


def here(given: list[Problem], concurrency: int = 32, **settings: Any) -> list[dict[str, Any]]:
    async def run() -> dict[int, Solution]:
        stream = Solver(**{**QUICK, **settings}).stream(given, concurrency)
        return {index: solution async for index, solution in stream}

    found = asyncio.run(run())
    return [row(found[index]) for index in range(len(given))]


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_are_those_of_this_process_whatever_the_number_of_workers(workers: int) -> None:
    found, _ = collected(ray := FakeRay(), given := problems(20), Placement(workers=workers))
    assert [row(found[index]) for index in range(20)] == here(given)
    assert sum(len(actor.asked) for actor in ray.actors) == 20
    assert not any(actor.alive for actor in ray.actors)


def test_the_longest_problem_is_handed_out_first_and_each_worker_gets_an_equal_part() -> None:
    given = [Problem("x" * length, f"p{length}") for length in (3, 9, 1, 7)]
    collected(ray := FakeRay(), given, Placement(workers=2), concurrency=32)
    assert [actor.asked[0] for actor in ray.actors] == ["p9", "p7"]
    assert [len(actor.asked) for actor in ray.actors] == [2, 2]


def test_a_worker_has_no_more_problems_at_a_time_than_the_concurrency() -> None:
    ray, most, flying = FakeRay(), [0], [0]

    async def counted(worker: TTSWorker, *asked: str) -> Any:
        flying[0] += 1
        most[0] = max(most[0], flying[0])
        await asyncio.sleep(0.001)
        flying[0] -= 1
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = counted
    collected(ray, problems(12), Placement(workers=1), concurrency=3)
    assert most == [3]


def test_problems_of_a_lost_worker_are_solved_by_another_and_the_user_hears_of_it_once() -> None:
    ray = FakeRay()

    async def first_is_lost(worker: TTSWorker, *asked: str) -> Any:
        if worker is ray.actors[0].made:
            await asyncio.sleep(0.005)
            ray.actors[0].end()
            await asyncio.sleep(1)
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = first_is_lost
    found, notices = collected(ray, given := problems(10))
    assert [row(found[index]) for index in range(10)] == here(given)
    assert len(ray.actors) == 3
    lost = [each for each in notices if "lost" in each]
    assert lost == ["a worker on node-1 was lost (its process ended): another one does its problems."]


def test_a_lost_desk_is_replaced_and_what_the_workers_have_is_done_again() -> None:
    ray = FakeRay()

    async def once_without_a_desk(worker: TTSWorker, *asked: str) -> Any:
        if sum(len(actor.asked) for actor in ray.actors) >= 3 and ray.desks[0].alive:
            ray.desks[0].end()
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = once_without_a_desk
    found, notices = collected(ray, given := problems(12), concurrency=2)
    assert [row(found[index]) for index in range(12)] == here(given)
    assert (len(ray.desks), len(ray.actors)) == (2, 2)
    lost = "the desk was lost (its process ended): what the workers have now is done again."
    assert [each for each in notices if "lost" in each] == [lost]


def test_the_desk_is_near_the_driver_and_takes_nothing() -> None:
    collected(ray := FakeRay(), problems(2))
    options = ray.desks[0].options
    assert (options["num_cpus"], options["scheduling_strategy"]) == (0, ("head", True))
    assert options["name"].rpartition(", run ")[0] == "tts: lab-1m, desk"


def test_a_problem_that_ends_its_workers_fails_and_the_others_are_solved() -> None:
    ray = FakeRay()
    ray.poison = {"p003"}
    found, _ = collected(ray, given := problems(8), concurrency=1)
    assert [row(found[index]) for index in range(8) if index != 3] == [
        each for each in here(given) if each["id"] != "p003"
    ]
    assert found[3].error == f"its worker was lost {LOSSES} times: its process ended."


def test_a_run_ends_when_workers_are_lost_again_and_again_without_a_finished_problem() -> None:
    ray = FakeRay()
    ray.poison = {each.id for each in problems(4)}  # each fails after 5 losses, the run after 2 x 5 + 1
    with pytest.raises(EngineError, match=r"12 workers were lost and no problem was finished; the last on node-"):
        collected(ray, problems(4), Placement(workers=1), concurrency=1)
    assert not any(actor.alive for actor in ray.actors)


def test_an_engine_whose_process_ended_costs_its_worker_and_no_problem() -> None:
    ray = FakeRay()
    ended: list[str] = []

    async def once(worker: TTSWorker, *asked: str) -> Any:
        if not ended:
            ended.append("")
            return DIED, "the engine's process ended"
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = once
    found, notices = collected(ray, given := problems(6))
    assert [row(found[index]) for index in range(6)] == here(given)
    assert "a worker on node-1 was lost (the engine's process ended): another one does its problems." in notices


def test_what_concerns_all_problems_ends_the_run_and_names_the_node() -> None:
    ray = FakeRay()

    async def refused(worker: TTSWorker, *asked: str) -> Any:
        return REFUSED, "the weights are missing."

    ray.attempt = refused
    with pytest.raises(ModelError, match=r"^on node node-1: the weights are missing\.$"):
        collected(ray, problems(2), Placement(workers=1))


def test_a_missing_model_on_a_worker_is_a_reply_of_one_sentence() -> None:
    async def run() -> tuple[str, str]:
        recipe = Solver("qwen2.5-1.5b", None, "majority", 2, engine="transformers").recipe()
        share = {
            "problem": {"text": "1 + 1", "id": "", "turns": [], "tools": []},
            "budget": {"n": 2},
            "warning": "",
            "traced": False,
        }
        return await TTSWorker("worker", "/").solve(json.dumps(recipe), json.dumps(share))

    kind, sentence = asyncio.run(run())
    assert kind == REFUSED
    assert sentence.startswith("qwen2.5-1.5b is not on this machine: run `hf download")


def test_a_fault_of_this_program_fails_its_problem_alone() -> None:
    ray = FakeRay()

    async def faulty(worker: TTSWorker, *asked: str) -> Any:
        if '"p001"' in asked[1]:
            raise ZeroDivisionError("division by zero")
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = faulty
    found, _ = collected(ray, problems(4))
    assert {index: each.error for index, each in found.items() if each.error} == {
        1: "ZeroDivisionError: division by zero"
    }


def test_one_call_carries_all_that_has_ended_since_the_last_one() -> None:
    ray = FakeRay()
    calls: list[int] = []

    async def together(worker: TTSWorker, *asked: str) -> Any:
        await asyncio.sleep(0.02)
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = together
    ray.called = lambda given: calls.append(len(given))
    found, _ = collected(ray, problems(60), Placement(workers=3), concurrency=4)
    assert len(found) == 60
    assert calls[0] == 24  # as many again as they work on
    assert len(calls) < 20


def test_a_worker_has_its_next_problem_before_the_driver_knows_of_the_last_one() -> None:
    ray, most, flying = FakeRay(), [0], [0]
    calls: list[int] = []

    async def counted(worker: TTSWorker, *asked: str) -> Any:
        flying[0] += 1
        most[0] = max(most[0], flying[0])
        await asyncio.sleep(0.03)
        flying[0] -= 1
        return await TTSWorker.attempt(worker, *asked)

    ray.attempt = counted
    ray.called = lambda given: calls.append(len(given))
    found, _ = collected(ray, given := problems(60), Placement(workers=1), concurrency=4)
    assert [row(found[index]) for index in range(60)] == here(given)
    assert most == [4]
    assert calls[0] == 8
    assert len(calls) < 30
    assert not ray.desks[0].alive


def test_a_run_that_is_left_early_leaves_nothing_to_the_next_one() -> None:
    ray, given = FakeRay(), problems(8)

    async def run() -> dict[int, Solution]:
        with RayExecutor(Placement(workers=2), ray=ray) as executor:
            stream = executor.stream(Work(Solver(**QUICK), given[4:], 2))
            async for _ in stream:
                break
            await stream.aclose()
            stream = executor.stream(Work(Solver(**QUICK), given[:4], 2))
            return {index: solution async for index, solution in stream}

    found = asyncio.run(run())
    assert [row(found[index]) for index in range(4)] == here(given[:4])


def test_a_run_that_is_left_while_workers_are_called_again_leaves_no_call_to_the_next_one() -> None:
    ray, given = FakeRay(), problems(8)

    async def run() -> dict[int, Solution]:
        first_is_here = asyncio.Event()

        async def first_alone(worker: TTSWorker, *asked: str) -> Any:
            if json.loads(asked[1])["problem"]["id"] not in ("p000", "p004"):
                await first_is_here.wait()
            return await TTSWorker.attempt(worker, *asked)

        ray.attempt = first_alone
        with RayExecutor(Placement(workers=1), ray=ray) as executor:
            stream = executor.stream(Work(Solver(**QUICK), given[4:], 4))
            async for _ in stream:
                break
            await stream.aclose()
            found = {}
            async for index, solution in executor.stream(Work(Solver(**QUICK), given[:4], 4)):
                found[index] = solution
                first_is_here.set()
            return found

    found = asyncio.run(asyncio.wait_for(run(), 60))
    assert [row(found[index]) for index in range(4)] == here(given[:4])


def test_a_worker_of_another_version_is_refused() -> None:
    ray = FakeRay()
    ray.source = "another"
    with pytest.raises(ModelError, match=r"node node-1 runs tts-search .* install the same version on every node"):
        collected(ray, problems(2))


def test_workers_that_the_cluster_has_no_room_for_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "PATIENCE", 0.05)
    ray = FakeRay(cpus=0, rooms=0, grows=0.2)  # for one of the two that are asked for
    found, notices = collected(ray, problems(6))
    assert len(found) == 6
    assert notices[0] == (
        "no worker has started: each asks for 1 CPU, and the cluster has 0 CPUs and 0 GPUs free; waiting."
    )


def test_the_flops_of_all_problems_are_one_pot() -> None:
    """The pot holds half of what all would take; each problem gets what it gets in this process, two at a time."""
    given = problems(8)
    total = 0.5 * sum(each["usage"]["flops"] for each in here(given))
    settings = {"policy": "qwen2.5-1.5b", "strategy": "auto", "budget": 4, "total_flops": total}
    found, _ = collected(FakeRay(), given, Placement(workers=2), concurrency=1, **settings)
    flops = [found[index].usage.flops for index in range(8)]
    assert flops == [each["usage"]["flops"] for each in here(given, concurrency=2, **settings)]
    assert sum(flops) == pytest.approx(total, rel=0.02)


def test_an_empty_problem_is_a_failed_solution_and_no_worker_hears_of_it() -> None:
    found, _ = collected(ray := FakeRay(), [Problem("1 + 1"), Problem(" ")])
    assert found[1].error == "the problem is empty: give a question to be answered."
    assert found[0].error is None
    assert sum(len(actor.asked) for actor in ray.actors) == 1


def test_actors_have_names_that_say_what_they_are_and_take_what_was_asked_for() -> None:
    collected(ray := FakeRay(gpus=1), problems(2), Placement(workers=2, gpus=0.5, cpus=2))
    names = [actor.options["name"] for actor in ray.actors]
    assert [name.rpartition(", run ")[0] for name in names] == ["tts: lab-1m, worker 1", "tts: lab-1m, worker 2"]
    assert {(actor.options["num_cpus"], actor.options["num_gpus"]) for actor in ray.actors} == {(2, 0.5)}


def test_workers_that_share_a_gpu_share_its_memory() -> None:
    executor = RayExecutor(Placement(gpus=0.5), ray=FakeRay())
    assert json.loads(executor._recipe(Solver(**QUICK)))["gpu_memory"] == 0.45


def test_a_cluster_with_gpus_that_are_not_asked_for_is_pointed_out() -> None:
    _, notices = collected(FakeRay(gpus=2), problems(2))
    assert "the cluster has GPUs, and these workers ask for none: --ray-gpus 1 gives each one." in notices


def test_a_recipe_holds_every_argument_of_a_solver_and_builds_an_equal_one() -> None:
    solver = Solver(**QUICK, max_tokens=900, seed=3, temperature=0.5, prices="0.1,0.4")
    recipe = json.loads(json.dumps(solver.recipe()))
    named = set(inspect.signature(Solver.__init__).parameters) - {"self", "parameters"}
    assert named <= recipe.keys()
    again = solver_of(recipe)
    assert (again.plan, again.budget, again.recipe()) == (solver.plan, solver.budget, recipe)


def test_an_object_cannot_be_sent() -> None:
    solver = Solver(policy="lab-1m", prm=lambda problem, solution: 1.0, strategy="best-of-n")
    with pytest.raises(BadInput, match="the reward model is a Python object, which cannot be sent to another machine"):
        solver.recipe()


def test_a_worker_replies_with_the_solution(tmp_path: Any) -> None:
    given = problems(1)[0]
    problem = {"text": given.text, "id": given.id, "turns": [], "tools": []}
    asked = {"problem": problem, "budget": {"n": 4}, "warning": "careful"}

    async def run() -> tuple[str, str]:
        worker = TTSWorker("worker", str(tmp_path / "missing"))
        return await worker.solve(json.dumps(Solver(**QUICK).recipe()), json.dumps(asked | {"traced": True}))

    kind, text = asyncio.run(run())
    assert kind == SOLVED
    reply = json.loads(text)
    assert "careful" in reply["warnings"]
    assert {event["event"] for event in reply["trace"]} >= {"start", "sample", "end"}
