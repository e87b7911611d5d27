"""Runs read into a pool: costs, classes, and what is left out or refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.recordings.gather import read
from tests.bench.toys import rows, toy_bench
from tts.errors import BadInput
from tts.types import Problem


def row(
    problem: str, solutions: Sequence[Sequence[str]], strategy: str = "best-of-n", **changes: Any
) -> dict[str, Any]:
    """A row of ``tts bench``; the last step of a solution is its answer, each step takes 10 tokens and scores 0.5.

    The policy pays 2 FLOPs a token and the reward model 1, both prompts have 10 tokens.
    """
    candidates = [
        {"key": f"/{k}", "steps": list(steps), "finish": "stop", "answer": steps[-1], "scores": [0.5] * len(steps),
         "score": 0.5, "tokens": 10 * len(steps), "correct": steps[-1] in ("1/2", "0.5"), "class": 0}
        for k, steps in enumerate(solutions)
    ]  # fmt: skip
    sampled, read_ = (
        sum(10 * len(steps) for steps in solutions),
        sum(10 for _ in {tuple(steps[: k + 1]) for steps in solutions for k in range(len(steps))}),
    )
    usage = {"policy_tokens": sampled, "prompt_tokens": 10, "prm_tokens": 10 + read_,
             "policy_flops": 2 * (10 + sampled), "prm_flops": 10 + read_}  # fmt: skip
    plan = {"strategy": strategy, "parameters": {"n": len(solutions), "temperature": 1.0}, "policy": "p", "prm": "r"}
    return {
        "id": problem, "problem": problem, "gold": "1/2", "plan": plan, "candidates": candidates, "answer": None,
        "confidence": 0.0, "correct": False, "usage": usage, "stopped": "complete", "dataset": "d",
    } | changes  # fmt: skip


def written(path: Path, found: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in found))
    return path


def test_what_the_samples_of_a_run_cost_is_what_the_run_cost(tmp_path: Path) -> None:
    with toy_bench(tmp_path / "run") as run:
        run.run()
    pool = read([tmp_path / "run"])
    assert len(pool.entries) == 12
    assert pool.scored
    assert set(pool.parameters) == {("beam-search", 2), ("beam-search", 4)}
    usages = {r["problem"]: r["usage"] for r in rows(tmp_path / "run") if r["job"] == "best-of-n/4"}
    by_id = {Problem(text).id: usage for text, usage in usages.items()}
    for entry in pool.entries:
        usage, samples = by_id[entry.id], entry.samples
        order = np.array([2, 0, 3, 1])
        assert entry.policy_prompt_flops + samples.policy_flops.sum() == pytest.approx(usage["policy_flops"])
        assert entry.prm_prompt_flops + samples.prm_flops(order).sum() == pytest.approx(usage["prm_flops"])
        assert (samples.candidates.classes >= 0).all()


def test_a_step_that_samples_share_is_read_once_by_the_reward_model(tmp_path: Path) -> None:
    # steps of the same length: a, a-b, c and d-e, which are five prefixes, 10 FLOPs each beyond the prompt's 10
    solutions = [["aaa", "1/2"], ["aaa", "7/8"], ["ccc"]]
    [entry] = read([written(tmp_path / "r.jsonl", [row("q", solutions)])]).entries
    assert entry.prm_prompt_flops == 10
    assert entry.samples.prm_flops(np.array([0, 1, 2])) == pytest.approx([20, 10, 10])
    assert entry.samples.prm_flops(np.array([2, 1, 0])) == pytest.approx([10, 20, 10])
    assert entry.samples.prm_flops(np.array([1])) == pytest.approx([20])
    assert entry.samples.policy_flops == pytest.approx([40, 40, 20])
    assert entry.policy_prompt_flops == 20


def test_samples_and_searches_share_one_numbering_of_answers(tmp_path: Path) -> None:
    samples = row("q", [["1/2"], ["7"], ["1/2"]])
    search = row("q", [["0.5"], ["7.0"], ["8"]], "beam-search")
    pool = read([written(tmp_path / "a.jsonl", [samples]), written(tmp_path / "b.jsonl", [search])])
    [entry] = pool.entries
    [found] = entry.searches["beam-search", 3]
    assert entry.samples.candidates.classes.tolist() == [0, 1, 0]
    assert found.candidates.classes.tolist() == [0, 1, 2]
    assert found.candidates.right.tolist() == [True, False, False]
    assert (found.policy_flops, found.prm_flops) == (60, 30)
    assert entry.pass_at_1 == pytest.approx(2 / 3)


def greedy(problem: str, solution: Sequence[str], scored: bool = True) -> dict[str, Any]:
    found = row(problem, [solution], "best-of-n" if scored else "majority")
    found["plan"]["parameters"]["temperature"] = 0
    if not scored:
        found["candidates"][0] |= {"scores": [], "score": None}
        found["usage"] |= {"prm_tokens": 0, "prm_flops": 0}
    return found


def test_samples_of_two_seeds_are_one_wide_run_and_those_of_one_seed_are_not_counted_twice(tmp_path: Path) -> None:
    # the second seed's "aaa" was read for the first, so it adds one step of 10 FLOPs
    first, second = row("q", [["aaa", "1/2"], ["ccc"]]), row("q", [["aaa", "7/8"]])
    second["plan"]["seed"] = 1
    files = [written(tmp_path / f"{k}.jsonl", [each]) for k, each in enumerate((first, second, first))]
    [entry] = read(files).entries
    assert entry.samples.candidates.right.tolist() == [True, False, False]
    assert entry.samples.prm_flops(np.array([0, 1, 2])) == pytest.approx([20, 10, 10])
    assert entry.samples.policy_flops == pytest.approx([40, 20, 40])


def test_a_scored_greedy_answer_stands_before_the_samples_and_is_none_of_them(tmp_path: Path) -> None:
    # it begins as the second sample does: "aaa" is read once whoever comes first, 10 FLOPs a step
    samples = row("q", [["ccc", "1/2"], ["aaa", "1/2"]])
    pool = read([written(tmp_path / "r.jsonl", [samples, greedy("q", ["aaa", "7/8"])])])
    [entry] = pool.entries
    assert pool.greedy
    assert (entry.pass_at_1, entry.width, len(entry.samples)) == (1, 2, 3)
    assert entry.samples.candidates.right.tolist() == [False, True, True]
    assert entry.samples.prm_flops(np.array([0, 1, 2])) == pytest.approx([20, 20, 10])
    assert entry.samples.prm_flops(np.array([2, 0])) == pytest.approx([20, 10])
    assert entry.samples.policy_flops == pytest.approx([40, 40, 40])
    [alone] = entry.searches["majority", 1]
    assert (alone.policy_flops, alone.prm_flops) == (40, 0)
    [fewer] = pool.first(1).entries
    assert (fewer.width, len(fewer.samples)) == (1, 2)


def test_an_unscored_greedy_answer_beside_scored_samples_does_not_vote_with_them(tmp_path: Path) -> None:
    found = [row("q", [["1/2"], ["1/2"]]), greedy("q", ["7"], scored=False)]
    pool = read([written(tmp_path / "r.jsonl", found)])
    assert not pool.greedy
    assert pool.entries[0].pass_at_1 == 1
    assert list(pool.parameters) == [("majority", 1)]
    assert any("greedy answers are unscored" in note for note in pool.notes)


def test_an_unfinished_search_is_left_out_and_so_is_a_problem_that_failed(tmp_path: Path) -> None:
    found = [row(f"q{k}", [["1/2"], ["7"]]) for k in range(10)]
    found += [row(f"q{k}", [["1/2"]], "dvts") for k in range(5)]
    found += [row("broken", [], error="it broke")]
    pool = read([written(tmp_path / "r.jsonl", found)])
    assert len(pool.entries) == 10
    assert not pool.parameters
    assert "1 row that failed left out" in pool.notes
    assert any("dvts at N = 1 was left out: 5 of 10" in note for note in pool.notes)


def changed(found: dict[str, Any], **plan: Any) -> dict[str, Any]:
    return found | {"plan": found["plan"] | plan}


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ([changed(row("q", [["1"]]), policy="other")], "mixes models"),
        ([changed(row("q", [["1"]]), prm="other")], "mixes models"),
        ([changed(row("q", [["1"]]), parameters={"n": 1, "temperature": 0.5})], "samples drawn with other parameters"),
        ([row("q", [["1"]], "dvts"), changed(row("q", [["1"]], "dvts"), parameters={"n": 1})], "other parameters"),
    ],
)
def test_runs_that_do_not_go_together_are_refused(tmp_path: Path, others: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read([written(tmp_path / "r.jsonl", [row("q", [["1/2"]]), *others])])


def test_a_search_that_scores_by_itself_is_left_out_with_a_note(tmp_path: Path) -> None:
    own = changed(row("p", [["1"]], "deepconf"), prm="confidence:lowest-group:2048")
    pool = read([written(tmp_path / "r.jsonl", [row("p", [["1"]]), own])])
    assert not pool.parameters
    assert pool.prm == "r"
    assert any("deepconf was left out" in note for note in pool.notes)


def test_runs_without_independent_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no independent samples"):
        read([written(tmp_path / "r.jsonl", [row("q", [["1"]], "dvts")])])
